/*
 * The default executor: runs groups of tasks (pods), each task in a container nested in the
 * executor's own, which the agent launches, waits for and kills on its behalf over the agent's API
 * (facts/state_machines.md section 2.3, facts/observed.md "Tasks, executors" 2, 6, 8-9).
 * A pure core: events in, effects out.
 */
#ifndef TEPUI_EXECUTOR_DEFAULT_EXECUTOR_H
#define TEPUI_EXECUTOR_DEFAULT_EXECUTOR_H

#include "executor/exec_session.h"

struct default_executor;

struct default_executor *default_executor_new(const struct exec_options *options) WARN_UNUSED;
struct default_executor *default_executor_free(struct default_executor *executor);
void default_executor_step(struct default_executor *executor, const struct now *now,
                           const struct exec_event *event, struct exec_effects *effects);
int64_t default_executor_deadline(const struct default_executor *executor);

#endif
