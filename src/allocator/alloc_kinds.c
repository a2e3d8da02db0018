#include "allocator/alloc_kinds.h"

void alloc_kinds_deinit(struct alloc_kinds *kinds)
{
    for (int i = 0; i < ALLOC_KINDS_SLOTS; i++) {
        resource_kind_unref(kinds->allocated[i].from);
        resource_kind_unref(kinds->allocated[i].to);
        resource_kind_unref(kinds->plain[i].from);
        resource_kind_unref(kinds->plain[i].to);
    }
    *kinds = (struct alloc_kinds){0};
}

static struct alloc_kinds_pair *slot(struct alloc_kinds_pair *pairs,
                                     const struct resource_kind *kind)
{
    return &pairs[kind->hash % ALLOC_KINDS_SLOTS];
}

static bool is_hit(const struct alloc_kinds_pair *pair, const struct resource_kind *kind)
{
    return pair->from != NULL && resource_kind_equal(pair->from, kind);
}

/* Takes over `to`. */
static void put(struct alloc_kinds_pair *pair, const struct resource_kind *from,
                const struct resource_kind *to)
{
    resource_kind_ref(from);
    resource_kind_unref(pair->from);
    resource_kind_unref(pair->to);
    *pair = (struct alloc_kinds_pair){from, to};
}

void alloc_kinds_allocate(struct alloc_kinds *kinds, struct slice role, struct resource_kinds *pool,
                          struct resources *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource_kind *plain = r->items[i].kind;
        struct alloc_kinds_pair *pair = slot(kinds->allocated, plain);
        if (!is_hit(pair, plain)) {
            put(pair, plain, resource_kind_allocated(plain, role, pool));
        }
        resource_set_kind(&r->items[i], resource_kind_ref(pair->to));
    }
}

void alloc_kinds_add_plain(struct alloc_kinds *kinds, struct resource_kinds *pool,
                           const struct resources *r, bool with_shared, struct resources *to)
{
    for (uint32_t i = 0; i < r->count; i++) {
        const struct resource_kind *kind = r->items[i].kind;
        if (kind->is_shared && !with_shared) {
            continue;
        }
        struct alloc_kinds_pair *pair = slot(kinds->plain, kind);
        if (!is_hit(pair, kind)) {
            put(pair, kind, resource_kind_unallocated(kind, pool));
        }
        struct resource plain = resource_copy(&r->items[i]);
        resource_set_kind(&plain, resource_kind_ref(pair->to));
        resources_add_take(to, plain);
    }
}
