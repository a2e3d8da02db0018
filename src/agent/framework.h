/*
 * A framework, as long as it has executors here; then it is among the completed ones.
 *
 *     FRAMEWORK_RUNNING -> FRAMEWORK_TERMINATING
 */
#ifndef TEPUI_AGENT_FRAMEWORK_H
#define TEPUI_AGENT_FRAMEWORK_H

#include "agent/executor.h"

enum framework_state { FRAMEWORK_RUNNING, FRAMEWORK_TERMINATING };

struct framework {
    struct map_link by_id; /* in the agent, while not completed */
    struct list link;      /* in the agent: framework_order, or completed */
    struct agent *agent;
    char *id; /* heap */
    enum framework_state state;
    struct blob *info; /* FrameworkInfo */
    char *user;        /* heap */
    bool checkpoint;
    bool partition_aware;
    struct upid pid;      /* id "" = it is reached through the master */
    struct map executors; /* by id */
    struct list executor_order;
    struct map tasks;      /* of struct task, by id; not COMPLETED ones */
    struct list completed; /* of struct executor, oldest first */
    size_t completed_count;
};

/* The framework with that id, or NULL. */
struct framework *framework_find(const struct agent *agent, const char *id);
/* With its info; pid "" = none. Takes over what is remembered of a completed one of the same id. */
struct framework *framework_new(struct agent *agent, const Pb__FrameworkInfo *info,
                                const char *pid);
struct framework *framework_free(struct framework *framework);
void framework_set_info(struct framework *framework, const Pb__FrameworkInfo *info);
void framework_set_pid(struct framework *framework, const char *pid);
/* Writes framework.info and framework.pid. */
void framework_checkpoint(struct framework *framework);

struct executor *framework_find_executor(const struct framework *framework, const char *id);
struct task *framework_find_task(const struct framework *framework, const char *id);
/* The only role, if it has just one; NULL otherwise. Of an info. */
const char *framework_single_role(const Pb__FrameworkInfo *info);

/* Nothing of it is left: to the completed ones, folders to gc. */
void framework_retire_if_idle(struct framework *framework);
/* Asks its executors to end; updates are no longer sent. */
void framework_shut_down(struct framework *framework);

/* TASK_DROPPED for frameworks that know it, TASK_LOST for others; TASK_GONE likewise. */
Pb__TaskState framework_dropped(const struct framework *framework);
Pb__TaskState framework_gone(const struct framework *framework);

#endif
