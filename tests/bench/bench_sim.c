/*
 * Seeds of simulated clusters, as many as one likes: bench_sim [--seeds=N] [--from=N], or one of
 * them with its whole trace: bench_sim --seed=N --trace. A seed that fails is shrunk and printed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/cluster.h"

#define FAULTS_NS (60 * NS_PER_SEC)
#define SHRINK_RUNS 60

/* For the message of a core that aborts. */
static volatile uint64_t current_seed;

static void on_abort(int signal_number)
{
    fprintf(stderr, "seed %llu aborts\n", (unsigned long long)current_seed);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static struct cluster_options options_of(uint64_t seed)
{
    return (struct cluster_options){
        .seed = seed,
        .agents = 1 + (int)(seed % 4),
        .frameworks = 1 + (int)(seed % 2),
        .tasks = 12,
        .checkpoint = true,
        .partition_aware = seed % 3 != 0,
    };
}

static bool fails(void *arg, const struct sim_plan *plan)
{
    struct cluster *cluster = cluster_new(arg);
    bool fine = cluster_run(cluster, plan, FAULTS_NS);
    cluster_free(cluster);
    return !fine;
}

static void tell(const struct cluster_options *options, struct sim_plan *plan)
{
    struct cluster_options shown = *options;
    sim_plan_shrink(plan, fails, &shown, SHRINK_RUNS);
    struct cluster *cluster = cluster_new(&shown);
    cluster_run(cluster, plan, FAULTS_NS);
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    sim_plan_print(plan, cluster->sim, &text);
    printf("seed %llu fails: %s\nwith these faults:\n%s", (unsigned long long)options->seed,
           buf_text(&cluster->sim->failure), buf_text(&text));
    cluster_free(cluster);
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

static int run_one(uint64_t seed, bool trace)
{
    struct cluster_options options = options_of(seed);
    options.keep_trace = trace;
    struct sim_plan plan;
    cluster_plan(&plan, &options, FAULTS_NS);
    struct cluster *cluster = cluster_new(&options);
    bool fine = cluster_run(cluster, &plan, FAULTS_NS);
    printf("%s%s\n", buf_text(&cluster->sim->trace),
           fine ? "fine" : buf_text(&cluster->sim->failure));
    cluster_free(cluster);
    sim_plan_deinit(&plan);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    signal(SIGABRT, on_abort);
    uint64_t one = number_of(argc, argv, "--seed", 0);
    if (one != 0) {
        return run_one(one, has(argc, argv, "--trace"));
    }
    uint64_t from = number_of(argc, argv, "--from", 1);
    uint64_t seeds = number_of(argc, argv, "--seeds", 200);
    uint64_t failed = 0;
    uint64_t steps = 0;
    double began = seconds_now();
    for (uint64_t seed = from; seed < from + seeds; seed++) {
        current_seed = seed;
        struct cluster_options options = options_of(seed);
        struct sim_plan plan;
        cluster_plan(&plan, &options, FAULTS_NS);
        struct cluster *cluster = cluster_new(&options);
        bool fine = cluster_run(cluster, &plan, FAULTS_NS);
        steps += cluster->sim->steps;
        cluster_free(cluster);
        if (!fine) {
            failed++;
            tell(&options, &plan);
        }
        sim_plan_deinit(&plan);
    }
    double took = seconds_now() - began;
    printf("%llu seeds, %llu failed; %.1f s, %.0f steps/s, %.1f seeds/s\n",
           (unsigned long long)seeds, (unsigned long long)failed, took, (double)steps / took,
           (double)seeds / took);
    return failed != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
