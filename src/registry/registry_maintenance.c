#include "registry/registry_maintenance.h"

#include "common/arena.h"
#include "registry/registry_parts.h"
#include "registry/registry_schedule.h"
#include "wire/pb.h"

/* Numbers of the wire: mesos.internal.Registry, and what is in it. */
enum { FIELD_MACHINES = 3, FIELD_SCHEDULES = 4 };
enum { MACHINES_MACHINES = 1, MACHINE_INFO = 1 };
enum { INFO_ID = 1, INFO_MODE = 2, INFO_UNAVAILABILITY = 3 };
/* Call.UpdateMaintenanceSchedule, Call.StartMaintenance, Call.StopMaintenance */
enum { CALL_SCHEDULE = 1, CALL_MACHINES = 1 };

/* --- the entries --- */

struct registry_machine_walk registry_maintenance_begin(const struct registry *registry)
{
    struct registry_machine_walk walk = {0};
    cursor_init(&walk.lists, blob_slice(registry->parts[REGISTRY_MACHINES]));
    return walk;
}

/* What is no mode that we know is the default, as for protobuf. */
static int read_mode(uint64_t value)
{
    return value == PB__MACHINE_INFO__MODE__DRAINING || value == PB__MACHINE_INFO__MODE__DOWN
               ? (int)value
               : PB__MACHINE_INFO__MODE__UP;
}

static void read_info(struct slice info, struct registry_machine *ret_machine)
{
    struct cursor cursor;
    struct cursor_field field;
    ret_machine->mode = PB__MACHINE_INFO__MODE__UP;
    ret_machine->id = slice_make(NULL, 0);
    ret_machine->unavailability = slice_make(NULL, 0);
    cursor_init(&cursor, info);
    while (cursor_next(&cursor, &field)) {
        switch (field.number) {
        case INFO_ID:
            ret_machine->id = field.bytes;
            break;
        case INFO_MODE:
            ret_machine->mode = read_mode(field.value);
            break;
        case INFO_UNAVAILABILITY:
            ret_machine->unavailability = field.bytes;
            break;
        default:
            break;
        }
    }
}

bool registry_maintenance_next(struct registry_machine_walk *walk,
                               struct registry_machine *ret_machine)
{
    struct cursor_field entry;
    struct cursor_field info;
    for (;;) {
        while (cursor_next(&walk->machines, &entry)) {
            if (entry.number == MACHINES_MACHINES &&
                cursor_find(entry.bytes, MACHINE_INFO, &info)) {
                ret_machine->whole = entry.whole;
                ret_machine->info = info.bytes;
                read_info(info.bytes, ret_machine);
                return true;
            }
        }
        if (!cursor_next(&walk->lists, &entry)) {
            return false;
        }
        cursor_init(&walk->machines, entry.bytes);
    }
}

struct slice registry_maintenance_schedule(const struct registry *registry)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_SCHEDULES]));
    return cursor_next(&cursor, &field) ? field.bytes : slice_make(NULL, 0);
}

/* --- machines that an operation names --- */

struct named {
    struct map_link by_key; /* names->map */
    struct list link;       /* names->order */
    struct slice key;
    struct slice id;             /* encoded MachineID, in the request */
    struct slice unavailability; /* encoded, in the request; data NULL = none */
    bool is_met;                 /* it has an entry */
};

struct names {
    struct map map;
    struct list order; /* struct named, as in the request */
    struct arena arena;
};

static struct slice named_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct named, by_key)->key;
}

static void names_init(struct names *names, const struct registry *registry)
{
    map_init(&names->map, named_key, registry->agents.seed[0]);
    list_init(&names->order);
    arena_init(&names->arena, 0);
}

static void names_deinit(struct names *names)
{
    map_deinit(&names->map);
    arena_deinit(&names->arena);
}

static struct named *find_key(const struct names *names, struct slice key)
{
    struct map_link *link = map_find(&names->map, key);
    return link != NULL ? CONTAINER_OF(link, struct named, by_key) : NULL;
}

static struct named *find(const struct names *names, struct slice id)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    registry_schedule_key(id, &key);
    return find_key(names, buf_slice(&key));
}

