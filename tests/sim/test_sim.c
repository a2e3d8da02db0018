/* The simulator is proven on the lease service: it runs, it repeats itself, it finds a planted
 * fault and shrinks it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/sim_disk.h"
#include "sim/toy_lease.h"

#define SEEDS 200
#define DURATION_NS (120 * NS_PER_SEC)

struct run {
    bool fine;
    uint64_t hash;
    uint64_t steps;
};

static struct run run_plan(const struct toy_options *options, const struct sim_plan *plan)
{
    struct toy_world *world = toy_world_new(options);
    struct run run = {.fine = toy_world_run(world, plan, DURATION_NS)};
    run.hash = toy_world_sim(world)->trace_hash;
    run.steps = toy_world_sim(world)->steps;
    if (!run.fine && !options->forgetful) {
        print_message("seed %llu: %s\n", (unsigned long long)options->seed,
                      buf_text(&toy_world_sim(world)->failure));
    }
    toy_world_free(world);
    return run;
}

static struct run run_seed(uint64_t seed, bool forgetful)
{
    struct toy_options options = {
        .seed = seed, .clients = 1 + (int)(seed % 5), .forgetful = forgetful};
    struct sim_plan plan;
    toy_plan(&plan, &options, DURATION_NS);
    struct run run = run_plan(&options, &plan);
    sim_plan_deinit(&plan);
    return run;
}

static void all_seeds_are_fine(void **state UNUSED)
{
    uint64_t steps = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct run run = run_seed(seed, false);
        assert_true(run.fine);
        steps += run.steps;
    }
    assert_true(steps > SEEDS * 100);
}

static void a_seed_repeats_itself(void **state UNUSED)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct run first = run_seed(seed, false);
        struct run second = run_seed(seed, false);
        assert_int_equal(first.hash, second.hash);
        assert_int_equal(first.steps, second.steps);
    }
    assert_int_not_equal(run_seed(1, false).hash, run_seed(2, false).hash);
}

static bool still_fails(void *arg, const struct sim_plan *plan)
{
    return !run_plan(arg, plan).fine;
}

/* A server that forgets a lease when it starts anew is found out, and the plan that shows it
 * shrinks to a crash or so. */
static void a_planted_fault_is_found_and_shrunk(void **state UNUSED)
{
    int found = 0;
    size_t smallest = SIZE_MAX;
    for (uint64_t seed = 1; seed <= SEEDS && found < 3; seed++) {
        struct toy_options options = {.seed = seed, .clients = 5, .forgetful = true};
        struct sim_plan plan;
        toy_plan(&plan, &options, DURATION_NS);
        if (!run_plan(&options, &plan).fine) {
            found++;
            size_t before = plan.count;
            sim_plan_shrink(&plan, still_fails, &options, 100);
            assert_true(plan.count <= before);
            assert_false(run_plan(&options, &plan).fine);
            smallest = MIN(smallest, plan.count);
        }
        sim_plan_deinit(&plan);
    }
    assert_true(found > 0);
    assert_true(smallest <= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_seeds_are_fine),
        cmocka_unit_test(a_seed_repeats_itself),
        cmocka_unit_test(a_planted_fault_is_found_and_shrunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
