/* Seeds of masters that elect a leader and keep the registry (sim/ha_world.h); seeds.h has the
 * options. */
#include <stdio.h>

#include "seeds.h"
#include "sim/ha_world.h"

static struct ha_counts sum;
static int64_t healed_max_ns;
static uint64_t healed_max_seed;

static void make_plan(struct sim_plan *plan, uint64_t seed)
{
    struct ha_options options = ha_options_of(seed);
    ha_world_plan(plan, &options);
}

static void add(const struct ha_counts *counts, uint64_t seed)
{
    sum.started += counts->started;
    sum.elected += counts->elected;
    sum.served += counts->served;
    sum.decided += counts->decided;
    sum.acknowledged += counts->acknowledged;
    sum.adopted += counts->adopted;
    sum.operations += counts->operations;
    sum.lost += counts->lost;
    sum.torn += counts->torn;
    sum.expired += counts->expired;
    sum.doubtful += counts->doubtful;
    sum.stale += counts->stale;
    sum.wiped += counts->wiped;
    sum.healed_ns += counts->healed_ns;
    if (counts->healed_ns > healed_max_ns) {
        healed_max_ns = counts->healed_ns;
        healed_max_seed = seed;
    }
}

static bool run(uint64_t seed, const struct sim_plan *plan, bool keep_trace,
                void (*look)(struct sim *sim, bool fine, void *arg), void *arg)
{
    struct ha_options options = ha_options_of(seed);
    options.keep_trace = keep_trace;
    struct ha_world *world = ha_world_new(&options);
    bool fine = ha_world_run(world, plan, HA_FAULTS_NS);
    struct ha_counts counts = ha_world_counts(world);
    add(&counts, seed);
    if (look != NULL) {
        look(ha_world_sim(world), fine, arg);
    }
    ha_world_free(world);
    return fine;
}

static void report(void)
{
    printf("%d processes, %d elected, %d served, %d lost it\n"
           "%d writes decided, %d acknowledged, %d of them adopted by a later leader\n"
           "%d operations acknowledged\n"
           "%d torn frames, %d lost disks caught up\n"
           "%d sessions expired, %d doubtful creates, %d stale reads\n"
           "from the end of faults to a leader that serves: %.1f s at most (seed %llu)\n",
           sum.started, sum.elected, sum.served, sum.lost, sum.decided, sum.acknowledged,
           sum.adopted, sum.operations, sum.torn, sum.wiped, sum.expired, sum.doubtful, sum.stale,
           (double)healed_max_ns / 1e9, (unsigned long long)healed_max_seed);
}

int main(int argc, char **argv)
{
    static const struct seeds_world world = {
        .count = 10000, .plan = make_plan, .run = run, .report = report};
    return seeds_main(argc, argv, &world);
}
