#include "master/offer.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"

static void record_free(struct cow_value *value)
{
    struct offer_record *record = CONTAINER_OF(value, struct offer_record, value);
    blob_unref(record->id);
    blob_unref(record->resources);
    blob_unref(record->framework_id);
    blob_unref(record->agent_id);
    blob_unref(record->role);
    free(record);
}

struct blob *master_offer_next_id(struct master *master)
{
    return blob_from(slice_from(arena_printf(&master->arena, "%s-O%llu", master->id,
                                             (unsigned long long)master->next_offer++)));
}

static struct offer *offer_new(struct master *master, struct framework *framework,
                               struct agent *agent, const char *role, struct resources *resources)
{
    struct offer_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->id = master_offer_next_id(master);
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    resources_encode(resources, RESOURCE_FORMAT_POST, FIELD_OFFER_RESOURCES, &bytes);
    record->resources = blob_from(buf_slice(&bytes));
    record->framework_id = blob_ref(framework->id);
    record->agent_id = blob_ref(agent->id);
    record->role = blob_from(slice_from(role));
    record->framework = framework->slot;
    record->agent = agent->slot;

    struct offer *offer = xalloc(sizeof(*offer));
    offer->framework = framework;
    offer->agent = agent;
    offer->record = record;
    offer->resources = resources_take(resources);
    timer_init(&offer->timeout, TIMER_OFFER, offer);
    offer->slot = cow_table_add(&master->offer_records, &record->value);
    map_add(&master->offers, &offer->by_id);
    list_push_back(&framework->offers, &offer->of_framework);
    list_push_back(&agent->offers, &offer->of_agent);
    if (master->options.offer_timeout_ns > 0) {
        timers_set(&master->timers, &offer->timeout,
                   time_add_ns(master->now.mono_ns, master->options.offer_timeout_ns));
    }
    return offer;
}

static void put_id(struct buf *out, uint32_t number, struct slice id)
{
    size_t begun = wire_begin(out, number);
    wire_put_bytes(out, FIELD_ID_VALUE, id);
    wire_end(out, begun);
}

/* URL {scheme = 1, address = 2 {hostname = 1, ip = 2, port = 3}, path = 3} */
void master_offer_put_url(struct buf *out, uint32_t number, const struct agent *agent)
{
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(&agent->upid.address, ip);
    size_t url = wire_begin(out, number);
    wire_put_bytes(out, 1, SLICE("http"));
    size_t address = wire_begin(out, 2);
    wire_put_bytes(out, 1, slice_from(agent->hostname));
    wire_put_bytes(out, 2, slice_from(ip));
    wire_put_varint(out, 3, agent->upid.address.port);
    wire_end(out, address);
    char path[UPID_ID_SIZE_MAX + 2];
    snprintf(path, sizeof(path), "/%s", agent->upid.id);
    wire_put_bytes(out, 3, slice_from(path));
    wire_end(out, url);
}

/* Frameworks of one role see no allocations, those without RESERVATION_REFINEMENT the older format
 * (facts/observed.md, wire 13). */
static void put_resources(struct master *master, struct buf *out, const struct offer *offer)
{
    const struct framework *framework = offer->framework;
    enum resource_format format = (framework->capabilities & FRAMEWORK_REFINEMENT) != 0
                                      ? RESOURCE_FORMAT_POST
                                      : RESOURCE_FORMAT_PRE;
    if ((framework->capabilities & FRAMEWORK_MULTI_ROLE) != 0) {
        resources_encode(&offer->resources, format, FIELD_OFFER_RESOURCES, out);
        size_t begun = wire_begin(out, FIELD_OFFER_ALLOCATION_INFO);
        wire_put_bytes(out, 1, blob_slice(offer->record->role));
        wire_end(out, begun);
    } else {
        struct resources plain;
        resources_copy(&offer->resources, &plain);
        resources_unallocate(&plain, &master->kinds);
        resources_encode(&plain, format, FIELD_OFFER_RESOURCES, out);
        resources_deinit(&plain);
    }
}

/* Attributes and the domain are copied from AgentInfo as they stand there. */
static void put_agent(struct buf *out, const struct agent *agent)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(agent->info));
    while (cursor_next(&cursor, &field)) {
        if (field.number == FIELD_AGENT_INFO_ATTRIBUTES) {
            wire_put_bytes(out, FIELD_OFFER_ATTRIBUTES, field.bytes);
        } else if (field.number == FIELD_AGENT_INFO_DOMAIN) {
            wire_put_bytes(out, FIELD_OFFER_DOMAIN, field.bytes);
        }
    }
}

