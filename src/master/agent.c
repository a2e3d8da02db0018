#include "master/agent.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "master/observer.h"
#include "master/peer.h"
#include "master/tasks_lost.h"
#include "resources/resource_operation.h"
#include "resources/resource_pb.h"
#include "wire/message.h"

/* --- records --- */

static void record_free(struct cow_value *value)
{
    struct agent_record *record = CONTAINER_OF(value, struct agent_record, value);
    blob_unref(record->id);
    blob_unref(record->info);
    blob_unref(record->total);
    blob_unref(record->version);
    blob_unref(record->drain_info);
    free(record);
}

static struct agent_record *record_new(const struct agent *agent)
{
    struct agent_record *record = xalloc(sizeof(*record));
    cow_value_init(&record->value, record_free);
    record->id = blob_ref(agent->id);
    record->info = blob_ref(agent->info);
    CLEANUP(buf_deinit) struct buf total = BUF_INIT;
    resources_encode(&agent->total, RESOURCE_FORMAT_POST, FIELD_RESOURCES, &total);
    record->total = blob_from(buf_slice(&total));
    record->version = agent->version != NULL ? blob_from(slice_from(agent->version)) : NULL;
    record->slot = agent->slot;
    record->state = agent->state;
    record->connected = agent->connected;
    record->active = agent->active;
    record->deactivated = agent->drain.deactivated;
    record->drain_info = blob_ref(agent->drain.info);
    record->drain_start_ns = agent->drain.start_ns;
    record->capabilities = agent->capabilities;
    record->order = agent->order;
    record->registered_ns = agent->registered_ns;
    record->reregistered_ns = agent->reregistered_ns;
    memcpy(record->pid, agent->pid, sizeof(record->pid));
    return record;
}

void master_agent_publish(struct master *master, struct agent *agent)
{
    cow_table_put(&master->agent_records, agent->slot, &record_new(agent)->value);
}

struct agent_record *master_agent_record(const struct master *master, const struct agent *agent)
{
    struct cow_value *value = cow_table_get(&master->agent_records, agent->slot);
    ASSERT(value != NULL);
    return CONTAINER_OF(value, struct agent_record, value);
}

static void place_in_slot(struct master *master, struct agent *agent)
{
    struct agent_record *record = record_new(agent);
    agent->slot = cow_table_add(&master->agent_records, &record->value);
    agent->has_slot = true;
    record->slot = agent->slot;
    if (agent->slot >= master->agent_slots_size) {
        size_t size = MAX((size_t)agent->slot + 1, master->agent_slots_size * 2);
        master->agent_slots = xrealloc(master->agent_slots, size, sizeof(master->agent_slots[0]));
        for (size_t i = master->agent_slots_size; i < size; i++) {
            master->agent_slots[i] = NULL;
        }
        master->agent_slots_size = size;
    }
    master->agent_slots[agent->slot] = agent;
}

/* --- what it says of itself --- */

static uint32_t capability_bit(Pb__AgentInfo__Capability__Type type)
{
    switch ((int)type) {
    case PB__AGENT_INFO__CAPABILITY__TYPE__MULTI_ROLE:
        return AGENT_MULTI_ROLE;
    case PB__AGENT_INFO__CAPABILITY__TYPE__HIERARCHICAL_ROLE:
        return AGENT_HIERARCHICAL_ROLE;
    case PB__AGENT_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT:
        return AGENT_REFINEMENT;
    case PB__AGENT_INFO__CAPABILITY__TYPE__RESOURCE_PROVIDER:
        return AGENT_RESOURCE_PROVIDER;
    case PB__AGENT_INFO__CAPABILITY__TYPE__RESIZE_VOLUME:
        return AGENT_RESIZE_VOLUME;
    case PB__AGENT_INFO__CAPABILITY__TYPE__AGENT_OPERATION_FEEDBACK:
        return AGENT_OPERATION_FEEDBACK;
    case PB__AGENT_INFO__CAPABILITY__TYPE__AGENT_DRAINING:
        return AGENT_DRAINING;
    case PB__AGENT_INFO__CAPABILITY__TYPE__TASK_RESOURCE_LIMITS:
        return AGENT_TASK_RESOURCE_LIMITS;
    default:
        return 0; /* of a later version */
    }
}

