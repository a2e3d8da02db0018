/*
 * The built-in allocator's operations (tepui/allocator.h).
 */
#include <stdlib.h>
#include <string.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"
#include "allocator/alloc_operation.h"

static struct alloc *alloc_cast(void *self)
{
    struct alloc *a;
    CAST_OBJ(a, self, ALLOC_MAGIC);
    return a;
}

static const struct alloc *alloc_cast_const(const void *self)
{
    const struct alloc *a;
    CAST_OBJ(a, self, ALLOC_MAGIC);
    return a;
}

/* Every event begins here. The first one starts the clock. */
static struct alloc *begin(void *self, int64_t now_ns)
{
    struct alloc *a = alloc_cast(self);
    a->event_count++;
    if (a->next_interval_ns == TIME_NEVER) {
        a->next_interval_ns = time_add_ns(now_ns, a->interval_ns);
    }
    return a;
}

void alloc_bury_name(struct alloc *a, char *name)
{
    ALLOC_ROOM_FOR_ONE(a->buried, a->buried_count, a->buried_capacity);
    a->buried[a->buried_count++] = name;
}

static void free_buried(struct alloc *a)
{
    for (uint32_t i = 0; i < a->buried_count; i++) {
        free(a->buried[i]);
    }
    a->buried_count = 0;
}

/* --- life --- */

static struct slice role_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct alloc_role, link)->name;
}

static void *create(const struct allocator_options *options)
{
    struct alloc *a = xalloc(sizeof(*a));
    OBJ_INIT(a, ALLOC_MAGIC);
    a->interval_ns = options->allocation_interval_ns;
    a->filters_gpus = options->filter_gpu_resources;
    a->has_random_roles = options->role_sorter_random;
    a->has_random_frameworks = options->framework_sorter_random;
    a->recovery_factor = options->recovery_factor;
    a->recovery_timeout_ns = options->recovery_timeout_ns;
    a->region = options->region != NULL ? xstrdup(options->region) : NULL;
    alloc_minimum_set(&a->minimum, options->min_allocatable, options->min_allocatable_count);
    a->names = options->names;
    if (a->names == NULL) {
        resource_names_init(&a->own_names);
        a->names = &a->own_names;
    }
    resource_kinds_init(&a->kinds);
    prng_seed(&a->prng, options->seed);
    map_init(&a->roles, role_key, prng_next(&a->prng));
    alloc_role_init_root(a);
    drf_totals_init(&a->totals);
    const char *const *excluded = options->fair_sharing_excluded;
    for (; excluded != NULL && *excluded != NULL; excluded++) {
        drf_totals_exclude(&a->totals, resource_names_intern(a->names, slice_from(*excluded)));
    }
    timers_init(&a->filter_timers);
    a->next_interval_ns = TIME_NEVER;
    a->recovery_deadline_ns = TIME_NEVER;
    return a;
}

static void drop_agent(struct alloc *a, struct alloc_agent *agent)
{
    alloc_run_forget(a, agent);
    alloc_filter_drop_agent(a, agent);
    alloc_ledger_release_agent(a, agent);
    alloc_agent_free(a, agent);
}

static void destroy(void *self)
{
    if (self == NULL) {
        return;
    }
    struct alloc *a = alloc_cast(self);
    for (uint32_t i = 0; i < a->agent_capacity; i++) {
        if (a->agents[i] != NULL) {
            drop_agent(a, a->agents[i]);
        }
    }
    for (uint32_t i = 0; i < a->framework_capacity; i++) {
        if (a->frameworks[i] != NULL) {
            alloc_framework_free(a, a->frameworks[i]);
        }
    }
    alloc_role_deinit_all(a);
    alloc_batch_deinit(&a->batch);
    alloc_free_deinit(&a->free);
    alloc_random_deinit(&a->random);
    free_buried(a);
    alloc_ids_deinit(&a->client_ids);
    drf_table_deinit(&a->client_nodes);
    drf_totals_deinit(&a->totals);
    map_deinit(&a->roles);
    timers_deinit(&a->filter_timers);
    quantities_deinit(&a->headroom_required);
    quantities_deinit(&a->headroom_available);
    alloc_minimum_deinit(&a->minimum);
    resource_kinds_deinit(&a->kinds);
    resource_names_deinit(&a->own_names);
    free(a->agents);
    free(a->frameworks);
    for (uint32_t i = 0; i < a->orphan_capacity; i++) {
        free(a->orphans[i]);
    }
    free(a->orphans);
    free(a->active);
    free(a->unsatisfied);
    free(a->eased);
    free(a->doubted);
    free(a->candidates);
    free(a->visits);
    free(a->maintained);
    free(a->buried);
    free(a->region);
    OBJ_DEAD(a);
    free(a);
}

