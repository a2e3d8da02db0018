/*
 * Replicas of a log, and clients on them that elect themselves, append, truncate, read and catch up
 * at random, several at the same time. After all faults have ended, one of them is to be elected,
 * write, and read everything back.
 *
 * The laws: what was acknowledged is never lost, and is what a reader gets; no position ever has
 * two values, nor one proposal number of a position; who is elected knows of everything that was
 * acknowledged; no replica says that it promised or accepted what is not on its disk.
 */
#ifndef TEPUI_TESTS_SIM_RLOG_WORLD_H
#define TEPUI_TESTS_SIM_RLOG_WORLD_H

#include "sim/sim.h"
#include "sim/sim_fault.h"

#define RLOG_WORLD_REPLICAS_MAX 7

struct rlog_world_options {
    uint64_t seed;
    int replicas;    /* odd */
    bool calm;       /* fixed latencies */
    bool one_client; /* only the first replica has one */
    bool forgetful;  /* the planted fault: replicas answer before it is on disk */
    int crash_node;  /* crash_at > 0: that one ... */
    int crash_at;    /* ... dies with its n-th write under way, and comes back */
    bool keep_trace;
};

struct rlog_world;

struct rlog_world *rlog_world_new(const struct rlog_world_options *options) WARN_UNUSED;
struct rlog_world *rlog_world_free(struct rlog_world *world);
struct sim *rlog_world_sim(struct rlog_world *world);

/* Faults for a while, then calm; true if all went well, else sim->failure says what did not. */
bool rlog_world_run(struct rlog_world *world, const struct sim_plan *plan, int64_t faults_ns);
void rlog_world_plan(struct sim_plan *plan, const struct rlog_world_options *options,
                     int64_t faults_ns);
/* Without faults until something has been written. */
bool rlog_world_begin(struct rlog_world *world);
/* The replica comes back with an empty disk. */
void rlog_world_wipe(struct rlog_world *world, int index);
bool rlog_world_is_recovered(const struct rlog_world *world, int index);

/* For tests: entries acknowledged, elections won, writes to disks, frames found torn. */
struct rlog_world_counts {
    int acknowledged;
    int elected;
    int lost;
    int read;
    int caught_up;
    int writes[RLOG_WORLD_REPLICAS_MAX];
    int torn;
};
struct rlog_world_counts rlog_world_counts(const struct rlog_world *world);

#endif
