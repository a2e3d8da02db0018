/*
 * Kills of tasks: by the scheduler, and by a drain.
 */
#ifndef TEPUI_AGENT_KILL_H
#define TEPUI_AGENT_KILL_H

#include "wire/pb.h"

struct agent;
struct net_event;
struct task;

void kill_task(struct agent *agent, const struct net_event *event);
/* policy NULL = the task's own. */
void kill_known(struct task *task, Pb__KillPolicy *policy);
/* DrainSlaveMessage: kills everything, and refuses what comes. */
void kill_drain(struct agent *agent, const struct net_event *event);
/* The same with a config of before the agent's restart. */
void kill_drain_again(struct agent *agent);

#endif
