/*
 * What each top level role holds of the cluster, with those below it: kept up with every task,
 * executor and agent, so that a quota can be checked without a walk over all of them.
 */
#ifndef TEPUI_MASTER_ROLE_TALLY_H
#define TEPUI_MASTER_ROLE_TALLY_H

#include <stdbool.h>

#include "common/map.h"
#include "resources/quantities.h"

struct resources;

struct role_tally {
    struct map entries;         /* by role, of those that hold something (role_tally.c) */
    struct role_entry *last;    /* the one that was counted last; NULL = none */
    struct quantities capacity; /* non-revocable scalars of all registered agents */
};

void master_role_tally_init(struct role_tally *tally, uint64_t seed);
void master_role_tally_deinit(struct role_tally *tally);

/* Tasks and executors begin or cease to use resources, which have their allocation_info. */
void master_role_tally_use(struct role_tally *tally, const struct resources *resources, bool add,
                           struct resource_names *names);
/* The total of a registered agent is part of the cluster, or is no more. */
void master_role_tally_total(struct role_tally *tally, const struct resources *total, bool add,
                             struct resource_names *names);

/* What counts against the quota of a top level role: what is in use, and what is reserved even if
 * it is not (facts/state_machines.md 10). ret_consumed need not be initialized. */
void master_role_tally_consumed(const struct role_tally *tally, struct slice role,
                                struct quantities *ret_consumed);

#endif
