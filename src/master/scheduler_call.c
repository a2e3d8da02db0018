#include "master/scheduler_call.h"

#include "master/calls.h"
#include "master/master_state.h"
#include "master/validate.h"
#include "wire/json.h"
#include "wire/message.h"

/* --- the table --- */

static int do_teardown(struct master *master, struct framework *framework,
                       const Pb__Scheduler__Call *call, struct err *err)
{
    (void)call, (void)err;
    /* Over HTTP it is not counted as a message (facts/metrics.csv). */
    master_framework_remove(master, framework);
    return 0;
}

/* `DO(kill)`: a call whose part has a handler that cannot fail. */
#define DO(part)                                                             \
    static int do_##part(struct master *master, struct framework *framework, \
                         const Pb__Scheduler__Call *call, struct err *err)   \
    {                                                                        \
        (void)err;                                                           \
        master_##part(master, framework, call->part);                        \
        return 0;                                                            \
    }
DO(accept)
DO(decline)
DO(accept_inverse_offers)
DO(decline_inverse_offers)
DO(revive)
DO(suppress)
DO(kill)
DO(shutdown)
DO(acknowledge)
DO(acknowledge_operation_status)
DO(reconcile)
DO(reconcile_operations)
#undef DO

static int do_message(struct master *master, struct framework *framework,
                      const Pb__Scheduler__Call *call, struct err *err)
{
    (void)err;
    master_relay(master, framework, call->message);
    return 0;
}

static int do_request(struct master *master, struct framework *framework,
                      const Pb__Scheduler__Call *call, struct err *err)
{
    (void)call, (void)err;
    master_request(master, framework);
    return 0;
}

static int do_update_framework(struct master *master, struct framework *framework,
                               const Pb__Scheduler__Call *call, struct err *err)
{
    return master_update_framework(master, framework, call->update_framework, err);
}

typedef int perform_fn(struct master *master, struct framework *framework,
                       const Pb__Scheduler__Call *call, struct err *err);

static const struct {
    Pb__Scheduler__Call__Type type;
    int status; /* of the answer over HTTP */
    perform_fn *perform;
} calls[] = {
    {PB__SCHEDULER__CALL__TYPE__TEARDOWN, 202, do_teardown},
    {PB__SCHEDULER__CALL__TYPE__ACCEPT, 202, do_accept},
    {PB__SCHEDULER__CALL__TYPE__DECLINE, 202, do_decline},
    {PB__SCHEDULER__CALL__TYPE__ACCEPT_INVERSE_OFFERS, 202, do_accept_inverse_offers},
    {PB__SCHEDULER__CALL__TYPE__DECLINE_INVERSE_OFFERS, 202, do_decline_inverse_offers},
    {PB__SCHEDULER__CALL__TYPE__REVIVE, 202, do_revive},
    {PB__SCHEDULER__CALL__TYPE__SUPPRESS, 202, do_suppress},
    {PB__SCHEDULER__CALL__TYPE__KILL, 202, do_kill},
    {PB__SCHEDULER__CALL__TYPE__SHUTDOWN, 202, do_shutdown},
    {PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE, 202, do_acknowledge},
    {PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS, 202, do_acknowledge_operation_status},
    {PB__SCHEDULER__CALL__TYPE__RECONCILE, 202, do_reconcile},
    {PB__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS, 202, do_reconcile_operations},
    {PB__SCHEDULER__CALL__TYPE__MESSAGE, 202, do_message},
    {PB__SCHEDULER__CALL__TYPE__REQUEST, 202, do_request},
    {PB__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK, 200, do_update_framework},
};

static size_t find_call(Pb__Scheduler__Call__Type type)
{
    size_t i = 0;
    while (i < ELEMENTS(calls) && calls[i].type != type) {
        i++;
    }
    return i;
}

int master_scheduler_perform(struct master *master, struct framework *framework,
                             const Pb__Scheduler__Call *call, struct err *err)
{
    size_t i = find_call(call->type);
    ASSERT(i < ELEMENTS(calls)); /* it has been validated */
    return calls[i].perform(master, framework, call, err);
}

/* --- the endpoint: checks in the reference's order (facts/observed.md, scheduler 2) --- */

static void bad_request(struct master *master, const struct net_request *request, const char *text)
{
    net_respond_text(&master->effects->net, request->handle, 400, "%s", text);
}

