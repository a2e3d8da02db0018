/*
 * Containers a second: launched (each a shell and a sleep) and destroyed, with each launcher; what
 * it costs in CPU time of all processes, and what the agent's own thread takes of it.
 *
 *     bench_containers [count]
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "../integration/container_kit.h"

#define COUNT_DEFAULT 500

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double cpu_of(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double busy(void)
{
    FILE *file = fopen("/proc/stat", "r");
    double user = 0, nice = 0, system = 0;
    if (file == NULL || fscanf(file, "cpu %lf %lf %lf", &user, &nice, &system) != 3) {
        abort();
    }
    fclose(file);
    return (user + nice + system) / 100;
}

static void measure(const char *launcher, const char *isolation, int count)
{
    struct kit kit;
    char path[32];
    kit_init(&kit, launcher, isolation);
    kit_start(&kit, NULL);
    struct container_spec **specs = calloc((size_t)count, sizeof(specs[0]));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "c%d", i);
        specs[i] = kit_spec(&kit, path, "sleep 7499");
    }
    double begin = now(), own = cpu_of(RUSAGE_SELF), all = busy();
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "c%d", i);
        kit_launch(&kit, path, specs[i]);
    }
    free(specs);
    for (int i = 0; i < count; i++) {
        container_report_free(kit_await(&kit, CONTAINER_LAUNCHED, NULL));
    }
    double launched = now(), launched_own = cpu_of(RUSAGE_SELF), launched_all = busy();
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "c%d", i);
        kit_destroy(&kit, path);
    }
    for (int i = 0; i < count; i++) {
        container_report_free(kit_await(&kit, CONTAINER_TERMINATED, NULL));
    }
    double ended = now(), ended_own = cpu_of(RUSAGE_SELF), ended_all = busy();
    printf("%-6s %-70s launch %5.2f s (%.2f ms CPU each, %.2f of it the agent's)  "
           "destroy %5.2f s (%.2f, %.2f)\n",
           launcher, isolation, launched - begin, (launched_all - all) * 1000 / count,
           (launched_own - own) * 1000 / count, ended - launched,
           (ended_all - launched_all) * 1000 / count, (ended_own - launched_own) * 1000 / count);
    kit_deinit(&kit);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : COUNT_DEFAULT;
    measure("posix", "posix/cpu,posix/mem", count);
    if (kit_has_cgroup_v1()) {
        measure("linux", "posix/cpu,posix/mem", count);
        measure("linux", "cgroups/cpu,cgroups/mem", count);
        measure("linux", "cgroups/cpu,cgroups/mem,filesystem/linux,namespaces/pid", count);
    }
    return 0;
}
