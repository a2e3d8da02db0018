/* Selections of resources: by predicate, by role, by amount. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "resources/resources.h"

void resources_filter(const struct resources *r, resource_predicate_fn predicate, const void *arg,
                      struct resources *ret_selected)
{
    struct resources selected = RESOURCES_INIT;
    for (uint32_t i = 0; i < r->count; i++) {
        if (!predicate(&r->items[i], arg)) {
            continue;
        }
        if (selected.items == NULL) {
            selected.capacity = r->count - i;
            selected.items = xrealloc(NULL, selected.capacity, sizeof(selected.items[0]));
        }
        /* Entries are combined already: no need to search. */
        selected.items[selected.count++] = resource_copy(&r->items[i]);
    }
    *ret_selected = selected;
}

static bool is_reserved(const struct resource *r, UNUSED const void *arg)
{
    return resource_is_reserved(r);
}

void resources_reserved(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_reserved, NULL, ret_selected);
}

static bool is_reserved_to(const struct resource *r, const void *arg)
{
    const struct slice *role = arg;
    return resource_is_reserved_to(r, *role);
}

void resources_reserved_to(const struct resources *r, struct slice role,
                           struct resources *ret_selected)
{
    resources_filter(r, is_reserved_to, &role, ret_selected);
}

static bool is_reserved_within(const struct resource *r, const void *arg)
{
    const struct slice *role = arg;
    return resource_is_reserved_within(r, *role);
}

void resources_reserved_within(const struct resources *r, struct slice role,
                               struct resources *ret_selected)
{
    resources_filter(r, is_reserved_within, &role, ret_selected);
}

static bool is_unreserved(const struct resource *r, UNUSED const void *arg)
{
    return !resource_is_reserved(r);
}

void resources_unreserved(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_unreserved, NULL, ret_selected);
}

static bool is_allocatable_to(const struct resource *r, const void *arg)
{
    const struct slice *role = arg;
    return resource_is_allocatable_to(r, *role);
}

void resources_allocatable_to(const struct resources *r, struct slice role,
                              struct resources *ret_selected)
{
    resources_filter(r, is_allocatable_to, &role, ret_selected);
}

static bool is_allocated_within(const struct resource *r, const void *arg)
{
    const struct slice *role = arg;
    return resource_is_allocated_within(r, *role);
}

void resources_allocated_within(const struct resources *r, struct slice role,
                                struct resources *ret_selected)
{
    resources_filter(r, is_allocated_within, &role, ret_selected);
}

static bool is_persistent_volume(const struct resource *r, UNUSED const void *arg)
{
    return resource_is_persistent_volume(r);
}

void resources_persistent_volumes(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_persistent_volume, NULL, ret_selected);
}

static bool is_revocable(const struct resource *r, UNUSED const void *arg)
{
    return r->kind->is_revocable;
}

void resources_revocable(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_revocable, NULL, ret_selected);
}

static bool is_nonrevocable(const struct resource *r, UNUSED const void *arg)
{
    return !r->kind->is_revocable;
}

void resources_nonrevocable(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_nonrevocable, NULL, ret_selected);
}

static bool is_shared(const struct resource *r, UNUSED const void *arg)
{
    return r->kind->is_shared;
}

void resources_shared(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_shared, NULL, ret_selected);
}

static bool is_nonshared(const struct resource *r, UNUSED const void *arg)
{
    return !r->kind->is_shared;
}

void resources_nonshared(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_nonshared, NULL, ret_selected);
}

static bool is_scalar(const struct resource *r, UNUSED const void *arg)
{
    return r->kind->type == VALUE_SCALAR;
}

void resources_scalars(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, is_scalar, NULL, ret_selected);
}

static bool is_named(const struct resource *r, const void *arg)
{
    const struct slice *name = arg;
    return resource_is_named(r, *name);
}

void resources_named(const struct resources *r, struct slice name, struct resources *ret_selected)
{
    resources_filter(r, is_named, &name, ret_selected);
}

static bool needs_checkpoint(const struct resource *r, UNUSED const void *arg)
{
    return resource_needs_checkpoint(r);
}

void resources_checkpointed(const struct resources *r, struct resources *ret_selected)
{
    resources_filter(r, needs_checkpoint, NULL, ret_selected);
}

/* --- by role --- */

