/*
 * Containers through the operator API: launch, wait, kill, remove; and the answers that come later.
 */
#ifndef TEPUI_AGENT_OPERATOR_CONTAINERS_H
#define TEPUI_AGENT_OPERATOR_CONTAINERS_H

#include "agent/agent_container.h"
#include "agent/operator_api.h"

void operator_launch_container(struct agent *agent, const struct operator_call *call);
void operator_wait_container(struct agent *agent, const struct operator_call *call);
void operator_kill_container(struct agent *agent, const struct operator_call *call);
void operator_remove_container(struct agent *agent, const struct operator_call *call);

/* The container has ended (or is unknown by now). */
void operator_answer_wait(struct agent *agent, const struct agent_container_waiter *waiter,
                          const struct agent_container *container);
/* It runs (why NULL), or does not. Nothing if nobody waits. */
void operator_answer_launch(struct agent *agent, struct agent_container *container,
                            const char *why);
void operator_answer_remove(struct agent *agent, struct agent_container *container, int status,
                            const char *why);

#endif
