#include "master/operator_operations.h"

#include "master/master_state.h"
#include "master/operation_apply.h"
#include "resources/resource_operation.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/url.h"

/* --- performing --- */

enum { CONFLICT = 409, BUSY = 503 };

/* What an operator asks for. */
struct wish {
    const struct net_request *request;
    const char *agent_id; /* NULL = not given */
    const char *name;     /* of the operation: "RESERVE" */
    Pb__Offer__Operation op;
};

static void refuse(struct master *master, const struct wish *wish, uint32_t status,
                   const char *text)
{
    net_respond_text(&master->effects->net, wish->request->handle, status, "%s", text);
}

/* 0, or OPERATION_APPLY_E: 400. */
static int check(struct master *master, struct wish *wish, struct agent **ret_agent,
                 struct err *err)
{
    if (wish->agent_id == NULL) {
        return err_set(err, OPERATION_APPLY_E, "Expecting 'agent_id' to be present");
    }
    struct agent *agent = master_find_registered(master, slice_from(wish->agent_id));
    if (agent == NULL) {
        return err_set(err, OPERATION_APPLY_E, "No agent found with specified ID");
    }
    if (resource_operation_upgrade(&wish->op, &master->arena, err) != 0) {
        return OPERATION_APPLY_E;
    }
    if (master_operation_validate(master, agent, NULL, wish->request->principal, &wish->op, err) !=
        0) {
        return err_wrap(err, OPERATION_APPLY_E, "Invalid %s operation on agent %s at %s (%s)",
                        wish->name, agent->id->data, agent->pid, agent->hostname);
    }
    *ret_agent = agent;
    return 0;
}

/* On what is free, or is so once offers are rescinded: false if it is in use. */
static bool convert(struct master *master, struct agent *agent, const Pb__Offer__Operation *op,
                    const struct operation_change *change)
{
    if (op->type == PB__OFFER__OPERATION__TYPE__DESTROY) {
        /* A shared volume is free also while it is offered. */
        master_operation_rescind_holders(master, agent, &change->consumed);
    }
    return master_operation_convert_free(master, agent, &change->consumed, &change->converted);
}

static void perform(struct master *master, struct wish *wish)
{
    struct err err;
    struct agent *agent = NULL;
    struct operation_change change;
    if (check(master, wish, &agent, &err) != 0) {
        refuse(master, wish, 400, err.text);
        return;
    }
    if (!agent->connected) {
        refuse(master, wish, CONFLICT,
               arena_printf(&master->arena, "Agent %s is disconnected", agent->id->data));
        return;
    }
    if (master_operation_check_agent(agent, &err) != 0) {
        refuse(master, wish, BUSY, err.text);
        return;
    }
    if (master_operation_plan(master, agent, &wish->op, &change, &err) != 0) {
        refuse(master, wish, CONFLICT, err.text);
        return;
    }
    if (convert(master, agent, &wish->op, &change)) {
        master_operation_apply(master, agent, NULL, &wish->op, &change);
        net_respond(&master->effects->net, wish->request->handle, 202, NULL, NULL);
    } else {
        refuse(master, wish, CONFLICT,
               arena_printf(&master->arena, "Tasks or executors of agent %s use %s",
                            agent->id->data, resources_text(&change.consumed, &master->arena)));
    }
    master_operation_change_deinit(&change);
}

/* --- each kind: from the parts of calls and forms --- */

