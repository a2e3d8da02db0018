/*
 * Agents as the master keeps them (facts/state_machines.md 3).
 *
 *     ADMITTING -> REGISTERED <-> (unreachable) ; RECOVERED -> REGISTERED ; -> gone, removed
 *
 * ADMITTING: the registry is asked to admit it; nobody else sees it yet. RECOVERED: in the registry
 * after a failover, not back yet. REGISTERED: `connected` while its link holds, `active` while it
 * is offered. Unreachable and gone agents are only a struct departed: an id and a time.
 *
 * Whatever the registry is asked for about an agent is its `transition`, one at a time.
 */
#ifndef TEPUI_MASTER_AGENT_H
#define TEPUI_MASTER_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/cow.h"
#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "master/agent_drain.h"
#include "resources/agent_traits.h"
#include "resources/resources.h"
#include "tepui/allocator.h"
#include "wire/pb.h"
#include "wire/upid.h"

enum agent_state { AGENT_ADMITTING, AGENT_RECOVERED, AGENT_REGISTERED };

enum agent_transition {
    AGENT_SETTLED, /* nothing asked */
    AGENT_MARKING_UNREACHABLE,
    AGENT_MARKING_GONE,
    AGENT_REMOVING,
    AGENT_UPDATING, /* re-registering with another AgentInfo */
};

/* AgentInfo capabilities as bits. */
enum {
    AGENT_MULTI_ROLE = 1 << 0,
    AGENT_HIERARCHICAL_ROLE = 1 << 1,
    AGENT_REFINEMENT = 1 << 2,
    AGENT_RESOURCE_PROVIDER = 1 << 3,
    AGENT_RESIZE_VOLUME = 1 << 4,
    AGENT_OPERATION_FEEDBACK = 1 << 5,
    AGENT_DRAINING = 1 << 6,
    AGENT_TASK_RESOURCE_LIMITS = 1 << 7,
};

/* Immutable; replaced whenever something that readers see changes. Not for ADMITTING agents. */
struct agent_record {
    struct cow_value value;
    struct blob *id;      /* text */
    struct blob *info;    /* encoded AgentInfo, with its id, resources in the newer format */
    struct blob *total;   /* total resources in the newer format: fields 1, each a Resource, to
                             be read with resources_add_bytes or a cursor */
    struct blob *version; /* text; NULL while RECOVERED */
    uint32_t slot;
    enum agent_state state;
    bool connected;
    bool active;
    bool deactivated; /* by an operator */
    uint32_t capabilities;
    struct blob *drain_info;  /* encoded DrainInfo; NULL = it is not drained */
    int64_t drain_start_ns;   /* wall clock; 0 = not known */
    uint64_t order;           /* of registration */
    int64_t registered_ns;    /* wall clock */
    int64_t reregistered_ns;  /* 0 = never */
    char pid[UPID_TEXT_SIZE]; /* "" while RECOVERED */
};

/* Loop only. */
struct agent {
    struct map_link by_id;  /* master->agents */
    struct map_link by_pid; /* master->agents_by_pid: ADMITTING and REGISTERED ones */
    struct list link;       /* master->registered or master->recovered, oldest first */
    struct list at_address; /* same_address list of the address */
    struct blob *id;        /* text */
    uint32_t slot;          /* in the table of agents; the allocator's id too */
    enum agent_state state;
    enum agent_transition transition;
    bool connected;    /* its link holds */
    bool active;       /* it is offered */
    bool in_allocator; /* the allocator knows it */
    bool in_pid_map;   /* by_pid is in use */
    bool has_slot;     /* slot is set */

    struct blob *info; /* encoded AgentInfo, with its id */
    char *hostname;
    char *version;
    struct agent_traits traits; /* empty until it has described itself */
    uint32_t capabilities;
    struct upid upid;
    char pid[UPID_TEXT_SIZE];
    struct resources total; /* without allocation_info */
    struct uuid resource_version;
    bool has_resource_version;

    struct agent_drain drain; /* what an operator wants of it */

    /* its observer (facts/state_machines.md 3): pings from its own pid slave-observer(n) */
    uint64_t observer;    /* n */
    int64_t missed_pings; /* since the last pong; the limit makes it unreachable */
    bool awaits_pong;     /* a ping is out */
    struct timer ping;
    struct timer reregister; /* while disconnected */
    bool removal_queued;     /* waits for --agent_removal_rate_limit */
    struct list removal_link;
    const char *removal_why; /* static text */

