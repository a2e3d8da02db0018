#include "master/quota_rescind.h"

#include "master/master_state.h"
#include "master/quota_config.h"
#include "master/role_usage.h"
#include "resources/roles.h"

static bool is_of(const struct offer *offer, const char *role)
{
    return role_is_within(blob_slice(offer->record->role), slice_from(role));
}

/* What is rescinded is not offered any more to whom it was. */
static void rescind(struct master *master, struct role_usage *usage, struct offer *offer,
                    struct quantities *ret_amounts)
{
    struct role_usage_entry *entry =
        master_role_usage_find(usage, role_top(blob_slice(offer->record->role)));
    quantities_clear(ret_amounts);
    quantities_add_resources(ret_amounts, &offer->resources, &master->names);
    if (entry != NULL) {
        quantities_subtract(&entry->offered, ret_amounts);
    }
    master_offer_rescind(master, offer);
}

/* Offers of the role, until what it has and is offered keeps to its limits. */
static void enforce_limits(struct master *master, struct role_usage *usage,
                           const struct quota *quota, struct quantities *had)
{
    struct quantities amounts = QUANTITIES_INIT;
    struct framework *framework;
    LIST_FOR_EACH (framework, &master->running, link) {
        struct offer *offer;
        LIST_FOR_EACH (offer, &framework->offers, of_framework) {
            if (resource_limits_contain(&quota->limits, had)) {
                quantities_deinit(&amounts);
                return;
            }
            if (is_of(offer, quota->role)) {
                rescind(master, usage, offer, &amounts);
                quantities_subtract(had, &amounts);
            }
        }
    }
    quantities_deinit(&amounts);
}

/* Offers of other roles, until what they gave back covers what the guarantees lack. */
static void make_room(struct master *master, struct role_usage *usage, const struct quota *quota,
                      struct quantities *had)
{
    struct quantities amounts = QUANTITIES_INIT;
    struct agent *agent;
    LIST_FOR_EACH (agent, &master->registered, link) {
        struct offer *offer;
        LIST_FOR_EACH (offer, &agent->offers, of_agent) {
            if (quantities_contain(had, &quota->guarantees)) {
                quantities_deinit(&amounts);
                return;
            }
            if (!is_of(offer, quota->role)) {
                rescind(master, usage, offer, &amounts);
                quantities_add(had, &amounts);
            }
        }
    }
    quantities_deinit(&amounts);
}

/* As far as it can be told here; the rest settles by itself as resources come back (facts/
 * observed.md, allocator 6). What is reserved and offered counts twice, as in the reference. */
void master_quota_rescind(struct master *master, struct role_usage *usage,
                          const struct quota *quota)
{
    const struct role_usage_entry *entry = master_role_usage_find(usage, slice_from(quota->role));
    struct quantities had;
    quantities_copy(&entry->consumed, &had);
    quantities_add(&had, &entry->offered);
    if (!resource_limits_is_empty(&quota->limits)) {
        enforce_limits(master, usage, quota, &had);
    }
    if (!quantities_is_empty(&quota->guarantees)) {
        make_room(master, usage, quota, &had);
    }
    quantities_deinit(&had);
}
