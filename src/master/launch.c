/* LAUNCH and LAUNCH_GROUP: tasks are validated, kept, and sent to their agent. */
#include "master/accept.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "master/validate.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

void master_launch_refuse(struct master *master, struct framework *framework,
                          Pb__TaskInfo *const *tasks, size_t count, int state, int reason,
                          const char *message)
{
    for (size_t i = 0; i < count; i++) {
        struct slice update =
            master_status_encode(master,
                                 &(struct status_draft){
                                     .framework_id = blob_slice(framework->id),
                                     .task_id = slice_from(tasks[i]->task_id->value),
                                     .agent_id = slice_from(tasks[i]->agent_id->value),
                                     .state = (enum task_state)state,
                                     .reason = reason,
                                     .message = message,
                                 },
                                 NULL);
        master_task_count_end(master, (enum task_state)state, SOURCE_MASTER, reason);
        master_event_update(master, framework, update, NULL);
    }
}

/* --- what is common to both --- */

/* What is there for the next task: shared resources also when other tasks of the call use them. */
static void available_to(const struct acceptance *a, struct resources *ret_available)
{
    if (resources_is_empty(&a->shared)) {
        resources_copy(&a->remaining, ret_available);
        return;
    }
    resources_nonshared(&a->remaining, ret_available);
    resources_add(ret_available, &a->shared);
}

/* More copies of a shared resource than were offered are allocated on top. */
static void consume(struct master *master, struct acceptance *a, const struct resources *consumed)
{
    if (!resources_is_empty(&a->shared)) {
        struct resources additional;
        struct resources remaining_shared;
        resources_shared(consumed, &additional);
        resources_shared(&a->remaining, &remaining_shared);
        resources_subtract(&additional, &remaining_shared);
        if (!resources_is_empty(&additional)) {
            master->allocator_ops->add_allocation(master->allocator, master->now.mono_ns,
                                                  a->framework->slot, a->agent->slot, &additional);
        }
        resources_deinit(&additional);
        resources_deinit(&remaining_shared);
    }
    resources_subtract(&a->remaining, consumed);
}

/* Keeps the executor if it is not there yet: whether the agent has to launch it. */
static bool keep_executor(struct master *master, struct acceptance *a, const Pb__ExecutorInfo *info)
{
    if (master_executor_find(a->agent, a->framework, slice_from(info->executor_id->value)) !=
        NULL) {
        return false;
    }
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, info->resources, info->n_resources, &master->kinds);
    consume(master, a, &resources);
    master_executor_add(master, a->framework, a->agent, message_encode_blob(&info->base),
                        &resources);
    return true;
}

static void keep_task(struct master *master, struct acceptance *a, const Pb__TaskInfo *info)
{
    struct resources resources = RESOURCES_INIT;
    resources_add_pb(&resources, info->resources, info->n_resources, &master->kinds);
    consume(master, a, &resources);
    struct task_parts parts;
    master_task_parts_of_info(info, &parts);
    master_task_add(master, a->framework, a->agent, &parts, &resources);
    master_log(master, LOG_LEVEL_INFO, "Launching task %s of framework %s on agent %s (%s)",
               info->task_id->value, a->framework->id->data, a->agent->id->data,
               a->agent->hostname);
}

/* ResourceVersionUUID {uuid = 2 {value = 1}} */
static void put_versions(struct buf *out, uint32_t number, const struct agent *agent)
{
    if (agent->has_resource_version) {
        size_t version = wire_begin(out, number);
        size_t uuid = wire_begin(out, FIELD_VERSION_UUID);
        wire_put_bytes(out, FIELD_UUID_VALUE, slice_make(agent->resource_version.bytes, UUID_SIZE));
        wire_end(out, uuid);
        wire_end(out, version);
    }
}

static void put_message(struct buf *out, uint32_t number, const ProtobufCMessage *message)
{
    size_t begun = wire_begin(out, number);
    message_encode(message, out);
    wire_end(out, begun);
}

/* For agents without RESERVATION_REFINEMENT; there are no refined reservations on them. */
static void downgrade(struct master *master, const struct agent *agent, ProtobufCMessage *message)
{
    if ((agent->capabilities & AGENT_REFINEMENT) == 0 &&
        resource_pb_downgrade_all(message, &master->arena) != 0) {
        master_log(master, LOG_LEVEL_WARNING,
                   "Refined reservations are sent to agent %s, which does not know them",
                   agent->id->data);
    }
}

