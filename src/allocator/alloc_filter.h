/*
 * Offer filters: what a framework refused, for a role, on an agent. Until the filter ends, nothing
 * is offered to it there that is contained in that (facts/state_machines.md, 6).
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_FILTER_H
#define TEPUI_ALLOCATOR_ALLOC_FILTER_H

#include "common/list.h"
#include "common/timers.h"
#include "resources/resources.h"

/* Different refusals of one client on one agent; the oldest is dropped for one more. */
#define ALLOC_FILTERS_OF_ONE_MAX 32

struct alloc;
struct alloc_agent;
struct alloc_client;

/* Refused resources, shared by the filters of one agent that are about the same. */
struct alloc_refused {
    uint32_t refs;
    uint64_t seen_version;      /* of agent->available for which `covers` holds; 0 = none */
    bool covers;                /* all that was available then */
    struct resources resources; /* without allocation */
};

struct alloc_filter {
    struct timer timer; /* in alloc.filter_timers */
    struct alloc_client *client;
    struct alloc_agent *agent;
    struct alloc_refused *refused; /* reference */
    struct list of_client;         /* in client->filters */
    struct alloc_filter *next;     /* of the same client and agent */
};

/* Takes over *refused. Filters that it makes superfluous are dropped. */
void alloc_filter_add(struct alloc *a, struct alloc_client *client, struct alloc_agent *agent,
                      struct resources *refused, int64_t deadline_ns);
/* Is the offer refused? is_whole: it is all that is available. */
bool alloc_filter_is_covered(const struct alloc_agent *agent, const struct alloc_client *client,
                             const struct resources *offer, bool is_whole);
/* Ends those that are due before deadline_ns; their agents are awake then. */
void alloc_filter_expire(struct alloc *a, int64_t before_ns);
/* The client's are gone; it may be asked again (alloc_client_reconsider) by the caller. */
void alloc_filter_drop_client(struct alloc *a, struct alloc_client *client);
void alloc_filter_drop_agent(struct alloc *a, struct alloc_agent *agent);

#endif
