#include "master/operation.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/events.h"
#include "master/master_state.h"
#include "master/operation_status.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* mesos.Operation */
enum {
    FIELD_OPERATION_FRAMEWORK_ID = 1,
    FIELD_OPERATION_AGENT_ID = 2,
    FIELD_OPERATION_INFO = 3,
    FIELD_OPERATION_LATEST = 4,
    FIELD_OPERATION_STATUSES = 5,
    FIELD_OPERATION_UUID = 6,
    FIELD_VALUE = 1, /* of ids and UUIDs */
};

/* --- records --- */

static void record_free(struct cow_value *value)
{
    struct operation_record *record = CONTAINER_OF(value, struct operation_record, value);
    blob_unref(record->info);
    blob_unref(record->latest);
    blob_unref(record->statuses);
    blob_unref(record->framework_id);
    blob_unref(record->agent_id);
    blob_unref(record->id);
    free(record);
}

static void put_value(struct buf *out, uint32_t number, struct slice value)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_VALUE, value);
    wire_end(out, begun);
}

void master_operation_encode(const struct operation_record *record, struct buf *out)
{
    if (record->framework_id != NULL) {
        put_value(out, FIELD_OPERATION_FRAMEWORK_ID, blob_slice(record->framework_id));
    }
    put_value(out, FIELD_OPERATION_AGENT_ID, blob_slice(record->agent_id));
    wire_put_bytes(out, FIELD_OPERATION_INFO, blob_slice(record->info));
    wire_put_bytes(out, FIELD_OPERATION_LATEST, blob_slice(record->latest));
    buf_append_slice(out, blob_slice(record->statuses));
    put_value(out, FIELD_OPERATION_UUID, slice_make(record->uuid.bytes, UUID_SIZE));
}

bool master_operation_state_is_terminal(Pb__OperationState state)
{
    switch ((int)state) {
    case PB__OPERATION_STATE__OPERATION_FINISHED:
    case PB__OPERATION_STATE__OPERATION_FAILED:
    case PB__OPERATION_STATE__OPERATION_ERROR:
    case PB__OPERATION_STATE__OPERATION_DROPPED:
    case PB__OPERATION_STATE__OPERATION_GONE_BY_OPERATOR:
        return true;
    default:
        return false;
    }
}

Pb__OperationStatus *master_operation_status(struct master *master, Pb__OperationState state,
                                             const char *id, const char *message,
                                             const char *agent_id)
{
    struct arena *arena = &master->arena;
    Pb__OperationStatus *status = MESSAGE_NEW(Pb__OperationStatus, pb__operation_status, arena);
    status->state = state;
    if (id != NULL) {
        status->operation_id = MESSAGE_NEW(Pb__OperationID, pb__operation_id, arena);
        status->operation_id->value = arena_strdup(arena, id);
    }
    if (message != NULL) {
        status->message = arena_strdup(arena, message);
    }
    if (agent_id != NULL) {
        status->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, arena);
        status->agent_id->value = arena_strdup(arena, agent_id);
    }
    return status;
}

static void put_status(struct buf *out, const Pb__OperationStatus *status)
{
    size_t begun = wire_begin(out, FIELD_OPERATION_STATUSES);
    message_encode(&status->base, out);
    wire_end(out, begun);
}

static struct operation_record *record_new(const struct operation_draft *draft)
{
    struct operation_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->info = message_encode_blob(&draft->info->base);
    record->latest = message_encode_blob(&draft->latest->base);
    size_t first = draft->status_count > OPERATION_STATUSES_MAX
                       ? draft->status_count - OPERATION_STATUSES_MAX
                       : 0;
    struct buf statuses = BUF_INIT;
    for (size_t i = first; i < draft->status_count; i++) {
        put_status(&statuses, draft->statuses[i]);
    }
    record->status_count = draft->status_count - first;
    record->statuses = record->status_count > 0 ? blob_take(&statuses) : NULL;
    buf_deinit(&statuses);
    record->framework_id = draft->framework_id.data != NULL ? blob_from(draft->framework_id) : NULL;
    record->agent_id = blob_ref(draft->agent->id);
    record->id = draft->info->id != NULL && draft->framework_id.data != NULL
                     ? blob_from(slice_from(draft->info->id->value))
                     : NULL;
    record->uuid = draft->uuid;
    record->type = draft->info->type;
    record->state = draft->latest->state;
    return record;
}

/* The oldest ones leave when there are too many. */
static struct slice without_oldest(const struct operation_record *record)
{
    struct slice kept = blob_slice(record->statuses);
    struct cursor cursor;
    struct cursor_field field;
    if (record->status_count >= OPERATION_STATUSES_MAX) {
        cursor_init(&cursor, kept);
        bool found = cursor_next(&cursor, &field);
        ASSERT(found);
        kept = slice_make(kept.data + field.whole.size, kept.size - field.whole.size);
    }
    return kept;
}

static bool is_last_status(const struct operation_record *record, struct slice status)
{
    struct cursor_field last;
    return cursor_find(blob_slice(record->statuses), FIELD_OPERATION_STATUSES, &last) &&
           slice_equal(last.bytes, status);
}

/* --- the maps' keys --- */

struct slice master_operation_key(const struct map_link *link)
{
    const struct operation_record *record = CONTAINER_OF(link, struct operation, by_uuid)->record;
    return slice_make(record->uuid.bytes, UUID_SIZE);
}

