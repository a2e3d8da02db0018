/*
 * What the parts of one log share, handed to each of their functions.
 */
#ifndef TEPUI_RLOG_PARTS_H
#define TEPUI_RLOG_PARTS_H

#include "common/duration.h"
#include "common/prng.h"
#include "common/timers.h"
#include "rlog/replica.h"
#include "wire/netio.h"

struct rlog_network;
struct rlog_effects;

/* What a timer is for; its owner is the struct that embeds it. */
enum rlog_timer_kind {
    RLOG_TIMER_ROUND,    /* ask again: struct rlog_round */
    RLOG_TIMER_FILL,     /* try again: struct rlog_fill */
    RLOG_TIMER_RECOVERY, /* struct rlog_recovery */
    RLOG_TIMER_ELECTION, /* struct rlog_coordinator */
    RLOG_TIMER_RESTORE,  /* of the replica */
    RLOG_TIMER_LINK,     /* links that broke */
};

struct rlog_parts {
    size_t quorum;
    struct rlog_replica *replica;
    struct rlog_network *network;
    struct timers *timers;
    struct prng *prng;
    int64_t now_ns;               /* monotonic; of this step */
    struct rlog_effects *effects; /* of this step */
};

/* Doubling pauses with jitter: base, 2 base, ... up to max, each times [1, 2). */
int64_t rlog_backoff_ns(struct prng *prng, int64_t base_ns, int64_t max_ns, unsigned attempt);

#endif
