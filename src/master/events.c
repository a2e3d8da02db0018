#include "master/events.h"

#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/recordio.h"

static const char *content_type(bool json)
{
    return json ? HTTP_JSON : HTTP_PROTOBUF;
}

/* An encoded Event as one record in the stream's encoding. */
static struct blob *record(bool json, struct slice event)
{
    CLEANUP(buf_deinit) struct buf framed = BUF_INIT;
    if (json) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT;
        json_print_bytes(&pb__scheduler__event__descriptor, event, JSON_V1, &text);
        recordio_put(&framed, buf_slice(&text));
    } else {
        recordio_put(&framed, event);
    }
    return blob_take(&framed);
}

static void send_http(struct master *master, struct framework *framework, int type,
                      struct slice event)
{
    framework->counts->events[type]++;
    net_stream_write(&master->effects->net, framework->handle, record(framework->json, event));
}

static void send_event(struct master *master, struct framework *framework,
                       Pb__Scheduler__Event__Type type, Pb__Scheduler__Event *event)
{
    event->has_type = true;
    event->type = type;
    send_http(master, framework, (int)type, message_encode_arena(&event->base, &master->arena));
}

static void send_upid(struct master *master, struct framework *framework, int type,
                      const char *name, struct blob *body)
{
    framework->counts->events[type]++;
    net_send(&master->effects->net, master->upid.id, &framework->upid, name, body);
}

/* --- refusals --- */

void master_event_refuse_http(struct master *master, uint64_t handle, bool json,
                              const char *stream_id, const char *message)
{
    Pb__Scheduler__Event__Error error = PB__SCHEDULER__EVENT__ERROR__INIT;
    Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
    error.message = arena_strdup(&master->arena, message);
    event.has_type = true;
    event.type = PB__SCHEDULER__EVENT__TYPE__ERROR;
    event.error = &error;
    struct net_effects *net = &master->effects->net;
    net_add_header(net_stream_open(net, handle, content_type(json)), "Mesos-Stream-Id", stream_id);
    net_stream_write(net, handle, record(json, message_encode_arena(&event.base, &master->arena)));
    net_stream_close(net, handle);
}

void master_event_refuse_upid(struct master *master, const struct upid *to, const char *message)
{
    Pb__Internal__FrameworkErrorMessage error = PB__INTERNAL__FRAMEWORK_ERROR_MESSAGE__INIT;
    error.message = arena_strdup(&master->arena, message);
    net_send(&master->effects->net, master->upid.id, to, "mesos.internal.FrameworkErrorMessage",
             message_encode_blob(&error.base));
}

/* --- events --- */

void master_event_subscribed(struct master *master, struct framework *framework, bool again)
{
    Pb__FrameworkID id = PB__FRAMEWORK_ID__INIT;
    Pb__MasterInfo *info;
    id.value = framework->id->data;
    int failed = MESSAGE_DECODE(Pb__MasterInfo, pb__master_info, blob_slice(master->info),
                                &master->arena, &info, NULL);
    ASSERT(failed == 0);
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__Subscribed subscribed = PB__SCHEDULER__EVENT__SUBSCRIBED__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        subscribed.framework_id = &id;
        subscribed.has_heartbeat_interval_seconds = true;
        subscribed.heartbeat_interval_seconds = (double)(EVENTS_HEARTBEAT_NS / NS_PER_SEC);
        subscribed.master_info = info;
        event.subscribed = &subscribed;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__SUBSCRIBED, &event);
        break;
    }
    case CONNECTION_UPID:
        if (again) {
            Pb__Internal__FrameworkReregisteredMessage message =
                PB__INTERNAL__FRAMEWORK_REREGISTERED_MESSAGE__INIT;
            message.framework_id = &id;
            message.master_info = info;
            send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__SUBSCRIBED,
                      "mesos.internal.FrameworkReregisteredMessage",
                      message_encode_blob(&message.base));
        } else {
            Pb__Internal__FrameworkRegisteredMessage message =
                PB__INTERNAL__FRAMEWORK_REGISTERED_MESSAGE__INIT;
            message.framework_id = &id;
            message.master_info = info;
            send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__SUBSCRIBED,
                      "mesos.internal.FrameworkRegisteredMessage",
                      message_encode_blob(&message.base));
        }
        break;
    case CONNECTION_NONE:
        break;
    }
}

