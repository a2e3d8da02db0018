#include <math.h>
#include <string.h>

#include "master/fields.h"
#include "master/master_state.h"
#include "master/validate.h"
#include "resources/resource_validate.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* The least that an executor of a group must have. */
#define MIN_CPUS_MILLI 10
#define MIN_MEM_MILLI (32 * SCALAR_ONE)

/* --- executors --- */

static int check_executor_type(const Pb__ExecutorInfo *info, struct err *err)
{
    switch (info->has_type ? (int)info->type : (int)PB__EXECUTOR_INFO__TYPE__UNKNOWN) {
    case PB__EXECUTOR_INFO__TYPE__DEFAULT:
        if (info->command != NULL) {
            return err_set(err, VALIDATE_E,
                           "'ExecutorInfo.command' must not be set for 'DEFAULT' executor");
        }
        if (info->container != NULL && info->container->type != PB__CONTAINER_INFO__TYPE__MESOS) {
            return err_set(err, VALIDATE_E,
                           "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor");
        }
        if (info->container != NULL && info->container->mesos != NULL &&
            info->container->mesos->image != NULL) {
            return err_set(err, VALIDATE_E,
                           "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' "
                           "executor");
        }
        return 0;
    case PB__EXECUTOR_INFO__TYPE__CUSTOM:
        return info->command != NULL
                   ? 0
                   : err_set(err, VALIDATE_E,
                             "'ExecutorInfo.command' must be set for 'CUSTOM' executor");
    default:
        return 0; /* none, or one of a later version */
    }
}

