/*
 * Messages about frameworks, and between frameworks and executors.
 */
#ifndef TEPUI_AGENT_FRAMEWORK_MESSAGES_H
#define TEPUI_AGENT_FRAMEWORK_MESSAGES_H

#include "common/slice.h"

struct agent;
struct executor;
struct net_event;

void framework_messages_update(struct agent *agent, const struct net_event *event);
void framework_messages_to_executor(struct agent *agent, const struct net_event *event);
void framework_messages_acknowledge(struct agent *agent, const struct net_event *event);

/* An executor's message to its scheduler: directly, or through the master. */
void framework_messages_from_executor(struct agent *agent, const char *framework_id,
                                      const char *executor_id, struct slice data);

#endif
