#include "master/quota_config.h"

#include <stdlib.h>

#include "master/validate.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "resources/roles.h"
#include "wire/message.h"

/* A config has two maps of one shape, whose pairs are of two types. */
enum side { GUARANTEES, LIMITS };

static size_t count_of(const Pb__Quota__QuotaConfig *config, enum side side)
{
    return side == GUARANTEES ? config->n_guarantees : config->n_limits;
}

static const char *name_of(const Pb__Quota__QuotaConfig *config, enum side side, size_t i)
{
    const char *name = side == GUARANTEES ? config->guarantees[i]->key : config->limits[i]->key;
    return name != NULL ? name : "";
}

static double amount_of(const Pb__Quota__QuotaConfig *config, enum side side, size_t i)
{
    const Pb__Value__Scalar *scalar =
        side == GUARANTEES ? config->guarantees[i]->value : config->limits[i]->value;
    return scalar != NULL ? scalar->value : 0;
}

/* --- reading --- */

static bool read_amount(const Pb__Quota__QuotaConfig *config, enum side side, size_t i,
                        int64_t *ret_amount)
{
    return scalar_from_double(amount_of(config, side, i), ret_amount) && *ret_amount >= 0;
}

static uint32_t intern_name(const Pb__Quota__QuotaConfig *config, enum side side, size_t i,
                            struct resource_names *names)
{
    return resource_names_intern(names, slice_from(name_of(config, side, i)));
}

void master_quota_config_read(const Pb__Quota__QuotaConfig *config, struct resource_names *names,
                              struct quota *ret_quota)
{
    int64_t amount;
    *ret_quota = (struct quota){.role = config->role};
    resource_limits_init(&ret_quota->limits);
    for (size_t i = 0; i < config->n_guarantees; i++) {
        if (read_amount(config, GUARANTEES, i, &amount)) {
            quantities_set(&ret_quota->guarantees, intern_name(config, GUARANTEES, i, names),
                           amount);
        }
    }
    for (size_t i = 0; i < config->n_limits; i++) {
        if (read_amount(config, LIMITS, i, &amount)) {
            resource_limits_set(&ret_quota->limits, intern_name(config, LIMITS, i, names), amount);
        }
    }
}

void master_quota_config_deinit(struct quota *quota)
{
    quantities_deinit(&quota->guarantees);
    resource_limits_deinit(&quota->limits);
}

bool master_quota_config_is_empty(const struct quota *quota)
{
    return quantities_is_empty(&quota->guarantees) && resource_limits_is_empty(&quota->limits);
}

/* --- what is wrong --- */

/* Before the amount itself, so that the reason is told. */
static int check_size(const Pb__Quota__QuotaConfig *config, enum side side, size_t i,
                      struct err *err)
{
    const char *what = side == GUARANTEES ? "guarantees" : "limits";
    const char *name = name_of(config, side, i);
    double amount = amount_of(config, side, i);
    uint32_t common = resource_name_common(slice_from(name));
    if (common == RESOURCE_NAME_MEM || common == RESOURCE_NAME_DISK) {
        if (amount > (double)QUOTA_MEGABYTES_MAX) {
            return err_set(err, VALIDATE_E,
                           "Invalid 'QuotaConfig.%s': {'%s': %.15g} is invalid: values greater "
                           "than 1 exabyte (%lld) are not supported",
                           what, name, amount, (long long)QUOTA_MEGABYTES_MAX);
        }
    } else if (amount > (double)QUOTA_OTHERS_MAX) {
        return err_set(err, VALIDATE_E,
                       "Invalid 'QuotaConfig.%s': {'%s': %.15g} is invalid: values greater than 1 "
                       "trillion (%lld) are not supported",
                       what, name, amount, (long long)QUOTA_OTHERS_MAX);
    }
    return 0;
}

static int check_sizes(const Pb__Quota__QuotaConfig *config, enum side side, struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count_of(config, side); i++) {
        r = check_size(config, side, i, err);
    }
    return r;
}

static int check_amounts(const Pb__Quota__QuotaConfig *config, enum side side,
                         struct resource_names *names, struct err *err)
{
    const char *what = side == GUARANTEES ? "guarantee" : "limit";
    for (size_t i = 0; i < count_of(config, side); i++) {
        double amount = amount_of(config, side, i);
        const char *name = name_of(config, side, i);
        if (resource_validate_amount(amount, err) != 0) {
            return err_wrap(err, VALIDATE_E, "Invalid %s configuration {'%s': %.15g}", what, name,
                            amount);
        }
        if (resource_names_find(names, slice_from(name)) == RESOURCE_NAME_NONE &&
            (names->count >= QUOTA_NAMES_MAX ||
             intern_name(config, side, i, names) == RESOURCE_NAME_NONE)) {
            return err_set(err, VALIDATE_E,
                           "Invalid %s configuration {'%s': %.15g}: There are %u names of "
                           "resources already",
                           what, name, amount, names->count);
        }
    }
    return 0;
}

