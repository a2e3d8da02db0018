#include "daemon/container_gauges.h"

#include "container/containerizer_host.h"

/* Asking for the counts locks them, but changes nothing. */
static struct containerizer_counts counts(const void *arg)
{
    return containerizer_host_counts((struct containerizer_host *)(uintptr_t)arg);
}

static double fetches_succeeded(const void *arg)
{
    return (double)counts(arg).fetches_succeeded;
}

static double fetches_failed(const void *arg)
{
    return (double)counts(arg).fetches_failed;
}

static double cache_total_bytes(const void *arg)
{
    return (double)counts(arg).cache_total_bytes;
}

static double cache_used_bytes(const void *arg)
{
    return (double)counts(arg).cache_used_bytes;
}

/* A destruction is repeated until it is done, so it has no way to fail; and there are no root file
 * systems whose removal could. */
static double none(const void *arg)
{
    (void)arg;
    return 0;
}

void container_gauges_add(struct metrics *metrics, struct containerizer_host *containers)
{
    static const struct {
        const char *name;
        metrics_gauge_fn *read;
    } rows[] = {
        {"containerizer/fetcher/cache_size_total_bytes", cache_total_bytes},
        {"containerizer/fetcher/cache_size_used_bytes", cache_used_bytes},
        {"containerizer/fetcher/task_fetches_failed", fetches_failed},
        {"containerizer/fetcher/task_fetches_succeeded", fetches_succeeded},
        {"containerizer/mesos/container_destroy_errors", none},
        {"containerizer/mesos/provisioner/bind/remove_rootfs_errors", none},
        {"containerizer/mesos/provisioner/remove_container_errors", none},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        (void)metrics_add_gauge(metrics, rows[i].name, rows[i].read, containers);
    }
}
