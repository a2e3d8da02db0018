#include "allocator/alloc_agent.h"

#include <stdlib.h>
#include <string.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"

struct alloc_agent *alloc_agent_find(const struct alloc *a, uint32_t id)
{
    return id < a->agent_capacity ? a->agents[id] : NULL;
}

/* --- what is available --- */

static int64_t amount_of(const struct resource *r)
{
    switch (r->kind->type) {
    case VALUE_SCALAR:
        return r->value.scalar;
    case VALUE_RANGES:
        return scalar_from_count(ranges_size(r->value.ranges));
    case VALUE_SET:
        return scalar_from_count(item_set_count(r->value.items));
    case VALUE_TEXT:
        break;
    }
    WRONG("a resource with a text");
}

/* What alloc_agent knows about available, and its part of the headroom. */
static void summarize(struct alloc *a, struct alloc_agent *agent)
{
    agent->version++;
    quantities_subtract(&a->headroom_available, &agent->unreserved);
    quantities_clear(&agent->unreserved);
    agent->is_plain = true;
    memset(agent->bounds, 0, sizeof(agent->bounds));
    for (uint32_t i = 0; i < agent->available.count; i++) {
        const struct resource *r = &agent->available.items[i];
        const struct resource_kind *kind = r->kind;
        if (kind->common_name < RESOURCE_NAMES_COMMON) {
            int64_t *bound = &agent->bounds[kind->common_name];
            *bound = scalar_add(*bound, amount_of(r));
        }
        if (kind->reservation_count != 0 || kind->is_revocable || kind->is_shared) {
            agent->is_plain = false;
        }
        if (kind->reservation_count == 0 && !kind->is_revocable && kind->type == VALUE_SCALAR) {
            quantities_add_resource(&agent->unreserved, r, a->names);
        }
    }
    quantities_add(&a->headroom_available, &agent->unreserved);
}

static bool is_offerable(const struct alloc_agent *agent)
{
    return agent->is_active && agent->is_whitelisted && !resources_is_empty(&agent->available);
}

void alloc_agent_relist(struct alloc *a, struct alloc_agent *agent)
{
    if (!is_offerable(agent)) {
        alloc_free_remove(&a->free, agent);
    } else if (agent->free_place == ALLOC_AGENT_NOT_FREE) {
        alloc_free_wake(&a->free, agent);
    }
}

void alloc_agent_changed(struct alloc *a, struct alloc_agent *agent)
{
    summarize(a, agent);
    if (is_offerable(agent)) {
        alloc_free_wake(&a->free, agent);
    } else {
        alloc_free_remove(&a->free, agent);
    }
    alloc_headroom_eased(a);
}

void alloc_agent_shrunk(struct alloc *a, struct alloc_agent *agent)
{
    summarize(a, agent);
    alloc_agent_relist(a, agent);
}

void alloc_agent_recompute(struct alloc *a, struct alloc_agent *agent)
{
    CLEANUP(resources_deinit) struct resources held = RESOURCES_INIT;
    for (uint32_t i = 0; i < agent->held_count; i++) {
        const struct resources *r = &agent->held[i]->resources;
        for (uint32_t j = 0; j < r->count; j++) {
            if (r->items[j].kind->is_shared) {
                continue;
            }
            struct resource plain = resource_copy(&r->items[j]);
            resource_set_kind(&plain, resource_kind_unallocated(plain.kind, &a->kinds));
            resources_add_take(&held, plain);
        }
    }
    resources_deinit(&agent->available);
    resources_copy(&agent->total, &agent->available);
    agent->is_overcommitted = !resources_contain(&agent->total, &held);
    resources_subtract(&agent->available, &held);
    alloc_agent_changed(a, agent);
}

/* --- what there is --- */

