#include "master/quota.h"

#include <stdlib.h>

#include "master/master_state.h"
#include "master/quota_config.h"
#include "master/quota_rescind.h"
#include "master/registry_call.h"
#include "master/role_usage.h"
#include "master/validate.h"
#include "resources/roles.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* Registry.Quota */
enum { QUOTA_INFO = 1 };

/* --- what is set --- */

Pb__Quota__QuotaStatus *master_quota_status(struct master *master)
{
    Pb__Quota__QuotaStatus *status;
    int failed = MESSAGE_DECODE(Pb__Quota__QuotaStatus, pb__quota__quota_status,
                                blob_slice(master->roles.quotas), &master->arena, &status, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    return status;
}

static int compare_configs(const void *a, const void *b)
{
    return strcmp((*(Pb__Quota__QuotaConfig *const *)a)->role,
                  (*(Pb__Quota__QuotaConfig *const *)b)->role);
}

Pb__Quota__QuotaConfig *master_quota_find(const Pb__Quota__QuotaStatus *status, const char *role)
{
    Pb__Quota__QuotaConfig wanted = {.role = (char *)(uintptr_t)role};
    Pb__Quota__QuotaConfig *key = &wanted;
    if (status->n_configs == 0) {
        return NULL;
    }
    Pb__Quota__QuotaConfig **found =
        bsearch(&key, status->configs, status->n_configs, sizeof(void *), compare_configs);
    return found != NULL ? *found : NULL;
}

/* One of the old or the new ones, for sorting. */
struct entry {
    const Pb__Quota__QuotaConfig *config;
    size_t order; /* of equal roles the last counts */
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = strcmp(left->config->role, right->config->role);
    return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

/* All that is set once the changes are made, by role, without empty ones. */
struct merged {
    struct quota *quotas; /* in the step's arena */
    size_t count;
};

static void merged_init(struct merged *merged, struct master *master,
                        Pb__Quota__QuotaConfig *const *configs, size_t count)
{
    const Pb__Quota__QuotaStatus *status = master_quota_status(master);
    size_t total = status->n_configs + count;
    struct entry *entries = arena_alloc_array(&master->arena, total + 1, sizeof(entries[0]));
    for (size_t i = 0; i < total; i++) {
        entries[i].config =
            i < status->n_configs ? status->configs[i] : configs[i - status->n_configs];
        entries[i].order = i;
    }
    qsort(entries, total, sizeof(entries[0]), compare_entries);
    merged->quotas = arena_alloc_array(&master->arena, total + 1, sizeof(merged->quotas[0]));
    merged->count = 0;
    for (size_t i = 0; i < total; i++) {
        if (i + 1 < total && strcmp(entries[i].config->role, entries[i + 1].config->role) == 0) {
            continue;
        }
        struct quota *quota = &merged->quotas[merged->count];
        master_quota_config_read(entries[i].config, &master->names, quota);
        if (master_quota_config_is_empty(quota)) {
            master_quota_config_deinit(quota);
        } else {
            merged->count++;
        }
    }
}

static void merged_deinit(struct merged *merged)
{
    for (size_t i = 0; i < merged->count; i++) {
        master_quota_config_deinit(&merged->quotas[i]);
    }
}

static void keep(struct master *master, Pb__Quota__QuotaConfig *const *configs, size_t count)
{
    struct arena *arena = &master->arena;
    struct merged merged;
    Pb__Quota__QuotaStatus *status =
        MESSAGE_NEW(Pb__Quota__QuotaStatus, pb__quota__quota_status, arena);
    merged_init(&merged, master, configs, count);
    for (size_t i = 0; i < merged.count; i++) {
        Pb__Quota__QuotaConfig *shown =
            master_quota_config_show(&merged.quotas[i], &master->names, arena);
        MESSAGE_APPEND(arena, status->n_configs, status->configs, shown);
        MESSAGE_APPEND(arena, status->n_infos, status->infos,
                       master_quota_config_show_older(shown, arena));
    }
    merged_deinit(&merged);
    role_settings_put(&master->roles, &master->roles.quotas,
                      status->n_configs > 0 ? message_encode_blob(&status->base) : NULL);
}

static void tell_allocator(struct master *master, const struct quota *quota)
{
    master->allocator_ops->set_quota(master->allocator, master->now.mono_ns, quota->role,
                                     &quota->guarantees, &quota->limits);
}

/* --- recovery --- */

/* Quotas as masters before QUOTA_V2 stored them. */
static size_t read_older(struct master *master, const struct registry *registry,
                         Pb__Quota__QuotaConfig ***configs, size_t count)
{
    struct arena *arena = &master->arena;
    struct cursor cursor;
    struct cursor_field entry;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_QUOTAS]));
    while (cursor_next(&cursor, &entry)) {
        Pb__Quota__QuotaInfo *info;
        if (cursor_find(entry.bytes, QUOTA_INFO, &field) &&
            MESSAGE_DECODE(Pb__Quota__QuotaInfo, pb__quota__quota_info, field.bytes, arena, &info,
                           NULL) == 0 &&
            info->role != NULL) {
            MESSAGE_APPEND(arena, count, *configs,
                           master_quota_config_of_guarantee(info->role, info->guarantee,
                                                            info->n_guarantee, arena));
        }
    }
    return count;
}

