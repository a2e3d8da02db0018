#include "agent/updates.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "common/xalloc.h"

static struct slice make_key(struct arena *arena, const char *framework_id, const char *task_id)
{
    size_t framework_size = strlen(framework_id) + 1;
    size_t size = framework_size + strlen(task_id);
    char *key = arena_alloc(arena, size + 1);
    memcpy(key, framework_id, framework_size);
    memcpy(key + framework_size, task_id, size - framework_size);
    return slice_make(key, size);
}

struct stream *updates_find(struct agent *agent, const char *framework_id, const char *task_id)
{
    struct slice key = make_key(&agent->arena, framework_id, task_id);
    struct map_link *link = map_find(&agent->streams, key);
    return link != NULL ? CONTAINER_OF(link, struct stream, by_key) : NULL;
}

static struct stream *stream_new(struct agent *agent, struct executor *executor,
                                 const char *framework_id, const char *task_id)
{
    struct stream *stream = xalloc(sizeof(*stream));
    struct slice key = make_key(&agent->arena, framework_id, task_id);
    stream->agent = agent;
    stream->key = xmemdup(key.data, key.size + 1);
    stream->key_size = key.size;
    stream->framework_id = stream->key;
    stream->task_id = stream->key + strlen(framework_id) + 1;
    if (executor != NULL) {
        stream->executor_id = xstrdup(executor->id);
        if (executor->checkpoint) {
            struct run_ids ids = executor_ids(executor);
            stream->path = xstrdup(paths_join(
                &agent->arena, paths_task(&agent->arena, agent->setup.meta_dir, &ids, task_id),
                "task.updates"));
        }
    }
    list_init(&stream->pending);
    gate_wait_init(&stream->acknowledged, GATE_STREAM);
    timer_init(&stream->timer, TIMER_UPDATE, stream);
    map_add(&agent->streams, &stream->by_key);
    list_push_back(&agent->stream_order, &stream->link);
    return stream;
}

static struct update *update_free(struct update *update)
{
    list_remove(&update->link);
    gate_cancel(&update->stored);
    blob_unref(update->bytes);
    free(update);
    return NULL;
}

static struct stream *stream_free(struct stream *stream)
{
    struct update *update;
    LIST_FOR_EACH (update, &stream->pending, link) {
        update_free(update);
    }
    gate_cancel(&stream->acknowledged);
    timers_cancel(&stream->agent->timers, &stream->timer);
    map_remove(&stream->agent->streams, &stream->by_key);
    list_remove(&stream->link);
    free(stream->key);
    free(stream->path);
    free(stream->executor_id);
    free(stream);
    return NULL;
}

static struct update *head_of(const struct stream *stream)
{
    return list_is_empty(&stream->pending) ? NULL
                                           : LIST_ENTRY(stream->pending.next, struct update, link);
}

/* --- what others are told --- */

static void acknowledge_sender(struct update *update)
{
    struct stream *stream = update->stream;
    struct agent *agent = stream->agent;
    struct arena *arena = &agent->arena;
    struct framework *framework = framework_find(agent, stream->framework_id);
    struct executor *executor = framework != NULL && stream->executor_id != NULL
                                    ? framework_find_executor(framework, stream->executor_id)
                                    : NULL;
    Pb__Internal__StatusUpdateAcknowledgementMessage message =
        PB__INTERNAL__STATUS_UPDATE_ACKNOWLEDGEMENT_MESSAGE__INIT;
    message.slave_id = messages_agent_id(agent->id, arena);
    message.framework_id = messages_framework_id(stream->framework_id, arena);
    message.task_id = messages_task_id(stream->task_id, arena);
    message.uuid = messages_uuid_bytes(&update->uuid, arena);
    for (; update->ack_count > 0; update->ack_count--) {
        switch (update->from) {
        case UPDATE_FROM_AGENT:
            break;
        case UPDATE_FROM_PID:
            agent_send(agent, &update->pid, "mesos.internal.StatusUpdateAcknowledgementMessage",
                       &message.base);
            break;
        case UPDATE_FROM_STREAM:
            if (executor != NULL && executor->how == EXECUTOR_LINK_STREAM) {
                Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
                Pb__Executor__Event__Acknowledged acknowledged =
                    PB__EXECUTOR__EVENT__ACKNOWLEDGED__INIT;
                acknowledged.task_id = message.task_id;
                acknowledged.uuid = message.uuid;
                event.has_type = 1;
                event.type = PB__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED;
                event.acknowledged = &acknowledged;
                executor_send(executor, NULL, NULL, &event);
            }
            break;
        }
    }
}

