#include "allocator/alloc_run.h"

#include <stdlib.h>

#include "allocator/alloc.h"
#include "allocator/alloc_array.h"
#include "allocator/alloc_visit.h"

/* --- the batch --- */

void alloc_batch_clear(struct alloc_batch *batch)
{
    for (uint32_t i = 0; i < batch->draft_count; i++) {
        resources_deinit(&batch->drafts[i].resources);
    }
    batch->draft_count = 0;
    batch->inverse_count = 0;
}

void alloc_batch_deinit(struct alloc_batch *batch)
{
    alloc_batch_clear(batch);
    free(batch->drafts);
    free(batch->offers);
    free(batch->inverse);
    *batch = (struct alloc_batch){0};
}

void alloc_batch_begin_agent(const struct alloc *a, struct alloc_agent *agent)
{
    if (agent->run != a->run_count) {
        agent->run = a->run_count;
        agent->first_draft = ALLOC_DRAFT_NONE;
        resources_clear(&agent->shared_offered);
    }
}

void alloc_batch_add(struct alloc *a, struct alloc_agent *agent, struct alloc_client *client,
                     struct resources *r)
{
    struct alloc_batch *batch = &a->batch;
    alloc_batch_begin_agent(a, agent);
    for (uint32_t at = agent->first_draft; at != ALLOC_DRAFT_NONE; at = batch->drafts[at].next) {
        if (batch->drafts[at].client == client) {
            resources_add(&batch->drafts[at].resources, r);
            resources_deinit(r);
            return;
        }
    }
    ALLOC_ROOM_FOR_ONE(batch->drafts, batch->draft_count, batch->draft_capacity);
    batch->drafts[batch->draft_count] = (struct alloc_draft){
        .client = client,
        .agent_id = agent->id,
        .next = agent->first_draft,
        .resources = resources_take(r),
    };
    agent->first_draft = batch->draft_count++;
    client->framework->batch_count++;
}

/* From the order in which they were made to the order of frameworks' first offers. */
static void order_offers(struct alloc_batch *batch)
{
    if (batch->draft_count > batch->offer_capacity) {
        batch->offer_capacity = batch->draft_capacity;
        free(batch->offers);
        batch->offers = xcalloc(batch->offer_capacity, sizeof(batch->offers[0]));
    }
    uint32_t place = 0;
    for (uint32_t i = 0; i < batch->draft_count; i++) {
        struct alloc_draft *draft = &batch->drafts[i];
        struct alloc_framework *framework = draft->client->framework;
        if (framework->batch_count != 0) {
            framework->batch_place = place;
            place += framework->batch_count;
            framework->batch_count = 0;
        }
        batch->offers[framework->batch_place++] = (struct allocator_offer){
            .framework = framework->id,
            .agent = draft->agent_id,
            .role = draft->client->role->name.data,
            .resources = &draft->resources,
        };
    }
}

/* --- asking for a run --- */

void alloc_run_ask(struct alloc *a, struct alloc_agent *agent)
{
    if (a->is_paused || agent->is_candidate) {
        return;
    }
    agent->is_candidate = true;
    ALLOC_ROOM_FOR_ONE(a->candidates, a->candidate_count, a->candidate_capacity);
    a->candidates[a->candidate_count++] = agent;
}

void alloc_run_forget(struct alloc *a, struct alloc_agent *agent)
{
    if (!agent->is_candidate) {
        return;
    }
    agent->is_candidate = false;
    uint32_t at = 0;
    while (a->candidates[at] != agent) {
        at++;
    }
    a->candidates[at] = a->candidates[--a->candidate_count];
}

void alloc_run_ask_all(struct alloc *a)
{
    if (!a->is_paused) {
        a->is_all_asked = true;
    }
}

bool alloc_run_is_asked(const struct alloc *a)
{
    return a->is_all_asked || a->candidate_count != 0;
}

/* --- the run --- */

static void shuffle(struct prng *prng, struct alloc_agent **agents, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)prng_below(prng, i);
        struct alloc_agent *agent = agents[i - 1];
        agents[i - 1] = agents[other];
        agents[other] = agent;
    }
}

/* Those that are awake, of all or of the candidates, into a->visits. */
static uint32_t list_visits(struct alloc *a, bool is_for_all)
{
    uint32_t count_max = is_for_all ? a->free.awake_end : a->candidate_count;
    if (count_max > a->visit_capacity) {
        a->visit_capacity = MAX(count_max, a->visit_capacity * 2);
        free(a->visits);
        a->visits = xcalloc(a->visit_capacity, sizeof(struct alloc_agent *));
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < count_max; i++) {
        struct alloc_agent *agent = is_for_all ? a->free.agents[i] : a->candidates[i];
        if (alloc_free_is_awake(&a->free, agent)) {
            a->visits[count++] = agent;
        }
    }
    return count;
}

static void visit_all(struct alloc *a, uint32_t count, enum alloc_stage stage)
{
    shuffle(&a->prng, a->visits, count);
    for (uint32_t i = 0; i < count; i++) {
        if (stage == ALLOC_STAGE_GUARANTEES && a->unsatisfied_count == 0) {
            return;
        }
        if (!resources_is_empty(&a->visits[i]->available)) {
            alloc_visit(a, a->visits[i], stage);
        }
    }
}

void alloc_run(struct alloc *a, int64_t now_ns, bool is_for_all)
{
    a->run_count++;
    if (a->active_count != 0) {
        alloc_client_settle_doubts(a);
        alloc_role_measure_headroom(a);
        uint32_t count = list_visits(a, is_for_all);
        drf_totals_settle(&a->totals, is_for_all);
        if (a->unsatisfied_count != 0) {
            visit_all(a, count, ALLOC_STAGE_GUARANTEES);
        }
        visit_all(a, count, ALLOC_STAGE_ALL);
        order_offers(&a->batch);
    }
    alloc_inverse_make(a, now_ns, is_for_all);
    for (uint32_t i = 0; i < a->candidate_count; i++) {
        a->candidates[i]->is_candidate = false;
    }
    a->candidate_count = 0;
    a->is_all_asked = false;
}
