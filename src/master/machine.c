#include "master/machine.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/inverse_offer.h"
#include "master/master_state.h"
#include "master/register.h"
#include "registry/registry_maintenance.h"
#include "registry/registry_schedule.h"
#include "wire/pb.h"

/* Numbers of the wire: mesos.MachineID, mesos.Unavailability, mesos.TimeInfo. */
enum { ID_HOSTNAME = 1, ID_IP = 2, UNAVAILABILITY_START = 1, TIME_NANOSECONDS = 1 };

static struct slice machine_key(const struct map_link *link)
{
    return blob_slice(CONTAINER_OF(link, struct machine, by_key)->key);
}

void master_machines_init(struct machines *machines, uint64_t seed)
{
    map_init(&machines->by_key, machine_key, seed);
    list_init(&machines->scheduled);
}

static void machine_free(struct machines *machines, struct machine *machine)
{
    ASSERT(list_is_empty(&machine->agents));
    map_remove(&machines->by_key, &machine->by_key);
    list_remove(&machine->link);
    blob_unref(machine->key);
    blob_unref(machine->id);
    blob_unref(machine->unavailability);
    free(machine);
}

void master_machines_deinit(struct machines *machines)
{
    struct map_link *link = map_first(&machines->by_key);
    while (link != NULL) {
        struct map_link *next = map_next(&machines->by_key, link);
        machine_free(machines, CONTAINER_OF(link, struct machine, by_key));
        link = next;
    }
    map_deinit(&machines->by_key);
    blob_unref(machines->schedule);
    blob_unref(machines->status);
}

static struct machine *find_key(const struct machines *machines, struct slice key)
{
    struct map_link *link = map_find(&machines->by_key, key);
    return link != NULL ? CONTAINER_OF(link, struct machine, by_key) : NULL;
}

struct machine *master_machine_find(const struct master *master, struct slice id)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    registry_schedule_key(id, &key);
    return find_key(&master->machines, buf_slice(&key));
}

/* One that is UP if it is new. */
static struct machine *get(struct machines *machines, struct slice id)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    registry_schedule_key(id, &key);
    struct machine *machine = find_key(machines, buf_slice(&key));
    if (machine == NULL) {
        machine = xalloc(sizeof(*machine));
        machine->mode = MACHINE_UP;
        machine->key = blob_from(buf_slice(&key));
        list_init(&machine->link);
        list_init(&machine->agents);
        map_add(&machines->by_key, &machine->by_key);
    }
    return machine;
}

static void free_unused(struct machines *machines, struct machine *machine)
{
    if (machine->mode == MACHINE_UP && list_is_empty(&machine->agents)) {
        machine_free(machines, machine);
    }
}

static struct blob *blob_or_null(struct slice bytes)
{
    return bytes.data != NULL ? blob_from(bytes) : NULL;
}

void master_machines_recovered(struct master *master, const struct registry *registry)
{
    struct machines *machines = &master->machines;
    struct registry_machine known;
    struct registry_machine_walk walk = registry_maintenance_begin(registry);
    while (registry_maintenance_next(&walk, &known)) {
        if (known.mode == PB__MACHINE_INFO__MODE__UP) {
            continue;
        }
        struct machine *machine = get(machines, known.id);
        if (machine->mode != MACHINE_UP) {
            continue; /* listed twice */
        }
        machine->mode =
            known.mode == PB__MACHINE_INFO__MODE__DOWN ? MACHINE_DOWN : MACHINE_DRAINING;
        machine->id = blob_from(known.id);
        machine->unavailability = blob_or_null(known.unavailability);
        list_push_back(&machines->scheduled, &machine->link);
    }
    machines->schedule = blob_or_null(registry_maintenance_schedule(registry));
    master_machine_touch(master);
}

void master_machine_touch(struct master *master)
{
    master->machines.status = blob_unref(master->machines.status);
}

/* --- agents --- */

/* MachineID of an agent at that address. */
static void put_id(struct buf *out, const char *hostname, const struct address *address)
{
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(address, ip);
    wire_put_bytes(out, ID_HOSTNAME, slice_from(hostname));
    wire_put_bytes(out, ID_IP, slice_from(ip));
}

void master_machine_join(struct master *master, struct agent *agent)
{
    CLEANUP(buf_deinit) struct buf id = BUF_INIT;
    ASSERT(agent->machine == NULL);
    put_id(&id, agent->hostname, &agent->upid.address);
    agent->machine = get(&master->machines, buf_slice(&id));
    list_push_back(&agent->machine->agents, &agent->of_machine);
}

void master_machine_leave(struct master *master, struct agent *agent)
{
    struct machine *machine = TAKE_PTR(agent->machine);
    list_remove(&agent->of_machine);
    master_inverse_offer_forget_agent(master, agent);
    free_unused(&master->machines, machine);
}

