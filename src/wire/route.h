/*
 * Where a request goes, by its path: which actor of the process is meant, and the one way to write
 * the path, so that firewall rules, realms and handlers all compare the same text.
 *
 * The first component names an actor or a root ("master", "files"); a path whose first component is
 * none of them belongs to the delegate ("/state" is "/master/state"). Handlers are found by the
 * longest prefix (anchors.md, wire traps 4): try the path, and shorten it until one fits.
 */
#ifndef TEPUI_WIRE_ROUTE_H
#define TEPUI_WIRE_ROUTE_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/slice.h"

struct routes {
    const char *delegate; /* "master" or "slave(1)"; NULL = none */
    /* Whether an actor or a root of that id is in this process. */
    bool (*has)(void *arg, struct slice id);
    void *arg; /* for `has` */
};

/* The canonical path: percent-decoded, delegate added, without empty components and without a slash
 * at its end. False for what is 404 whatever lies there: a path with "/..", with a broken escape,
 * or that does not begin with a slash. The result may lie in `path` itself. */
bool route_resolve(const struct routes *routes, struct slice path, struct arena *arena,
                   struct slice *ret) WARN_UNUSED;

/* Cuts off the last component; false, with the path unchanged, when only the actor and one
 * component are left: the reference looks no further. */
bool route_shorten(struct slice *path) WARN_UNUSED;

/* The first component, without slashes; empty for "/". */
struct slice route_actor(struct slice path);

#endif
