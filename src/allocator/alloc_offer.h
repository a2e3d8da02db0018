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
    ALLOC_OFFERED,
    ALLOC_OFFERED_PART, /* quota held something back */
    ALLOC_REFUSED,      /* and will refuse any part of what is available */
    ALLOC_HELD_BACK,    /* refused, but quota held something back */
    ALLOC_NOTHING,      /* nothing here helps to meet the guarantee */
};

enum alloc_verdict alloc_offer(struct alloc *a, struct alloc_agent *agent,
                               struct alloc_client *client, enum alloc_stage stage);

#endif