void resources_by_role_deinit(struct resources_by_role *by_role)
{
    for (size_t i = 0; i < by_role->count; i++) {
        resources_deinit(&by_role->items[i].resources);
    }
    free(by_role->items);
    *by_role = (struct resources_by_role){0};
}

/* The place of the role, or where it belongs. */
static size_t role_place(const struct resources_by_role *by_role, struct slice role)
{
    size_t low = 0;
    size_t high = by_role->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare(by_role->items[middle].role, role) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct resources *resources_by_role_find(const struct resources_by_role *by_role,
                                               struct slice role)
{
    size_t place = role_place(by_role, role);
    bool is_there = place < by_role->count && slice_equal(by_role->items[place].role, role);
    return is_there ? &by_role->items[place].resources : NULL;
}

static void add_to_role(struct resources_by_role *by_role, struct slice role,
                        const struct resource *one)
{
    size_t place = role_place(by_role, role);
    if (place == by_role->count || !slice_equal(by_role->items[place].role, role)) {
        by_role->items = xrealloc(by_role->items, by_role->count + 1, sizeof(by_role->items[0]));
        for (size_t i = by_role->count; i > place; i--) {
            by_role->items[i] = by_role->items[i - 1];
        }
        by_role->count++;
        /* The text belongs to a kind that the entry's copy holds. */
        by_role->items[place] = (struct resources_of_role){.role = role};
    }
    resources_add_one(&by_role->items[place].resources, one);
}

void resources_reservations(const struct resources *r, struct resources_by_role *ret_by_role)
{
    struct resources_by_role by_role = {0};
    for (uint32_t i = 0; i < r->count; i++) {
        if (resource_is_reserved(&r->items[i])) {
            add_to_role(&by_role, resource_reservation_role(&r->items[i]), &r->items[i]);
        }
    }
    *ret_by_role = by_role;
}

void resources_allocations(const struct resources *r, struct resources_by_role *ret_by_role)
{
    struct resources_by_role by_role = {0};
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource_kind *kind = r->items[i].kind;
        ASSERT(kind->has_allocation && kind->allocation_role.data != NULL);
        add_to_role(&by_role, kind->allocation_role, &r->items[i]);
    }
    *ret_by_role = by_role;
}

/* --- finding --- */

/* Where a target is looked for, in this order. */
enum find_stage { FIND_OWN_ROLE, FIND_UNRESERVED, FIND_ANY, FIND_STAGES };

static bool is_in_stage(const struct resource *one, const struct resource *target,
                        enum find_stage stage)
{
    switch (stage) {
    case FIND_OWN_ROLE:
        return resource_is_reserved(target) &&
               resource_is_reserved_to(one, resource_reservation_role(target));
    case FIND_UNRESERVED:
        return !resource_is_reserved(one);
    case FIND_ANY:
        return true;
    case FIND_STAGES:
        break;
    }
    WRONG("no such stage");
}

static struct resource unreserved_copy(const struct resource *one)
{
    struct resource copy = resource_copy(one);
    resource_set_kind(&copy, resource_kind_with_reservations(one->kind, 0, NULL));
    return copy;
}

/* Moves what it takes of `one` from *remaining to *found; true when nothing remains. */
static bool take_part(const struct resource *one, struct resource *remaining,
                      struct resources *found)
{
    struct resource plain = unreserved_copy(one);
    bool is_done = resource_contain(&plain, remaining);
    struct resource part = resource_copy(one);
    if (is_done) {
        struct resource rest = resource_copy(remaining);
        resource_set_kind(&rest, resource_kind_ref(one->kind));
        resources_add_take(found, rest);
    } else if (resource_contain(remaining, &plain)) {
        resources_add_one(found, &part);
        resource_subtract_value(remaining, &plain);
    }
    resource_deinit(&part);
    resource_deinit(&plain);
    return is_done;
}

static bool find_one(const struct resources *r, const struct resource *target,
                     struct resources *found)
{
    struct resources left;
    struct resource remaining = unreserved_copy(target);
    bool is_done = false;
    resources_copy(r, &left);
    for (enum find_stage stage = FIND_OWN_ROLE; stage < FIND_STAGES && !is_done; stage++) {
        for (uint32_t i = 0; i < left.count && !is_done; i++) {
            if (is_in_stage(&left.items[i], target, stage)) {
                struct resources taken = RESOURCES_INIT;
                is_done = take_part(&left.items[i], &remaining, &taken);
                resources_add(found, &taken);
                if (!resources_is_empty(&taken) && !is_done) {
                    /* The whole entry was taken: another one is in its place now. */
                    resources_subtract(&left, &taken);
                    i--;
                }
                resources_deinit(&taken);
            }
        }
    }
    resource_deinit(&remaining);
    resources_deinit(&left);
    return is_done;
}