/* Sends the head, with the newest state beside it, and sets the timer for the next time. */
static void forward(struct stream *stream, int64_t retry_ns)
{
    struct agent *agent = stream->agent;
    struct arena *arena = &agent->arena;
    struct update *head = head_of(stream);
    if (head == NULL || !head->is_stored || gate_is_waiting(&stream->acknowledged) ||
        agent->streams_paused) {
        return;
    }
    Pb__Internal__StatusUpdate *update =
        MESSAGES_READ(Pb__Internal__StatusUpdate, pb__internal__status_update, head->bytes, arena);
    struct framework *framework = framework_find(agent, stream->framework_id);
    struct task *task = framework != NULL ? framework_find_task(framework, stream->task_id) : NULL;
    if (task != NULL && task->phase != TASK_QUEUED) {
        task->has_forwarded = true;
        task->forwarded_state = head->state;
        task->forwarded_uuid = head->uuid;
        task_touch(task);
        update->has_latest_state = 1;
        update->latest_state = task->state;
    }
    char pid[UPID_TEXT_SIZE];
    upid_format(&agent->self, pid);
    Pb__Internal__StatusUpdateMessage message = PB__INTERNAL__STATUS_UPDATE_MESSAGE__INIT;
    message.update = update;
    message.pid = pid;
    agent_send_master(agent, "mesos.internal.StatusUpdateMessage", &message.base);
    stream->retry_ns = retry_ns;
    timers_set(&agent->timers, &stream->timer, time_add_ns(agent->now.mono_ns, retry_ns));
}

/* --- what is stored --- */

static void put_record(struct stream *stream, const Pb__Internal__StatusUpdateRecord *record,
                       uint64_t token)
{
    struct buf bytes = BUF_INIT;
    CLEANUP(buf_deinit) struct buf message = BUF_INIT;
    message_encode(&record->base, &message);
    agent_put_size(&bytes, message.size);
    buf_append_slice(&bytes, buf_slice(&message));
    struct store_op *op =
        store_append(&stream->agent->effects->store, token, stream->path, blob_take(&bytes));
    op->durable = true;
}

/* --- updates in --- */

static bool is_known(const struct stream *stream, const struct uuid *uuid)
{
    for (size_t i = 0; i < MIN(stream->known_count, (size_t)UPDATES_KNOWN_MAX); i++) {
        if (memcmp(&stream->known[i], uuid, sizeof(*uuid)) == 0) {
            return true;
        }
    }
    return false;
}

static void remember(struct stream *stream, const struct uuid *uuid)
{
    stream->known[stream->known_count++ % UPDATES_KNOWN_MAX] = *uuid;
}

static struct update *find_pending(const struct stream *stream, const struct uuid *uuid)
{
    struct update *update;
    LIST_FOR_EACH (update, &stream->pending, link) {
        if (memcmp(&update->uuid, uuid, sizeof(*uuid)) == 0) {
            return update;
        }
    }
    return NULL;
}

static struct update *push(struct stream *stream, const Pb__Internal__StatusUpdate *message,
                           const struct uuid *uuid)
{
    struct update *update = xalloc(sizeof(*update));
    update->stream = stream;
    update->bytes = message_encode_blob(&message->base);
    update->uuid = *uuid;
    update->state = message->status->state;
    gate_wait_init(&update->stored, GATE_UPDATE);
    list_push_back(&stream->pending, &update->link);
    stream->pending_count++;
    remember(stream, uuid);
    return update;
}

static void acknowledge_now(struct stream *stream, const struct uuid *uuid, enum update_from from,
                            const struct upid *pid)
{
    struct update update = {.stream = stream, .uuid = *uuid, .from = from, .ack_count = 1};
    if (pid != NULL) {
        update.pid = *pid;
    }
    acknowledge_sender(&update);
}

/* One that came before: whoever sent it again wants to be told again. */
static void acknowledge_again(struct stream *stream, const struct uuid *uuid, enum update_from from,
                              const struct upid *pid)
{
    struct update *update = find_pending(stream, uuid);
    if (update == NULL) {
        acknowledge_now(stream, uuid, from, pid);
        return;
    }
    update->ack_count++;
    update->from = from; /* one that was recovered had no sender yet */
    if (pid != NULL) {
        update->pid = *pid;
    }
    if (update->is_stored) {
        acknowledge_sender(update);
    }
}

void updates_answer(struct agent *agent, struct executor *executor,
                    const Pb__Internal__StatusUpdate *message, enum update_from from,
                    const struct upid *pid)
{
    struct uuid uuid;
    bool valid = uuid_from_bytes(message_bytes(message->uuid), &uuid);
    ASSERT(valid);
    struct stream *stream =
        updates_find(agent, message->framework_id->value, message->status->task_id->value);
    if (stream != NULL) {
        acknowledge_again(stream, &uuid, from, pid);
        return;
    }
    struct stream none = {
        .agent = agent,
        .framework_id = message->framework_id->value,
        .task_id = message->status->task_id->value,
        .executor_id = executor->id,
    };
    acknowledge_now(&none, &uuid, from, pid);
}

