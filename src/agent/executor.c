#include "agent/executor.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "common/xalloc.h"
#include "wire/recordio.h"

static const struct sm_state states[] = {
    [EXECUTOR_REGISTERING] = {"REGISTERING", SM_TO(EXECUTOR_RUNNING) | SM_TO(EXECUTOR_TERMINATING) |
                                                 SM_TO(EXECUTOR_TERMINATED)},
    [EXECUTOR_RUNNING] = {"RUNNING", SM_TO(EXECUTOR_RUNNING) | SM_TO(EXECUTOR_TERMINATING) |
                                         SM_TO(EXECUTOR_TERMINATED)},
    [EXECUTOR_TERMINATING] = {"TERMINATING", SM_TO(EXECUTOR_TERMINATED)},
    [EXECUTOR_TERMINATED] = {"TERMINATED", 0},
};

const struct sm_table executor_machine = {"executor", states, ELEMENTS(states)};

struct executor *executor_new(struct framework *framework, const Pb__ExecutorInfo *info,
                              const char *container_id, bool is_command)
{
    struct agent *agent = framework->agent;
    struct executor *executor = xalloc(sizeof(*executor));
    executor->agent = agent;
    executor->framework = framework;
    executor->id = xstrdup(info->executor_id->value);
    executor->container_id = xstrdup(container_id);
    executor->info = message_encode_blob(&info->base);
    executor->is_command = is_command;
    executor->is_default = info->has_type && info->type == PB__EXECUTOR_INFO__TYPE__DEFAULT;
    executor->checkpoint = framework->checkpoint;
    amounts_init(&executor->amounts);
    amounts_add_resources(&executor->amounts, info->resources, info->n_resources);
    volumes_add_pb(&executor->volumes, info->resources, info->n_resources,
                   agent->setup.config.work_dir);
    executor->shutdown_grace_ns = info->shutdown_grace_period != NULL
                                      ? info->shutdown_grace_period->nanoseconds
                                      : agent->setup.config.executor_shutdown_grace_period_ns;
    struct run_ids ids = executor_ids(executor);
    executor->directory = xstrdup(paths_run(&agent->arena, agent->setup.config.work_dir, &ids));
    if (agent->setup.config.switch_user) {
        const char *user = info->command != NULL && info->command->user != NULL
                               ? info->command->user
                               : framework->user;
        executor->user = xstrdup(user);
    }
    users_wait_init(&executor->user_wait, USER_EXECUTOR);
    gate_wait_init(&executor->folders, GATE_EXECUTOR);
    list_init(&executor->queued);
    list_init(&executor->launched);
    list_init(&executor->terminated);
    list_init(&executor->completed);
    timer_init(&executor->registering_timer, TIMER_REGISTERING, executor);
    timer_init(&executor->shutdown_timer, TIMER_SHUTDOWN, executor);
    timer_init(&executor->heartbeat_timer, TIMER_HEARTBEAT, executor);
    map_add(&framework->executors, &executor->by_id);
    list_push_back(&framework->executor_order, &executor->link);
    return executor;
}

static void free_tasks(struct list *tasks)
{
    struct task *task;
    LIST_FOR_EACH (task, tasks, link) {
        task_free(task);
    }
}

struct executor *executor_free(struct executor *executor)
{
    struct timers *timers = &executor->agent->timers;
    timers_cancel(timers, &executor->registering_timer);
    timers_cancel(timers, &executor->shutdown_timer);
    timers_cancel(timers, &executor->heartbeat_timer);
    users_cancel(&executor->user_wait);
    gate_cancel(&executor->folders);
    free_tasks(&executor->queued);
    free_tasks(&executor->launched);
    free_tasks(&executor->terminated);
    free_tasks(&executor->completed);
    list_remove(&executor->link);
    blob_unref(executor->info);
    blob_unref(executor->launch_info);
    blob_unref(executor->launch_task);
    volumes_deinit(&executor->volumes);
    volumes_deinit(&executor->contained_volumes);
    free(executor->end.message);
    free(executor->id);
    free(executor->container_id);
    free(executor->directory);
    free(executor->user);
    free(executor);
    return NULL;
}

struct run_ids executor_ids(const struct executor *executor)
{
    return (struct run_ids){
        .agent = executor->agent->id,
        .framework = executor->framework->id,
        .executor = executor->id,
        .container = executor->container_id,
    };
}

void executor_move(struct executor *executor, enum executor_state state)
{
    struct agent *agent = executor->agent;
    executor->state = (enum executor_state)sm_move(&executor_machine, executor->state, state);
    timers_cancel(&agent->timers, &executor->registering_timer);
    if (state == EXECUTOR_TERMINATED) {
        timers_cancel(&agent->timers, &executor->shutdown_timer);
        users_cancel(&executor->user_wait);
        gate_cancel(&executor->folders);
        executor_close_stream(executor);
        executor->how = EXECUTOR_LINK_NONE;
    }
}

bool executor_has_tasks(const struct executor *executor)
{
    return !list_is_empty(&executor->queued) || !list_is_empty(&executor->launched) ||
           !list_is_empty(&executor->terminated);
}

