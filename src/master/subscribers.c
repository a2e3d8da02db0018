#include "master/subscribers.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "master/reads.h"
#include "master/view_parts.h"
#include "wire/cursor.h"
#include "wire/recordio.h"

/* mesos.master.Event and its parts */
enum {
    FIELD_EVENT_TASK_ADDED = 3,
    FIELD_EVENT_TASK_UPDATED = 4,
    FIELD_EVENT_AGENT_ADDED = 5,
    FIELD_EVENT_AGENT_REMOVED = 6,
    FIELD_EVENT_FRAMEWORK_ADDED = 7,
    FIELD_EVENT_FRAMEWORK_UPDATED = 8,
    FIELD_EVENT_FRAMEWORK_REMOVED = 9,
    FIELD_PART = 1, /* the one member of most of them */
    FIELD_UPDATED_FRAMEWORK_ID = 1,
    FIELD_UPDATED_STATUS = 2,
    FIELD_UPDATED_STATE = 3,
};

struct slice master_subscriber_key(const struct map_link *link)
{
    const struct subscriber *subscriber = CONTAINER_OF(link, struct subscriber, by_handle);
    return slice_make(&subscriber->handle, sizeof(subscriber->handle));
}

/* --- events --- */

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, id);
    wire_end(out, begun);
}

/* The part of an event as field `number`, and in it the message that `put` appends as field 1. */
#define PUT_PART(out, number, put)                       \
    do {                                                 \
        size_t part_ = wire_begin((out), (number));      \
        size_t message_ = wire_begin((out), FIELD_PART); \
        put;                                             \
        wire_end((out), message_);                       \
        wire_end((out), part_);                          \
    } while (0)

static void put_task_updated(const struct change *change, struct buf *out)
{
    const struct task_record *task = SNAPSHOT_RECORD(struct task_record, change->record);
    size_t begun = wire_begin(out, FIELD_EVENT_TASK_UPDATED);
    put_id(out, FIELD_UPDATED_FRAMEWORK_ID, blob_slice(task->framework_id));
    wire_put_bytes(out, FIELD_UPDATED_STATUS, blob_slice(change->status));
    wire_put_varint(out, FIELD_UPDATED_STATE, task->state);
    wire_end(out, begun);
}

/* As it is at the end of the step: a framework is added before it is connected, and both happen in
 * one. The record of the change if it is not there any more. */
static const struct framework_record *newest(const struct master *master,
                                             const struct cow_value *value)
{
    const struct framework_record *noted = CONTAINER_OF(value, struct framework_record, value);
    const struct cow_value *now = cow_table_get(&master->framework_records, noted->slot);
    if (now == NULL) {
        return noted;
    }
    const struct framework_record *found = CONTAINER_OF(now, struct framework_record, value);
    return slice_equal(blob_slice(found->id), blob_slice(noted->id)) ? found : noted;
}

/* Encodes mesos.master.Event. */
static void encode(const struct master *master, const struct change *change, struct buf *out)
{
    const struct framework_record *framework =
        SNAPSHOT_RECORD(struct framework_record, change->record);
    const struct agent_record *agent = SNAPSHOT_RECORD(struct agent_record, change->record);
    switch (change->type) {
    case CHANGE_TASK_ADDED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__TASK_ADDED);
        PUT_PART(out, FIELD_EVENT_TASK_ADDED,
                 master_view_encode_task(SNAPSHOT_RECORD(struct task_record, change->record), out));
        break;
    case CHANGE_TASK_UPDATED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__TASK_UPDATED);
        put_task_updated(change, out);
        break;
    case CHANGE_FRAMEWORK_ADDED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__FRAMEWORK_ADDED);
        PUT_PART(out, FIELD_EVENT_FRAMEWORK_ADDED,
                 master_view_encode_framework(NULL, newest(master, change->record), out));
        break;
    case CHANGE_FRAMEWORK_UPDATED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__FRAMEWORK_UPDATED);
        PUT_PART(out, FIELD_EVENT_FRAMEWORK_UPDATED,
                 master_view_encode_framework(NULL, newest(master, change->record), out));
        break;
    case CHANGE_FRAMEWORK_REMOVED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__FRAMEWORK_REMOVED);
        PUT_PART(out, FIELD_EVENT_FRAMEWORK_REMOVED,
                 buf_append_slice(out, blob_slice(framework->info)));
        break;
    case CHANGE_AGENT_ADDED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__AGENT_ADDED);
        PUT_PART(out, FIELD_EVENT_AGENT_ADDED, master_view_encode_agent(NULL, agent, out));
        break;
    case CHANGE_AGENT_REMOVED:
        wire_put_varint(out, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__AGENT_REMOVED);
        PUT_PART(out, FIELD_EVENT_AGENT_REMOVED,
                 wire_put_bytes(out, FIELD_ID_VALUE, blob_slice(agent->id)));
        break;
    }
}

