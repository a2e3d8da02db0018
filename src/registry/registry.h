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
 * (mesos.internal.Registry, registry_codec.h), the one in memory only keeps it. Only whoever
 * performs the operations owns one; the master keeps a view of its own. What masters of other
 * versions wrote and we do not understand is kept as bytes, and written back as it was.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_H
#define TEPUI_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"

/* Bytes that the encoded registry may have: readers of protobuf, the original among them, stop at
 * 64 MiB. An operation on an agent that might make it larger is not applied. */
#define REGISTRY_SIZE_MAX ((size_t)63 << 20)

enum registry_op_type {
    REGISTRY_RECOVER,          /* read everything: first of all operations. agent_info: who leads */
    REGISTRY_ADMIT_AGENT,      /* a new agent: not applied if the id is there already */
    REGISTRY_UPDATE_AGENT,     /* another AgentInfo; no change if it is the same */
    REGISTRY_MARK_UNREACHABLE, /* admitted -> unreachable, at time_ns */
    REGISTRY_MARK_REACHABLE,   /* unreachable or unknown -> admitted, with agent_info */
    REGISTRY_MARK_GONE,        /* admitted or unreachable -> gone, at time_ns */
    REGISTRY_REMOVE_AGENT,     /* admitted -> not there */
    REGISTRY_PRUNE,            /* forget unreachable and gone entries: agent_ids lists them */
    REGISTRY_READ,             /* the encoded registry as it is stored, without waiting */
    REGISTRY_UPDATE_WEIGHTS,   /* request: Call.UpdateWeights; other roles keep theirs */
    REGISTRY_UPDATE_SCHEDULE,  /* request: Call.UpdateMaintenanceSchedule */
    REGISTRY_START_MAINTENANCE, /* request: Call.StartMaintenance; all of them must be DRAINING */
    REGISTRY_STOP_MAINTENANCE,  /* request: Call.StopMaintenance; all of them must be DOWN */
    REGISTRY_UPDATE_QUOTA,      /* request: Call.UpdateQuota; an empty config removes a role's */
    /* The next four are about an agent that is admitted or unreachable. */
    REGISTRY_DRAIN_AGENT,  /* DRAINING and deactivated. request: DrainConfig */
    REGISTRY_MARK_DRAINED, /* DRAINING -> DRAINED */
    REGISTRY_DEACTIVATE_AGENT,
    REGISTRY_REACTIVATE_AGENT, /* neither deactivated nor drained any more */
};

struct registry_op {
    struct list link;
    enum registry_op_type type;
    uint64_t token;          /* comes back in the answer */
    struct blob *agent_id;   /* the id's text; NULL where the operation is about no agent */
    struct blob *agent_info; /* ADMIT, UPDATE, MARK_REACHABLE: encoded AgentInfo, with its id and
                                resources in the newer format; RECOVER: encoded MasterInfo */
    struct blob *request;    /* what operators set: an encoded message; NULL for all others */
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
    const char *why;                 /* with a status: what went wrong; for this step only */
    bool applied;                    /* status 0: it fitted the state (also if nothing changed) */
    const struct registry *registry; /* RECOVER: the whole state, for this step only */
    struct slice value;              /* READ: encoded; empty before it was recovered */
    struct blob *value_owner;        /* READ: what the value lies in; may be referenced */
    size_t size;                     /* bytes that are stored; 0 = not known */
    int64_t took_ns;                 /* how long reading (RECOVER) or writing took; -1 = another
                                        operation tells of the same write, or nothing was
                                        written (READ, and in memory) */
};

/* --- the state --- */

enum registry_agent_state { REGISTRY_ADMITTED, REGISTRY_UNREACHABLE, REGISTRY_GONE };

struct registry_agent {
    struct map_link by_id;
    struct list link; /* in the list of its state, oldest first */
    enum registry_agent_state state;
    struct blob *id;         /* text */
    struct blob *info;       /* REGISTRY_ADMITTED: encoded AgentInfo, newer format; else NULL */
    struct blob *stored;     /* the same as it is stored; NULL = not made yet (registry_codec.c) */
    struct blob *drain_info; /* encoded DrainInfo; NULL = none. Not of gone ones */
    bool deactivated;        /* not of gone ones */
    struct blob *rest;       /* encoded fields of the entry that we do not know; NULL = none */
    int64_t time_ns;         /* since when unreachable or gone */
};

/* Parts of the registry that are kept as they are: encoded fields, one after another. What changes
 * them changes the fields that it is about (registry_parts.h). */
enum registry_part {
    REGISTRY_MACHINES,
    REGISTRY_SCHEDULES,
    REGISTRY_QUOTAS, /* in their old form */
    REGISTRY_WEIGHTS,
    REGISTRY_RESOURCE_PROVIDERS,
    REGISTRY_MINIMUM_CAPABILITIES,
    REGISTRY_QUOTA_CONFIGS,
    REGISTRY_UNKNOWN, /* whatever else there is */
};
#define REGISTRY_PARTS (REGISTRY_UNKNOWN + 1)

struct registry {
    struct map agents; /* struct registry_agent by id */
    struct list admitted;
    struct list unreachable;
    struct list gone;
    struct blob *master;                /* encoded MasterInfo of who led last; NULL = none */
    struct blob *parts[REGISTRY_PARTS]; /* NULL = empty */
    size_t size_max;                    /* bytes that it may have when encoded, at most */
    size_t full_count;                  /* operations that were not applied for lack of room */
};

struct registry *registry_new(uint64_t seed) WARN_UNUSED;
struct registry *registry_free(struct registry *registry);
/* Performs one operation: whether it fitted the state. One that does not fit changes nothing.
 * RECOVER changes who leads; READ nothing. */
bool registry_apply(struct registry *registry, const struct registry_op *op);
struct registry_agent *registry_find(const struct registry *registry, struct slice agent_id);

/* Another drain_info (referenced; NULL = none) and deactivation of an agent that is not gone. False
 * if there is no room. */
bool registry_set_drain(struct registry *registry, struct registry_agent *agent,
                        struct blob *drain_info, bool deactivated) WARN_UNUSED;

/* --- for the codec: the state as it was stored --- */

/* An agent in no list yet, and without anything but its id, whose reference is taken over; to be
 * filled in, and then listed. NULL if the id is there already. */
struct registry_agent *registry_add(struct registry *registry, struct blob *id);
/* Puts it at the end of the list of its state, and counts its size. */
void registry_list(struct registry *registry, struct registry_agent *agent);
/* Replaces what is kept, with another reference; NULL empties it. */
void registry_set_master(struct registry *registry, struct blob *info);
void registry_set_part(struct registry *registry, enum registry_part part, struct blob *bytes);

#endif