/* --- resources of the container --- */

void executor_sum(const struct executor *executor, struct amounts *ret_amounts,
                  struct amounts_limits *ret_limits)
{
    *ret_amounts = executor->amounts;
    *ret_limits = (struct amounts_limits){0};
    const struct list *lists[] = {&executor->queued, &executor->launched};
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        struct task *task;
        LIST_FOR_EACH (task, lists[i], link) {
            amounts_add(ret_amounts, &task->amounts);
            amounts_limits_add_task(ret_limits, &task->amounts);
        }
    }
    amounts_limits_finish(ret_limits, &executor->amounts,
                          executor->agent->setup.config.enables_cfs);
}

void executor_sum_volumes(const struct executor *executor, struct volumes *ret_volumes)
{
    *ret_volumes = (struct volumes){0};
    volumes_add(ret_volumes, &executor->volumes);
    const struct list *lists[] = {&executor->queued, &executor->launched};
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        struct task *task;
        LIST_FOR_EACH (task, lists[i], link) {
            volumes_add(ret_volumes, &task->volumes);
        }
    }
}

/* Has another executor the volume in its container? */
static bool is_in_use(const struct executor *executor, const char *source)
{
    const struct framework *framework;
    LIST_FOR_EACH (framework, &executor->agent->framework_order, link) {
        const struct executor *other;
        LIST_FOR_EACH (other, &framework->executor_order, link) {
            if (other != executor && other->container != NULL &&
                volumes_have(&other->contained_volumes, source)) {
                return true;
            }
        }
    }
    return false;
}

void executor_put_volumes(struct executor *executor, struct container_spec *spec)
{
    struct volumes copy = {0};
    volumes_add(&copy, &executor->contained_volumes);
    for (size_t i = 0; i < copy.count; i++) {
        copy.items[i].keep_owner = is_in_use(executor, copy.items[i].source);
    }
    spec->volumes = copy.items;
    spec->volume_count = copy.count;
}

uint64_t executor_grow(struct executor *executor)
{
    if (executor->container == NULL || executor->container->state == AGENT_CONTAINER_ENDED) {
        return 0;
    }
    struct amounts amounts;
    struct amounts_limits limits;
    executor_sum(executor, &amounts, &limits);
    struct volumes volumes;
    executor_sum_volumes(executor, &volumes);
    if (volumes_equal(&volumes, &executor->contained_volumes) &&
        amounts.cpus_milli == executor->contained.cpus_milli &&
        amounts.mem_bytes == executor->contained.mem_bytes &&
        limits.cpus_milli == executor->contained_limits.cpus_milli &&
        limits.mem_bytes == executor->contained_limits.mem_bytes) {
        volumes_deinit(&volumes);
        return 0;
    }
    if (volumes.count > 0 && !resource_state_is_settled(executor->agent)) {
        volumes_deinit(&volumes);
        executor->awaits_volumes = true;
        return agent_token(executor->agent); /* less than that of the request */
    }
    volumes_deinit(&executor->contained_volumes);
    executor->contained_volumes = volumes;
    executor->contained = amounts;
    executor->contained_limits = limits;
    struct container_request *request = container_request_add(
        &executor->agent->effects->containers, CONTAINER_UPDATE, executor->container_id);
    request->token = agent_token(executor->agent);
    request->spec = xalloc(sizeof(*request->spec));
    request->spec->cpus_milli = amounts.cpus_milli;
    request->spec->mem_bytes = amounts.mem_bytes;
    request->spec->cpus_limit_milli = limits.cpus_milli;
    request->spec->mem_limit_bytes = limits.mem_bytes;
    request->spec->cpus_revocable = amounts.cpus_revocable;
    executor_put_volumes(executor, request->spec);
    return request->token;
}

static void go_on(struct executor *executor)
{
    executor->awaits_volumes = false;
    if (executor->launch != LAUNCH_CONTAINER) {
        executor_folders_made(executor, 0);
    } else if (executor_grow(executor) == 0) {
        executor->grown_token = agent_token(executor->agent); /* nothing is waited for */
        executor_deliver(executor);
    }
}

void executor_go_on_all(struct agent *agent)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            if (executor->awaits_volumes) {
                go_on(executor);
            }
        }
    }
}

void executor_container_grown(struct executor *executor, uint64_t token, int status,
                              const char *text)
{
    if (status == 0) {
        executor->grown_token = MAX(executor->grown_token, token);
        executor_deliver(executor);
        return;
    }
    agent_log(executor->agent, LOG_LEVEL_ERROR, "container %s cannot be updated: %s",
              executor->container_id, text != NULL ? text : "");
    executor_set_end(executor, framework_gone(executor->framework),
                     PB__TASK_STATUS__REASON__REASON_CONTAINER_UPDATE_FAILED,
                     "Failed to update resources for container: %s", text != NULL ? text : "");
    container_request_add(&executor->agent->effects->containers, CONTAINER_DESTROY,
                          executor->container_id);
}

