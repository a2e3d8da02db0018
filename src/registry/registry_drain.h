/*
 * Operations on agents that operators drain or deactivate, as the registry keeps it: DrainInfo and
 * a flag beside each agent, and AGENT_DRAINING among the minimum capabilities while there is one,
 * so that no master leads that would use the agent.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_DRAIN_H
#define TEPUI_REGISTRY_REGISTRY_DRAIN_H

#include "registry/registry.h"

/* Whether the operation fitted: false also if there is no room. */

/* DRAINING, and deactivated. `config` is an encoded DrainConfig. */
bool registry_drain_begin(struct registry *registry, struct registry_agent *agent,
                          struct slice config);
/* DRAINING -> DRAINED. */
bool registry_drain_end(struct registry *registry, struct registry_agent *agent);
bool registry_drain_deactivate(struct registry *registry, struct registry_agent *agent);
bool registry_drain_reactivate(struct registry *registry, struct registry_agent *agent);

#endif
