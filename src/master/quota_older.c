/* Quotas as they were before limits: a guarantee is the limit, too. One is set once, and removed
 * before it is set again. */
#include "master/master_state.h"
#include "master/quota.h"
#include "master/quota_config.h"
#include "master/registry_call.h"
#include "master/validate.h"
#include "resources/roles.h"
#include "wire/json.h"

#define PATH "/master/quota"

/* --- setting --- */

/* What both ways of asking say. */
struct wish {
    const char *role; /* NULL = not given */
    Pb__Resource **guarantee;
    size_t count;
    bool force;
};

#define INVALID "Failed to validate set quota request"

/* 0, or VALIDATE_E. The config is in the step's arena. */
static int check_wish(struct master *master, const struct wish *wish,
                      Pb__Quota__QuotaConfig **ret_config, struct err *err)
{
    int r = master_quota_config_validate_guarantee(wish->role, wish->guarantee, wish->count,
                                                   &master->arena, err);
    if (r != 0) {
        return err_wrap(err, VALIDATE_E, INVALID);
    }
    if (!master_validate_role_is_listed(master, wish->role)) {
        return err_set(err, VALIDATE_E, INVALID ": Unknown role '%s'", wish->role);
    }
    /* One that is on its way to the registry counts, too. */
    if (master_quota_find(master_quota_status(master), wish->role) != NULL ||
        master_quota_is_asked(master, wish->role)) {
        return err_set(err, VALIDATE_E,
                       INVALID ": Cannot set quota for role '%s' which already has quota",
                       wish->role);
    }
    if (role_is_nested(slice_from(wish->role))) {
        return err_set(err, VALIDATE_E, "Setting quota on nested role '%s' is not supported yet",
                       wish->role);
    }
    *ret_config =
        master_quota_config_of_guarantee(wish->role, wish->guarantee, wish->count, &master->arena);
    if (master_quota_config_validate(*ret_config, &master->names, err) != 0) {
        return err_wrap(err, VALIDATE_E, INVALID);
    }
    return 0;
}

static void set(struct master *master, uint64_t handle, const struct wish *wish)
{
    struct net_effects *net = &master->effects->net;
    Pb__Quota__QuotaConfig **configs = arena_alloc(&master->arena, sizeof(configs[0]));
    struct err err;
    if (check_wish(master, wish, &configs[0], &err) != 0) {
        net_respond_text(net, handle, 400, "%s", err.text);
        return;
    }
    int r = master_quota_check_all(master, configs, 1, &err);
    if (r == QUOTA_E_TREE) {
        net_respond_text(net, handle, 400, INVALID ": %s", err.text);
    } else if (r == QUOTA_E_CAPACITY && !wish->force) {
        net_respond_text(net, handle, 409,
                         "Quota guarantees overcommit the cluster (use 'force' to bypass this "
                         "check): %s",
                         err.text);
    } else {
        master_quota_store(master, configs, 1, handle);
    }
}

void master_quota_set(struct master *master, const struct operator_request *r)
{
    const Pb__Quota__QuotaRequest *request = r->call->set_quota->quota_request;
    set(master, r->request->handle,
        &(struct wish){
            .role = request->role,
            .guarantee = request->guarantee,
            .count = request->n_guarantee,
            .force = request->has_force && request->force,
        });
}

static void post(struct master *master, const struct net_request *request)
{
    struct err err;
    ProtobufCMessage *message;
    int r = json_parse_message(&pb__quota_v0__quota_request__descriptor, request->body, JSON_V0,
                               &master->input, &message, &err);
    if (r != 0) {
        err_wrap(&err, 0,
                 r == JSON_E_SYNTAX ? "Failed to parse set quota request JSON"
                                    : "Failed to validate set quota request JSON");
        net_respond_text(&master->effects->net, request->handle, 400, "%s", err.text);
        return;
    }
    const Pb__QuotaV0__QuotaRequest *body = (const Pb__QuotaV0__QuotaRequest *)message;
    set(master, request->handle,
        &(struct wish){
            .role = body->role,
            .guarantee = body->guarantee,
            .count = body->n_guarantee,
            .force = body->has_force && body->force,
        });
}

/* --- removing --- */

/* A config without anything: the role is to have no quota. */
static void remove_quota(struct master *master, uint64_t handle, char *role)
{
    struct net_effects *net = &master->effects->net;
    Pb__Quota__QuotaConfig **configs = arena_alloc(&master->arena, sizeof(configs[0]));
    struct err err;
    if (!master_validate_role_is_listed(master, role)) {
        net_respond_text(net, handle, 400,
                         "Failed to validate remove quota request: Unknown role '%s'", role);
        return;
    }
    if (master_quota_find(master_quota_status(master), role) == NULL) {
        net_respond_text(net, handle, 400, "Failed to remove quota: Role '%s' has no quota set",
                         role);
        return;
    }
    configs[0] = master_quota_config_of_guarantee(role, NULL, 0, &master->arena);
    if (master_quota_check_all(master, configs, 1, &err) == QUOTA_E_TREE) {
        net_respond_text(net, handle, 400, "Failed to remove quota: %s", err.text);
        return;
    }
    master_quota_store(master, configs, 1, handle);
}

void master_quota_remove(struct master *master, const struct operator_request *r)
{
    remove_quota(master, r->request->handle, r->call->remove_quota->role);
}

static void delete_one(struct master *master, const struct net_request *request)
{
    struct slice rest = slice_skip(request->path, sizeof(PATH) - 1);
    if (rest.size < 2) {
        net_respond_text(&master->effects->net, request->handle, 400,
                         "Failed to parse remove quota request for path '%.*s': expected "
                         "/quota/<role>",
                         SLICE_ARGS(request->path));
        return;
    }
    remove_quota(master, request->handle,
                 arena_strndup(&master->arena, rest.data + 1, rest.size - 1));
}

/* --- the endpoint --- */

static void show(struct master *master, const struct net_request *request)
{
    struct buf out = BUF_INIT;
    json_print_bytes(&pb__quota__quota_status__descriptor, blob_slice(master->roles.quotas),
                     JSON_V0, &out);
    master_http_respond_json(master, request, &out);
}

void master_quota_endpoint(struct master *master, const struct net_request *request)
{
    struct slice method = request->head->method;
    bool is_post = slice_is(method, "POST");
    if (!is_post && !slice_is(method, "DELETE")) {
        show(master, request);
    } else if (master_registry_call_ready(master, request)) {
        if (is_post) {
            post(master, request);
        } else {
            delete_one(master, request);
        }
    }
}
