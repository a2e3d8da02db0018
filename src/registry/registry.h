/*
 * The registry: what masters know durably, and the operations on it as data.
 *
 * A core asks for an operation as an effect (struct registry_op, with a token) and is answered
 * later by an event with the same token: never at once, not even by the registry in memory.
 * Operations are performed in the order in which they were asked for. An operation that fails
 * against the state (admitting an agent that is there) is answered as not applied; one that could
 * not be stored is answered with a negative status, after which the master has to end
 * (facts/state_machines.md 7).
 *
 * struct registry is the state that the operations work on: the durable registry encodes it
 * (mesos.internal.Registry), the one in memory only keeps it. Only the shell that performs the
 * operations owns one; the master keeps a view of its own.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_H
#define TEPUI_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"

enum registry_op_type {
    REGISTRY_RECOVER,          /* read everything: first of all operations */
    REGISTRY_ADMIT_AGENT,      /* a new agent: not applied if the id is there already */
    REGISTRY_UPDATE_AGENT,     /* another AgentInfo; no change if it is the same */
    REGISTRY_MARK_UNREACHABLE, /* admitted -> unreachable, at time_ns */
    REGISTRY_MARK_REACHABLE,   /* unreachable or unknown -> admitted, with agent_info */
    REGISTRY_MARK_GONE,        /* admitted or unreachable -> gone, at time_ns */
    REGISTRY_REMOVE_AGENT,     /* admitted -> not there */
    REGISTRY_PRUNE,            /* forget unreachable and gone entries: agent_ids lists them */
};

struct registry_op {
    struct list link;
    enum registry_op_type type;
    uint64_t token;          /* comes back in the answer */
    struct blob *agent_id;   /* the id's text; NULL for RECOVER and PRUNE */
    struct blob *agent_info; /* ADMIT, UPDATE, MARK_REACHABLE: encoded AgentInfo, with its id */
    int64_t time_ns;         /* MARK_*: wall clock */
    struct blob **agent_ids; /* PRUNE */
    size_t agent_id_count;
};

/* Operations in the order in which they are to be performed; part of a core's effects. */
struct registry_ops {
    struct list list;
};

void registry_ops_init(struct registry_ops *ops);
void registry_ops_deinit(struct registry_ops *ops);
/* Takes over the references (each may be NULL), returns the operation for more to be set. */
struct registry_op *registry_ask(struct registry_ops *ops, enum registry_op_type type,
                                 uint64_t token, struct blob *agent_id, struct blob *agent_info);
/* Takes the first out, or NULL; the caller frees it. */
struct registry_op *registry_ops_pop(struct registry_ops *ops);
struct registry_op *registry_op_free(struct registry_op *op);

struct registry;

/* The answer to an operation. */
struct registry_event {
    enum registry_op_type type;      /* of the operation */
    uint64_t token;                  /* of the operation */
    int status;                      /* 0, or -errno: it could not be stored */
    bool applied;                    /* status 0: it fitted the state (also if nothing changed) */
    const struct registry *registry; /* RECOVER: the whole state, for this step only */
};

/* --- the state --- */

enum registry_agent_state { REGISTRY_ADMITTED, REGISTRY_UNREACHABLE, REGISTRY_GONE };

struct registry_agent {
    struct map_link by_id;
    struct list link; /* in the list of its state, oldest first */
    enum registry_agent_state state;
    struct blob *id;   /* text */
    struct blob *info; /* REGISTRY_ADMITTED: encoded AgentInfo; else NULL */
    int64_t time_ns;   /* since when unreachable or gone */
};

struct registry {
    struct map agents; /* struct registry_agent by id */
    struct list admitted;
    struct list unreachable;
    struct list gone;
};

struct registry *registry_new(uint64_t seed) WARN_UNUSED;
struct registry *registry_free(struct registry *registry);
/* Performs one operation: whether it fitted the state, and whether the state changed. RECOVER fits
 * and changes nothing. */
bool registry_apply(struct registry *registry, const struct registry_op *op, bool *ret_changed);
struct registry_agent *registry_find(const struct registry *registry, struct slice agent_id);

#endif
