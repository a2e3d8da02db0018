#include "master/status.h"

#include <string.h>

#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    if (id.size > 0) {
        size_t begun = wire_begin(out, number);
        wire_put_bytes(out, FIELD_ID_VALUE, id);
        wire_end(out, begun);
    }
}

struct slice master_status_encode(struct master *master, const struct status_draft *draft,
                                  struct slice *ret_status)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    double timestamp = (double)master->now.wall_ns / (double)NS_PER_SEC;
    put_id(&out, FIELD_UPDATE_FRAMEWORK_ID, draft->framework_id);
    put_id(&out, FIELD_UPDATE_EXECUTOR_ID, draft->executor_id);
    put_id(&out, FIELD_UPDATE_AGENT_ID, draft->agent_id);

    CLEANUP(buf_deinit) struct buf status = BUF_INIT;
    size_t begun = wire_begin(&status, FIELD_STATUS_TASK_ID);
    wire_put_bytes(&status, FIELD_ID_VALUE, draft->task_id);
    wire_end(&status, begun);
    wire_put_varint(&status, FIELD_STATUS_STATE, draft->state);
    wire_put_bytes(&status, FIELD_STATUS_MESSAGE, slice_from(draft->message));
    put_id(&status, FIELD_STATUS_AGENT_ID, draft->agent_id);
    wire_put_double(&status, FIELD_STATUS_TIMESTAMP, timestamp);
    put_id(&status, FIELD_STATUS_EXECUTOR_ID, draft->executor_id);
    wire_put_varint(&status, FIELD_STATUS_SOURCE, SOURCE_MASTER);
    wire_put_varint(&status, FIELD_STATUS_REASON, (uint64_t)draft->reason);
    buf_append_slice(&status, draft->kept);
    if (draft->unreachable_time_ns != 0) {
        begun = wire_begin(&status, FIELD_STATUS_UNREACHABLE_TIME);
        wire_put_varint(&status, 1, (uint64_t)draft->unreachable_time_ns);
        wire_end(&status, begun);
    }
    wire_put_bytes(&out, FIELD_UPDATE_STATUS, buf_slice(&status));
    size_t status_end = out.size;
    wire_put_double(&out, FIELD_UPDATE_TIMESTAMP, timestamp);
    /* Empty, not absent: schedulers of old require the field. */
    wire_put_bytes(&out, FIELD_UPDATE_UUID, slice_make(NULL, 0));

    struct slice update = arena_slice(&master->arena, buf_slice(&out));
    if (ret_status != NULL) {
        *ret_status = slice_make(update.data + status_end - status.size, status.size);
    }
    return update;
}

struct slice master_status_kept(struct master *master, const struct task_record *record)
{
    struct cursor_field last;
    if (record->statuses == NULL ||
        !cursor_find(blob_slice(record->statuses), FIELD_TASK_STATUSES, &last)) {
        return slice_make(NULL, 0);
    }
    CLEANUP(buf_deinit) struct buf kept = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, last.bytes);
    while (cursor_next(&cursor, &field)) {
        if (field.number == FIELD_STATUS_HEALTHY || field.number == FIELD_STATUS_CHECK_STATUS ||
            field.number == FIELD_STATUS_CONTAINER_STATUS) {
            buf_append_slice(&kept, field.whole);
        }
    }
    return arena_slice(&master->arena, buf_slice(&kept));
}

void master_status_evolve(struct slice update, bool acknowledged, struct buf *out)
{
    struct cursor_field status = {0};
    struct cursor_field agent_id = {0};
    struct cursor_field executor_id = {0};
    struct cursor_field timestamp = {0};
    struct cursor_field uuid = {0};
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, update);
    while (cursor_next(&cursor, &field)) {
        switch (field.number) {
        case FIELD_UPDATE_STATUS:
            status = field;
            break;
        case FIELD_UPDATE_AGENT_ID:
            agent_id = field;
            break;
        case FIELD_UPDATE_EXECUTOR_ID:
            executor_id = field;
            break;
        case FIELD_UPDATE_TIMESTAMP:
            timestamp = field;
            break;
        case FIELD_UPDATE_UUID:
            uuid = field;
            break;
        default:
            break;
        }
    }
    cursor_init(&cursor, status.bytes);
    while (cursor_next(&cursor, &field)) {
        bool replaced = (field.number == FIELD_STATUS_AGENT_ID && agent_id.number != 0) ||
                        (field.number == FIELD_STATUS_EXECUTOR_ID && executor_id.number != 0) ||
                        field.number == FIELD_STATUS_TIMESTAMP || field.number == FIELD_STATUS_UUID;
        if (!replaced) {
            buf_append_slice(out, field.whole);
        }
    }
    if (agent_id.number != 0) {
        wire_put_bytes(out, FIELD_STATUS_AGENT_ID, agent_id.bytes);
    }
    if (executor_id.number != 0) {
        wire_put_bytes(out, FIELD_STATUS_EXECUTOR_ID, executor_id.bytes);
    }
    if (timestamp.number != 0) {
        double seconds;
        memcpy(&seconds, &timestamp.value, sizeof(seconds));
        wire_put_double(out, FIELD_STATUS_TIMESTAMP, seconds);
    }
    if (acknowledged && uuid.bytes.size > 0) {
        wire_put_bytes(out, FIELD_STATUS_UUID, uuid.bytes);
    }
}

static uint64_t status_state(struct slice status)
{
    struct cursor_field state;
    return cursor_find(status, FIELD_STATUS_STATE, &state) ? state.value : UINT64_MAX;
}

struct blob *master_status_append(const struct blob *statuses, struct slice status,
                                  bool *ret_is_new_state)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    *ret_is_new_state = true;
    if (statuses != NULL) {
        buf_append_slice(&out, blob_slice(statuses));
        struct cursor_field last = {0};
        cursor_init(&cursor, blob_slice(statuses));
        while (cursor_next(&cursor, &field)) {
            last = field;
        }
        if (last.number != 0 && status_state(last.bytes) == status_state(status)) {
            out.size -= last.whole.size;
            *ret_is_new_state = false;
        }
    }
    size_t begun = wire_begin(&out, FIELD_TASK_STATUSES);
    cursor_init(&cursor, status);
    while (cursor_next(&cursor, &field)) {
        if (field.number != FIELD_STATUS_DATA) {
            buf_append_slice(&out, field.whole);
        }
    }
    wire_end(&out, begun);
    return blob_from(buf_slice(&out));
}
