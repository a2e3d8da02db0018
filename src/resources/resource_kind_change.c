/* Changed copies of kinds. */
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/resource_kind.h"

/* A draft with the same content, which it only borrows. */
static struct resource_kind kind_draft(const struct resource_kind *kind)
{
    return (struct resource_kind){
        .type = kind->type,
        .is_revocable = kind->is_revocable,
        .is_shared = kind->is_shared,
        .has_disk = kind->has_disk,
        .has_allocation = kind->has_allocation,
        .name = kind->name,
        .allocation_role = kind->allocation_role,
        .provider_id = kind->provider_id,
        .reservations = kind->reservations,
        .reservation_count = kind->reservation_count,
        .disk = kind->disk,
    };
}

const struct resource_kind *resource_kind_allocated(const struct resource_kind *kind,
                                                    struct slice role, struct resource_kinds *pool)
{
    if (kind->has_allocation && kind->allocation_role.data != NULL &&
        slice_equal(kind->allocation_role, role)) {
        return resource_kind_ref(kind);
    }
    struct resource_kind draft = kind_draft(kind);
    draft.has_allocation = true;
    draft.allocation_role = role;
    return resource_kind_make(&draft, pool);
}

const struct resource_kind *resource_kind_unallocated(const struct resource_kind *kind,
                                                      struct resource_kinds *pool)
{
    if (!kind->has_allocation) {
        return resource_kind_ref(kind);
    }
    struct resource_kind draft = kind_draft(kind);
    draft.has_allocation = false;
    draft.allocation_role = (struct slice){NULL, 0};
    return resource_kind_make(&draft, pool);
}

const struct resource_kind *resource_kind_with_reservations(const struct resource_kind *kind,
                                                            uint32_t count,
                                                            struct resource_kinds *pool)
{
    ASSERT(count <= kind->reservation_count);
    if (count == kind->reservation_count) {
        return resource_kind_ref(kind);
    }
    struct resource_kind draft = kind_draft(kind);
    draft.reservation_count = count;
    return resource_kind_make(&draft, pool);
}

const struct resource_kind *
resource_kind_with_pushed(const struct resource_kind *kind,
                          const struct resource_reservation *reservation,
                          struct resource_kinds *pool)
{
    size_t count = kind->reservation_count;
    struct resource_reservation *stack = xcalloc(count + 1, sizeof(*stack));
    if (count != 0) {
        memcpy(stack, kind->reservations, count * sizeof(*stack));
    }
    stack[count] = *reservation;
    struct resource_kind draft = kind_draft(kind);
    draft.reservations = stack;
    draft.reservation_count = kind->reservation_count + 1;
    const struct resource_kind *pushed = resource_kind_make(&draft, pool);
    free(stack);
    return pushed;
}

const struct resource_kind *resource_kind_without_volume(const struct resource_kind *kind,
                                                         struct resource_kinds *pool)
{
    struct resource_kind draft = kind_draft(kind);
    struct resource_disk disk;
    draft.is_shared = false;
    if (kind->has_disk) {
        disk = *kind->disk;
        disk.persistence_id = (struct slice){NULL, 0};
        disk.persistence_principal = (struct slice){NULL, 0};
        disk.volume = (struct slice){NULL, 0};
        draft.has_disk = disk.has_source;
        draft.disk = disk.has_source ? &disk : NULL;
    }
    return resource_kind_make(&draft, pool);
}

uint32_t resource_kind_common_reservations(const struct resource_kind *a,
                                           const struct resource_kind *b)
{
    uint32_t count = MIN(a->reservation_count, b->reservation_count);
    for (uint32_t i = 0; i < count; i++) {
        if (!resource_reservation_equal(&a->reservations[i], &b->reservations[i])) {
            return i;
        }
    }
    return count;
}
