/* Records of tasks: made from what frameworks launch and agents report, and encoded for readers. */
#include <errno.h>

#include "master/fields.h"
#include "master/master_state.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "wire/cursor.h"
#include "wire/message.h"

static const struct {
    const char *name;
    bool terminal;
} task_states[TASK_STATES] = {
    [TASK_STATE_STARTING] = {"TASK_STARTING", false},
    [TASK_STATE_RUNNING] = {"TASK_RUNNING", false},
    [TASK_STATE_FINISHED] = {"TASK_FINISHED", true},
    [TASK_STATE_FAILED] = {"TASK_FAILED", true},
    [TASK_STATE_KILLED] = {"TASK_KILLED", true},
    [TASK_STATE_LOST] = {"TASK_LOST", true},
    [TASK_STATE_STAGING] = {"TASK_STAGING", false},
    [TASK_STATE_ERROR] = {"TASK_ERROR", true},
    [TASK_STATE_KILLING] = {"TASK_KILLING", false},
    [TASK_STATE_DROPPED] = {"TASK_DROPPED", true},
    [TASK_STATE_UNREACHABLE] = {"TASK_UNREACHABLE", false},
    [TASK_STATE_GONE] = {"TASK_GONE", true},
    [TASK_STATE_GONE_BY_OPERATOR] = {"TASK_GONE_BY_OPERATOR", true},
    [TASK_STATE_UNKNOWN] = {"TASK_UNKNOWN", false},
};

bool master_task_state_is_terminal(enum task_state state)
{
    return task_states[state].terminal;
}

const char *master_task_state_name(enum task_state state)
{
    return task_states[state].name;
}

bool master_task_is_using(const struct task_record *record)
{
    return record->place == TASK_ACTIVE &&
           !master_task_state_is_terminal((enum task_state)record->state) &&
           record->state != TASK_STATE_UNREACHABLE;
}

enum task_state master_task_forwarded_state(const struct task_record *record)
{
    return (enum task_state)(record->has_status_update ? record->status_update_state
                                                       : record->state);
}

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, id);
    wire_end(out, begun);
}

void master_task_encode(const struct task_record *record, struct buf *out)
{
    buf_append_slice(out, blob_slice(record->info));
    put_id(out, FIELD_TASK_FRAMEWORK_ID, blob_slice(record->framework_id));
    put_id(out, FIELD_TASK_AGENT_ID, blob_slice(record->agent_id));
    wire_put_varint(out, FIELD_TASK_STATE, record->state);
    buf_append_slice(out, blob_slice(record->statuses));
    if (record->has_status_update) {
        wire_put_varint(out, FIELD_TASK_UPDATE_STATE, record->status_update_state);
        wire_put_bytes(out, FIELD_TASK_UPDATE_UUID,
                       slice_make(record->status_update_uuid.bytes, UUID_SIZE));
    }
}

/* --- from a TaskInfo --- */

static void put_message(struct buf *out, uint32_t number, const ProtobufCMessage *message)
{
    size_t begun = wire_begin(out, number);
    message_encode(message, out);
    wire_end(out, begun);
}

#define PUT_OPTIONAL(out, number, message)                  \
    do {                                                    \
        if ((message) != NULL) {                            \
            put_message((out), (number), &(message)->base); \
        }                                                   \
    } while (0)

static const char *user_of(const Pb__TaskInfo *info)
{
    if (info->command != NULL && info->command->user != NULL) {
        return info->command->user;
    }
    if (info->executor != NULL && info->executor->command != NULL) {
        return info->executor->command->user;
    }
    return NULL;
}

void master_task_parts_of_info(const Pb__TaskInfo *info, struct task_parts *ret_parts)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    wire_put_bytes(&out, FIELD_TASK_NAME, slice_from(info->name));
    put_message(&out, FIELD_TASK_ID, &info->task_id->base);
    if (info->executor != NULL) {
        put_message(&out, FIELD_TASK_EXECUTOR_ID, &info->executor->executor_id->base);
    }
    for (size_t i = 0; i < info->n_resources; i++) {
        put_message(&out, FIELD_TASK_RESOURCES, &info->resources[i]->base);
    }
    PUT_OPTIONAL(&out, FIELD_TASK_LABELS, info->labels);
    PUT_OPTIONAL(&out, FIELD_TASK_DISCOVERY, info->discovery);
    PUT_OPTIONAL(&out, FIELD_TASK_CONTAINER, info->container);
    const char *user = user_of(info);
    if (user != NULL) {
        wire_put_bytes(&out, FIELD_TASK_USER, slice_from(user));
    }
    PUT_OPTIONAL(&out, FIELD_TASK_HEALTH_CHECK, info->health_check);
    PUT_OPTIONAL(&out, FIELD_TASK_KILL_POLICY, info->kill_policy);
    for (size_t i = 0; i < info->n_limits; i++) {
        /* Entries of both maps have the same form. */
        put_message(&out, FIELD_TASK_LIMITS, &info->limits[i]->base);
    }
    *ret_parts = (struct task_parts){
        .info = blob_take(&out),
        .state = TASK_STATE_STAGING,
    };
}

