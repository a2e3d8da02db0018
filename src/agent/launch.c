#include "agent/launch.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/status.h"
#include "common/xalloc.h"
#include "resources/resource_pb.h"

/* One message: a task, or a group, with its executor. All in the step's arenas. */
struct launch {
    Pb__FrameworkInfo *framework_info;
    const char *pid; /* the scheduler's; NULL = none */
    Pb__TaskInfo **tasks;
    size_t task_count;
    Pb__TaskGroupInfo *group; /* NULL for a single task */
    Pb__ExecutorInfo *executor;
    bool is_command;          /* the executor is made for this task */
    bool has_launch_executor; /* the master said which it expects: */
    bool launch_executor;     /* a new executor, or one that is there */
    Pb__Internal__ResourceVersionUUID **versions;
    size_t version_count;
    struct framework *framework; /* once it is known */
};

/* --- refusing --- */

/* Tells each task's end, and that the executor will not be. */
static void refuse(struct agent *agent, const struct launch *launch, Pb__TaskStatus__Reason reason,
                   const char *message)
{
    struct framework *framework = launch->framework;
    for (size_t i = 0; i < launch->task_count; i++) {
        status_from_agent(agent, &(struct status_options){
                                     .framework_id = framework->id,
                                     .task_id = launch->tasks[i]->task_id->value,
                                     .executor_id = launch->executor->executor_id->value,
                                     .state = framework_dropped(framework),
                                     .reason = reason,
                                     .message = message,
                                 });
    }
}

static void refuse_executor(struct agent *agent, const struct launch *launch,
                            Pb__TaskStatus__Reason reason, const char *message)
{
    refuse(agent, launch, reason, message);
    const char *framework_id = arena_strdup(&agent->arena, launch->framework->id);
    framework_retire_if_idle(launch->framework);
    if (launch->has_launch_executor && launch->launch_executor) {
        agent_send_exited(agent, framework_id, launch->executor->executor_id->value, -1);
    }
}

/* --- judging --- */

/* The versions of resources that the master saw must be ours still (facts: 2.2). */
static bool is_outdated(const struct agent *agent, const struct launch *launch)
{
    struct slice own = slice_make(agent->resource_version.bytes, UUID_SIZE);
    for (size_t i = 0; i < launch->version_count; i++) {
        const Pb__Internal__ResourceVersionUUID *version = launch->versions[i];
        if (version->resource_provider_id == NULL) {
            return !slice_equal(message_bytes(version->uuid->value), own);
        }
    }
    return false;
}

static bool has_unknown(const struct agent *agent, Pb__Resource *const *items, size_t count)
{
    struct resources all = RESOURCES_INIT;
    struct resources needed;
    resources_add_pb(&all, items, count, NULL);
    resources_unallocate(&all, NULL);
    resources_checkpointed(&all, &needed);
    bool unknown = !resources_contain(&agent->resources.checkpointed, &needed);
    resources_deinit(&all);
    resources_deinit(&needed);
    return unknown;
}

static const char *check_limits(const struct agent *agent, const struct launch *launch)
{
    for (size_t i = 0; i < launch->task_count; i++) {
        const Pb__TaskInfo *task = launch->tasks[i];
        bool is_docker =
            task->container != NULL && task->container->type == PB__CONTAINER_INFO__TYPE__DOCKER;
        for (size_t j = 0; j < task->n_limits && !is_docker; j++) {
            const char *name = task->limits[j]->key;
            if (strcmp(name, "cpus") == 0 && !agent->setup.config.limits_cpus) {
                return "CPU limits can only be set on tasks launched in Mesos containers when the "
                       "agent has loaded the 'cgroups/cpu' isolator";
            }
            if (strcmp(name, "mem") == 0 && !agent->setup.config.limits_mem) {
                return "Memory limits can only be set on tasks launched in Mesos containers when "
                       "the agent has loaded the 'cgroups/mem' isolator";
            }
        }
    }
    return NULL;
}

