/*
 * A framework: what it is capable of, the roles it is in (its clients), and what it holds.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_FRAMEWORK_H
#define TEPUI_ALLOCATOR_ALLOC_FRAMEWORK_H

#include "allocator/alloc_client.h"
#include "common/list.h"
#include "tepui/allocator.h"

struct alloc_framework {
    uint32_t id;
    uint32_t capabilities; /* ALLOCATOR_* */
    bool is_active;
    allocator_constraint_fn *constraint; /* NULL = none */
    const void *constraint_arg;
    struct alloc_client **clients; /* heap */
    uint32_t client_count;
    uint32_t client_capacity;
    struct list held;     /* alloc_held.of_framework */
    uint32_t batch_count; /* its offers in the run under way */
    uint32_t batch_place; /* where its next offer goes in the batch */
};

struct alloc_framework *alloc_framework_find(const struct alloc *a, uint32_t id);
/* With roles and all, but without what it holds. */
struct alloc_framework *alloc_framework_new(struct alloc *a, uint32_t id,
                                            const struct allocator_framework *info);
/* Holds nothing any more (asserts). */
void alloc_framework_free(struct alloc *a, struct alloc_framework *framework);
/* Where what it holds is listed before it is known. */
struct list *alloc_framework_orphans(struct alloc *a, uint32_t id);
void alloc_framework_update(struct alloc *a, struct alloc_framework *framework,
                            const struct allocator_framework *info);
void alloc_framework_set_active(struct alloc *a, struct alloc_framework *framework, bool is_active);
/* All roles if `roles` is NULL or empty; others than its own are ignored. */
void alloc_framework_suppress(struct alloc *a, struct alloc_framework *framework,
                              const char *const *roles);
void alloc_framework_revive(struct alloc *a, struct alloc_framework *framework,
                            const char *const *roles);

#endif
