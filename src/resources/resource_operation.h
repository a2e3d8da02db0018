/*
 * Offer operations as changes of resources: what each consumes and what it gives instead.
 */
#ifndef TEPUI_RESOURCES_RESOURCE_OPERATION_H
#define TEPUI_RESOURCES_RESOURCE_OPERATION_H

#include "resources/resource_validate.h"

struct resource_conversion {
    struct resources consumed;
    struct resources converted;
    bool must_vanish; /* DESTROY: no copy of what is consumed may be left */
};

struct resource_conversions {
    struct resource_conversion *items; /* heap */
    size_t count;
};

enum {
    RESOURCE_OPERATION_E_INVALID = 1, /* not possible: err tells why */
};

void resource_conversions_deinit(struct resource_conversions *conversions);
/* RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME, SHRINK_VOLUME; resources must have been
 * validated and upgraded. 0 or RESOURCE_OPERATION_E_INVALID. */
int resource_operation_convert(const Pb__Offer__Operation *op, struct resource_kinds *pool,
                               struct resource_conversions *ret_conversions,
                               struct err *err) WARN_UNUSED;
/* Unchanged on failure: r does not contain what is consumed, or a copy is left. */
int resource_conversion_apply(const struct resource_conversion *conversion, struct resources *r,
                              struct err *err) WARN_UNUSED;
/* Both at once; unchanged on failure. */
int resource_operation_apply(const Pb__Offer__Operation *op, struct resource_kinds *pool,
                             struct resources *r, struct err *err) WARN_UNUSED;

/* Is the field of its type there, are all resources in it valid? Upgrades them in place. The error
 * makes the whole operation invalid, or every task of a launch (facts/observed.md, scheduler 7). */
int resource_operation_upgrade(Pb__Offer__Operation *op, struct arena *arena,
                               struct err *err) WARN_UNUSED;
/* Puts the offer's role in where no role is given; takes it out for older agents. */
void resource_operation_inject_allocation(Pb__Offer__Operation *op, struct slice role,
                                          struct arena *arena);
void resource_operation_strip_allocation(Pb__Offer__Operation *op);
/* The provider it is for; data NULL = the agent itself. 0 or RESOURCE_OPERATION_E_INVALID. */
int resource_operation_provider(const Pb__Offer__Operation *op, struct slice *ret_provider_id,
                                struct err *err) WARN_UNUSED;

/* Who asks, and of whom. Texts and arrays are borrowed. */
struct resource_operation_context {
    bool is_framework; /* else an operator */
    struct slice framework_id;
    const struct slice *roles; /* of the framework */
    size_t role_count;
    bool can_share;         /* the framework has SHARED_RESOURCES */
    struct slice principal; /* authenticated; data NULL = nobody */
    bool agent_hierarchical_role;
    bool agent_reservation_refinement;
    bool agent_resize_volume;
    const struct resources *checkpointed; /* of the agent; NULL = none */
    const struct resources *const *used;  /* of each framework on the agent */
    size_t used_count;
};

/* The rules of each operation but LAUNCH and LAUNCH_GROUP (asserts); resources must have been
 * upgraded. 0 or RESOURCE_OPERATION_E_INVALID. */
int resource_operation_validate(const Pb__Offer__Operation *op,
                                const struct resource_operation_context *context,
                                struct err *err) WARN_UNUSED;

/* An agent's total: what its flags say, with what it has on disk put in the place of the plain
 * resources it was made from. 0 or RESOURCE_OPERATION_E_INVALID. */
int resource_operation_restore(const struct resources *total, const struct resources *checkpointed,
                               struct resources *ret_total, struct err *err) WARN_UNUSED;

#endif
