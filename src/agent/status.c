#include "agent/status.h"

#include <string.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"

/* --- completing --- */

/* A draining agent says so; where it is to be gone, its killed tasks are too (facts: 2.2). */
static void apply_drain(const struct agent *agent, const struct framework *framework,
                        Pb__TaskStatus *status)
{
    if (agent->drain_config == NULL || (status->state != PB__TASK_STATE__TASK_KILLING &&
                                        status->state != PB__TASK_STATE__TASK_KILLED)) {
        return;
    }
    status->has_reason = 1;
    status->reason = PB__TASK_STATUS__REASON__REASON_AGENT_DRAINING;
    if (agent->drain_marks_gone && framework->partition_aware) {
        status->state = PB__TASK_STATE__TASK_GONE_BY_OPERATOR;
    }
}

static void add_own_address(struct agent *agent, Pb__ContainerStatus *status)
{
    struct arena *arena = &agent->arena;
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(&agent->self.address, ip);
    Pb__NetworkInfo *network = MESSAGE_NEW(Pb__NetworkInfo, pb__network_info, arena);
    Pb__NetworkInfo__IPAddress *address =
        MESSAGE_NEW(Pb__NetworkInfo__IPAddress, pb__network_info__ipaddress, arena);
    address->ip_address = arena_strdup(arena, ip);
    MESSAGE_APPEND(arena, network->n_ip_addresses, network->ip_addresses, address);
    MESSAGE_APPEND(arena, status->n_network_infos, status->network_infos, network);
}

/* Where the task runs: in the container that the executor names, else in the executor's own. */
static void add_container(struct agent *agent, const struct executor *executor,
                          Pb__TaskStatus *status)
{
    char path[CONTAINER_PATH_SIZE];
    const struct agent_container *container = executor->container;
    Pb__ContainerStatus *told = status->container_status;
    if (told != NULL && told->container_id != NULL) {
        container = agent_container_path(told->container_id, path)
                        ? agent_container_find(agent, path)
                        : NULL;
    }
    if (container == NULL || container->state == AGENT_CONTAINER_ENDED) {
        return;
    }
    Pb__ContainerStatus *found = agent_container_status(agent, container, &agent->arena);
    if (told == NULL) {
        told = status->container_status = found;
    } else {
        told->container_id = found->container_id;
        told->has_executor_pid = found->has_executor_pid;
        told->executor_pid = found->executor_pid;
        told->cgroup_info = found->cgroup_info != NULL ? found->cgroup_info : told->cgroup_info;
        for (size_t i = 0; i < found->n_network_infos; i++) {
            MESSAGE_APPEND(&agent->arena, told->n_network_infos, told->network_infos,
                           found->network_infos[i]);
        }
    }
    if (told->n_network_infos == 0) {
        add_own_address(agent, told);
    }
}

/* --- the task --- */

static void count_end(struct agent *agent, Pb__TaskState state)
{
    struct gauges *gauges = &agent->gauges;
    if (state == PB__TASK_STATE__TASK_FINISHED) {
        metric_add(gauges->tasks_finished, 1);
    } else if (state == PB__TASK_STATE__TASK_FAILED) {
        metric_add(gauges->tasks_failed, 1);
    } else if (state == PB__TASK_STATE__TASK_KILLED) {
        metric_add(gauges->tasks_killed, 1);
    } else if (state == PB__TASK_STATE__TASK_LOST) {
        metric_add(gauges->tasks_lost, 1);
    } else if (state == PB__TASK_STATE__TASK_GONE) {
        metric_add(gauges->tasks_gone, 1);
    }
}

static void log_update(struct agent *agent, const Pb__Internal__StatusUpdate *update)
{
    const Pb__TaskStatus *status = update->status;
    bool is_told = status->message != NULL && status->message[0] != '\0';
    agent_log(agent, LOG_LEVEL_INFO, "%s of task %s of framework %s%s%s",
              task_state_name(status->state), status->task_id->value, update->framework_id->value,
              is_told ? ": " : "", is_told ? status->message : "");
}

