/*
 * What some top level roles, with those below them, have and are offered now: for what follows from
 * a change of their quotas. Offers are counted in one walk over all of them.
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
    struct quantities consumed; /* role_tally.h */
    struct quantities offered;
};

struct role_usage {
    struct map map;
    struct list order; /* struct role_usage_entry */
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