static void add(struct names *names, struct slice id, struct slice unavailability)
{
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    registry_schedule_key(id, &key);
    if (find_key(names, buf_slice(&key)) != NULL) {
        return;
    }
    struct named *named = ARENA_NEW(&names->arena, struct named);
    named->key = arena_slice(&names->arena, buf_slice(&key));
    named->id = id;
    named->unavailability = unavailability;
    map_add(&names->map, &named->by_key);
    list_push_back(&names->order, &named->link);
}

static void add_machines(struct names *names, struct slice request)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, request);
    while (cursor_next(&cursor, &field)) {
        if (field.number == CALL_MACHINES) {
            add(names, field.bytes, slice_make(NULL, 0));
        }
    }
}

static void add_schedule(struct names *names, struct slice schedule)
{
    struct slice id;
    struct registry_schedule_walk walk = registry_schedule_begin(schedule);
    while (registry_schedule_next(&walk, &id)) {
        add(names, id, walk.unavailability);
    }
}

/* Whether each machine that is named has an entry in that mode. */
static bool all_are(const struct registry *registry, const struct names *names, int mode)
{
    struct registry_machine machine;
    struct registry_machine_walk walk = registry_maintenance_begin(registry);
    size_t count = 0;
    while (registry_maintenance_next(&walk, &machine)) {
        struct named *named = machine.mode == mode ? find(names, machine.id) : NULL;
        if (named != NULL && !named->is_met) {
            named->is_met = true;
            count++;
        }
    }
    return count == names->map.count;
}

/* Whether some machine that is DOWN is not named. */
static bool leaves_out(const struct registry *registry, const struct names *names)
{
    struct registry_machine machine;
    struct registry_machine_walk walk = registry_maintenance_begin(registry);
    while (registry_maintenance_next(&walk, &machine)) {
        if (machine.mode == PB__MACHINE_INFO__MODE__DOWN && find(names, machine.id) == NULL) {
            return true;
        }
    }
    return false;
}

/* --- writing --- */

/* The entry with another mode and unavailability. */
static void put_machine(struct buf *out, const struct registry_machine *machine, int mode,
                        struct slice unavailability)
{
    struct cursor cursor;
    struct cursor_field field;
    size_t entry = wire_begin(out, MACHINES_MACHINES);
    size_t info = wire_begin(out, MACHINE_INFO);
    wire_put_bytes(out, INFO_ID, machine->id);
    wire_put_varint(out, INFO_MODE, (uint64_t)mode);
    if (unavailability.data != NULL) {
        wire_put_bytes(out, INFO_UNAVAILABILITY, unavailability);
    }
    cursor_init(&cursor, machine->info);
    while (cursor_next(&cursor, &field)) {
        if (field.number > INFO_UNAVAILABILITY) {
            buf_append_slice(out, field.whole);
        }
    }
    wire_end(out, info);
    wire_end(out, entry);
}

/* Both parts, or none of them. */
static bool replace_both(struct registry *registry, struct buf *machines, struct buf *schedules)
{
    struct blob *before = blob_ref(registry->parts[REGISTRY_SCHEDULES]);
    bool fits = registry_parts_replace(registry, REGISTRY_SCHEDULES, schedules);
    if (fits && !registry_parts_replace(registry, REGISTRY_MACHINES, machines)) {
        registry_set_part(registry, REGISTRY_SCHEDULES, before);
        fits = false;
    }
    blob_unref(before);
    buf_deinit(machines);
    buf_deinit(schedules);
    return fits;
}

/* --- UPDATE_MAINTENANCE_SCHEDULE --- */

