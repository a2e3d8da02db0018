/*
 * Tasks as the master keeps them: a small mutable struct for decisions, and beside it an immutable
 * record of the canonical bytes, which is what readers see.
 *
 * A task is in exactly one place (facts/state_machines.md 2): ACTIVE (on a registered agent; in the
 * framework's map and the agent's list), UNREACHABLE (its agent is; bounded list of the framework) or
 * COMPLETED (bounded list of the framework). Only ACTIVE tasks have a struct task; the others are
 * their record alone, held in the table of tasks.
 */
#ifndef TEPUI_MASTER_TASK_H
#define TEPUI_MASTER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/blob.h"
#include "common/cow.h"
#include "common/list.h"
#include "common/map.h"
#include "common/uuid.h"
#include "resources/resources.h"

struct master;
struct framework;
struct agent;
struct executor;

/* The numbers of mesos.TaskState. */
enum task_state {
    TASK_STATE_STARTING = 0,
    TASK_STATE_RUNNING = 1,
    TASK_STATE_FINISHED = 2,
    TASK_STATE_FAILED = 3,
    TASK_STATE_KILLED = 4,
    TASK_STATE_LOST = 5,
    TASK_STATE_STAGING = 6,
    TASK_STATE_ERROR = 7,
    TASK_STATE_KILLING = 8,
    TASK_STATE_DROPPED = 9,
    TASK_STATE_UNREACHABLE = 10,
    TASK_STATE_GONE = 11,
    TASK_STATE_GONE_BY_OPERATOR = 12,
    TASK_STATE_UNKNOWN = 13,
};
#define TASK_STATES 14

enum task_place { TASK_ACTIVE, TASK_PLACE_UNREACHABLE, TASK_PLACE_COMPLETED };

/* Immutable; replaced in the table of tasks whenever the task changes. */
struct task_record {
    struct cow_value value;
    uint64_t order;           /* when it came to this place: rises within a place */
    struct blob *info;        /* encoded mesos.Task without framework_id, agent_id, state, statuses,
                                 status_update_state and status_update_uuid; resources in the newer
                                 format, with allocation_info */
    struct blob *statuses;    /* whole fields `statuses` of mesos.Task, one behind the other, to be
                                 spliced as they are; NULL = none */
    struct blob *framework_id; /* text */
    struct blob *agent_id;     /* text */
    uint32_t framework;       /* slot in the table of frameworks */
    uint32_t agent;           /* slot in the table of agents; meaningful while ACTIVE */
    uint32_t id_at;           /* where in info the task's id is */
    uint32_t id_size;
    uint8_t state;            /* enum task_state: newest known */
    uint8_t status_update_state; /* of the update last forwarded to the framework */
    uint8_t place;            /* enum task_place */
    bool has_status_update;   /* status_update_state and _uuid are set */
    bool has_executor;        /* info has an executor_id */
    struct uuid status_update_uuid;
};

static inline struct slice task_record_id(const struct task_record *record)
{
    return slice_make(record->info->data + record->id_at, record->id_size);
}

/* Appends the whole mesos.Task. Any thread. */
void master_task_encode(const struct task_record *record, struct buf *out);
/* Whether the task holds resources: ACTIVE and not in a terminal state. */
bool master_task_is_using(const struct task_record *record);
bool master_task_state_is_terminal(enum task_state state);
const char *master_task_state_name(enum task_state state); /* "TASK_RUNNING" */

/* Loop only. */
struct task {
    struct map_link by_id;      /* framework->tasks, by task id */
    struct list of_agent;       /* agent->tasks */
    struct framework *framework;
    struct agent *agent;
    struct executor *executor;  /* NULL for command tasks, and once the executor has gone */
    struct task_record *record; /* owned by the table of tasks */
    struct resources resources; /* with allocation_info; none once they were given back */
    uint32_t slot;              /* in the table of tasks */
    bool killing;               /* a KILL was sent or is to be sent: repeated at re-registration */
};

#endif
