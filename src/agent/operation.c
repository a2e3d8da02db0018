#include "agent/operation.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/messages.h"
#include "agent/updates.h"
#include "common/xalloc.h"

/* --- making --- */

static struct operation *make(struct agent *agent, const Pb__Operation *whole)
{
    struct operation *operation = xalloc(sizeof(*operation));
    operation->agent = agent;
    bool is_valid = uuid_from_bytes(message_bytes(whole->uuid->value), &operation->uuid);
    ASSERT(is_valid);
    is_valid =
        uuid_from_bytes(message_bytes(whole->latest_status->uuid->value), &operation->status_uuid);
    ASSERT(is_valid);
    operation->framework_id =
        whole->framework_id != NULL ? xstrdup(whole->framework_id->value) : NULL;
    operation->id = whole->info->id != NULL ? xstrdup(whole->info->id->value) : NULL;
    operation->bytes = message_encode_blob(&whole->base);
    operation->is_checkpointed =
        whole->latest_status->state != PB__OPERATION_STATE__OPERATION_DROPPED;
    gate_wait_init(&operation->stored, GATE_OPERATION);
    timer_init(&operation->timer, TIMER_OPERATION, operation);
    map_add(&agent->operations, &operation->by_uuid);
    list_push_back(&agent->operation_order, &operation->link);
    return operation;
}

Pb__OperationStatus *operation_make_status(struct agent *agent, Pb__OperationState state,
                                           const char *id, const char *message,
                                           const struct uuid *uuid)
{
    struct arena *arena = &agent->arena;
    Pb__OperationStatus *status = MESSAGE_NEW(Pb__OperationStatus, pb__operation_status, arena);
    status->state = state;
    status->message = message != NULL ? arena_strdup(arena, message) : NULL;
    status->agent_id = messages_agent_id(agent->id, arena);
    status->uuid = uuid != NULL ? messages_uuid(uuid, arena) : NULL;
    if (id != NULL) {
        status->operation_id = MESSAGE_NEW(Pb__OperationID, pb__operation_id, arena);
        status->operation_id->value = arena_strdup(arena, id);
    }
    return status;
}

struct operation *operation_new(struct agent *agent, const Pb__Operation *whole,
                                const struct operation_outcome *outcome)
{
    Pb__OperationStatus *status = operation_make_status(
        agent, outcome->state, whole->info->id != NULL ? whole->info->id->value : NULL,
        outcome->message, &outcome->status_uuid);
    Pb__Operation described = *whole;
    described.agent_id = messages_agent_id(agent->id, &agent->arena);
    described.latest_status = status;
    described.n_statuses = 1;
    described.statuses = &status;
    return make(agent, &described);
}

struct operation *operation_new_stored(struct agent *agent, const Pb__Operation *whole)
{
    struct uuid uuid;
    if (whole->latest_status->uuid == NULL ||
        !uuid_from_bytes(message_bytes(whole->latest_status->uuid->value), &uuid)) {
        return NULL;
    }
    return make(agent, whole);
}

struct operation *operation_free(struct operation *operation)
{
    struct agent *agent = operation->agent;
    gate_cancel(&operation->stored);
    timers_cancel(&agent->timers, &operation->timer);
    map_remove(&agent->operations, &operation->by_uuid);
    list_remove(&operation->link);
    blob_unref(operation->bytes);
    free(operation->framework_id);
    free(operation->id);
    free(operation);
    return NULL;
}

void operation_drop_all(struct agent *agent)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        operation_free(operation);
    }
}

/* --- finding --- */

struct operation *operation_find(const struct agent *agent, struct slice uuid)
{
    struct map_link *link = map_find(&agent->operations, uuid);
    return link != NULL ? CONTAINER_OF(link, struct operation, by_uuid) : NULL;
}

struct operation *operation_find_by_id(const struct agent *agent, const char *framework_id,
                                       const char *id)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        if (operation->id != NULL && operation->framework_id != NULL &&
            strcmp(operation->id, id) == 0 && strcmp(operation->framework_id, framework_id) == 0) {
            return operation;
        }
    }
    return NULL;
}

Pb__Operation *operation_describe(const struct operation *operation)
{
    return MESSAGES_READ(Pb__Operation, pb__operation, operation->bytes, &operation->agent->arena);
}

/* --- telling --- */