/* A record of the stream. A new reference. */
static struct blob *record_of(struct slice event, bool json)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    CLEANUP(buf_deinit) struct buf record = BUF_INIT;
    if (json) {
        json_print_bytes(&pb__master__event__descriptor, event, JSON_V1, &text);
        event = buf_slice(&text);
    }
    recordio_put(&record, event);
    return blob_from(buf_slice(&record));
}

static struct blob *heartbeat_record(bool json)
{
    CLEANUP(buf_deinit) struct buf event = BUF_INIT;
    wire_put_varint(&event, FIELD_EVENT_TYPE, PB__MASTER__EVENT__TYPE__HEARTBEAT);
    return record_of(buf_slice(&event), json);
}

/* --- who is told --- */

static void subscriber_free(struct master *master, struct subscriber *subscriber)
{
    struct reads *reads = master->reads;
    map_remove(&reads->subscribers, &subscriber->by_handle);
    list_remove(&subscriber->link);
    timers_cancel(&master->timers, &subscriber->heartbeat);
    reads->subscriber_count--;
    master->watched = reads->subscriber_count > 0;
    free(subscriber);
}

void master_subscribers_heartbeat(struct master *master, struct subscriber *subscriber)
{
    net_stream_write(&master->effects->net, subscriber->handle, heartbeat_record(subscriber->json));
    timers_set(&master->timers, &subscriber->heartbeat,
               time_add_ns(master->now.mono_ns, SUBSCRIBERS_HEARTBEAT_NS));
}

void master_subscribers_add(struct master *master, const struct operator_request *r)
{
    master_view_subscribe(master, r->request->handle, r->accept == HTTP_MEDIA_JSON);
}

void master_subscribers_open(struct master *master, uint64_t handle, bool json)
{
    struct reads *reads = master->reads;
    while (reads->subscriber_count > 0 &&
           reads->subscriber_count >= master->options.max_subscribers) {
        struct subscriber *oldest =
            LIST_ENTRY(reads->subscriber_order.next, struct subscriber, link);
        net_stream_close(&master->effects->net, oldest->handle);
        subscriber_free(master, oldest);
    }
    struct subscriber *subscriber = xalloc(sizeof(*subscriber));
    subscriber->handle = handle;
    subscriber->json = json;
    subscriber->skipped = master->change_count;
    timer_init(&subscriber->heartbeat, TIMER_SUBSCRIBER, subscriber);
    map_add(&reads->subscribers, &subscriber->by_handle);
    list_push_back(&reads->subscriber_order, &subscriber->link);
    reads->subscriber_count++;
    master->watched = true;
    struct net_effect *effect = net_stream_open(&master->effects->net, subscriber->handle,
                                                json ? HTTP_JSON : HTTP_PROTOBUF);
    effect->opens_later = true;
    master_subscribers_heartbeat(master, subscriber);
}

bool master_subscribers_gone(struct master *master, uint64_t handle)
{
    struct map_link *link =
        map_find(&master->reads->subscribers, slice_make(&handle, sizeof(handle)));
    if (link == NULL) {
        return false;
    }
    subscriber_free(master, CONTAINER_OF(link, struct subscriber, by_handle));
    return true;
}

static void tell_change(struct master *master, size_t index)
{
    const struct change *change = &master->changes[index];
    CLEANUP(buf_deinit) struct buf event = BUF_INIT;
    struct blob *records[2] = {NULL, NULL}; /* by whether they are JSON; made when wanted */
    struct subscriber *subscriber;
    encode(master, change, &event);
    LIST_FOR_EACH (subscriber, &master->reads->subscriber_order, link) {
        struct blob **record = &records[subscriber->json];
        if (index < subscriber->skipped) {
            continue;
        }
        if (*record == NULL) {
            *record = record_of(buf_slice(&event), subscriber->json);
        }
        net_stream_write(&master->effects->net, subscriber->handle, blob_ref(*record));
    }
    blob_unref(records[0]);
    blob_unref(records[1]);
}

void master_subscribers_tell(struct master *master)
{
    if (master->change_count == 0) {
        return;
    }
    for (size_t i = 0; i < master->change_count; i++) {
        tell_change(master, i);
    }
    struct subscriber *subscriber;
    LIST_FOR_EACH (subscriber, &master->reads->subscriber_order, link) {
        subscriber->skipped = 0;
    }
}

void master_subscribers_drop_all(struct master *master)
{
    struct list *order = &master->reads->subscriber_order;
    while (!list_is_empty(order)) {
        subscriber_free(master, LIST_ENTRY(order->next, struct subscriber, link));
    }
}
