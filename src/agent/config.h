/*
 * The configuration, copied and parsed: what the agent is and has. Fixed for the life of the
 * process.
 */
#ifndef TEPUI_AGENT_CONFIG_H
#define TEPUI_AGENT_CONFIG_H

#include "agent/agent.h"
#include "agent/amounts.h"
#include "common/arena.h"
#include "resources/attributes.h"
#include "resources/resources.h"
#include "wire/pb.h"

struct agent_setup {
    struct arena arena; /* owns all text here, and the messages */
    struct agent_config config;
    const char *meta_dir;       /* work_dir/meta */
    struct resources resources; /* --resources and what was detected */
    struct attributes attributes;
    struct amounts total;
    Pb__AgentInfo *info; /* without id; resources in the newer format */
    Pb__AgentInfo__Capability **capabilities;
    size_t capability_count;
    Pb__ContainerInfo *default_container; /* NULL = none */
};

/* 0 or AGENT_E_CONFIG. */
int config_setup(struct agent_setup *setup, const struct agent_config *config,
                 struct err *err) WARN_UNUSED;
void config_deinit(struct agent_setup *setup); /* idempotent; also of a half-made one */

/* AgentInfo with the id (NULL or "" = none), in the arena; to be sent or shown. */
Pb__AgentInfo *config_info(const struct agent_setup *setup, const char *id, struct arena *arena);

#endif
