/*
 * Statuses of operations: from agents to frameworks, and acknowledgements back.
 */
#ifndef TEPUI_MASTER_OPERATION_STATUS_H
#define TEPUI_MASTER_OPERATION_STATUS_H

#include "master/operation.h"

/* A status of an operation whose framework is not known waits that long for it, from when the
 * operation was learnt (facts/state_machines.md 1). */
#define OPERATION_ADOPTION_NS (10 * 60 * NS_PER_SEC)

/* UpdateOperationStatusMessage. */
void master_operation_on_status(struct master *master,
                                const Pb__Internal__UpdateOperationStatusMessage *message);
/* The operations of an UpdateSlaveMessage: unknown ones are taken over, missing ones asked for. */
void master_operation_on_list(struct master *master, struct agent *agent,
                              const Pb__Internal__UpdateSlaveMessage__Operations *list);
/* The last status is acknowledged by the master, if it waits for that; a terminal one ends the
 * operation. */
void master_operation_acknowledge_latest(struct master *master, struct operation *operation);

#endif
