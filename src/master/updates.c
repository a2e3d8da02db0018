#include "master/updates.h"

#include <string.h>

#include "master/drain.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "master/observer.h"
#include "master/operation_status.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "wire/cursor.h"
#include "wire/message.h"

static struct framework *find_framework(const struct master *master, const Pb__FrameworkID *id)
{
    return master_find_framework(master, slice_from(id->value));
}

/* --- status updates (facts/state_machines.md 2.5) --- */

/* The agent's task of that framework; NULL if there is none. */
static struct task *task_of(const struct framework *framework, const struct agent *agent,
                            const Pb__TaskID *id)
{
    struct task *task =
        framework != NULL ? master_find_task(framework, slice_from(id->value)) : NULL;
    return task != NULL && task->agent == agent ? task : NULL;
}

static void log_update(struct master *master, const struct task *task, const Pb__TaskStatus *status,
                       const struct uuid *uuid)
{
    const struct task_record *record = task->record;
    if (record->has_status_update &&
        memcmp(record->status_update_uuid.bytes, uuid->bytes, UUID_SIZE) == 0) {
        return; /* a retry */
    }
    bool is_told = status->message != NULL && status->message[0] != '\0';
    master_log(master, LOG_LEVEL_INFO, "%s of task %s of framework %s from agent %s%s%s",
               master_task_state_name((enum task_state)status->state), status->task_id->value,
               task->framework->id->data, task->agent->id->data, is_told ? ": " : "",
               is_told ? status->message : "");
}

static void apply(struct master *master, struct task *task,
                  const Pb__Internal__StatusUpdate *update, const struct uuid *uuid, bool forwarded,
                  struct slice body)
{
    const Pb__TaskStatus *status = update->status;
    struct cursor_field bytes;
    bool found = cursor_path(
        body, (const uint32_t[]){FIELD_UPDATE_MESSAGE_UPDATE, FIELD_UPDATE_STATUS}, 2, &bytes);
    ASSERT(found);
    log_update(master, task, status, uuid);
    master_task_update(master, task,
                       &(struct task_update){
                           .status = bytes.bytes,
                           .state = (enum task_state)status->state,
                           .latest = (enum task_state)(
                               update->has_latest_state ? update->latest_state : status->state),
                           .forwarded = forwarded,
                           .uuid = *uuid,
                           .source = status->has_source ? (int)status->source : -1,
                           .reason = status->has_reason ? (int)status->reason : -1,
                       });
}

void master_update_status(struct master *master, const Pb__Internal__StatusUpdateMessage *message,
                          struct slice body)
{
    const Pb__Internal__StatusUpdate *update = message->update;
    struct uuid uuid;
    master_count(master, COUNTER_MESSAGES_STATUS_UPDATE);
    struct agent *agent = update->slave_id != NULL
                              ? master_find_registered(master, slice_from(update->slave_id->value))
                              : NULL;
    if (agent == NULL || !update->has_uuid ||
        !uuid_from_bytes(message_bytes(update->uuid), &uuid)) {
        master_count(master, COUNTER_INVALID_STATUS_UPDATES);
        return;
    }
    struct framework *framework = find_framework(master, update->framework_id);
    struct task *task = task_of(framework, agent, update->status->task_id);
    bool forwarded = framework != NULL && framework_is_connected(framework->state);
    if (forwarded) {
        struct cursor_field bytes;
        bool found = cursor_find(body, FIELD_UPDATE_MESSAGE_UPDATE, &bytes);
        ASSERT(found);
        master_event_update(master, framework, bytes.bytes,
                            message->pid != NULL ? message->pid : agent->pid);
    }
    if (task == NULL) {
        master_count(master, COUNTER_INVALID_STATUS_UPDATES);
        return;
    }
    apply(master, task, update, &uuid, forwarded, body);
    master_count(master, forwarded ? COUNTER_VALID_STATUS_UPDATES : COUNTER_INVALID_STATUS_UPDATES);
}

/* --- executors --- */

void master_update_executor_exited(struct master *master,
                                   Pb__Internal__ExitedExecutorMessage *message)
{
    master_count(master, COUNTER_MESSAGES_EXITED_EXECUTOR);
    struct agent *agent = master_find_registered(master, slice_from(message->slave_id->value));
    struct framework *framework = find_framework(master, message->framework_id);
    if (agent == NULL || framework == NULL) {
        return;
    }
    struct executor *executor =
        master_executor_find(agent, framework, slice_from(message->executor_id->value));
    if (executor == NULL) {
        return;
    }
    master_executor_remove(master, executor);
    if (framework_is_connected(framework->state)) {
        master_event_executor_exited(master, framework, message);
    }
}