/* `KIND(RESERVE, reserve)`: an operation of that type in the step's arena, in `wish`. */
#define BEGIN(type_, member_, Type_)                                                              \
    struct wish wish = {request, agent_id, #type_, PB__OFFER__OPERATION__INIT};                   \
    wish.op.has_type = true;                                                                      \
    wish.op.type = PB__OFFER__OPERATION__TYPE__##type_;                                           \
    wish.op.member_ = MESSAGE_NEW(Pb__Offer__Operation__##Type_, pb__offer__operation__##member_, \
                                  &master->arena)

/* A list of resources as it came. */
struct part {
    Pb__Resource **items;
    size_t count;
};

static void reserve(struct master *master, const struct net_request *request, const char *agent_id,
                    struct part source, struct part resources)
{
    BEGIN(RESERVE, reserve, Reserve);
    wish.op.reserve->source = source.items;
    wish.op.reserve->n_source = source.count;
    wish.op.reserve->resources = resources.items;
    wish.op.reserve->n_resources = resources.count;
    perform(master, &wish);
}

static void unreserve(struct master *master, const struct net_request *request,
                      const char *agent_id, struct part resources)
{
    BEGIN(UNRESERVE, unreserve, Unreserve);
    wish.op.unreserve->resources = resources.items;
    wish.op.unreserve->n_resources = resources.count;
    perform(master, &wish);
}

static void create(struct master *master, const struct net_request *request, const char *agent_id,
                   struct part volumes)
{
    BEGIN(CREATE, create, Create);
    wish.op.create->volumes = volumes.items;
    wish.op.create->n_volumes = volumes.count;
    perform(master, &wish);
}

static void destroy(struct master *master, const struct net_request *request, const char *agent_id,
                    struct part volumes)
{
    BEGIN(DESTROY, destroy, Destroy);
    wish.op.destroy->volumes = volumes.items;
    wish.op.destroy->n_volumes = volumes.count;
    perform(master, &wish);
}

/* --- calls --- */

void master_operator_reserve_resources(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__ReserveResources *call = r->call->reserve_resources;
    reserve(master, r->request, call->agent_id->value, (struct part){call->source, call->n_source},
            (struct part){call->resources, call->n_resources});
}

void master_operator_unreserve_resources(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__UnreserveResources *call = r->call->unreserve_resources;
    unreserve(master, r->request, call->agent_id->value,
              (struct part){call->resources, call->n_resources});
}

void master_operator_create_volumes(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__CreateVolumes *call = r->call->create_volumes;
    create(master, r->request, call->agent_id->value,
           (struct part){call->volumes, call->n_volumes});
}

void master_operator_destroy_volumes(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__DestroyVolumes *call = r->call->destroy_volumes;
    destroy(master, r->request, call->agent_id->value,
            (struct part){call->volumes, call->n_volumes});
}

void master_operator_grow_volume(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__GrowVolume *call = r->call->grow_volume;
    const struct net_request *request = r->request;
    const char *agent_id = call->agent_id != NULL ? call->agent_id->value : NULL;
    BEGIN(GROW_VOLUME, grow_volume, GrowVolume);
    wish.op.grow_volume->volume = call->volume;
    wish.op.grow_volume->addition = call->addition;
    perform(master, &wish);
}

void master_operator_shrink_volume(struct master *master, const struct operator_request *r)
{
    const Pb__Master__Call__ShrinkVolume *call = r->call->shrink_volume;
    const struct net_request *request = r->request;
    const char *agent_id = call->agent_id != NULL ? call->agent_id->value : NULL;
    BEGIN(SHRINK_VOLUME, shrink_volume, ShrinkVolume);
    wish.op.shrink_volume->volume = call->volume;
    wish.op.shrink_volume->subtract = call->subtract;
    perform(master, &wish);
}

/* --- forms --- */

#define OPERATION_E_FORM 1

/* The resources of a parameter, a JSON array: 0, or OPERATION_E_FORM. */
static int read_list(struct master *master, const struct url_params *params, const char *name,
                     struct part *ret_part, struct err *err)
{
    const struct url_param *param = url_find(params, name);
    ProtobufCMessage *message;
    if (param == NULL) {
        return err_set(err, OPERATION_E_FORM, "Missing '%s' query parameter in the request body",
                       name);
    }
    /* Any message that holds nothing but a list of resources. */
    if (json_parse_list(&pb__offer__operation__unreserve__descriptor, "resources", param->value,
                        JSON_V0, &master->input, &message, err) != 0) {
        return err_wrap(err, OPERATION_E_FORM,
                        "Error parsing '%s' query parameter in the request body", name);
    }
    const Pb__Offer__Operation__Unreserve *list = (Pb__Offer__Operation__Unreserve *)message;
    *ret_part = (struct part){list->resources, list->n_resources};
    return 0;
}

struct form {
    const char *agent_id;
    struct part list;
    struct part source; /* of /reserve, which may have one */
};

/* False after an answer. */
static bool read_form(struct master *master, const struct net_request *request, const char *name,
                      struct form *ret_form)
{
    struct url_params params;
    struct err err;
    struct form form = {0};
    int r = 0;
    if (!url_parse_params(request->body, &master->arena, &params)) {
        r = err_set(&err, OPERATION_E_FORM, "Unable to decode query string");
    } else if (url_find(&params, "slaveId") == NULL) {
        r = err_set(&err, OPERATION_E_FORM,
                    "Missing 'slaveId' query parameter in the request body");
    } else {
        struct slice id = url_find(&params, "slaveId")->value;
        form.agent_id = arena_strndup(&master->arena, id.data, id.size);
        r = read_list(master, &params, name, &form.list, &err);
        if (r == 0 && url_find(&params, "source") != NULL) {
            r = read_list(master, &params, "source", &form.source, &err);
        }
    }
    if (r != 0) {
        net_respond_text(&master->effects->net, request->handle, 400, "%s", err.text);
        return false;
    }
    *ret_form = form;
    return true;
}

void master_operator_on_reserve(struct master *master, const struct net_request *request)
{
    struct form form;
    if (read_form(master, request, "resources", &form)) {
        reserve(master, request, form.agent_id, form.source, form.list);
    }
}

void master_operator_on_unreserve(struct master *master, const struct net_request *request)
{
    struct form form;
    if (read_form(master, request, "resources", &form)) {
        unreserve(master, request, form.agent_id, form.list);
    }
}

void master_operator_on_create_volumes(struct master *master, const struct net_request *request)
{
    struct form form;
    if (read_form(master, request, "volumes", &form)) {
        create(master, request, form.agent_id, form.list);
    }
}

void master_operator_on_destroy_volumes(struct master *master, const struct net_request *request)
{
    struct form form;
    if (read_form(master, request, "volumes", &form)) {
        destroy(master, request, form.agent_id, form.list);
    }
}
