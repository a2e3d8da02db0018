/* Replicas of the log under crashes at any write, torn and lost writes, full disks, partitions,
 * pauses and broken connections, with several writers at a time (rlog_world.h has the laws). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/rlog_world.h"

#define SEEDS 300
#define FAULTS_NS (60 * NS_PER_SEC)
#define CRASHES_MAX 400

struct run {
    bool fine;
    uint64_t hash;
    struct rlog_world_counts counts;
};

static struct run run_plan(const struct rlog_world_options *options, const struct sim_plan *plan,
                           int64_t faults_ns)
{
    struct rlog_world *world = rlog_world_new(options);
    struct run run = {.fine = rlog_world_run(world, plan, faults_ns)};
    run.hash = rlog_world_sim(world)->trace_hash;
    run.counts = rlog_world_counts(world);
    if (!run.fine && !options->forgetful) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT;
        sim_plan_print(plan, rlog_world_sim(world), &text);
        print_message("seed %llu, crash at %d of %d: %s\n%s", (unsigned long long)options->seed,
                      options->crash_at, options->crash_node,
                      buf_text(&rlog_world_sim(world)->failure), buf_text(&text));
    }
    rlog_world_free(world);
    return run;
}

static struct run run_seed(uint64_t seed, bool forgetful)
{
    struct rlog_world_options options = {
        .seed = seed, .replicas = seed % 3 == 0 ? 5 : 3, .forgetful = forgetful};
    struct sim_plan plan;
    rlog_world_plan(&plan, &options, FAULTS_NS);
    struct run run = run_plan(&options, &plan, FAULTS_NS);
    sim_plan_deinit(&plan);
    return run;
}

static void all_seeds_are_fine(void **state UNUSED)
{
    struct rlog_world_counts sum = {0};
    int failed = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run run = run_seed(seed, false);
        failed += !run.fine;
        sum.acknowledged += run.counts.acknowledged;
        sum.elected += run.counts.elected;
        sum.lost += run.counts.lost;
        sum.read += run.counts.read;
        sum.caught_up += run.counts.caught_up;
        sum.torn += run.counts.torn;
    }
    print_message("%d written, %d elections, %d lost, %d read, %d caught up, %d torn\n",
                  sum.acknowledged, sum.elected, sum.lost, sum.read, sum.caught_up, sum.torn);
    assert_int_equal(failed, 0);
    /* And it was not for nothing. */
    assert_true(sum.acknowledged > SEEDS * 20);
    assert_true(sum.elected > SEEDS * 5);
    assert_true(sum.lost > SEEDS && sum.read > SEEDS && sum.caught_up > 0 && sum.torn > 10);
}

static void a_seed_repeats_itself(void **state UNUSED)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        assert_int_equal(run_seed(seed, false).hash, run_seed(seed, false).hash);
    }
    assert_int_not_equal(run_seed(1, false).hash, run_seed(2, false).hash);
}

/* The first replica's client writes; each replica in turn dies at each of its writes in turn, from
 * the first of its life on. */
static void each_write_is_crashed_in_turn(void **state UNUSED)
{
    const struct sim_plan none = {0};
    for (int node = 0; node < 3; node++) {
        int writes = CRASHES_MAX;
        for (int at = 1; at <= MIN(writes, CRASHES_MAX); at++) {
            struct rlog_world_options options = {.seed = 7 + (uint64_t)(at % 3),
                                                 .replicas = 3,
                                                 .one_client = true,
                                                 .crash_node = node,
                                                 .crash_at = at};
            struct run run = run_plan(&options, &none, 20 * NS_PER_SEC);
            assert_true(run.fine);
            writes = run.counts.writes[node];
        }
        assert_true(writes > 40);
    }
}

/* A replica that loses its disk becomes a voter again by catching up, with the others' writes going
 * on, and then is good for a quorum. */
static void a_lost_disk_is_caught_up(void **state UNUSED)
{
    for (uint64_t seed = 2; seed <= 60; seed += 3) { /* the third is the last to write */
        struct rlog_world_options options = {.seed = seed, .replicas = 3, .one_client = true};
        struct rlog_world *world = rlog_world_new(&options);
        struct sim *sim = rlog_world_sim(world);
        assert_true(rlog_world_begin(world));
        rlog_world_wipe(world, 2);
        assert_true(sim_run(sim, sim->now_ns + 50 * NS_PER_SEC));
        assert_true(rlog_world_is_recovered(world, 2));
        /* Now it is needed for a quorum, and for what was written before. */
        sim_crash(sim->nodes[1]);
        const struct sim_plan none = {0};
        bool fine = rlog_world_run(world, &none, 10 * NS_PER_SEC);
        if (!fine) {
            print_message("seed %llu: %s\n", (unsigned long long)seed, buf_text(&sim->failure));
        }
        assert_true(fine);
        rlog_world_free(world);
    }
}

/* With two of three disks lost nothing is made up: the log stays silent. */
static void two_lost_disks_are_not_made_up(void **state UNUSED)
{
    struct rlog_world_options options = {.seed = 3, .replicas = 3, .one_client = true};
    struct rlog_world *world = rlog_world_new(&options);
    struct sim *sim = rlog_world_sim(world);
    assert_true(rlog_world_begin(world));
    rlog_world_wipe(world, 1);
    rlog_world_wipe(world, 2);
    assert_true(sim_run(sim, sim->now_ns + 11 * NS_PER_SEC));
    int acknowledged = rlog_world_counts(world).acknowledged;
    assert_true(sim_run(sim, sim->now_ns + 60 * NS_PER_SEC));
    assert_false(rlog_world_is_recovered(world, 1));
    assert_false(rlog_world_is_recovered(world, 2));
    assert_int_equal(rlog_world_counts(world).acknowledged, acknowledged);
    rlog_world_free(world);
}

/* Replicas that answer before it is on disk are found out. */
static void a_planted_fault_is_found(void **state UNUSED)
{
    int found = 0;
    for (uint64_t seed = 1; seed <= SEEDS && found == 0; seed++) {
        found += !run_seed(seed, true).fine;
    }
    assert_true(found > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_seeds_are_fine),
        cmocka_unit_test(a_seed_repeats_itself),
        cmocka_unit_test(each_write_is_crashed_in_turn),
        cmocka_unit_test(a_lost_disk_is_caught_up),
        cmocka_unit_test(two_lost_disks_are_not_made_up),
        cmocka_unit_test(a_planted_fault_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
