/*
 * Faults as a plan: a list made from the seed before the run, applied at their times, and shrunk
 * when a run fails, by leaving out ever more of it while the run goes on failing.
 *
 * A fault names nodes by index; one that does not fit (a crash of a node that is down) does
 * nothing. After `heal_ns` there are no more faults and everything is put right: that is when a
 * world must come to rest in a good state.
 */
#ifndef TEPUI_TESTS_SIM_SIM_FAULT_H
#define TEPUI_TESTS_SIM_SIM_FAULT_H

#include "sim/sim.h"

enum sim_fault_kind {
    SIM_FAULT_CRASH,     /* a dies; it starts again after duration */
    SIM_FAULT_PAUSE,     /* a is stopped for duration */
    SIM_FAULT_BREAK,     /* connections between a and b break, both ways */
    SIM_FAULT_CUT,       /* nothing gets from a to b for duration */
    SIM_FAULT_PARTITION, /* nothing passes between a and all others for duration */
    SIM_FAULT_DISK_FULL, /* a's disk is full for duration */
    SIM_FAULT_CLOCK,     /* a's wall clock jumps by duration (may be negative) */
    /* only in worlds that ask for them */
    SIM_FAULT_SPLIT,       /* nothing passes between `nodes` and the others; or only one way */
    SIM_FAULT_RATE,        /* a's monotonic clock runs at `rate` for duration */
    SIM_FAULT_WRITE_CRASH, /* a dies within its next write to the disk; it starts again after
                              duration */
    SIM_FAULT_EXPIRE,      /* the world's own: a's session ends */
    SIM_FAULT_STOP,        /* the world's own: a is ended in order */
    SIM_FAULT_LEADER,      /* the world's own: whoever leads is struck */
    SIM_FAULT_WIPE,        /* the world's own: a dies, and comes back with an empty disk */
    SIM_FAULT_KINDS,
};

#define SIM_FAULTS_COMMON ((1u << SIM_FAULT_SPLIT) - 1)
#define SIM_FAULTS_ALL ((1u << SIM_FAULT_KINDS) - 1)

struct sim_fault {
    int64_t at_ns;
    int64_t duration_ns;
    enum sim_fault_kind kind;
    int a; /* index of a node */
    int b;
    uint64_t nodes; /* SPLIT: a bit for each of one side */
    bool one_way;   /* SPLIT: the others still hear `nodes` */
    int64_t rate;   /* RATE: ppm */
};

struct sim_plan {
    struct sim_fault *faults; /* by time */
    size_t count;
    int64_t heal_ns; /* the end of faults */
};

struct sim_plan_options {
    uint64_t seed;
    int node_count; /* faults strike nodes 0 .. node_count-1 */
    int64_t heal_ns;
    size_t count_max; /* faults drawn: 0 .. count_max */
    uint32_t kinds;   /* bit per kind that may be drawn; a swarm picks among these */
    int64_t duration_max_ns;
};

void sim_plan_random(struct sim_plan *plan, const struct sim_plan_options *options);
void sim_plan_deinit(struct sim_plan *plan);
/* A line for each fault; `sim` (may be NULL) has the names of the nodes. */
void sim_plan_print(const struct sim_plan *plan, const struct sim *sim, struct buf *out);

/* When the next fault, or the healing, is due; TIME_NEVER if none. */
int64_t sim_fault_next(const struct sim *sim);
void sim_fault_apply(struct sim *sim);
/* One that is in no plan, now. */
void sim_fault_strike(struct sim *sim, const struct sim_fault *fault);

/* Runs the plan anew and says whether it (still) fails. */
typedef bool sim_fails_fn(void *arg, const struct sim_plan *plan);

/* Leaves out faults as long as fails() goes on saying true; at most runs_max runs. */
void sim_plan_shrink(struct sim_plan *plan, sim_fails_fn *fails, void *arg, int runs_max);

#endif
