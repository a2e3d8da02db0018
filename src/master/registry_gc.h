/*
 * Forgetting old unreachable and gone agents (--registry_gc_interval, --registry_max_agent_age,
 * --registry_max_agent_count).
 */
#ifndef TEPUI_MASTER_REGISTRY_GC_H
#define TEPUI_MASTER_REGISTRY_GC_H

struct master;
struct pending;

void master_registry_gc(struct master *master);
void master_registry_gc_done(struct master *master, const struct pending *pending);

#endif
