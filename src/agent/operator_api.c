#include "agent/operator_api.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "agent/console.h"
#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/messages.h"
#include "agent/operator_containers.h"
#include "agent/operator_reads.h"
#include "agent/sandboxes.h"
#include "agent/usage.h"
#include "wire/json.h"

/* --- answers --- */

void operator_respond(struct agent *agent, uint64_t handle, bool json,
                      const Pb__Agent__Response *response)
{
    struct buf body = BUF_INIT;
    if (json) {
        json_print_message(&response->base, JSON_V1, &body);
    } else {
        message_encode(&response->base, &body);
    }
    net_respond(&agent->effects->net, handle, 200, json ? MEDIA_JSON : MEDIA_PROTOBUF,
                blob_take(&body));
}

void operator_respond_ok(struct agent *agent, const struct operator_call *call)
{
    net_respond(&agent->effects->net, call->handle, 200, NULL, NULL);
}

void operator_fail(struct agent *agent, const struct operator_call *call, int status,
                   const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    net_respond_text(&agent->effects->net, call->handle, status, "%s", text);
}

/* --- the table --- */

typedef void operator_handle_fn(struct agent *agent, const struct operator_call *call);

static void not_built(struct agent *agent, const struct operator_call *call)
{
    operator_fail(agent, call, 501, "This call is not supported by this agent");
}

struct operator_row {
    Pb__Agent__Call__Type type;
    const char *name;
    operator_handle_fn *handle;
    const char *body;   /* name of the message that must be there; NULL = none */
    size_t body_offset; /* of its pointer in the call */
};

#define ROW(type_, handle_)                                      \
    {                                                            \
        PB__AGENT__CALL__TYPE__##type_, #type_, handle_, NULL, 0 \
    }
#define ROW_WITH(type_, handle_, member_)                          \
    {                                                              \
        PB__AGENT__CALL__TYPE__##type_, #type_, handle_, #member_, \
            offsetof(Pb__Agent__Call, member_)                     \
    }

static const struct operator_row rows[] = {
    ROW(GET_HEALTH, operator_get_health),
    ROW(GET_FLAGS, operator_get_flags),
    ROW(GET_VERSION, operator_get_version),
    ROW_WITH(GET_METRICS, operator_get_metrics, get_metrics),
    ROW(GET_LOGGING_LEVEL, operator_get_logging_level),
    ROW_WITH(SET_LOGGING_LEVEL, operator_set_logging_level, set_logging_level),
    ROW_WITH(LIST_FILES, sandboxes_list_files, list_files),
    ROW_WITH(READ_FILE, sandboxes_read_file, read_file),
    ROW(GET_STATE, operator_get_state),
    ROW(GET_CONTAINERS, usage_get_containers),
    ROW(GET_FRAMEWORKS, operator_get_frameworks),
    ROW(GET_EXECUTORS, operator_get_executors),
    ROW(GET_OPERATIONS, operator_get_operations),
    ROW(GET_TASKS, operator_get_tasks),
    ROW(GET_AGENT, operator_get_agent),
    ROW(GET_RESOURCE_PROVIDERS, operator_get_resource_providers),
    ROW_WITH(LAUNCH_NESTED_CONTAINER, operator_launch_container, launch_nested_container),
    ROW_WITH(WAIT_NESTED_CONTAINER, operator_wait_container, wait_nested_container),
    ROW_WITH(KILL_NESTED_CONTAINER, operator_kill_container, kill_nested_container),
    ROW_WITH(REMOVE_NESTED_CONTAINER, operator_remove_container, remove_nested_container),
    ROW_WITH(LAUNCH_NESTED_CONTAINER_SESSION, operator_launch_container,
             launch_nested_container_session),
    ROW_WITH(ATTACH_CONTAINER_INPUT, NULL, attach_container_input), /* console.c: a stream */
    ROW_WITH(ATTACH_CONTAINER_OUTPUT, console_attach_output, attach_container_output),
    ROW_WITH(LAUNCH_CONTAINER, operator_launch_container, launch_container),
    ROW_WITH(WAIT_CONTAINER, operator_wait_container, wait_container),
    ROW_WITH(KILL_CONTAINER, operator_kill_container, kill_container),
    ROW_WITH(REMOVE_CONTAINER, operator_remove_container, remove_container),
    ROW_WITH(ADD_RESOURCE_PROVIDER_CONFIG, not_built, add_resource_provider_config),
    ROW_WITH(UPDATE_RESOURCE_PROVIDER_CONFIG, not_built, update_resource_provider_config),
    ROW_WITH(REMOVE_RESOURCE_PROVIDER_CONFIG, not_built, remove_resource_provider_config),
    ROW_WITH(MARK_RESOURCE_PROVIDER_GONE, not_built, mark_resource_provider_gone),
    ROW(PRUNE_IMAGES, operator_respond_ok), /* without images there are none to prune */
};

