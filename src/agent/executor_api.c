#include "agent/executor_api.h"

#include <string.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/executor_messages.h"
#include "agent/framework.h"
#include "agent/framework_messages.h"
#include "agent/messages.h"
#include "agent/status.h"
#include "wire/json.h"

/* --- reading a call --- */

static void refuse(struct agent *agent, const struct net_request *request, int status,
                   const char *text)
{
    net_respond_text(&agent->effects->net, request->handle, status, "%s", text);
}

/* The call, or NULL after an answer. */
static Pb__Executor__Call *read_call(struct agent *agent, const struct net_request *request)
{
    struct slice type = http_find_header(request->head, "Content-Type");
    Pb__Executor__Call *call = NULL;
    struct err err = {""};
    int status;
    if (type.data == NULL) {
        refuse(agent, request, 400, "Expecting 'Content-Type' to be present");
        return NULL;
    }
    if (slice_is(type, MEDIA_PROTOBUF)) {
        status = MESSAGE_DECODE(Pb__Executor__Call, pb__executor__call, request->body,
                                &agent->input, &call, &err);
    } else if (slice_is(type, MEDIA_JSON)) {
        status = json_parse_message(&pb__executor__call__descriptor, request->body, JSON_V1,
                                    &agent->input, (ProtobufCMessage **)&call, &err);
    } else {
        refuse(agent, request, 415,
               "Expecting 'Content-Type' of " MEDIA_JSON " or " MEDIA_PROTOBUF);
        return NULL;
    }
    if (status != 0) {
        net_respond_text(&agent->effects->net, request->handle, 400,
                         "Failed to parse body into Call protobuf: %s", err.text);
        return NULL;
    }
    return call;
}

/* What is wrong with an update, or NULL (facts/observed.md, tasks 11). */
static const char *check_status(struct agent *agent, const Pb__Executor__Call *call,
                                const Pb__TaskStatus *status)
{
    struct uuid uuid;
    if (!status->has_uuid) {
        return "Expecting 'uuid' to be present";
    }
    if (!uuid_from_bytes(message_bytes(status->uuid), &uuid)) {
        return "Failed to parse 'uuid': not 16 bytes";
    }
    if (status->executor_id != NULL &&
        strcmp(status->executor_id->value, call->executor_id->value) != 0) {
        return arena_printf(&agent->arena,
                            "ExecutorID in Call: %s does not match ExecutorID in TaskStatus: %s",
                            call->executor_id->value, status->executor_id->value);
    }
    if (!status->has_source || status->source != PB__TASK_STATUS__SOURCE__SOURCE_EXECUTOR) {
        return arena_printf(&agent->arena,
                            "Received Call from executor %s with invalid source, expecting "
                            "'SOURCE_EXECUTOR'",
                            call->executor_id->value);
    }
    if (status->state == PB__TASK_STATE__TASK_STAGING) {
        return arena_printf(&agent->arena,
                            "Received TASK_STAGING from executor %s which is not allowed",
                            call->executor_id->value);
    }
    return NULL;
}

static const char *check(struct agent *agent, const Pb__Executor__Call *call)
{
    if (!call->has_type) {
        return "Expecting 'type' to be present";
    }
    switch ((int)call->type) {
    case PB__EXECUTOR__CALL__TYPE__SUBSCRIBE:
        if (call->subscribe == NULL) {
            return "Expecting 'subscribe' to be present";
        }
        for (size_t i = 0; i < call->subscribe->n_unacknowledged_updates; i++) {
            const char *wrong =
                check_status(agent, call, call->subscribe->unacknowledged_updates[i]->status);
            if (wrong != NULL) {
                return wrong;
            }
        }
        return NULL;
    case PB__EXECUTOR__CALL__TYPE__UPDATE:
        return call->update == NULL ? "Expecting 'update' to be present"
                                    : check_status(agent, call, call->update->status);
    case PB__EXECUTOR__CALL__TYPE__MESSAGE:
        return call->message == NULL ? "Expecting 'message' to be present" : NULL;
    default:
        return NULL;
    }
}

/* --- SUBSCRIBE --- */

