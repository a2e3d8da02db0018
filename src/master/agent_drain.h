/*
 * What an operator wants of an agent: that it is not used any more, or drained. It stays with the
 * agent while it is unreachable and when it comes back, until it is gone, removed or reactivated.
 *
 *     NONE --DRAIN_AGENT--> DRAINING --no tasks left--> DRAINED --REACTIVATE_AGENT--> NONE
 */
#ifndef TEPUI_MASTER_AGENT_DRAIN_H
#define TEPUI_MASTER_AGENT_DRAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"

enum agent_drain_state { DRAIN_NONE, DRAIN_DRAINING, DRAIN_DRAINED };

struct agent_drain {
    enum agent_drain_state state;
    bool deactivated;    /* it is not offered; always with a drain */
    bool marks_gone;     /* it is to be gone when it is drained */
    bool is_ending;      /* the registry is asked to mark it DRAINED */
    struct blob *config; /* encoded DrainConfig; NULL = NONE */
    struct blob *info;   /* encoded DrainInfo, as readers see it; NULL = NONE */
    int64_t start_ns;    /* wall clock: when this master began to drain it while it was
                            registered; 0 = not known */
};

/* Moves it from one who has it to another. */
static inline struct agent_drain agent_drain_take(struct agent_drain *drain)
{
    struct agent_drain taken = *drain;
    *drain = (struct agent_drain){.state = DRAIN_NONE};
    return taken;
}

/* Idempotent. */
static inline void agent_drain_deinit(struct agent_drain *drain)
{
    blob_unref(drain->config);
    blob_unref(drain->info);
    *drain = (struct agent_drain){.state = DRAIN_NONE};
}

#endif
