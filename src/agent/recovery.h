/*
 * From the tree on disk back to frameworks, executors, tasks and update streams (facts: state
 * machines, 8), and the time until the executors are back.
 */
#ifndef TEPUI_AGENT_RECOVERY_H
#define TEPUI_AGENT_RECOVERY_H

#include "agent/agent.h"

/* What a worker found. */
void recovery_begin(struct agent *agent, const struct agent_recovered *recovered);
/* The containerizer has found its containers again. */
void recovery_containers_found(struct agent *agent);
/* At the end of each step of a recovering agent: are all executors back, or over? */
void recovery_check(struct agent *agent);
/* Timers: ask again; give up those that are not back. */
void recovery_ask_again(struct agent *agent);
void recovery_give_up(struct agent *agent);

#endif
