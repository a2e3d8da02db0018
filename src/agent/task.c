#include "agent/task.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "common/xalloc.h"
#include "wire/cursor.h"

/* Numbers of the fields of Task that change. */
enum { FIELD_STATE = 6, FIELD_STATUSES = 8, FIELD_FORWARDED_STATE = 9, FIELD_FORWARDED_UUID = 10 };

/* The encoded Task without what changes; its fields stay in order. */
static struct blob *encode_fixed(const Pb__Task *described)
{
    Pb__Task fixed = *described;
    fixed.n_statuses = 0;
    fixed.statuses = NULL;
    fixed.has_status_update_state = 0;
    fixed.has_status_update_uuid = 0;
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT;
    message_encode(&fixed.base, &whole);
    CLEANUP(buf_deinit) struct buf rest = BUF_INIT;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, buf_slice(&whole));
    while (cursor_next(&cursor, &field)) {
        if (field.number != FIELD_STATE) {
            buf_append_slice(&rest, field.whole);
        }
    }
    ASSERT(!cursor.failed);
    return blob_take(&rest);
}

static struct task *make(struct executor *executor, const Pb__Task *described)
{
    struct task *task = xalloc(sizeof(*task));
    task->executor = executor;
    task->id = xstrdup(described->task_id->value);
    task->state = described->state;
    task->fixed = encode_fixed(described);
    amounts_init(&task->amounts);
    amounts_add_resources(&task->amounts, described->resources, described->n_resources);
    volumes_add_pb(&task->volumes, described->resources, described->n_resources,
                   executor->agent->setup.config.work_dir);
    amounts_set_limits(&task->amounts, described->limits, described->n_limits);
    gate_wait_init(&task->stored, GATE_TASK);
    list_init(&task->link);
    map_add(&executor->framework->tasks, &task->by_id);
    return task;
}

struct task *task_new(struct executor *executor, const Pb__TaskInfo *info)
{
    struct arena *arena = &executor->agent->arena;
    Pb__Task *described =
        task_describe(info, executor->framework->id, PB__TASK_STATE__TASK_STAGING, arena);
    if (described->executor_id == NULL && !executor->is_command) {
        described->executor_id = messages_executor_id(executor->id, arena);
    }
    struct task *task = make(executor, described);
    task->info = message_encode_blob(&info->base);
    task->phase = TASK_QUEUED;
    list_push_back(&executor->queued, &task->link);
    return task;
}

struct task *task_new_stored(struct executor *executor, const Pb__Task *stored)
{
    struct task *task = make(executor, stored);
    task->phase = TASK_LAUNCHED;
    list_push_back(&executor->launched, &task->link);
    executor->ever_sent_task = true;
    return task;
}

void task_leave_group(struct task *task)
{
    struct task_group *group = task->group;
    task->group = NULL;
    if (group != NULL && --group->refs == 0) {
        blob_unref(group->info);
        free(group);
    }
}

struct task *task_free(struct task *task)
{
    if (task->phase != TASK_COMPLETED) {
        map_remove(&task->executor->framework->tasks, &task->by_id);
    }
    list_remove(&task->link);
    gate_cancel(&task->stored);
    task_leave_group(task);
    blob_unref(task->info);
    blob_unref(task->fixed);
    blob_unref(task->whole);
    volumes_deinit(&task->volumes);
    for (size_t i = 0; i < task->status_count; i++) {
        blob_unref(task->statuses[i]);
    }
    free(task->statuses);
    free(task->id);
    free(task);
    return NULL;
}

void task_move(struct task *task, enum task_phase phase)
{
    ASSERT(phase > task->phase);
    struct executor *executor = task->executor;
    list_remove(&task->link);
    task_leave_group(task);
    task->info = blob_unref(task->info);
    if (phase == TASK_COMPLETED) {
        map_remove(&executor->framework->tasks, &task->by_id);
        gate_cancel(&task->stored);
    }
    task->phase = phase;
    switch (phase) {
    case TASK_QUEUED:
        WRONG("no way back to the queue");
    case TASK_LAUNCHED:
        executor->ever_sent_task = true;
        list_push_back(&executor->launched, &task->link);
        break;
    case TASK_TERMINATED:
        list_push_back(&executor->terminated, &task->link);
        break;
    case TASK_COMPLETED:
        list_push_back(&executor->completed, &task->link);
        executor->completed_count++;
        break;
    }
}

