/*
 * How operations are found again at the start.
 */
#ifndef TEPUI_AGENT_OPERATION_RECOVERY_H
#define TEPUI_AGENT_OPERATION_RECOVERY_H

#include "common/tree.h"
#include "wire/pb.h"

struct agent;

/* Takes up those that were checkpointed, and looks through their updates in meta; the agent's id
 * and resources are recovered. What is not checkpointed after all is left to the next commit. 0, or
 * -1 after damage that ends the recovery. */
int operation_recovery(struct agent *agent, const struct tree *meta, Pb__Operation *const *items,
                       size_t count) WARN_UNUSED;

#endif
