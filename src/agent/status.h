/*
 * Status updates on their way in: from executors of both kinds, and those that the agent makes
 * itself. Here they are judged, completed (source, container, drain), and change the task; then
 * they go to their stream (updates.h).
 */
#ifndef TEPUI_AGENT_STATUS_H
#define TEPUI_AGENT_STATUS_H

#include "agent/updates.h"

struct agent;

/* An update of the agent's own: TASK_LOST and the like. */
struct status_options {
    const char *framework_id;
    const char *task_id;
    const char *executor_id; /* NULL = not told */
    Pb__TaskState state;
    Pb__TaskStatus__Reason reason;
    const char *message;
    const struct blob *limitation; /* TaskResourceLimitation, or NULL */
};

void status_from_agent(struct agent *agent, const struct status_options *options);
/* For a framework that the agent does not know (reconciliation): straight to its stream. */
void status_from_agent_unknown(struct agent *agent, const struct status_options *options);
/* From an executor; `update` is completed in place (it must live in the step's arena). */
void status_from_executor(struct agent *agent, Pb__Internal__StatusUpdate *update,
                          enum update_from from, const struct upid *pid);
/* The StatusUpdate of an executor's UPDATE call. */
Pb__Internal__StatusUpdate *status_of_call(struct agent *agent, const char *framework_id,
                                           Pb__TaskStatus *status);

#endif
