/*
 * A client is one framework in one role: what roles' orders of frameworks consist of, and what
 * filters and refusals belong to. It is there while the framework is subscribed to the role or
 * holds something that is allocated to it; it is active, and so in the role's order, while offers
 * may be made to it.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_CLIENT_H
#define TEPUI_ALLOCATOR_ALLOC_CLIENT_H

#include "allocator/alloc_drf.h"
#include "common/list.h"

struct alloc;
struct alloc_framework;
struct alloc_role;
struct resources;

/* What an offer must contain: any one of the items. No items: anything will do. */
struct alloc_minimum {
    struct quantities *items; /* heap */
    size_t count;
    bool has_extra; /* some item names a kind that is not common */
};

/* Replaces it by copies. */
void alloc_minimum_set(struct alloc_minimum *minimum, const struct quantities *items, size_t count);
void alloc_minimum_deinit(struct alloc_minimum *minimum);
/* Could it be met, if there is this much of the common kinds at most, and any amount of others? */
bool alloc_minimum_is_near(const struct alloc_minimum *minimum,
                           const int64_t bounds[RESOURCE_NAMES_COMMON]);
bool alloc_minimum_is_met(const struct alloc_minimum *minimum, const struct resources *r,
                          struct resource_names *names);

struct alloc_client {
    struct drf_node node; /* in role->clients; its id is the client's */
    struct alloc_framework *framework;
    struct alloc_role *role;
    bool is_subscribed;
    bool is_suppressed;
    bool is_active;      /* subscribed, not suppressed, and the framework active */
    bool may_be_refused; /* an agent may have noted that it refuses */
    bool has_minimum;    /* of its own, instead of the allocator's */
    struct alloc_minimum minimum;
    struct list filters; /* alloc_filter.of_client */
};

/* NULL if there is none. */
struct alloc_client *alloc_client_find(const struct alloc_framework *framework,
                                       const struct alloc_role *role);
/* Made if there is none: not subscribed, to be followed by what keeps it. */
struct alloc_client *alloc_client_get(struct alloc *a, struct alloc_framework *framework,
                                      struct alloc_role *role);
/* Takes it into the order, or out of it, after what makes it active has changed. */
void alloc_client_refresh(struct alloc *a, struct alloc_client *client);
/* A minimum of its own; NULL = the allocator's. */
struct allocator_offer_filter;
void alloc_client_set_minimum(struct alloc *a, struct alloc_client *client,
                              const struct allocator_offer_filter *filter);
/* What it refused, it may want now: it is asked again, from the next run on. */
void alloc_client_doubt(struct alloc *a, struct alloc_client *client);
/* Before a run: refusals of doubted clients are forgotten, and the agents that they refused wake.
 */
void alloc_client_settle_doubts(struct alloc *a);
/* Removes it if it is not subscribed and holds nothing, and its role if nothing else keeps that. */
void alloc_client_tidy(struct alloc *a, struct alloc_client *client);

#endif