static void put_simple_event(struct executor *executor, Pb__Executor__Event__Type type)
{
    Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
    event.has_type = 1;
    event.type = type;
    executor_send(executor, NULL, NULL, &event);
}

static void put_subscribed(struct executor *executor)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
    Pb__Executor__Event__Subscribed subscribed = PB__EXECUTOR__EVENT__SUBSCRIBED__INIT;
    subscribed.executor_info =
        MESSAGES_READ(Pb__ExecutorInfo, pb__executor_info, executor->info, arena);
    subscribed.framework_info =
        MESSAGES_READ(Pb__FrameworkInfo, pb__framework_info, executor->framework->info, arena);
    subscribed.agent_info = setup_info(agent);
    subscribed.container_id = agent_container_id(executor->container_id, arena);
    event.has_type = 1;
    event.type = PB__EXECUTOR__EVENT__TYPE__SUBSCRIBED;
    event.subscribed = &subscribed;
    executor_send(executor, NULL, NULL, &event);
}

static void set_heartbeat(struct executor *executor)
{
    struct agent *agent = executor->agent;
    timers_set(&agent->timers, &executor->heartbeat_timer,
               time_add_ns(agent->now.mono_ns, AGENT_EXECUTOR_HEARTBEAT_NS));
}

void executor_api_heartbeat(struct executor *executor)
{
    if (executor->stream != 0) {
        put_simple_event(executor, PB__EXECUTOR__EVENT__TYPE__HEARTBEAT);
        set_heartbeat(executor);
    }
}

/* An executor that is to end is told so, and no more. */
static void open_and_end(struct executor *executor, const struct net_request *request, bool json)
{
    struct agent *agent = executor->agent;
    agent_log(agent, LOG_LEVEL_WARNING, "shutting down executor '%s', which subscribed too late",
              executor->id);
    struct executor answer = {.agent = agent,
                              .framework = executor->framework,
                              .how = EXECUTOR_LINK_STREAM,
                              .stream = request->handle,
                              .stream_json = json};
    net_stream_open(&agent->effects->net, request->handle, json ? MEDIA_JSON : MEDIA_PROTOBUF);
    put_simple_event(&answer, PB__EXECUTOR__EVENT__TYPE__SHUTDOWN);
    net_stream_close(&agent->effects->net, request->handle);
}

static void store_marker(struct executor *executor)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    struct run_ids ids = executor_ids(executor);
    store_replace(&agent->effects->store, 0,
                  paths_join(arena, paths_run(arena, agent->setup.meta_dir, &ids), "http.marker"),
                  NULL)
        ->durable = true;
}

static void subscribe(struct executor *executor, const struct net_request *request,
                      const Pb__Executor__Call__Subscribe *call, bool json)
{
    struct agent *agent = executor->agent;
    if (agent->state == AGENT_TERMINATING || executor->framework->state == FRAMEWORK_TERMINATING ||
        executor->state == EXECUTOR_TERMINATING || executor->state == EXECUTOR_TERMINATED) {
        open_and_end(executor, request, json);
        return;
    }
    executor_close_stream(executor);
    executor_move(executor, EXECUTOR_RUNNING);
    executor->how = EXECUTOR_LINK_STREAM;
    executor->stream = request->handle;
    executor->stream_json = json;
    net_stream_open(&agent->effects->net, request->handle, json ? MEDIA_JSON : MEDIA_PROTOBUF);
    set_heartbeat(executor);
    if (executor->checkpoint) {
        store_marker(executor);
    }
    /* Those it told of count as updates (facts/observed.md, tasks 13). */
    for (size_t i = 0; i < call->n_unacknowledged_updates; i++) {
        Pb__Internal__StatusUpdate *update =
            status_of_call(agent, executor->framework->id, call->unacknowledged_updates[i]->status);
        status_from_executor(agent, update, UPDATE_FROM_STREAM, NULL);
    }
    executor_messages_drop_unknown(executor, call->unacknowledged_tasks,
                                   call->n_unacknowledged_tasks);
    if (!executor->ever_sent_task && list_is_empty(&executor->queued)) {
        executor_shut_down(executor);
        return;
    }
    put_subscribed(executor);
    executor_messages_begin_delivery(executor);
}

