#include "allocator/alloc_offer.h"

#include "allocator/alloc.h"

/* --- may it --- */

/* Its framework's constraints are asked once: a no stands until they or the agent change. */
static bool is_excluded(struct alloc_agent *agent, struct alloc_client *client)
{
    const struct alloc_framework *framework = client->framework;
    if (framework->constraint == NULL) {
        return false;
    }
    if (alloc_agent_is_excluded(agent, client->node.id)) {
        return true;
    }
    if (framework->constraint(framework->constraint_arg, client->role->name.data, agent->id)) {
        return false;
    }
    alloc_agent_note_exclusion(agent, client);
    return true;
}

/* For reasons that do not depend on what is available: facts/state_machines.md, 6, "Roles filtered
 * by capability". */
static bool is_barred(const struct alloc *a, struct alloc_agent *agent, struct alloc_client *client)
{
    const struct alloc_framework *framework = client->framework;
    uint32_t able = framework->capabilities;
    if ((able & ALLOCATOR_MULTI_ROLE) != 0 && (agent->capabilities & ALLOCATOR_MULTI_ROLE) == 0) {
        return true;
    }
    if (client->role->is_nested && (agent->capabilities & ALLOCATOR_HIERARCHICAL_ROLE) == 0) {
        return true;
    }
    if (a->filters_gpus && agent->has_gpus && (able & ALLOCATOR_GPU) == 0) {
        return true;
    }
    if (agent->is_remote && (able & ALLOCATOR_REGION_AWARE) == 0) {
        return true;
    }
    return is_excluded(agent, client);
}

/* Is it able to understand what the entry is? */
static bool is_understood(const struct alloc_client *client, const struct resource_kind *kind)
{
    uint32_t able = client->framework->capabilities;
    return (!kind->is_shared || (able & ALLOCATOR_SHARED) != 0) &&
           (!kind->is_revocable || (able & ALLOCATOR_REVOCABLE) != 0) &&
           (kind->reservation_count <= 1 || (able & ALLOCATOR_REFINEMENT) != 0);
}

static const struct alloc_minimum *minimum_of(const struct alloc *a,
                                              const struct alloc_client *client)
{
    return client->has_minimum ? &client->minimum : &a->minimum;
}

/* --- what would it get --- */

/* Counts against quota, and may be held back. */
static bool is_quota_resource(const struct resource_kind *kind)
{
    return kind->type == VALUE_SCALAR && kind->reservation_count == 0 && !kind->is_revocable;
}

/* What it would get, in two parts: what quota has no say in, and the rest. False if a shared
 * resource was left out because it was offered in this run. */
static bool select_parts(const struct alloc *a, const struct alloc_agent *agent,
                         const struct alloc_client *client, struct resources *ret_always,
                         struct resources *ret_quota)
{
    bool is_complete = true;
    for (uint32_t i = 0; i < agent->available.count; i++) {
        const struct resource *r = &agent->available.items[i];
        if (!is_understood(client, r->kind) || !alloc_role_may_use(client->role, r->kind)) {
            continue;
        }
        if (r->kind->is_shared && agent->run == a->run_count &&
            resources_count_of(&agent->shared_offered, r) != 0) {
            is_complete = false;
            continue;
        }
        resources_add_one(is_quota_resource(r->kind) ? ret_quota : ret_always, r);
    }
    return is_complete;
}

/*
 * How much may be offered of a kind while the headroom that guarantees require is set aside. What a
 * role takes of that counts toward the guarantee of its top level role, so that it does not stand
 * in its own way: `extra` is what is unsatisfied of that.
 */
static int64_t surplus_of(int64_t available, int64_t required, int64_t extra)
{
    return available < required ? 0 : scalar_add(available - required, extra);
}

/* For the role; NULL = one without a guarantee. */
static void surplus_for(const struct alloc *a, const struct alloc_role *role,
                        struct quantities *ret_surplus)
{
    struct quantity q;
    uint32_t place = 0;
    *ret_surplus = QUANTITIES_INIT;
    while (quantities_next(&a->headroom_available, &place, &q)) {
        int64_t extra = role != NULL ? quantities_get(&role->top->unsatisfied, q.name) : 0;
        int64_t required = quantities_get(&a->headroom_required, q.name);
        quantities_set(ret_surplus, q.name, surplus_of(q.amount, required, extra));
    }
}

