#include "seeds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SHRINK_RUNS 60

/* For the message of a core that aborts. */
static volatile uint64_t current_seed;

static void on_abort(int signal_number)
{
    fprintf(stderr, "seed %llu aborts\n", (unsigned long long)current_seed);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

struct shown {
    const struct seeds_world *world;
    uint64_t seed;
    const struct sim_plan *plan;
    uint64_t steps;
};

static bool fails(void *arg, const struct sim_plan *plan)
{
    const struct shown *shown = arg;
    return !shown->world->run(shown->seed, plan, false, NULL, NULL);
}

static void print_failure(struct sim *sim, bool fine UNUSED, void *arg)
{
    const struct shown *shown = arg;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    sim_plan_print(shown->plan, sim, &text);
    printf("seed %llu fails: %s\nwith these faults:\n%s", (unsigned long long)shown->seed,
           buf_text(&sim->failure), buf_text(&text));
}

static void tell(struct shown *shown, struct sim_plan *plan)
{
    sim_plan_shrink(plan, fails, shown, SHRINK_RUNS);
    shown->plan = plan;
    (void)shown->world->run(shown->seed, plan, false, print_failure, shown);
}

static void count_steps(struct sim *sim, bool fine UNUSED, void *arg)
{
    ((struct shown *)arg)->steps += sim->steps;
}

static void print_trace(struct sim *sim, bool fine, void *arg UNUSED)
{
    printf("%s%s\n", buf_text(&sim->trace), fine ? "fine" : buf_text(&sim->failure));
}

static uint64_t number_of(int argc, char **argv, const char *flag, uint64_t otherwise)
{
    size_t size = strlen(flag);
    for (int i = 1; i < argc; i++) {
        uint64_t value;
        if (strncmp(argv[i], flag, size) == 0 && argv[i][size] == '=' &&
            slice_parse_uint64(slice_from(argv[i] + size + 1), &value)) {
            return value;
        }
    }
    return otherwise;
}

static bool has(int argc, char **argv, const char *flag)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], flag) == 0) {
            return true;
        }
    }
    return false;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int run_one(const struct seeds_world *world, uint64_t seed, bool trace)
{
    struct sim_plan plan;
    current_seed = seed;
    world->plan(&plan, seed);
    bool fine = world->run(seed, &plan, trace, print_trace, NULL);
    sim_plan_deinit(&plan);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

int seeds_main(int argc, char **argv, const struct seeds_world *world)
{
    signal(SIGABRT, on_abort);
    uint64_t one = number_of(argc, argv, "--seed", 0);
    if (one != 0) {
        return run_one(world, one, has(argc, argv, "--trace"));
    }
    uint64_t from = number_of(argc, argv, "--from", 1);
    uint64_t seeds = number_of(argc, argv, "--seeds", world->count);
    uint64_t failed = 0;
    struct shown shown = {.world = world};
    double began = seconds_now();
    for (uint64_t seed = from; seed < from + seeds; seed++) {
        struct sim_plan plan;
        current_seed = shown.seed = seed;
        world->plan(&plan, seed);
        if (!world->run(seed, &plan, false, count_steps, &shown)) {
            failed++;
            tell(&shown, &plan);
        }
        sim_plan_deinit(&plan);
    }
    double took = seconds_now() - began;
    printf("%llu seeds, %llu failed; %.1f s, %.0f steps/s, %.1f seeds/s\n",
           (unsigned long long)seeds, (unsigned long long)failed, took, (double)shown.steps / took,
           (double)seeds / took);
    if (world->report != NULL) {
        world->report();
    }
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