static int check_contained(const Pb__Quota__QuotaConfig *config, struct resource_names *names,
                           struct err *err)
{
    struct quota quota;
    int r = 0;
    master_quota_config_read(config, names, &quota);
    if (!resource_limits_contain(&quota.limits, &quota.guarantees)) {
        CLEANUP(buf_deinit) struct buf guarantees = BUF_INIT;
        CLEANUP(buf_deinit) struct buf limits = BUF_INIT;
        quantities_format(&quota.guarantees, names, &guarantees);
        resource_limits_format(&quota.limits, names, &limits);
        r = err_set(err, VALIDATE_E,
                    "'QuotaConfig.guarantees' %s is not contained within the "
                    "'QuotaConfig.limits' %s",
                    buf_text(&guarantees), buf_text(&limits));
    }
    master_quota_config_deinit(&quota);
    return r;
}

int master_quota_config_validate(const Pb__Quota__QuotaConfig *config, struct resource_names *names,
                                 struct err *err)
{
    if (role_validate(slice_from(config->role), err) != 0) {
        return err_wrap(err, VALIDATE_E, "Invalid 'QuotaConfig.role'");
    }
    int r = check_sizes(config, GUARANTEES, err);
    if (r == 0) {
        r = check_sizes(config, LIMITS, err);
    }
    if (r == 0) {
        r = check_amounts(config, GUARANTEES, names, err);
    }
    if (r == 0) {
        r = check_amounts(config, LIMITS, names, err);
    }
    return r == 0 ? check_contained(config, names, err) : r;
}

static int check_guaranteed(const Pb__Resource *item, struct err *err)
{
    if (item->n_reservations > 0) {
        return err_set(err, VALIDATE_E, "QuotaInfo must not contain any ReservationInfo");
    }
    if (item->disk != NULL) {
        return err_set(err, VALIDATE_E, "QuotaInfo must not contain DiskInfo");
    }
    if (item->revocable != NULL) {
        return err_set(err, VALIDATE_E, "QuotaInfo must not contain RevocableInfo");
    }
    if (item->type != PB__VALUE__TYPE__SCALAR) {
        return err_set(err, VALIDATE_E, "QuotaInfo must not include non-scalar resources");
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int check_unique(Pb__Resource **items, size_t count, struct arena *arena, struct err *err)
{
    char **names = arena_alloc_array(arena, count, sizeof(names[0]));
    for (size_t i = 0; i < count; i++) {
        names[i] = items[i]->name;
    }
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            return err_set(err, VALIDATE_E, "QuotaInfo contains duplicate resource name '%s'",
                           names[i]);
        }
    }
    return 0;
}

int master_quota_config_validate_guarantee(const char *role, Pb__Resource **items, size_t count,
                                           struct arena *arena, struct err *err)
{
    if (resource_validate_all(items, count, err) != 0) {
        return err_wrap(err, VALIDATE_E, "QuotaInfo with invalid resource");
    }
    for (size_t i = 0; i < count; i++) {
        resource_pb_upgrade(items[i], arena);
    }
    if (role == NULL) {
        return err_set(err, VALIDATE_E, "QuotaInfo must specify a role");
    }
    if (role_validate(slice_from(role), err) != 0) {
        return err_wrap(err, VALIDATE_E, "QuotaInfo with invalid role");
    }
    if (count == 0) {
        return err_set(err, VALIDATE_E, "QuotaInfo with empty 'guarantee'");
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = check_guaranteed(items[i], err);
    }
    return r == 0 ? check_unique(items, count, arena, err) : r;
}

/* --- several --- */

static void add_children(const struct quota *quotas, size_t count, struct slice parent,
                         struct quantities *sum)
{
    struct slice of;
    for (size_t i = 0; i < count; i++) {
        if (role_parent(slice_from(quotas[i].role), &of) && slice_equal(of, parent)) {
            quantities_add(sum, &quotas[i].guarantees);
        }
    }
}

static int check_parent(const struct quota *quotas, size_t count, struct slice parent,
                        const struct resource_names *names, struct err *err)
{
    static const struct quantities none = QUANTITIES_INIT;
    const struct quantities *own = &none;
    struct quantities sum = QUANTITIES_INIT;
    int r = 0;
    for (size_t i = 0; i < count; i++) {
        if (slice_is(parent, quotas[i].role)) {
            own = &quotas[i].guarantees;
        }
    }
    add_children(quotas, count, parent, &sum);
    if (!quantities_contain(own, &sum)) {
        CLEANUP(buf_deinit) struct buf had = BUF_INIT;
        CLEANUP(buf_deinit) struct buf needed = BUF_INIT;
        quantities_format(own, names, &had);
        quantities_format(&sum, names, &needed);
        r = err_set(err, VALIDATE_E,
                    "Invalid quota configuration. Parent role '%.*s' with guarantees (%s) does "
                    "not contain the sum of its children's guarantees (%s)",
                    SLICE_ARGS(parent), buf_text(&had), buf_text(&needed));
    }
    quantities_deinit(&sum);
    return r;
}

