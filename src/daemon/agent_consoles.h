/*
 * The pipes and terminals of containers that clients are attached to (agent/console.h): made when
 * such a container is launched, read and written from the loop until it has ended.
 *
 * Output is told piece by piece, up to what a read gives. Input that the container does not take is
 * kept, and the request that brings it is paused meanwhile.
 */
#ifndef TEPUI_DAEMON_AGENT_CONSOLES_H
#define TEPUI_DAEMON_AGENT_CONSOLES_H

#include "agent/agent.h"
#include "net/loop.h"

struct event_base;

/* Input kept for one container before its request is paused. */
#define AGENT_CONSOLE_INPUT_SIZE_MAX (64u << 10)

struct agent_consoles {
    struct event_base *base;
    void (*on_event)(void *arg, const struct agent_event *event);
    void (*pause)(void *arg, uint64_t handle, bool paused);
    void *arg;
    struct list list; /* of struct agent_console */
};

void agent_consoles_init(struct agent_consoles *consoles);
/* Closes all; nobody is told. */
void agent_consoles_deinit(struct agent_consoles *consoles);

/* A LAUNCH of an attached container: its spec gets stdio. 0 or -errno. */
int agent_consoles_prepare(struct agent_consoles *consoles, struct container_request *request,
                           struct err *err) WARN_UNUSED;
/* Before the report goes to the core: begins to read with LAUNCHED; tells all that is left, and
 * closes, with TERMINATED. */
void agent_consoles_report(struct agent_consoles *consoles, const struct container_report *report);
/* AGENT_ASK_INPUT, AGENT_ASK_WINDOW */
void agent_consoles_input(struct agent_consoles *consoles, const struct agent_ask *ask);
void agent_consoles_window(struct agent_consoles *consoles, const struct agent_ask *ask);

#endif