/* --- recovery --- */

static void recover(void *self, int64_t now_ns, size_t expected_agents, bool has_quota)
{
    struct alloc *a = begin(self, now_ns);
    a->expected_agents = (uint32_t)((double)expected_agents * a->recovery_factor);
    if (has_quota && a->expected_agents != 0) {
        a->is_paused = true;
        a->recovery_deadline_ns = time_add_ns(now_ns, a->recovery_timeout_ns);
    }
}

static void resume(struct alloc *a)
{
    a->is_paused = false;
    a->recovery_deadline_ns = TIME_NEVER;
}

/* --- frameworks --- */

static void add_framework(void *self, int64_t now_ns, uint32_t id,
                          const struct allocator_framework *info, const struct allocator_used *used,
                          size_t used_count)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_new(a, id, info);
    alloc_ledger_adopt(a, framework);
    for (size_t i = 0; i < used_count; i++) {
        /* An agent that is not known yet will tell, and one that has told is believed. */
        struct alloc_agent *agent = alloc_agent_find(a, used[i].agent);
        if (agent != NULL && alloc_agent_held(agent, id) == NULL) {
            alloc_ledger_hold(a, agent, id, used[i].resources, true);
            alloc_agent_recompute(a, agent);
        }
    }
    if (info->active) {
        alloc_run_ask_all(a);
    }
}

static void update_framework(void *self, int64_t now_ns, uint32_t id,
                             const struct allocator_framework *info)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_find(a, id);
    ASSERT(framework != NULL);
    alloc_framework_update(a, framework, info);
}

static void remove_framework(void *self, int64_t now_ns, uint32_t id)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_find(a, id);
    ASSERT(framework != NULL);
    alloc_inverse_forget(a, id, true);
    alloc_ledger_release_framework(a, framework);
    alloc_framework_free(a, framework);
}

static void activate_framework(void *self, int64_t now_ns, uint32_t id)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_find(a, id);
    ASSERT(framework != NULL);
    alloc_framework_set_active(a, framework, true);
    alloc_run_ask_all(a);
}

static void deactivate_framework(void *self, int64_t now_ns, uint32_t id)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_find(a, id);
    ASSERT(framework != NULL);
    alloc_framework_set_active(a, framework, false);
}

/* --- agents --- */

static void add_agent(void *self, int64_t now_ns, uint32_t id, const struct allocator_agent *info,
                      const struct allocator_used *used, size_t used_count)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_new(a, id, info);
    for (size_t i = 0; i < used_count; i++) {
        alloc_ledger_hold(a, agent, used[i].framework, used[i].resources, true);
    }
    struct resources total;
    resources_copy(info->total, &total);
    if (!alloc_agent_set_total(a, agent, &total)) {
        alloc_agent_recompute(a, agent); /* it has nothing */
    }
    if (a->is_paused && a->agent_count >= a->expected_agents) {
        resume(a);
    }
    alloc_run_ask(a, agent);
}

static void update_agent(void *self, int64_t now_ns, uint32_t id,
                         const struct allocator_agent *info)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, id);
    ASSERT(agent != NULL);
    if (info->attributes_changed) {
        alloc_filter_drop_agent(a, agent);
        alloc_inverse_forget_agent(agent);
    }
    alloc_agent_set_traits(a, agent, info);
    struct resources total;
    resources_copy(info->total, &total);
    if (!alloc_agent_set_total(a, agent, &total)) {
        alloc_agent_changed(a, agent); /* others may want it as it is now */
    }
    alloc_run_ask(a, agent);
}

static void remove_agent(void *self, int64_t now_ns, uint32_t id)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, id);
    ASSERT(agent != NULL);
    drop_agent(a, agent);
    alloc_headroom_eased(a);
}

static void set_active(void *self, int64_t now_ns, uint32_t id, bool is_active)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, id);
    ASSERT(agent != NULL);
    agent->is_active = is_active;
    alloc_agent_relist(a, agent);
}

static void activate_agent(void *self, int64_t now_ns, uint32_t id)
{
    set_active(self, now_ns, id, true);
}

static void deactivate_agent(void *self, int64_t now_ns, uint32_t id)
{
    set_active(self, now_ns, id, false);
}

static void set_whitelisted(void *self, int64_t now_ns, uint32_t id, bool whitelisted)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, id);
    ASSERT(agent != NULL);
    agent->is_whitelisted = whitelisted;
    alloc_agent_relist(a, agent);
}

/* --- resources --- */