bool master_machine_refuses(struct master *master, const struct upid *from, const char *hostname)
{
    CLEANUP(buf_deinit) struct buf id = BUF_INIT;
    put_id(&id, hostname, &from->address);
    const struct machine *machine = master_machine_find(master, buf_slice(&id));
    if (machine == NULL || machine->mode != MACHINE_DOWN) {
        return false;
    }
    master_register_shut_down(master, from, "Machine is `DOWN`");
    return true;
}

/* Removed also if it never hears of it (facts/state_machines.md 3). */
static void expel(struct master *master, struct agent *agent)
{
    static const char why[] = "Operator initiated 'Machine DOWN'";
    master_register_shut_down(master, &agent->upid, why);
    master_register_remove(master, agent, why, REGISTER_UNCOUNTED);
}

void master_machine_check(struct master *master, struct agent *agent)
{
    if (agent->machine->mode == MACHINE_DOWN) {
        expel(master, agent);
    }
}

/* --- modes --- */

int64_t master_machine_start_ns(const struct machine *machine)
{
    static const uint32_t path[] = {UNAVAILABILITY_START, TIME_NANOSECONDS};
    struct cursor_field field;
    return cursor_path(blob_slice(machine->unavailability), path, 2, &field) ? (int64_t)field.value
                                                                             : 0;
}

/* Frameworks are to decide anew: all that they were offered or asked is rescinded, and what they
 * answered is forgotten. */
static void tell_agents(struct master *master, struct machine *machine)
{
    bool has_unavailability = machine->unavailability != NULL;
    struct agent *agent;
    LIST_FOR_EACH (agent, &machine->agents, of_machine) {
        master_agent_rescind_offers(master, agent);
        master_inverse_offer_forget_agent(master, agent);
        master->allocator_ops->update_unavailability(master->allocator, master->now.mono_ns,
                                                     agent->slot, has_unavailability,
                                                     master_machine_start_ns(machine));
    }
}

static void drain(struct master *master, struct machine *machine, struct slice id,
                  struct slice unavailability)
{
    if (machine->mode == MACHINE_UP) {
        machine->mode = MACHINE_DRAINING;
        machine->id = blob_from(id);
        list_push_back(&master->machines.scheduled, &machine->link);
    }
    blob_unref(machine->unavailability);
    machine->unavailability = blob_from(unavailability);
    tell_agents(master, machine);
}

static void release(struct master *master, struct machine *machine)
{
    machine->mode = MACHINE_UP;
    machine->id = blob_unref(machine->id);
    machine->unavailability = blob_unref(machine->unavailability);
    list_remove(&machine->link);
    tell_agents(master, machine);
    free_unused(&master->machines, machine);
}

/* --- schedules --- */

/* Machines that are in neither schedule keep their offers; the original rescinds those as well
 * (facts/observed.md, operator 12). */
void master_machine_schedule(struct master *master, struct slice schedule)
{
    struct machines *machines = &master->machines;
    uint64_t mark = ++machines->next_mark;
    struct slice id;
    struct registry_schedule_walk walk = registry_schedule_begin(schedule);
    while (registry_schedule_next(&walk, &id)) {
        get(machines, id)->mark = mark;
    }
    struct machine *machine;
    LIST_FOR_EACH (machine, &machines->scheduled, link) {
        if (machine->mark != mark) {
            release(master, machine);
        }
    }
    walk = registry_schedule_begin(schedule);
    while (registry_schedule_next(&walk, &id)) {
        drain(master, get(machines, id), id, walk.unavailability);
    }
    blob_unref(machines->schedule);
    machines->schedule = blob_from(schedule);
    master_machine_touch(master);
}

void master_machine_take_down(struct master *master, struct slice machines)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, machines);
    while (cursor_next(&cursor, &field)) {
        struct machine *machine = master_machine_find(master, field.bytes);
        ASSERT(machine != NULL && machine->mode == MACHINE_DRAINING);
        machine->mode = MACHINE_DOWN;
        struct agent *agent;
        LIST_FOR_EACH (agent, &machine->agents, of_machine) {
            expel(master, agent);
        }
    }
    master_machine_touch(master);
}

/* Those that are UP leave: the others are all scheduled. */
static bool is_up(void *arg, struct slice key)
{
    const struct machine *machine = find_key(arg, key);
    return machine == NULL || machine->mode == MACHINE_UP;
}

void master_machine_bring_up(struct master *master, struct slice machines)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, machines);
    while (cursor_next(&cursor, &field)) {
        struct machine *machine = master_machine_find(master, field.bytes);
        ASSERT(machine != NULL && machine->mode == MACHINE_DOWN);
        release(master, machine);
    }
    struct buf left = BUF_INIT;
    struct blob *before = master->machines.schedule;
    registry_schedule_cut(blob_slice(before), is_up, &master->machines, &left);
    master->machines.schedule = left.size > 0 ? blob_take(&left) : NULL;
    blob_unref(before);
    master_machine_touch(master);
}