static void invalid(struct agent *agent, const Pb__Internal__StatusUpdate *update, const char *why)
{
    metric_add(agent->gauges.invalid_status_updates, 1);
    agent_log(agent, LOG_LEVEL_WARNING, "ignoring %s of task %s of framework %s: %s",
              task_state_name(update->status->state), update->status->task_id->value,
              update->framework_id->value, why);
}

/* What is wrong with it in itself, or NULL. */
static const char *check(const struct agent *agent, const Pb__Internal__StatusUpdate *update)
{
    struct uuid uuid;
    if (!update->has_uuid || !uuid_from_bytes(message_bytes(update->uuid), &uuid)) {
        return "it has no uuid";
    }
    if (update->slave_id == NULL || strcmp(update->slave_id->value, agent->id) != 0 ||
        update->status->agent_id == NULL ||
        strcmp(update->status->agent_id->value, agent->id) != 0) {
        return "it names another agent";
    }
    return NULL;
}

/* The task's new state; false if the update comes after its end. */
static bool change_task(struct agent *agent, struct task *task, const Pb__TaskStatus *status)
{
    if (task->phase == TASK_TERMINATED) {
        return false;
    }
    bool is_terminal = task_state_is_terminal(status->state);
    if (is_terminal) {
        gate_cancel(&task->stored);
        task_move(task, TASK_TERMINATED);
        count_end(agent, status->state);
    }
    task_add_status(task, status);
    return true;
}

/* Whose completed task it is; NULL if it is nobody's, or forgotten. */
static struct executor *find_completed(const struct framework *framework, const char *task_id)
{
    struct executor *executor;
    LIST_FOR_EACH (executor, &framework->executor_order, link) {
        const struct task *task;
        LIST_FOR_EACH (task, &executor->completed, link) {
            if (strcmp(task->id, task_id) == 0) {
                return executor;
            }
        }
    }
    return NULL;
}

/* Of a task that is not here. An executor that missed our acknowledgements sends its updates again,
 * also those of tasks that are over and acknowledged by the scheduler, who must not hear of them a
 * second time. */
static void take_unknown(struct agent *agent, const struct framework *framework,
                         const Pb__Internal__StatusUpdate *update, enum update_from from,
                         const struct upid *pid)
{
    struct executor *executor = find_completed(framework, update->status->task_id->value);
    if (from != UPDATE_FROM_AGENT && executor != NULL) {
        updates_answer(agent, executor, update, from, pid);
    } else {
        updates_add(agent, NULL, update, from, pid);
    }
}

static void take(struct agent *agent, Pb__Internal__StatusUpdate *update, enum update_from from,
                 const struct upid *pid)
{
    Pb__TaskStatus *status = update->status;
    const char *wrong = check(agent, update);
    if (wrong != NULL) {
        invalid(agent, update, wrong);
        return;
    }
    status->has_uuid = 1;
    status->uuid = update->uuid;
    status->has_source = 1;
    status->source = from == UPDATE_FROM_AGENT ? PB__TASK_STATUS__SOURCE__SOURCE_AGENT
                                               : PB__TASK_STATUS__SOURCE__SOURCE_EXECUTOR;
    if (update->executor_id != NULL) {
        status->executor_id = update->executor_id;
    }
    struct framework *framework = framework_find(agent, update->framework_id->value);
    if (framework == NULL || framework->state == FRAMEWORK_TERMINATING) {
        invalid(agent, update, framework == NULL ? "unknown framework" : "its framework is ending");
        return;
    }
    apply_drain(agent, framework, status);
    struct task *task = framework_find_task(framework, status->task_id->value);
    if (task == NULL) {
        metric_add(agent->gauges.valid_status_updates, 1);
        take_unknown(agent, framework, update, from, pid);
        return;
    }
    struct executor *executor = task->executor;
    if (from != UPDATE_FROM_AGENT && status->state == PB__TASK_STATE__TASK_STAGING) {
        agent_log(agent, LOG_LEVEL_ERROR, "executor '%s' says TASK_STAGING", executor->id);
        if (executor->state == EXECUTOR_REGISTERING || executor->state == EXECUTOR_RUNNING) {
            executor_shut_down(executor);
        }
        return;
    }
    if (task->phase == TASK_QUEUED && !task_state_is_terminal(status->state)) {
        invalid(agent, update, "the task was not yet delivered");
        return;
    }
    metric_add(agent->gauges.valid_status_updates, 1);
    bool never_ran = task->phase == TASK_QUEUED ||
                     (from == UPDATE_FROM_AGENT && (status->state == PB__TASK_STATE__TASK_DROPPED ||
                                                    status->state == PB__TASK_STATE__TASK_LOST));
    if (!never_ran) {
        add_container(agent, executor, status);
    }
    if (!change_task(agent, task, status)) {
        updates_answer(agent, executor, update, from, pid);
        return;
    }
    log_update(agent, update);
    updates_add(agent, executor, update, from, pid);
    if (task_state_is_terminal(status->state) && executor->state != EXECUTOR_TERMINATED) {
        (void)executor_grow(executor); /* shrinks; requests are performed in order */
    }
}