/* True if the launch may go on; else everybody has been told. */
static bool judge(struct agent *agent, const struct launch *launch)
{
    const char *wrong = check_limits(agent, launch);
    if (wrong != NULL) {
        refuse_executor(agent, launch, PB__TASK_STATUS__REASON__REASON_GC_ERROR, wrong);
        return false;
    }
    if (agent->drain_config != NULL) {
        refuse_executor(agent, launch, PB__TASK_STATUS__REASON__REASON_AGENT_DRAINING,
                        "Task was received while agent was already draining");
        return false;
    }
    if (is_outdated(agent, launch)) {
        refuse_executor(agent, launch, PB__TASK_STATUS__REASON__REASON_INVALID_OFFERS,
                        "Task assumes outdated resource state");
        return false;
    }
    bool unknown = has_unknown(agent, launch->executor->resources, launch->executor->n_resources);
    for (size_t i = 0; i < launch->task_count; i++) {
        unknown |= has_unknown(agent, launch->tasks[i]->resources, launch->tasks[i]->n_resources);
    }
    if (unknown) {
        refuse_executor(agent, launch, PB__TASK_STATUS__REASON__REASON_RESOURCES_UNKNOWN,
                        "The checkpointed resources being used by the task, the task group or "
                        "their executor are unknown to the agent");
        return false;
    }
    return true;
}

/* Is the executor what the master takes it for? */
static bool judge_executor(struct agent *agent, const struct launch *launch,
                           struct executor *executor)
{
    if (!launch->has_launch_executor) {
        return true;
    }
    if (launch->is_command) {
        if (executor != NULL) {
            refuse(agent, launch, PB__TASK_STATUS__REASON__REASON_TASK_INVALID,
                   "Cannot reuse an already existing executor for a command task");
        }
        return executor == NULL;
    }
    if (launch->launch_executor && executor != NULL) {
        refuse(agent, launch, PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
               "Master wants to launch executor, but one already exists");
        if (executor->state == EXECUTOR_TERMINATED) {
            agent_send_exited(agent, launch->framework->id, executor->id, -1);
        } else if (executor->state != EXECUTOR_TERMINATING) {
            executor_shut_down(executor);
        }
        return false;
    }
    if (!launch->launch_executor && executor == NULL) {
        refuse(agent, launch, PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
               "No executor is expected to launch and there is none running");
        framework_retire_if_idle(launch->framework);
        return false;
    }
    return true;
}

/* --- doing --- */

static void unschedule(struct agent *agent, const struct launch *launch)
{
    struct arena *arena = &agent->arena;
    struct run_ids ids = {.agent = agent->id,
                          .framework = launch->framework_info->id->value,
                          .executor = launch->executor->executor_id->value};
    const char *roots[] = {agent->setup.config.work_dir, agent->setup.meta_dir};
    for (size_t i = 0; i < ELEMENTS(roots); i++) {
        gc_unschedule(agent, paths_framework(arena, roots[i], &ids));
        gc_unschedule(agent, paths_executor(arena, roots[i], &ids));
    }
}

static struct executor *begin_executor(struct agent *agent, const struct launch *launch)
{
    struct arena *arena = &agent->arena;
    struct uuid uuid;
    char container_id[UUID_TEXT_SIZE];
    uuid_random(&agent->prng, &uuid);
    uuid_format(&uuid, container_id);
    struct executor *executor =
        executor_new(launch->framework, launch->executor, container_id, launch->is_command);
    Pb__ExecutorInfo *info = arena_memdup(arena, launch->executor, sizeof(*info));
    if (executor->is_default) {
        info->command = launch_default_command(&agent->setup, executor->user, arena);
    }
    if (info->container == NULL) {
        info->container = agent->setup.default_container;
    }
    executor_launch(executor, info, launch->is_command ? launch->tasks[0] : NULL);
    return executor;
}

static void checkpoint_task(struct agent *agent, struct executor *executor, struct task *task)
{
    struct arena *arena = &agent->arena;
    struct run_ids ids = executor_ids(executor);
    const char *folder = paths_task(arena, agent->setup.meta_dir, &ids, task->id);
    gc_unschedule(agent, folder);
    struct buf bytes = BUF_INIT;
    task_encode(task, &bytes);
    struct blob *blob = blob_take(&bytes);
    uint64_t token = gate_token(&agent->gate);
    agent_store_message(agent, paths_join(arena, folder, "task.info"), blob, token);
    blob_unref(blob);
    gate_wait_for(&agent->gate, &task->stored, token);
}

