/*
 * The seven messages of the replicated log (mesos.internal.log.*), as one struct: to and from bytes
 * between replicas, and as they are within one.
 */
#ifndef TEPUI_RLOG_PROTOCOL_H
#define TEPUI_RLOG_PROTOCOL_H

#include "rlog/action.h"

enum rlog_message_type {
    RLOG_PROMISE_REQUEST,  /* proposal, perhaps position */
    RLOG_PROMISE_RESPONSE, /* vote, proposal, perhaps position or action */
    RLOG_WRITE_REQUEST,    /* proposal, action: its position, learned, and what to write */
    RLOG_WRITE_RESPONSE,   /* vote, proposal, position */
    RLOG_LEARNED,          /* action */
    RLOG_RECOVER_REQUEST,
    RLOG_RECOVER_RESPONSE, /* status, perhaps begin and end */
};
#define RLOG_MESSAGE_TYPES (RLOG_RECOVER_RESPONSE + 1)

enum rlog_vote { RLOG_ACCEPT = 1, RLOG_REJECT = 2, RLOG_IGNORED = 3 }; /* numbers of the wire */

struct rlog_message {
    enum rlog_message_type type;
    enum rlog_vote vote; /* responses */
    uint64_t proposal;   /* if rejected: the higher one that was promised */
    bool has_position;
    uint64_t position; /* PROMISE_RESPONSE to a request without position: the replica's end */
    bool has_action;   /* PROMISE_RESPONSE; always true for WRITE_REQUEST and LEARNED */
    struct rlog_action action; /* owns its reference */
    enum rlog_status status;   /* RECOVER_RESPONSE */
    bool has_range;            /* RECOVER_RESPONSE of a VOTING replica */
    uint64_t begin;
    uint64_t end;
};

void rlog_message_deinit(struct rlog_message *message); /* idempotent */
struct rlog_message rlog_message_ref(const struct rlog_message *message) WARN_UNUSED;

/* "mesos.internal.log.PromiseRequest" ... */
const char *rlog_message_name(enum rlog_message_type type);
bool rlog_message_find(struct slice name, enum rlog_message_type *ret_type) WARN_UNUSED;
bool rlog_message_is_request(enum rlog_message_type type); /* asks for a response */

/* NULL for RECOVER_REQUEST, which has no fields. */
struct blob *rlog_message_encode(const struct rlog_message *message) WARN_UNUSED;
/* 0, or -EBADMSG for what no replica may send. */
int rlog_message_decode(enum rlog_message_type type, struct slice body,
                        struct rlog_message *ret_message, struct err *err) WARN_UNUSED;

#endif
