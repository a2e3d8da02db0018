/*
 * The terminal of a command that asked for one: the container's first process reads what the
 * command shows, and writes it to what was stdout before. So it goes on when the agent restarts.
 */
#ifndef TEPUI_CONTAINER_INIT_TERMINAL_H
#define TEPUI_CONTAINER_INIT_TERMINAL_H

#include <signal.h>

#include "container/apply_linux.h"

struct terminal {
    int fd; /* -1 = there is none */
    int output;
    int signals; /* tells of blocked signals */
};

/* In the child: it becomes the command's stdio. */
int terminal_enter(const struct apply *apply, struct err *err);
/* In the first process, after the fork: takes over the terminal's descriptors, and needs its own
 * stdout no more. `signals` are blocked. */
void terminal_init(struct terminal *terminal, const struct apply *apply, const sigset_t *signals);
/* Waits for a signal; what is shown is passed on meanwhile. The signal's number, or -1. */
int terminal_wait(struct terminal *terminal, const sigset_t *signals);
/* Passes on what is left when the command has ended. */
void terminal_drain(struct terminal *terminal);

#endif
