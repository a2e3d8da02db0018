/*
 * A maintenance schedule as bytes (mesos.maintenance.Schedule), and what tells its machines apart.
 * Shared by the registry and the master, which keep the same schedule.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_SCHEDULE_H
#define TEPUI_REGISTRY_REGISTRY_SCHEDULE_H

#include <stdbool.h>

#include "common/buf.h"
#include "wire/cursor.h"

/* Appends what tells a machine apart: those with the same host name, in upper or lower case, and
 * the same address are one. `id` is an encoded MachineID. */
void registry_schedule_key(struct slice id, struct buf *out);

/* All machines of a schedule, in order. */
struct registry_schedule_walk {
    struct cursor windows;       /* of the schedule */
    struct cursor machines;      /* of one window */
    struct slice unavailability; /* of that window, encoded */
};
struct registry_schedule_walk registry_schedule_begin(struct slice schedule);
/* An encoded MachineID; false at the end. */
bool registry_schedule_next(struct registry_schedule_walk *walk, struct slice *ret_id);

/* Whether the machine of that key is to leave a schedule. */
typedef bool registry_schedule_leaves_fn(void *arg, struct slice key);
/* Appends the schedule without those machines, and without the windows that are empty then; nothing
 * if no window is left. */
void registry_schedule_cut(struct slice schedule, registry_schedule_leaves_fn *leaves, void *arg,
                           struct buf *out);

#endif
