/*
 * Agents that register as new, and that leave (facts/state_machines.md 3).
 */
#ifndef TEPUI_MASTER_REGISTER_H
#define TEPUI_MASTER_REGISTER_H

#include <stdbool.h>

#include "resources/resources.h"
#include "wire/pb.h"
#include "wire/upid.h"

struct master;
struct pending;
struct agent;
struct err;
struct agent_self;

void master_register_agent(struct master *master, const struct upid *from,
                           const Pb__Internal__RegisterSlaveMessage *message);
/* The registry has admitted it, or has the id already. */
void master_register_admitted(struct master *master, const struct pending *pending, bool applied);

void master_register_unregister(struct master *master, const struct upid *from,
                                const Pb__Internal__UnregisterSlaveMessage *message);
/* A registered agent is to be removed, asked of the registry first; `counter` is the reason's, or
 * REGISTER_UNCOUNTED. */
#define REGISTER_UNCOUNTED (-1)
void master_register_remove(struct master *master, struct agent *agent, const char *why,
                            int counter);
void master_register_removed(struct master *master, const struct pending *pending, bool applied);

/* --- shared with those that register again --- */

/* 0, or what is wrong with an AgentInfo and its checkpointed resources. */
int master_register_validate(const Pb__AgentInfo *info, Pb__Resource *const *checkpointed,
                             size_t checkpointed_count, struct err *err) WARN_UNUSED;
/* Whether agents of that version and domain are served; the reason is logged. */
bool master_register_serves(struct master *master, const struct upid *from, const char *version,
                            const Pb__AgentInfo *info);
/* The text has to be MAJOR.MINOR.PATCH, with a suffix allowed, of at least 1.0.0. */
bool master_register_version_is_served(const char *version);
void master_register_shut_down(struct master *master, const struct upid *agent, const char *why);

#endif