/* --- LAUNCH --- */

static void send_task(struct master *master, const struct acceptance *a, Pb__TaskInfo *task,
                      bool launch_executor)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    downgrade(master, a->agent, &task->base);
    wire_put_bytes(&out, FIELD_RUN_FRAMEWORK, blob_slice(a->framework->info));
    wire_put_bytes(&out, FIELD_RUN_PID, slice_from(master_framework_pid(master, a->framework)));
    put_message(&out, FIELD_RUN_TASK, &task->base);
    put_versions(&out, FIELD_RUN_VERSIONS, a->agent);
    wire_put_varint(&out, FIELD_RUN_LAUNCH_EXECUTOR, launch_executor);
    master_send(master, &a->agent->upid, "mesos.internal.RunTaskMessage", blob_take(&out));
}

/* What schedulers of old leave out. */
static void complete_task(const struct framework *framework, Pb__TaskInfo *task,
                          Pb__FrameworkID *id)
{
    if (task->executor != NULL && task->executor->framework_id == NULL) {
        id->value = framework->id->data;
        task->executor->framework_id = id;
    }
    Pb__HealthCheck *check = task->health_check;
    if (check != NULL && !check->has_type && (check->command != NULL) != (check->http != NULL)) {
        check->has_type = true;
        check->type =
            check->command != NULL ? PB__HEALTH_CHECK__TYPE__COMMAND : PB__HEALTH_CHECK__TYPE__HTTP;
    }
}

static void launch_task(struct master *master, struct acceptance *a, Pb__TaskInfo *task)
{
    struct err err;
    Pb__FrameworkID id = PB__FRAMEWORK_ID__INIT;
    complete_task(a->framework, task, &id);
    struct resources available;
    available_to(a, &available);
    const struct validate_context context = {
        .framework = a->framework,
        .agent = a->agent,
        .offered = &available,
    };
    int r = master_validate_task(&context, task, &err);
    resources_deinit(&available);
    if (r != 0) {
        master_launch_refuse(master, a->framework, &task, 1, TASK_STATE_ERROR, REASON_TASK_INVALID,
                             err.text);
        return;
    }
    bool launch_executor = task->executor == NULL || keep_executor(master, a, task->executor);
    keep_task(master, a, task);
    send_task(master, a, task, launch_executor);
}

void master_launch_tasks(struct master *master, struct acceptance *a, Pb__Offer__Operation *op)
{
    for (size_t i = 0; i < op->launch->n_task_infos; i++) {
        launch_task(master, a, op->launch->task_infos[i]);
    }
}

/* --- LAUNCH_GROUP: all or nothing --- */

void master_launch_group(struct master *master, struct acceptance *a, Pb__Offer__Operation *op)
{
    struct err err;
    Pb__ExecutorInfo *executor = op->launch_group->executor;
    Pb__TaskGroupInfo *group = op->launch_group->task_group;
    for (size_t i = 0; i < group->n_tasks; i++) {
        if (group->tasks[i]->executor == NULL) {
            group->tasks[i]->executor = executor;
        }
    }
    const struct validate_context context = {
        .framework = a->framework,
        .agent = a->agent,
        .offered = &a->remaining,
    };
    if (master_validate_task_group(&context, group, executor, &err) != 0) {
        master_launch_refuse(master, a->framework, group->tasks, group->n_tasks, TASK_STATE_ERROR,
                             REASON_TASK_GROUP_INVALID, err.text);
        return;
    }
    bool launch_executor = keep_executor(master, a, executor);
    for (size_t i = 0; i < group->n_tasks; i++) {
        keep_task(master, a, group->tasks[i]);
    }
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    downgrade(master, a->agent, &op->launch_group->base);
    wire_put_bytes(&out, FIELD_RUN_GROUP_FRAMEWORK, blob_slice(a->framework->info));
    put_message(&out, FIELD_RUN_GROUP_EXECUTOR, &executor->base);
    put_message(&out, FIELD_RUN_GROUP_TASKS, &group->base);
    put_versions(&out, FIELD_RUN_GROUP_VERSIONS, a->agent);
    wire_put_varint(&out, FIELD_RUN_GROUP_LAUNCH_EXECUTOR, launch_executor);
    master_send(master, &a->agent->upid, "mesos.internal.RunTaskGroupMessage", blob_take(&out));
}