static void enqueue(struct agent *agent, const struct launch *launch, struct executor *executor)
{
    struct task_group *group = NULL;
    if (launch->group != NULL) {
        group = xalloc(sizeof(*group));
        group->refs = launch->task_count;
        group->info = message_encode_blob(&launch->group->base);
    }
    struct task **made = arena_alloc_array(&agent->arena, launch->task_count, sizeof(*made));
    for (size_t i = 0; i < launch->task_count; i++) {
        made[i] = task_new(executor, launch->tasks[i]);
        made[i]->group = group;
        if (executor->checkpoint) {
            checkpoint_task(agent, executor, made[i]);
        }
    }
    if (executor->state == EXECUTOR_RUNNING) {
        uint64_t token = executor_grow(executor);
        for (size_t i = 0; i < launch->task_count; i++) {
            made[i]->grown_token = token;
        }
        executor_deliver(executor);
    }
}

static void run(struct agent *agent, struct launch *launch)
{
    const char *framework_id = launch->framework_info->id->value;
    struct framework *framework = framework_find(agent, framework_id);
    if (framework != NULL && framework->state == FRAMEWORK_TERMINATING) {
        agent_log(agent, LOG_LEVEL_WARNING, "ignoring a task of framework %s, which is ending",
                  framework_id);
        if (launch->has_launch_executor && launch->launch_executor) {
            agent_send_exited(agent, framework_id, launch->executor->executor_id->value, -1);
        }
        return;
    }
    unschedule(agent, launch);
    bool is_new = framework == NULL;
    if (is_new) {
        framework = framework_new(agent, launch->framework_info, launch->pid);
    }
    launch->framework = framework;
    for (size_t i = 0; i < launch->task_count; i++) {
        if (framework_find_task(framework, launch->tasks[i]->task_id->value) != NULL) {
            agent_log(agent, LOG_LEVEL_ERROR, "ignoring task %s, which is here already",
                      launch->tasks[i]->task_id->value);
            return;
        }
    }
    if (!judge(agent, launch)) {
        return;
    }
    struct executor *executor =
        framework_find_executor(framework, launch->executor->executor_id->value);
    if (!judge_executor(agent, launch, executor)) {
        return;
    }
    if (executor != NULL &&
        (executor->state == EXECUTOR_TERMINATING || executor->state == EXECUTOR_TERMINATED)) {
        refuse(agent, launch, PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
               executor->state == EXECUTOR_TERMINATED ? "Executor terminated"
                                                      : "Executor terminating");
        return;
    }
    if (is_new && framework->checkpoint) {
        framework_checkpoint(framework);
    }
    if (executor == NULL) {
        executor = begin_executor(agent, launch);
    }
    enqueue(agent, launch, executor);
}

/* --- the messages --- */

/* Allocates what older masters left unallocated, and brings all resources to the newer format.
 * False if that cannot be done. */
static bool complete(struct agent *agent, struct launch *launch)
{
    struct arena *arena = &agent->arena;
    const char *role = framework_single_role(launch->framework_info);
    for (size_t i = 0; i <= launch->task_count; i++) {
        Pb__TaskInfo *task = i < launch->task_count ? launch->tasks[i] : NULL;
        Pb__ExecutorInfo *executor = task != NULL ? task->executor : launch->executor;
        Pb__Resource **lists[] = {task != NULL ? task->resources : NULL,
                                  executor != NULL ? executor->resources : NULL};
        size_t counts[] = {task != NULL ? task->n_resources : 0,
                           executor != NULL ? executor->n_resources : 0};
        for (size_t j = 0; j < ELEMENTS(lists); j++) {
            if (role != NULL) {
                resource_pb_inject_allocation(lists[j], counts[j], slice_from(role), arena);
            }
            for (size_t k = 0; k < counts[j]; k++) {
                if (lists[j][k]->allocation_info == NULL ||
                    lists[j][k]->allocation_info->role == NULL) {
                    return false;
                }
            }
        }
        if (task != NULL) {
            resource_pb_upgrade_all(&task->base, arena);
        }
    }
    resource_pb_upgrade_all(&launch->executor->base, arena);
    return true;
}

