/*
 * Weights of roles in fair sharing: UPDATE_WEIGHTS, PUT /weights (facts/observed.md, allocator 6).
 * Those of --weights count until there are some in the registry, where they are put at once.
 */
#ifndef TEPUI_MASTER_WEIGHTS_H
#define TEPUI_MASTER_WEIGHTS_H

#include <stdbool.h>

#include "common/err.h"
#include "master/operator_call.h"

struct master;
struct pending;
struct registry;

/* --weights, "role=2.5,other=1": 0, or -EINVAL with what is wrong. NULL and "" are fine. */
int master_weights_check(const char *text, struct err *err) WARN_UNUSED;
/* The master starts with those of --weights, which were checked. */
void master_weights_start(struct master *master);
/* The registry was read. */
void master_weights_recovered(struct master *master, const struct registry *registry);
/* The registry has a change. */
void master_weights_stored(struct master *master, const struct pending *pending, bool applied);

operator_handle_fn master_weights_get;    /* GET_WEIGHTS */
operator_handle_fn master_weights_update; /* UPDATE_WEIGHTS */
http_handle_fn master_weights_endpoint;   /* GET and PUT /weights */

#endif
