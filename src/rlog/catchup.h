/*
 * Catching up: positions that our own replica misses are found out from the others, each by a full
 * round of Paxos (a fill), which finds what was decided there or writes a no-op.
 *
 * From the highest position down: once a TRUNCATE is learned, all that it forgot is missed no more.
 */
#ifndef TEPUI_RLOG_CATCHUP_H
#define TEPUI_RLOG_CATCHUP_H

#include "rlog/round.h"

/* Fills under way at once; begins with one, until a proposal number is known to be high enough. */
#define RLOG_CATCHUP_WINDOW_MAX 64
/* Until a refused fill is tried again. */
#define RLOG_FILL_RETRY_NS (100 * NS_PER_MS)
#define RLOG_FILL_RETRY_MAX_NS (6400 * NS_PER_MS)

enum rlog_fill_state { RLOG_FILL_WAITING, RLOG_FILL_PROMISING, RLOG_FILL_WRITING };

struct rlog_fill {
    struct list link;
    enum rlog_fill_state state;
    uint64_t position;
    uint64_t proposal;
    unsigned attempt;         /* times that it was refused or ignored */
    struct timer timer;       /* WAITING */
    struct rlog_round round;  /* PROMISING, WRITING */
    struct rlog_action value; /* WRITING: what is proposed */
};

struct rlog_catchup {
    bool running;
    struct rlog_positions wanted; /* not begun */
    struct list fills;
    size_t fill_count;
    size_t window;
    uint64_t proposal; /* that the next fill begins with */
};

void rlog_catchup_init(struct rlog_catchup *catchup);
/* Idempotent, and to be called before it is freed. */
void rlog_catchup_stop(struct rlog_catchup *catchup, const struct rlog_parts *parts);
/* Takes over the set. `proposal` is a guess; it is raised where it is too low. */
void rlog_catchup_start(struct rlog_catchup *catchup, const struct rlog_parts *parts,
                        struct rlog_positions *positions, uint64_t proposal);
/* Goes on as far as it can. True if anything moved; at the end, `running` is false. */
bool rlog_catchup_advance(struct rlog_catchup *catchup, const struct rlog_parts *parts);
void rlog_fill_tick(struct rlog_fill *fill, const struct rlog_parts *parts);

#endif
