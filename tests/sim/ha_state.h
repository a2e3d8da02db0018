/*
 * The model of the registry: what operations on a handful of agents make of it, and what of it can
 * be told from a real one. Written from docs/design/registry.md, not from the code.
 */
#ifndef TEPUI_TESTS_SIM_HA_STATE_H
#define TEPUI_TESTS_SIM_HA_STATE_H

#include "registry/registry.h"

#define HA_AGENTS 12

enum ha_op_type {
    HA_RECOVER,
    HA_ADMIT,
    HA_UPDATE,
    HA_MARK_UNREACHABLE,
    HA_MARK_REACHABLE,
    HA_MARK_GONE,
    HA_REMOVE,
    HA_PRUNE,
    HA_OP_TYPES,
};

struct ha_op {
    uint64_t token;
    enum ha_op_type type;
    int agent;         /* none for RECOVER */
    uint64_t stamp;    /* what it leaves behind: unique, above 0 */
    uint64_t asked_at; /* the highest position that was acknowledged by then */
};

struct ha_state {
    struct {
        int state;      /* 0 = not there; 1 + enum registry_agent_state */
        uint64_t stamp; /* of the operation that described or marked it */
    } agents[HA_AGENTS];
    uint64_t leader; /* the stamp of the last RECOVER; 0 = none */
};

/* Whether it fits; changed: something else is stored now. */
bool ha_state_apply(struct ha_state *state, const struct ha_op *op, bool *ret_changed);
bool ha_state_equal(const struct ha_state *a, const struct ha_state *b);

/* False for what no operation of ours makes. */
bool ha_state_read(const struct registry *registry, struct ha_state *ret_state) WARN_UNUSED;
/* The same from an entry of the log. */
bool ha_state_decode(struct slice entry, struct ha_state *ret_state) WARN_UNUSED;

/* The operation as a master asks for it; in no list. */
struct registry_op *ha_op_make(const struct ha_op *op) WARN_UNUSED;

#endif
