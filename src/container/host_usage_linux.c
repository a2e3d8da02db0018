/*
 * What containers use: a mesos.ResourceStatistics from cgroups, or summed up over the processes
 * that descend from the first one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/host_linux.h"
#include "wire/message.h"

#define STAT_SIZE 16384
#define CHILDREN_SIZE 65536
#define PROCESSES_MAX 100000 /* of one container, that are looked at */

/* Numbers of a file of "name value" lines. */
static bool stat_number(const char *text, const char *name, uint64_t *ret)
{
    size_t size = strlen(name);
    for (const char *line = text; line != NULL;) {
        if (strncmp(line, name, size) == 0 && line[size] == ' ') {
            *ret = strtoull(line + size + 1, NULL, 10);
            return true;
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return false;
}

static bool read_stat(const char *dir, const char *file, char text[STAT_SIZE])
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, file);
    return apply_read(path, text, STAT_SIZE) > 0;
}

static bool file_number(const char *dir, const char *file, uint64_t *ret)
{
    char text[STAT_SIZE], *end;
    if (!read_stat(dir, file, text)) {
        return false;
    }
    *ret = strtoull(text, &end, 10);
    return end != text;
}

/* Shown where there is a quota (facts/observed.md, containers 3: the original needs a flag). */
static void add_throttling(const char *dir, const char *time_name, double per_sec,
                           Pb__ResourceStatistics *usage)
{
    char text[STAT_SIZE];
    uint64_t periods, throttled, throttled_time;
    if (read_stat(dir, "cpu.stat", text) && stat_number(text, "nr_periods", &periods) &&
        stat_number(text, "nr_throttled", &throttled) &&
        stat_number(text, time_name, &throttled_time)) {
        usage->has_cpus_nr_periods = 1;
        usage->cpus_nr_periods = (uint32_t)periods;
        usage->has_cpus_nr_throttled = 1;
        usage->cpus_nr_throttled = (uint32_t)throttled;
        usage->has_cpus_throttled_time_secs = 1;
        usage->cpus_throttled_time_secs = (double)throttled_time / per_sec;
    }
}

static void add_cpu_times(uint64_t user, uint64_t system, double per_sec,
                          Pb__ResourceStatistics *usage)
{
    usage->has_cpus_user_time_secs = 1;
    usage->cpus_user_time_secs = (double)user / per_sec;
    usage->has_cpus_system_time_secs = 1;
    usage->cpus_system_time_secs = (double)system / per_sec;
}

static uint32_t count_lines(const char *dir, const char *file)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, file);
    CLEANUP(xfreep) char *text = malloc((size_t)1 << 20);
    ASSERT(text != NULL);
    uint32_t count = 0;
    if (apply_read(path, text, (size_t)1 << 20) > 0) {
        for (const char *c = text; (c = strchr(c, '\n')) != NULL; c++) {
            count++;
        }
    }
    return count;
}

static void add_counts(const char *dir, const char *threads, Pb__ResourceStatistics *usage)
{
    usage->has_processes = 1;
    usage->processes = count_lines(dir, "cgroup.procs");
    usage->has_threads = 1;
    usage->threads = count_lines(dir, threads);
}

static void add_cpu_v1(const struct containerizer_host *host, const struct hosted *hosted,
                       bool quota, Pb__ResourceStatistics *usage)
{
    char text[STAT_SIZE];
    uint64_t user, system;
    const char *dir = hosted->place.cpuacct_cgroup;
    if (dir != NULL && read_stat(dir, "cpuacct.stat", text) && stat_number(text, "user", &user) &&
        stat_number(text, "system", &system)) {
        add_cpu_times(user, system, (double)sysconf(_SC_CLK_TCK), usage);
    }
    if (dir != NULL && host->options.cgroups_cpu_enable_pids_and_tids_count) {
        add_counts(dir, "tasks", usage);
    }
    if (hosted->place.cpu_cgroup != NULL && quota) {
        add_throttling(hosted->place.cpu_cgroup, "throttled_time", 1e9, usage);
    }
}

static void add_cpu_v2(const struct containerizer_host *host, const struct hosted *hosted,
                       bool quota, Pb__ResourceStatistics *usage)
{
    char text[STAT_SIZE];
    uint64_t user, system;
    const char *dir = hosted->place.cpu_cgroup;
    if (dir == NULL) {
        return;
    }
    if (read_stat(dir, "cpu.stat", text) && stat_number(text, "user_usec", &user) &&
        stat_number(text, "system_usec", &system)) {
        add_cpu_times(user, system, 1e6, usage);
    }
    if (quota) {
        add_throttling(dir, "throttled_usec", 1e6, usage);
    }
    if (host->options.cgroups_cpu_enable_pids_and_tids_count) {
        CLEANUP(xfreep) char *leaf = xasprintf("%s/leaf", dir);
        add_counts(leaf, "cgroup.threads", usage);
    }
}