/* Entries of one role, in a vector of their own. */
static void recover_role(struct alloc *a, int64_t now_ns, struct alloc_held *held,
                         const struct resources *r, const struct allocator_refusal *refusal)
{
    struct alloc_agent *agent = held->agent;
    struct alloc_framework *framework = held->framework;
    struct alloc_role *role = alloc_role_find(a, alloc_ledger_role(&r->items[0]));
    CLEANUP(resources_deinit) struct resources plain = RESOURCES_INIT;
    if (role != NULL) {
        alloc_kinds_add_plain(&role->kinds, &a->kinds, r, true, &plain);
    } else {
        resources_copy(r, &plain);
        resources_unallocate(&plain, &a->kinds);
    }
    alloc_ledger_release(a, held, r);
    if (agent->is_overcommitted) {
        alloc_agent_recompute(a, agent);
    } else {
        for (uint32_t i = 0; i < plain.count; i++) {
            if (!plain.items[i].kind->is_shared) {
                resources_add_one(&agent->available, &plain.items[i]);
            }
        }
        alloc_agent_changed(a, agent);
    }
    if (framework == NULL || refusal == NULL || refusal->refuse_ns <= 0) {
        return;
    }
    /* The role, and the client, may have gone with what was released. */
    role = alloc_role_find(a, alloc_ledger_role(&r->items[0]));
    struct alloc_client *client = role != NULL ? alloc_client_find(framework, role) : NULL;
    if (client != NULL && client->is_subscribed) {
        /* At least until after the next interval's run: facts/state_machines.md, 6. */
        int64_t refuse_ns = MAX(refusal->refuse_ns, a->interval_ns);
        alloc_filter_add(a, client, agent, &plain, time_add_ns(now_ns, refuse_ns));
    }
}

static void recover_resources(void *self, int64_t now_ns, uint32_t framework_id, uint32_t agent_id,
                              const struct resources *r, const struct allocator_refusal *refusal)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, agent_id);
    if (agent == NULL || resources_is_empty(r)) {
        return;
    }
    struct resources_by_role by_role = {0};
    struct slice first = alloc_ledger_role(&r->items[0]);
    bool is_of_one = true;
    for (uint32_t i = 1; i < r->count; i++) {
        is_of_one = is_of_one && slice_equal(alloc_ledger_role(&r->items[i]), first);
    }
    if (!is_of_one) {
        resources_allocations(r, &by_role);
    }
    for (size_t i = 0; i < (is_of_one ? 1 : by_role.count); i++) {
        /* What the framework held went with it if it was removed. */
        struct alloc_held *held = alloc_agent_held(agent, framework_id);
        if (held != NULL) {
            recover_role(a, now_ns, held, is_of_one ? r : &by_role.items[i].resources, refusal);
        }
    }
    resources_by_role_deinit(&by_role);
}

static void update_allocation(void *self, int64_t now_ns, uint32_t framework_id, uint32_t agent_id,
                              const struct resources *before, const struct resources *after)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, agent_id);
    ASSERT(agent != NULL);
    struct alloc_held *held = alloc_agent_held(agent, framework_id);
    ASSERT(held != NULL);
    alloc_operation_on_held(a, held, before, after);
}

static bool update_available(void *self, int64_t now_ns, uint32_t agent_id,
                             const struct resources *before, const struct resources *after)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, agent_id);
    ASSERT(agent != NULL);
    return alloc_operation_on_free(a, agent, before, after);
}

static void add_allocation(void *self, int64_t now_ns, uint32_t framework_id, uint32_t agent_id,
                           const struct resources *r)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, agent_id);
    ASSERT(agent != NULL);
    alloc_ledger_hold(a, agent, framework_id, r, true);
    alloc_agent_recompute(a, agent);
}

/* --- what frameworks and operators want --- */

static void suppress(void *self, int64_t now_ns, uint32_t id, const char *const *roles)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_find(a, id);
    ASSERT(framework != NULL);
    alloc_framework_suppress(a, framework, roles);
}

static void revive(void *self, int64_t now_ns, uint32_t id, const char *const *roles)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_framework *framework = alloc_framework_find(a, id);
    ASSERT(framework != NULL);
    alloc_framework_revive(a, framework, roles);
    alloc_run_ask_all(a);
}

static void set_weight(void *self, int64_t now_ns, const char *name, int64_t weight_milli)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_role *role = alloc_role_get(a, slice_from(name));
    alloc_role_set_weight(a, role, weight_milli);
    alloc_role_tidy(a, role);
}

static void set_quota(void *self, int64_t now_ns, const char *name,
                      const struct quantities *guarantees, const struct resource_limits *limits)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_role *role = alloc_role_get(a, slice_from(name));
    alloc_role_set_quota(a, role, guarantees, limits);
    alloc_role_tidy(a, role);
    alloc_headroom_eased(a);
}