/* Those that were there keep their place and mode, but for one that is UP; new ones follow. */
static void put_scheduled(struct buf *out, const struct registry *registry, struct names *names)
{
    struct registry_machine machine;
    struct registry_machine_walk walk = registry_maintenance_begin(registry);
    while (registry_maintenance_next(&walk, &machine)) {
        struct named *named = find(names, machine.id);
        if (named != NULL && !named->is_met) {
            named->is_met = true;
            int mode = machine.mode == PB__MACHINE_INFO__MODE__UP ? PB__MACHINE_INFO__MODE__DRAINING
                                                                  : machine.mode;
            put_machine(out, &machine, mode, named->unavailability);
        }
    }
    struct named *named;
    LIST_FOR_EACH (named, &names->order, link) {
        if (!named->is_met) {
            put_machine(out, &(struct registry_machine){.id = named->id},
                        PB__MACHINE_INFO__MODE__DRAINING, named->unavailability);
        }
    }
}

bool registry_maintenance_update(struct registry *registry, struct slice request)
{
    struct names names;
    struct cursor_field schedule = {0};
    names_init(&names, registry);
    (void)cursor_find(request, CALL_SCHEDULE, &schedule);
    add_schedule(&names, schedule.bytes);
    bool fits = !leaves_out(registry, &names);
    if (fits) {
        struct buf machines = BUF_INIT;
        struct buf schedules = BUF_INIT;
        /* As the original writes them: a list that was there once stays, and so does a schedule
         * without windows. */
        if (registry->parts[REGISTRY_MACHINES] != NULL || names.map.count > 0) {
            size_t begun = wire_begin(&machines, FIELD_MACHINES);
            put_scheduled(&machines, registry, &names);
            wire_end(&machines, begun);
        }
        wire_put_bytes(&schedules, FIELD_SCHEDULES, schedule.bytes);
        fits = replace_both(registry, &machines, &schedules);
    }
    names_deinit(&names);
    return fits;
}

/* --- START_MAINTENANCE and STOP_MAINTENANCE --- */

bool registry_maintenance_start(struct registry *registry, struct slice request)
{
    struct names names;
    names_init(&names, registry);
    add_machines(&names, request);
    bool fits = all_are(registry, &names, PB__MACHINE_INFO__MODE__DRAINING);
    if (fits) {
        struct buf machines = BUF_INIT;
        struct registry_machine machine;
        struct registry_machine_walk walk = registry_maintenance_begin(registry);
        size_t begun = wire_begin(&machines, FIELD_MACHINES);
        while (registry_maintenance_next(&walk, &machine)) {
            if (find(&names, machine.id) != NULL) {
                put_machine(&machines, &machine, PB__MACHINE_INFO__MODE__DOWN,
                            machine.unavailability);
            } else {
                buf_append_slice(&machines, machine.whole);
            }
        }
        wire_end(&machines, begun);
        fits = registry_parts_replace(registry, REGISTRY_MACHINES, &machines);
        buf_deinit(&machines);
    }
    names_deinit(&names);
    return fits;
}

static bool is_named(void *arg, struct slice key)
{
    return find_key(arg, key) != NULL;
}

static void put_left(struct buf *machines, struct buf *schedules, const struct registry *registry,
                     struct names *names)
{
    struct registry_machine machine;
    struct registry_machine_walk walk = registry_maintenance_begin(registry);
    size_t begun = wire_begin(machines, FIELD_MACHINES);
    while (registry_maintenance_next(&walk, &machine)) {
        if (find(names, machine.id) == NULL) {
            buf_append_slice(machines, machine.whole);
        }
    }
    wire_end(machines, begun);
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_SCHEDULES]));
    while (cursor_next(&cursor, &field)) {
        struct buf left = BUF_INIT;
        registry_schedule_cut(field.bytes, is_named, names, &left);
        if (left.size > 0) {
            wire_put_bytes(schedules, FIELD_SCHEDULES, buf_slice(&left));
        }
        buf_deinit(&left);
    }
}

bool registry_maintenance_stop(struct registry *registry, struct slice request)
{
    struct names names;
    names_init(&names, registry);
    add_machines(&names, request);
    bool fits = all_are(registry, &names, PB__MACHINE_INFO__MODE__DOWN);
    if (fits) {
        struct buf machines = BUF_INIT;
        struct buf schedules = BUF_INIT;
        put_left(&machines, &schedules, registry, &names);
        fits = replace_both(registry, &machines, &schedules);
    }
    names_deinit(&names);
    return fits;
}