/* A field of the message from a line of memory.stat. */
#define ADD_STAT(usage, text, name, field)          \
    do {                                            \
        uint64_t value_;                            \
        if (stat_number((text), (name), &value_)) { \
            (usage)->has_##field = 1;               \
            (usage)->field = value_;                \
        }                                           \
    } while (0)

#define ADD_FILE(usage, dir, file, field)          \
    do {                                           \
        uint64_t value_;                           \
        if (file_number((dir), (file), &value_)) { \
            (usage)->has_##field = 1;              \
            (usage)->field = value_;               \
        }                                          \
    } while (0)

static uint64_t pressure(struct hosted *hosted, int level)
{
    uint64_t count;
    if (hosted->pressure[level] >= 0 &&
        read(hosted->pressure[level], &count, sizeof(count)) == sizeof(count)) {
        hosted->pressure_count[level] += count;
    }
    return hosted->pressure_count[level];
}

static void add_pressure(struct hosted *hosted, Pb__ResourceStatistics *usage)
{
    usage->has_mem_low_pressure_counter = hosted->pressure[0] >= 0;
    usage->mem_low_pressure_counter = pressure(hosted, 0);
    usage->has_mem_medium_pressure_counter = hosted->pressure[1] >= 0;
    usage->mem_medium_pressure_counter = pressure(hosted, 1);
    usage->has_mem_critical_pressure_counter = hosted->pressure[2] >= 0;
    usage->mem_critical_pressure_counter = pressure(hosted, 2);
}

static void add_mem_v1(const struct containerizer_host *host, struct hosted *hosted,
                       Pb__ResourceStatistics *usage)
{
    char text[STAT_SIZE];
    const char *dir = hosted->place.memory_cgroup;
    ADD_FILE(usage, dir, "memory.usage_in_bytes", mem_total_bytes);
    ADD_FILE(usage, dir, "memory.kmem.usage_in_bytes", mem_kmem_usage_bytes);
    ADD_FILE(usage, dir, "memory.kmem.tcp.usage_in_bytes", mem_kmem_tcp_usage_bytes);
    if (host->options.cgroups_limit_swap) {
        ADD_FILE(usage, dir, "memory.memsw.usage_in_bytes", mem_total_memsw_bytes);
    }
    if (read_stat(dir, "memory.stat", text)) {
        ADD_STAT(usage, text, "total_cache", mem_file_bytes);
        ADD_STAT(usage, text, "total_cache", mem_cache_bytes);
        ADD_STAT(usage, text, "total_rss", mem_anon_bytes);
        ADD_STAT(usage, text, "total_rss", mem_rss_bytes);
        ADD_STAT(usage, text, "total_mapped_file", mem_mapped_file_bytes);
        ADD_STAT(usage, text, "total_swap", mem_swap_bytes);
        ADD_STAT(usage, text, "total_unevictable", mem_unevictable_bytes);
    }
    add_pressure(hosted, usage);
}

static void add_mem_v2(const struct hosted *hosted, Pb__ResourceStatistics *usage)
{
    char text[STAT_SIZE];
    const char *dir = hosted->place.memory_cgroup;
    ADD_FILE(usage, dir, "memory.current", mem_total_bytes);
    ADD_FILE(usage, dir, "memory.swap.current", mem_swap_bytes);
    if (read_stat(dir, "memory.stat", text)) {
        ADD_STAT(usage, text, "kernel", mem_kmem_usage_bytes);
        ADD_STAT(usage, text, "sock", mem_kmem_tcp_usage_bytes);
        ADD_STAT(usage, text, "file", mem_file_bytes);
        ADD_STAT(usage, text, "file", mem_cache_bytes);
        ADD_STAT(usage, text, "anon", mem_anon_bytes);
        ADD_STAT(usage, text, "anon", mem_rss_bytes);
        ADD_STAT(usage, text, "file_mapped", mem_mapped_file_bytes);
        ADD_STAT(usage, text, "unevictable", mem_unevictable_bytes);
    }
}

/* --- by processes --- */

struct sum {
    uint64_t user, system, rss_pages;
    size_t processes;
};

