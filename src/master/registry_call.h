/*
 * Operators' changes of what the registry keeps: asked here, answered when they are stored.
 *
 *     handler: validates -> master_registry_call() ... the registry answers, pending.c by type ->
 *     x_stored(): master_registry_call_done(), then the master's own state, the allocator, offers
 *
 * The request is what the registry is told and what is done when it has it: one encoded message,
 * made by the handler of what it has checked. The world may have moved on until the answer: what
 * the request names is looked up again then.
 */
#ifndef TEPUI_MASTER_REGISTRY_CALL_H
#define TEPUI_MASTER_REGISTRY_CALL_H

#include "master/pending.h"
#include "wire/netio.h"

struct master;

/* Whether changes can be stored now; false after a 503: before the registry was recovered the
 * older endpoints are open already (facts/observed.md, high availability 8). */
bool master_registry_call_ready(struct master *master, const struct net_request *request);

/* Asks for an operation. `request` is taken over (NULL = the type says all), the agent's id is
 * referenced (NULL = it is about no agent). `handle`: the HTTP request to be answered; 0 = nobody
 * asked. */
struct pending *master_registry_call(struct master *master, enum registry_op_type type,
                                     struct blob *agent_id, struct blob *request, uint64_t handle);

/* Answers whoever asked: 200, or 500 if the registry has no room for it. Returns `applied`. */
bool master_registry_call_done(struct master *master, const struct pending *pending, bool applied);

#endif
