#include "master/role_tally.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resources.h"
#include "resources/roles.h"

struct role_entry {
    struct map_link by_role;         /* tally->entries */
    char *role;                      /* heap */
    struct quantities used;          /* allocated to it */
    struct quantities reserved;      /* of agents' totals */
    struct quantities reserved_used; /* of these: in use, by whomever */
};

static struct slice entry_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct role_entry, by_role)->role);
}

void master_role_tally_init(struct role_tally *tally, uint64_t seed)
{
    *tally = (struct role_tally){0};
    map_init(&tally->entries, entry_key, seed);
}

static void entry_free(struct role_tally *tally, struct role_entry *entry)
{
    if (tally->last == entry) {
        tally->last = NULL;
    }
    map_remove(&tally->entries, &entry->by_role);
    quantities_deinit(&entry->used);
    quantities_deinit(&entry->reserved);
    quantities_deinit(&entry->reserved_used);
    free(entry->role);
    free(entry);
}

void master_role_tally_deinit(struct role_tally *tally)
{
    struct map_link *link;
    while ((link = map_first(&tally->entries)) != NULL) {
        entry_free(tally, CONTAINER_OF(link, struct role_entry, by_role));
    }
    map_deinit(&tally->entries);
    quantities_deinit(&tally->capacity);
}

static struct role_entry *find(const struct role_tally *tally, struct slice top)
{
    struct map_link *link = map_find(&tally->entries, top);
    return link != NULL ? CONTAINER_OF(link, struct role_entry, by_role) : NULL;
}

/* Neighbours are mostly of one role. */
static struct role_entry *entry_of(struct role_tally *tally, struct slice role)
{
    struct slice top = role_top(role);
    if (tally->last != NULL && slice_is(top, tally->last->role)) {
        return tally->last;
    }
    struct role_entry *entry = find(tally, top);
    if (entry == NULL) {
        entry = xalloc(sizeof(*entry));
        entry->role = xstrndup(top.data, top.size);
        map_add(&tally->entries, &entry->by_role);
    }
    tally->last = entry;
    return entry;
}

static void count(struct quantities *sum, const struct resource *one, bool add,
                  struct resource_names *names)
{
    if (add) {
        quantities_add_resource(sum, one, names);
    } else {
        struct quantities amount = QUANTITIES_INIT;
        quantities_add_resource(&amount, one, names);
        quantities_subtract(sum, &amount);
        quantities_deinit(&amount);
    }
}

static void tidy(struct role_tally *tally, struct role_entry *entry)
{
    if (quantities_is_empty(&entry->used) && quantities_is_empty(&entry->reserved) &&
        quantities_is_empty(&entry->reserved_used)) {
        entry_free(tally, entry);
    }
}

void master_role_tally_use(struct role_tally *tally, const struct resources *resources, bool add,
                           struct resource_names *names)
{
    for (uint32_t i = 0; i < resources->count; i++) {
        const struct resource *one = &resources->items[i];
        if (one->kind->has_allocation) {
            struct role_entry *entry = entry_of(tally, one->kind->allocation_role);
            count(&entry->used, one, add, names);
            tidy(tally, entry);
        }
        if (resource_is_reserved(one)) {
            struct role_entry *entry = entry_of(tally, resource_reservation_role(one));
            count(&entry->reserved_used, one, add, names);
            tidy(tally, entry);
        }
    }
}

void master_role_tally_total(struct role_tally *tally, const struct resources *total, bool add,
                             struct resource_names *names)
{
    for (uint32_t i = 0; i < total->count; i++) {
        const struct resource *one = &total->items[i];
        if (!one->kind->is_revocable && one->kind->type == VALUE_SCALAR) {
            count(&tally->capacity, one, add, names);
        }
        if (resource_is_reserved(one)) {
            struct role_entry *entry = entry_of(tally, resource_reservation_role(one));
            count(&entry->reserved, one, add, names);
            tidy(tally, entry);
        }
    }
}

void master_role_tally_consumed(const struct role_tally *tally, struct slice role,
                                struct quantities *ret_consumed)
{
    const struct role_entry *entry = find(tally, role);
    *ret_consumed = QUANTITIES_INIT;
    if (entry != NULL) {
        quantities_add(ret_consumed, &entry->reserved);
        quantities_subtract(ret_consumed, &entry->reserved_used);
        quantities_add(ret_consumed, &entry->used);
    }
}
