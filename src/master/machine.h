/*
 * Machines, as maintenance sees them (facts/state_machines.md 12): a host name and an address, on
 * which agents run.
 *
 *     UP -> DRAINING       it is in a new schedule
 *     DRAINING -> UP       it is not in the next one
 *     DRAINING -> DOWN     START_MAINTENANCE: its agents are shut down and removed, none may come
 *     DOWN -> UP           STOP_MAINTENANCE: it leaves the schedule, too
 *
 * Whatever is not UP is in the registry first, and has an unavailability: offers of its agents tell
 * of it, and frameworks that hold something there get inverse offers. Machines are kept while they
 * have agents or are not UP.
 */
#ifndef TEPUI_MASTER_MACHINE_H
#define TEPUI_MASTER_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"

struct agent;
struct master;
struct registry;
struct upid;

enum machine_mode { MACHINE_UP, MACHINE_DRAINING, MACHINE_DOWN };

struct machine {
    struct map_link by_key; /* master->machines.by_key */
    struct list link;       /* master->machines.scheduled, unless it is UP */
    struct list agents;     /* struct agent.of_machine: registered ones */
    struct blob *key;       /* what tells it apart: registry_schedule_key() */
    enum machine_mode mode;
    struct blob *id;             /* encoded MachineID, as it was scheduled; NULL while UP */
    struct blob *unavailability; /* encoded Unavailability; NULL while UP */
    uint64_t mark;               /* of the schedule that named it last */
};

struct machines {
    struct map by_key;     /* struct machine */
    struct list scheduled; /* struct machine: not UP, in the order in which they were scheduled */
    struct blob *schedule; /* encoded maintenance.Schedule; NULL = none */
    struct blob *status;   /* encoded ClusterStatus, kept until something in it changes; NULL = to
                              be made anew */
    uint64_t next_mark;
};

void master_machines_init(struct machines *machines, uint64_t seed);
void master_machines_deinit(struct machines *machines);
/* What the registry has of them, for a new leader. */
void master_machines_recovered(struct master *master, const struct registry *registry);

/* By an encoded MachineID; NULL if there is none: it is UP, and without agents. */
struct machine *master_machine_find(const struct master *master, struct slice id);
/* When its unavailability starts (wall clock); 0 without one. */
int64_t master_machine_start_ns(const struct machine *machine);
/* Something of the status has changed. */
void master_machine_touch(struct master *master);

/* --- agents --- */

/* A registered agent is on its machine, until it leaves. */
void master_machine_join(struct master *master, struct agent *agent);
void master_machine_leave(struct master *master, struct agent *agent);
/* Whether the machine that an agent wants to register from is DOWN; it is told to shut down. */
bool master_machine_refuses(struct master *master, const struct upid *from, const char *hostname);
/* If the machine went DOWN while the registry was asked about the agent, it is shut down now. */
void master_machine_check(struct master *master, struct agent *agent);

/* --- what the registry has just stored --- */

/* The schedule replaces the one before. */
void master_machine_schedule(struct master *master, struct slice schedule);
/* `machines` is an encoded Call.StartMaintenance or StopMaintenance. */
void master_machine_take_down(struct master *master, struct slice machines);
void master_machine_bring_up(struct master *master, struct slice machines);

#endif