struct slice master_operation_name_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct operation, by_id)->record->id);
}

struct operation *master_operation_find(const struct master *master, const struct agent *agent,
                                        struct slice uuid)
{
    struct map_link *link = map_find(&master->operations, uuid);
    struct operation *operation =
        link != NULL ? CONTAINER_OF(link, struct operation, by_uuid) : NULL;
    return operation != NULL && operation->agent == agent ? operation : NULL;
}

struct operation *master_operation_find_named(const struct framework *framework, struct slice id)
{
    struct map_link *link = map_find(&framework->operations, id);
    return link != NULL ? CONTAINER_OF(link, struct operation, by_id) : NULL;
}

/* --- frameworks and their operations --- */

/* An id that is used again names the newer one. */
static void join(struct operation *operation, struct framework *framework)
{
    list_remove(&operation->of_framework);
    operation->framework = framework;
    list_push_back(&framework->operation_order, &operation->of_framework);
    if (operation->record->id == NULL) {
        return;
    }
    struct operation *older =
        master_operation_find_named(framework, blob_slice(operation->record->id));
    if (older != NULL) {
        map_remove(&framework->operations, &older->by_id);
        older->is_named = false;
    }
    map_add(&framework->operations, &operation->by_id);
    operation->is_named = true;
}

static void leave(struct operation *operation)
{
    list_remove(&operation->of_framework);
    if (operation->is_named) {
        map_remove(&operation->framework->operations, &operation->by_id);
        operation->is_named = false;
    }
    operation->framework = NULL;
}

void master_operation_adopt(struct master *master, struct framework *framework)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &master->orphans, of_framework) {
        if (slice_equal(blob_slice(operation->record->framework_id), blob_slice(framework->id))) {
            join(operation, framework);
        }
    }
}

void master_operation_abandon(struct master *master, struct framework *framework)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &framework->operation_order, of_framework) {
        leave(operation);
        operation->learnt_ns = 0;
        master_operation_acknowledge_latest(master, operation);
    }
}

/* --- their life --- */

struct operation *master_operation_add(struct master *master, const struct operation_draft *draft)
{
    struct operation *operation = xalloc(sizeof(*operation));
    operation->agent = draft->agent;
    operation->record = record_new(draft);
    operation->slot = cow_table_add(&master->operation_records, &operation->record->value);
    list_init(&operation->of_framework);
    map_add(&master->operations, &operation->by_uuid);
    list_push_back(&draft->agent->operations, &operation->of_agent);
    draft->agent->operation_count++;
    if (draft->framework != NULL) {
        join(operation, draft->framework);
    } else if (operation->record->framework_id != NULL) {
        list_push_back(&master->orphans, &operation->of_framework);
        operation->learnt_ns = master->now.mono_ns;
    }
    master_count_operation_begun(master, operation->record->type);
    master_count_operation(master, operation->record->type, operation->record->state, 1);
    return operation;
}

void master_operation_update(struct master *master, struct operation *operation,
                             const Pb__OperationStatus *status, const Pb__OperationStatus *latest)
{
    const struct operation_record *before = operation->record;
    struct operation_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->info = blob_ref(before->info);
    record->framework_id = blob_ref(before->framework_id);
    record->agent_id = blob_ref(before->agent_id);
    record->id = blob_ref(before->id);
    record->uuid = before->uuid;
    record->type = before->type;
    if (master_operation_state_is_terminal(before->state)) {
        record->state = before->state;
        record->latest = blob_ref(before->latest);
    } else {
        record->state = latest->state;
        record->latest = message_encode_blob(&latest->base);
        if (latest->state != before->state) {
            master_count_operation(master, before->type, before->state, -1);
            master_count_operation(master, before->type, latest->state, 1);
        }
    }
    struct slice added = message_encode_arena(&status->base, &master->arena);
    if (is_last_status(before, added)) {
        record->statuses = blob_ref(before->statuses);
        record->status_count = before->status_count;
    } else {
        CLEANUP(buf_deinit) struct buf statuses = BUF_INIT;
        buf_append_slice(&statuses, without_oldest(before));
        wire_put_bytes(&statuses, FIELD_OPERATION_STATUSES, added);
        record->statuses = blob_from(buf_slice(&statuses));
        record->status_count = MIN(before->status_count + 1, OPERATION_STATUSES_MAX);
    }
    operation->record = record;
    cow_table_put(&master->operation_records, operation->slot, &record->value);
}

void master_operation_remove(struct master *master, struct operation *operation)
{
    const struct operation_record *record = operation->record;
    if (!master_operation_state_is_terminal(record->state)) {
        master_count_operation(master, record->type, record->state, -1);
    }
    map_remove(&master->operations, &operation->by_uuid);
    leave(operation);
    list_remove(&operation->of_agent);
    operation->agent->operation_count--;
    cow_table_remove(&master->operation_records, operation->slot);
    free(operation);
}

void master_operation_lose_all(struct master *master, struct agent *agent, Pb__OperationState state,
                               const char *message)
{
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operations, of_agent) {
        if (state != PB__OPERATION_STATE__OPERATION_UNSUPPORTED && operation->framework != NULL &&
            operation->record->id != NULL) {
            master_event_operation(master, operation->framework,
                                   master_operation_status(master, state,
                                                           operation->record->id->data, message,
                                                           agent->id->data));
        }
        master_operation_remove(master, operation);
    }
}
