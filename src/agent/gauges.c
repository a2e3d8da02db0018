#include "agent/gauges.h"

#include "agent/core.h"
#include "agent/framework.h"
#include "resources/scalar.h"

#define MB_BYTES (INT64_C(1) << 20)

static size_t count_of(const struct list *list)
{
    size_t count = 0;
    for (const struct list *link = list->next; link != list; link = link->next) {
        count++;
    }
    return count;
}

/* --- executors and tasks --- */

static double count_executors(const struct agent *agent, enum executor_state state)
{
    size_t count = 0;
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            count += executor->state == state;
        }
    }
    return (double)count;
}

static double executors_registering(const void *arg)
{
    return count_executors(arg, EXECUTOR_REGISTERING);
}

static double executors_running(const void *arg)
{
    return count_executors(arg, EXECUTOR_RUNNING);
}

static double executors_terminating(const void *arg)
{
    return count_executors(arg, EXECUTOR_TERMINATING);
}

static size_t count_tasks(const struct agent *agent, Pb__TaskState state, bool with_queued)
{
    size_t count = 0;
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            struct task *task;
            LIST_FOR_EACH (task, &executor->launched, link) {
                count += task->state == state;
            }
            if (with_queued) {
                count += count_of(&executor->queued);
            }
        }
    }
    return count;
}

static double tasks_staging(const void *arg)
{
    return (double)count_tasks(arg, PB__TASK_STATE__TASK_STAGING, true);
}

static double tasks_starting(const void *arg)
{
    return (double)count_tasks(arg, PB__TASK_STATE__TASK_STARTING, false);
}

static double tasks_running(const void *arg)
{
    return (double)count_tasks(arg, PB__TASK_STATE__TASK_RUNNING, false);
}

static double tasks_killing(const void *arg)
{
    return (double)count_tasks(arg, PB__TASK_STATE__TASK_KILLING, false);
}

/* --- resources --- */

static struct amounts used(const struct agent *agent)
{
    struct amounts sum;
    amounts_init(&sum);
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            struct amounts one;
            struct amounts_limits limits;
            executor_sum(executor, &one, &limits);
            amounts_add(&sum, &one);
        }
    }
    return sum;
}

static double part(double used_amount, double total)
{
    return total > 0 ? used_amount / total : 0;
}

static double cpus_total(const void *arg)
{
    const struct agent *agent = arg;
    return scalar_to_double(agent->setup.total.cpus_milli);
}

static double cpus_used(const void *arg)
{
    return scalar_to_double(used(arg).cpus_milli);
}

static double cpus_percent(const void *arg)
{
    return part(cpus_used(arg), cpus_total(arg));
}

static double gpus_total(const void *arg)
{
    const struct agent *agent = arg;
    return scalar_to_double(agent->setup.total.gpus_milli);
}

static double gpus_used(const void *arg)
{
    return scalar_to_double(used(arg).gpus_milli);
}

static double gpus_percent(const void *arg)
{
    return part(gpus_used(arg), gpus_total(arg));
}

static double mem_total(const void *arg)
{
    const struct agent *agent = arg;
    return (double)agent->setup.total.mem_bytes / MB_BYTES;
}

static double mem_used(const void *arg)
{
    return (double)used(arg).mem_bytes / MB_BYTES;
}

static double mem_percent(const void *arg)
{
    return part(mem_used(arg), mem_total(arg));
}

static double disk_total(const void *arg)
{
    const struct agent *agent = arg;
    return scalar_to_double(agent->setup.total.disk_mb_milli);
}

static double disk_used(const void *arg)
{
    return scalar_to_double(used(arg).disk_mb_milli);
}

static double disk_percent(const void *arg)
{
    return part(disk_used(arg), disk_total(arg));
}

/* Oversubscribed resources come with resource estimators. */
static double none(const void *arg UNUSED)
{
    return 0;
}

/* --- the agent --- */

static double uptime_secs(const void *arg)
{
    const struct agent *agent = arg;
    return (double)(agent->now.mono_ns - agent->start_mono_ns) / 1e9;
}

/* 1 as soon as a master is known (facts/observed.md, operator API 13). */
static double registered(const void *arg)
{
    const struct agent *agent = arg;
    return agent->master.id[0] != '\0' ? 1 : 0;
}