static void update_unavailability(void *self, int64_t now_ns, uint32_t id, bool has_unavailability,
                                  int64_t start_ns UNUSED)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, id);
    ASSERT(agent != NULL);
    alloc_inverse_set(a, agent, has_unavailability);
    alloc_run_ask(a, agent);
}

static void update_inverse_offer(void *self, int64_t now_ns, uint32_t framework_id,
                                 uint32_t agent_id, int64_t refuse_ns)
{
    struct alloc *a = begin(self, now_ns);
    struct alloc_agent *agent = alloc_agent_find(a, agent_id);
    if (agent != NULL && alloc_framework_find(a, framework_id) != NULL) {
        alloc_inverse_answer(agent, framework_id, now_ns, refuse_ns);
    }
}

/* --- steps --- */

static int64_t deadline(const void *self)
{
    const struct alloc *a = alloc_cast_const(self);
    if (alloc_run_is_asked(a)) {
        return 0;
    }
    return MIN(a->next_interval_ns, a->recovery_deadline_ns);
}

static void step(void *self, int64_t now_ns, struct allocator_batch *ret_batch)
{
    struct alloc *a = alloc_cast(self);
    alloc_batch_clear(&a->batch);
    free_buried(a);
    if (a->is_paused && now_ns >= a->recovery_deadline_ns) {
        resume(a);
    }
    bool is_interval = now_ns >= a->next_interval_ns;
    if (!a->is_paused && (is_interval || alloc_run_is_asked(a))) {
        /* A filter outlives the first interval's run after it was set, however late that comes. */
        alloc_filter_expire(a, is_interval ? a->next_interval_ns : now_ns);
        alloc_run(a, now_ns, is_interval || a->is_all_asked);
    }
    alloc_filter_expire(a, now_ns);
    if (is_interval) {
        a->next_interval_ns = time_add_ns(now_ns, a->interval_ns);
    }
    *ret_batch = (struct allocator_batch){
        .offers = a->batch.offers,
        .offer_count = a->batch.draft_count,
        .inverse_offers = a->batch.inverse,
        .inverse_offer_count = a->batch.inverse_count,
    };
}

/* --- figures --- */

static void stats(const void *self, struct allocator_stats *ret_stats)
{
    const struct alloc *a = alloc_cast_const(self);
    *ret_stats = (struct allocator_stats){
        .runs = a->run_count,
        .offer_filters_active = a->filter_count,
        .event_count = a->event_count,
    };
}

static int64_t role_share_ppm(const void *self, const char *name)
{
    const struct alloc *a = alloc_cast_const(self);
    const struct alloc_role *role = alloc_role_find(a, slice_from(name));
    if (role == NULL) {
        return 0;
    }
    /* With subroles, that of its own frameworks. */
    const struct drf_node *node = role->child_count != 0 ? &role->self : &role->tree;
    struct drf_share share = drf_node_share(node, &a->totals);
    __uint128_t ppm = (__uint128_t)(uint64_t)share.amount * 1000000 * DRF_WEIGHT_ONE /
                      (uint64_t)share.total / (uint64_t)share.weight_milli;
    return ppm > INT64_MAX ? INT64_MAX : (int64_t)ppm;
}

static size_t role_filters_active(const void *self, const char *name)
{
    const struct alloc_role *role = alloc_role_find(alloc_cast_const(self), slice_from(name));
    return role != NULL ? role->filter_count : 0;
}

const struct allocator_ops allocator_hierarchical = {
    .abi = ALLOCATOR_ABI,
    .name = "hierarchical",
    .create = create,
    .destroy = destroy,
    .recover = recover,
    .add_framework = add_framework,
    .update_framework = update_framework,
    .remove_framework = remove_framework,
    .activate_framework = activate_framework,
    .deactivate_framework = deactivate_framework,
    .add_agent = add_agent,
    .update_agent = update_agent,
    .remove_agent = remove_agent,
    .activate_agent = activate_agent,
    .deactivate_agent = deactivate_agent,
    .set_whitelisted = set_whitelisted,
    .recover_resources = recover_resources,
    .update_allocation = update_allocation,
    .update_available = update_available,
    .add_allocation = add_allocation,
    .suppress = suppress,
    .revive = revive,
    .set_weight = set_weight,
    .set_quota = set_quota,
    .update_unavailability = update_unavailability,
    .update_inverse_offer = update_inverse_offer,
    .deadline = deadline,
    .step = step,
    .stats = stats,
    .role_share_ppm = role_share_ppm,
    .role_filters_active = role_filters_active,
};