int master_validate_executor_info(const Pb__ExecutorInfo *info, struct err *err)
{
    int r = check_executor_type(info, err);
    if (r != 0) {
        return r;
    }
    if (resource_validate_id(slice_from(info->executor_id->value), err) != 0) {
        return VALIDATE_E;
    }
    if (info->shutdown_grace_period != NULL && info->shutdown_grace_period->nanoseconds < 0) {
        return err_set(err, VALIDATE_E,
                       "ExecutorInfo's 'shutdown_grace_period' must be non-negative");
    }
    if (info->command != NULL && master_validate_command(info->command, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Executor's `CommandInfo` is invalid");
    }
    if (info->container != NULL && master_validate_container(info->container, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Executor's `ContainerInfo` is invalid");
    }
    return 0;
}

/* An executor that runs on the agent must be asked for in the same words. */
static int check_executor(const struct validate_context *context, const Pb__ExecutorInfo *info,
                          struct err *err)
{
    int r = master_validate_executor_info(info, err);
    if (r != 0) {
        return r;
    }
    if (info->framework_id == NULL) {
        return err_set(err, VALIDATE_E, "'ExecutorInfo.framework_id' must be set");
    }
    if (!slice_is(blob_slice(context->framework->id), info->framework_id->value)) {
        return err_set(err, VALIDATE_E,
                       "ExecutorInfo has an invalid FrameworkID (Actual: %s vs Expected: %s)",
                       info->framework_id->value, context->framework->id->data);
    }
    if (resource_validate_executor(info->resources, info->n_resources, err) != 0) {
        return VALIDATE_E;
    }
    const struct executor *existing = master_executor_find(context->agent, context->framework,
                                                           slice_from(info->executor_id->value));
    if (existing != NULL) {
        struct blob *bytes = message_encode_blob(&info->base);
        bool same = slice_equal(blob_slice(bytes), blob_slice(existing->record->info));
        blob_unref(bytes);
        if (!same) {
            return err_set(err, VALIDATE_E,
                           "ExecutorInfo is not compatible with existing ExecutorInfo with same "
                           "ExecutorID '%s'",
                           info->executor_id->value);
        }
    }
    return 0;
}

static bool shares_cgroups(const Pb__ContainerInfo *container, bool otherwise)
{
    if (container == NULL || container->linux_info == NULL ||
        !container->linux_info->has_share_cgroups) {
        return otherwise;
    }
    return container->linux_info->share_cgroups;
}

/* --- tasks in themselves --- */

static int check_unique_id(const struct framework *framework, const char *id, struct err *err)
{
    if (master_find_task(framework, slice_from(id)) != NULL) {
        return err_set(err, VALIDATE_E, "Task has duplicate ID: %s", id);
    }
    if (master_task_find_unreachable(framework, slice_from(id)) != NULL) {
        return err_set(err, VALIDATE_E, "Task reuses the ID of an unreachable task: %s", id);
    }
    return 0;
}

/* Only of cpus and mem, and no less than what is asked for. */
static int check_limits(const struct agent *agent, const Pb__TaskInfo *task, struct err *err)
{
    if (task->n_limits == 0) {
        return 0;
    }
    if ((agent->capabilities & AGENT_TASK_RESOURCE_LIMITS) == 0) {
        return err_set(err, VALIDATE_E, "Agent is not capable of handling task resource limits");
    }
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, task->resources, task->n_resources, NULL);
    int r = 0;
    for (size_t i = 0; i < task->n_limits && r == 0; i++) {
        const char *name = task->limits[i]->key;
        bool cpus = strcmp(name, "cpus") == 0;
        double limit = task->limits[i]->value != NULL ? task->limits[i]->value->value : 0;
        int64_t request;
        int64_t limit_milli;
        if (!cpus && strcmp(name, "mem") != 0) {
            r = err_set(err, VALIDATE_E,
                        "Only cpus and mem may be included in a task's resource limits");
        } else if (!resources_get_scalar(&resources, slice_from(name), &request)) {
            r = err_set(err, VALIDATE_E,
                        "When a %s limit is specified, a %s request must also be specified",
                        cpus ? "CPU" : "memory", cpus ? "CPU" : "memory");
        } else if (!(isinf(limit) && limit > 0) &&
                   (!scalar_from_double(limit, &limit_milli) || limit_milli < request)) {
            r = err_set(err, VALIDATE_E,
                        "The %s limit must be greater than or equal to the %s request",
                        cpus ? "cpu" : "memory", cpus ? "cpu" : "memory");
        }
    }
    resources_deinit(&resources);
    return r;
}

static int check_times(const Pb__TaskInfo *task, struct err *err)
{
    if (task->kill_policy != NULL && task->kill_policy->grace_period != NULL &&
        task->kill_policy->grace_period->nanoseconds < 0) {
        return err_set(err, VALIDATE_E, "Task's 'kill_policy.grace_period' must be non-negative");
    }
    if (task->max_completion_time != NULL && task->max_completion_time->nanoseconds < 0) {
        return err_set(err, VALIDATE_E, "Task's `max_completion_time` must be non-negative");
    }
    return 0;
}

/* In the reference's order: the first error is the one that is told. */
static int check_task(const struct validate_context *context, const Pb__TaskInfo *task,
                      struct err *err)
{
    if (resource_validate_id(slice_from(task->task_id->value), err) != 0) {
        return VALIDATE_E;
    }
    int r = check_unique_id(context->framework, task->task_id->value, err);
    if (r != 0) {
        return r;
    }
    if (!slice_is(blob_slice(context->agent->id), task->agent_id->value)) {
        return err_set(err, VALIDATE_E, "Task uses invalid agent %s while agent %s is expected",
                       task->agent_id->value, context->agent->id->data);
    }
    r = check_times(task, err);
    if (r != 0) {
        return r;
    }
    if (task->check != NULL && master_validate_check(task->check, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Task uses invalid check");
    }
    if (task->health_check != NULL && master_validate_health_check(task->health_check, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Task uses invalid health check");
    }
    if (resource_validate_task(task->resources, task->n_resources, err) != 0) {
        return VALIDATE_E;
    }
    if (task->command != NULL && master_validate_command(task->command, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Task's `CommandInfo` is invalid");
    }
    if (task->container != NULL && master_validate_container(task->container, err) != 0) {
        return err_wrap(err, VALIDATE_E, "Task's `ContainerInfo` is invalid");
    }
    return check_limits(context->agent, task, err);
}

/* --- one task with its executor --- */

static int not_enough(const struct resources *total, const struct resources *offered,
                      const char *what, struct err *err)
{
    CLEANUP(buf_deinit) struct buf needed = BUF_INIT;
    CLEANUP(buf_deinit) struct buf available = BUF_INIT;
    resources_format(total, &needed);
    resources_format(offered, &available);
    return err_set(err, VALIDATE_E, "Total resources %s required by %s more than available %s",
                   buf_text(&needed), what, buf_text(&available));
}

static int check_custom(const struct validate_context *context, const Pb__ExecutorInfo *executor,
                        struct err *err)
{
    int r = check_executor(context, executor, err);
    if (r != 0) {
        return r;
    }
    if (executor->has_type && executor->type != PB__EXECUTOR_INFO__TYPE__CUSTOM) {
        return err_set(err, VALIDATE_E, "'ExecutorInfo.type' must be 'CUSTOM'");
    }
    if (executor->command == NULL) {
        return err_set(err, VALIDATE_E, "'ExecutorInfo.command' must be set");
    }
    for (size_t i = 0; i < executor->n_resources; i++) {
        if (executor->resources[i]->shared != NULL) {
            return err_set(err, VALIDATE_E,
                           "Executor resources should not contain any shared resources");
        }
    }
    if (shares_cgroups(executor->container, false)) {
        return err_set(err, VALIDATE_E,
                       "The 'share_cgroups' field cannot be set to 'true' on executor containers");
    }
    return 0;
}

int master_validate_task(const struct validate_context *context, const Pb__TaskInfo *task,
                         struct err *err)
{
    int r = check_task(context, task, err);
    if (r != 0) {
        return r;
    }
    const Pb__ExecutorInfo *executor = task->executor;
    if ((executor != NULL) == (task->command != NULL)) {
        return err_set(err, VALIDATE_E,
                       "Task should have at least one (but not both) of CommandInfo or "
                       "ExecutorInfo present");
    }
    if (executor != NULL) {
        r = check_custom(context, executor, err);
        if (r != 0) {
            return r;
        }
    }
    if (resource_validate_task_and_executor(task, err) != 0) {
        return VALIDATE_E;
    }
    struct resources total = RESOURCES_INIT;
    resources_add_pb(&total, task->resources, task->n_resources, NULL);
    if (executor != NULL &&
        master_executor_find(context->agent, context->framework,
                             slice_from(executor->executor_id->value)) == NULL) {
        resources_add_pb(&total, executor->resources, executor->n_resources, NULL);
    }
    if (!resources_contain(context->offered, &total)) {
        r = not_enough(&total, context->offered, "task and its executor is", err);
    }
    resources_deinit(&total);
    if (r == 0 && !shares_cgroups(task->container, true)) {
        r = err_set(err, VALIDATE_E,
                    "Only tasks in a task group may have 'share_cgroups' set to 'false'");
    }
    return r;
}

/* --- groups --- */

static int check_group_task(const struct validate_context *context, const Pb__TaskInfo *task,
                            struct err *err)
{
    int r = check_task(context, task, err);
    if (r != 0) {
        return r;
    }
    if (task->executor == NULL) {
        return err_set(err, VALIDATE_E, "'TaskInfo.executor' must be set");
    }
    const Pb__ContainerInfo *container = task->container;
    if (container != NULL && container->n_network_infos > 0 && task->health_check != NULL &&
        task->health_check->has_type &&
        (task->health_check->type == PB__HEALTH_CHECK__TYPE__HTTP ||
         task->health_check->type == PB__HEALTH_CHECK__TYPE__TCP)) {
        return err_set(err, VALIDATE_E,
                       "HTTP and TCP health checks are not supported for nested containers not "
                       "joining parent's network");
    }
    if (container != NULL && container->type == PB__CONTAINER_INFO__TYPE__DOCKER) {
        return err_set(err, VALIDATE_E, "Docker ContainerInfo is not supported on the task");
    }
    if (task->n_limits > 0 && shares_cgroups(container, true)) {
        return err_set(err, VALIDATE_E,
                       "Resource limits may only be set for tasks within a task group when the "
                       "'share_cgroups' field is set to 'false'.");
    }
    return 0;
}

static int check_least(const Pb__ExecutorInfo *executor, struct err *err)
{
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, executor->resources, executor->n_resources, NULL);
    int64_t amount;
    int r = 0;
    const char *id = executor->executor_id->value;
    if (!resources_get_scalar(&resources, SLICE("cpus"), &amount) || amount < MIN_CPUS_MILLI) {
        r = err_set(err, VALIDATE_E,
                    "Executor '%s' uses less CPUs than the minimum required (0.01)", id);
    } else if (!resources_get_scalar(&resources, SLICE("mem"), &amount) || amount < MIN_MEM_MILLI) {
        r = err_set(err, VALIDATE_E,
                    "Executor '%s' uses less memory than the minimum required (32MB)", id);
    } else if (!resources_get_scalar(&resources, SLICE("disk"), &amount)) {
        r = err_set(err, VALIDATE_E, "Executor '%s' uses no disk", id);
    }
    resources_deinit(&resources);
    return r;
}

static int check_group_executor(const struct validate_context *context,
                                const Pb__TaskGroupInfo *group, const Pb__ExecutorInfo *executor,
                                struct err *err)
{
    int r = check_executor(context, executor, err);
    if (r != 0) {
        return r;
    }
    if (!executor->has_type) {
        return err_set(err, VALIDATE_E, "'ExecutorInfo.type' must be set");
    }
    if (executor->type == PB__EXECUTOR_INFO__TYPE__UNKNOWN) {
        return err_set(err, VALIDATE_E, "Unknown executor type");
    }
    if (executor->container != NULL &&
        executor->container->type == PB__CONTAINER_INFO__TYPE__DOCKER) {
        return err_set(err, VALIDATE_E, "Docker ContainerInfo is not supported on the executor");
    }
    for (size_t i = 0; i < group->n_tasks; i++) {
        if (group->tasks[i]->executor != executor &&
            !message_equal(&group->tasks[i]->executor->base, &executor->base)) {
            return err_set(err, VALIDATE_E,
                           "The `ExecutorInfo` of task '%s' is different from executor '%s'",
                           group->tasks[i]->task_id->value, executor->executor_id->value);
        }
    }
    r = check_least(executor, err);
    if (r == 0 && resource_validate_task_group(group, executor, err) != 0) {
        r = VALIDATE_E;
    }
    return r;
}

static int check_group_total(const struct validate_context *context, const Pb__TaskGroupInfo *group,
                             const Pb__ExecutorInfo *executor, struct err *err)
{
    struct resources total = RESOURCES_INIT;
    for (size_t i = 0; i < group->n_tasks; i++) {
        resources_add_pb(&total, group->tasks[i]->resources, group->tasks[i]->n_resources, NULL);
    }
    if (master_executor_find(context->agent, context->framework,
                             slice_from(executor->executor_id->value)) == NULL) {
        resources_add_pb(&total, executor->resources, executor->n_resources, NULL);
    }
    int r = resources_contain(context->offered, &total)
                ? 0
                : not_enough(&total, context->offered, "task group and its executor are", err);
    resources_deinit(&total);
    return r;
}

static int mixed_cgroups(struct err *err)
{
    return err_set(err, VALIDATE_E,
                   "If set, the value of 'share_cgroups' must be the same for all tasks in each "
                   "task group and under a single executor");
}

/* Of a task that runs, from its bytes: Task.container.linux_info.share_cgroups, true by default. */
static bool running_shares_cgroups(const struct task_record *record)
{
    struct cursor_field field;
    return !cursor_path(blob_slice(record->info),
                        (const uint32_t[]){FIELD_TASK_CONTAINER, FIELD_CONTAINER_LINUX_INFO,
                                           FIELD_LINUX_INFO_SHARE_CGROUPS},
                        3, &field) ||
           field.value != 0;
}

static bool runs_under(const struct task_record *record, const char *executor_id)
{
    struct cursor_field id;
    return record->has_executor &&
           cursor_path(blob_slice(record->info),
                       (const uint32_t[]){FIELD_TASK_EXECUTOR_ID, FIELD_ID_VALUE}, 2, &id) &&
           slice_is(id.bytes, executor_id);
}

/* One way of sharing cgroups in a group, and under its executor. */
static int check_group_cgroups(const struct validate_context *context,
                               const Pb__TaskGroupInfo *group, const Pb__ExecutorInfo *executor,
                               struct err *err)
{
    if (shares_cgroups(executor->container, false)) {
        return err_set(err, VALIDATE_E,
                       "The 'share_cgroups' field cannot be set to 'true' on executor containers");
    }
    if (group->n_tasks == 0) {
        return 0;
    }
    bool shares = shares_cgroups(group->tasks[0]->container, true);
    for (size_t i = 1; i < group->n_tasks; i++) {
        if (shares_cgroups(group->tasks[i]->container, true) != shares) {
            return mixed_cgroups(err);
        }
    }
    struct task *task;
    LIST_FOR_EACH (task, &context->agent->tasks, of_agent) {
        if (task->framework == context->framework &&
            runs_under(task->record, executor->executor_id->value) &&
            running_shares_cgroups(task->record) != shares) {
            return mixed_cgroups(err);
        }
    }
    return 0;
}

/* Tasks of a group must not take the id of one another either. */
static int check_group_ids(const Pb__TaskGroupInfo *group, struct err *err)
{
    for (size_t i = 1; i < group->n_tasks; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(group->tasks[i]->task_id->value, group->tasks[j]->task_id->value) == 0) {
                return err_set(err, VALIDATE_E, "Task has duplicate ID: %s",
                               group->tasks[i]->task_id->value);
            }
        }
    }
    return 0;
}

int master_validate_task_group(const struct validate_context *context,
                               const Pb__TaskGroupInfo *group, const Pb__ExecutorInfo *executor,
                               struct err *err)
{
    if (group->n_tasks > VALIDATE_GROUP_TASKS_MAX) {
        return err_set(err, VALIDATE_E, "The task group has too many tasks");
    }
    for (size_t i = 0; i < group->n_tasks; i++) {
        if (check_group_task(context, group->tasks[i], err) != 0) {
            return err_wrap(err, VALIDATE_E, "Task '%s' is invalid",
                            group->tasks[i]->task_id->value);
        }
    }
    int r = check_group_ids(group, err);
    if (r == 0) {
        r = check_group_executor(context, group, executor, err);
    }
    if (r == 0) {
        r = check_group_total(context, group, executor, err);
    }
    if (r == 0) {
        r = check_group_cgroups(context, group, executor, err);
    }
    return r;
}
