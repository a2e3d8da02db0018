#include "master/weights.h"

#include <errno.h>
#include <stdlib.h>

#include "master/master_state.h"
#include "master/registry_call.h"
#include "master/validate.h"
#include "resources/roles.h"
#include "resources/scalar.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"

/* Registry.Weight */
enum { WEIGHT_INFO = 1 };

/* What the older endpoint and the call say of bad weights alike. */
#define INVALID "Failed to validate update weights request JSON"

/* --- what is set --- */

/* In the step's arena. */
static Pb__Master__Response__GetWeights *current(struct master *master)
{
    Pb__Master__Response__GetWeights *weights = MESSAGE_NEW(
        Pb__Master__Response__GetWeights, pb__master__response__get_weights, &master->arena);
    if (master->roles.weights != NULL) {
        int failed =
            MESSAGE_DECODE(Pb__Master__Response__GetWeights, pb__master__response__get_weights,
                           blob_slice(master->roles.weights), &master->arena, &weights, NULL);
        ASSERT(failed == 0); /* it was encoded by us */
    }
    return weights;
}

/* One of the old or the new ones, for sorting. */
struct entry {
    Pb__WeightInfo *info;
    size_t order; /* of equal roles the last counts */
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = strcmp(left->info->role, right->info->role);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

static void keep(struct master *master, Pb__WeightInfo *const *infos, size_t count)
{
    struct arena *arena = &master->arena;
    Pb__Master__Response__GetWeights *weights = current(master);
    size_t total = weights->n_weight_infos + count;
    struct entry *entries = arena_alloc_array(arena, total + 1, sizeof(entries[0]));
    for (size_t i = 0; i < total; i++) {
        entries[i].info = i < weights->n_weight_infos ? weights->weight_infos[i]
                                                      : infos[i - weights->n_weight_infos];
        entries[i].order = i;
    }
    qsort(entries, total, sizeof(entries[0]), compare_entries);
    weights->n_weight_infos = 0;
    weights->weight_infos = NULL;
    for (size_t i = 0; i < total; i++) {
        if (i + 1 == total || strcmp(entries[i].info->role, entries[i + 1].info->role) != 0) {
            MESSAGE_APPEND(arena, weights->n_weight_infos, weights->weight_infos, entries[i].info);
        }
    }
    role_settings_put(&master->roles, &master->roles.weights,
                      total > 0 ? message_encode_blob(&weights->base) : NULL);
}

/* In thousandths; what rounds to nothing is the least that there is. */
static int64_t milli_of(double weight)
{
    int64_t milli;
    return scalar_from_double(weight, &milli) ? MAX(milli, 1) : INT64_MAX;
}

static void tell_allocator(struct master *master, Pb__WeightInfo *const *infos, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        master->allocator_ops->set_weight(master->allocator, master->now.mono_ns, infos[i]->role,
                                          milli_of(infos[i]->weight));
    }
}

/* --- --weights --- */

static int parse_flag_item(struct slice item, struct slice *ret_role, double *ret_weight,
                           struct err *err)
{
    int64_t milli;
    ptrdiff_t at = slice_find(item, '=');
    if (at < 0 || !slice_parse_double(slice_skip(item, (size_t)at + 1), ret_weight) ||
        !scalar_from_double(*ret_weight, &milli) || milli <= 0) {
        return err_set(err, -EINVAL, "--weights: '%.*s' is not of the form role=weight",
                       SLICE_ARGS(item));
    }
    *ret_role = slice_make(item.data, (size_t)at);
    return role_validate(*ret_role, err) == 0 ? 0 : err_wrap(err, -EINVAL, "--weights");
}

int master_weights_check(const char *text, struct err *err)
{
    struct slice rest = slice_from(text);
    struct slice item;
    struct slice role;
    double weight;
    int r = 0;
    while (text != NULL && text[0] != '\0' && r == 0 && slice_split(&rest, ',', &item)) {
        r = parse_flag_item(item, &role, &weight, err);
    }
    return r;
}