static void count_total(struct alloc *a, const struct resources *total, bool is_added)
{
    CLEANUP(quantities_deinit) struct quantities q = QUANTITIES_INIT;
    quantities_add_scalars(&q, total, a->names);
    if (is_added) {
        drf_totals_add(&a->totals, &q);
        alloc_role_add_reservations(a, total);
    } else {
        drf_totals_subtract(&a->totals, &q);
        alloc_role_subtract_reservations(a, total);
    }
}

bool alloc_agent_set_total(struct alloc *a, struct alloc_agent *agent, struct resources *total)
{
    if (resources_equal(&agent->total, total)) {
        resources_deinit(total);
        return false;
    }
    resources_intern(total, &a->kinds);
    struct resources old = agent->total;
    agent->total = resources_take(total);
    /* First the new one: a role that is reserved for before and after is not to go in between. */
    count_total(a, &agent->total, true);
    count_total(a, &old, false);
    resources_deinit(&old);
    agent->has_gpus = false;
    agent->has_shared = false;
    for (uint32_t i = 0; i < agent->total.count; i++) {
        const struct resource_kind *kind = agent->total.items[i].kind;
        agent->has_gpus |= kind->common_name == RESOURCE_NAME_GPUS;
        agent->has_shared |= kind->is_shared;
    }
    alloc_agent_recompute(a, agent);
    return true;
}

void alloc_agent_set_traits(struct alloc *a, struct alloc_agent *agent,
                            const struct allocator_agent *info)
{
    agent->capabilities = info->capabilities;
    agent->is_remote =
        info->region != NULL && a->region != NULL && strcmp(info->region, a->region) != 0;
    alloc_agent_forget_refusals(agent);
    if (agent->excluded_words != 0) {
        memset(agent->excluded, 0, agent->excluded_words * sizeof(uint64_t));
    }
}

struct alloc_agent *alloc_agent_new(struct alloc *a, uint32_t id,
                                    const struct allocator_agent *info)
{
    if (id >= a->agent_capacity) {
        uint32_t capacity = MAX(MAX(64u, id + 1), a->agent_capacity * 2);
        a->agents = xrealloc(a->agents, capacity, sizeof(struct alloc_agent *));
        for (uint32_t i = a->agent_capacity; i < capacity; i++) {
            a->agents[i] = NULL;
        }
        a->agent_capacity = capacity;
    }
    ASSERT(a->agents[id] == NULL);
    struct alloc_agent *agent = xalloc(sizeof(*agent));
    agent->id = id;
    agent->is_active = info->active;
    agent->is_whitelisted = true;
    agent->free_place = ALLOC_AGENT_NOT_FREE;
    agent->first_draft = ALLOC_DRAFT_NONE;
    a->agents[id] = agent;
    a->agent_count++;
    alloc_agent_set_traits(a, agent, info);
    alloc_inverse_set(a, agent, info->has_unavailability);
    return agent;
}

void alloc_agent_free(struct alloc *a, struct alloc_agent *agent)
{
    ASSERT(agent->held_count == 0 && agent->filter_count == 0);
    count_total(a, &agent->total, false);
    quantities_subtract(&a->headroom_available, &agent->unreserved);
    alloc_free_remove(&a->free, agent);
    alloc_inverse_set(a, agent, false);
    a->agents[agent->id] = NULL;
    a->agent_count--;
    resources_deinit(&agent->total);
    resources_deinit(&agent->available);
    resources_deinit(&agent->basis);
    resources_deinit(&agent->shared_offered);
    quantities_deinit(&agent->unreserved);
    free(agent->held);
    free(agent->refused);
    free(agent->excluded);
    free(agent);
}

/* --- who holds what --- */

struct alloc_held *alloc_agent_held(const struct alloc_agent *agent, uint32_t framework_id)
{
    for (uint32_t i = 0; i < agent->held_count; i++) {
        if (agent->held[i]->framework_id == framework_id) {
            return agent->held[i];
        }
    }
    return NULL;
}

