/*
 * Maintenance in the registry: the machines that are DRAINING or DOWN, and the schedule that they
 * come from (facts/state_machines.md 12). Both are fields of mesos.internal.Registry, of which an
 * operation changes what it is about; what else a machine's entry holds stays as it was written.
 *
 * Requests were made by a master, which has checked what is in them; whether they fit is decided
 * here, in the order of operations. The functions return false, and change nothing, if they do not,
 * or if there is no room (REGISTRY_SIZE_MAX).
 */
#ifndef TEPUI_REGISTRY_REGISTRY_MAINTENANCE_H
#define TEPUI_REGISTRY_REGISTRY_MAINTENANCE_H

#include "registry/registry.h"
#include "wire/cursor.h"

/* Call.UpdateMaintenanceSchedule: the schedule replaces the one there was. Machines that are new in
 * it are DRAINING, those that are not in it any more are UP, which is to say not there. Does not
 * fit if a machine that is DOWN would leave. */
bool registry_maintenance_update(struct registry *registry, struct slice request);
/* Call.StartMaintenance: DRAINING -> DOWN. Fits if all of them are DRAINING. */
bool registry_maintenance_start(struct registry *registry, struct slice request);
/* Call.StopMaintenance: DOWN -> UP; they leave the schedule, too, and with its last machine a
 * window, with its last window the schedule. Fits if all of them are DOWN. */
bool registry_maintenance_stop(struct registry *registry, struct slice request);

/* --- what a new leader reads --- */

struct registry_machine {
    struct slice whole;          /* the entry as it stands */
    struct slice info;           /* encoded MachineInfo */
    int mode;                    /* Pb__MachineInfo__Mode; UP also of one that says nothing known */
    struct slice id;             /* encoded MachineID */
    struct slice unavailability; /* encoded; data NULL = none */
};

/* All machines that are listed, oldest first. Masters list none that are UP. */
struct registry_machine_walk {
    struct cursor lists;    /* the part */
    struct cursor machines; /* of one list */
};
struct registry_machine_walk registry_maintenance_begin(const struct registry *registry);
bool registry_maintenance_next(struct registry_machine_walk *walk,
                               struct registry_machine *ret_machine);
/* The encoded schedule; data NULL = none. There is one at most: all masters write only one. */
struct slice registry_maintenance_schedule(const struct registry *registry);

#endif