static const struct operator_row *find_row(Pb__Agent__Call__Type type)
{
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (rows[i].type == type) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool has_body(const Pb__Agent__Call *call, const struct operator_row *row)
{
    if (row->body == NULL) {
        return true;
    }
    const void *const *member = (const void *const *)((const char *)call + row->body_offset);
    return *member != NULL;
}

/* --- reading a call --- */

/* What the headers say; false after an answer. */
struct media {
    bool body_json;
    bool body_stream;
    bool answer_json;
    bool answer_stream;
};

static bool refuse(struct agent *agent, const struct net_request *request, int status,
                   const char *text)
{
    net_respond_text(&agent->effects->net, request->handle, status, "%s", text);
    return false;
}

static bool read_content_type(struct agent *agent, const struct net_request *request,
                              struct media *media)
{
    struct slice type = http_find_header(request->head, "Content-Type");
    struct slice message_type = http_find_header(request->head, "Message-Content-Type");
    if (type.data == NULL) {
        return refuse(agent, request, 400, "Expecting 'Content-Type' to be present");
    }
    media->body_stream = slice_is(type, MEDIA_RECORDIO);
    media->body_json = slice_is(media->body_stream ? message_type : type, MEDIA_JSON);
    if (!media->body_stream && !media->body_json && !slice_is(type, MEDIA_PROTOBUF)) {
        return refuse(agent, request, 415,
                      "Expecting 'Content-Type' of " MEDIA_JSON " or " MEDIA_PROTOBUF
                      " or " MEDIA_RECORDIO);
    }
    if (!media->body_stream && message_type.data != NULL) {
        return refuse(agent, request, 415,
                      "Expecting 'Message-Content-Type' to be not set for non-streaming requests");
    }
    if (media->body_stream && message_type.data == NULL) {
        return refuse(agent, request, 400,
                      "Expecting 'Message-Content-Type' to be set for streaming requests");
    }
    if (media->body_stream && !media->body_json && !slice_is(message_type, MEDIA_PROTOBUF)) {
        return refuse(agent, request, 415,
                      "Expecting 'Message-Content-Type' of " MEDIA_JSON " or " MEDIA_PROTOBUF);
    }
    return true;
}

static bool read_accept(struct agent *agent, const struct net_request *request, struct media *media)
{
    struct slice accept = http_find_header(request->head, "Accept");
    struct slice message_accept = http_find_header(request->head, "Message-Accept");
    media->answer_json = http_accepts(accept, MEDIA_JSON);
    if (media->answer_json || http_accepts(accept, MEDIA_PROTOBUF)) {
        if (message_accept.data != NULL) {
            return refuse(agent, request, 406,
                          "Expecting 'Message-Accept' to be not set for non-streaming responses");
        }
        return true;
    }
    if (!http_accepts(accept, MEDIA_RECORDIO)) {
        return refuse(agent, request, 406,
                      "Expecting 'Accept' to allow " MEDIA_JSON " or " MEDIA_PROTOBUF
                      " or " MEDIA_RECORDIO);
    }
    media->answer_stream = true;
    media->answer_json = http_accepts(message_accept, MEDIA_JSON);
    if (!media->answer_json && !http_accepts(message_accept, MEDIA_PROTOBUF)) {
        return refuse(agent, request, 406,
                      "Expecting 'Message-Accept' to allow " MEDIA_JSON " or " MEDIA_PROTOBUF);
    }
    return true;
}

static int parse(struct agent *agent, struct slice body, bool json, Pb__Agent__Call **ret_call,
                 struct err *err)
{
    if (json) {
        return json_parse_message(&pb__agent__call__descriptor, body, JSON_V1, &agent->input,
                                  (ProtobufCMessage **)ret_call, err);
    }
    return MESSAGE_DECODE(Pb__Agent__Call, pb__agent__call, body, &agent->input, ret_call, err);
}

/* The call with its row, if it is one that such a body may carry; NULL after an answer. */
static const struct operator_row *check_call(struct agent *agent, const struct operator_call *call,
                                             bool is_record)
{
    if (!call->call->has_type) {
        operator_fail(agent, call, 400,
                      "Failed to validate agent::Call: Expecting 'type' to be present");
        return NULL;
    }
    const struct operator_row *row = find_row(call->call->type);
    if (row == NULL) {
        operator_fail(agent, call, 501, "Received a call of an unknown type");
        return NULL;
    }
    if (!has_body(call->call, row)) {
        operator_fail(agent, call, 400,
                      "Failed to validate agent::Call: Expecting '%s' to be present", row->body);
        return NULL;
    }
    if (is_record != (row->type == PB__AGENT__CALL__TYPE__ATTACH_CONTAINER_INPUT)) {
        operator_fail(agent, call, 415, "'Content-Type' is not supported for %s call", row->name);
        return NULL;
    }
    return row;
}

static Pb__Agent__Call *parse_call(struct agent *agent, uint64_t handle, struct slice bytes,
                                   bool json)
{
    Pb__Agent__Call *call = NULL;
    struct err err = {""};
    if (parse(agent, bytes, json, &call, &err) != 0) {
        net_respond_text(&agent->effects->net, handle, 400,
                         "Failed to parse body into Call protobuf: %s", err.text);
        return NULL;
    }
    return call;
}

const Pb__Agent__Call *operator_api_record(struct agent *agent, uint64_t handle,
                                           struct slice record, bool json)
{
    struct operator_call call = {.handle = handle, .json = json};
    call.call = parse_call(agent, handle, record, json);
    return call.call != NULL && check_call(agent, &call, true) != NULL ? call.call : NULL;
}

void operator_api_request(struct agent *agent, const struct net_request *request)
{
    if (agent->state == AGENT_RECOVERING) {
        refuse(agent, request, 503, "Agent has not finished recovery");
        return;
    }
    struct media media = {0};
    if (!endpoints_method_is(agent, request, "POST") ||
        !read_content_type(agent, request, &media) || !read_accept(agent, request, &media)) {
        return;
    }
    if (media.body_stream) {
        console_input_begin(agent, request, media.body_json);
        return;
    }
    struct operator_call call = {
        .request = request,
        .handle = request->handle,
        .call = parse_call(agent, request->handle, request->body, media.body_json),
        .json = media.answer_json,
        .stream = media.answer_stream};
    const struct operator_row *row = call.call != NULL ? check_call(agent, &call, false) : NULL;
    if (row == NULL) {
        return;
    }
    if (media.answer_stream && row->type != PB__AGENT__CALL__TYPE__ATTACH_CONTAINER_OUTPUT &&
        row->type != PB__AGENT__CALL__TYPE__LAUNCH_NESTED_CONTAINER_SESSION) {
        operator_fail(agent, &call, 406, "Streaming response is not supported for %s call",
                      row->name);
        return;
    }
    row->handle(agent, &call);
}
