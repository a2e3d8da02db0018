#include "allocator/alloc_operation.h"

#include "allocator/alloc.h"

/* Changes a total by what an operation consumed and made, both without allocation. Of a shared
 * resource the total has one copy, however many are allocated: it is made with the first, and goes
 * with the last. */
static void convert_total(const struct resources *before, const struct resources *after,
                          struct resources *total)
{
    for (uint32_t i = 0; i < before->count; i++) {
        const struct resource *r = &before->items[i];
        if (!r->kind->is_shared) {
            resources_subtract_one(total, r);
        } else if (resources_count_of(after, r) == 0) {
            struct resource one = *r;
            one.shares = 1;
            resources_subtract_one(total, &one);
        }
    }
    for (uint32_t i = 0; i < after->count; i++) {
        const struct resource *r = &after->items[i];
        if (!r->kind->is_shared) {
            resources_add_one(total, r);
        } else if (resources_count_of(total, r) == 0) {
            struct resource one = resource_copy(r);
            one.shares = 1;
            resources_add_take(total, one);
        }
    }
}

void alloc_operation_on_held(struct alloc *a, struct alloc_held *held,
                             const struct resources *before, const struct resources *after)
{
    struct alloc_agent *agent = held->agent;
    /* The new first, so that nothing goes that both of them keep. */
    alloc_ledger_hold(a, agent, held->framework_id, after, false);
    alloc_ledger_release(a, held, before);
    struct resources total;
    resources_copy(&agent->total, &total);
    CLEANUP(resources_deinit) struct resources consumed = RESOURCES_INIT;
    CLEANUP(resources_deinit) struct resources made = RESOURCES_INIT;
    resources_copy(before, &consumed);
    resources_unallocate(&consumed, &a->kinds);
    resources_copy(after, &made);
    resources_unallocate(&made, &a->kinds);
    convert_total(&consumed, &made, &total);
    if (!alloc_agent_set_total(a, agent, &total)) {
        alloc_agent_recompute(a, agent);
    }
}

bool alloc_operation_on_free(struct alloc *a, struct alloc_agent *agent,
                             const struct resources *before, const struct resources *after)
{
    if (!resources_contain(&agent->available, before)) {
        return false;
    }
    struct resources total;
    resources_copy(&agent->total, &total);
    convert_total(before, after, &total);
    alloc_agent_set_total(a, agent, &total);
    return true;
}
