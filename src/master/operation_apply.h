/*
 * What operations do to an agent's total, and how the agent is told of them.
 */
#ifndef TEPUI_MASTER_OPERATION_APPLY_H
#define TEPUI_MASTER_OPERATION_APPLY_H

#include "master/operation.h"
#include "resources/resource_operation.h"

enum { OPERATION_APPLY_E = 1 }; /* it cannot be done: err tells why */

/* An operation on an agent while it is looked at: resources without allocation_info, so that they
 * are those of the agent's total. */
struct operation_change {
    struct resources consumed;
    struct resources converted;
    struct resources total; /* of the agent, once it is done */
};

/* Could the agent be sent an operation now? 0 or OPERATION_APPLY_E. */
int master_operation_check_agent(const struct agent *agent, struct err *err) WARN_UNUSED;
/* What the operation would do to the agent's total: 0 or OPERATION_APPLY_E. */
int master_operation_plan(struct master *master, const struct agent *agent,
                          const Pb__Offer__Operation *op, struct operation_change *ret_change,
                          struct err *err) WARN_UNUSED;
void master_operation_change_deinit(struct operation_change *change);
/* Does it: the total is taken over, and the agent is told. The allocator knows already. The
 * framework is NULL for an operator. */
void master_operation_apply(struct master *master, struct agent *agent, struct framework *framework,
                            const Pb__Offer__Operation *op, struct operation_change *change);
/* The agent did not do it: what the master assumed is taken back, with offers that hold it. */
void master_operation_undo(struct master *master, struct operation *operation);
/* Its agent has told what it has: nothing is assumed of it any more. */
void master_operation_confirm_all(struct agent *agent);

/* Takes resources that are not offered to anybody, or that are by rescinding offers one by one, and
 * makes others of them in the allocator's books. False if they are in use, and then nothing but
 * offers has changed. */
bool master_operation_convert_free(struct master *master, struct agent *agent,
                                   const struct resources *consumed,
                                   const struct resources *converted);
/* Offers of the agent that hold one of these volumes, however often it is shared, are rescinded. */
void master_operation_rescind_holders(struct master *master, struct agent *agent,
                                      const struct resources *volumes);
/* All that an agent that knows no operations has to store. */
void master_operation_send_checkpointed(struct master *master, const struct agent *agent);

/* The rules of the operation, on that agent: 0 or OPERATION_APPLY_E. The framework is NULL for an
 * operator, the principal NULL for nobody. */
int master_operation_validate(struct master *master, const struct agent *agent,
                              const struct framework *framework, const char *principal,
                              const Pb__Offer__Operation *op, struct err *err) WARN_UNUSED;

#endif
