/*
 * The tree of roles: what each subtree has allocated and reserved, quota, weights, and the orders
 * of fairness in which a run goes through it.
 *
 * A role is kept while frameworks are in it, something is reserved for it, or it has quota, a
 * weight or subroles. It is listed in its parent's order while an active client is in its subtree.
 * A role that has clients of its own beside subroles competes with them as a virtual leaf, `self`.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_ROLE_H
#define TEPUI_ALLOCATOR_ALLOC_ROLE_H

#include "allocator/alloc_drf.h"
#include "allocator/alloc_kinds.h"
#include "common/map.h"

struct alloc;

struct alloc_role {
    struct map_link link;      /* in alloc.roles, by name */
    struct slice name;         /* "a/b"; owned, terminated; empty for the root */
    uint32_t index;            /* place in alloc.role_list */
    struct alloc_role *parent; /* NULL for the root */
    struct alloc_role *top;    /* its ancestor below the root, or itself */
    uint32_t child_count;
    bool is_nested; /* the name has a slash */

    /* Fairness. Nodes have the ids 2 * index and 2 * index + 1. */
    struct drf_node tree;     /* the subtree, in the parent's order */
    struct drf_node self;     /* the role's own clients, in `order` */
    struct drf_order order;   /* listed subroles, and self */
    struct drf_order clients; /* active clients of this role, by their own ids */
    uint32_t client_count;    /* of this role, active or not */
    uint32_t active_count;    /* active clients in the subtree */
    uint32_t listed_children; /* subroles in `order` */
    uint32_t cursor;          /* of the walk under way: next place in `order` */
    uint64_t tree_chance;     /* for the random sorter: the subtree's part of the whole */
    __uint128_t level_weight; /* for the random sorter: sum of weights in `order` */

    /* Quota; quantities are of the whole subtree. */
    bool has_quota; /* other than no guarantees and no limits */
    bool has_guarantees;
    bool has_limits;
    struct quantities guarantees;
    struct resource_limits limits;
    struct quantities used;        /* unreserved, non-revocable scalars offered or allocated */
    struct quantities reserved;    /* scalars reserved, allocated or not */
    struct quantities unsatisfied; /* guarantees - used - reserved */
    bool is_unsatisfied;           /* that is not empty, and there are active clients of its own */
    uint32_t unsatisfied_place;    /* then: in alloc.unsatisfied */

    bool is_eased; /* its limits leave more room than in the last run: in alloc.eased */

    size_t filter_count;      /* offer filters of its clients */
    struct alloc_kinds kinds; /* cache */
};

/* NULL if the role is not kept. */
struct alloc_role *alloc_role_find(const struct alloc *a, struct slice name);
/* Made with its ancestors if it is not there. To be followed by something that keeps it, or by
 * alloc_role_tidy. */
struct alloc_role *alloc_role_get(struct alloc *a, struct slice name);
/* Removes the role and its ancestors as far as nothing keeps them. */
void alloc_role_tidy(struct alloc *a, struct alloc_role *role);

/* Amounts that an allocation adds to a role. */
struct alloc_role_amounts {
    struct quantities all;   /* scalars: what fairness counts */
    struct quantities quota; /* of these the unreserved, non-revocable ones: what quota counts */
};

void alloc_role_amounts_deinit(struct alloc_role_amounts *amounts);
/* Books them for the role and its ancestors; is_grant counts the allocation. */
void alloc_role_add(struct alloc *a, struct alloc_role *role,
                    const struct alloc_role_amounts *amounts, bool is_grant);
void alloc_role_subtract(struct alloc *a, struct alloc_role *role,
                         const struct alloc_role_amounts *amounts);
/* Books what is reserved in an agent's total, each for its role and the ancestors. */
void alloc_role_add_reservations(struct alloc *a, const struct resources *total);
void alloc_role_subtract_reservations(struct alloc *a, const struct resources *total);

void alloc_role_set_weight(struct alloc *a, struct alloc_role *role, int64_t weight_milli);
void alloc_role_set_quota(struct alloc *a, struct alloc_role *role,
                          const struct quantities *guarantees,
                          const struct resource_limits *limits);

/* How much of a kind roles with guarantees may have beyond the surplus of headroom: the most that
 * is unsatisfied of one of them, if anybody in its subtree wants offers. Before a run. */
void alloc_role_measure_headroom(struct alloc *a);

/* Before a run: clients of roles that have more room are to be asked again. */
void alloc_role_settle_eased(struct alloc *a);

/* An active client was added to, or removed from, role->clients. */
void alloc_role_activated(struct alloc *a, struct alloc_role *role);
void alloc_role_deactivated(struct alloc *a, struct alloc_role *role);

/* What the limits leave, after what is used and reserved. */
void alloc_role_room(const struct alloc_role *role, struct resource_limits *ret_room);
/* Can resources with this kind be allocated to the role? */
bool alloc_role_may_use(const struct alloc_role *role, const struct resource_kind *kind);

/* The root, and the end of it all. */
void alloc_role_init_root(struct alloc *a);
void alloc_role_deinit_all(struct alloc *a);

#endif
