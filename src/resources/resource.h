/*
 * One resource: a kind and how much of it.
 */
#ifndef TEPUI_RESOURCES_RESOURCE_H
#define TEPUI_RESOURCES_RESOURCE_H

#include "resources/resource_kind.h"
#include "resources/roles.h"

struct resource {
    const struct resource_kind *kind; /* owned reference */
    uint32_t hash;                    /* kind->hash, at hand for searches */
    int32_t shares;                   /* copies of a shared resource; 1 for others */
    union {
        int64_t scalar;               /* VALUE_SCALAR: thousandths */
        const struct ranges *ranges;  /* VALUE_RANGES: owned reference */
        const struct item_set *items; /* VALUE_SET: owned reference */
    } value;                          /* by kind->type */
};

/* Take over the references they are given. */
struct resource resource_make_scalar(const struct resource_kind *kind, int64_t scalar);
struct resource resource_make_ranges(const struct resource_kind *kind, const struct ranges *ranges);
struct resource resource_make_set(const struct resource_kind *kind, const struct item_set *items);
struct resource resource_copy(const struct resource *r);
void resource_deinit(struct resource *r);
/* Replaces the kind; takes over the reference. The type must be the same. */
void resource_set_kind(struct resource *r, const struct resource_kind *kind);

/* Same kind and same value; copies of shared resources are not counted. */
bool resource_equal(const struct resource *a, const struct resource *b);
bool resource_value_equal(const struct resource *a, const struct resource *b);
/* Nothing: zero, no ranges, no items, no shares. */
bool resource_is_empty(const struct resource *r);
/* Is b, of the same kind, covered by a? Exclusive disks only as a whole. */
bool resource_contain(const struct resource *a, const struct resource *b);
/* Would the sum, or the difference, be one valid resource? */
bool resource_is_addable(const struct resource *a, const struct resource *b);
bool resource_is_subtractable(const struct resource *a, const struct resource *b);
/* Values only; the kinds are the same, or the caller's business. */
void resource_add_value(struct resource *a, const struct resource *b);
void resource_subtract_value(struct resource *a, const struct resource *b);
/* Cuts a scalar down to `target`; false if it cannot be cut (a MOUNT disk ...). */
bool resource_shrink(struct resource *r, int64_t target);

/* "cpus(allocated: a):2.5", and "<3>" behind a shared one if with_shares. */
void resource_format(const struct resource *r, bool with_shares, struct buf *out);

/* --- what it is like --- */

static inline bool resource_is_named(const struct resource *r, struct slice name)
{
    return slice_equal(r->kind->name, name);
}

static inline bool resource_is_persistent_volume(const struct resource *r)
{
    return r->kind->has_disk && r->kind->disk->persistence_id.data != NULL;
}

static inline bool resource_is_disk_of(const struct resource *r, enum disk_source source)
{
    return r->kind->has_disk && r->kind->disk->has_source && r->kind->disk->source == source;
}

static inline bool resource_is_reserved(const struct resource *r)
{
    return r->kind->reservation_count > 0;
}

static inline bool resource_has_refined_reservations(const struct resource *r)
{
    return r->kind->reservation_count > 1;
}

static inline bool resource_has_provider(const struct resource *r)
{
    return r->kind->provider_id.data != NULL;
}

/* The last reservation: the one that counts. Reserved resources only (asserts). */
const struct resource_reservation *resource_reservation(const struct resource *r);
struct slice resource_reservation_role(const struct resource *r);
bool resource_is_reserved_to(const struct resource *r, struct slice role);
bool resource_is_dynamically_reserved(const struct resource *r);
/* Unreserved, or reserved to the role or one of its ancestors. */
bool resource_is_allocatable_to(const struct resource *r, struct slice role);
/* To the role or one of its descendants. */
bool resource_is_reserved_within(const struct resource *r, struct slice role);
bool resource_is_allocated_within(const struct resource *r, struct slice role);
/* Dynamically reserved or a persistent volume, and the agent's own: written to its disk. */
bool resource_needs_checkpoint(const struct resource *r);

#endif
