#include "master/inverse_offer.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/calls.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/filters.h"
#include "master/machine.h"
#include "master/master_state.h"
#include "wire/cursor.h"

struct slice master_inverse_offer_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct inverse_offer, by_id)->id);
}

static struct inverse_offer *find(const struct master *master, const char *id)
{
    struct map_link *link = map_find(&master->inverse_offers, slice_from(id));
    return link != NULL ? CONTAINER_OF(link, struct inverse_offer, by_id) : NULL;
}

static struct inverse_offer *offer_new(struct master *master, struct framework *framework,
                                       struct agent *agent)
{
    struct inverse_offer *offer = xalloc(sizeof(*offer));
    offer->id = master_offer_next_id(master);
    offer->framework = framework;
    offer->agent = agent;
    timer_init(&offer->timeout, TIMER_INVERSE_OFFER, offer);
    map_add(&master->inverse_offers, &offer->by_id);
    list_push_back(&framework->inverse_offers, &offer->of_framework);
    list_push_back(&agent->inverse_offers, &offer->of_agent);
    if (master->options.offer_timeout_ns > 0) {
        timers_set(&master->timers, &offer->timeout,
                   time_add_ns(master->now.mono_ns, master->options.offer_timeout_ns));
    }
    return offer;
}

static void offer_free(struct master *master, struct inverse_offer *offer)
{
    timers_cancel(&master->timers, &offer->timeout);
    map_remove(&master->inverse_offers, &offer->by_id);
    list_remove(&offer->of_framework);
    list_remove(&offer->of_agent);
    blob_unref(offer->id);
    free(offer);
}

/* Answered, or given up: it may be asked again, after some time. */
static void tell_allocator(struct master *master, const struct framework *framework,
                           const struct agent *agent, int64_t refuse_ns)
{
    if (framework->in_allocator && agent->in_allocator) {
        master->allocator_ops->update_inverse_offer(master->allocator, master->now.mono_ns,
                                                    framework->slot, agent->slot, refuse_ns);
    }
}

/* --- a batch --- */

static void put_id(struct buf *out, uint32_t number, const struct blob *id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, blob_slice(id));
    wire_end(out, begun);
}

/* No resources: the whole agent is meant. */
static void offer_encode(const struct inverse_offer *offer, struct buf *out)
{
    size_t begun = wire_begin(out, FIELD_EVENT_INVERSE_OFFERS_OFFERS);
    put_id(out, FIELD_INVERSE_OFFER_ID, offer->id);
    master_offer_put_url(out, FIELD_INVERSE_OFFER_URL, offer->agent);
    put_id(out, FIELD_INVERSE_OFFER_FRAMEWORK_ID, offer->framework->id);
    put_id(out, FIELD_INVERSE_OFFER_AGENT_ID, offer->agent->id);
    wire_put_bytes(out, FIELD_INVERSE_OFFER_UNAVAILABILITY,
                   blob_slice(offer->agent->machine->unavailability));
    wire_end(out, begun);
}

/* NULL if it is not there any more, or not to be asked now. */
static struct agent *agent_of(const struct master *master,
                              const struct allocator_inverse_offer *given)
{
    struct agent *agent = master_offer_agent(master, given->agent);
    return agent != NULL && agent->machine->unavailability != NULL ? agent : NULL;
}

/* What goes to one framework in one event. */
struct outgoing {
    struct framework *framework; /* NULL = none yet */
    struct buf offers;           /* encoded, one field behind the other */
    const char **pids;           /* of their agents */
    size_t count;
};

static void outgoing_flush(struct master *master, struct outgoing *out)
{
    if (out->count > 0) {
        master_event_inverse_offers(master, out->framework, buf_slice(&out->offers), out->pids,
                                    out->count);
    }
    buf_clear(&out->offers);
    out->count = 0;
}

void master_inverse_offer_batch(struct master *master, const struct allocator_batch *batch)
{
    size_t count = batch->inverse_offer_count;
    struct outgoing out = {
        .pids = arena_alloc_array(&master->arena, count + 1, sizeof(out.pids[0])),
    };
    /* Told of behind the batch, which lives until the allocator is called. */
    struct allocator_inverse_offer *dropped =
        arena_alloc_array(&master->arena, count + 1, sizeof(dropped[0]));
    size_t dropped_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct allocator_inverse_offer *given = &batch->inverse_offers[i];
        struct framework *framework = master_offer_framework(master, given->framework);
        struct agent *agent = agent_of(master, given);
        if (framework == NULL || agent == NULL) {
            dropped[dropped_count++] = *given;
            continue;
        }
        if (framework != out.framework) {
            outgoing_flush(master, &out);
            out.framework = framework;
        }
        offer_encode(offer_new(master, framework, agent), &out.offers);
        out.pids[out.count++] = agent->pid;
    }
    outgoing_flush(master, &out);
    buf_deinit(&out.offers);
    for (size_t i = 0; i < dropped_count; i++) {
        master->allocator_ops->update_inverse_offer(master->allocator, master->now.mono_ns,
                                                    dropped[i].framework, dropped[i].agent, 0);
    }
}

