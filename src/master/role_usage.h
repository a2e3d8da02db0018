/*
 * What some top level roles and those below them hold of the cluster now: for the checks and
 * effects of quotas.
 *
 * It is counted when an operator changes a quota, in one walk over all agents, tasks and offers:
 * the only thing on the loop, with a change of weights, that costs time in proportion to the
 * cluster (10 ms for 400,000 tasks). To keep it up would make every task dearer.
 */
#ifndef TEPUI_MASTER_ROLE_USAGE_H
#define TEPUI_MASTER_ROLE_USAGE_H

#include "common/arena.h"
#include "common/list.h"
#include "common/map.h"
#include "resources/quantities.h"

struct master;

struct role_usage_entry {
    struct map_link by_role; /* usage->map */
    struct list link;        /* usage->order */
    struct slice role;
    struct quantities consumed; /* what counts against quota: what is in use, and what is reserved
                                   even if it is not (facts/state_machines.md 10) */
    struct quantities offered;
    /* of one agent, while it is counted */
    struct quantities reserved;      /* of its total */
    struct quantities reserved_used; /* of that in use */
    struct list touched;             /* not empty: it has something on this agent */
};

struct role_usage {
    struct map map;
    struct list order;          /* struct role_usage_entry */
    struct quantities capacity; /* non-revocable scalars of all registered agents */
    struct arena arena;
};

/* With no roles in it yet. */
void master_role_usage_init(struct role_usage *usage);
void master_role_usage_deinit(struct role_usage *usage);
/* A top level role, whose text outlives the usage; once more does nothing. */
void master_role_usage_add(struct role_usage *usage, struct slice role);
/* Counts. */
void master_role_usage_count(struct master *master, struct role_usage *usage);
/* The entry of a top level role, NULL if it is not among those added. */
struct role_usage_entry *master_role_usage_find(const struct role_usage *usage, struct slice role);

#endif