/* --- from an agent --- */

void master_task_memo_deinit(struct task_memo *memo)
{
    buf_deinit(&memo->given);
    buf_deinit(&memo->made);
    resources_deinit(&memo->resources);
}

/* Validates the resources in memo->given, and makes the canonical form of them: the newer format,
 * allocated. */
static int memo_make(struct master *master, struct task_memo *memo, struct err *err)
{
    Pb__Resource **items = NULL;
    size_t count = 0;
    struct cursor cursor;
    struct cursor_field field;
    buf_clear(&memo->made);
    resources_clear(&memo->resources);
    cursor_init(&cursor, buf_slice(&memo->given));
    while (cursor_next(&cursor, &field)) {
        Pb__Resource *resource;
        if (MESSAGE_DECODE(Pb__Resource, pb__resource, field.bytes, &master->input, &resource,
                           err) != 0 ||
            resource_validate(resource, err) != 0) {
            return -EINVAL;
        }
        resource_pb_upgrade(resource, &master->arena);
        if (resource->allocation_info == NULL && memo->role.data == NULL) {
            return err_set(err, -EINVAL, "A resource is not allocated to any role");
        }
        MESSAGE_APPEND(&master->arena, count, items, resource);
    }
    resource_pb_inject_allocation(items, count, memo->role, &master->arena);
    for (size_t i = 0; i < count; i++) {
        put_message(&memo->made, FIELD_TASK_RESOURCES, &items[i]->base);
    }
    resources_add_pb(&memo->resources, items, count, &master->kinds);
    return 0;
}

static int memo_update(struct master *master, struct task_memo *memo, struct slice given,
                       struct slice role, struct err *err)
{
    if (slice_equal(buf_slice(&memo->given), given) && slice_equal(memo->role, role)) {
        return 0;
    }
    buf_clear(&memo->given);
    buf_append_slice(&memo->given, given);
    memo->role = role;
    int r = memo_make(master, memo, err);
    if (r != 0) {
        buf_clear(&memo->given);
    }
    return r;
}

static bool task_state_of(uint64_t number, enum task_state *ret_state)
{
    if (number >= TASK_STATES) {
        return false;
    }
    *ret_state = (enum task_state)number;
    return true;
}

int master_task_parts_of_task(struct master *master, struct slice task, struct slice role,
                              struct task_memo *memo, struct task_parts *ret_parts, struct err *err)
{
    CLEANUP(buf_deinit) struct buf info = BUF_INIT;
    CLEANUP(buf_deinit) struct buf given = BUF_INIT;
    CLEANUP(buf_deinit) struct buf statuses = BUF_INIT;
    struct task_parts parts = {.state = TASK_STATE_UNKNOWN};
    struct cursor cursor;
    struct cursor_field field;
    bool has_uuid = false;
    bool has_state = false;
    cursor_init(&cursor, task);
    while (cursor_next(&cursor, &field)) {
        switch (field.number) {
        case FIELD_TASK_FRAMEWORK_ID:
        case FIELD_TASK_AGENT_ID:
            break;
        case FIELD_TASK_STATE:
            if (!task_state_of(field.value, &parts.state)) {
                return err_set(err, -EINVAL, "A task is in an unknown state");
            }
            break;
        case FIELD_TASK_RESOURCES:
            buf_append_slice(&given, field.whole);
            break;
        case FIELD_TASK_STATUSES:
            buf_append_slice(&statuses, field.whole);
            break;
        case FIELD_TASK_UPDATE_STATE:
            has_state = task_state_of(field.value, &parts.status_update_state);
            break;
        case FIELD_TASK_UPDATE_UUID:
            has_uuid = uuid_from_bytes(field.bytes, &parts.status_update_uuid);
            break;
        default:
            buf_append_slice(&info, field.whole);
            break;
        }
    }
    int r = memo_update(master, memo, buf_slice(&given), role, err);
    if (r != 0) {
        return r;
    }
    buf_append_slice(&info, buf_slice(&memo->made));
    parts.has_status_update = has_state && has_uuid;
    parts.info = blob_from(buf_slice(&info));
    parts.statuses = statuses.size > 0 ? blob_from(buf_slice(&statuses)) : NULL;
    *ret_parts = parts;
    return 0;
}

void master_task_parts_deinit(struct task_parts *parts)
{
    parts->info = blob_unref(parts->info);
    parts->statuses = blob_unref(parts->statuses);
}