void executor_api_gone(struct agent *agent, uint64_t handle)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            if (executor->how == EXECUTOR_LINK_STREAM && executor->stream == handle) {
                executor->stream = 0;
                timers_cancel(&agent->timers, &executor->heartbeat_timer);
                return;
            }
        }
    }
}

/* --- dispatch --- */

/* Whether an answer to SUBSCRIBE is wanted as JSON; false in *ret_ok after a 406. */
static bool wants_json(struct agent *agent, const struct net_request *request, bool *ret_ok)
{
    struct slice accept = http_find_header(request->head, "Accept");
    *ret_ok = true;
    if (http_accepts(accept, MEDIA_JSON)) {
        return true;
    }
    if (!http_accepts(accept, MEDIA_PROTOBUF)) {
        refuse(agent, request, 406,
               "Expecting 'Accept' to allow '" MEDIA_PROTOBUF "' or '" MEDIA_JSON "'");
        *ret_ok = false;
    }
    return false;
}

static void perform(struct agent *agent, struct executor *executor,
                    const struct net_request *request, const Pb__Executor__Call *call, bool json)
{
    switch ((int)call->type) {
    case PB__EXECUTOR__CALL__TYPE__SUBSCRIBE:
        subscribe(executor, request, call->subscribe, json);
        break;
    case PB__EXECUTOR__CALL__TYPE__UPDATE: {
        Pb__Internal__StatusUpdate *update =
            status_of_call(agent, call->framework_id->value, call->update->status);
        net_respond(&agent->effects->net, request->handle, 202, NULL, NULL);
        status_from_executor(agent, update, UPDATE_FROM_STREAM, NULL);
        break;
    }
    case PB__EXECUTOR__CALL__TYPE__MESSAGE:
        net_respond(&agent->effects->net, request->handle, 202, NULL, NULL);
        framework_messages_from_executor(agent, call->framework_id->value, executor->id,
                                         message_bytes(call->message->data));
        break;
    default:
        refuse(agent, request, 501, "Received 'UNKNOWN' call");
        break;
    }
}

void executor_api_request(struct agent *agent, const struct net_request *request)
{
    if (agent->state == AGENT_RECOVERING && !agent->executors_may_subscribe) {
        refuse(agent, request, 503, "Agent has not finished recovery");
        return;
    }
    if (!endpoints_method_is(agent, request, "POST")) {
        return;
    }
    Pb__Executor__Call *call = read_call(agent, request);
    if (call == NULL) {
        return;
    }
    const char *wrong = check(agent, call);
    if (wrong != NULL) {
        net_respond_text(&agent->effects->net, request->handle, 400,
                         "Failed to validate Executor::Call: %s", wrong);
        return;
    }
    bool is_subscribe = call->type == PB__EXECUTOR__CALL__TYPE__SUBSCRIBE;
    bool ok = true;
    bool json = is_subscribe && wants_json(agent, request, &ok);
    if (!ok) {
        return;
    }
    if (call->type == PB__EXECUTOR__CALL__TYPE__HEARTBEAT) {
        net_respond(&agent->effects->net, request->handle, 202, NULL, NULL);
        return;
    }
    struct framework *framework = framework_find(agent, call->framework_id->value);
    if (framework == NULL) {
        refuse(agent, request, 400, "Framework cannot be found");
        return;
    }
    struct executor *executor = framework_find_executor(framework, call->executor_id->value);
    if (executor == NULL) {
        refuse(agent, request, 400, "Executor cannot be found");
        return;
    }
    /* While recovering it may try again; a message would not reach anybody yet. */
    if (agent->state == AGENT_RECOVERING && !is_subscribe &&
        (executor->state == EXECUTOR_REGISTERING ||
         call->type == PB__EXECUTOR__CALL__TYPE__MESSAGE)) {
        refuse(agent, request, 503, "Agent has not finished recovery");
        return;
    }
    if (executor->state == EXECUTOR_REGISTERING && !is_subscribe) {
        refuse(agent, request, 403, "Executor is not subscribed");
        return;
    }
    perform(agent, executor, request, call, json);
}