static void offer_encode(struct master *master, const struct offer *offer, struct buf *out)
{
    size_t begun = wire_begin(out, FIELD_EVENT_OFFERS_OFFERS);
    put_id(out, FIELD_OFFER_ID, blob_slice(offer->record->id));
    put_id(out, FIELD_OFFER_FRAMEWORK_ID, blob_slice(offer->framework->id));
    put_id(out, FIELD_OFFER_AGENT_ID, blob_slice(offer->agent->id));
    wire_put_bytes(out, FIELD_OFFER_HOSTNAME, slice_from(offer->agent->hostname));
    master_offer_put_url(out, FIELD_OFFER_URL, offer->agent);
    if (offer->agent->machine->unavailability != NULL) {
        wire_put_bytes(out, FIELD_OFFER_UNAVAILABILITY,
                       blob_slice(offer->agent->machine->unavailability));
    }
    put_resources(master, out, offer);
    put_agent(out, offer->agent);
    struct executor *executor;
    LIST_FOR_EACH (executor, &offer->agent->executors, of_agent) {
        if (executor->framework == offer->framework) {
            put_id(out, FIELD_OFFER_EXECUTOR_IDS, executor_record_id(executor->record));
        }
    }
    wire_end(out, begun);
}

/* --- a batch --- */

struct framework *master_offer_framework(const struct master *master, uint32_t slot)
{
    struct framework *framework =
        slot < master->framework_slots_size ? master->framework_slots[slot] : NULL;
    return framework != NULL && framework->state == FRAMEWORK_ACTIVE ? framework : NULL;
}

struct agent *master_offer_agent(const struct master *master, uint32_t slot)
{
    struct agent *agent = slot < master->agent_slots_size ? master->agent_slots[slot] : NULL;
    return agent != NULL && agent->state == AGENT_REGISTERED && agent->active ? agent : NULL;
}

/* The batch belongs to the allocator and lives until the next call to it: what is to be given back
 * is copied first. */
struct returned {
    uint32_t framework;
    uint32_t agent;
    struct resources resources;
};

/* Offers of one framework that go out in one event. */
struct outgoing {
    struct framework *framework; /* NULL = none yet */
    struct buf offers;           /* encoded, one field behind the other */
    const char **pids;           /* of their agents */
    size_t count;
};

static void outgoing_flush(struct master *master, struct outgoing *out)
{
    if (out->count > 0) {
        out->framework->counts->offers_sent += out->count;
        master_event_offers(master, out->framework, buf_slice(&out->offers), out->pids, out->count);
    }
    buf_clear(&out->offers);
    out->count = 0;
}

static void give_back(struct master *master, struct returned *returned, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        master->allocator_ops->recover_resources(master->allocator, master->now.mono_ns,
                                                 returned[i].framework, returned[i].agent,
                                                 &returned[i].resources, NULL);
        resources_deinit(&returned[i].resources);
    }
    free(returned);
}

void master_offer_batch(struct master *master, const struct allocator_batch *batch)
{
    struct returned *returned = NULL;
    size_t returned_count = 0;
    struct outgoing out = {
        .pids = arena_alloc_array(&master->arena, batch->offer_count + 1, sizeof(out.pids[0])),
    };
    for (size_t i = 0; i < batch->offer_count; i++) {
        const struct allocator_offer *given = &batch->offers[i];
        struct framework *framework = master_offer_framework(master, given->framework);
        struct agent *agent = master_offer_agent(master, given->agent);
        if (framework == NULL || agent == NULL) {
            returned = xrealloc(returned, returned_count + 1, sizeof(returned[0]));
            struct returned *r = &returned[returned_count++];
            *r = (struct returned){.framework = given->framework, .agent = given->agent};
            resources_copy(given->resources, &r->resources);
            continue;
        }
        if (framework != out.framework) {
            outgoing_flush(master, &out);
            out.framework = framework;
        }
        struct offer *offer = offer_new(master, framework, agent, given->role, given->resources);
        offer_encode(master, offer, &out.offers);
        out.pids[out.count++] = agent->pid;
    }
    outgoing_flush(master, &out);
    buf_deinit(&out.offers);
    give_back(master, returned, returned_count);
}

/* --- the end of an offer --- */

struct resources master_offer_take(struct master *master, struct offer *offer)
{
    struct resources resources = resources_take(&offer->resources);
    timers_cancel(&master->timers, &offer->timeout);
    map_remove(&master->offers, &offer->by_id);
    list_remove(&offer->of_framework);
    list_remove(&offer->of_agent);
    cow_table_remove(&master->offer_records, offer->slot);
    free(offer);
    return resources;
}

void master_offer_discard(struct master *master, struct offer *offer,
                          const struct allocator_refusal *refusal)
{
    struct framework *framework = offer->framework;
    struct agent *agent = offer->agent;
    struct resources resources = master_offer_take(master, offer);
    if (framework->in_allocator && agent->in_allocator) {
        master->allocator_ops->recover_resources(master->allocator, master->now.mono_ns,
                                                 framework->slot, agent->slot, &resources, refusal);
    }
    resources_deinit(&resources);
}

void master_offer_rescind_for(struct master *master, struct offer *offer,
                              const struct allocator_refusal *refusal)
{
    offer->framework->counts->offers_rescinded++;
    master_event_rescind(master, offer->framework, blob_slice(offer->record->id));
    master_offer_discard(master, offer, refusal);
}

void master_offer_rescind(struct master *master, struct offer *offer)
{
    master_offer_rescind_for(master, offer, NULL);
}
