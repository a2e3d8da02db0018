/*
 * Dominant resource fairness: shares as exact fractions, and sorted orders of nodes by share.
 *
 * A node is a role's subtree, a role itself, or a framework in a role. Its share is the largest
 * amount / total over the kinds of resources, divided by its weight; the lowest share comes first,
 * then the fewest grants, then the name (facts/state_machines.md, 10).
 *
 * An order is a sorted array of node ids. It is brought up to date when it is looked at
 * (drf_order_settle), and stands still until the next time: what is allocated meanwhile only marks
 * nodes as touched. Keys are the nodes' own, as they were when sorted.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_DRF_H
#define TEPUI_ALLOCATOR_ALLOC_DRF_H

#include <stdbool.h>
#include <stdint.h>

#include "resources/quantities.h"

#define DRF_WEIGHT_ONE 1000 /* thousandths */

struct drf_share {
    int64_t amount;       /* allocated of the dominant kind; 0 = nothing of any kind */
    int64_t total;        /* of that kind; > 0 */
    int64_t weight_milli; /* > 0 */
};

/* Below, at or above zero as a is lower than, equal to or higher than b; exact. */
int drf_share_compare(const struct drf_share *a, const struct drf_share *b);

/* A kind that shares are measured by. */
struct drf_kind {
    uint32_t name;
    int64_t total; /* > 0 */
};

/* Between exact settlements, proportions of the totals may be off by one in so many. */
#define DRF_TOLERANCE 256

/*
 * The cluster's totals. Shares are computed with `kinds`, the totals as they were when their
 * proportions last changed: while all grow by the same factor, no order changes. While agents come
 * and go one by one, small changes wait for the next exact settlement, lest each agent have all
 * orders sorted anew.
 */
struct drf_totals {
    struct quantities now;  /* of all agents */
    bool is_changed;        /* `now` changed since drf_totals_settle */
    struct drf_kind *kinds; /* fair ones, ascending by name; heap */
    uint32_t kind_count;
    uint32_t generation; /* counts changes of `kinds` */
    uint32_t *excluded;  /* names that shares do not see; heap */
    uint32_t excluded_count;
};

void drf_totals_init(struct drf_totals *totals);
void drf_totals_deinit(struct drf_totals *totals);
/* --fair_sharing_excluded_resource_names. */
void drf_totals_exclude(struct drf_totals *totals, uint32_t name);
void drf_totals_add(struct drf_totals *totals, const struct quantities *q);
void drf_totals_subtract(struct drf_totals *totals, const struct quantities *q);
/* Begins a new generation if proportions have changed, or unless is_exact, changed noticeably. */
void drf_totals_settle(struct drf_totals *totals, bool is_exact);

struct drf_node {
    struct quantities allocated; /* now */
    uint64_t grants;             /* allocations made so far */
    int64_t weight_milli;        /* > 0 */
    struct slice name;           /* decides between equals; borrowed */
    uint32_t number;             /* decides between equals without a name */
    uint32_t id;                 /* its place in the table of nodes */
    /* As it was sorted: */
    struct drf_share share;
    uint64_t share_grants;
    bool is_listed;  /* in an order */
    bool is_touched; /* listed, and its key may differ from what it was sorted by */
};

/* name and id are the caller's to set. */
void drf_node_init(struct drf_node *node);
void drf_node_deinit(struct drf_node *node);
/* The share with the totals as they are now, weight included. */
struct drf_share drf_node_share(const struct drf_node *node, const struct drf_totals *totals);
/* By the keys they are sorted with. */
int drf_node_compare(const struct drf_node *a, const struct drf_node *b);

#define DRF_TOUCHED_MAX 8 /* more touched nodes than that: the whole order is sorted */

/* Nodes by id; grows. */
struct drf_table {
    struct drf_node **nodes; /* heap; NULL = free */
    uint32_t capacity;
};

void drf_table_deinit(struct drf_table *table);
void drf_table_set(struct drf_table *table, uint32_t id, struct drf_node *node);

struct drf_order {
    uint32_t *ids; /* heap */
    uint32_t count;
    uint32_t capacity;
    uint32_t generation; /* of the totals that it is sorted by */
    bool is_unsorted;    /* by more than the touched ones */
    uint32_t touched_count;
    uint32_t touched[DRF_TOUCHED_MAX];
};

void drf_order_deinit(struct drf_order *order);
void drf_order_add(struct drf_order *order, struct drf_node *node);
void drf_order_remove(struct drf_order *order, const struct drf_table *table,
                      struct drf_node *node);
/* What its key is made of has changed. Fine if the node is not listed. */
void drf_order_touch(struct drf_order *order, struct drf_node *node);
void drf_order_settle(struct drf_order *order, const struct drf_table *table,
                      const struct drf_totals *totals);

#endif
