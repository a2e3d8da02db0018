#include "master/maintenance.h"

#include "master/machine.h"
#include "master/master_state.h"
#include "master/registry_call.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"

/* --- asking the registry --- */

/* 400 with what is wrong. */
static void refuse(struct master *master, uint64_t handle, const struct err *err)
{
    net_respond_text(&master->effects->net, handle, 400, "%s", err->text);
}

static void update(struct master *master, uint64_t handle,
                   const Pb__Master__Call__UpdateMaintenanceSchedule *call)
{
    struct err err;
    if (master_maintenance_check_schedule(master, call->schedule, &err) != 0) {
        refuse(master, handle, &err);
        return;
    }
    master_registry_call(master, REGISTRY_UPDATE_SCHEDULE, NULL, message_encode_blob(&call->base),
                         handle);
}

static void start(struct master *master, uint64_t handle,
                  const Pb__Master__Call__StartMaintenance *call)
{
    struct err err;
    if (master_maintenance_check_machines(master, true, call->machines, call->n_machines, &err) !=
        0) {
        refuse(master, handle, &err);
        return;
    }
    master_registry_call(master, REGISTRY_START_MAINTENANCE, NULL, message_encode_blob(&call->base),
                         handle);
}

static void stop(struct master *master, uint64_t handle,
                 const Pb__Master__Call__StopMaintenance *call)
{
    struct err err;
    if (master_maintenance_check_machines(master, false, call->machines, call->n_machines, &err) !=
        0) {
        refuse(master, handle, &err);
        return;
    }
    master_registry_call(master, REGISTRY_STOP_MAINTENANCE, NULL, message_encode_blob(&call->base),
                         handle);
}

/* --- the registry's answer --- */

/* What stands against it now: between the check and the registry came another operator's change. 0
 * if nothing does. */
static int check_again(struct master *master, const struct pending *pending, struct err *err)
{
    struct slice request = blob_slice(pending->request);
    Pb__Master__Call__UpdateMaintenanceSchedule *schedule;
    Pb__Master__Call__StartMaintenance *machines;
    int failed;
    if (pending->type == REGISTRY_UPDATE_SCHEDULE) {
        failed = MESSAGE_DECODE(Pb__Master__Call__UpdateMaintenanceSchedule,
                                pb__master__call__update_maintenance_schedule, request,
                                &master->arena, &schedule, NULL);
        ASSERT(failed == 0);
        return master_maintenance_check_schedule(master, schedule->schedule, err);
    }
    /* Both have the same field. */
    failed = MESSAGE_DECODE(Pb__Master__Call__StartMaintenance, pb__master__call__start_maintenance,
                            request, &master->arena, &machines, NULL);
    ASSERT(failed == 0);
    return master_maintenance_check_machines(master, pending->type == REGISTRY_START_MAINTENANCE,
                                             machines->machines, machines->n_machines, err);
}

static void perform(struct master *master, const struct pending *pending)
{
    struct slice request = blob_slice(pending->request);
    struct cursor_field schedule = {0};
    if (pending->type == REGISTRY_UPDATE_SCHEDULE) {
        (void)cursor_find(request, 1, &schedule);
        master_machine_schedule(master, schedule.bytes);
    } else if (pending->type == REGISTRY_START_MAINTENANCE) {
        master_machine_take_down(master, request);
    } else {
        master_machine_bring_up(master, request);
    }
}

void master_maintenance_stored(struct master *master, const struct pending *pending, bool applied)
{
    struct err err;
    if (!applied && check_again(master, pending, &err) != 0) {
        refuse(master, pending->handle, &err);
        return;
    }
    if (master_registry_call_done(master, pending, applied)) {
        perform(master, pending);
    }
}

/* --- the operator API --- */

void master_maintenance_update(struct master *master, const struct operator_request *r)
{
    update(master, r->request->handle, r->call->update_maintenance_schedule);
}

void master_maintenance_start(struct master *master, const struct operator_request *r)
{
    start(master, r->request->handle, r->call->start_maintenance);
}

void master_maintenance_stop(struct master *master, const struct operator_request *r)
{
    stop(master, r->request->handle, r->call->stop_maintenance);
}

/* --- the older endpoints: the body is JSON, whatever its type says --- */

void master_maintenance_on_schedule(struct master *master, const struct net_request *request)
{
    struct err err;
    ProtobufCMessage *schedule;
    if (!slice_is(request->head->method, "POST")) {
        master_maintenance_on_get_schedule(master, request);
        return;
    }
    if (!master_registry_call_ready(master, request)) {
        return;
    }
    if (json_parse_message(&pb__maintenance__schedule__descriptor, request->body, JSON_V0,
                           &master->input, &schedule, &err) != 0) {
        refuse(master, request->handle, &err);
        return;
    }
    Pb__Master__Call__UpdateMaintenanceSchedule call =
        PB__MASTER__CALL__UPDATE_MAINTENANCE_SCHEDULE__INIT;
    call.schedule = (Pb__Maintenance__Schedule *)schedule;
    update(master, request->handle, &call);
}

/* The array as the machines of a call of that kind; NULL after an answer. */
static ProtobufCMessage *read_machines(struct master *master, const struct net_request *request,
                                       const ProtobufCMessageDescriptor *desc)
{
    struct err err;
    ProtobufCMessage *call;
    if (!master_registry_call_ready(master, request)) {
        return NULL;
    }
    if (json_parse_list(desc, "machines", request->body, JSON_V0, &master->input, &call, &err) !=
        0) {
        refuse(master, request->handle, &err);
        return NULL;
    }
    return call;
}

void master_maintenance_on_down(struct master *master, const struct net_request *request)
{
    ProtobufCMessage *call =
        read_machines(master, request, &pb__master__call__start_maintenance__descriptor);
    if (call != NULL) {
        start(master, request->handle, (Pb__Master__Call__StartMaintenance *)call);
    }
}

void master_maintenance_on_up(struct master *master, const struct net_request *request)
{
    ProtobufCMessage *call =
        read_machines(master, request, &pb__master__call__stop_maintenance__descriptor);
    if (call != NULL) {
        stop(master, request->handle, (Pb__Master__Call__StopMaintenance *)call);
    }
}
