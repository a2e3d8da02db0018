/*
 * May the agent come back as the one it was, with another configuration? (--reconfiguration_policy)
 */
#ifndef TEPUI_AGENT_COMPATIBILITY_H
#define TEPUI_AGENT_COMPATIBILITY_H

#include "agent/agent.h"
#include "wire/pb.h"

enum {
    COMPATIBILITY_E_CHANGED = 1, /* allowed, but not the same: the master must know AGENT_UPDATE */
    COMPATIBILITY_E_REFUSED,     /* err tells why */
};

/* 0, or one of the above. Ids are not compared. */
int compatibility_check(enum agent_reconfiguration policy, const Pb__AgentInfo *previous,
                        const Pb__AgentInfo *current, struct err *err) WARN_UNUSED;

#endif