bool master_quota_recovered(struct master *master, const struct registry *registry)
{
    struct arena *arena = &master->arena;
    struct cursor cursor;
    struct cursor_field field;
    Pb__Quota__QuotaConfig **configs = NULL;
    size_t count = read_older(master, registry, &configs, 0);
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_QUOTA_CONFIGS]));
    while (cursor_next(&cursor, &field)) {
        Pb__Quota__QuotaConfig *config;
        if (MESSAGE_DECODE(Pb__Quota__QuotaConfig, pb__quota__quota_config, field.bytes, arena,
                           &config, NULL) == 0) {
            MESSAGE_APPEND(arena, count, configs, config);
        }
    }
    struct merged merged;
    merged_init(&merged, master, configs, count);
    for (size_t i = 0; i < merged.count; i++) {
        tell_allocator(master, &merged.quotas[i]);
    }
    merged_deinit(&merged);
    keep(master, configs, count);
    return master->roles.quotas != NULL;
}

/* --- checks --- */

bool master_quota_is_asked(struct master *master, const char *role)
{
    struct map_link *link;
    for (link = map_first(&master->pending); link != NULL;
         link = map_next(&master->pending, link)) {
        const struct pending *pending = CONTAINER_OF(link, struct pending, by_token);
        Pb__Master__Call__UpdateQuota *request;
        if (pending->type != REGISTRY_UPDATE_QUOTA ||
            MESSAGE_DECODE(Pb__Master__Call__UpdateQuota, pb__master__call__update_quota,
                           blob_slice(pending->request), &master->arena, &request, NULL) != 0) {
            continue;
        }
        for (size_t i = 0; i < request->n_quota_configs; i++) {
            if (strcmp(request->quota_configs[i]->role, role) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Each in itself. */
static int check_each(struct master *master, Pb__Quota__QuotaConfig *const *configs, size_t count,
                      struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *role = configs[i]->role;
        if (!master_validate_role_is_listed(master, role)) {
            return err_set(err, VALIDATE_E,
                           "Invalid QuotaConfig: '%s' is not on the roles whitelist", role);
        }
        if (role_is_nested(slice_from(role))) {
            return err_set(err, VALIDATE_E,
                           "Updating quota on nested role '%s' is not supported yet", role);
        }
        if (master_quota_config_validate(configs[i], &master->names, err) != 0) {
            return err_wrap(err, VALIDATE_E, "Invalid QuotaConfig");
        }
    }
    return 0;
}

static int check_consumption(struct master *master, const struct quota *quota, struct err *err)
{
    struct quantities had;
    int r = 0;
    master_role_tally_consumed(&master->role_tally, slice_from(quota->role), &had);
    if (!resource_limits_contain(&quota->limits, &had)) {
        CLEANUP(buf_deinit) struct buf consumed = BUF_INIT;
        CLEANUP(buf_deinit) struct buf limits = BUF_INIT;
        quantities_format(&had, &master->names, &consumed);
        resource_limits_format(&quota->limits, &master->names, &limits);
        r = err_set(err, VALIDATE_E,
                    "Invalid QuotaConfig: Role '%s' is already consuming '%s'; this is more than "
                    "the requested limits '%s' (use 'force' flag to bypass this check)",
                    quota->role, buf_text(&consumed), buf_text(&limits));
    }
    quantities_deinit(&had);
    return r;
}

/* Limits below what is consumed already. */
static int check_limits(struct master *master, Pb__Quota__QuotaConfig *const *configs, size_t count,
                        struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct quota quota;
        master_quota_config_read(configs[i], &master->names, &quota);
        r = check_consumption(master, &quota, err);
        master_quota_config_deinit(&quota);
    }
    return r;
}

static int check_tree(struct master *master, Pb__Quota__QuotaConfig *const *configs, size_t count,
                      struct err *err)
{
    struct merged merged;
    merged_init(&merged, master, configs, count);
    int r = master_quota_config_validate_tree(merged.quotas, merged.count, &master->names, err);
    merged_deinit(&merged);
    return r == 0 ? 0 : QUOTA_E_TREE;
}

static int check_capacity(struct master *master, Pb__Quota__QuotaConfig *const *configs,
                          size_t count, struct err *err)
{
    const struct quantities *capacity = &master->role_tally.capacity;
    struct merged merged;
    struct quantities total = QUANTITIES_INIT;
    int r = 0;
    merged_init(&merged, master, configs, count);
    master_quota_config_total(merged.quotas, merged.count, &total);
    if (!quantities_contain(capacity, &total)) {
        CLEANUP(buf_deinit) struct buf needed = BUF_INIT;
        CLEANUP(buf_deinit) struct buf had = BUF_INIT;
        quantities_format(&total, &master->names, &needed);
        quantities_format(capacity, &master->names, &had);
        r = err_set(err, QUOTA_E_CAPACITY,
                    "total quota guarantees '%s' exceed cluster capacity '%s'", buf_text(&needed),
                    buf_text(&had));
    }
    quantities_deinit(&total);
    merged_deinit(&merged);
    return r;
}

int master_quota_check_all(struct master *master, Pb__Quota__QuotaConfig *const *configs,
                           size_t count, struct err *err)
{
    int r = check_tree(master, configs, count, err);
    return r == 0 ? check_capacity(master, configs, count, err) : r;
}

/* --- changing them --- */

/* In the order of the reference. `force` lets pass what only depends on the cluster of today. */
static int check_update(struct master *master, const Pb__Master__Call__UpdateQuota *call,
                        struct err *err)
{
    bool force = call->has_force && call->force;
    int r = check_each(master, call->quota_configs, call->n_quota_configs, err);
    if (r != 0) {
        return r;
    }
    if (!force) {
        r = check_limits(master, call->quota_configs, call->n_quota_configs, err);
    }
    if (r == 0) {
        r = check_tree(master, call->quota_configs, call->n_quota_configs, err);
        if (r != 0) {
            err_wrap(err, r, "Invalid QuotaConfig");
        }
    }
    if (r == 0 && !force) {
        r = check_capacity(master, call->quota_configs, call->n_quota_configs, err);
        if (r != 0) {
            struct err why = *err;
            err_set(err, r, "Invalid QuotaConfig: %s (use 'force' flag to bypass this check)",
                    why.text);
        }
    }
    return r;
}

void master_quota_store(struct master *master, Pb__Quota__QuotaConfig **configs, size_t count,
                        uint64_t handle)
{
    Pb__Master__Call__UpdateQuota *request =
        MESSAGE_NEW(Pb__Master__Call__UpdateQuota, pb__master__call__update_quota, &master->arena);
    request->quota_configs = configs;
    request->n_quota_configs = count;
    (void)master_registry_call(master, REGISTRY_UPDATE_QUOTA, NULL,
                               message_encode_blob(&request->base), handle);
}

void master_quota_update(struct master *master, const struct operator_request *r)
{
    struct err err;
    const Pb__Master__Call__UpdateQuota *call = r->call->update_quota;
    if (check_update(master, call, &err) != 0) {
        net_respond_text(&master->effects->net, r->request->handle, 400, "%s", err.text);
        return;
    }
    master_quota_store(master, call->quota_configs, call->n_quota_configs, r->request->handle);
}

/* --- what follows --- */

static void count_usage(struct master *master, struct role_usage *usage,
                        Pb__Quota__QuotaConfig *const *configs, size_t count)
{
    master_role_usage_init(usage);
    for (size_t i = 0; i < count; i++) {
        master_role_usage_add(usage, slice_from(configs[i]->role));
    }
    master_role_usage_count(master, usage);
}

void master_quota_stored(struct master *master, const struct pending *pending, bool applied)
{
    if (!master_registry_call_done(master, pending, applied)) {
        return;
    }
    Pb__Master__Call__UpdateQuota *request;
    int failed = MESSAGE_DECODE(Pb__Master__Call__UpdateQuota, pb__master__call__update_quota,
                                blob_slice(pending->request), &master->arena, &request, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    struct role_usage usage;
    keep(master, request->quota_configs, request->n_quota_configs);
    count_usage(master, &usage, request->quota_configs, request->n_quota_configs);
    for (size_t i = 0; i < request->n_quota_configs; i++) {
        struct quota quota;
        master_quota_config_read(request->quota_configs[i], &master->names, &quota);
        tell_allocator(master, &quota);
        master_quota_rescind(master, &usage, &quota);
        master_quota_config_deinit(&quota);
    }
    master_role_usage_deinit(&usage);
}

/* --- reading --- */

void master_quota_get(struct master *master, const struct operator_request *r)
{
    struct arena *arena = &master->arena;
    Pb__Master__Response *response = MESSAGE_NEW(Pb__Master__Response, pb__master__response, arena);
    response->has_type = true;
    response->type = PB__MASTER__RESPONSE__TYPE__GET_QUOTA;
    response->get_quota =
        MESSAGE_NEW(Pb__Master__Response__GetQuota, pb__master__response__get_quota, arena);
    response->get_quota->status = master_quota_status(master);
    master_operator_respond(master, r, response);
}
