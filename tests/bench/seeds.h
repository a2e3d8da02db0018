/*
 * Seeds of a simulated world, as many as one likes:
 *
 *     [--seeds=N] [--from=N]    those; each that fails is shrunk, and its faults are printed
 *     --seed=N [--trace]        one of them, with its whole trace
 */
#ifndef TEPUI_TESTS_BENCH_SEEDS_H
#define TEPUI_TESTS_BENCH_SEEDS_H

#include "sim/sim.h"
#include "sim/sim_fault.h"

struct seeds_world {
    uint64_t count; /* of seeds, unless told otherwise */
    /* The faults of a seed. */
    void (*plan)(struct sim_plan *plan, uint64_t seed);
    /* Makes the world, runs it with such faults, and hands its simulation to `look` before it goes;
     * false if a law was broken. */
    bool (*run)(uint64_t seed, const struct sim_plan *plan, bool keep_trace,
                void (*look)(struct sim *sim, bool fine, void *arg), void *arg);
    /* Prints what came to pass in all of them; may be NULL. */
    void (*report)(void);
};

/* main(); returns the exit status. */
int seeds_main(int argc, char **argv, const struct seeds_world *world);

#endif
