#include "resources/resource.h"

#include "resources/scalar.h"

struct resource resource_make_scalar(const struct resource_kind *kind, int64_t scalar)
{
    ASSERT(kind->type == VALUE_SCALAR);
    return (struct resource){.kind = kind, .hash = kind->hash, .shares = 1, .value.scalar = scalar};
}

struct resource resource_make_ranges(const struct resource_kind *kind, const struct ranges *ranges)
{
    ASSERT(kind->type == VALUE_RANGES);
    return (struct resource){.kind = kind, .hash = kind->hash, .shares = 1, .value.ranges = ranges};
}

struct resource resource_make_set(const struct resource_kind *kind, const struct item_set *items)
{
    ASSERT(kind->type == VALUE_SET);
    return (struct resource){.kind = kind, .hash = kind->hash, .shares = 1, .value.items = items};
}

struct resource resource_copy(const struct resource *r)
{
    resource_kind_ref(r->kind);
    switch (r->kind->type) {
    case VALUE_SCALAR:
        break;
    case VALUE_RANGES:
        ranges_ref(r->value.ranges);
        break;
    case VALUE_SET:
        item_set_ref(r->value.items);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    return *r;
}

void resource_deinit(struct resource *r)
{
    if (r->kind == NULL) {
        return;
    }
    switch (r->kind->type) {
    case VALUE_SCALAR:
        break;
    case VALUE_RANGES:
        ranges_unref(r->value.ranges);
        break;
    case VALUE_SET:
        item_set_unref(r->value.items);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    resource_kind_unref(r->kind);
    *r = (struct resource){0};
}

void resource_set_kind(struct resource *r, const struct resource_kind *kind)
{
    ASSERT(r->kind->type == kind->type);
    resource_kind_unref(r->kind);
    r->kind = kind;
    r->hash = kind->hash;
}

static bool same_kind(const struct resource *a, const struct resource *b)
{
    return a->hash == b->hash && resource_kind_equal(a->kind, b->kind);
}

bool resource_value_equal(const struct resource *a, const struct resource *b)
{
    ASSERT(a->kind->type == b->kind->type);
    switch (a->kind->type) {
    case VALUE_SCALAR:
        return a->value.scalar == b->value.scalar;
    case VALUE_RANGES:
        return ranges_equal(a->value.ranges, b->value.ranges);
    case VALUE_SET:
        return item_set_equal(a->value.items, b->value.items);
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

bool resource_equal(const struct resource *a, const struct resource *b)
{
    return same_kind(a, b) && resource_value_equal(a, b);
}

bool resource_is_empty(const struct resource *r)
{
    switch (r->kind->type) {
    case VALUE_SCALAR:
        return r->value.scalar == 0 || r->shares == 0;
    case VALUE_RANGES:
        return r->value.ranges == NULL || r->shares == 0;
    case VALUE_SET:
        return r->value.items == NULL || r->shares == 0;
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

bool resource_contain(const struct resource *a, const struct resource *b)
{
    if (!resource_is_subtractable(a, b)) {
        return false;
    }
    if (a->kind->is_shared) {
        return a->shares >= b->shares;
    }
    switch (a->kind->type) {
    case VALUE_SCALAR:
        return a->value.scalar >= b->value.scalar;
    case VALUE_RANGES:
        return ranges_contain(a->value.ranges, b->value.ranges);
    case VALUE_SET:
        return item_set_contain(a->value.items, b->value.items);
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

bool resource_is_addable(const struct resource *a, const struct resource *b)
{
    if (!same_kind(a, b)) {
        return false;
    }
    /* Copies of one shared volume are counted; two exclusive disks stay two. */
    return a->kind->is_shared ? resource_value_equal(a, b) : !a->kind->is_exclusive;
}

bool resource_is_subtractable(const struct resource *a, const struct resource *b)
{
    if (!same_kind(a, b)) {
        return false;
    }
    bool only_whole = a->kind->is_shared || a->kind->is_exclusive;
    return !only_whole || resource_value_equal(a, b);
}

void resource_add_value(struct resource *a, const struct resource *b)
{
    const struct ranges *ranges;
    const struct item_set *items;
    ASSERT(a->kind->type == b->kind->type);
    if (a->kind->is_shared) {
        a->shares = MIN(a->shares, INT32_MAX - b->shares) + b->shares;
        return;
    }
    switch (a->kind->type) {
    case VALUE_SCALAR:
        a->value.scalar = scalar_add(a->value.scalar, b->value.scalar);
        return;
    case VALUE_RANGES:
        ranges = ranges_add(a->value.ranges, b->value.ranges);
        ranges_unref(a->value.ranges);
        a->value.ranges = ranges;
        return;
    case VALUE_SET:
        items = item_set_add(a->value.items, b->value.items);
        item_set_unref(a->value.items);
        a->value.items = items;
        return;
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

void resource_subtract_value(struct resource *a, const struct resource *b)
{
    const struct ranges *ranges;
    const struct item_set *items;
    ASSERT(a->kind->type == b->kind->type);
    if (a->kind->is_shared) {
        a->shares = MAX(a->shares - b->shares, 0);
        return;
    }
    switch (a->kind->type) {
    case VALUE_SCALAR:
        a->value.scalar = scalar_subtract(a->value.scalar, b->value.scalar);
        return;
    case VALUE_RANGES:
        ranges = ranges_subtract(a->value.ranges, b->value.ranges);
        ranges_unref(a->value.ranges);
        a->value.ranges = ranges;
        return;
    case VALUE_SET:
        items = item_set_subtract(a->value.items, b->value.items);
        item_set_unref(a->value.items);
        a->value.items = items;
        return;
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

bool resource_shrink(struct resource *r, int64_t target)
{
    ASSERT(r->kind->type == VALUE_SCALAR);
    if (r->value.scalar <= target) {
        return true;
    }
    if (r->kind->is_exclusive || r->kind->is_shared) {
        return false;
    }
    r->value.scalar = target;
    return true;
}

void resource_format(const struct resource *r, bool with_shares, struct buf *out)
{
    resource_kind_format(r->kind, out);
    buf_append_byte(out, ':');
    switch (r->kind->type) {
    case VALUE_SCALAR:
        scalar_format(r->value.scalar, out);
        break;
    case VALUE_RANGES:
        ranges_format(r->value.ranges, out);
        break;
    case VALUE_SET:
        item_set_format(r->value.items, out);
        break;
    case VALUE_TEXT:
        WRONG("a resource with a text");
    }
    if (with_shares && r->kind->is_shared) {
        buf_printf(out, "<%d>", r->shares);
    }
}

const struct resource_reservation *resource_reservation(const struct resource *r)
{
    ASSERT(r->kind->reservation_count != 0);
    return &r->kind->reservations[r->kind->reservation_count - 1];
}

struct slice resource_reservation_role(const struct resource *r)
{
    return resource_reservation(r)->role;
}

bool resource_is_reserved_to(const struct resource *r, struct slice role)
{
    return resource_is_reserved(r) && slice_equal(resource_reservation_role(r), role);
}

bool resource_is_dynamically_reserved(const struct resource *r)
{
    return resource_is_reserved(r) && resource_reservation(r)->type == RESERVATION_DYNAMIC;
}

bool resource_is_allocatable_to(const struct resource *r, struct slice role)
{
    return !resource_is_reserved(r) || role_is_within(role, resource_reservation_role(r));
}

bool resource_is_reserved_within(const struct resource *r, struct slice role)
{
    return resource_is_reserved(r) && role_is_within(resource_reservation_role(r), role);
}

bool resource_is_allocated_within(const struct resource *r, struct slice role)
{
    return role_is_within(r->kind->allocation_role, role);
}

bool resource_needs_checkpoint(const struct resource *r)
{
    return !resource_has_provider(r) &&
           (resource_is_dynamically_reserved(r) || resource_is_persistent_volume(r));
}
