#include "daemon/system_gauges.h"

#include <stdlib.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static double load(int index)
{
    double loads[3];
    return getloadavg(loads, 3) == 3 ? loads[index] : 0;
}

static double load_1min(const void *arg)
{
    (void)arg;
    return load(0);
}

static double load_5min(const void *arg)
{
    (void)arg;
    return load(1);
}

static double load_15min(const void *arg)
{
    (void)arg;
    return load(2);
}

static double cpus_total(const void *arg)
{
    (void)arg;
    return (double)sysconf(_SC_NPROCESSORS_ONLN);
}

static double mem_free_bytes(const void *arg)
{
    (void)arg;
    struct sysinfo info;
    return sysinfo(&info) == 0 ? (double)info.freeram * info.mem_unit : 0;
}

static double mem_total_bytes(const void *arg)
{
    (void)arg;
    struct sysinfo info;
    return sysinfo(&info) == 0 ? (double)info.totalram * info.mem_unit : 0;
}

void system_gauges_add(struct metrics *metrics)
{
    static const struct {
        const char *name;
        metrics_gauge_fn *read;
    } rows[] = {
        {"system/load_1min", load_1min},           {"system/load_5min", load_5min},
        {"system/load_15min", load_15min},         {"system/cpus_total", cpus_total},
        {"system/mem_free_bytes", mem_free_bytes}, {"system/mem_total_bytes", mem_total_bytes},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        (void)metrics_add_gauge(metrics, rows[i].name, rows[i].read, NULL);
    }
}
