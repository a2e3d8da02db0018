/* The schedule and the status of maintenance, as they are read: a worker renders them from bytes
 * that the loop keeps (message_view.h). */
#include "master/fields.h"
#include "master/machine.h"
#include "master/maintenance.h"
#include "master/master_state.h"
#include "master/message_view.h"
#include "wire/cursor.h"

/* Numbers of mesos.master.Response. */
enum {
    RESPONSE_TYPE = 1,
    RESPONSE_MAINTENANCE_STATUS = 17,
    RESPONSE_MAINTENANCE_SCHEDULE = 18,
};
/* mesos.maintenance.ClusterStatus */
enum { STATUS_DRAINING = 1, STATUS_DOWN = 2 };

/* DrainingMachine {id = 1, statuses = 2 {status = 1, framework_id = 2, timestamp = 3 {nanoseconds =
 * 1}}} */
static void put_draining(struct buf *out, const struct machine *machine)
{
    size_t begun = wire_begin(out, STATUS_DRAINING);
    wire_put_bytes(out, 1, blob_slice(machine->id));
    struct agent *agent;
    LIST_FOR_EACH (agent, &machine->agents, of_machine) {
        struct inverse_answer *answer;
        LIST_FOR_EACH (answer, &agent->inverse_answers, of_agent) {
            size_t status = wire_begin(out, 2);
            wire_put_varint(out, 1,
                            answer->accepted
                                ? PB__ALLOCATOR__INVERSE_OFFER_STATUS__STATUS__ACCEPT
                                : PB__ALLOCATOR__INVERSE_OFFER_STATUS__STATUS__DECLINE);
            size_t id = wire_begin(out, 2);
            wire_put_bytes(out, FIELD_ID_VALUE, blob_slice(answer->framework->id));
            wire_end(out, id);
            size_t timestamp = wire_begin(out, 3);
            wire_put_varint(out, 1, (uint64_t)answer->time_ns);
            wire_end(out, timestamp);
            wire_end(out, status);
        }
    }
    wire_end(out, begun);
}

/* A reference: made once, until a machine or an answer changes. */
static struct blob *status_of(struct master *master)
{
    struct machines *machines = &master->machines;
    if (machines->status == NULL) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT;
        struct machine *machine;
        LIST_FOR_EACH (machine, &machines->scheduled, link) {
            if (machine->mode == MACHINE_DRAINING) {
                put_draining(&out, machine);
            }
        }
        LIST_FOR_EACH (machine, &machines->scheduled, link) {
            if (machine->mode == MACHINE_DOWN) {
                wire_put_bytes(&out, STATUS_DOWN, blob_slice(machine->id));
            }
        }
        machines->status = blob_from(buf_slice(&out));
    }
    return blob_ref(machines->status);
}

/* --- the older endpoints --- */

/* Takes over the bytes. */
static void show(struct master *master, const struct net_request *request,
                 const ProtobufCMessageDescriptor *desc, struct blob *bytes)
{
    struct slice name;
    if (master_http_jsonp(master, request, &name)) {
        struct blob *jsonp = name.data != NULL ? blob_from(name) : NULL;
        master_message_show(master, request->handle,
                            &(struct message_show){
                                .desc = desc,
                                .names = JSON_V0,
                                .bytes = blob_slice(bytes),
                                .owner = bytes,
                                .jsonp = jsonp,
                            });
        blob_unref(jsonp);
    }
    blob_unref(bytes);
}

void master_maintenance_on_get_schedule(struct master *master, const struct net_request *request)
{
    show(master, request, &pb__maintenance__schedule__descriptor,
         blob_ref(master->machines.schedule));
}

void master_maintenance_on_status(struct master *master, const struct net_request *request)
{
    show(master, request, &pb__maintenance__cluster_status__descriptor, status_of(master));
}

/* --- the operator API --- */

/* Response {type = 1, get_... = number {schedule or status = 1}}; takes over the bytes. */
static void respond(struct master *master, const struct operator_request *r, int type,
                    uint32_t number, struct blob *bytes)
{
    struct buf out = BUF_INIT;
    wire_put_varint(&out, RESPONSE_TYPE, (uint64_t)type);
    size_t begun = wire_begin(&out, number);
    wire_put_bytes(&out, 1, blob_slice(bytes));
    wire_end(&out, begun);
    blob_unref(bytes);
    struct blob *response = blob_take(&out);
    if (r->accept == HTTP_MEDIA_PROTOBUF) {
        net_respond(&master->effects->net, r->request->handle, 200, HTTP_PROTOBUF, response);
    } else {
        master_message_show(master, r->request->handle,
                            &(struct message_show){
                                .desc = &pb__master__response__descriptor,
                                .names = JSON_V1,
                                .bytes = blob_slice(response),
                                .owner = response,
                            });
        blob_unref(response);
    }
}

void master_maintenance_get_schedule(struct master *master, const struct operator_request *r)
{
    respond(master, r, PB__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_SCHEDULE,
            RESPONSE_MAINTENANCE_SCHEDULE, blob_ref(master->machines.schedule));
}

void master_maintenance_get_status(struct master *master, const struct operator_request *r)
{
    respond(master, r, PB__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_STATUS,
            RESPONSE_MAINTENANCE_STATUS, status_of(master));
}