static void add_process(pid_t pid, struct sum *sum)
{
    char path[64], text[STAT_SIZE];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (apply_read(path, text, sizeof(text)) <= 0) {
        return;
    }
    const char *at = strrchr(text, ')');
    unsigned long long user, system;
    long long rss;
    /* Fields 14 (utime), 15 (stime) and 24 (rss); field 3 comes first. */
    if (at != NULL &&
        sscanf(at + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
               "%*d %*u %*u %lld",
               &user, &system, &rss) == 3) {
        sum->user += user;
        sum->system += system;
        sum->rss_pages += rss > 0 ? (uint64_t)rss : 0;
        sum->processes++;
    }
}

/* All that descend from a process, it included: children are files of the kernel. */
static void add_tree(pid_t root, struct sum *sum)
{
    pid_t *pids = xcalloc(1, sizeof(pids[0]));
    size_t count = 1, capacity = 1;
    pids[0] = root;
    CLEANUP(xfreep) char *text = malloc(CHILDREN_SIZE);
    ASSERT(text != NULL);
    for (size_t i = 0; i < count; i++) {
        add_process(pids[i], sum);
        char path[64], *end;
        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pids[i], (int)pids[i]);
        if (apply_read_pids(path, text, CHILDREN_SIZE) <= 0) {
            continue;
        }
        long child;
        for (char *at = text; count < PROCESSES_MAX && (child = strtol(at, &end, 10)) > 0;
             at = end) {
            if (count == capacity) {
                capacity *= 2;
                pids = xrealloc(pids, capacity, sizeof(pids[0]));
            }
            pids[count++] = (pid_t)child;
        }
    }
    free(pids);
}

static void add_processes(const struct containerizer_host *host, const struct hosted *hosted,
                          Pb__ResourceStatistics *usage)
{
    bool cpu = isolators_have(&host->isolators, ISOLATOR_POSIX_CPU);
    bool mem = isolators_have(&host->isolators, ISOLATOR_POSIX_MEM);
    if (!hosted->alive || (!cpu && !mem)) {
        return;
    }
    struct sum sum = {0};
    add_tree(hosted->pid, &sum);
    if (cpu) {
        add_cpu_times(sum.user, sum.system, (double)sysconf(_SC_CLK_TCK), usage);
    }
    if (mem) {
        usage->has_mem_rss_bytes = 1;
        usage->mem_rss_bytes = sum.rss_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
}

/* --- what was asked for --- */

static void add_amounts(const struct containerizer_host *host,
                        const struct containerizer_amounts *amounts, Pb__ResourceStatistics *usage)
{
    if (amounts->cpus_milli != 0) {
        usage->has_cpus_soft_limit = 1;
        usage->cpus_soft_limit = (double)amounts->cpus_milli / 1000;
    }
    int64_t cpus = amounts->cpus_limit_milli;
    if (cpus == 0 && host->options.cgroups_enable_cfs) {
        cpus = amounts->cpus_milli;
    }
    if (cpus != 0) { /* infinite ones show as the node's (facts/observed.md, containers 7) */
        usage->has_cpus_limit = 1;
        usage->cpus_limit = (double)(cpus == INT64_MAX ? host->facts.node_cpus_milli : cpus) / 1000;
    }
    if (amounts->mem_bytes != 0) {
        usage->has_mem_soft_limit_bytes = 1;
        usage->mem_soft_limit_bytes = (uint64_t)amounts->mem_bytes;
    }
    int64_t mem = amounts->mem_limit_bytes != 0 ? amounts->mem_limit_bytes : amounts->mem_bytes;
    if (mem != 0) {
        usage->has_mem_limit_bytes = 1;
        usage->mem_limit_bytes = (uint64_t)(mem == INT64_MAX ? host->facts.node_mem_bytes : mem);
    }
}

void host_usage(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct container_report *report = TAKE_PTR(effect->report);
    struct hosted *hosted = host_find(host, effect->path);
    if (hosted == NULL) {
        report->status = -ESRCH;
        report->text = xstrdup("Unknown container");
        host_deliver(host, report);
        return;
    }
    Pb__ResourceStatistics usage = PB__RESOURCE_STATISTICS__INIT;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    usage.timestamp = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    bool v1 = host->facts.cgroups == CGROUPS_V1;
    bool quota = host->options.cgroups_enable_cfs || effect->amounts.cpus_limit_milli != 0;
    if (v1) {
        add_cpu_v1(host, hosted, quota, &usage);
    } else {
        add_cpu_v2(host, hosted, quota, &usage);
    }
    if (hosted->place.memory_cgroup != NULL && v1) {
        add_mem_v1(host, hosted, &usage);
    } else if (hosted->place.memory_cgroup != NULL) {
        add_mem_v2(hosted, &usage);
    }
    add_processes(host, hosted, &usage);
    add_amounts(host, &effect->amounts, &usage);
    report->message = message_encode_blob(&usage.base);
    host_deliver(host, report);
}