void status_from_executor(struct agent *agent, Pb__Internal__StatusUpdate *update,
                          enum update_from from, const struct upid *pid)
{
    take(agent, update, from, pid);
}

/* --- the agent's own --- */

static Pb__Internal__StatusUpdate *make(struct agent *agent, const struct status_options *options)
{
    struct arena *arena = &agent->arena;
    Pb__TaskStatus *status = MESSAGE_NEW(Pb__TaskStatus, pb__task_status, arena);
    status->task_id = messages_task_id(options->task_id, arena);
    status->state = options->state;
    status->agent_id = messages_agent_id(agent->id, arena);
    status->has_reason = 1;
    status->reason = options->reason;
    status->has_source = 1;
    status->source = PB__TASK_STATUS__SOURCE__SOURCE_AGENT;
    status->message = options->message != NULL ? arena_strdup(arena, options->message) : NULL;
    status->has_timestamp = 1;
    status->timestamp = MESSAGES_SECONDS(agent->now.wall_ns);
    if (options->limitation != NULL) {
        status->limitation = MESSAGES_READ(Pb__TaskResourceLimitation, pb__task_resource_limitation,
                                           options->limitation, arena);
    }
    Pb__Internal__StatusUpdate *update =
        MESSAGE_NEW(Pb__Internal__StatusUpdate, pb__internal__status_update, arena);
    update->framework_id = messages_framework_id(options->framework_id, arena);
    if (options->executor_id != NULL) {
        update->executor_id = messages_executor_id(options->executor_id, arena);
        status->executor_id = update->executor_id;
    }
    update->slave_id = status->agent_id;
    update->status = status;
    update->timestamp = status->timestamp;
    struct uuid uuid;
    uuid_random(&agent->prng, &uuid);
    update->has_uuid = status->has_uuid = 1;
    update->uuid = status->uuid = messages_uuid_bytes(&uuid, arena);
    return update;
}

void status_from_agent(struct agent *agent, const struct status_options *options)
{
    take(agent, make(agent, options), UPDATE_FROM_AGENT, NULL);
}

void status_from_agent_unknown(struct agent *agent, const struct status_options *options)
{
    updates_add(agent, NULL, make(agent, options), UPDATE_FROM_AGENT, NULL);
}

Pb__Internal__StatusUpdate *status_of_call(struct agent *agent, const char *framework_id,
                                           Pb__TaskStatus *status)
{
    struct arena *arena = &agent->arena;
    Pb__Internal__StatusUpdate *update =
        MESSAGE_NEW(Pb__Internal__StatusUpdate, pb__internal__status_update, arena);
    update->framework_id = messages_framework_id(framework_id, arena);
    update->executor_id = status->executor_id;
    update->slave_id = messages_agent_id(agent->id, arena);
    status->agent_id = update->slave_id;
    update->status = status;
    update->timestamp =
        status->has_timestamp ? status->timestamp : MESSAGES_SECONDS(agent->now.wall_ns);
    update->has_uuid = status->has_uuid;
    update->uuid = status->uuid;
    return update;
}
