/*
 * Folders that wait for their removal (facts: default numbers, sandbox GC). One goes when
 * `gc_delay` has passed since its end; earlier when the disk fills: what is older than
 * gc_delay x max(0, 1 - headroom - usage) goes at each look at the disk.
 */
#ifndef TEPUI_AGENT_GC_H
#define TEPUI_AGENT_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/list.h"
#include "common/map.h"

struct agent;

struct gc_entry {
    struct map_link by_path;
    struct list link; /* ascending by the end of what is in it */
    char *path;       /* heap */
    char *root;       /* heap; between it and the path are folders of a user's; NULL = none */
    int64_t ended_ns; /* wall clock */
    uint64_t token;   /* of its removal; 0 = still waiting */
};

struct gc {
    struct map entries;
    struct list waiting;  /* by age, oldest first */
    struct list removing; /* ascending tokens */
    int64_t age_max_ns;   /* what is older goes; of the last look at the disk */
};

void gc_init(struct gc *gc, int64_t gc_delay_ns, uint64_t seed);
void gc_deinit(struct gc *gc);

/* The folder ended at that time (wall clock). One that waits already gets the new time. */
void gc_schedule(struct agent *agent, const char *path, int64_t ended_ns);
/* One in a sandbox, `root` (store_op.root). */
void gc_schedule_below(struct agent *agent, const char *root, const char *path, int64_t ended_ns);
bool gc_is_scheduled(const struct agent *agent, const char *path);
/* It is used again. */
void gc_unschedule(struct agent *agent, const char *path);
/* The timer, and the shell's answer about the disk (-1 = unknown). */
void gc_timer(struct agent *agent);
void gc_disk_usage(struct agent *agent, int64_t usage_ppm);
/* A file operation is done; false if it was none of gc's. */
bool gc_removed(struct agent *agent, uint64_t token, int status);

#endif
