/* The schedule and the status of maintenance, as they are read: a worker renders them from bytes
 * that the loop keeps. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/fields.h"
#include "master/machine.h"
#include "master/maintenance.h"
#include "master/master_state.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/jsonp.h"

/* Numbers of mesos.master.Response. */
enum {
    RESPONSE_TYPE = 1,
    RESPONSE_MAINTENANCE_STATUS = 17,
    RESPONSE_MAINTENANCE_SCHEDULE = 18,
};
/* mesos.maintenance.ClusterStatus */
enum { STATUS_DRAINING = 1, STATUS_DOWN = 2 };

/* An encoded message that is shown as JSON. */
struct maintenance_view {
    struct net_job job;
    const ProtobufCMessageDescriptor *desc; /* of the message */
    enum json_names names;
    struct blob *bytes; /* NULL = an empty message */
    struct blob *jsonp; /* name of a function; NULL = none */
};

/* --- in a worker --- */

static void run(struct net_job *job, struct net_answer *answer)
{
    struct maintenance_view *view = CONTAINER_OF(job, struct maintenance_view, job);
    struct buf out = BUF_INIT;
    json_print_bytes(view->desc, blob_slice(view->bytes), view->names, &out);
    answer->status = 200;
    answer->content_type = HTTP_JSON;
    if (view->jsonp != NULL) {
        answer->content_type = HTTP_JAVASCRIPT;
        jsonp_append(blob_slice(view->jsonp), buf_slice(&out), &answer->body);
        buf_deinit(&out);
    } else {
        answer->body = out;
    }
}

static void free_view(struct net_job *job)
{
    struct maintenance_view *view = CONTAINER_OF(job, struct maintenance_view, job);
    blob_unref(view->bytes);
    blob_unref(view->jsonp);
    free(view);
}

/* --- on the loop --- */

/* Takes over the blobs. */
static void render(struct master *master, uint64_t handle, const ProtobufCMessageDescriptor *desc,
                   enum json_names names, struct blob *bytes, struct blob *jsonp)
{
    struct maintenance_view *view = xalloc(sizeof(*view));
    view->job = (struct net_job){run, free_view};
    view->desc = desc;
    view->names = names;
    view->bytes = bytes;
    view->jsonp = jsonp;
    net_render(&master->effects->net, handle, &view->job);
}

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

static void show(struct master *master, const struct net_request *request,
                 const ProtobufCMessageDescriptor *desc, struct blob *bytes)
{
    struct slice name;
    if (!master_http_jsonp(master, request, &name)) {
        blob_unref(bytes);
        return;
    }
    render(master, request->handle, desc, JSON_V0, bytes,
           name.data != NULL ? blob_from(name) : NULL);
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
        render(master, r->request->handle, &pb__master__response__descriptor, JSON_V1, response,
               NULL);
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
