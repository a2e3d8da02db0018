/*
 * What becomes of tasks and executors when their agent is lost (facts/state_machines.md 2.1).
 */
#ifndef TEPUI_MASTER_TASKS_LOST_H
#define TEPUI_MASTER_TASKS_LOST_H

struct master;
struct agent;
struct agent_end;
struct departed;

/* The link broke: tasks of frameworks that do not checkpoint are LOST. */
void master_tasks_lost_unsaved(struct master *master, struct agent *agent);
/* The agent is removed, unreachable or gone: all its tasks are. */
void master_tasks_lost_all(struct master *master, struct agent *agent, const struct agent_end *end);
/* An agent that was unreachable is gone by an operator: so are its tasks. */
void master_tasks_lost_gone(struct master *master, struct departed *departed, const char *message);
/* An agent that was unreachable is forgotten: its tasks are not known any more. */
void master_tasks_lost_forget(struct master *master, struct departed *departed);

#endif