void master_event_heartbeat(struct master *master, struct framework *framework)
{
    Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
    ASSERT(framework->connection == CONNECTION_HTTP);
    send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__HEARTBEAT, &event);
}

void master_event_error(struct master *master, struct framework *framework, const char *message)
{
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__Error error = PB__SCHEDULER__EVENT__ERROR__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        error.message = arena_strdup(&master->arena, message);
        event.error = &error;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__ERROR, &event);
        break;
    }
    case CONNECTION_UPID:
        framework->counts->events[PB__SCHEDULER__EVENT__TYPE__ERROR]++;
        master_event_refuse_upid(master, &framework->upid, message);
        break;
    case CONNECTION_NONE:
        break;
    }
}

/* Offers and inverse offers: the event has them as field `number`. */
static void send_offers(struct master *master, struct framework *framework,
                        Pb__Scheduler__Event__Type type, uint32_t number, const char *name,
                        struct slice offers, const char *const *pids, size_t count)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    switch (framework->connection) {
    case CONNECTION_HTTP:
        wire_put_varint(&out, FIELD_EVENT_TYPE, (uint64_t)type);
        wire_put_bytes(&out, number, offers);
        send_http(master, framework, (int)type, buf_slice(&out));
        break;
    case CONNECTION_UPID:
        /* The offers are field 1 of the message as well. */
        buf_append_slice(&out, offers);
        for (size_t i = 0; i < count; i++) {
            wire_put_bytes(&out, FIELD_OFFERS_MESSAGE_PIDS, slice_from(pids[i]));
        }
        send_upid(master, framework, (int)type, name, blob_take(&out));
        break;
    case CONNECTION_NONE:
        break;
    }
}

void master_event_offers(struct master *master, struct framework *framework, struct slice offers,
                         const char *const *pids, size_t count)
{
    send_offers(master, framework, PB__SCHEDULER__EVENT__TYPE__OFFERS, FIELD_EVENT_OFFERS,
                "mesos.internal.ResourceOffersMessage", offers, pids, count);
}

void master_event_inverse_offers(struct master *master, struct framework *framework,
                                 struct slice offers, const char *const *pids, size_t count)
{
    send_offers(master, framework, PB__SCHEDULER__EVENT__TYPE__INVERSE_OFFERS,
                FIELD_EVENT_INVERSE_OFFERS, "mesos.internal.InverseOffersMessage", offers, pids,
                count);
}

void master_event_rescind(struct master *master, struct framework *framework, struct slice offer_id)
{
    Pb__OfferID id = PB__OFFER_ID__INIT;
    id.value = arena_strndup(&master->arena, offer_id.data, offer_id.size);
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__Rescind rescind = PB__SCHEDULER__EVENT__RESCIND__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        rescind.offer_id = &id;
        event.rescind = &rescind;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__RESCIND, &event);
        break;
    }
    case CONNECTION_UPID: {
        Pb__Internal__RescindResourceOfferMessage message =
            PB__INTERNAL__RESCIND_RESOURCE_OFFER_MESSAGE__INIT;
        message.offer_id = &id;
        send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__RESCIND,
                  "mesos.internal.RescindResourceOfferMessage", message_encode_blob(&message.base));
        break;
    }
    case CONNECTION_NONE:
        break;
    }
}

void master_event_rescind_inverse(struct master *master, struct framework *framework,
                                  struct slice offer_id)
{
    Pb__OfferID id = PB__OFFER_ID__INIT;
    id.value = arena_strndup(&master->arena, offer_id.data, offer_id.size);
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__RescindInverseOffer rescind =
            PB__SCHEDULER__EVENT__RESCIND_INVERSE_OFFER__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        rescind.inverse_offer_id = &id;
        event.rescind_inverse_offer = &rescind;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__RESCIND_INVERSE_OFFER, &event);
        break;
    }
    case CONNECTION_UPID: {
        Pb__Internal__RescindInverseOfferMessage message =
            PB__INTERNAL__RESCIND_INVERSE_OFFER_MESSAGE__INIT;
        message.inverse_offer_id = &id;
        send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__RESCIND_INVERSE_OFFER,
                  "mesos.internal.RescindInverseOfferMessage", message_encode_blob(&message.base));
        break;
    }
    case CONNECTION_NONE:
        break;
    }
}

