/*
 * Resources as records hold them: encoded fields, one behind the other. Most tasks use the same as
 * others, so what is made of such a run of bytes is made once. For workers.
 */
#ifndef TEPUI_MASTER_VIEW_RUNS_H
#define TEPUI_MASTER_VIEW_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/map.h"
#include "resources/resources.h"

struct view_run {
    struct map_link by_bytes;   /* in the runs */
    struct slice bytes;         /* the key: in a record of the snapshot */
    struct resources resources; /* the same, parsed */
    struct slice role;          /* that the first is allocated to; in `bytes`, empty = none */
    struct buf json;            /* as the older endpoints show them; empty = not made yet */
    struct buf split;           /* of totals: members that split them by reservation; likewise */
    uint32_t number;            /* of the run, from 0 */
    bool is_plain;              /* scalars only, which simply add up */
};

struct view_runs {
    struct map map;              /* struct view_run by bytes */
    struct arena arena;          /* holds the runs */
    struct resource_kinds kinds; /* the pool */
    struct view_run **items;     /* by number; heap */
    size_t count;
    size_t capacity;
    struct view_run *last; /* found last: the next is often the same */
};

/* The seed is that of the index by bytes. */
void master_view_runs_init(struct view_runs *runs, uint64_t seed);
void master_view_runs_deinit(struct view_runs *runs);

/* The run of these bytes, which are fields `number` and live as long as the runs. */
struct view_run *master_view_run(struct view_runs *runs, struct slice bytes, uint32_t number);
/* What the older endpoints show of it. */
struct slice master_view_run_json(struct view_run *run);
/* Adds it `count` times. */
void master_view_run_add(const struct view_run *run, uint64_t count, struct resources *sum);

/* The fields `number` of a message, where they stand one behind the other; the empty slice if there
 * are none. Fields of that number that stand apart are not seen: canonical messages have none. */
struct slice master_view_run_find(struct slice message, uint32_t number);

#endif
