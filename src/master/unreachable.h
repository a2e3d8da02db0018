/*
 * Agents that become unreachable or gone (facts/state_machines.md 3): limited in rate
 * (--agent_removal_rate_limit), asked of the registry first, and only then done.
 */
#ifndef TEPUI_MASTER_UNREACHABLE_H
#define TEPUI_MASTER_UNREACHABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/slice.h"

struct master;
struct agent;
struct pending;
struct departed;
struct blob;

/* A registered or recovered agent is to be unreachable, as soon as the rate allows. `why` is
 * static. */
void master_unreachable_schedule(struct master *master, struct agent *agent, const char *why);
/* It is back, or answers: it does not wait any more. */
void master_unreachable_cancel(struct master *master, struct agent *agent);
/* The rate allows for the next. */
void master_unreachable_next(struct master *master);
/* Agents of the registry that are not back in time; ends the master if they are too many. */
void master_unreachable_recovered(struct master *master);
/* The registry has it so. */
void master_unreachable_marked(struct master *master, const struct pending *pending, bool applied);

enum {
    UNREACHABLE_E_UNKNOWN = 1, /* no such agent */
    UNREACHABLE_E_BUSY,        /* another transition of it is under way */
    UNREACHABLE_E_ALREADY,     /* it is gone already */
};

/* MARK_AGENT_GONE; the request is answered once it is done (handle 0 = nobody asked). 0 or
 * UNREACHABLE_E_*. */
int master_unreachable_mark_gone(struct master *master, struct slice id, uint64_t handle);
void master_unreachable_gone(struct master *master, const struct pending *pending, bool applied);

/* Keeps the books of those who left. */
struct departed *master_departed_add(struct master *master, struct blob *id, int kind,
                                     int64_t time_ns);
void master_departed_remove(struct master *master, struct departed *departed);

#endif
