/*
 * Status update streams: for each task a queue of updates on their way to the scheduler (facts:
 * state machines, 2.5). Only the head is sent; it is sent again after 10 s, 20 s ... 10 min until
 * it is acknowledged. A terminal update's acknowledgement closes the stream.
 */
#ifndef TEPUI_AGENT_UPDATES_H
#define TEPUI_AGENT_UPDATES_H

#include "agent/gate.h"
#include "common/blob.h"
#include "common/map.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "wire/pb.h"
#include "wire/upid.h"

struct agent;
struct executor;

#define UPDATE_RETRY_MIN_NS (10 * NS_PER_SEC)
#define UPDATE_RETRY_MAX_NS (10 * NS_PER_MIN)
/* Updates of one task that wait; an executor that sends more is told so by silence. */
#define UPDATES_PENDING_MAX 10000

/* Updates of one task that are remembered, to know those that are sent again. An executor sends
 * only those again that the agent has not acknowledged. */
#define UPDATES_KNOWN_MAX 32

/* To whom the agent acknowledges an update once it is stored. */
enum update_from { UPDATE_FROM_AGENT, UPDATE_FROM_PID, UPDATE_FROM_STREAM };

struct update {
    struct list link; /* in the stream, oldest first */
    struct stream *stream;
    struct blob *bytes; /* StatusUpdate */
    struct uuid uuid;
    Pb__TaskState state;
    bool is_stored; /* or needs not be */
    struct gate_wait stored;
    enum update_from from;
    struct upid pid;  /* UPDATE_FROM_PID */
    size_t ack_count; /* acknowledgements that its sender waits for */
};

struct stream {
    struct map_link by_key;
    struct list link; /* in the agent, in order of arrival */
    struct agent *agent;
    char *key; /* heap: framework id, NUL, task id */
    size_t key_size;
    const char *framework_id; /* into key */
    const char *task_id;      /* into key */
    char *path;               /* heap: task.updates; NULL = not checkpointed */
    struct list pending;      /* of struct update */
    size_t pending_count;
    struct uuid known[UPDATES_KNOWN_MAX]; /* the newest ones received, for duplicates: a ring */
    size_t known_count;                   /* ever received */
    struct gate_wait acknowledged;        /* the acknowledgement of the one before the head */
    char *executor_id;  /* heap: who is acknowledged on a stream of events; NULL = none */
    struct timer timer; /* the head is sent again */
    int64_t retry_ns;   /* next wait */
};

struct stream *updates_find(struct agent *agent, const char *framework_id, const char *task_id);
/* Takes an update in: stored if `executor` (may be NULL) checkpoints, then acknowledged to its
 * sender, then forwarded in its turn. One that is known already is only acknowledged. */
void updates_add(struct agent *agent, struct executor *executor,
                 const Pb__Internal__StatusUpdate *message, enum update_from from,
                 const struct upid *pid);
/* Only acknowledges it to its sender: it changes nothing. */
void updates_answer(struct agent *agent, struct executor *executor,
                    const Pb__Internal__StatusUpdate *message, enum update_from from,
                    const struct upid *pid);
/* Its record is stored. */
void updates_stored(struct update *update);
/* The record of its scheduler's acknowledgement is stored. */
void updates_acknowledged(struct stream *stream);
/* A scheduler's acknowledgement. What comes next is forwarded once it is stored: whoever has heard
 * of the next update will not hear of this one again, after whatever crash. 0: more may follow;
 * UPDATES_E_CLOSED: it was the terminal one. */
enum {
    UPDATES_E_CLOSED = 1,
    UPDATES_E_UNKNOWN, /* no such stream, or another update is its head: ignored */
};
int updates_acknowledge(struct agent *agent, const char *framework_id, const char *task_id,
                        struct slice uuid) WARN_UNUSED;
/* What was on disk: an update that was received, and whether it was acknowledged. */
void updates_recover(struct agent *agent, struct executor *executor, const char *task_id,
                     const Pb__Internal__StatusUpdate *message, bool acknowledged);

void updates_pause(struct agent *agent);
/* Sends the head of every stream. */
void updates_resume(struct agent *agent);
/* Sends the head of every stream of that framework. */
void updates_send_again(struct agent *agent, const char *framework_id);
void updates_timer(struct stream *stream);
/* Forgets all streams of a framework. */
void updates_drop_framework(struct agent *agent, const char *framework_id);
void updates_drop_all(struct agent *agent);

#endif
