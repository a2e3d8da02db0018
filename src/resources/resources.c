#include "resources/resources.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define NOT_FOUND UINT32_MAX

/* --- the vector --- */

static void reserve(struct resources *r, uint32_t count)
{
    if (count > r->capacity) {
        r->capacity = MAX(count, r->capacity * 2);
        r->items = xrealloc(r->items, r->capacity, sizeof(r->items[0]));
    }
}

static void append(struct resources *r, struct resource one)
{
    reserve(r, r->count + 1);
    r->items[r->count++] = one;
}

/* Order has no meaning: the last entry fills the gap. */
static void remove_at(struct resources *r, uint32_t place)
{
    resource_deinit(&r->items[place]);
    r->items[place] = r->items[--r->count];
}

void resources_clear(struct resources *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        resource_deinit(&r->items[i]);
    }
    r->count = 0;
}

void resources_deinit(struct resources *r)
{
    resources_clear(r);
    free(r->items);
    *r = RESOURCES_INIT;
}

void resources_copy(const struct resources *r, struct resources *ret_copy)
{
    struct resources copy = RESOURCES_INIT;
    reserve(&copy, r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        copy.items[i] = resource_copy(&r->items[i]);
    }
    copy.count = r->count;
    *ret_copy = copy;
}

struct resources resources_take(struct resources *from)
{
    struct resources taken = *from;
    *from = RESOURCES_INIT;
    return taken;
}

void resources_intern(struct resources *r, struct resource_kinds *pool)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct resource *one = &r->items[i];
        resource_set_kind(one, resource_kind_make(one->kind, pool));
    }
}

/* --- arithmetic --- */

typedef bool (*pair_fn)(const struct resource *a, const struct resource *b);

/* The first entry from `hint` on, going round, that fits. Vectors that were made alike have their
 * entries in the same order, so the hint is nearly always right. */
static uint32_t find_from(const struct resources *r, uint32_t hint, const struct resource *one,
                          pair_fn fits)
{
    for (uint32_t i = hint; i < r->count; i++) {
        if (r->items[i].hash == one->hash && fits(&r->items[i], one)) {
            return i;
        }
    }
    for (uint32_t i = 0; i < MIN(hint, r->count); i++) {
        if (r->items[i].hash == one->hash && fits(&r->items[i], one)) {
            return i;
        }
    }
    return NOT_FOUND;
}

/* Returns where the search for the next one should begin. */
static uint32_t add_from(struct resources *a, uint32_t hint, const struct resource *b)
{
    if (resource_is_empty(b)) {
        return hint;
    }
    bool stays_apart = b->kind->is_exclusive && !b->kind->is_shared;
    uint32_t at = stays_apart ? NOT_FOUND : find_from(a, hint, b, resource_is_addable);
    if (at == NOT_FOUND) {
        append(a, resource_copy(b));
        return a->count;
    }
    resource_add_value(&a->items[at], b);
    return at + 1;
}

void resources_add_one(struct resources *a, const struct resource *b)
{
    add_from(a, 0, b);
}

void resources_add_take(struct resources *a, struct resource b)
{
    if (!resource_is_empty(&b)) {
        bool stays_apart = b.kind->is_exclusive && !b.kind->is_shared;
        uint32_t at = stays_apart ? NOT_FOUND : find_from(a, 0, &b, resource_is_addable);
        if (at == NOT_FOUND) {
            append(a, b);
            return;
        }
        resource_add_value(&a->items[at], &b);
    }
    resource_deinit(&b);
}

void resources_add(struct resources *a, const struct resources *b)
{
    if (a == b) {
        struct resources copy;
        resources_copy(b, &copy);
        resources_add(a, &copy);
        resources_deinit(&copy);
        return;
    }
    reserve(a, MAX(a->count, b->count));
    uint32_t hint = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        hint = add_from(a, hint, &b->items[i]);
    }
}

static uint32_t subtract_from(struct resources *a, uint32_t hint, const struct resource *b)
{
    if (resource_is_empty(b)) {
        return hint;
    }
    uint32_t at = find_from(a, hint, b, resource_is_subtractable);
    if (at == NOT_FOUND) {
        return hint;
    }
    struct resource *left = &a->items[at];
    if (left->kind->is_exclusive && !left->kind->is_shared) {
        remove_at(a, at); /* equal: a whole disk */
        return at;
    }
    resource_subtract_value(left, b);
    bool is_negative = left->kind->type == VALUE_SCALAR && left->value.scalar < 0;
    if (is_negative || resource_is_empty(left)) {
        remove_at(a, at);
        return at;
    }
    return at + 1;
}

void resources_subtract_one(struct resources *a, const struct resource *b)
{
    subtract_from(a, 0, b);
}

void resources_subtract(struct resources *a, const struct resources *b)
{
    if (a == b) {
        resources_clear(a);
        return;
    }
    uint32_t hint = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        hint = subtract_from(a, hint, &b->items[i]);
    }
}

/* How many of the first `count` entries equal `one`. */
static size_t count_equal(const struct resources *r, uint32_t count, const struct resource *one)
{
    size_t equal = 0;
    for (uint32_t i = 0; i < count; i++) {
        equal += r->items[i].hash == one->hash && resource_equal(&r->items[i], one);
    }
    return equal;
}

