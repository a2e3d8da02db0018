#include "master/audit.h"

#include "master/master_state.h"
#include "wire/json.h"
#include "wire/pb.h"

/* --- asked --- */

void master_audit_asked(struct master *master, const struct net_request *request, const char *what)
{
    char peer[ADDRESS_TEXT_SIZE];
    address_format(&request->peer, peer);
    master_log(master, LOG_LEVEL_INFO, "%.*s %s from %s%s%s%s", SLICE_ARGS(request->head->method),
               what, peer, request->principal != NULL ? " (principal '" : "",
               request->principal != NULL ? request->principal : "",
               request->principal != NULL ? "')" : "");
}

void master_audit_refused(struct master *master, const struct net_request *request,
                          const char *what)
{
    const struct net_effect *effect;
    LIST_FOR_EACH (effect, &master->effects->net.list, link) {
        if (effect->type == NET_RESPOND && effect->handle == request->handle &&
            effect->status >= 400) {
            struct slice text = blob_slice(effect->body);
            text.size = MIN(text.size, AUDIT_REFUSAL_SIZE_MAX);
            master_log(master, LOG_LEVEL_INFO, "Refused %s with %d: %.*s", what, effect->status,
                       SLICE_ARGS(slice_trim(text)));
        }
    }
}

/* --- stored --- */

/* What operators change; `request` is NULL where the agent's id says all. */
static const struct audited {
    enum registry_op_type type;
    const char *name;
    const ProtobufCMessageDescriptor *request;
} changes[] = {
    {REGISTRY_MARK_GONE, "MARK_AGENT_GONE", NULL},
    {REGISTRY_DRAIN_AGENT, "DRAIN_AGENT", &pb__drain_config__descriptor},
    {REGISTRY_DEACTIVATE_AGENT, "DEACTIVATE_AGENT", NULL},
    {REGISTRY_REACTIVATE_AGENT, "REACTIVATE_AGENT", NULL},
    {REGISTRY_UPDATE_WEIGHTS, "UPDATE_WEIGHTS", &pb__master__call__update_weights__descriptor},
    {REGISTRY_UPDATE_QUOTA, "UPDATE_QUOTA", &pb__master__call__update_quota__descriptor},
    {REGISTRY_UPDATE_SCHEDULE, "UPDATE_MAINTENANCE_SCHEDULE",
     &pb__master__call__update_maintenance_schedule__descriptor},
    {REGISTRY_START_MAINTENANCE, "START_MAINTENANCE",
     &pb__master__call__start_maintenance__descriptor},
    {REGISTRY_STOP_MAINTENANCE, "STOP_MAINTENANCE",
     &pb__master__call__stop_maintenance__descriptor},
};

static const struct audited *find_change(enum registry_op_type type)
{
    for (size_t i = 0; i < ELEMENTS(changes); i++) {
        if (changes[i].type == type) {
            return &changes[i];
        }
    }
    return NULL;
}

/* What would not fit in a line is not printed at all: schedules may be megabytes long. */
static void append_request(struct buf *out, const ProtobufCMessageDescriptor *desc,
                           struct slice request)
{
    if (request.size > AUDIT_REQUEST_SIZE_MAX) {
        buf_printf(out, " of %zu bytes", request.size);
    } else {
        buf_append_byte(out, ' ');
        json_print_bytes(desc, request, JSON_V1, out);
    }
}

void master_audit_stored(struct master *master, const struct pending *pending, bool applied)
{
    const struct audited *change = find_change(pending->type);
    if (change == NULL) {
        return;
    }
    CLEANUP(buf_deinit) struct buf what = BUF_INIT;
    buf_append_text(&what, change->name);
    if (pending->agent_id != NULL) {
        buf_printf(&what, " of agent %s", pending->agent_id->data);
    }
    if (change->request != NULL) {
        append_request(&what, change->request, blob_slice(pending->request));
    }
    if (applied) {
        master_log(master, LOG_LEVEL_INFO, "Stored %s", buf_text(&what));
    } else {
        master_log(master, LOG_LEVEL_WARNING,
                   "Not stored, since there is no room or something changed meanwhile: %s",
                   buf_text(&what));
    }
}