void master_weights_start(struct master *master)
{
    struct arena *arena = &master->arena;
    const char *text = master->options.weights;
    struct slice rest = slice_from(text);
    struct slice item;
    struct slice role;
    Pb__WeightInfo **infos = NULL;
    size_t count = 0;
    while (text != NULL && text[0] != '\0' && slice_split(&rest, ',', &item)) {
        Pb__WeightInfo *info = MESSAGE_NEW(Pb__WeightInfo, pb__weight_info, arena);
        int r = parse_flag_item(item, &role, &info->weight, NULL);
        ASSERT(r == 0); /* checked before */
        info->role = arena_strndup(arena, role.data, role.size);
        MESSAGE_APPEND(arena, count, infos, info);
    }
    keep(master, infos, count);
    tell_allocator(master, infos, count);
    arena_reset(arena);
}

/* --- recovery --- */

static struct blob *encode_request(struct master *master, Pb__WeightInfo **infos, size_t count)
{
    Pb__Master__Call__UpdateWeights *request = MESSAGE_NEW(
        Pb__Master__Call__UpdateWeights, pb__master__call__update_weights, &master->arena);
    request->weight_infos = infos;
    request->n_weight_infos = count;
    return message_encode_blob(&request->base);
}

/* Those of --weights are forgotten: everything else weighs 1. */
static void forget_flag(struct master *master)
{
    Pb__Master__Response__GetWeights *flagged = current(master);
    if (flagged->n_weight_infos > 0) {
        master_log(master, LOG_LEVEL_WARNING,
                   "Ignoring --weights: there are weights in the registry");
    }
    for (size_t i = 0; i < flagged->n_weight_infos; i++) {
        flagged->weight_infos[i]->weight = 1;
    }
    tell_allocator(master, flagged->weight_infos, flagged->n_weight_infos);
    role_settings_put(&master->roles, &master->roles.weights, NULL);
}

void master_weights_recovered(struct master *master, const struct registry *registry)
{
    struct arena *arena = &master->arena;
    struct cursor cursor;
    struct cursor_field entry;
    struct cursor_field field;
    Pb__WeightInfo **infos = NULL;
    size_t count = 0;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_WEIGHTS]));
    while (cursor_next(&cursor, &entry)) {
        Pb__WeightInfo *info;
        if (cursor_find(entry.bytes, WEIGHT_INFO, &field) &&
            MESSAGE_DECODE(Pb__WeightInfo, pb__weight_info, field.bytes, arena, &info, NULL) == 0 &&
            info->role != NULL) {
            MESSAGE_APPEND(arena, count, infos, info);
        }
    }
    if (count > 0) {
        forget_flag(master);
        keep(master, infos, count);
        tell_allocator(master, infos, count);
        return;
    }
    Pb__Master__Response__GetWeights *flagged = current(master);
    if (flagged->n_weight_infos > 0) {
        (void)master_registry_call(
            master, REGISTRY_UPDATE_WEIGHTS, NULL,
            encode_request(master, flagged->weight_infos, flagged->n_weight_infos), 0);
    }
}

/* --- changing them --- */

static int check(const struct master *master, const Pb__WeightInfo *info, struct err *err)
{
    const char *role = info->role != NULL ? info->role : "";
    int64_t milli;
    if (role_validate(slice_from(role), err) != 0) {
        return err_wrap(err, VALIDATE_E, INVALID ": Invalid role '%s'", role);
    }
    if (!master_validate_role_is_listed(master, role)) {
        return err_set(err, VALIDATE_E, INVALID ": Unknown role '%s'", role);
    }
    if (!scalar_from_double(info->weight, &milli) || milli <= 0) {
        /* Thousandths decide: a positive one may be too little, or too much for them. */
        return err_set(
            err, VALIDATE_E, INVALID " for role '%s': Invalid weight '%g': %s", role, info->weight,
            info->weight > 0 ? "Weights must be from 0.001 to 9e15" : "Weights must be positive");
    }
    return 0;
}

/* Answered once the registry has them; all or none. */
static void update(struct master *master, uint64_t handle, Pb__WeightInfo **infos, size_t count)
{
    struct arena *arena = &master->arena;
    for (size_t i = 0; i < count; i++) {
        struct err err;
        struct slice role = slice_trim(slice_from(infos[i]->role));
        infos[i]->role = arena_strndup(arena, role.data, role.size);
        if (check(master, infos[i], &err) != 0) {
            net_respond_text(&master->effects->net, handle, 400, "%s", err.text);
            return;
        }
    }
    (void)master_registry_call(master, REGISTRY_UPDATE_WEIGHTS, NULL,
                               encode_request(master, infos, count), handle);
}

