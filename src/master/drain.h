/*
 * Operators take agents out of use: DRAIN_AGENT, DEACTIVATE_AGENT, REACTIVATE_AGENT (facts/
 * state_machines.md 3). The registry has it first; then the agent is not offered, and an agent that
 * is drained is told to kill its tasks (DrainSlaveMessage), also whenever it comes back. When its
 * last task is over and acknowledged it is DRAINED, or gone.
 */
#ifndef TEPUI_MASTER_DRAIN_H
#define TEPUI_MASTER_DRAIN_H

#include "master/agent_drain.h"
#include "master/operator_call.h"

struct agent;
struct master;
struct pending;
struct registry_agent;

operator_handle_fn master_drain_agent;      /* DRAIN_AGENT */
operator_handle_fn master_drain_deactivate; /* DEACTIVATE_AGENT */
operator_handle_fn master_drain_reactivate; /* REACTIVATE_AGENT */

/* The registry has answered, each for its operation. */
void master_drain_begun(struct master *master, const struct pending *pending, bool applied);
void master_drain_ended(struct master *master, const struct pending *pending, bool applied);
void master_drain_deactivated(struct master *master, const struct pending *pending, bool applied);
void master_drain_reactivated(struct master *master, const struct pending *pending, bool applied);

/* What the registry has of an agent. The result is to be deinitialized. */
struct agent_drain master_drain_recovered(struct master *master,
                                          const struct registry_agent *known);
/* A registered agent is back: it is told again, and may be drained already. Those with resource
 * providers tell what they have later, in UpdateSlaveMessage. */
void master_drain_returned(struct master *master, struct agent *agent);
/* A registered agent has less to do: if it drains, and nothing is left, that is over. */
void master_drain_check(struct master *master, struct agent *agent);

#endif
