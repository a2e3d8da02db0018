/*
 * GET /registrar(1)/registry: the registry as it is stored, as JSON. An empty object before it was
 * recovered, and on followers (facts/observed.md, high availability 13).
 */
#ifndef TEPUI_MASTER_REGISTRY_VIEW_H
#define TEPUI_MASTER_REGISTRY_VIEW_H

#include "master/http.h"

struct master;
struct pending;
struct registry_event;

void master_registry_view(struct master *master, const struct net_request *request);
/* The registry has answered: a worker renders what it gave. */
void master_registry_view_read(struct master *master, const struct pending *pending,
                               const struct registry_event *event);

#endif
