/* The table of operator calls, and those that fit in a few lines (facts/operator_calls.csv). */
#include "master/master_state.h"
#include "master/operator_call.h"
#include "master/unreachable.h"

static void get_health(struct master *master, const struct operator_request *r)
{
    Pb__Master__Response__GetHealth health = PB__MASTER__RESPONSE__GET_HEALTH__INIT;
    Pb__Master__Response response = PB__MASTER__RESPONSE__INIT;
    health.healthy = true;
    response.has_type = true;
    response.type = PB__MASTER__RESPONSE__TYPE__GET_HEALTH;
    response.get_health = &health;
    master_operator_respond(master, r, &response);
}

static void get_version(struct master *master, const struct operator_request *r)
{
    const struct master_version *version = &master->options.version;
    Pb__VersionInfo info = PB__VERSION_INFO__INIT;
    Pb__Master__Response__GetVersion get_version = PB__MASTER__RESPONSE__GET_VERSION__INIT;
    Pb__Master__Response response = PB__MASTER__RESPONSE__INIT;
    info.version = (char *)(uintptr_t)version->version;
    info.build_date = (char *)(uintptr_t)version->build_date;
    info.build_user = (char *)(uintptr_t)version->build_user;
    info.git_sha = (char *)(uintptr_t)version->git_sha;
    info.has_build_time = true;
    info.build_time = version->build_time;
    get_version.version_info = &info;
    response.has_type = true;
    response.type = PB__MASTER__RESPONSE__TYPE__GET_VERSION;
    response.get_version = &get_version;
    master_operator_respond(master, r, &response);
}

static void mark_agent_gone(struct master *master, const struct operator_request *r)
{
    struct net_effects *net = &master->effects->net;
    uint64_t handle = r->request->handle;
    if (r->call->mark_agent_gone == NULL) {
        net_respond_text(net, handle, 400,
                         "Failed to validate master::Call: Expecting 'mark_agent_gone' to be "
                         "present");
        return;
    }
    const char *id = r->call->mark_agent_gone->agent_id->value;
    switch (master_unreachable_mark_gone(master, slice_from(id), handle)) {
    case UNREACHABLE_E_UNKNOWN:
        net_respond_text(net, handle, 404, "Agent '%s' not found", id);
        break;
    case UNREACHABLE_E_BUSY:
        net_respond_text(net, handle, 503, "Agent '%s' is being transitioned", id);
        break;
    case UNREACHABLE_E_ALREADY:
        net_respond(net, handle, 200, NULL, NULL);
        break;
    default:
        break; /* answered once the registry has it */
    }
}

const struct operator_call master_operator_calls[] = {
    {PB__MASTER__CALL__TYPE__GET_HEALTH, get_health},
    {PB__MASTER__CALL__TYPE__GET_VERSION, get_version},
    {PB__MASTER__CALL__TYPE__MARK_AGENT_GONE, mark_agent_gone},
    {PB__MASTER__CALL__TYPE__UNKNOWN, NULL},
};
