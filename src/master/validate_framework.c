#include <string.h>

#include "common/duration.h"
#include "master/master_state.h"
#include "master/texts.h"
#include "master/validate.h"
#include "resources/resource_validate.h"
#include "resources/roles.h"

static bool is_multi_role(const Pb__FrameworkInfo *info)
{
    return (master_framework_capabilities(info) & FRAMEWORK_MULTI_ROLE) != 0;
}

/* The default value stands where nothing was given. */
static bool has_role(const Pb__FrameworkInfo *info)
{
    return info->role != NULL && info->role != pb__framework_info__role__default_value;
}

static int check_roles(const Pb__FrameworkInfo *info, struct err *err)
{
    if (!is_multi_role(info)) {
        if (info->n_roles > 0) {
            return err_set(err, VALIDATE_E,
                           "'FrameworkInfo.roles' must not be set when the framework is not "
                           "MULTI_ROLE capable");
        }
        if (role_validate(slice_from(info->role), err) != 0) {
            return err_wrap(err, VALIDATE_E, "'FrameworkInfo.role' is not a valid role");
        }
        return 0;
    }
    if (has_role(info)) {
        return err_set(err, VALIDATE_E,
                       "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE "
                       "capable");
    }
    if (info->n_roles > VALIDATE_ROLES_MAX) {
        return err_set(err, VALIDATE_E, "'FrameworkInfo.roles' contains too many items");
    }
    for (size_t i = 0; i < info->n_roles; i++) {
        if (master_texts_contain(info->roles, i, info->roles[i])) {
            return err_set(err, VALIDATE_E,
                           "'FrameworkInfo.roles' contains duplicate items: { %s }",
                           info->roles[i]);
        }
        if (role_validate(slice_from(info->roles[i]), err) != 0) {
            return err_wrap(err, VALIDATE_E, "'FrameworkInfo.roles' contains invalid role");
        }
    }
    return 0;
}

static int check_offer_filters(const Pb__FrameworkInfo *info, struct err *err)
{
    for (size_t i = 0; i < info->n_offer_filters; i++) {
        const Pb__OfferFilters *filters = info->offer_filters[i]->value;
        const Pb__OfferFilters__MinAllocatableResources *least =
            filters != NULL ? filters->min_allocatable_resources : NULL;
        for (size_t j = 0; least != NULL && j < least->n_quantities; j++) {
            const Pb__OfferFilters__ResourceQuantities *q = least->quantities[j];
            if (q->n_quantities == 0) {
                return err_set(err, VALIDATE_E,
                               "Resource quantities must contain at least one quantity");
            }
            for (size_t k = 0; k < q->n_quantities; k++) {
                double amount =
                    q->quantities[k]->value != NULL ? q->quantities[k]->value->value : 0;
                if (resource_validate_amount(amount, err) != 0) {
                    return err_wrap(err, VALIDATE_E, "Invalid resource quantity for '%s'",
                                    q->quantities[k]->key);
                }
            }
        }
    }
    return 0;
}

/* Nanoseconds in 64 bits are what fits; negative ones do (facts/observed.md, wire 15). */
static int check_failover_timeout(const Pb__FrameworkInfo *info, struct err *err)
{
    double seconds = info->has_failover_timeout ? info->failover_timeout : 0;
    if (!(seconds >= -9223372036.0 && seconds <= 9223372036.0)) {
        return err_set(err, VALIDATE_E, "The framework failover_timeout (%g) is invalid", seconds);
    }
    return 0;
}

int master_validate_framework_info(const Pb__FrameworkInfo *info, struct err *err)
{
    int r = check_roles(info, err);
    if (r == 0 && info->id != NULL && info->id->value[0] != '\0') {
        r = resource_validate_id(slice_from(info->id->value), err) != 0 ? VALIDATE_E : 0;
    }
    if (r == 0) {
        r = check_offer_filters(info, err);
    }
    if (r == 0) {
        r = check_failover_timeout(info, err);
    }
    return r;
}

bool master_validate_role_is_listed(const struct master *master, const char *role)
{
    if (master->options.roles == NULL) {
        return true;
    }
    for (size_t i = 0; master->options.roles[i] != NULL; i++) {
        if (strcmp(master->options.roles[i], role) == 0) {
            return true;
        }
    }
    return strcmp(role, "*") == 0;
}

static int check_whitelist(const struct master *master, const Pb__FrameworkInfo *info,
                           struct err *err)
{
    char *const single[] = {info->role};
    bool multi = is_multi_role(info);
    char *const *roles = multi ? info->roles : single;
    size_t count = multi ? info->n_roles : 1;
    for (size_t i = 0; i < count; i++) {
        if (!master_validate_role_is_listed(master, roles[i])) {
            return err_set(err, VALIDATE_E, "Roles { %s } are not present in the master's --roles",
                           roles[i]);
        }
    }
    return 0;
}

int master_validate_framework(const struct master *master, const Pb__FrameworkInfo *info,
                              struct err *err)
{
    int r = master_validate_framework_info(info, err);
    if (r == 0) {
        r = check_whitelist(master, info, err);
    }
    if (r != 0) {
        return r;
    }
    if (!master->options.root_submissions && strcmp(info->user, "root") == 0) {
        return err_set(err, VALIDATE_E,
                       "User 'root' is not allowed to run frameworks without "
                       "--root_submissions set");
    }
    if (info->id != NULL && master_is_completed_framework(master, slice_from(info->id->value))) {
        return err_set(err, VALIDATE_E, "Framework has been removed");
    }
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

int master_validate_framework_update(const struct framework *framework,
                                     const Pb__FrameworkInfo *info, struct err *err)
{
    if (!same_text(framework->principal, info->principal)) {
        return err_set(err, VALIDATE_E, "Changing framework's principal is not allowed.");
    }
    if (strcmp(framework->user, info->user) != 0) {
        return err_set(err, VALIDATE_E,
                       "Updating 'FrameworkInfo.user' is unsupported; attempted to update from "
                       "'%s' to '%s'",
                       framework->user, info->user);
    }
    bool checkpoint = info->has_checkpoint && info->checkpoint;
    if (checkpoint != framework->checkpoint) {
        return err_set(err, VALIDATE_E,
                       "Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update "
                       "from '%s' to '%s'",
                       framework->checkpoint ? "true" : "false", checkpoint ? "true" : "false");
    }
    return 0;
}

int master_validate_framework_roles(const Pb__FrameworkInfo *info, char *const *suppressed,
                                    size_t suppressed_count,
                                    const Pb__Scheduler__OfferConstraints *constraints,
                                    struct err *err)
{
    char *const single[] = {info->role};
    bool multi = is_multi_role(info);
    char *const *roles = multi ? info->roles : single;
    size_t count = multi ? info->n_roles : 1;
    for (size_t i = 0; i < suppressed_count; i++) {
        if (!master_texts_contain(roles, count, suppressed[i])) {
            return err_set(err, VALIDATE_E,
                           "Suppressed roles { %s } are not contained in the set of roles",
                           suppressed[i]);
        }
    }
    for (size_t i = 0; constraints != NULL && i < constraints->n_role_constraints; i++) {
        if (!master_texts_contain(roles, count, constraints->role_constraints[i]->key)) {
            return err_set(err, VALIDATE_E,
                           "Offer constraints specify `role_constraints` for a role '%s' not "
                           "contained in the set of roles",
                           constraints->role_constraints[i]->key);
        }
    }
    return 0;
}
