/*
 * The command executor: runs one command as a task, and tells how it goes (facts/state_machines.md
 * section 2.3). A pure core: events in, effects out.
 */
#ifndef TEPUI_EXECUTOR_COMMAND_EXECUTOR_H
#define TEPUI_EXECUTOR_COMMAND_EXECUTOR_H

#include "executor/exec_session.h"

struct command_executor;

struct command_executor *command_executor_new(const struct exec_options *options) WARN_UNUSED;
struct command_executor *command_executor_free(struct command_executor *executor);
void command_executor_step(struct command_executor *executor, const struct now *now,
                           const struct exec_event *event, struct exec_effects *effects);
int64_t command_executor_deadline(const struct command_executor *executor);

#endif
