/*
 * The master's messages about reservations, volumes and operations.
 */
#ifndef TEPUI_AGENT_OPERATION_MESSAGES_H
#define TEPUI_AGENT_OPERATION_MESSAGES_H

#include "wire/netio.h"

struct agent;

/* CheckpointResourcesMessage: all that is to be checkpointed, of masters that tell no operations.
 */
void operation_messages_checkpoint(struct agent *agent, const struct net_event *event);
/* ApplyOperationMessage */
void operation_messages_apply(struct agent *agent, const struct net_event *event);
/* ReconcileOperationsMessage */
void operation_messages_reconcile(struct agent *agent, const struct net_event *event);
/* AcknowledgeOperationStatusMessage */
void operation_messages_acknowledge(struct agent *agent, const struct net_event *event);

#endif