    /* what it holds */
    struct list tasks; /* struct task */
    size_t task_count;
    struct list executors;       /* struct executor */
    struct list offers;          /* struct offer */
    struct list inverse_offers;  /* struct inverse_offer */
    struct list inverse_answers; /* struct inverse_answer, oldest first */
    struct list operations;      /* struct operation, oldest first */
    size_t operation_count;
    bool operations_listed; /* it has told of all it has since it (re-)registered */

    struct machine *machine; /* it runs on; NULL unless REGISTERED */
    struct list of_machine;  /* machine->agents */

    int64_t registered_ns;
    int64_t reregistered_ns;
    uint64_t order;
};

enum departed_kind { DEPARTED_UNREACHABLE, DEPARTED_GONE };

/* An agent that the registry has as unreachable or gone. */
struct departed {
    struct map_link by_id; /* master->departed */
    struct list link;      /* master->unreachable or master->gone, oldest first */
    struct blob *id;       /* text */
    enum departed_kind kind;
    int64_t time_ns;   /* wall clock: since when */
    struct list tasks; /* struct unreachable_task: what was on it; none of one that is gone */
    bool busy;         /* the registry is asked to mark it gone */
    bool has_resource_version;
    struct uuid resource_version; /* UNREACHABLE: the last that this master knew */
    struct agent_drain drain;     /* UNREACHABLE: what an operator wants of it */
};

/* What an agent says of itself when it registers. */
struct agent_self {
    const Pb__AgentInfo *info; /* upgraded, with its id */
    const struct resources *checkpointed;
    const char *version;
    uint32_t capabilities;
    bool has_resource_version;
    struct uuid resource_version;
};

struct master;

uint32_t master_agent_capabilities(Pb__AgentInfo__Capability *const *items, size_t count);

/* An agent that nobody sees yet: ADMITTING, or RECOVERED of the registry. The id must be new. */
struct agent *master_agent_new(struct master *master, struct blob *id, enum agent_state state);
/* Takes over what it says of itself. */
void master_agent_describe(struct master *master, struct agent *agent,
                           const struct agent_self *self);
void master_agent_set_upid(struct master *master, struct agent *agent, const struct upid *upid);
/* A RECOVERED one of the registry: it is in the table and in the list of those to come back. */
void master_agent_recovered(struct master *master, struct agent *agent, struct blob *info);
/* It is REGISTERED, linked, pinged, and in the allocator with what frameworks use of it. */
void master_agent_register(struct master *master, struct agent *agent,
                           const struct allocator_used *used, size_t used_count);
/* Its link broke: not offered any more; tasks that are not checkpointed are lost. */
void master_agent_disconnect(struct master *master, struct agent *agent);
/* It is back at its upid, in time. */
void master_agent_reconnect(struct master *master, struct agent *agent);
/* All that frameworks were offered or asked of it, and they are told. */
void master_agent_rescind_offers(struct master *master, struct agent *agent);
/* An operator does not want it to be used: no offers any more; or wants it again, and it is offered
 * as soon as it is connected. What is wanted is in agent->drain. */
void master_agent_deactivate(struct master *master, struct agent *agent);
void master_agent_activate(struct master *master, struct agent *agent);
/* Readers see it as it is now. */
void master_agent_publish(struct master *master, struct agent *agent);
/* New totals or capabilities: a new record, and the allocator knows. With other attributes, what
 * frameworks refused of it they may want now. */
void master_agent_changed(struct master *master, struct agent *agent, bool attributes_changed);

/* Its total is another from now on, which is taken over; readers see it. The allocator is the
 * caller's business. */
void master_agent_set_total(struct master *master, struct agent *agent, struct resources *total);

/* What becomes of tasks when an agent is removed from the registered ones. */
struct agent_end {
    bool unreachable;            /* its tasks join the unreachable ones */
    bool gone;                   /* by an operator */
    int64_t unreachable_time_ns; /* with unreachable */
    const char *message;         /* of the updates */
};
/* All tasks, executors and offers are ended, all frameworks told that it is lost; the agent is
 * freed. */
void master_agent_remove(struct master *master, struct agent *agent, const struct agent_end *end);
/* Frees one that has nothing: ADMITTING or RECOVERED. */
void master_agent_drop(struct master *master, struct agent *agent);
/* All connected frameworks hear of its loss. */
void master_agent_tell_lost(struct master *master, struct slice id);

struct agent_record *master_agent_record(const struct master *master, const struct agent *agent);
double master_agent_ping_timeout_seconds(const struct master *master);

#endif
