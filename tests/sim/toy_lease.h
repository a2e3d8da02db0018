/*
 * A small service to prove the simulator on: one server gives a lease to one client at a time and
 * writes down to whom before it says so; clients ask, hold, and ask again. The law: at no moment do
 * two clients believe that they hold it.
 *
 * A lease of TOY_LEASE_NS counts for the client from when it asked, for the server from when it
 * gave; a server that starts anew lets a lease that it finds written down run for its whole length.
 * A
 * `forgetful` server takes such a lease for over: a fault that the checker must find.
 */
#ifndef TEPUI_TESTS_SIM_TOY_LEASE_H
#define TEPUI_TESTS_SIM_TOY_LEASE_H

#include "sim/sim.h"
#include "sim/sim_fault.h"

#define TOY_CLIENTS_MAX 16
#define TOY_LEASE_NS (3 * NS_PER_SEC)

struct toy_options {
    uint64_t seed;
    int clients;
    bool forgetful; /* the planted fault */
    bool calm;      /* fixed latencies, for scenarios */
    bool keep_trace;
};

struct toy_world;

struct toy_world *toy_world_new(const struct toy_options *options) WARN_UNUSED;
struct toy_world *toy_world_free(struct toy_world *world);
struct sim *toy_world_sim(struct toy_world *world);

/* Faults until half of the time, then calm: at the end somebody must have got the lease after the
 * healing. True if all went well; else sim->failure says what did not. */
bool toy_world_run(struct toy_world *world, const struct sim_plan *plan, int64_t duration_ns);

/* A seed's faults. */
void toy_plan(struct sim_plan *plan, const struct toy_options *options, int64_t duration_ns);

#endif
