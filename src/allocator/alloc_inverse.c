#include "allocator/alloc_inverse.h"

#include <stdlib.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"

void alloc_inverse_set(struct alloc *a, struct alloc_agent *agent, bool has_unavailability)
{
    free(agent->inverse);
    agent->inverse = NULL;
    agent->inverse_count = 0;
    if (has_unavailability && !agent->has_unavailability) {
        ALLOC_ROOM_FOR_ONE(a->maintained, a->maintained_count, a->maintained_capacity);
        agent->maintained_place = a->maintained_count;
        a->maintained[a->maintained_count++] = agent;
    } else if (!has_unavailability && agent->has_unavailability) {
        struct alloc_agent *last = a->maintained[--a->maintained_count];
        a->maintained[agent->maintained_place] = last;
        last->maintained_place = agent->maintained_place;
    }
    agent->has_unavailability = has_unavailability;
}

static struct alloc_inverse *find(struct alloc_agent *agent, uint32_t framework_id)
{
    for (uint32_t i = 0; i < agent->inverse_count; i++) {
        if (agent->inverse[i].framework_id == framework_id) {
            return &agent->inverse[i];
        }
    }
    return NULL;
}

static struct alloc_inverse *get(struct alloc_agent *agent, uint32_t framework_id)
{
    struct alloc_inverse *inverse = find(agent, framework_id);
    if (inverse == NULL) {
        agent->inverse = xrealloc(agent->inverse, agent->inverse_count + 1, sizeof(*inverse));
        inverse = &agent->inverse[agent->inverse_count++];
        *inverse = (struct alloc_inverse){.framework_id = framework_id};
    }
    return inverse;
}

void alloc_inverse_answer(struct alloc_agent *agent, uint32_t framework_id, int64_t now_ns,
                          int64_t refuse_ns)
{
    if (!agent->has_unavailability) {
        return;
    }
    struct alloc_inverse *inverse = get(agent, framework_id);
    inverse->is_outstanding = false;
    if (refuse_ns > 0) {
        inverse->refused_until_ns = MAX(inverse->refused_until_ns, time_add_ns(now_ns, refuse_ns));
    }
}

void alloc_inverse_forget(struct alloc *a, uint32_t framework_id, bool is_gone)
{
    for (uint32_t i = 0; i < a->maintained_count; i++) {
        struct alloc_agent *agent = a->maintained[i];
        struct alloc_inverse *inverse = find(agent, framework_id);
        if (inverse != NULL && is_gone) {
            *inverse = agent->inverse[--agent->inverse_count];
        } else if (inverse != NULL) {
            inverse->refused_until_ns = 0;
        }
    }
}

void alloc_inverse_forget_agent(struct alloc_agent *agent)
{
    for (uint32_t i = 0; i < agent->inverse_count; i++) {
        agent->inverse[i].refused_until_ns = 0;
    }
}

static void make_for_agent(struct alloc *a, struct alloc_agent *agent, int64_t now_ns)
{
    struct alloc_batch *batch = &a->batch;
    for (uint32_t i = 0; i < agent->held_count; i++) {
        const struct alloc_held *held = agent->held[i];
        if (held->framework == NULL || !held->framework->is_active) {
            continue;
        }
        struct alloc_inverse *inverse = get(agent, held->framework_id);
        if (inverse->is_outstanding || inverse->refused_until_ns > now_ns) {
            continue;
        }
        inverse->is_outstanding = true;
        ALLOC_ROOM_FOR_ONE(batch->inverse, batch->inverse_count, batch->inverse_capacity);
        batch->inverse[batch->inverse_count++] =
            (struct allocator_inverse_offer){held->framework_id, agent->id};
    }
}

static int compare(const void *a, const void *b)
{
    const struct allocator_inverse_offer *left = a;
    const struct allocator_inverse_offer *right = b;
    if (left->framework != right->framework) {
        return left->framework < right->framework ? -1 : 1;
    }
    return (left->agent > right->agent) - (left->agent < right->agent);
}

void alloc_inverse_make(struct alloc *a, int64_t now_ns, bool is_for_all)
{
    struct alloc_agent **agents = is_for_all ? a->maintained : a->candidates;
    uint32_t count = is_for_all ? a->maintained_count : a->candidate_count;
    for (uint32_t i = 0; i < count; i++) {
        if (agents[i]->has_unavailability) {
            make_for_agent(a, agents[i], now_ns);
        }
    }
    if (a->batch.inverse_count != 0) {
        qsort(a->batch.inverse, a->batch.inverse_count, sizeof(a->batch.inverse[0]), compare);
    }
}