static Pb__TaskState status_state(const struct blob *status)
{
    struct cursor_field field;
    bool found = cursor_find(blob_slice(status), 2, &field);
    ASSERT(found);
    return (Pb__TaskState)field.value;
}

void task_add_status(struct task *task, const Pb__TaskStatus *status)
{
    Pb__TaskStatus kept = *status; /* shallow: only its `data` is left out (mesos.proto, Task) */
    kept.has_data = 0;
    struct blob *bytes = message_encode_blob(&kept.base);
    if (task->status_count > 0 &&
        status_state(task->statuses[task->status_count - 1]) == status->state) {
        blob_unref(task->statuses[task->status_count - 1]);
        task->statuses[task->status_count - 1] = bytes;
    } else {
        task->statuses =
            xrealloc(task->statuses, task->status_count + 1, sizeof(task->statuses[0]));
        task->statuses[task->status_count++] = bytes;
    }
    task->state = status->state;
    task_touch(task);
    if (status->has_source && status->source == PB__TASK_STATUS__SOURCE__SOURCE_EXECUTOR) {
        task->was_sent = true;
    }
}

void task_encode(const struct task *task, struct buf *out)
{
    bool put_state = false;
    bool put_rest = false;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(task->fixed));
    for (bool more = true; more;) {
        more = cursor_next(&cursor, &field);
        if (!put_state && (!more || field.number > FIELD_STATE)) {
            wire_put_varint(out, FIELD_STATE, (uint64_t)task->state);
            put_state = true;
        }
        if (!put_rest && (!more || field.number > FIELD_STATUSES)) {
            for (size_t i = 0; i < task->status_count; i++) {
                wire_put_bytes(out, FIELD_STATUSES, blob_slice(task->statuses[i]));
            }
            if (task->has_forwarded) {
                wire_put_varint(out, FIELD_FORWARDED_STATE, (uint64_t)task->forwarded_state);
                wire_put_bytes(out, FIELD_FORWARDED_UUID,
                               slice_make(task->forwarded_uuid.bytes, UUID_SIZE));
            }
            put_rest = true;
        }
        if (more) {
            buf_append_slice(out, field.whole);
        }
    }
}

struct blob *task_whole(struct task *task)
{
    if (task->whole == NULL) {
        struct buf bytes = BUF_INIT;
        task_encode(task, &bytes);
        task->whole = blob_take(&bytes);
    }
    return task->whole;
}

void task_touch(struct task *task)
{
    task->whole = blob_unref(task->whole);
}

bool task_state_is_terminal(Pb__TaskState state)
{
    return state == PB__TASK_STATE__TASK_FINISHED || state == PB__TASK_STATE__TASK_FAILED ||
           state == PB__TASK_STATE__TASK_KILLED || state == PB__TASK_STATE__TASK_LOST ||
           state == PB__TASK_STATE__TASK_ERROR || state == PB__TASK_STATE__TASK_DROPPED ||
           state == PB__TASK_STATE__TASK_GONE || state == PB__TASK_STATE__TASK_GONE_BY_OPERATOR;
}

const char *task_state_name(Pb__TaskState state)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__task_state__descriptor, (int)state);
    return value != NULL ? value->name : "TASK_UNKNOWN";
}

/* The user that the Task shows: the command's, its executor's (mesos.proto, Task.user). */
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

Pb__Task *task_describe(const Pb__TaskInfo *info, const char *framework_id, Pb__TaskState state,
                        struct arena *arena)
{
    Pb__Task *task = MESSAGE_NEW(Pb__Task, pb__task, arena);
    task->name = info->name;
    task->task_id = info->task_id;
    task->framework_id = messages_framework_id(framework_id, arena);
    task->executor_id = info->executor != NULL ? info->executor->executor_id : NULL;
    task->agent_id = info->agent_id;
    task->state = state;
    task->n_resources = info->n_resources;
    task->resources = info->resources;
    task->labels = info->labels;
    task->discovery = info->discovery;
    task->container = info->container;
    task->health_check = info->health_check;
    task->kill_policy = info->kill_policy;
    const char *user = user_of(info);
    task->user = user != NULL ? arena_strdup(arena, user) : NULL;
    for (size_t i = 0; i < info->n_limits; i++) {
        Pb__Task__LimitsEntry *entry =
            MESSAGE_NEW(Pb__Task__LimitsEntry, pb__task__limits_entry, arena);
        entry->key = info->limits[i]->key;
        entry->value = info->limits[i]->value;
        MESSAGE_APPEND(arena, task->n_limits, task->limits, entry);
    }
    return task;
}
