/*
 * One question to all replicas, and when it is decided: the promise phase, the write phase, or the
 * round of the recover protocol. Owners look at the outcome; a round does not call them.
 *
 * Each member is asked, and asked again as long as it has not answered, or has ignored the
 * question; one answer of each counts.
 */
#ifndef TEPUI_RLOG_ROUND_H
#define TEPUI_RLOG_ROUND_H

#include "rlog/parts.h"

/* Until those who have not answered are asked again; then twice as long each time. */
#define RLOG_ROUND_RESEND_NS NS_PER_SEC
#define RLOG_ROUND_RESEND_MAX_NS (8 * NS_PER_SEC)

enum rlog_outcome {
    RLOG_ROUND_IDLE, /* not begun, or ended */
    RLOG_ROUND_RUNNING,
    RLOG_ROUND_ACCEPTED, /* a quorum said yes; or one had a learned action */
    RLOG_ROUND_REJECTED, /* a quorum answered, and somebody said no */
    RLOG_ROUND_IGNORED,  /* a quorum is not VOTING */
};

/* One member that was asked. */
struct rlog_ask {
    struct map_link by_number;
    struct list link; /* of the round */
    struct rlog_round *round;
    uint64_t number; /* of the sender __req_res__(n) */
    struct upid to;
    bool local;
    bool answered; /* with anything but IGNORED */
    bool ignored;
    bool lacks; /* promised, and has no learned action there */
};

struct rlog_round {
    struct list link; /* among the network's rounds */
    struct rlog_message request;
    struct blob *body; /* the request's bytes, once it was sent to a peer */
    struct list asks;
    struct timer timer;
    unsigned attempt; /* times that it was sent again */
    enum rlog_outcome outcome;

    size_t ask_count;
    size_t answered_count;
    size_t ignored_count;
    bool rejected;
    uint64_t nack_proposal; /* rejected: highest that was named */
    uint64_t end;           /* implicit promise: highest that was named */
    bool any_accepted;      /* somebody promised */
    bool has_action;        /* explicit promise: learned, or that with the highest number */
    struct rlog_action action;

    size_t voting_count; /* RECOVER: answers by status */
    size_t starting_count;
    size_t empty_count;
    uint64_t low; /* RECOVER, with voting_count > 0: lowest begin, highest end */
    uint64_t high;
};

void rlog_round_init(struct rlog_round *round);
/* Ends what it was about; idempotent, and to be called before it is freed. */
void rlog_round_end(struct rlog_round *round, const struct rlog_parts *parts);
/* Takes over the request. Ends what it was about before. */
void rlog_round_begin(struct rlog_round *round, const struct rlog_parts *parts,
                      struct rlog_message *request);
/* Asks members that were not asked. */
void rlog_round_ask(struct rlog_round *round, const struct rlog_parts *parts);
/* Its timer has come. */
void rlog_round_tick(struct rlog_round *round, const struct rlog_parts *parts);
/* An answer to one ask. Of the wrong type, and second ones, are not counted. */
void rlog_round_answer(struct rlog_ask *ask, const struct rlog_parts *parts,
                       const struct rlog_message *message);
/* Everybody who was asked has answered; for RECOVER, which knows no other end. */
bool rlog_round_is_complete(const struct rlog_round *round);

#endif
