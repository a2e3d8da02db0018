/*
 * The replica: acceptor and learner of one log (docs/design/rlog.md). Requests come in, answers
 * come out through a gate that waits until all is durable that was collected before them.
 *
 * Its store is asked by rlog/storage.h. What is wanted from it waits in `next` until
 * rlog_replica_flush(); one batch is under way at a time. After a failed write it forgets
 * everything, is silent (RLOG_REPLICA_FAILED), and is to be restored.
 */
#ifndef TEPUI_RLOG_REPLICA_H
#define TEPUI_RLOG_REPLICA_H

#include "common/map.h"
#include "rlog/protocol.h"
#include "rlog/storage.h"
#include "wire/upid.h"

/* Requests that wait for their action to be read; more are dropped, and asked again by the peer. */
#define RLOG_REPLICA_PARKED_MAX 1024
/* Answers behind the gate; while there are so many, requests are dropped. */
#define RLOG_REPLICA_REPLIES_MAX 4096
/* Bytes of actions that wait for the next batch; while there are more, requests are dropped. */
#define RLOG_REPLICA_UNSTORED_SIZE_MAX (64u << 20)
/* Bytes of durable actions that are kept in memory. */
#define RLOG_REPLICA_CACHE_SIZE_MAX (8u << 20)

enum rlog_replica_state {
    RLOG_REPLICA_CLOSED,    /* not started */
    RLOG_REPLICA_RESTORING, /* the store has been asked for what it holds */
    RLOG_REPLICA_READY,
    RLOG_REPLICA_FAILED,  /* a write failed: restore again, later */
    RLOG_REPLICA_DAMAGED, /* the end */
};

/* Who asked: a peer's actor, or a request of our own. */
struct rlog_asker {
    bool local;
    uint64_t number;  /* local: the request's */
    struct upid upid; /* else */
};

struct rlog_reply {
    struct list link;
    uint64_t after; /* the batch that must be durable before it leaves */
    struct rlog_asker asker;
    struct rlog_message message;
};

struct rlog_replica {
    enum rlog_replica_state state;
    uint64_t *next_token; /* of storage operations; shared with the reader */
    uint64_t token;       /* of the RESTORE or WRITE under way */

    /* What the next batch will make durable, at the latest. */
    enum rlog_status status;
    uint64_t promised;               /* highest implicit promise */
    uint64_t begin;                  /* first position that is not truncated */
    uint64_t end;                    /* last position that was written, or promised explicitly */
    struct rlog_positions holes;     /* begin .. end: without an action */
    struct rlog_positions unlearned; /* begin .. end: with one that is not learned */

    struct map cached; /* actions by position; those not yet durable are always here */
    struct list cache; /* the same, oldest first */
    size_t cache_size; /* bytes of them */
    size_t cache_size_max;

    struct rlog_store_op *next; /* batch that is being collected, or NULL */
    size_t next_size;           /* bytes of its actions */
    uint64_t next_batch;        /* its number: one above that of the batch under way */
    bool writing;               /* next_batch - 1 is under way */
    uint64_t durable_batch;     /* highest batch that is durable */

    struct list replies; /* behind the gate, in order */
    size_t reply_count;
    struct list parked; /* struct parked: requests that wait for their action */
    size_t parked_count;
    char error[ERR_TEXT_SIZE]; /* FAILED, DAMAGED: why */
};

void rlog_replica_init(struct rlog_replica *replica, uint64_t seed, uint64_t *next_token);
void rlog_replica_deinit(struct rlog_replica *replica);

/* Asks the store for what it holds; not while a write is under way (asserts). */
void rlog_replica_restore(struct rlog_replica *replica, struct rlog_store_ops *ops);
/* A request of PROMISE, WRITE or RECOVER; dropped unless READY. */
void rlog_replica_request(struct rlog_replica *replica, const struct rlog_asker *asker,
                          const struct rlog_message *request, struct rlog_store_ops *ops);
/* An action that a quorum has; dropped unless READY. */
void rlog_replica_learn(struct rlog_replica *replica, const struct rlog_action *action);
/* Sets status and promise; asserts READY. They are durable with the batch whose number is
 * returned. */
uint64_t rlog_replica_set_metadata(struct rlog_replica *replica, enum rlog_status status,
                                   uint64_t promised);
/* Begins the next batch if there is something to write and none is under way. */
void rlog_replica_flush(struct rlog_replica *replica, struct rlog_store_ops *ops);
/* The end of an operation; false if it is not one of this replica's. */
bool rlog_replica_stored(struct rlog_replica *replica, const struct rlog_store_done *done,
                         struct rlog_store_ops *ops);
/* The next answer that may leave, or NULL; the caller frees it. */
struct rlog_reply *rlog_replica_pop_reply(struct rlog_replica *replica);
struct rlog_reply *rlog_reply_free(struct rlog_reply *reply);

/* --- questions; all but the last are about memory, which may be ahead of the store --- */

/* Not known to be learned, nor truncated. True for everything unless READY. */
bool rlog_replica_misses(const struct rlog_replica *replica, uint64_t position);
/* Adds the positions from `low` to `high` that it misses. */
void rlog_replica_missing(const struct rlog_replica *replica, uint64_t low, uint64_t high,
                          struct rlog_positions *positions);
/* Number of the last batch that was collected. */
uint64_t rlog_replica_last_batch(const struct rlog_replica *replica);
bool rlog_replica_is_durable(const struct rlog_replica *replica, uint64_t batch);

#endif
