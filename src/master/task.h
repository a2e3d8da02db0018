/*
 * Tasks as the master keeps them: a small mutable struct for decisions, and beside it an immutable
 * record of the canonical bytes, which is what readers see.
 *
 * A task is in exactly one place (facts/state_machines.md 2): ACTIVE (on a registered agent; in the
 * framework's map and the agent's list), UNREACHABLE (its agent is; bounded list of the framework)
 * or COMPLETED (bounded list of the framework). Only ACTIVE tasks have a struct task; the others
 * are their record alone, held in the table of tasks.
 */
#ifndef TEPUI_MASTER_TASK_H
#define TEPUI_MASTER_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/blob.h"
#include "common/buf.h"
#include "common/cow.h"
#include "common/err.h"
#include "common/list.h"
#include "common/map.h"
#include "common/uuid.h"
#include "resources/resources.h"
#include "wire/pb.h"

struct master;
struct framework;
struct agent;
struct unreachable_task;

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
    uint64_t order;        /* when it came to this place: rises within a place */
    struct blob *info;     /* encoded mesos.Task without framework_id, agent_id, state, statuses,
                              status_update_state and status_update_uuid; resources in the newer
                              format, with allocation_info */
    struct blob *statuses; /* whole fields `statuses` of mesos.Task, one behind the other, to be
                              spliced as they are; NULL = none */
    struct blob *framework_id; /* text */
    struct blob *agent_id;     /* text */
    uint32_t framework;        /* slot in the table of frameworks */
    uint32_t agent;            /* slot in the table of agents; meaningful while ACTIVE */
    uint32_t id_at;            /* where in info the task's id is */
    uint32_t id_size;
    uint8_t state;               /* enum task_state: newest known */
    uint8_t status_update_state; /* of the update last forwarded to the framework */
    uint8_t place;               /* enum task_place */
    bool has_status_update;      /* status_update_state and _uuid are set */
    bool has_executor;           /* info has an executor_id */
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
    struct map_link by_id; /* framework->tasks, by task id */
    struct list of_agent;  /* agent->tasks */
    struct framework *framework;
    struct agent *agent;
    struct task_record *record; /* owned by the table of tasks */
    struct resources resources; /* with allocation_info; none once they were given back */
    uint32_t slot;              /* in the table of tasks */
    uint32_t mark;              /* the last re-registration that listed it */
    bool killing;               /* a KILL was sent or is to be sent: repeated at re-registration */
};

/* What a new record is made of. References are taken over; statuses may be NULL. */
struct task_parts {
    struct blob *info;
    struct blob *statuses;
    enum task_state state;
    bool has_status_update;
    enum task_state status_update_state;
    struct uuid status_update_uuid;
};

/* A task that is to be launched: STAGING. The TaskInfo has been validated, its resources upgraded
 * and allocated. */
void master_task_parts_of_info(const Pb__TaskInfo *info, struct task_parts *ret_parts);
/* Most tasks of an agent use the same as the one before: what was made of its resources is kept. */
struct task_memo {
    struct buf given;           /* fields `resources` as they came */
    struct slice role;          /* that was put in where none was given */
    struct buf made;            /* the same, canonical */
    struct resources resources; /* the same, parsed */
};

void master_task_memo_deinit(struct task_memo *memo);
/* A task as an agent reports it: 0, or -EINVAL if it or its resources make no sense. `role` (data
 * NULL = none) is put into resources that have no allocation_info. Its resources are those of the
 * memo. */
int master_task_parts_of_task(struct master *master, struct slice task, struct slice role,
                              struct task_memo *memo, struct task_parts *ret_parts,
                              struct err *err) WARN_UNUSED;
void master_task_parts_deinit(struct task_parts *parts);

/* An ACTIVE task; its id must be new to the framework (asserts). Takes over the parts and the
 * resources (of which none are kept if the state is terminal). The allocator is not told. */
struct task *master_task_add(struct master *master, struct framework *framework,
                             struct agent *agent, struct task_parts *parts,
                             struct resources *resources);
/* A task of the past, for the history. Takes over the parts. */
void master_task_add_completed(struct master *master, struct framework *framework,
                               struct slice agent_id, struct task_parts *parts);

/* One update of a task (facts/state_machines.md 2.5). */
struct task_update {
    struct slice status;    /* encoded TaskStatus */
    enum task_state state;  /* its state */
    enum task_state latest; /* newest state known, decides what becomes of the task */
    bool forwarded;         /* the framework was told, and its acknowledgement is awaited */
    struct uuid uuid;       /* with forwarded */
    int source;             /* numbers of TaskStatus.Source and Reason; -1 = not set */
    int reason;
};

/* Resources are given back once it is over or unreachable. */
void master_task_update(struct master *master, struct task *task, const struct task_update *update);
/* Moves it to its framework's unreachable tasks (its agent has departed) or completed ones. */
void master_task_remove(struct master *master, struct task *task, bool unreachable);
/* Counts the end of a task; also of one that never began. */
void master_task_count_end(struct master *master, enum task_state state, int source, int reason);
/* The state that the framework knows. */
enum task_state master_task_forwarded_state(const struct task_record *record);

/* All tasks of a framework that is over are KILLED and completed, also unreachable ones. */
void master_task_end_all(struct master *master, struct framework *framework);
/* An unreachable task is completed with that status; its state changes unless it is terminal. */
void master_task_end_unreachable(struct master *master, struct unreachable_task *task,
                                 struct slice status, enum task_state state);
/* An unreachable task is known no more. Frees it. */
void master_task_forget_unreachable(struct master *master, struct unreachable_task *task);
/* Drops completed and unreachable tasks of a framework. */
void master_task_forget_history(struct master *master, struct framework *framework);
/* A task that the master had given up comes back: it leaves the unreachable and completed ones. */
void master_task_forget_given_up(struct master *master, struct framework *framework,
                                 struct slice id);
struct unreachable_task *master_task_find_unreachable(const struct framework *framework,
                                                      struct slice id);

#endif
