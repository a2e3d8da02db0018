#include "master/gauges.h"

#include <stdio.h>

#include "master/master_state.h"
#include "master/reads.h"
#include "resources/scalar.h"

#define NAME_SIZE 64

typedef double gauge_fn(const struct master *master);

static double elected(const struct master *master)
{
    return master->role != MASTER_FOLLOWING ? 1 : 0;
}

static double uptime_secs(const struct master *master)
{
    return (double)(master->now.wall_ns - master->start_ns) / (double)NS_PER_SEC;
}

static double slaves_connected(const struct master *master)
{
    return (double)master->connected_count;
}

static double slaves_disconnected(const struct master *master)
{
    return (double)(master->registered_count - master->connected_count);
}

static double slaves_active(const struct master *master)
{
    return (double)master->active_count;
}

static double slaves_inactive(const struct master *master)
{
    return (double)(master->registered_count - master->active_count);
}

static double slaves_unreachable(const struct master *master)
{
    return (double)master->unreachable_count;
}

static double outstanding_offers(const struct master *master)
{
    return (double)master->offer_records.count;
}

static double subscribers(const struct master *master)
{
    return (double)master->reads->subscriber_count;
}

static double tasks_staging(const struct master *master)
{
    return (double)master->task_counts[TASK_STATE_STAGING];
}

static double tasks_starting(const struct master *master)
{
    return (double)master->task_counts[TASK_STATE_STARTING];
}

static double tasks_running(const struct master *master)
{
    return (double)master->task_counts[TASK_STATE_RUNNING];
}

static double tasks_killing(const struct master *master)
{
    return (double)master->task_counts[TASK_STATE_KILLING];
}

static double tasks_unreachable(const struct master *master)
{
    return (double)master->task_counts[TASK_STATE_UNREACHABLE];
}

static double registry_queue(const struct master *master)
{
    return (double)master->pending.count;
}

static double allocation_runs(const struct master *master)
{
    struct allocator_stats stats = {0};
    master->allocator_ops->stats(master->allocator, &stats);
    return (double)stats.runs;
}

/* Events are taken as they come: nothing queues up in front of the core or the allocator. */
static double none(const struct master *master UNUSED)
{
    return 0;
}

static const struct {
    const char *name;
    gauge_fn *read;
} rows[] = {
    {"allocator/event_queue_dispatches", none},
    {"allocator/mesos/allocation_runs", allocation_runs},
    {"allocator/mesos/event_queue_dispatches", none},
    {"master/elected", elected},
    {"master/event_queue_dispatches", none},
    {"master/event_queue_http_requests", none},
    {"master/event_queue_messages", none},
    {"master/operator_event_stream_subscribers", subscribers},
    {"master/outstanding_offers", outstanding_offers},
    {"master/slaves_active", slaves_active},
    {"master/slaves_connected", slaves_connected},
    {"master/slaves_disconnected", slaves_disconnected},
    {"master/slaves_inactive", slaves_inactive},
    {"master/slaves_unreachable", slaves_unreachable},
    {"master/tasks_killing", tasks_killing},
    {"master/tasks_running", tasks_running},
    {"master/tasks_staging", tasks_staging},
    {"master/tasks_starting", tasks_starting},
    {"master/tasks_unreachable", tasks_unreachable},
    {"master/uptime_secs", uptime_secs},
    {"registrar/queued_operations", registry_queue},
};

/* master/cpus_total, _used, _percent; with "_revocable" in between for the others. */
static void visit_amounts(const struct quantities *total, const struct quantities *used,
                          const char *infix, metrics_visit_fn *visit, void *arg)
{
    for (uint32_t i = 0; i < RESOURCE_NAMES_COMMON; i++) {
        char name[NAME_SIZE];
        struct slice kind = resource_name_common_text(i);
        double all = scalar_to_double(quantities_get(total, i));
        double taken = scalar_to_double(quantities_get(used, i));
        (void)snprintf(name, sizeof(name), "master/%.*s%s_total", SLICE_ARGS(kind), infix);
        visit(arg, name, all);
        (void)snprintf(name, sizeof(name), "master/%.*s%s_used", SLICE_ARGS(kind), infix);
        visit(arg, name, taken);
        (void)snprintf(name, sizeof(name), "master/%.*s%s_percent", SLICE_ARGS(kind), infix);
        visit(arg, name, all > 0 ? taken / all : 0);
    }
}

void master_gauges_visit(const struct master *master, metrics_visit_fn *visit, void *arg)
{
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        visit(arg, rows[i].name, rows[i].read(master));
    }
    visit_amounts(&master->total, &master->used, "", visit, arg);
    visit_amounts(&master->total_revocable, &master->used_revocable, "_revocable", visit, arg);
}
