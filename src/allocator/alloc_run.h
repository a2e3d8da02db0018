/*
 * Runs: which agents are visited, and the batch of offers that comes of it.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_RUN_H
#define TEPUI_ALLOCATOR_ALLOC_RUN_H

#include "allocator/alloc_agent.h"
#include "allocator/alloc_client.h"
#include "tepui/allocator.h"

#define ALLOC_DRAFT_NONE UINT32_MAX

/* An offer of the run under way, in the order in which they are made. */
struct alloc_draft {
    struct alloc_client *client;
    uint32_t agent_id;
    uint32_t next;              /* of the same agent, or ALLOC_DRAFT_NONE */
    struct resources resources; /* with allocation */
};

struct alloc_batch {
    struct alloc_draft *drafts; /* heap */
    uint32_t draft_count;
    uint32_t draft_capacity;
    struct allocator_offer *offers; /* by framework; resources point into drafts; heap */
    uint32_t offer_capacity;
    struct allocator_inverse_offer *inverse; /* heap */
    uint32_t inverse_count;
    uint32_t inverse_capacity;
};

/* Drops what the last run made. */
void alloc_batch_clear(struct alloc_batch *batch);
void alloc_batch_deinit(struct alloc_batch *batch);
/* Makes what the agent keeps about a run that of this one. */
void alloc_batch_begin_agent(const struct alloc *a, struct alloc_agent *agent);
/* Takes over *r, which is with allocation; combined with what the client was offered on the agent
 * in this run. */
void alloc_batch_add(struct alloc *a, struct alloc_agent *agent, struct alloc_client *client,
                     struct resources *r);

/* The agent, or all agents, are to be visited at once. Not while paused: then the interval does. */
void alloc_run_ask(struct alloc *a, struct alloc_agent *agent);
void alloc_run_ask_all(struct alloc *a);
/* The agent is going. */
void alloc_run_forget(struct alloc *a, struct alloc_agent *agent);
bool alloc_run_is_asked(const struct alloc *a);
/* For all agents, or those that were asked for; inverse offers as well. */
void alloc_run(struct alloc *a, int64_t now_ns, bool is_for_all);

#endif