static Pb__Internal__UpdateOperationStatusMessage *make_update(const struct operation *operation)
{
    struct agent *agent = operation->agent;
    struct arena *arena = &agent->arena;
    const Pb__Operation *whole = operation_describe(operation);
    Pb__Internal__UpdateOperationStatusMessage *message =
        MESSAGE_NEW(Pb__Internal__UpdateOperationStatusMessage,
                    pb__internal__update_operation_status_message, arena);
    message->framework_id = whole->framework_id;
    message->slave_id = messages_agent_id(agent->id, arena);
    message->status = whole->latest_status;
    message->operation_uuid = whole->uuid;
    return message;
}

static void forward(struct operation *operation, int64_t retry_ns)
{
    struct agent *agent = operation->agent;
    if (agent->streams_paused || gate_is_waiting(&operation->stored)) {
        return;
    }
    Pb__Internal__UpdateOperationStatusMessage *message = make_update(operation);
    message->latest_status = message->status;
    agent_send_master(agent, "mesos.internal.UpdateOperationStatusMessage", &message->base);
    operation->retry_ns = retry_ns;
    timers_set(&agent->timers, &operation->timer, time_add_ns(agent->now.mono_ns, retry_ns));
}

static const char *updates_path(const struct operation *operation)
{
    struct agent *agent = operation->agent;
    char text[UUID_TEXT_SIZE];
    uuid_format(&operation->uuid, text);
    return paths_join(&agent->arena,
                      paths_operation(&agent->arena, agent->setup.meta_dir, agent->id, text),
                      "operation.updates");
}

static void store_record(struct operation *operation,
                         const Pb__Internal__UpdateOperationStatusRecord *record, uint64_t token)
{
    struct agent *agent = operation->agent;
    struct buf bytes = BUF_INIT;
    CLEANUP(buf_deinit) struct buf message = BUF_INIT;
    message_encode(&record->base, &message);
    agent_put_size(&bytes, message.size);
    buf_append_slice(&bytes, buf_slice(&message));
    store_append(&agent->effects->store, token, updates_path(operation), blob_take(&bytes))
        ->durable = true;
}

void operation_tell(struct operation *operation)
{
    struct agent *agent = operation->agent;
    if (!operation->is_checkpointed) {
        forward(operation, UPDATE_RETRY_MIN_NS);
        return;
    }
    Pb__Internal__UpdateOperationStatusRecord record =
        PB__INTERNAL__UPDATE_OPERATION_STATUS_RECORD__INIT;
    record.type = PB__INTERNAL__UPDATE_OPERATION_STATUS_RECORD__TYPE__UPDATE;
    record.update = make_update(operation);
    uint64_t token = gate_token(&agent->gate);
    store_record(operation, &record, token);
    gate_wait_for(&agent->gate, &operation->stored, token);
}

void operation_stored(struct operation *operation)
{
    forward(operation, UPDATE_RETRY_MIN_NS);
}

void operation_timer(struct operation *operation)
{
    forward(operation, MIN(operation->retry_ns * 2, UPDATE_RETRY_MAX_NS));
}

void operation_pause_all(struct agent *agent)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        timers_cancel(&agent->timers, &operation->timer);
    }
}

void operation_resume_all(struct agent *agent)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        forward(operation, UPDATE_RETRY_MIN_NS);
    }
}

/* --- the end --- */

void operation_forget_files(struct agent *agent, const char *uuid_text)
{
    store_remove(&agent->effects->store, 0,
                 paths_operation(&agent->arena, agent->setup.meta_dir, agent->id, uuid_text));
}

bool operation_acknowledge(struct operation *operation, struct slice status_uuid)
{
    struct agent *agent = operation->agent;
    if (!slice_equal(status_uuid, slice_make(operation->status_uuid.bytes, UUID_SIZE))) {
        return false;
    }
    if (!operation->is_checkpointed) {
        operation_free(operation);
        return true;
    }
    Pb__Internal__UpdateOperationStatusRecord record =
        PB__INTERNAL__UPDATE_OPERATION_STATUS_RECORD__INIT;
    record.type = PB__INTERNAL__UPDATE_OPERATION_STATUS_RECORD__TYPE__ACK;
    record.uuid = messages_uuid(&operation->status_uuid, &agent->arena);
    store_record(operation, &record, 0);
    char text[UUID_TEXT_SIZE];
    uuid_format(&operation->uuid, text);
    operation_free(operation);
    resource_state_commit(agent);
    operation_forget_files(agent, text);
    return true;
}
