/*
 * Messages of executors of the v0 API.
 */
#ifndef TEPUI_AGENT_EXECUTOR_MESSAGES_H
#define TEPUI_AGENT_EXECUTOR_MESSAGES_H

#include "wire/pb.h"

struct agent;
struct executor;
struct net_event;

void executor_messages_register(struct agent *agent, const struct net_event *event);
void executor_messages_reregister(struct agent *agent, const struct net_event *event);
void executor_messages_update(struct agent *agent, const struct net_event *event);
void executor_messages_to_framework(struct agent *agent, const struct net_event *event);

/* Asks a recovered executor to come back. */
void executor_messages_reconnect(struct executor *executor);
/* Tasks that are STAGING here but not among those the executor knows never reached it: LOST or
 * DROPPED (both APIs). */
void executor_messages_drop_unknown(struct executor *executor, Pb__TaskInfo *const *known,
                                    size_t count);
/* Everything that waits for it is delivered, once its container has room. */
void executor_messages_begin_delivery(struct executor *executor);

#endif