static bool has_duplicates(const struct launch *launch)
{
    for (size_t i = 1; i < launch->task_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(launch->tasks[i]->task_id->value, launch->tasks[j]->task_id->value) == 0) {
                return true;
            }
        }
    }
    return false;
}

static void receive(struct agent *agent, struct launch *launch)
{
    const Pb__FrameworkInfo *info = launch->framework_info;
    if (info->id == NULL || launch->task_count == 0 ||
        launch->task_count > LAUNCH_GROUP_TASKS_MAX || has_duplicates(launch) ||
        (framework_find(agent, info->id->value) == NULL &&
         agent->frameworks.count >= AGENT_FRAMEWORKS_MAX)) {
        agent_log(agent, LOG_LEVEL_ERROR, "ignoring a launch that makes no sense");
        return;
    }
    for (size_t i = 0; i < launch->task_count; i++) {
        const Pb__TaskInfo *task = launch->tasks[i];
        if (strcmp(task->agent_id->value, agent->id) != 0) {
            agent_log(agent, LOG_LEVEL_WARNING, "ignoring task %s, which is for agent %s",
                      task->task_id->value, task->agent_id->value);
            return;
        }
    }
    /* While DISCONNECTED the master may have given this agent up already: a task that it sent
     * before would run without its knowing. It is asked for at the re-registration, and dropped. */
    if (agent->state != AGENT_RUNNING) {
        agent_log(agent, LOG_LEVEL_WARNING, "ignoring task %s: the agent is %s",
                  launch->tasks[0]->task_id->value, agent_state_name(agent));
        return;
    }
    if (!complete(agent, launch)) {
        agent_log(agent, LOG_LEVEL_ERROR, "ignoring task %s: its resources are not allocated",
                  launch->tasks[0]->task_id->value);
        return;
    }
    for (size_t i = 0; i < launch->task_count; i++) {
        agent_log(agent, LOG_LEVEL_INFO, "got task %s of framework %s",
                  launch->tasks[i]->task_id->value, info->id->value);
    }
    run(agent, launch);
}

void launch_run_task(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__RunTaskMessage *message =
        AGENT_READ(Pb__Internal__RunTaskMessage, pb__internal__run_task_message, agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "RunTaskMessage")) {
        return;
    }
    Pb__TaskInfo *task = message->task;
    if ((task->executor != NULL) == (task->command != NULL) || message->framework->id == NULL) {
        agent_log(agent, LOG_LEVEL_ERROR, "ignoring task %s: it needs a command or an executor",
                  task->task_id->value);
        return;
    }
    struct launch launch = {
        .framework_info = message->framework,
        .pid = message->pid,
        .tasks = &message->task,
        .task_count = 1,
        .is_command = task->executor == NULL,
        .has_launch_executor = message->has_launch_executor,
        .launch_executor = message->launch_executor,
        .versions = message->resource_version_uuids,
        .version_count = message->n_resource_version_uuids,
    };
    const char *role = framework_single_role(message->framework);
    if (role != NULL) {
        resource_pb_inject_allocation(task->resources, task->n_resources, slice_from(role),
                                      &agent->arena);
    }
    launch.executor = launch.is_command ? launch_command_executor(&agent->setup, message->framework,
                                                                  task, &agent->arena)
                                        : task->executor;
    receive(agent, &launch);
}

void launch_run_task_group(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__RunTaskGroupMessage *message = AGENT_READ(
        Pb__Internal__RunTaskGroupMessage, pb__internal__run_task_group_message, agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "RunTaskGroupMessage")) {
        return;
    }
    struct launch launch = {
        .framework_info = message->framework,
        .tasks = message->task_group->tasks,
        .task_count = message->task_group->n_tasks,
        .group = message->task_group,
        .executor = message->executor,
        .has_launch_executor = message->has_launch_executor,
        .launch_executor = message->launch_executor,
        .versions = message->resource_version_uuids,
        .version_count = message->n_resource_version_uuids,
    };
    receive(agent, &launch);
}