uint32_t master_agent_capabilities(Pb__AgentInfo__Capability *const *items, size_t count)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        if (items[i]->has_type) {
            bits |= capability_bit(items[i]->type);
        }
    }
    return bits;
}

static void replace_text(char **text, const char *with)
{
    char *old = *text;
    *text = with != NULL ? xstrdup(with) : NULL;
    free(old);
}

static void total_count(struct master *master, const struct resources *total, bool add)
{
    master_role_tally_total(&master->role_tally, total, add, &master->names);
    for (uint32_t i = 0; i < total->count; i++) {
        const struct resource *r = &total->items[i];
        struct quantities *sum = r->kind->is_revocable ? &master->total_revocable : &master->total;
        if (add) {
            quantities_add_resource(sum, r, &master->names);
        } else {
            struct quantities amount = QUANTITIES_INIT;
            quantities_add_resource(&amount, r, &master->names);
            quantities_subtract(sum, &amount);
            quantities_deinit(&amount);
        }
    }
}

/* Totals of registered agents are part of the cluster's. */
static void set_total(struct master *master, struct agent *agent, struct resources *total)
{
    bool counted = agent->state == AGENT_REGISTERED;
    if (counted) {
        total_count(master, &agent->total, false);
    }
    resources_deinit(&agent->total);
    agent->total = resources_take(total);
    resources_intern(&agent->total, &master->kinds);
    if (counted) {
        total_count(master, &agent->total, true);
    }
}

void master_agent_set_total(struct master *master, struct agent *agent, struct resources *total)
{
    set_total(master, agent, total);
    master_agent_publish(master, agent);
}

void master_agent_describe(struct master *master, struct agent *agent,
                           const struct agent_self *self)
{
    const Pb__AgentInfo *info = self->info;
    blob_unref(agent->info);
    agent->info = message_encode_blob(&info->base);
    replace_text(&agent->hostname, info->hostname);
    replace_text(&agent->version, self->version);
    agent_traits_deinit(&agent->traits);
    agent_traits_init(&agent->traits, info);
    agent->capabilities = self->capabilities;
    agent->has_resource_version = self->has_resource_version;
    agent->resource_version = self->resource_version;

    struct resources plain = RESOURCES_INIT;
    struct resources total;
    resources_add_pb(&plain, info->resources, info->n_resources, &master->kinds);
    if (self->checkpointed == NULL ||
        resource_operation_restore(&plain, self->checkpointed, &total, NULL) != 0) {
        total = resources_take(&plain);
    }
    resources_deinit(&plain);
    set_total(master, agent, &total);
}

void master_agent_set_upid(struct master *master, struct agent *agent, const struct upid *upid)
{
    if (agent->in_pid_map) {
        map_remove(&master->agents_by_pid, &agent->by_pid);
    }
    agent->upid = *upid;
    upid_format(upid, agent->pid);
    /* Another agent of old at the same pid: what is said from there is this one's now. */
    struct map_link *link = map_find(&master->agents_by_pid, slice_from(agent->pid));
    if (link != NULL) {
        map_remove(&master->agents_by_pid, link);
        CONTAINER_OF(link, struct agent, by_pid)->in_pid_map = false;
    }
    map_add(&master->agents_by_pid, &agent->by_pid);
    agent->in_pid_map = true;
}

/* --- the allocator's view --- */

static const struct {
    uint32_t ours;
    uint32_t allocators;
} capability_map[] = {
    {AGENT_MULTI_ROLE, ALLOCATOR_MULTI_ROLE},
    {AGENT_HIERARCHICAL_ROLE, ALLOCATOR_HIERARCHICAL_ROLE},
    {AGENT_REFINEMENT, ALLOCATOR_REFINEMENT},
};

