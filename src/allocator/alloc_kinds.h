/*
 * A role's cache of kinds of resources: the same kind with and without the role as its allocation.
 * Offering and recovering turn one into the other for every entry; nearly all entries are of a few
 * kinds.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_KINDS_H
#define TEPUI_ALLOCATOR_ALLOC_KINDS_H

#include "resources/resources.h"

#define ALLOC_KINDS_SLOTS 16 /* a power of two */

struct alloc_kinds_pair {
    const struct resource_kind *from; /* owned reference; NULL = free */
    const struct resource_kind *to;   /* owned reference */
};

struct alloc_kinds {
    struct alloc_kinds_pair allocated[ALLOC_KINDS_SLOTS]; /* by the hash of the plain kind */
    struct alloc_kinds_pair plain[ALLOC_KINDS_SLOTS];     /* by the hash of the allocated kind */
};

void alloc_kinds_deinit(struct alloc_kinds *kinds);
/* Replaces the kinds of all entries, which are without allocation. */
void alloc_kinds_allocate(struct alloc_kinds *kinds, struct slice role, struct resource_kinds *pool,
                          struct resources *r);
/* Adds the entries without their allocation to *to. Shared ones only if with_shared. */
void alloc_kinds_add_plain(struct alloc_kinds *kinds, struct resource_kinds *pool,
                           const struct resources *r, bool with_shared, struct resources *to);

#endif
