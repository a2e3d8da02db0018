/*
 * Moves of resources between what is available on an agent and what frameworks hold, entered in all
 * books at once: the agent's, the framework's client's, the roles'.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_LEDGER_H
#define TEPUI_ALLOCATOR_ALLOC_LEDGER_H

#include "allocator/alloc_agent.h"

struct alloc_client;

/* The framework holds them from now on. What is available is the caller's to change. */
void alloc_ledger_hold(struct alloc *a, struct alloc_agent *agent, uint32_t framework_id,
                       const struct resources *r, bool is_grant);
/* The same for an offer: all of r is allocated to the client's role. */
void alloc_ledger_grant(struct alloc *a, struct alloc_agent *agent, struct alloc_client *client,
                        const struct resources *r);
/* The framework holds them no more; amounts must be held (asserts). held may be gone after it. What
 * is available is the caller's to change. */
void alloc_ledger_release(struct alloc *a, struct alloc_held *held, const struct resources *r);
/* A framework has become known: what it holds according to agents is entered. */
void alloc_ledger_adopt(struct alloc *a, struct alloc_framework *framework);
/* Releases all that a framework holds, and makes it available. */
void alloc_ledger_release_framework(struct alloc *a, struct alloc_framework *framework);
/* Releases all that is held on an agent. */
void alloc_ledger_release_agent(struct alloc *a, struct alloc_agent *agent);

/* The role's name as the allocation of an entry, which must have one (asserts). */
struct slice alloc_ledger_role(const struct resource *r);

#endif