static struct allocator_agent allocator_view(const struct agent *agent)
{
    uint32_t capabilities = 0;
    for (size_t i = 0; i < ELEMENTS(capability_map); i++) {
        if ((agent->capabilities & capability_map[i].ours) != 0) {
            capabilities |= capability_map[i].allocators;
        }
    }
    return (struct allocator_agent){
        .total = &agent->total,
        .capabilities = capabilities,
        .region = agent->traits.region,
        .active = agent->active,
        .has_unavailability = agent->machine->unavailability != NULL,
        .unavailability_start_ns = master_machine_start_ns(agent->machine),
    };
}

/* --- the life of an agent --- */

struct agent *master_agent_new(struct master *master, struct blob *id, enum agent_state state)
{
    struct agent *agent = xalloc(sizeof(*agent));
    agent->id = blob_ref(id);
    agent->state = state;
    list_init(&agent->link);
    list_init(&agent->at_address);
    list_init(&agent->removal_link);
    list_init(&agent->tasks);
    list_init(&agent->executors);
    list_init(&agent->offers);
    list_init(&agent->inverse_offers);
    list_init(&agent->inverse_answers);
    list_init(&agent->operations);
    list_init(&agent->of_machine);
    timer_init(&agent->ping, TIMER_PING, agent);
    timer_init(&agent->reregister, TIMER_REREGISTER, agent);
    map_add(&master->agents, &agent->by_id);
    if (state == AGENT_ADMITTING) {
        list_push_back(&master->admitting, &agent->link);
    }
    return agent;
}

void master_agent_recovered(struct master *master, struct agent *agent, struct blob *info)
{
    ASSERT(agent->state == AGENT_RECOVERED);
    agent->info = blob_ref(info);
    agent->order = master->next_order++;
    list_push_back(&master->recovered, &agent->link);
    master->recovered_count++;
    place_in_slot(master, agent);
}

void master_agent_register(struct master *master, struct agent *agent,
                           const struct allocator_used *used, size_t used_count)
{
    list_remove(&agent->link);
    if (agent->state == AGENT_RECOVERED) {
        master->recovered_count--;
    }
    agent->state = AGENT_REGISTERED;
    agent->transition = AGENT_SETTLED;
    agent->operations_listed = false;
    agent->connected = true;
    agent->active = !agent->drain.deactivated;
    agent->order = master->next_order++;
    agent->registered_ns = master->now.wall_ns;
    list_push_back(&master->registered, &agent->link);
    master->registered_count++;
    master->connected_count++;
    master->active_count += agent->active;
    total_count(master, &agent->total, true);
    if (!agent->has_slot) {
        place_in_slot(master, agent);
    } else {
        master_agent_publish(master, agent);
    }
    master_peer_link_agent(master, agent, true);
    master_observer_start(master, agent);
    master_machine_join(master, agent);
    struct allocator_agent view = allocator_view(agent);
    master->allocator_ops->add_agent(master->allocator, master->now.mono_ns, agent->slot, &view,
                                     used, used_count);
    agent->in_allocator = true;
    master_whitelist_apply(master, agent);
    master_change_note(master, CHANGE_AGENT_ADDED, &master_agent_record(master, agent)->value,
                       NULL);
}

void master_agent_rescind_offers(struct master *master, struct agent *agent)
{
    struct offer *offer;
    LIST_FOR_EACH (offer, &agent->offers, of_agent) {
        master_offer_rescind(master, offer);
    }
    master_inverse_offer_rescind_all(master, agent);
}

void master_agent_deactivate(struct master *master, struct agent *agent)
{
    if (agent->active) {
        agent->active = false;
        master->active_count--;
        master->allocator_ops->deactivate_agent(master->allocator, master->now.mono_ns,
                                                agent->slot);
    }
    master_agent_rescind_offers(master, agent);
    master_agent_publish(master, agent);
}

void master_agent_disconnect(struct master *master, struct agent *agent)
{
    ASSERT(agent->state == AGENT_REGISTERED && agent->connected);
    master_log(master, LOG_LEVEL_INFO, "Agent %s at %s (%s) disconnected", agent->id->data,
               agent->pid, agent->hostname);
    agent->connected = false;
    master->connected_count--;
    master_agent_deactivate(master, agent);
    master_tasks_lost_unsaved(master, agent);
    timers_set(&master->timers, &agent->reregister,
               time_add_ns(master->now.mono_ns, master->options.agent_reregister_timeout_ns));
}

