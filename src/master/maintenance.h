/*
 * What operators say of maintenance: UPDATE_MAINTENANCE_SCHEDULE, START_MAINTENANCE,
 * STOP_MAINTENANCE and the older endpoints, which are the same calls with bodies of their own
 * (facts/state_machines.md 12). Each is checked, asked of the registry, and done by machine.c when
 * it is stored. What is read back is in maintenance_view.c.
 */
#ifndef TEPUI_MASTER_MAINTENANCE_H
#define TEPUI_MASTER_MAINTENANCE_H

#include "common/err.h"
#include "master/http.h"
#include "master/operator_call.h"
#include "wire/pb.h"

struct master;
struct pending;

/* Machines in one schedule, or in one call. */
#define MAINTENANCE_MACHINES_MAX ((size_t)262144)

operator_handle_fn master_maintenance_update;
operator_handle_fn master_maintenance_start;
operator_handle_fn master_maintenance_stop;
operator_handle_fn master_maintenance_get_schedule;
operator_handle_fn master_maintenance_get_status;

http_handle_fn master_maintenance_on_schedule;     /* /maintenance/schedule */
http_handle_fn master_maintenance_on_get_schedule; /* the same but for POST */
http_handle_fn master_maintenance_on_status;       /* /maintenance/status */
http_handle_fn master_maintenance_on_down;         /* /machine/down */
http_handle_fn master_maintenance_on_up;           /* /machine/up */

/* The registry has it, or it does not fit any more. */
void master_maintenance_stored(struct master *master, const struct pending *pending, bool applied);

/* --- validation, in the reference's words; 0 or MAINTENANCE_E_INVALID --- */

enum { MAINTENANCE_E_INVALID = 1 };

/* Each window has machines, each machine a name and one place, and those that are DOWN stay in. */
int master_maintenance_check_schedule(struct master *master,
                                      const Pb__Maintenance__Schedule *schedule,
                                      struct err *err) WARN_UNUSED;
/* There are some, each once, and all of them are DRAINING (START) or DOWN (STOP). */
int master_maintenance_check_machines(struct master *master, bool start, Pb__MachineID *const *ids,
                                      size_t count, struct err *err) WARN_UNUSED;

#endif
