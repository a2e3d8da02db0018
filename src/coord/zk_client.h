/*
 * Performs the effects of an election with libzookeeper, and brings it its events.
 *
 * A thread of its own opens and closes sessions (names are resolved and threads joined there) and
 * begins operations; libzookeeper's threads complete them. All events come on the loop.
 */
#ifndef TEPUI_COORD_ZK_CLIENT_H
#define TEPUI_COORD_ZK_CLIENT_H

#include "election/zk.h"
#include "net/loop.h"

struct zk_client;

/* Told on the loop; must not free the client. */
typedef void zk_client_fn(void *arg, const struct zk_event *event);

struct zk_client *zk_client_new(struct loop *loop, zk_client_fn *fn, void *arg) WARN_UNUSED;
/* Closes the session, and so lets go of its nodes; waits for that, a few seconds at most. */
struct zk_client *zk_client_free(struct zk_client *client);

/* Performs all effects in order, and empties the list. */
void zk_client_perform(struct zk_client *client, struct zk_effects *effects);

#endif