static int compare_roles(const void *a, const void *b)
{
    return strcmp((*(Pb__WeightInfo *const *)a)->role, (*(Pb__WeightInfo *const *)b)->role);
}

static bool is_in_use(const struct master *master, Pb__WeightInfo **sorted, size_t count)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &master->running, link) {
        for (size_t i = 0; i < framework->role_count; i++) {
            Pb__WeightInfo wanted = {.role = framework->roles[i]};
            const Pb__WeightInfo *key = &wanted;
            if (bsearch(&key, sorted, count, sizeof(void *), compare_roles) != NULL) {
                return true;
            }
        }
    }
    return false;
}

static void rescind_all(struct master *master)
{
    struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        struct offer *offer;
        LIST_FOR_EACH (offer, &agent->offers, of_agent) {
            master_offer_rescind(master, offer);
        }
    }
}

/* What is offered was divided by the old weights (facts/observed.md, allocator 6). */
void master_weights_stored(struct master *master, const struct pending *pending, bool applied)
{
    if (!master_registry_call_done(master, pending, applied)) {
        return;
    }
    Pb__Master__Call__UpdateWeights *request;
    int failed = MESSAGE_DECODE(Pb__Master__Call__UpdateWeights, pb__master__call__update_weights,
                                blob_slice(pending->request), &master->arena, &request, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    keep(master, request->weight_infos, request->n_weight_infos);
    tell_allocator(master, request->weight_infos, request->n_weight_infos);
    if (request->n_weight_infos > 0) {
        qsort(request->weight_infos, request->n_weight_infos, sizeof(void *), compare_roles);
        if (is_in_use(master, request->weight_infos, request->n_weight_infos)) {
            rescind_all(master);
        }
    }
}

/* --- the API --- */

void master_weights_get(struct master *master, const struct operator_request *r)
{
    Pb__Master__Response *response =
        MESSAGE_NEW(Pb__Master__Response, pb__master__response, &master->arena);
    response->has_type = true;
    response->type = PB__MASTER__RESPONSE__TYPE__GET_WEIGHTS;
    response->get_weights = current(master);
    master_operator_respond(master, r, response);
}

void master_weights_update(struct master *master, const struct operator_request *r)
{
    update(master, r->request->handle, r->call->update_weights->weight_infos,
           r->call->update_weights->n_weight_infos);
}

static void show(struct master *master, const struct net_request *request)
{
    struct buf out = BUF_INIT;
    struct json_writer w;
    Pb__Master__Response__GetWeights *weights = current(master);
    json_writer_init(&w, &out);
    json_begin_array(&w);
    for (size_t i = 0; i < weights->n_weight_infos; i++) {
        json_begin_object(&w);
        json_key_text(&w, "role", weights->weight_infos[i]->role);
        json_key_double(&w, "weight", weights->weight_infos[i]->weight);
        json_end_object(&w);
    }
    json_end_array(&w);
    master_http_respond_json(master, request, &out);
}

/* The body is an array of WeightInfo. */
static void put(struct master *master, const struct net_request *request)
{
    struct net_effects *net = &master->effects->net;
    ProtobufCMessage *message;
    struct err err;
    int r = json_parse_list(&pb__master__call__update_weights__descriptor, "weight_infos",
                            request->body, JSON_V0, &master->input, &message, &err);
    if (r != 0) {
        err_wrap(&err, 0,
                 r == JSON_E_SYNTAX ? "Failed to parse update weights request JSON"
                                    : "Failed to convert weights JSON array to protobuf");
        net_respond_text(net, request->handle, 400, "%s", err.text);
        return;
    }
    const Pb__Master__Call__UpdateWeights *weights =
        (const Pb__Master__Call__UpdateWeights *)message;
    update(master, request->handle, weights->weight_infos, weights->n_weight_infos);
}

void master_weights_endpoint(struct master *master, const struct net_request *request)
{
    if (slice_is(request->head->method, "PUT")) {
        if (master_registry_call_ready(master, request)) {
            put(master, request);
        }
    } else {
        show(master, request);
    }
}
