/*
 * A task of an executor: from RunTaskMessage until its last update is acknowledged.
 *
 *     QUEUED -> LAUNCHED -> TERMINATED -> COMPLETED      (QUEUED may end directly)
 *
 * What others are told of it is kept as encoded bytes: its TaskInfo until it is delivered, and the
 * part of its Task that does not change; state and statuses are put behind that when it is written.
 */
#ifndef TEPUI_AGENT_TASK_H
#define TEPUI_AGENT_TASK_H

#include "agent/amounts.h"
#include "agent/gate.h"
#include "agent/volumes.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/map.h"
#include "common/uuid.h"
#include "wire/pb.h"

struct agent;
struct executor;

enum task_phase {
    TASK_QUEUED,     /* not yet with the executor */
    TASK_LAUNCHED,   /* delivered */
    TASK_TERMINATED, /* in a terminal state whose update is not yet acknowledged */
    TASK_COMPLETED,  /* only remembered */
};

/* Tasks that are delivered together or not at all. */
struct task_group {
    size_t refs;       /* tasks that are QUEUED in it */
    struct blob *info; /* encoded TaskGroupInfo */
};

struct task {
    struct map_link by_id; /* in the framework, until COMPLETED */
    struct list link;      /* in the executor's list of its phase */
    struct executor *executor;
    char *id; /* heap */

    enum task_phase phase;
    Pb__TaskState state;
    struct task_group *group; /* while QUEUED; NULL = alone */
    struct blob *info;        /* TaskInfo; NULL once delivered */
    struct blob *fixed;       /* Task without state, statuses and status_update_* */
    struct blob *whole;       /* the whole Task, while nothing has changed; NULL = not made */
    struct blob *
        *statuses; /* TaskStatus without data, oldest first; never two of a state in a row */
    size_t status_count;
    bool was_sent;                 /* the executor has reported on it */
    bool has_forwarded;            /* of the two below */
    Pb__TaskState forwarded_state; /* of the last update sent to the master */
    struct uuid forwarded_uuid;

    struct amounts amounts;  /* its resources */
    struct volumes volumes;  /* persistent ones that it uses */
    struct gate_wait stored; /* while its task.info is on the way */
    uint64_t grown_token;    /* the container's UPDATE that makes room for it; 0 = none needed */
};

/* Of a TaskInfo; resources must be allocated. The executor's list takes it over. */
struct task *task_new(struct executor *executor, const Pb__TaskInfo *info);
/* Of a Task as stored (statuses in it are not taken). */
struct task *task_new_stored(struct executor *executor, const Pb__Task *stored);
struct task *task_free(struct task *task);

/* Puts it into the executor's list of that phase. */
void task_move(struct task *task, enum task_phase phase);
/* Remembers a status and its state. */
void task_add_status(struct task *task, const Pb__TaskStatus *status);
/* No longer waits for others of its group. */
void task_leave_group(struct task *task);

/* The whole Task, encoded. */
void task_encode(const struct task *task, struct buf *out);
/* The same as a blob (a reference of the task's), kept until the task changes: for readers. */
struct blob *task_whole(struct task *task);
/* It has changed. */
void task_touch(struct task *task);
bool task_state_is_terminal(Pb__TaskState state);
const char *task_state_name(Pb__TaskState state);

/* The Task of a TaskInfo, with that state, in the arena. */
Pb__Task *task_describe(const Pb__TaskInfo *info, const char *framework_id, Pb__TaskState state,
                        struct arena *arena);

#endif