bool resources_find(const struct resources *r, const struct resources *targets,
                    struct resources *ret_found)
{
    struct resources found = RESOURCES_INIT;
    struct resources left;
    bool is_found = true;
    resources_copy(r, &left);
    for (uint32_t i = 0; i < targets->count && is_found; i++) {
        struct resources part = RESOURCES_INIT;
        is_found = find_one(&left, &targets->items[i], &part);
        resources_add(&found, &part);
        resources_subtract(&left, &part);
        resources_deinit(&part);
    }
    resources_deinit(&left);
    if (!is_found) {
        resources_deinit(&found);
        return false;
    }
    *ret_found = found;
    return true;
}

/* --- cutting --- */

/* Places 0 .. count-1 in the order in which they are tried. */
static uint32_t *order_of_trial(uint32_t count, struct prng *prng)
{
    uint32_t *order = xcalloc((size_t)count + 1, sizeof(*order));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = prng != NULL ? (uint32_t)prng_below(prng, (uint64_t)i + 1) : i;
        order[i] = order[other];
        order[other] = i;
    }
    return order;
}

/* Cuts a copy of the entry down to what is left of `bound`; false if nothing of it may stay. */
static bool shrink_copy(const struct resource *one, int64_t bound, struct resource *ret_copy)
{
    struct resource copy = resource_copy(one);
    bool stays = bound > 0;
    switch (one->kind->type) {
    case VALUE_SCALAR:
        stays = stays && resource_shrink(&copy, bound);
        break;
    case VALUE_RANGES:
        stays = stays && scalar_from_count(ranges_size(copy.value.ranges)) <= bound;
        break;
    case VALUE_SET:
        stays = stays && scalar_from_count(item_set_count(copy.value.items)) <= bound;
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    if (!stays) {
        resource_deinit(&copy);
        return false;
    }
    *ret_copy = copy;
    return true;
}

static uint32_t name_of(const struct resource *one, struct resource_names *names)
{
    return one->kind->common_name != RESOURCE_NAME_NONE
               ? one->kind->common_name
               : resource_names_find(names, one->kind->name);
}

void resources_shrink(const struct resources *r, const struct quantities *target,
                      struct resource_names *names, struct prng *prng, struct resources *ret_shrunk)
{
    struct resources shrunk = RESOURCES_INIT;
    struct quantities left;
    quantities_copy(target, &left);
    uint32_t *order = order_of_trial(r->count, prng);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[order[i]];
        struct resource copy;
        if (shrink_copy(one, quantities_get(&left, name_of(one, names)), &copy)) {
            struct quantities used = QUANTITIES_INIT;
            quantities_add_resource(&used, &copy, names);
            quantities_subtract(&left, &used);
            quantities_deinit(&used);
            resources_add_take(&shrunk, copy);
        }
    }
    free(order);
    quantities_deinit(&left);
    *ret_shrunk = shrunk;
}

void resources_shrink_to_limits(const struct resources *r, const struct resource_limits *limits,
                                struct resource_names *names, struct prng *prng,
                                struct resources *ret_shrunk)
{
    struct resources shrunk = RESOURCES_INIT;
    struct resource_limits left;
    resource_limits_copy(limits, &left);
    uint32_t *order = order_of_trial(r->count, prng);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[order[i]];
        int64_t bound = resource_limits_get(&left, name_of(one, names));
        struct resource copy;
        if (bound == RESOURCE_LIMIT_NONE) {
            resources_add_one(&shrunk, one);
        } else if (shrink_copy(one, bound, &copy)) {
            struct quantities used = QUANTITIES_INIT;
            quantities_add_resource(&used, &copy, names);
            resource_limits_subtract(&left, &used);
            quantities_deinit(&used);
            resources_add_take(&shrunk, copy);
        }
    }
    free(order);
    resource_limits_deinit(&left);
    *ret_shrunk = shrunk;
}
