#include "master/framework_allocator.h"

#include "master/master_state.h"
#include "resources/resource_pb.h"

static const struct {
    uint32_t ours;
    uint32_t allocators;
} capability_map[] = {
    {FRAMEWORK_REVOCABLE, ALLOCATOR_REVOCABLE},   {FRAMEWORK_GPU, ALLOCATOR_GPU},
    {FRAMEWORK_SHARED, ALLOCATOR_SHARED},         {FRAMEWORK_MULTI_ROLE, ALLOCATOR_MULTI_ROLE},
    {FRAMEWORK_REFINEMENT, ALLOCATOR_REFINEMENT}, {FRAMEWORK_REGION_AWARE, ALLOCATOR_REGION_AWARE},
};

static uint32_t allocator_capabilities(const struct framework *framework)
{
    uint32_t capabilities = 0;
    for (size_t i = 0; i < ELEMENTS(capability_map); i++) {
        if ((framework->capabilities & capability_map[i].ours) != 0) {
            capabilities |= capability_map[i].allocators;
        }
    }
    return capabilities;
}

/* What an offer of a role must have at least; the amounts have been validated. */
static const struct allocator_offer_filter *offer_filters(struct master *master,
                                                          const Pb__FrameworkInfo *info)
{
    struct allocator_offer_filter *filters =
        arena_alloc_array(&master->arena, info->n_offer_filters + 1, sizeof(filters[0]));
    for (size_t i = 0; i < info->n_offer_filters; i++) {
        const Pb__OfferFilters *given = info->offer_filters[i]->value;
        const Pb__OfferFilters__MinAllocatableResources *least =
            given != NULL ? given->min_allocatable_resources : NULL;
        size_t count = least != NULL ? least->n_quantities : 0;
        struct quantities *items = arena_alloc_array(&master->arena, count + 1, sizeof(items[0]));
        for (size_t j = 0; j < count; j++) {
            quantities_add_map(&items[j], least->quantities[j]->quantities,
                               least->quantities[j]->n_quantities, &master->names);
        }
        filters[i] = (struct allocator_offer_filter){
            .role = info->offer_filters[i]->key,
            .min_allocatable = items,
            .count = count,
        };
    }
    return filters;
}

/* Whether the framework wants offers of the agent in that slot. */
static bool admits(const void *arg, const char *role, uint32_t slot)
{
    const struct framework *framework = arg;
    return offer_constraints_admit(framework->constraints, role,
                                   &framework->master->agent_slots[slot]->traits);
}

static void view_init(struct master *master, const struct framework *framework,
                      const Pb__FrameworkInfo *info, struct allocator_framework *ret_view)
{
    *ret_view = (struct allocator_framework){
        .roles = (const char *const *)framework->roles,
        .suppressed_roles = (const char *const *)framework->suppressed,
        .capabilities = allocator_capabilities(framework),
        .active = framework->state == FRAMEWORK_ACTIVE,
        .offer_filters = offer_filters(master, info),
        .offer_filter_count = info->n_offer_filters,
        .constraint = framework->constraints != NULL ? admits : NULL,
        .constraint_arg = framework,
    };
}

static void view_deinit(struct allocator_framework *view)
{
    for (size_t i = 0; i < view->offer_filter_count; i++) {
        const struct allocator_offer_filter *filter = &view->offer_filters[i];
        for (size_t j = 0; j < filter->count; j++) {
            quantities_deinit((struct quantities *)(uintptr_t)&filter->min_allocatable[j]);
        }
    }
}

void master_framework_allocator_add(struct master *master, const struct framework *framework,
                                    const Pb__FrameworkInfo *info)
{
    struct allocator_framework view;
    view_init(master, framework, info, &view);
    master->allocator_ops->add_framework(master->allocator, master->now.mono_ns, framework->slot,
                                         &view, NULL, 0);
    view_deinit(&view);
}

void master_framework_allocator_update(struct master *master, const struct framework *framework,
                                       const Pb__FrameworkInfo *info)
{
    struct allocator_framework view;
    view_init(master, framework, info, &view);
    master->allocator_ops->update_framework(master->allocator, master->now.mono_ns, framework->slot,
                                            &view);
    view_deinit(&view);
}
