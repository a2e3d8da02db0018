/*
 * One client's turn on one agent: may it have offers of the agent, what would it get, does it want
 * that. What it gets is booked and goes into the batch.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_OFFER_H
#define TEPUI_ALLOCATOR_ALLOC_OFFER_H

#include <stdbool.h>

struct alloc;
struct alloc_agent;
struct alloc_client;

enum alloc_stage {
    ALLOC_STAGE_GUARANTEES, /* only what helps to meet the guarantee, and what goes with it */
    ALLOC_STAGE_ALL,
};

enum alloc_verdict {
    ALLOC_OFFERED,   /* all it may have: it would refuse what is left */
    ALLOC_REFUSED,   /* and will refuse any part of what is available, until alloc_client_doubt */
    ALLOC_HELD_BACK, /* offered or refused, but it may have more when guarantees of others need less
                        headroom, or in the next run */
    ALLOC_NOTHING,   /* nothing here helps to meet the guarantee */
};

/* Is so much needed as headroom that nobody can be offered enough of the agent? */
bool alloc_offer_is_held_back(const struct alloc *a, const struct alloc_agent *agent);
enum alloc_verdict alloc_offer(struct alloc *a, struct alloc_agent *agent,
                               struct alloc_client *client, enum alloc_stage stage);

#endif