/* Cuts *r to the surplus. True if something was cut. */
static bool cut_to_headroom(struct alloc *a, const struct alloc_role *role, struct resources *r)
{
    if (quantities_is_empty(&a->headroom_required) || resources_is_empty(r)) {
        return false;
    }
    CLEANUP(quantities_deinit) struct quantities surplus;
    surplus_for(a, role, &surplus);
    struct resources cut;
    resources_shrink(r, &surplus, a->names, &a->prng, &cut);
    bool is_cut = !resources_equal(r, &cut);
    resources_deinit(r);
    *r = cut;
    return is_cut;
}

/* Cuts *r to what the role's limits leave beside `besides` (NULL = nothing). */
static void cut_to_limits(struct alloc *a, const struct alloc_role *role,
                          const struct resources *besides, struct resources *r)
{
    if (!role->has_limits || resources_is_empty(r)) {
        return;
    }
    CLEANUP(resource_limits_deinit) struct resource_limits room;
    alloc_role_room(role, &room);
    if (besides != NULL) {
        CLEANUP(quantities_deinit) struct quantities taken = QUANTITIES_INIT;
        quantities_add_scalars(&taken, besides, a->names);
        resource_limits_subtract(&room, &taken);
    }
    struct resources cut;
    resources_shrink_to_limits(r, &room, a->names, &a->prng, &cut);
    resources_deinit(r);
    *r = cut;
}

/* What is available of the common kinds, as far as the headroom that is required for guarantees
 * lets anybody have it, and the limits let the role (NULL = any) have it. */
static void bound_by_quota(const struct alloc *a, const struct alloc_agent *agent,
                           const struct alloc_role *role, bool with_headroom,
                           int64_t bounds[RESOURCE_NAMES_COMMON])
{
    for (int name = 0; name < RESOURCE_NAMES_COMMON; name++) {
        int64_t part = agent->unreserved.common[name];
        bounds[name] = agent->bounds[name] - part;
        if (with_headroom) {
            int64_t extra =
                role != NULL ? role->top->unsatisfied.common[name] : a->headroom_extra[name];
            part = MIN(part, surplus_of(a->headroom_available.common[name],
                                        a->headroom_required.common[name], extra));
        }
        if (role != NULL && role->limits.common[name] != RESOURCE_LIMIT_NONE) {
            part = MIN(part, MAX(0, role->limits.common[name] - role->used.common[name] -
                                        role->reserved.common[name]));
        }
        bounds[name] += part;
    }
}

bool alloc_offer_is_held_back(const struct alloc *a, const struct alloc_agent *agent)
{
    if (a->own_minimum_count != 0 || !agent->is_plain ||
        quantities_is_empty(&a->headroom_required)) {
        return false;
    }
    int64_t bounds[RESOURCE_NAMES_COMMON];
    bound_by_quota(a, agent, NULL, true, bounds);
    return alloc_minimum_is_near(&a->minimum, agent->bounds) &&
           !alloc_minimum_is_near(&a->minimum, bounds);
}

/* Would quota cut anything of a plain agent that is offered whole? */
static bool is_uncut(struct alloc *a, const struct alloc_agent *agent,
                     const struct alloc_role *role)
{
    if (role->has_limits) {
        CLEANUP(resource_limits_deinit) struct resource_limits room;
        alloc_role_room(role, &room);
        if (!resource_limits_contain(&room, &agent->unreserved)) {
            return false;
        }
    }
    if (!quantities_is_empty(&a->headroom_required)) {
        CLEANUP(quantities_deinit) struct quantities surplus;
        surplus_for(a, role, &surplus);
        return quantities_contain(&surplus, &agent->unreserved);
    }
    return true;
}

/* --- it gets it --- */

static void note_shared(struct alloc_agent *agent, const struct resources *offer)
{
    for (uint32_t i = 0; i < offer->count; i++) {
        if (offer->items[i].kind->is_shared) {
            resources_add_one(&agent->shared_offered, &offer->items[i]);
        }
    }
}

/* Takes over *offer, which is without allocation and no longer among what is available. */
static void grant(struct alloc *a, struct alloc_agent *agent, struct alloc_client *client,
                  struct resources *offer)
{
    alloc_kinds_allocate(&client->role->kinds, client->role->name, &a->kinds, offer);
    alloc_ledger_grant(a, agent, client, offer);
    alloc_agent_shrunk(a, agent);
    alloc_batch_add(a, agent, client, offer);
}

static void grant_part(struct alloc *a, struct alloc_agent *agent, struct alloc_client *client,
                       struct resources *offer)
{
    alloc_batch_begin_agent(a, agent);
    note_shared(agent, offer);
    CLEANUP(resources_deinit) struct resources gone = RESOURCES_INIT;
    resources_nonshared(offer, &gone);
    resources_subtract(&agent->available, &gone);
    grant(a, agent, client, offer);
}

/* --- a turn --- */