bool resources_contain(const struct resources *a, const struct resources *b)
{
    uint32_t hint = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct resource *one = &b->items[i];
        uint32_t at = find_from(a, hint, one, resource_contain);
        if (at == NOT_FOUND) {
            return false;
        }
        hint = at + 1;
        /* The same whole disk twice needs two of them. */
        if (one->kind->is_exclusive && !one->kind->is_shared) {
            size_t wanted = count_equal(b, i + 1, one);
            if (wanted > 1 && count_equal(a, a->count, one) < wanted) {
                return false;
            }
        }
    }
    return true;
}

bool resources_contain_one(const struct resources *a, const struct resource *b)
{
    return find_from(a, 0, b, resource_contain) != NOT_FOUND;
}

bool resources_contain_quantities(const struct resources *r, const struct quantities *q,
                                  struct resource_names *names)
{
    struct quantities all = QUANTITIES_INIT;
    quantities_add_resources(&all, r, names);
    bool is_contained = quantities_contain(&all, q);
    quantities_deinit(&all);
    return is_contained;
}

bool resources_equal(const struct resources *a, const struct resources *b)
{
    return a->count == b->count && resources_contain(a, b) && resources_contain(b, a);
}

size_t resources_count_of(const struct resources *r, const struct resource *one)
{
    uint32_t at = find_from(r, 0, one, resource_equal);
    if (at == NOT_FOUND) {
        return 0;
    }
    return r->items[at].kind->is_shared ? (size_t)r->items[at].shares : 1;
}

static bool kinds_fit(const struct resource *a, const struct resource *b)
{
    return resource_kind_equal(a->kind, b->kind);
}

const struct resource *resources_match(const struct resources *r, const struct resource *one)
{
    uint32_t at = find_from(r, 0, one, kinds_fit);
    return at != NOT_FOUND ? &r->items[at] : NULL;
}

/* --- changes of kind --- */

/* Entries whose kinds became equal are combined. */
static void combine(struct resources *r)
{
    struct resources combined = RESOURCES_INIT;
    reserve(&combined, r->count);
    for (uint32_t i = 0; i < r->count; i++) {
        resources_add_take(&combined, r->items[i]);
    }
    free(r->items);
    *r = combined;
}

void resources_allocate(struct resources *r, struct slice role, struct resource_kinds *pool)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct resource *one = &r->items[i];
        resource_set_kind(one, resource_kind_allocated(one->kind, role, pool));
    }
    combine(r);
}

void resources_unallocate(struct resources *r, struct resource_kinds *pool)
{
    for (uint32_t i = 0; i < r->count; i++) {
        struct resource *one = &r->items[i];
        resource_set_kind(one, resource_kind_unallocated(one->kind, pool));
    }
    combine(r);
}

/* Adds a copy of the entry with another kind (the reference is taken over). */
static void add_as(struct resources *to, const struct resource *one,
                   const struct resource_kind *kind)
{
    struct resource changed = resource_copy(one);
    resource_set_kind(&changed, kind);
    resources_add_take(to, changed);
}

void resources_pop_reservation(const struct resources *r, struct resources *ret_popped)
{
    struct resources popped = RESOURCES_INIT;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        uint32_t count = one->kind->reservation_count;
        ASSERT(count != 0);
        add_as(&popped, one, resource_kind_with_reservations(one->kind, count - 1, NULL));
    }
    *ret_popped = popped;
}

void resources_push_reservation(const struct resources *r,
                                const struct resource_reservation *reservation,
                                struct resources *ret_pushed)
{
    struct resources pushed = RESOURCES_INIT;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        add_as(&pushed, one, resource_kind_with_pushed(one->kind, reservation, NULL));
    }
    *ret_pushed = pushed;
}

void resources_to_unreserved(const struct resources *r, struct resources *ret_unreserved)
{
    struct resources unreserved = RESOURCES_INIT;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        add_as(&unreserved, one, resource_kind_with_reservations(one->kind, 0, NULL));
    }
    *ret_unreserved = unreserved;
}

void resources_strip(const struct resources *r, struct resources *ret_stripped)
{
    struct resources stripped = RESOURCES_INIT;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        if (one->kind->type == VALUE_SCALAR) {
            struct resource_kind draft = {.name = one->kind->name, .type = VALUE_SCALAR};
            const struct resource_kind *kind = resource_kind_make(&draft, NULL);
            resources_add_take(&stripped, resource_make_scalar(kind, one->value.scalar));
        }
    }
    *ret_stripped = stripped;
}

/* --- values over all entries of a name --- */

bool resources_get_scalar(const struct resources *r, struct slice name, int64_t *ret_scalar)
{
    int64_t sum = 0;
    bool any = false;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        if (one->kind->type == VALUE_SCALAR && slice_equal(one->kind->name, name)) {
            sum = scalar_add(sum, one->value.scalar);
            any = true;
        }
    }
    if (any) {
        *ret_scalar = sum;
    }
    return any;
}

const struct ranges *resources_get_ranges(const struct resources *r, struct slice name)
{
    const struct ranges *sum = NULL;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        if (one->kind->type == VALUE_RANGES && slice_equal(one->kind->name, name)) {
            const struct ranges *more = ranges_add(sum, one->value.ranges);
            ranges_unref(sum);
            sum = more;
        }
    }
    return sum;
}

const struct item_set *resources_get_set(const struct resources *r, struct slice name)
{
    const struct item_set *sum = NULL;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource *one = &r->items[i];
        if (one->kind->type == VALUE_SET && slice_equal(one->kind->name, name)) {
            const struct item_set *more = item_set_add(sum, one->value.items);
            item_set_unref(sum);
            sum = more;
        }
    }
    return sum;
}
