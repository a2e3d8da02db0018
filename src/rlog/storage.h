/*
 * The vocabulary between a replica and its store: operations go out, completions come back as
 * events. LevelDB performs them (src/logstore), or the simulator.
 *
 * At most one WRITE or RESTORE is under way at a time; READs may be performed beside it. A WRITE is
 * one synced batch: all of it is there afterwards, or (if it fails) nobody knows what is.
 */
#ifndef TEPUI_RLOG_STORAGE_H
#define TEPUI_RLOG_STORAGE_H

#include "common/list.h"
#include "rlog/action.h"

enum rlog_store_op_type {
    RLOG_STORE_RESTORE, /* close what is open, open anew, and tell what is there */
    RLOG_STORE_WRITE,   /* metadata and actions, then delete what was truncated */
    RLOG_STORE_READ,    /* the actions of a range of positions */
};

struct rlog_store_op {
    struct list link;
    enum rlog_store_op_type type;
    uint64_t token;              /* comes back in the completion */
    bool has_metadata;           /* WRITE */
    enum rlog_status status;     /* WRITE, with has_metadata */
    uint64_t promised;           /* the same */
    struct rlog_action *actions; /* WRITE: heap; each position once */
    size_t action_count;
    size_t action_capacity;
    uint64_t delete_to; /* WRITE: delete positions below; 0 = nothing */
    uint64_t from;      /* READ: first position */
    uint64_t to;        /* READ: last position */
    size_t size_max;    /* READ: stop once so many bytes were read; at least one is */
};

struct rlog_store_ops {
    struct list list;
};

void rlog_store_ops_init(struct rlog_store_ops *ops);
void rlog_store_ops_deinit(struct rlog_store_ops *ops);
/* An operation in no list. */
struct rlog_store_op *rlog_store_op_new(enum rlog_store_op_type type, uint64_t token) WARN_UNUSED;
struct rlog_store_op *rlog_store_op_free(struct rlog_store_op *op);
/* Takes the action over; returns its index. */
size_t rlog_store_op_add(struct rlog_store_op *op, struct rlog_action *action);
static inline void rlog_store_ops_put(struct rlog_store_ops *ops, struct rlog_store_op *op)
{
    list_push_back(&ops->list, &op->link);
}
/* Takes the first out, or NULL; the caller frees it. */
struct rlog_store_op *rlog_store_ops_pop(struct rlog_store_ops *ops);

/* What a store holds. */
struct rlog_restored {
    enum rlog_status status; /* EMPTY if there is no metadata */
    uint64_t promised;
    uint64_t begin;                  /* by learned truncations; 0 */
    uint64_t end;                    /* highest position; 0 */
    struct rlog_positions learned;   /* positions with a learned action */
    struct rlog_positions unlearned; /* positions with another action */
};
void rlog_restored_init(struct rlog_restored *restored);
void rlog_restored_deinit(struct rlog_restored *restored);
/* One record of the store, in any order. */
void rlog_restored_add(struct rlog_restored *restored, const struct rlog_record *record);

struct rlog_store_done {
    enum rlog_store_op_type type;
    uint64_t token;
    int status;       /* 0; -EBADMSG: damaged for good; other -errno: may be better later */
    const char *text; /* what went wrong; for this step only */
    const struct rlog_restored *restored; /* RESTORE: for this step only */
    const struct rlog_action *actions;    /* READ: ascending, for this step only */
    size_t action_count;
    bool more; /* READ: stopped by size_max before `to` */
};

#endif
