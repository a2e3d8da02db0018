/*
 * Tasks and task groups on their way to an executor: RunTaskMessage and RunTaskGroupMessage.
 */
#ifndef TEPUI_AGENT_LAUNCH_H
#define TEPUI_AGENT_LAUNCH_H

#include "common/arena.h"
#include "wire/pb.h"

struct agent;
struct agent_setup;
struct net_event;

/* Tasks in one group. */
#define LAUNCH_GROUP_TASKS_MAX 1000

void launch_run_task(struct agent *agent, const struct net_event *event);
void launch_run_task_group(struct agent *agent, const struct net_event *event);

/* The executor that runs a task with a command of its own, in the arena. */
Pb__ExecutorInfo *launch_command_executor(const struct agent_setup *setup,
                                          const Pb__FrameworkInfo *framework,
                                          const Pb__TaskInfo *task, struct arena *arena);
/* The command of the default executor, for `user` (NULL = the agent's). */
Pb__CommandInfo *launch_default_command(const struct agent_setup *setup, const char *user,
                                        struct arena *arena);

#endif