void master_agent_reconnect(struct master *master, struct agent *agent)
{
    ASSERT(agent->state == AGENT_REGISTERED && !agent->connected);
    timers_cancel(&master->timers, &agent->reregister);
    agent->connected = true;
    master->connected_count++;
    master_agent_activate(master, agent);
}

void master_agent_activate(struct master *master, struct agent *agent)
{
    if (agent->connected && !agent->active && !agent->drain.deactivated) {
        agent->active = true;
        master->active_count++;
        master->allocator_ops->activate_agent(master->allocator, master->now.mono_ns, agent->slot);
    }
    master_agent_publish(master, agent);
}

void master_agent_changed(struct master *master, struct agent *agent, bool attributes_changed)
{
    master_agent_publish(master, agent);
    struct allocator_agent view = allocator_view(agent);
    view.attributes_changed = attributes_changed;
    master->allocator_ops->update_agent(master->allocator, master->now.mono_ns, agent->slot, &view);
}

/* --- its end --- */

void master_agent_tell_lost(struct master *master, struct slice id)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &master->running, link) {
        if (framework_is_connected(framework->state)) {
            master_event_agent_lost(master, framework, id);
        }
    }
}

static void agent_free(struct master *master, struct agent *agent)
{
    map_remove(&master->agents, &agent->by_id);
    if (agent->in_pid_map) {
        map_remove(&master->agents_by_pid, &agent->by_pid);
    }
    list_remove(&agent->link);
    list_remove(&agent->at_address);
    list_remove(&agent->removal_link);
    timers_cancel(&master->timers, &agent->ping);
    timers_cancel(&master->timers, &agent->reregister);
    if (agent->has_slot) {
        cow_table_remove(&master->agent_records, agent->slot);
        master->agent_slots[agent->slot] = NULL;
    }
    resources_deinit(&agent->total);
    agent_drain_deinit(&agent->drain);
    blob_unref(agent->id);
    blob_unref(agent->info);
    free(agent->hostname);
    free(agent->version);
    agent_traits_deinit(&agent->traits);
    free(agent);
}

void master_agent_drop(struct master *master, struct agent *agent)
{
    ASSERT(agent->state != AGENT_REGISTERED);
    if (agent->state == AGENT_RECOVERED) {
        master->recovered_count--;
    }
    agent_free(master, agent);
}

/* Of an agent that is simply removed nothing is said, as in the reference. */
static Pb__OperationState operations_end(const struct agent_end *end)
{
    if (end->unreachable) {
        return PB__OPERATION_STATE__OPERATION_UNREACHABLE;
    }
    return end->gone ? PB__OPERATION_STATE__OPERATION_GONE_BY_OPERATOR
                     : PB__OPERATION_STATE__OPERATION_UNSUPPORTED;
}

void master_agent_remove(struct master *master, struct agent *agent, const struct agent_end *end)
{
    ASSERT(agent->state == AGENT_REGISTERED);
    /* First, so that what is given back below is not offered again. */
    master->allocator_ops->remove_agent(master->allocator, master->now.mono_ns, agent->slot);
    agent->in_allocator = false;
    master_tasks_lost_all(master, agent, end);
    master_operation_lose_all(master, agent, operations_end(end), end->message);
    master_agent_rescind_offers(master, agent);
    master_machine_leave(master, agent);

    total_count(master, &agent->total, false);
    master->registered_count--;
    if (agent->connected) {
        master->connected_count--;
    }
    if (agent->active) {
        master->active_count--;
    }
    struct blob *id = blob_ref(agent->id);
    if (!end->unreachable && !end->gone) {
        master_change_note(master, CHANGE_AGENT_REMOVED, &master_agent_record(master, agent)->value,
                           NULL);
    }
    agent_free(master, agent);
    master_agent_tell_lost(master, blob_slice(id));
    blob_unref(id);
}

double master_agent_ping_timeout_seconds(const struct master *master)
{
    return (double)(master->options.agent_ping_timeout_ns *
                    master->options.max_agent_ping_timeouts) /
           (double)NS_PER_SEC;
}
