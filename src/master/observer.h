/*
 * Health of agents (facts/state_machines.md 3): a ping every --agent_ping_timeout from a pid of its
 * own, slave-observer(n); after --max_agent_ping_timeouts without a pong it is to be unreachable.
 */
#ifndef TEPUI_MASTER_OBSERVER_H
#define TEPUI_MASTER_OBSERVER_H

#include "common/slice.h"
#include "wire/upid.h"

struct master;
struct agent;

/* A new observer, and its first ping. */
void master_observer_start(struct master *master, struct agent *agent);
/* The agent is told that it is disconnected, so that it registers once more. */
void master_observer_send_away(struct master *master, const struct agent *agent);
/* The time for a pong is over: the next ping. */
void master_observer_timeout(struct master *master, struct agent *agent);
/* The agent was disconnected and is registered again: the ping that is out went to nobody and does
 * not count, so that it has the time of one more to answer. Those missed before still count: who
 * comes and goes and never answers becomes unreachable. (The original counts that ping, too, and
 * can give up an agent that came back seconds before.) */
void master_observer_returned(struct agent *agent);
/* A PongSlaveMessage to the actor `to`. */
void master_observer_pong(struct master *master, const struct upid *from, const char *to);
/* Is the id that of an observer? */
bool master_observer_is(struct slice id);

#endif