struct alloc_held *alloc_agent_add_held(struct alloc *a, struct alloc_agent *agent,
                                        uint32_t framework_id)
{
    struct alloc_held *held = xalloc(sizeof(*held));
    held->agent = agent;
    held->framework_id = framework_id;
    held->framework = alloc_framework_find(a, framework_id);
    list_push_back(held->framework != NULL ? &held->framework->held
                                           : alloc_framework_orphans(a, framework_id),
                   &held->of_framework);
    ALLOC_ROOM_FOR_ONE(agent->held, agent->held_count, agent->held_capacity);
    agent->held[agent->held_count++] = held;
    return held;
}

void alloc_agent_remove_held(struct alloc_agent *agent, struct alloc_held *held)
{
    list_remove(&held->of_framework);
    uint32_t at = 0;
    while (agent->held[at] != held) {
        at++;
    }
    agent->held[at] = agent->held[--agent->held_count];
    resources_deinit(&held->resources);
    free(held);
}

/* --- who refuses it --- */

static void set_basis(struct alloc_agent *agent)
{
    resources_deinit(&agent->basis);
    resources_copy(&agent->available, &agent->basis);
    agent->basis_version = agent->version;
    agent->basis_exact_version = agent->version;
}

static void make_words(uint64_t **bits, uint32_t *count, uint32_t word)
{
    if (word >= *count) {
        uint32_t words = MAX(word + 1, *count * 2);
        *bits = xrealloc(*bits, words, sizeof(uint64_t));
        memset(*bits + *count, 0, (words - *count) * sizeof(uint64_t));
        *count = words;
    }
}

void alloc_agent_note_exclusion(struct alloc_agent *agent, struct alloc_client *client)
{
    uint32_t word = client->node.id / 64;
    make_words(&agent->excluded, &agent->excluded_words, word);
    agent->excluded[word] |= UINT64_C(1) << client->node.id % 64;
    client->may_be_refused = true;
}

void alloc_agent_note_refusal(struct alloc_agent *agent, struct alloc_client *client)
{
    uint32_t word = client->node.id / 64;
    make_words(&agent->refused, &agent->refused_words, word);
    if (!agent->has_refused) {
        set_basis(agent);
    } else if (agent->basis_exact_version != agent->version) {
        /* What others have refused contains what is there now, so that they refuse that as well;
         * but this one refuses no more than that. */
        if (agent->basis_version == agent->version &&
            resources_contain(&agent->available, &agent->basis)) {
            agent->basis_exact_version = agent->version;
        } else {
            set_basis(agent);
        }
    }
    agent->has_refused = true;
    agent->refused[word] |= UINT64_C(1) << client->node.id % 64;
    client->may_be_refused = true;
}

void alloc_agent_forget_refusal(struct alloc_agent *agent, uint32_t client_id)
{
    if (alloc_agent_is_refused(agent, client_id)) {
        agent->refused[client_id / 64] &= ~(UINT64_C(1) << client_id % 64);
    }
}

void alloc_agent_forget_refusals(struct alloc_agent *agent)
{
    if (agent->has_refused) {
        agent->has_refused = false;
        memset(agent->refused, 0, agent->refused_words * sizeof(uint64_t));
    }
}

bool alloc_agent_forget_refusals_of(struct alloc_agent *agent, const uint64_t *mask, uint32_t words)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < MIN(words, agent->excluded_words); i++) {
        found |= agent->excluded[i] & mask[i];
        agent->excluded[i] &= ~mask[i];
    }
    for (uint32_t i = 0; agent->has_refused && i < MIN(words, agent->refused_words); i++) {
        found |= agent->refused[i] & mask[i];
        agent->refused[i] &= ~mask[i];
    }
    return found != 0;
}

void alloc_agent_check_refusals(struct alloc_agent *agent)
{
    if (!agent->has_refused || agent->basis_version == agent->version) {
        return;
    }
    if (resources_contain(&agent->basis, &agent->available)) {
        agent->basis_version = agent->version;
    } else {
        alloc_agent_forget_refusals(agent);
    }
}