/* All of an agent on which everything is plain, and quota holds nothing back. */
static enum alloc_verdict offer_whole(struct alloc *a, struct alloc_agent *agent,
                                      struct alloc_client *client)
{
    const struct alloc_minimum *minimum = minimum_of(a, client);
    if ((minimum->has_extra && !alloc_minimum_is_met(minimum, &agent->available, a->names)) ||
        alloc_filter_is_covered(agent, client, &agent->available, true)) {
        return ALLOC_REFUSED;
    }
    struct resources offer = resources_take(&agent->available);
    grant(a, agent, client, &offer);
    return ALLOC_OFFERED;
}

/* Adds to *always what is offered of *quota to meet the guarantee, and more as far as limits and
 * headroom allow. False if there is nothing for the guarantee. */
static bool add_for_guarantee(struct alloc *a, const struct alloc_role *role,
                              struct resources *quota, struct resources *always, bool *is_held_back)
{
    CLEANUP(resources_deinit) struct resources guaranteed = RESOURCES_INIT;
    resources_shrink(quota, &role->unsatisfied, a->names, &a->prng, &guaranteed);
    if (resources_is_empty(&guaranteed)) {
        return false;
    }
    resources_subtract(quota, &guaranteed);
    cut_to_limits(a, role, &guaranteed, quota);
    *is_held_back = cut_to_headroom(a, NULL, quota) || *is_held_back;
    resources_add(always, &guaranteed);
    resources_add(always, quota);
    return true;
}

static enum alloc_verdict offer_part(struct alloc *a, struct alloc_agent *agent,
                                     struct alloc_client *client, enum alloc_stage stage)
{
    CLEANUP(resources_deinit) struct resources offer = RESOURCES_INIT;
    CLEANUP(resources_deinit) struct resources quota = RESOURCES_INIT;
    bool is_held_back = !select_parts(a, agent, client, &offer, &quota);
    switch (stage) {
    case ALLOC_STAGE_GUARANTEES:
        if (!add_for_guarantee(a, client->role, &quota, &offer, &is_held_back)) {
            return ALLOC_NOTHING;
        }
        break;
    case ALLOC_STAGE_ALL:
        cut_to_limits(a, client->role, NULL, &quota);
        is_held_back = cut_to_headroom(a, client->role, &quota) || is_held_back;
        resources_add(&offer, &quota);
        break;
    }
    if (resources_is_empty(&offer) ||
        !alloc_minimum_is_met(minimum_of(a, client), &offer, a->names) ||
        alloc_filter_is_covered(agent, client, &offer, false)) {
        return is_held_back ? ALLOC_HELD_BACK : ALLOC_REFUSED;
    }
    grant_part(a, agent, client, &offer);
    return is_held_back ? ALLOC_HELD_BACK : ALLOC_OFFERED;
}

/* The quick answers that amounts of the common kinds can give; ALLOC_OFFERED if they give none. */
static enum alloc_verdict judge_amounts(const struct alloc *a, const struct alloc_agent *agent,
                                        const struct alloc_client *client, enum alloc_stage stage)
{
    const struct alloc_minimum *minimum = minimum_of(a, client);
    if (!alloc_minimum_is_near(minimum, agent->bounds)) {
        return ALLOC_REFUSED;
    }
    if (stage != ALLOC_STAGE_ALL || a->quota_count == 0) {
        return ALLOC_OFFERED;
    }
    int64_t bounds[RESOURCE_NAMES_COMMON];
    if (client->role->has_limits) {
        bound_by_quota(a, agent, client->role, false, bounds);
        if (!alloc_minimum_is_near(minimum, bounds)) {
            return ALLOC_REFUSED; /* until the role has more room: alloc_role_subtract */
        }
    }
    if (!quantities_is_empty(&a->headroom_required)) {
        bound_by_quota(a, agent, client->role, true, bounds);
        if (!alloc_minimum_is_near(minimum, bounds)) {
            return ALLOC_HELD_BACK;
        }
    }
    return ALLOC_OFFERED;
}

enum alloc_verdict alloc_offer(struct alloc *a, struct alloc_agent *agent,
                               struct alloc_client *client, enum alloc_stage stage)
{
    if (is_barred(a, agent, client)) {
        return ALLOC_REFUSED;
    }
    enum alloc_verdict verdict = judge_amounts(a, agent, client, stage);
    if (verdict != ALLOC_OFFERED) {
        return verdict;
    }
    if (stage == ALLOC_STAGE_ALL && agent->is_plain && is_uncut(a, agent, client->role)) {
        return offer_whole(a, agent, client);
    }
    return offer_part(a, agent, client, stage);
}