void master_update_executor_message(struct master *master,
                                    const Pb__Internal__ExecutorToFrameworkMessage *message)
{
    master_count(master, COUNTER_MESSAGES_EXECUTOR_TO_FRAMEWORK);
    const struct agent *agent =
        master_find_registered(master, slice_from(message->slave_id->value));
    struct framework *framework = find_framework(master, message->framework_id);
    if (agent == NULL || framework == NULL || !framework_is_connected(framework->state)) {
        master_count(master, COUNTER_INVALID_EXECUTOR_TO_FRAMEWORK);
        return;
    }
    master_event_message(master, framework, message);
    master_count(master, COUNTER_VALID_EXECUTOR_TO_FRAMEWORK);
}

/* --- the agent itself --- */

/* Frameworks that were offered some of what may be given out twice are told at once that this has
 * changed; all other offers stay. */
static void rescind_revocable(struct master *master, struct agent *agent)
{
    struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        for (uint32_t i = 0; i < offer->resources.count; i++) {
            if (offer->resources.items[i].kind->is_revocable) {
                master_offer_rescind(master, offer);
                break;
            }
        }
    }
}

/* What the agent gives out twice takes the place of what it did before. */
static void set_oversubscribed(struct master *master, struct agent *agent,
                               const Pb__Internal__UpdateSlaveMessage *message)
{
    struct err err;
    CLEANUP(resources_deinit) struct resources told = RESOURCES_INIT;
    CLEANUP(resources_deinit) struct resources revocable = RESOURCES_INIT;
    struct resources total;
    if (resource_validate_all(message->oversubscribed_resources,
                              message->n_oversubscribed_resources, &err) != 0) {
        master_log(master, LOG_LEVEL_WARNING,
                   "Ignoring oversubscribed resources of agent %s at %s: %s", agent->id->data,
                   agent->pid, err.text);
        return;
    }
    for (size_t i = 0; i < message->n_oversubscribed_resources; i++) {
        resource_pb_upgrade(message->oversubscribed_resources[i], &master->arena);
    }
    resources_add_pb(&told, message->oversubscribed_resources, message->n_oversubscribed_resources,
                     &master->kinds);
    resources_revocable(&told, &revocable);
    resources_nonrevocable(&agent->total, &total);
    resources_add(&total, &revocable);
    if (resources_equal(&total, &agent->total)) {
        resources_deinit(&total);
        return;
    }
    master_log(master, LOG_LEVEL_INFO, "Agent %s at %s oversubscribes %s", agent->id->data,
               agent->pid, resources_text(&revocable, &master->arena));
    master_agent_set_total(master, agent, &total);
    rescind_revocable(master, agent);
    master_agent_changed(master, agent, false);
}

/* What is sent to it carries its version, so that it can tell which resources were meant. What goes
 * with a version, only a registration tells: the one of this version is on its way, or was lost. */
static void hear_version(struct master *master, struct agent *agent, struct slice bytes)
{
    struct uuid version;
    if (!uuid_from_bytes(bytes, &version)) {
        return;
    }
    if (!agent->has_resource_version) {
        agent->has_resource_version = true;
        agent->resource_version = version;
    } else if (memcmp(&agent->resource_version, &version, sizeof(version)) != 0) {
        master_log(master, LOG_LEVEL_INFO,
                   "Agent %s has to register again: its resources are of a version that is not "
                   "known",
                   agent->id->data);
        master_observer_send_away(master, agent);
    }
}

void master_update_agent(struct master *master, const Pb__Internal__UpdateSlaveMessage *message)
{
    master_count(master, COUNTER_MESSAGES_UPDATE_SLAVE);
    struct agent *agent = master_find_registered(master, slice_from(message->slave_id->value));
    if (agent == NULL) {
        return;
    }
    if (message->resource_version_uuid != NULL) {
        hear_version(master, agent, message_bytes(message->resource_version_uuid->value));
    }
    /* Agents before 1.5 do not say whether they tell of it, but do. */
    if (!message->has_update_oversubscribed_resources || message->update_oversubscribed_resources) {
        set_oversubscribed(master, agent, message);
    }
    if (message->operations != NULL) {
        master_operation_on_list(master, agent, message->operations);
    }
    master_drain_check(master, agent);
}
