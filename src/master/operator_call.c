#include "master/operator_call.h"

#include <string.h>

#include "master/audit.h"
#include "master/master_state.h"
#include "wire/json.h"
#include "wire/message.h"

static void bad_request(struct master *master, const struct net_request *request, const char *text)
{
    net_respond_text(&master->effects->net, request->handle, 400, "%s", text);
}

static Pb__Master__Call *decode(struct master *master, const struct net_request *request)
{
    struct err err;
    bool present;
    ProtobufCMessage *message;
    switch (master_http_content(request, &present)) {
    case HTTP_MEDIA_JSON: {
        int r = json_parse_message(&pb__master__call__descriptor, request->body, JSON_V1,
                                   &master->input, &message, &err);
        if (r == 0) {
            return (Pb__Master__Call *)message;
        }
        err_wrap(&err, 0,
                 r == JSON_E_SYNTAX ? "Failed to parse body into JSON"
                                    : "Failed to convert JSON into Call protobuf");
        bad_request(master, request, err.text);
        return NULL;
    }
    case HTTP_MEDIA_PROTOBUF:
        if (message_decode(&pb__master__call__descriptor, request->body, &master->input, &message,
                           &err) == 0) {
            return (Pb__Master__Call *)message;
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

static const struct operator_call *find_call(Pb__Master__Call__Type type)
{
    for (size_t i = 0; master_operator_calls[i].name != NULL; i++) {
        if (master_operator_calls[i].type == type) {
            return &master_operator_calls[i];
        }
    }
    return NULL;
}

static bool has_part(const Pb__Master__Call *message, const struct operator_call *call)
{
    const void *part;
    memcpy(&part, (const char *)message + call->part_offset, sizeof(part));
    return part != NULL;
}

/* In the order of the reference: body, call, Accept. */
void master_operator_call(struct master *master, const struct net_request *request)
{
    struct net_effects *net = &master->effects->net;
    struct operator_request r = {.request = request};
    r.call = decode(master, request);
    if (r.call == NULL) {
        return;
    }
    if (!r.call->has_type) {
        bad_request(master, request,
                    "Failed to validate master::Call: Expecting 'type' to be present");
        return;
    }
    const struct operator_call *call = find_call(r.call->type);
    if (call != NULL && call->part != NULL && !has_part(r.call, call)) {
        net_respond_text(net, request->handle, 400,
                         "Failed to validate master::Call: Expecting '%s' to be present",
                         call->part);
        return;
    }
    r.accept = master_http_accept(request);
    if (r.accept == HTTP_MEDIA_NONE) {
        net_respond_text(net, request->handle, 406,
                         "Expecting 'Accept' to allow '" HTTP_PROTOBUF "' or '" HTTP_JSON "'");
        return;
    }
    if (call == NULL) {
        net_respond(net, request->handle, 501, NULL, NULL); /* UNKNOWN */
    } else if (call->handle == NULL) {
        net_respond_text(net, request->handle, 501, "not supported yet: %s", call->name);
    } else {
        if (call->changes) {
            master_audit_asked(master, request, call->name);
        }
        call->handle(master, &r);
        if (call->changes) {
            master_audit_refused(master, request, call->name);
        }
    }
}

void master_operator_respond(struct master *master, const struct operator_request *r,
                             const Pb__Master__Response *response)
{
    struct net_effects *net = &master->effects->net;
    if (r->accept == HTTP_MEDIA_PROTOBUF) {
        net_respond(net, r->request->handle, 200, HTTP_PROTOBUF,
                    message_encode_blob(&response->base));
        return;
    }
    struct buf out = BUF_INIT;
    json_print_message(&response->base, JSON_V1, &out);
    net_respond(net, r->request->handle, 200, HTTP_JSON, blob_take(&out));
}
