/*
 * Frameworks as the master keeps them (facts/state_machines.md 4).
 *
 *     RECOVERED --subscribe--> ACTIVE <--> INACTIVE --disconnect--> DISCONNECTED --> COMPLETED
 *
 * RECOVERED: known only from an agent, or about to subscribe with an id no master knows. INACTIVE:
 * connected, but it asked for no offers (DeactivateFrameworkMessage). COMPLETED: over; kept for the
 * history, and so that its id is refused.
 */
#ifndef TEPUI_MASTER_FRAMEWORK_H
#define TEPUI_MASTER_FRAMEWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/buf.h"
#include "common/cow.h"
#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "master/task_ring.h"
#include "resources/offer_constraints.h"
#include "wire/pb.h"
#include "wire/upid.h"

enum framework_state {
    FRAMEWORK_RECOVERED,
    FRAMEWORK_ACTIVE,
    FRAMEWORK_INACTIVE,
    FRAMEWORK_DISCONNECTED,
    FRAMEWORK_COMPLETED,
};

/* FrameworkInfo.capabilities as bits. */
enum {
    FRAMEWORK_REVOCABLE = 1 << 0,
    FRAMEWORK_KILLING_STATE = 1 << 1,
    FRAMEWORK_GPU = 1 << 2,
    FRAMEWORK_SHARED = 1 << 3,
    FRAMEWORK_PARTITION_AWARE = 1 << 4,
    FRAMEWORK_MULTI_ROLE = 1 << 5,
    FRAMEWORK_REFINEMENT = 1 << 6,
    FRAMEWORK_REGION_AWARE = 1 << 7,
};

/* Immutable; replaced whenever something that readers see changes. */
struct framework_record {
    struct cow_value value;
    struct blob *info;       /* encoded FrameworkInfo, with its id */
    struct blob *id;         /* text */
    struct blob *name;       /* text */
    struct blob *suppressed; /* names of suppressed roles, each ended by a zero byte; NULL =
                                none */
    struct offer_constraints *constraints; /* a reference; NULL = any agent */
    uint32_t slot;
    enum framework_state state;
    uint32_t capabilities;
    uint64_t order;           /* of registration; for completed ones of completion */
    int64_t registered_ns;    /* wall clock */
    int64_t reregistered_ns;  /* 0 = never */
    int64_t unregistered_ns;  /* 0 = not over */
    char pid[UPID_TEXT_SIZE]; /* "" for HTTP frameworks */
};

static inline bool framework_is_connected(enum framework_state state)
{
    return state == FRAMEWORK_ACTIVE || state == FRAMEWORK_INACTIVE;
}

enum framework_connection { CONNECTION_NONE, CONNECTION_HTTP, CONNECTION_UPID };

/* An unreachable task: found by id when its agent comes back or somebody asks. */
struct unreachable_task {
    struct map_link by_id; /* framework->unreachable */
    struct list link;      /* framework->unreachable_order, oldest first */
    struct list of_agent;  /* departed->tasks */
    struct framework *framework;
    struct blob *info; /* keeps the key alive */
    struct slice id;   /* in info */
    uint32_t slot;     /* in the table of tasks */
    bool unheard;      /* its agent never said a word of it: the launch may be under way */
};

/* Loop only. */
struct framework {
    struct map_link by_id;      /* master->frameworks */
    struct list link;           /* master->running or master->completed, oldest first */
    struct blob *id;            /* text */
    uint32_t slot;              /* in the table of frameworks; the allocator's id too */
    enum framework_state state; /* moved by master_framework_move only */
    bool in_allocator;

    /* from FrameworkInfo */
    struct blob *info; /* encoded, with its id */
    char *name;        /* heap, as all texts here */
    char *user;
    char *principal; /* NULL = none */
    bool checkpoint;
    int64_t failover_timeout_ns;
    uint32_t capabilities;
    char **roles; /* NULL-terminated; what it is subscribed to */
    size_t role_count;
    char **suppressed; /* NULL-terminated; a part of roles */
    size_t suppressed_count;
    struct offer_constraints *constraints; /* a reference; NULL = any agent */
    const struct master *master;           /* whose it is: the allocator's questions come with it */

