/* What of a schedule or a list of machines is refused. */
#include <arpa/inet.h>

#include "master/machine.h"
#include "master/maintenance.h"
#include "master/master_state.h"
#include "registry/registry_schedule.h"
#include "wire/json.h"
#include "wire/message.h"

/* Machines that were named so far; in the step's arena. */
struct seen {
    struct map by_key; /* struct seen_machine */
};

struct seen_machine {
    struct map_link by_key;
    struct slice key;
};

static struct slice seen_key(const struct map_link *link)
{
    return CONTAINER_OF(link, struct seen_machine, by_key)->key;
}

static void seen_init(struct seen *seen, struct master *master)
{
    map_init(&seen->by_key, seen_key, master->machines.by_key.seed[0]);
}

static void seen_deinit(struct seen *seen)
{
    map_deinit(&seen->by_key);
}

/* "Machine '{"hostname":"x"}' is ..." */
static int refuse(struct err *err, const Pb__MachineID *id, const char *what)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    json_print_message(&id->base, JSON_V0, &text);
    return err_set(err, MAINTENANCE_E_INVALID, "Machine '%s' %s", buf_text(&text), what);
}

static bool is_empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

/* Named, at an address that is one, and not seen before. */
static int check_machine(struct master *master, struct seen *seen, const Pb__MachineID *id,
                         struct err *err)
{
    struct in_addr unused;
    if (is_empty(id->hostname) && is_empty(id->ip)) {
        return err_set(err, MAINTENANCE_E_INVALID,
                       "Both 'hostname' and 'ip' for a machine are empty");
    }
    if (!is_empty(id->ip) && inet_pton(AF_INET, id->ip, &unused) != 1) {
        return err_set(err, MAINTENANCE_E_INVALID, "Failed to parse IPv4: %s", id->ip);
    }
    if (seen->by_key.count >= MAINTENANCE_MACHINES_MAX) {
        return err_set(err, MAINTENANCE_E_INVALID, "More than %zu machines are named",
                       MAINTENANCE_MACHINES_MAX);
    }
    CLEANUP(buf_deinit) struct buf key = BUF_INIT;
    registry_schedule_key(message_encode_arena(&id->base, &master->arena), &key);
    if (map_find(&seen->by_key, buf_slice(&key)) != NULL) {
        return refuse(err, id, "appears more than once in the schedule");
    }
    struct seen_machine *machine = ARENA_NEW(&master->arena, struct seen_machine);
    machine->key = arena_slice(&master->arena, buf_slice(&key));
    map_add(&seen->by_key, &machine->by_key);
    return 0;
}

static int check_window(struct master *master, struct seen *seen,
                        const Pb__Maintenance__Window *window, struct err *err)
{
    const Pb__DurationInfo *duration = window->unavailability->duration;
    if (window->n_machine_ids == 0) {
        return err_set(err, MAINTENANCE_E_INVALID,
                       "List of machines in the maintenance window is empty");
    }
    if (duration != NULL && duration->nanoseconds < 0) {
        return err_set(err, MAINTENANCE_E_INVALID, "Unavailability 'duration' is negative");
    }
    for (size_t i = 0; i < window->n_machine_ids; i++) {
        int r = check_machine(master, seen, window->machine_ids[i], err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* A machine must come up before its schedule is given up. */
static int check_down(struct master *master, const struct seen *seen, struct err *err)
{
    struct machine *machine;
    LIST_FOR_EACH (machine, &master->machines.scheduled, link) {
        if (machine->mode == MACHINE_DOWN &&
            map_find(&seen->by_key, blob_slice(machine->key)) == NULL) {
            Pb__MachineID *id;
            int failed = MESSAGE_DECODE(Pb__MachineID, pb__machine_id, blob_slice(machine->id),
                                        &master->arena, &id, NULL);
            ASSERT(failed == 0);
            return refuse(err, id, "is deactivated and cannot be removed from the schedule");
        }
    }
    return 0;
}

int master_maintenance_check_schedule(struct master *master,
                                      const Pb__Maintenance__Schedule *schedule, struct err *err)
{
    struct seen seen;
    int r = 0;
    seen_init(&seen, master);
    for (size_t i = 0; r == 0 && i < schedule->n_windows; i++) {
        r = check_window(master, &seen, schedule->windows[i], err);
    }
    if (r == 0) {
        r = check_down(master, &seen, err);
    }
    seen_deinit(&seen);
    return r;
}

static int check_mode(struct master *master, const Pb__MachineID *id, bool start, struct err *err)
{
    const struct machine *machine =
        master_machine_find(master, message_encode_arena(&id->base, &master->arena));
    if (machine == NULL) {
        return refuse(err, id, "is not part of a maintenance schedule");
    }
    if (start && machine->mode != MACHINE_DRAINING) {
        return refuse(err, id, "is not in DRAINING mode and cannot be brought down");
    }
    if (!start && machine->mode != MACHINE_DOWN) {
        return refuse(err, id, "is not in DOWN mode and cannot be brought up");
    }
    return 0;
}

int master_maintenance_check_machines(struct master *master, bool start, Pb__MachineID *const *ids,
                                      size_t count, struct err *err)
{
    struct seen seen;
    int r = 0;
    if (count == 0) {
        return err_set(err, MAINTENANCE_E_INVALID, "List of machines is empty");
    }
    seen_init(&seen, master);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = check_machine(master, &seen, ids[i], err);
    }
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = check_mode(master, ids[i], start, err);
    }
    seen_deinit(&seen);
    return r;
}