static double frameworks_active(const void *arg)
{
    const struct agent *agent = arg;
    return (double)agent->frameworks.count;
}

static double directory_max_age_secs(const void *arg)
{
    const struct agent *agent = arg;
    return (double)agent->gc.age_max_ns / 1e9;
}

static double removals_pending(const void *arg)
{
    const struct agent *agent = arg;
    return (double)agent->gc.entries.count;
}

struct gauge_row {
    const char *name;
    metrics_gauge_fn *read;
};

static const struct gauge_row rows[] = {
    {"slave/cpus_percent", cpus_percent},
    {"slave/cpus_revocable_percent", none},
    {"slave/cpus_revocable_total", none},
    {"slave/cpus_revocable_used", none},
    {"slave/cpus_total", cpus_total},
    {"slave/cpus_used", cpus_used},
    {"slave/disk_percent", disk_percent},
    {"slave/disk_revocable_percent", none},
    {"slave/disk_revocable_total", none},
    {"slave/disk_revocable_used", none},
    {"slave/disk_total", disk_total},
    {"slave/disk_used", disk_used},
    {"slave/executor_directory_max_allowed_age_secs", directory_max_age_secs},
    {"slave/executors_registering", executors_registering},
    {"slave/executors_running", executors_running},
    {"slave/executors_terminating", executors_terminating},
    {"slave/frameworks_active", frameworks_active},
    {"slave/gpus_percent", gpus_percent},
    {"slave/gpus_revocable_percent", none},
    {"slave/gpus_revocable_total", none},
    {"slave/gpus_revocable_used", none},
    {"slave/gpus_total", gpus_total},
    {"slave/gpus_used", gpus_used},
    {"slave/mem_percent", mem_percent},
    {"slave/mem_revocable_percent", none},
    {"slave/mem_revocable_total", none},
    {"slave/mem_revocable_used", none},
    {"slave/mem_total", mem_total},
    {"slave/mem_used", mem_used},
    {"slave/registered", registered},
    {"slave/tasks_killing", tasks_killing},
    {"slave/tasks_running", tasks_running},
    {"slave/tasks_staging", tasks_staging},
    {"slave/tasks_starting", tasks_starting},
    {"slave/uptime_secs", uptime_secs},
    {"gc/path_removals_pending", removals_pending},
    {"resource_provider_manager/events/disconnect", none},
    {"resource_provider_manager/events/subscribe", none},
    {"resource_provider_manager/subscribed", none},
};

void gauges_init(struct agent *agent)
{
    struct gauges *g = &agent->gauges;
    struct metrics *m = g->metrics = metrics_new();
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        (void)metrics_add_gauge(m, rows[i].name, rows[i].read, agent);
    }
    g->container_launch_errors = metrics_add_counter(m, "slave/container_launch_errors");
    g->executors_terminated = metrics_add_counter(m, "slave/executors_terminated");
    g->executors_preempted = metrics_add_counter(m, "slave/executors_preempted");
    g->recovery_errors = metrics_add_counter(m, "slave/recovery_errors");
    g->tasks_failed = metrics_add_counter(m, "slave/tasks_failed");
    g->tasks_finished = metrics_add_counter(m, "slave/tasks_finished");
    g->tasks_gone = metrics_add_counter(m, "slave/tasks_gone");
    g->tasks_killed = metrics_add_counter(m, "slave/tasks_killed");
    g->tasks_lost = metrics_add_counter(m, "slave/tasks_lost");
    g->valid_status_updates = metrics_add_counter(m, "slave/valid_status_updates");
    g->invalid_status_updates = metrics_add_counter(m, "slave/invalid_status_updates");
    g->valid_framework_messages = metrics_add_counter(m, "slave/valid_framework_messages");
    g->invalid_framework_messages = metrics_add_counter(m, "slave/invalid_framework_messages");
    g->path_removals_succeeded = metrics_add_counter(m, "gc/path_removals_succeeded");
    g->path_removals_failed = metrics_add_counter(m, "gc/path_removals_failed");
}

void gauges_deinit(struct agent *agent)
{
    agent->gauges.metrics = metrics_free(agent->gauges.metrics);
}
