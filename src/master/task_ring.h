/*
 * The completed tasks that a framework is remembered by: slots of the table of tasks, the oldest of
 * which leaves when there are too many. A task that comes back is looked for by its id, and after a
 * partition thousands come back at once: so a hash of the id lies beside each slot, and the records
 * of others are not touched.
 */
#ifndef TEPUI_MASTER_TASK_RING_H
#define TEPUI_MASTER_TASK_RING_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

/* No slot: what it stood for was taken out. */
#define TASK_RING_NONE UINT32_MAX

struct task_ring_place {
    uint32_t slot;
    uint32_t hash; /* of the task's id */
};

/* Zeroed at the start. */
struct task_ring {
    struct task_ring_place *places; /* circular; NULL until something is put */
    size_t capacity;
    size_t first; /* the oldest */
    size_t count; /* also of those that were taken out */
};

void master_task_ring_deinit(struct task_ring *ring);
/* Puts a task behind all others; at most `capacity` of them, the same in each call and not 0. The
 * slot of the one that had to leave, or TASK_RING_NONE. */
uint32_t master_task_ring_put(struct task_ring *ring, size_t capacity, uint32_t slot,
                              struct slice id) WARN_UNUSED;
/* The slot of the i-th, 0 being the oldest, or TASK_RING_NONE if it was taken out. */
uint32_t master_task_ring_at(const struct task_ring *ring, size_t i);
/* The first from the i-th on that may be the task of that id, which its record decides; `count` if
 * there is none. Several tasks, one after the other, may have had the id. */
size_t master_task_ring_find(const struct task_ring *ring, size_t i, struct slice id);
/* Takes the i-th out; the places of others do not change. */
void master_task_ring_take(struct task_ring *ring, size_t i);

#endif