/* --- the end of an inverse offer --- */

static void discard(struct master *master, struct inverse_offer *offer)
{
    tell_allocator(master, offer->framework, offer->agent, 0);
    offer_free(master, offer);
}

void master_inverse_offer_rescind(struct master *master, struct inverse_offer *offer)
{
    master_event_rescind_inverse(master, offer->framework, blob_slice(offer->id));
    discard(master, offer);
}

void master_inverse_offer_take_back(struct master *master, struct framework *framework,
                                    bool rescind)
{
    struct inverse_offer *offer;
    LIST_FOR_EACH (offer, &framework->inverse_offers, of_framework) {
        if (rescind) {
            master_inverse_offer_rescind(master, offer);
        } else {
            discard(master, offer);
        }
    }
}

void master_inverse_offer_rescind_all(struct master *master, struct agent *agent)
{
    struct inverse_offer *offer;
    LIST_FOR_EACH (offer, &agent->inverse_offers, of_agent) {
        master_inverse_offer_rescind(master, offer);
    }
}

/* --- answers --- */

static void answer_free(struct master *master, struct inverse_answer *answer)
{
    list_remove(&answer->of_framework);
    list_remove(&answer->of_agent);
    free(answer);
    master_machine_touch(master);
}

void master_inverse_offer_forget_agent(struct master *master, struct agent *agent)
{
    struct inverse_answer *answer;
    LIST_FOR_EACH (answer, &agent->inverse_answers, of_agent) {
        answer_free(master, answer);
    }
}

void master_inverse_offer_forget_framework(struct master *master, struct framework *framework)
{
    struct inverse_answer *answer;
    LIST_FOR_EACH (answer, &framework->inverse_answers, of_framework) {
        answer_free(master, answer);
    }
}

/* The framework's about that agent, which is made if there is none. */
static struct inverse_answer *answer_of(struct framework *framework, struct agent *agent)
{
    struct inverse_answer *answer;
    LIST_FOR_EACH (answer, &agent->inverse_answers, of_agent) {
        if (answer->framework == framework) {
            return answer;
        }
    }
    answer = xalloc(sizeof(*answer));
    answer->framework = framework;
    list_push_back(&framework->inverse_answers, &answer->of_framework);
    list_push_back(&agent->inverse_answers, &answer->of_agent);
    return answer;
}

/* Only the owner answers (as for offers: facts/observed.md, scheduler 17); what is no inverse
 * offer, or not any more, is ignored. */
static void answer_all(struct master *master, struct framework *framework, Pb__OfferID *const *ids,
                       size_t count, const Pb__Filters *filters, bool accepted)
{
    struct allocator_refusal refusal = master_filters_refusal(filters);
    for (size_t i = 0; i < count; i++) {
        struct inverse_offer *offer = find(master, ids[i]->value);
        if (offer == NULL || offer->framework != framework) {
            master_log(master, LOG_LEVEL_WARNING,
                       "Ignoring the answer of framework %s to inverse offer '%s': it is not valid "
                       "any more",
                       framework->id->data, ids[i]->value);
            continue;
        }
        struct inverse_answer *answer = answer_of(framework, offer->agent);
        answer->accepted = accepted;
        answer->time_ns = master->now.wall_ns;
        master_machine_touch(master);
        tell_allocator(master, framework, offer->agent, refusal.refuse_ns);
        offer_free(master, offer);
    }
}

/* Without filters it is asked again after the five seconds that are their default. */
void master_accept_inverse_offers(struct master *master, struct framework *framework,
                                  const Pb__Scheduler__Call__AcceptInverseOffers *call)
{
    answer_all(master, framework, call->inverse_offer_ids, call->n_inverse_offer_ids, call->filters,
               true);
}

void master_decline_inverse_offers(struct master *master, struct framework *framework,
                                   const Pb__Scheduler__Call__DeclineInverseOffers *call)
{
    answer_all(master, framework, call->inverse_offer_ids, call->n_inverse_offer_ids, call->filters,
               false);
}