    /* the connection */
    enum framework_connection connection;
    uint64_t handle; /* HTTP: of the subscription's request */
    bool json;       /* HTTP: events are JSON, else protobuf */
    char stream_id[UUID_TEXT_SIZE];
    struct upid upid;              /* UPID: the driver; kept while disconnected */
    struct list at_address;        /* UPID: peer->frameworks */
    struct map_link by_connection; /* master->by_handle (HTTP) */
    struct timer heartbeat;        /* HTTP */
    struct timer failover;         /* while DISCONNECTED */
    struct buf reconciling;        /* tasks it asked about and was not told of yet: reconcile.c */
    size_t reconciling_told;       /* bytes of these that it was told of since */
    struct timer reconcile;        /* UPID: when it is told of more */

    /* what it holds */
    struct map tasks;            /* struct task by id: ACTIVE ones */
    struct list offers;          /* struct offer */
    struct list inverse_offers;  /* struct inverse_offer */
    struct list inverse_answers; /* struct inverse_answer */
    struct map unreachable;      /* struct unreachable_task by id */
    struct list unreachable_order;
    struct task_ring completed_tasks; /* slots of the table of tasks */
    size_t executor_count;
    struct map operations;       /* struct operation by the id that it gave it */
    struct list operation_order; /* struct operation, oldest first: also those without an id */

    int64_t registered_ns;
    int64_t reregistered_ns;
    int64_t unregistered_ns;
    uint64_t order;

    struct framework_counts *counts; /* for its metrics: counters.h */
};

struct master;
struct framework_wants; /* master/wants.h */

uint32_t master_framework_capabilities(const Pb__FrameworkInfo *info);

/* A framework of that FrameworkInfo, whose id must be set and new (asserts): RECOVERED, inactive in
 * the allocator. Watchers are told that it was added. */
struct framework *master_framework_add(struct master *master, const Pb__FrameworkInfo *info);
/* Another FrameworkInfo, and what it wants of its offers: offers of roles that are gone are
 * rescinded, and the allocator is told. Agents and watchers are not. */
void master_framework_update(struct master *master, struct framework *framework,
                             const Pb__FrameworkInfo *info, const struct framework_wants *wants);
/* Roles suppressed or not from now on; all if count is 0. Unknown ones are the caller's
 * business. */
void master_framework_suppress(struct master *master, struct framework *framework,
                               char *const *roles, size_t count);
void master_framework_revive(struct master *master, struct framework *framework, char *const *roles,
                             size_t count);
bool master_framework_has_role(const struct framework *framework, const char *role);

/* Its scheduler is here, over HTTP or as a driver, in the place of an older one. */
void master_framework_connect_http(struct master *master, struct framework *framework,
                                   uint64_t handle, bool json, const char *stream_id);
void master_framework_connect_upid(struct master *master, struct framework *framework,
                                   const struct upid *upid);
/* Offers flow from now on. */
void master_framework_activate(struct master *master, struct framework *framework);
/* All that it was offered or asked is rescinded, or silently taken back. */
void master_framework_take_offers_back(struct master *master, struct framework *framework,
                                       bool rescind);
/* No offers any more; those it has are taken back. */
void master_framework_deactivate(struct master *master, struct framework *framework, bool rescind);
/* Its scheduler is gone: deactivated, and over when its failover timeout is. */
void master_framework_disconnect(struct master *master, struct framework *framework);
/* It is over: agents are told, its tasks are killed, and it joins the completed ones. */
void master_framework_remove(struct master *master, struct framework *framework);
/* All agents are told of its FrameworkInfo and pid, watchers that it was updated. */
void master_framework_broadcast(struct master *master, struct framework *framework);
/* The FrameworkInfo and pid to one agent. */
void master_framework_tell_agent(struct master *master, const struct framework *framework,
                                 const struct upid *agent);
/* Its pid as messages have it: "@0.0.0.0:0" without one. */
const char *master_framework_pid(struct master *master, const struct framework *framework);

/* A new record from what it is now. */
void master_framework_publish(struct master *master, struct framework *framework);
struct framework_record *master_framework_record(const struct master *master,
                                                 const struct framework *framework);
/* Frees it and its history; at the end of the master, or when it leaves the completed ones. */
void master_framework_forget(struct master *master, struct framework *framework);

#endif
