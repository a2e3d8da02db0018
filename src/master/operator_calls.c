/* The table of operator calls (facts/operator_calls.csv), and those that change something here. */
#include "master/drain.h"
#include "master/http_files.h"
#include "master/maintenance.h"
#include "master/master_state.h"
#include "master/metrics_view.h"
#include "master/operator_call.h"
#include "master/operator_operations.h"
#include "master/operator_reads.h"
#include "master/quota.h"
#include "master/subscribers.h"
#include "master/unreachable.h"
#include "master/weights.h"

/* What keeps an agent from being marked gone now. */
static const char *transition_of(const struct master *master, const char *id)
{
    const struct agent *agent = master_find_agent(master, slice_from(id));
    if (agent != NULL) {
        switch (agent->transition) {
        case AGENT_MARKING_UNREACHABLE:
            return "being transitioned to unreachable";
        case AGENT_REMOVING:
            return "being transitioned to removed";
        case AGENT_UPDATING:
            return "being transitioned to registered";
        case AGENT_SETTLED:
        case AGENT_MARKING_GONE:
            break;
        }
    }
    return "already being transitioned to gone";
}

static void mark_agent_gone(struct master *master, const struct operator_request *r)
{
    struct net_effects *net = &master->effects->net;
    uint64_t handle = r->request->handle;
    const char *id = r->call->mark_agent_gone->agent_id->value;
    switch (master_unreachable_mark_gone(master, slice_from(id), handle)) {
    case UNREACHABLE_E_UNKNOWN:
        net_respond_text(net, handle, 404, "Agent '%s' not found", id);
        break;
    case UNREACHABLE_E_BUSY:
        net_respond_text(net, handle, 503, "Agent '%s' is %s", id, transition_of(master, id));
        break;
    case UNREACHABLE_E_ALREADY:
        net_respond(net, handle, 200, NULL, NULL);
        break;
    default:
        break; /* answered once the registry has it */
    }
}

static void teardown(struct master *master, const struct operator_request *r)
{
    struct net_effects *net = &master->effects->net;
    struct framework *framework =
        master_find_framework(master, slice_from(r->call->teardown->framework_id->value));
    if (framework == NULL) {
        net_respond_text(net, r->request->handle, 400, "No framework found with specified ID");
        return;
    }
    master_framework_remove(master, framework);
    net_respond(net, r->request->handle, 200, NULL, NULL);
}

/* Those that need nothing, those that need a part of their own, and of these those that change
 * something. */
#define CALL(type, handle)                                            \
    {                                                                 \
        PB__MASTER__CALL__TYPE__##type, #type, NULL, 0, handle, false \
    }
#define PART(type, member, handle, changes)                                                 \
    {                                                                                       \
        PB__MASTER__CALL__TYPE__##type, #type, #member, offsetof(Pb__Master__Call, member), \
            handle, changes                                                                 \
    }
#define CALL_WITH(type, member, handle) PART(type, member, handle, false)
#define CHANGE(type, member, handle) PART(type, member, handle, true)

const struct operator_call master_operator_calls[] = {
    CALL(GET_HEALTH, master_operator_get_health),
    CALL(GET_FLAGS, master_operator_get_flags),
    CALL(GET_VERSION, master_operator_get_version),
    CALL_WITH(GET_METRICS, get_metrics, master_metrics_call),
    CALL(GET_LOGGING_LEVEL, master_operator_get_logging_level),
    CALL_WITH(SET_LOGGING_LEVEL, set_logging_level, master_operator_set_logging_level),
    CALL_WITH(LIST_FILES, list_files, master_files_list_call),
    CALL_WITH(READ_FILE, read_file, master_files_read_call),
    CALL(GET_STATE, master_operator_get_state),
    CALL(GET_AGENTS, master_operator_get_agents),
    CALL(GET_FRAMEWORKS, master_operator_get_frameworks),
    CALL(GET_EXECUTORS, master_operator_get_executors),
    CALL(GET_OPERATIONS, master_operator_get_operations),
    CALL(GET_TASKS, master_operator_get_tasks),
    CALL(GET_ROLES, master_operator_get_roles),
    CALL(GET_WEIGHTS, master_weights_get),
    CHANGE(UPDATE_WEIGHTS, update_weights, master_weights_update),
    CALL(GET_MASTER, master_operator_get_master),
    CALL(SUBSCRIBE, master_subscribers_add),
    CHANGE(RESERVE_RESOURCES, reserve_resources, master_operator_reserve_resources),
    CHANGE(UNRESERVE_RESOURCES, unreserve_resources, master_operator_unreserve_resources),
    CHANGE(CREATE_VOLUMES, create_volumes, master_operator_create_volumes),
    CHANGE(DESTROY_VOLUMES, destroy_volumes, master_operator_destroy_volumes),
    CHANGE(GROW_VOLUME, grow_volume, master_operator_grow_volume),
    CHANGE(SHRINK_VOLUME, shrink_volume, master_operator_shrink_volume),
    CALL(GET_MAINTENANCE_STATUS, master_maintenance_get_status),
    CALL(GET_MAINTENANCE_SCHEDULE, master_maintenance_get_schedule),
    CHANGE(UPDATE_MAINTENANCE_SCHEDULE, update_maintenance_schedule, master_maintenance_update),
    CHANGE(START_MAINTENANCE, start_maintenance, master_maintenance_start),
    CHANGE(STOP_MAINTENANCE, stop_maintenance, master_maintenance_stop),
    CHANGE(DRAIN_AGENT, drain_agent, master_drain_agent),
    CHANGE(DEACTIVATE_AGENT, deactivate_agent, master_drain_deactivate),
    CHANGE(REACTIVATE_AGENT, reactivate_agent, master_drain_reactivate),
    CALL(GET_QUOTA, master_quota_get),
    CHANGE(UPDATE_QUOTA, update_quota, master_quota_update),
    CHANGE(SET_QUOTA, set_quota, master_quota_set),
    CHANGE(REMOVE_QUOTA, remove_quota, master_quota_remove),
    CHANGE(TEARDOWN, teardown, teardown),
    CHANGE(MARK_AGENT_GONE, mark_agent_gone, mark_agent_gone),
    {PB__MASTER__CALL__TYPE__UNKNOWN, NULL, NULL, 0, NULL, false},
};
