/*
 * Calls of the operator API that only read, and the level of logging.
 */
#ifndef TEPUI_AGENT_OPERATOR_READS_H
#define TEPUI_AGENT_OPERATOR_READS_H

#include "agent/operator_api.h"

void operator_get_health(struct agent *agent, const struct operator_call *call);
void operator_get_flags(struct agent *agent, const struct operator_call *call);
void operator_get_version(struct agent *agent, const struct operator_call *call);
void operator_get_metrics(struct agent *agent, const struct operator_call *call);
void operator_get_logging_level(struct agent *agent, const struct operator_call *call);
void operator_set_logging_level(struct agent *agent, const struct operator_call *call);
void operator_get_state(struct agent *agent, const struct operator_call *call);
void operator_get_tasks(struct agent *agent, const struct operator_call *call);
void operator_get_executors(struct agent *agent, const struct operator_call *call);
void operator_get_frameworks(struct agent *agent, const struct operator_call *call);
void operator_get_agent(struct agent *agent, const struct operator_call *call);
void operator_get_operations(struct agent *agent, const struct operator_call *call);
void operator_get_resource_providers(struct agent *agent, const struct operator_call *call);

#endif