/* --- delivery --- */

static bool is_ready(const struct executor *executor, const struct task *task)
{
    return !gate_is_waiting(&task->stored) && task->grown_token <= executor->grown_token;
}

static void deliver_task(struct executor *executor, struct task *task)
{
    struct agent *agent = executor->agent;
    struct framework *framework = executor->framework;
    struct arena *arena = &agent->arena;
    Pb__TaskInfo *info = MESSAGES_READ(Pb__TaskInfo, pb__task_info, task->info, arena);
    Pb__Internal__RunTaskMessage message = PB__INTERNAL__RUN_TASK_MESSAGE__INIT;
    message.framework =
        MESSAGES_READ(Pb__FrameworkInfo, pb__framework_info, framework->info, arena);
    message.task = info;
    char pid[UPID_TEXT_SIZE] = "";
    upid_format(&framework->pid, pid);
    message.pid = pid;
    Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
    Pb__Executor__Event__Launch launch = PB__EXECUTOR__EVENT__LAUNCH__INIT;
    launch.task = info;
    event.has_type = 1;
    event.type = PB__EXECUTOR__EVENT__TYPE__LAUNCH;
    event.launch = &launch;
    task_move(task, TASK_LAUNCHED);
    executor_send(executor, "mesos.internal.RunTaskMessage", &message.base, &event);
}

static void deliver_group(struct executor *executor, struct task_group *group)
{
    struct arena *arena = &executor->agent->arena;
    Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
    Pb__Executor__Event__LaunchGroup launch = PB__EXECUTOR__EVENT__LAUNCH_GROUP__INIT;
    launch.task_group = MESSAGES_READ(Pb__TaskGroupInfo, pb__task_group_info, group->info, arena);
    event.has_type = 1;
    event.type = PB__EXECUTOR__EVENT__TYPE__LAUNCH_GROUP;
    event.launch_group = &launch;
    struct task *task;
    LIST_FOR_EACH (task, &executor->queued, link) {
        if (task->group == group) {
            task_move(task, TASK_LAUNCHED);
        }
    }
    executor_send(executor, NULL, NULL, &event);
}

void executor_deliver(struct executor *executor)
{
    while (executor->state == EXECUTOR_RUNNING && !list_is_empty(&executor->queued)) {
        struct task *first = LIST_ENTRY(executor->queued.next, struct task, link);
        struct task_group *group = executor->how == EXECUTOR_LINK_STREAM ? first->group : NULL;
        struct task *task;
        LIST_FOR_EACH (task, &executor->queued, link) {
            if ((task == first || (group != NULL && task->group == group)) &&
                !is_ready(executor, task)) {
                return;
            }
        }
        if (group != NULL) {
            deliver_group(executor, group);
        } else {
            deliver_task(executor, first);
        }
    }
}

void executor_complete_task(struct executor *executor, struct task *task)
{
    struct agent *agent = executor->agent;
    if (executor->checkpoint) {
        struct run_ids ids = executor_ids(executor);
        gc_schedule(agent, paths_task(&agent->arena, agent->setup.meta_dir, &ids, task->id),
                    agent->now.wall_ns);
    }
    task_move(task, TASK_COMPLETED);
    if (executor->completed_count > AGENT_COMPLETED_TASKS_MAX) {
        task_free(LIST_ENTRY(executor->completed.next, struct task, link));
        executor->completed_count--;
    }
}

/* --- the connection --- */

static void put_event(struct executor *executor, const Pb__Executor__Event *event)
{
    CLEANUP(buf_deinit) struct buf record = BUF_INIT;
    if (executor->stream_json) {
        json_print_message(&event->base, JSON_V1, &record);
    } else {
        message_encode(&event->base, &record);
    }
    struct buf framed = BUF_INIT;
    recordio_put(&framed, buf_slice(&record));
    net_stream_write(&executor->agent->effects->net, executor->stream, blob_take(&framed));
}

void executor_send(struct executor *executor, const char *name, const ProtobufCMessage *message,
                   const Pb__Executor__Event *event)
{
    switch (executor->how) {
    case EXECUTOR_LINK_NONE:
        break;
    case EXECUTOR_LINK_MESSAGES:
        if (name != NULL) {
            agent_send(executor->agent, &executor->pid, name, message);
        }
        return;
    case EXECUTOR_LINK_STREAM:
        if (executor->stream != 0) {
            put_event(executor, event);
            return;
        }
        break;
    }
    if (event->type == PB__EXECUTOR__EVENT__TYPE__SHUTDOWN) {
        return; /* it has hung up, as one does that ends; if not, it is killed soon */
    }
    agent_log(executor->agent, LOG_LEVEL_WARNING,
              "executor '%s' of framework %s is not connected: it misses a message", executor->id,
              executor->framework->id);
}

void executor_close_stream(struct executor *executor)
{
    timers_cancel(&executor->agent->timers, &executor->heartbeat_timer);
    if (executor->stream != 0) {
        net_stream_close(&executor->agent->effects->net, executor->stream);
        executor->stream = 0;
    }
}
