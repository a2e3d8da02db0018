/*
 * The v1 scheduler API, POST /api/v1/scheduler; and the table of calls, which the v0 API shares.
 */
#ifndef TEPUI_MASTER_SCHEDULER_CALL_H
#define TEPUI_MASTER_SCHEDULER_CALL_H

#include "wire/netio.h"
#include "wire/pb.h"

struct master;
struct framework;
struct err;

/* The endpoint's handler. */
void master_scheduler_call(struct master *master, const struct net_request *request);

/* Performs a call that is valid and no SUBSCRIBE. 0, or VALIDATE_E with a text for its sender. */
int master_scheduler_perform(struct master *master, struct framework *framework,
                             const Pb__Scheduler__Call *call, struct err *err) WARN_UNUSED;

#endif
