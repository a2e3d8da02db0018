/* Seeds of whole clusters: delays, breaks, partitions, pauses, crashes at any write, full disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/cluster.h"

#define SEEDS 200
#define OPERATED_SEEDS 100   /* with an operator, behind those */
#define MAINTAINED_SEEDS 100 /* under maintenance, half of them with an operator, too */
#define CONSTRAINED_SEEDS 50 /* with offer constraints, behind those */
#define SEEDS_KEPT (SEEDS + OPERATED_SEEDS + MAINTAINED_SEEDS)
#define RESERVED_SEEDS 100 /* with reservations and volumes, behind those */
#define SEEDS_CONSTRAINED (SEEDS_KEPT + CONSTRAINED_SEEDS)
#define SEEDS_ALL (SEEDS_CONSTRAINED + RESERVED_SEEDS)
#define FAULTS_NS (60 * NS_PER_SEC)

static struct cluster_options options_of(uint64_t seed)
{
    bool maintains = seed > SEEDS + OPERATED_SEEDS && seed <= SEEDS_KEPT;
    return (struct cluster_options){
        .seed = seed,
        .agents = 1 + (int)(seed % 4),
        .frameworks = 1 + (int)(seed % 2),
        .tasks = 12,
        .checkpoint = seed % 5 != 0,
        .partition_aware = seed % 3 != 0,
        .maintains = maintains,
        .operates = seed > SEEDS && seed <= SEEDS_KEPT && (!maintains || seed % 2 == 0),
        .constrains = seed > SEEDS_KEPT && seed <= SEEDS_CONSTRAINED,
        .reserves = seed > SEEDS_CONSTRAINED && seed <= SEEDS_ALL,
    };
}

static bool run_plan(const struct cluster_options *options, const struct sim_plan *plan, bool tell,
                     uint64_t *ret_hash)
{
    struct cluster *cluster = cluster_new(options);
    bool fine = cluster_run(cluster, plan, FAULTS_NS);
    *ret_hash = cluster->sim->trace_hash;
    if (!fine && tell) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT;
        sim_plan_print(plan, cluster->sim, &text);
        print_message("seed %llu: %s\n%s", (unsigned long long)options->seed,
                      buf_text(&cluster->sim->failure), buf_text(&text));
    }
    cluster_free(cluster);
    return fine;
}

static bool run_seed(uint64_t seed, uint64_t *ret_hash)
{
    struct cluster_options options = options_of(seed);
    struct sim_plan plan;
    cluster_plan(&plan, &options, FAULTS_NS);
    bool fine = run_plan(&options, &plan, true, ret_hash);
    sim_plan_deinit(&plan);
    return fine;
}

static void seeds_are_fine(void **state UNUSED)
{
    int failed = 0;
    for (uint64_t seed = 1; seed <= SEEDS_ALL; seed++) {
        uint64_t hash;
        failed += !run_seed(seed, &hash);
    }
    assert_int_equal(failed, 0);
}

/* Each failed once; the commit that added it tells why. */
static const uint64_t old_failures[] = {
    48737, /* a launch held back met the re-registration of its agent, and ran unknown */
};

static void seeds_that_failed_are_fine(void **state UNUSED)
{
    for (size_t i = 0; i < ELEMENTS(old_failures); i++) {
        uint64_t hash;
        assert_true(run_seed(old_failures[i], &hash));
    }
}

static void a_seed_repeats_itself(void **state UNUSED)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        uint64_t first;
        uint64_t second;
        run_seed(seed, &first);
        run_seed(seed, &second);
        assert_int_equal(first, second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_fine),
        cmocka_unit_test(seeds_that_failed_are_fine),
        cmocka_unit_test(a_seed_repeats_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