void updates_add(struct agent *agent, struct executor *executor,
                 const Pb__Internal__StatusUpdate *message, enum update_from from,
                 const struct upid *pid)
{
    const char *framework_id = message->framework_id->value;
    const char *task_id = message->status->task_id->value;
    struct uuid uuid;
    bool valid = uuid_from_bytes(message_bytes(message->uuid), &uuid);
    ASSERT(valid);
    struct stream *stream = updates_find(agent, framework_id, task_id);
    if (stream == NULL) {
        stream = stream_new(agent, executor, framework_id, task_id);
    }
    if (is_known(stream, &uuid) || find_pending(stream, &uuid) != NULL) {
        acknowledge_again(stream, &uuid, from, pid);
        return;
    }
    if (stream->pending_count >= UPDATES_PENDING_MAX) {
        agent_log(agent, LOG_LEVEL_WARNING, "task %s of framework %s has too many updates", task_id,
                  framework_id);
        return;
    }
    struct update *update = push(stream, message, &uuid);
    update->from = from;
    update->ack_count = 1;
    if (pid != NULL) {
        update->pid = *pid;
    }
    if (stream->path == NULL) {
        updates_stored(update);
        return;
    }
    Pb__Internal__StatusUpdateRecord record = PB__INTERNAL__STATUS_UPDATE_RECORD__INIT;
    record.type = PB__INTERNAL__STATUS_UPDATE_RECORD__TYPE__UPDATE;
    record.update = (Pb__Internal__StatusUpdate *)(uintptr_t)message;
    uint64_t token = gate_token(&agent->gate);
    put_record(stream, &record, token);
    gate_wait_for(&agent->gate, &update->stored, token);
}

void updates_stored(struct update *update)
{
    struct stream *stream = update->stream;
    update->is_stored = true;
    acknowledge_sender(update);
    if (head_of(stream) == update && !timer_is_set(&stream->timer)) {
        forward(stream, UPDATE_RETRY_MIN_NS);
    }
}

int updates_acknowledge(struct agent *agent, const char *framework_id, const char *task_id,
                        struct slice uuid)
{
    struct stream *stream = updates_find(agent, framework_id, task_id);
    struct update *head = stream != NULL ? head_of(stream) : NULL;
    if (head == NULL || !slice_equal(uuid, slice_make(head->uuid.bytes, UUID_SIZE))) {
        return UPDATES_E_UNKNOWN;
    }
    if (stream->path != NULL) {
        Pb__Internal__StatusUpdateRecord record = PB__INTERNAL__STATUS_UPDATE_RECORD__INIT;
        record.type = PB__INTERNAL__STATUS_UPDATE_RECORD__TYPE__ACK;
        record.has_uuid = 1;
        record.uuid = message_data(uuid);
        uint64_t token = gate_token(&agent->gate);
        put_record(stream, &record, token);
        gate_wait_for(&agent->gate, &stream->acknowledged, token);
    }
    bool is_last = task_state_is_terminal(head->state);
    update_free(head);
    stream->pending_count--;
    timers_cancel(&agent->timers, &stream->timer);
    if (is_last) {
        stream_free(stream);
        return UPDATES_E_CLOSED;
    }
    forward(stream, UPDATE_RETRY_MIN_NS);
    return 0;
}

void updates_acknowledged(struct stream *stream)
{
    forward(stream, UPDATE_RETRY_MIN_NS);
}

void updates_recover(struct agent *agent, struct executor *executor, const char *task_id,
                     const Pb__Internal__StatusUpdate *message, bool acknowledged)
{
    const char *framework_id = executor->framework->id;
    struct uuid uuid;
    if (!uuid_from_bytes(message_bytes(message->uuid), &uuid)) {
        return;
    }
    struct stream *stream = updates_find(agent, framework_id, task_id);
    if (stream == NULL) {
        stream = stream_new(agent, executor, framework_id, task_id);
    }
    if (!acknowledged) {
        struct update *update = push(stream, message, &uuid);
        update->is_stored = true;
    } else if (task_state_is_terminal(message->status->state)) {
        stream_free(stream);
    } else {
        remember(stream, &uuid);
    }
}

/* --- all streams --- */

void updates_pause(struct agent *agent)
{
    agent->streams_paused = true;
    struct stream *stream;
    LIST_FOR_EACH (stream, &agent->stream_order, link) {
        timers_cancel(&agent->timers, &stream->timer);
    }
}

void updates_resume(struct agent *agent)
{
    agent->streams_paused = false;
    struct stream *stream;
    LIST_FOR_EACH (stream, &agent->stream_order, link) {
        forward(stream, UPDATE_RETRY_MIN_NS);
    }
}

void updates_send_again(struct agent *agent, const char *framework_id)
{
    struct stream *stream;
    LIST_FOR_EACH (stream, &agent->stream_order, link) {
        if (strcmp(stream->framework_id, framework_id) == 0) {
            forward(stream, UPDATE_RETRY_MIN_NS);
        }
    }
}

void updates_timer(struct stream *stream)
{
    forward(stream, MIN(stream->retry_ns * 2, UPDATE_RETRY_MAX_NS));
}

void updates_drop_framework(struct agent *agent, const char *framework_id)
{
    struct stream *stream;
    LIST_FOR_EACH (stream, &agent->stream_order, link) {
        if (strcmp(stream->framework_id, framework_id) == 0) {
            stream_free(stream);
        }
    }
}

void updates_drop_all(struct agent *agent)
{
    struct stream *stream;
    LIST_FOR_EACH (stream, &agent->stream_order, link) {
        stream_free(stream);
    }
}