void master_event_update(struct master *master, struct framework *framework, struct slice update,
                         const char *acknowledgee)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        wire_put_varint(&out, FIELD_EVENT_TYPE, PB__SCHEDULER__EVENT__TYPE__UPDATE);
        size_t begun = wire_begin(&out, FIELD_EVENT_UPDATE);
        size_t status = wire_begin(&out, FIELD_EVENT_UPDATE_STATUS);
        master_status_evolve(update, acknowledgee != NULL, &out);
        wire_end(&out, status);
        wire_end(&out, begun);
        send_http(master, framework, PB__SCHEDULER__EVENT__TYPE__UPDATE, buf_slice(&out));
        break;
    }
    case CONNECTION_UPID:
        wire_put_bytes(&out, FIELD_UPDATE_MESSAGE_UPDATE, update);
        wire_put_bytes(&out, FIELD_UPDATE_MESSAGE_PID,
                       slice_from(acknowledgee != NULL ? acknowledgee : MASTER_NO_PID));
        send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__UPDATE,
                  "mesos.internal.StatusUpdateMessage", blob_take(&out));
        break;
    case CONNECTION_NONE:
        break;
    }
}

void master_event_operation(struct master *master, struct framework *framework,
                            Pb__OperationStatus *status)
{
    Pb__Scheduler__Event__UpdateOperationStatus update =
        PB__SCHEDULER__EVENT__UPDATE_OPERATION_STATUS__INIT;
    Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
    if (framework->connection == CONNECTION_HTTP) {
        update.status = status;
        event.update_operation_status = &update;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__UPDATE_OPERATION_STATUS, &event);
    }
}

void master_event_message(struct master *master, struct framework *framework,
                          const Pb__Internal__ExecutorToFrameworkMessage *message)
{
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__Message body = PB__SCHEDULER__EVENT__MESSAGE__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        body.agent_id = message->slave_id;
        body.executor_id = message->executor_id;
        body.data = message->data;
        event.message = &body;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__MESSAGE, &event);
        break;
    }
    case CONNECTION_UPID:
        send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__MESSAGE,
                  "mesos.internal.ExecutorToFrameworkMessage", message_encode_blob(&message->base));
        break;
    case CONNECTION_NONE:
        break;
    }
}

void master_event_executor_exited(struct master *master, struct framework *framework,
                                  const Pb__Internal__ExitedExecutorMessage *message)
{
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__Failure failure = PB__SCHEDULER__EVENT__FAILURE__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        failure.agent_id = message->slave_id;
        failure.executor_id = message->executor_id;
        failure.has_status = true;
        failure.status = message->status;
        event.failure = &failure;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__FAILURE, &event);
        break;
    }
    case CONNECTION_UPID:
        send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__FAILURE,
                  "mesos.internal.ExitedExecutorMessage", message_encode_blob(&message->base));
        break;
    case CONNECTION_NONE:
        break;
    }
}

void master_event_agent_lost(struct master *master, struct framework *framework,
                             struct slice agent_id)
{
    Pb__AgentID id = PB__AGENT_ID__INIT;
    id.value = arena_strndup(&master->arena, agent_id.data, agent_id.size);
    switch (framework->connection) {
    case CONNECTION_HTTP: {
        Pb__Scheduler__Event__Failure failure = PB__SCHEDULER__EVENT__FAILURE__INIT;
        Pb__Scheduler__Event event = PB__SCHEDULER__EVENT__INIT;
        failure.agent_id = &id;
        event.failure = &failure;
        send_event(master, framework, PB__SCHEDULER__EVENT__TYPE__FAILURE, &event);
        break;
    }
    case CONNECTION_UPID: {
        Pb__Internal__LostSlaveMessage message = PB__INTERNAL__LOST_SLAVE_MESSAGE__INIT;
        message.slave_id = &id;
        send_upid(master, framework, PB__SCHEDULER__EVENT__TYPE__FAILURE,
                  "mesos.internal.LostSlaveMessage", message_encode_blob(&message.base));
        break;
    }
    case CONNECTION_NONE:
        break;
    }
}
