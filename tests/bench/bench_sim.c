/* Seeds of a master, agents and frameworks (sim/cluster.h); seeds.h has the options. */
#include "seeds.h"
#include "sim/cluster.h"

#define FAULTS_NS (60 * NS_PER_SEC)

static struct cluster_options options_of(uint64_t seed)
{
    return (struct cluster_options){
        .seed = seed,
        .agents = 1 + (int)(seed % 4),
        .frameworks = 1 + (int)(seed % 2),
        .tasks = 12,
        .checkpoint = seed % 5 != 0,
        .partition_aware = seed % 3 != 0,
    };
}

static void make_plan(struct sim_plan *plan, uint64_t seed)
{
    struct cluster_options options = options_of(seed);
    cluster_plan(plan, &options, FAULTS_NS);
}

static bool run(uint64_t seed, const struct sim_plan *plan, bool keep_trace,
                void (*look)(struct sim *sim, bool fine, void *arg), void *arg)
{
    struct cluster_options options = options_of(seed);
    options.keep_trace = keep_trace;
    struct cluster *cluster = cluster_new(&options);
    bool fine = cluster_run(cluster, plan, FAULTS_NS);
    if (look != NULL) {
        look(cluster->sim, fine, arg);
    }
    cluster_free(cluster);
    return fine;
}

int main(int argc, char **argv)
{
    static const struct seeds_world world = {.count = 200, .plan = make_plan, .run = run};
    return seeds_main(argc, argv, &world);
}
