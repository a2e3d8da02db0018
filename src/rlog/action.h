/*
 * What one position of the log holds on a replica (mesos.internal.log.Action), and the records on
 * disk (mesos.internal.log.Record).
 */
#ifndef TEPUI_RLOG_ACTION_H
#define TEPUI_RLOG_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/err.h"
#include "rlog/positions.h"
#include "wire/pb.h"

enum rlog_action_type {
    RLOG_ACTION_NONE, /* only promised: nothing was written here */
    RLOG_ACTION_NOP,
    RLOG_ACTION_APPEND,
    RLOG_ACTION_TRUNCATE,
};

struct rlog_action {
    uint64_t position;
    uint64_t promised;          /* writes with lower numbers are refused */
    uint64_t performed;         /* the number that it was written with; 0 if type is NONE */
    enum rlog_action_type type; /* what was written */
    bool learned;               /* a quorum has it: it will not change any more */
    bool tombstone;             /* NOP: the position was truncated */
    uint64_t to;                /* TRUNCATE: positions below are forgotten */
    struct blob *bytes;         /* APPEND: a reference, never NULL; else NULL */
};

void rlog_action_deinit(struct rlog_action *action); /* drops the reference; idempotent */
/* Another reference to the same bytes. */
struct rlog_action rlog_action_ref(const struct rlog_action *action) WARN_UNUSED;
/* The same type with the same content, whoever wrote it. */
bool rlog_action_equal_value(const struct rlog_action *a, const struct rlog_action *b);

/* The first position that is left by a learned truncation: TRUNCATE's `to`, or the one behind a
 * tombstone. 0 if the action is none. */
uint64_t rlog_action_begin(const struct rlog_action *action);
/* Positions below are to be deleted from the store: as above, but a tombstone stays, so that it can
 * be found after a restart. */
uint64_t rlog_action_delete_to(const struct rlog_action *action);

/* Status of a replica; the numbers are those on the wire. */
enum rlog_status {
    RLOG_VOTING = 1,
    RLOG_RECOVERING = 2,
    RLOG_STARTING = 3,
    RLOG_EMPTY = 4,
};
const char *rlog_status_name(enum rlog_status status);

/* A nested message with all that it points to, for encoding; valid as long as the action. */
struct rlog_action_pb {
    Pb__Internal__Log__Action action;
    Pb__Internal__Log__Action__Nop nop;
    Pb__Internal__Log__Action__Append append;
    Pb__Internal__Log__Action__Truncate truncate;
};
void rlog_action_to_pb(const struct rlog_action *action, struct rlog_action_pb *ret_pb);
/* False if a number is out of range, or type and content do not fit together. */
bool rlog_action_from_pb(const Pb__Internal__Log__Action *pb,
                         struct rlog_action *ret_action) WARN_UNUSED;

enum rlog_record_type { RLOG_RECORD_ACTION, RLOG_RECORD_METADATA };

/* One value in the store. */
struct rlog_record {
    enum rlog_record_type type;
    struct rlog_action action; /* ACTION */
    enum rlog_status status;   /* METADATA */
    uint64_t promised;         /* METADATA */
};

void rlog_record_encode_action(const struct rlog_action *action, struct buf *out);
void rlog_record_encode_metadata(enum rlog_status status, uint64_t promised, struct buf *out);
/* 0, or -EBADMSG: the store is damaged. A PROMISE record comes as METADATA of a VOTING replica. */
int rlog_record_decode(struct slice bytes, struct rlog_record *ret_record,
                       struct err *err) WARN_UNUSED;

#endif