static Pb__Scheduler__Call *decode(struct master *master, const struct net_request *request)
{
    struct err err;
    bool present;
    ProtobufCMessage *message;
    switch (master_http_content(request, &present)) {
    case HTTP_MEDIA_JSON: {
        int r = json_parse_message(&pb__scheduler__call__descriptor, request->body, JSON_V1,
                                   &master->input, &message, &err);
        if (r == 0) {
            return (Pb__Scheduler__Call *)message;
        }
        err_wrap(&err, 0,
                 r == JSON_E_SYNTAX ? "Failed to parse body into JSON"
                                    : "Failed to convert JSON into Call protobuf");
        bad_request(master, request, err.text);
        return NULL;
    }
    case HTTP_MEDIA_PROTOBUF:
        if (message_decode(&pb__scheduler__call__descriptor, request->body, &master->input,
                           &message, &err) == 0) {
            return (Pb__Scheduler__Call *)message;
        }
        bad_request(master, request, "Failed to parse body into Call protobuf");
        return NULL;
    case HTTP_MEDIA_RECORDIO:
    case HTTP_MEDIA_NONE:
        if (!present) {
            bad_request(master, request, "Expecting 'Content-Type' to be present");
        } else {
            net_respond_text(&master->effects->net, request->handle, 415,
                             "Expecting 'Content-Type' of " HTTP_JSON " or " HTTP_PROTOBUF);
        }
        return NULL;
    }
    WRONG("media");
}

static void subscribe(struct master *master, const struct net_request *request,
                      const Pb__Scheduler__Call *call, enum http_media accept)
{
    if (http_find_header(request->head, "Mesos-Stream-Id").data != NULL) {
        bad_request(master, request,
                    "Subscribe calls should not include the 'Mesos-Stream-Id' header");
        return;
    }
    Pb__FrameworkInfo *info = call->subscribe->framework_info;
    if (request->principal != NULL && info->principal == NULL) {
        info->principal = arena_strdup(&master->arena, request->principal);
    }
    master_subscribe_http(master, request->handle, accept == HTTP_MEDIA_JSON,
                          &(struct subscription){
                              .info = info,
                              .wants = {.suppressed = call->subscribe->suppressed_roles,
                                        .suppressed_count = call->subscribe->n_suppressed_roles,
                                        .constraints = call->subscribe->offer_constraints},
                          });
}

/* Whether the caller speaks for the framework; otherwise it is answered. */
static bool may_call(struct master *master, const struct net_request *request,
                     const struct framework *framework)
{
    struct net_effects *net = &master->effects->net;
    if (framework == NULL) {
        bad_request(master, request, "Framework cannot be found");
        return false;
    }
    if (request->principal != NULL &&
        (framework->principal == NULL || strcmp(framework->principal, request->principal) != 0)) {
        net_respond_text(net, request->handle, 400,
                         "Authenticated principal '%s' does not match principal '%s' set in "
                         "`FrameworkInfo`",
                         request->principal,
                         framework->principal != NULL ? framework->principal : "");
        return false;
    }
    if (!framework_is_connected(framework->state)) {
        net_respond_text(net, request->handle, 403, "Framework is not subscribed");
        return false;
    }
    if (framework->connection != CONNECTION_HTTP) {
        net_respond_text(net, request->handle, 403, "Framework is not connected via HTTP");
        return false;
    }
    struct slice stream_id = http_find_header(request->head, "Mesos-Stream-Id");
    if (stream_id.data == NULL) {
        bad_request(master, request,
                    "All non-subscribe calls should include the 'Mesos-Stream-Id' header");
        return false;
    }
    if (!slice_is(stream_id, framework->stream_id)) {
        net_respond_text(net, request->handle, 400,
                         "The stream ID '%.*s' included in this request didn't match the stream "
                         "ID currently associated with framework ID %s",
                         SLICE_ARGS(stream_id), framework->id->data);
        return false;
    }
    return true;
}

static void perform(struct master *master, const struct net_request *request,
                    const Pb__Scheduler__Call *call)
{
    struct err err;
    struct framework *framework =
        master_find_framework(master, slice_from(call->framework_id->value));
    if (framework != NULL) {
        framework->counts->calls[call->type]++;
    }
    if (!may_call(master, request, framework)) {
        return;
    }
    size_t row = find_call(call->type);
    if (calls[row].perform(master, framework, call, &err) != 0) {
        bad_request(master, request, err.text);
        return;
    }
    net_respond(&master->effects->net, request->handle, calls[row].status, NULL, NULL);
}

void master_scheduler_call(struct master *master, const struct net_request *request)
{
    struct err err;
    const Pb__Scheduler__Call *call = decode(master, request);
    if (call == NULL) {
        return;
    }
    if (master_validate_call(call, request->principal, &err) != 0) {
        err_wrap(&err, 0, "Failed to validate scheduler::Call");
        bad_request(master, request, err.text);
        return;
    }
    enum http_media accept = HTTP_MEDIA_NONE;
    if (call->type == PB__SCHEDULER__CALL__TYPE__SUBSCRIBE ||
        call->type == PB__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS) {
        accept = master_http_accept(request);
        if (accept == HTTP_MEDIA_NONE) {
            net_respond_text(&master->effects->net, request->handle, 406,
                             "Expecting 'Accept' to allow '" HTTP_PROTOBUF "' or '" HTTP_JSON "'");
            return;
        }
    }
    if (call->type == PB__SCHEDULER__CALL__TYPE__SUBSCRIBE) {
        subscribe(master, request, call, accept);
    } else {
        perform(master, request, call);
    }
}
