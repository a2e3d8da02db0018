/*
 * How a replica comes to vote: the recover protocol, auto-initialization, and catching up
 * (docs/design/rlog.md, recovery).
 */
#ifndef TEPUI_RLOG_RECOVERY_H
#define TEPUI_RLOG_RECOVERY_H

#include "rlog/catchup.h"

/* Until an undecided round is repeated: this to twice this. */
#define RLOG_RECOVERY_RETRY_NS (500 * NS_PER_MS)
/* After which a round is given up, and another begun. */
#define RLOG_RECOVERY_TIMEOUT_NS (10 * NS_PER_SEC)

enum rlog_recovery_state {
    RLOG_RECOVERY_IDLE,   /* not begun */
    RLOG_RECOVERY_ASKING, /* all replicas for their status */
    RLOG_RECOVERY_PAUSING,
    RLOG_RECOVERY_SETTING,  /* a status is being written */
    RLOG_RECOVERY_CATCHING, /* up */
    RLOG_RECOVERY_PROBING,  /* which promise was given by a quorum */
    RLOG_RECOVERY_DONE,     /* VOTING */
};
#define RLOG_RECOVERY_STATES (RLOG_RECOVERY_DONE + 1)

struct rlog_recovery {
    enum rlog_recovery_state state;
    bool auto_initialize;
    bool saw_all_empty; /* for advice to the operator, once */
    uint64_t batch;     /* SETTING: that makes the status durable */
    uint64_t low;       /* what to catch up */
    uint64_t high;
    struct timer timer;      /* ASKING: the timeout; PAUSING */
    struct rlog_round round; /* ASKING, PROBING */
    struct rlog_catchup catchup;
};

void rlog_recovery_init(struct rlog_recovery *recovery, bool auto_initialize);
void rlog_recovery_stop(struct rlog_recovery *recovery, const struct rlog_parts *parts);
/* The replica has been restored: begins, or begins anew. */
void rlog_recovery_start(struct rlog_recovery *recovery, const struct rlog_parts *parts);
/* True if anything moved. */
bool rlog_recovery_advance(struct rlog_recovery *recovery, const struct rlog_parts *parts);
void rlog_recovery_tick(struct rlog_recovery *recovery, const struct rlog_parts *parts);

#endif
