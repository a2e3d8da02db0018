/*
 * The coordinator: one who appends to the log, while a quorum's promise holds (docs/design/rlog.md,
 * the coordinator). One write after the other: what it writes is in the log only if all that it
 * wrote before is.
 */
#ifndef TEPUI_RLOG_COORDINATOR_H
#define TEPUI_RLOG_COORDINATOR_H

#include "rlog/catchup.h"

/* Writes that were asked for and not answered; more are refused with -EAGAIN. */
#define RLOG_WRITES_MAX 1024
/* Until an election that was lost is tried again. */
#define RLOG_ELECTION_RETRY_NS (100 * NS_PER_MS)
#define RLOG_ELECTION_RETRY_MAX_NS (6400 * NS_PER_MS)

enum rlog_coordinator_state {
    RLOG_COORDINATOR_INITIAL,
    RLOG_COORDINATOR_WAITING, /* for the replica to vote, or until the next try */
    RLOG_COORDINATOR_PROMISING,
    RLOG_COORDINATOR_CATCHING, /* up, to the end that the quorum named */
    RLOG_COORDINATOR_ELECTED,
};
#define RLOG_COORDINATOR_STATES (RLOG_COORDINATOR_ELECTED + 1)

/* An entry that is to be appended, or a truncation. */
struct rlog_write {
    struct list link;
    uint64_t token;
    struct rlog_action action; /* its position counts once it is under way */
    struct rlog_round round;
};

struct rlog_coordinator {
    enum rlog_coordinator_state state;
    uint64_t proposal;       /* used last, or the highest seen */
    bool keeps_proposal;     /* nobody promised it: it may be used again */
    uint64_t index;          /* ELECTED: where the next entry goes */
    uint64_t token;          /* of who asked for the election */
    unsigned attempt;        /* elections lost since */
    struct timer timer;      /* WAITING */
    struct rlog_round round; /* PROMISING */
    struct rlog_catchup catchup;
    struct rlog_write *write; /* under way; NULL = none */
    struct list queue;        /* not begun */
    size_t queue_count;
};

void rlog_coordinator_init(struct rlog_coordinator *coordinator);
/* Forgets everything without answering; at the end. */
void rlog_coordinator_stop(struct rlog_coordinator *coordinator, const struct rlog_parts *parts);

void rlog_coordinator_elect(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                            uint64_t token);
/* Gives up; all that is open is answered with `status`. */
void rlog_coordinator_resign(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                             int status);
/* Takes over the action, whose position is not set yet. */
void rlog_coordinator_write(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                            uint64_t token, struct rlog_action *action);
/* Our own replica was read from its store again, which may have cost it what it had learned: it is
 * caught up, so that it can be read. */
void rlog_coordinator_restored(struct rlog_coordinator *coordinator,
                               const struct rlog_parts *parts);
/* True if anything moved. `recovered`: our own replica votes. */
bool rlog_coordinator_advance(struct rlog_coordinator *coordinator, const struct rlog_parts *parts,
                              bool recovered);

#endif