/* Nested ones are only those that masters of old allowed: few, if any. */
int master_quota_config_validate_tree(const struct quota *quotas, size_t count,
                                      const struct resource_names *names, struct err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct slice role = slice_from(quotas[i].role);
        while (r == 0 && role_parent(role, &role)) {
            r = check_parent(quotas, count, role, names, err);
        }
    }
    return r;
}

void master_quota_config_total(const struct quota *quotas, size_t count,
                               struct quantities *ret_total)
{
    for (size_t i = 0; i < count; i++) {
        if (!role_is_nested(slice_from(quotas[i].role))) {
            quantities_add(ret_total, &quotas[i].guarantees);
        }
    }
}

/* --- other forms --- */

static Pb__Value__Scalar *make_scalar(double amount, struct arena *arena)
{
    Pb__Value__Scalar *scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    scalar->value = amount;
    return scalar;
}

static void add_guarantee(Pb__Quota__QuotaConfig *config, struct slice name, double amount,
                          struct arena *arena)
{
    Pb__Quota__QuotaConfig__GuaranteesEntry *entry = MESSAGE_NEW(
        Pb__Quota__QuotaConfig__GuaranteesEntry, pb__quota__quota_config__guarantees_entry, arena);
    entry->key = arena_strndup(arena, name.data, name.size);
    entry->value = make_scalar(amount, arena);
    MESSAGE_APPEND(arena, config->n_guarantees, config->guarantees, entry);
}

static void add_limit(Pb__Quota__QuotaConfig *config, struct slice name, double amount,
                      struct arena *arena)
{
    Pb__Quota__QuotaConfig__LimitsEntry *entry = MESSAGE_NEW(
        Pb__Quota__QuotaConfig__LimitsEntry, pb__quota__quota_config__limits_entry, arena);
    entry->key = arena_strndup(arena, name.data, name.size);
    entry->value = make_scalar(amount, arena);
    MESSAGE_APPEND(arena, config->n_limits, config->limits, entry);
}

Pb__Quota__QuotaConfig *master_quota_config_of_guarantee(const char *role,
                                                         Pb__Resource *const *items, size_t count,
                                                         struct arena *arena)
{
    Pb__Quota__QuotaConfig *config =
        MESSAGE_NEW(Pb__Quota__QuotaConfig, pb__quota__quota_config, arena);
    config->role = arena_strdup(arena, role);
    for (size_t i = 0; i < count; i++) {
        if (items[i]->scalar != NULL) {
            struct slice name = slice_from(items[i]->name);
            add_guarantee(config, name, items[i]->scalar->value, arena);
            add_limit(config, name, items[i]->scalar->value, arena);
        }
    }
    return config;
}

static int compare_guarantees(const void *a, const void *b)
{
    return strcmp((*(Pb__Quota__QuotaConfig__GuaranteesEntry *const *)a)->key,
                  (*(Pb__Quota__QuotaConfig__GuaranteesEntry *const *)b)->key);
}

static int compare_limits(const void *a, const void *b)
{
    return strcmp((*(Pb__Quota__QuotaConfig__LimitsEntry *const *)a)->key,
                  (*(Pb__Quota__QuotaConfig__LimitsEntry *const *)b)->key);
}

Pb__Quota__QuotaConfig *master_quota_config_show(const struct quota *quota,
                                                 const struct resource_names *names,
                                                 struct arena *arena)
{
    struct quantity one;
    uint32_t place = 0;
    Pb__Quota__QuotaConfig *config =
        MESSAGE_NEW(Pb__Quota__QuotaConfig, pb__quota__quota_config, arena);
    config->role = (char *)(uintptr_t)quota->role;
    while (quantities_next(&quota->guarantees, &place, &one)) {
        add_guarantee(config, resource_names_text(names, one.name), scalar_to_double(one.amount),
                      arena);
    }
    place = 0;
    while (resource_limits_next(&quota->limits, &place, &one)) {
        add_limit(config, resource_names_text(names, one.name), scalar_to_double(one.amount),
                  arena);
    }
    if (config->n_guarantees > 0) {
        qsort(config->guarantees, config->n_guarantees, sizeof(void *), compare_guarantees);
    }
    if (config->n_limits > 0) {
        qsort(config->limits, config->n_limits, sizeof(void *), compare_limits);
    }
    return config;
}

Pb__Quota__QuotaInfo *master_quota_config_show_older(const Pb__Quota__QuotaConfig *shown,
                                                     struct arena *arena)
{
    Pb__Quota__QuotaInfo *info = MESSAGE_NEW(Pb__Quota__QuotaInfo, pb__quota__quota_info, arena);
    info->role = shown->role;
    for (size_t i = 0; i < shown->n_guarantees; i++) {
        Pb__Resource *resource = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
        resource->name = shown->guarantees[i]->key;
        resource->type = PB__VALUE__TYPE__SCALAR;
        resource->scalar = shown->guarantees[i]->value;
        MESSAGE_APPEND(arena, info->n_guarantee, info->guarantee, resource);
    }
    return info;
}
