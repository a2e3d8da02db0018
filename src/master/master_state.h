/*
 * All that the master knows. Inside src/master only; handlers of one step share it by pointer, and
 * reach the step's effects, time and arena through it.
 */
#ifndef TEPUI_MASTER_MASTER_STATE_H
#define TEPUI_MASTER_MASTER_STATE_H

#include "common/arena.h"
#include "common/cow.h"
#include "common/list.h"
#include "common/map.h"
#include "common/prng.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "master/agent.h"
#include "master/change.h"
#include "master/counters.h"
#include "master/executor.h"
#include "master/framework.h"
#include "master/http.h"
#include "master/inverse_offer.h"
#include "master/machine.h"
#include "master/master.h"
#include "master/offer.h"
#include "master/operation.h"
#include "master/reads.h"
#include "master/role_settings.h"
#include "master/role_tally.h"
#include "master/snapshot.h"
#include "master/status.h"
#include "master/task.h"
#include "master/whitelist.h"
#include "resources/names.h"

/* The pid of nobody, as HTTP frameworks and the master's own updates have it. */
#define MASTER_NO_PID "@0.0.0.0:0"
/* Frameworks that run, and agents in all states but unreachable and gone; more are refused. */
#define MASTER_FRAMEWORKS_MAX ((size_t)65536)
#define MASTER_AGENTS_MAX ((size_t)262144)
/* Memory for what one request or message decodes to: 64 MiB of the smallest parts fit. */
#define MASTER_INPUT_SIZE_MAX ((size_t)1 << 30)

enum master_role {
    MASTER_FOLLOWING,  /* another leads, or nobody */
    MASTER_RECOVERING, /* leads; the registry is being read */
    MASTER_SERVING,    /* leads and has recovered */
};

/* Kinds of timers, for timers_pop. */
enum master_timer {
    TIMER_HEARTBEAT,        /* owner: struct framework */
    TIMER_FAILOVER,         /* owner: struct framework */
    TIMER_RECONCILE,        /* owner: struct framework */
    TIMER_PING,             /* owner: struct agent */
    TIMER_REREGISTER,       /* owner: struct agent */
    TIMER_OFFER,            /* owner: struct offer */
    TIMER_INVERSE_OFFER,    /* owner: struct inverse_offer */
    TIMER_RECOVERED_AGENTS, /* agents have to be back by now */
    TIMER_REMOVAL,          /* the next agent may become unreachable */
    TIMER_REGISTRY_GC,
    TIMER_AUTHENTICATION, /* owner: an exchange of authenticate.c */
    TIMER_VIEWS,          /* answers that are kept: reads.h */
    TIMER_METRICS,        /* the next /metrics/snapshot may be answered */
    TIMER_VERBOSITY,      /* the log goes back to how it was started */
    TIMER_SUBSCRIBER,     /* owner: struct subscriber */
    TIMER_WHITELIST,
};

struct master {
    struct master_options options;
    char id[UUID_TEXT_SIZE];
    struct upid upid; /* master@ip:port */
    char pid[UPID_TEXT_SIZE];
    struct blob *info;  /* encoded MasterInfo */
    int64_t start_ns;   /* wall clock */
    int64_t elected_ns; /* wall clock; 0 = never */
    struct prng prng;

    enum master_role role;
    struct address leader; /* FOLLOWING: family 0 = none */
    char *leader_hostname; /* heap; NULL = not known */

    /* the step */
    struct now now;
    struct master_effects *effects; /* NULL between steps */
    struct arena arena;             /* dropped at the end of the step */
    struct arena input;             /* what peers sent, decoded: MASTER_INPUT_SIZE_MAX; so, too */

    struct timers timers;
    struct timer recovered_timer;
    struct timer removal_timer;
    struct timer registry_gc_timer;

    /* frameworks */
    struct cow_table framework_records;
    struct map frameworks; /* struct framework by id: running and completed */
    struct map by_handle;  /* struct framework by HTTP handle: streams */
    struct list running;   /* struct framework, oldest first: all but completed */
    struct list completed; /* oldest first; at most max_completed_frameworks */
    size_t running_count;
    size_t completed_count;
    struct framework **framework_slots; /* by slot */
    size_t framework_slots_size;
    uint64_t next_framework; /* number of the next id */

    /* agents */
    struct cow_table agent_records;
    struct map agents;        /* struct agent by id */
    struct map agents_by_pid; /* struct agent by pid */
    struct list admitting;    /* struct agent */
    struct list registered;   /* struct agent, in order of registration */
    struct list recovered;    /* struct agent */
    size_t registered_count;
    size_t recovered_count;
    size_t connected_count;     /* of the registered ones */
    size_t active_count;        /* of the registered ones */
    struct agent **agent_slots; /* by slot */
    size_t agent_slots_size;
    uint64_t next_agent; /* number of the next id */
    uint64_t next_observer;
    struct list removals;    /* struct agent.removal_link: wait for the rate limit */
    int64_t next_removal_ns; /* monotonic: when the rate allows for the next */
    size_t known_agents;     /* in the registry when it was recovered */
    struct map departed;     /* struct departed by id */
    struct list unreachable; /* struct departed, oldest first */
    struct list gone;
    size_t unreachable_count;
    size_t gone_count;
    struct map peers;                    /* struct peer by address */
    struct authenticator *authenticator; /* who authenticates, and who has */
    struct machines machines;            /* what is under maintenance, and who runs on it */
    struct whitelist whitelist;          /* --whitelist */

    /* offers, tasks, executors */
    struct cow_table offer_records;
    struct map offers;         /* struct offer by id */
    struct map inverse_offers; /* struct inverse_offer by id */
    uint64_t next_offer;       /* number of the next id of either */
    struct cow_table task_records;
    uint64_t next_order;             /* of records */
    size_t task_counts[TASK_STATES]; /* ACTIVE tasks by state; UNREACHABLE: those in that place */
    struct cow_table executor_records;
    struct cow_table operation_records;
    struct map operations; /* struct operation by uuid */
    struct list orphans;   /* struct operation: of frameworks that are not known yet */

    /* resources: totals of registered agents, kept up as they change */
    struct resource_names names;
    struct resource_kinds kinds; /* the pool */
    struct quantities total;     /* non-revocable */
    struct quantities total_revocable;
    struct quantities used; /* by tasks and executors, non-revocable */
    struct quantities used_revocable;

    struct role_settings roles;   /* weights and quotas */
    struct role_tally role_tally; /* what roles hold */

    const struct allocator_ops *allocator_ops;
    void *allocator;

    /* the registry */
    struct map pending; /* struct pending by token */
    uint64_t next_token;
    size_t registry_size; /* bytes that are stored; 0 = not known */
    uint32_t next_mark;   /* of re-registrations: struct task.mark */

    /* metrics and watchers */
    struct reads *reads;
    struct metric *counters[COUNTERS_COUNT]; /* each NULL without options.metrics; so those below */
    struct metric *allocation_run;
    struct metric *allocation_latency;
    struct metric *state_fetch; /* how long the registry takes to answer */
    struct metric *state_store;
    bool allocated;         /* the allocator ran in the last step */
    bool watched;           /* somebody wants the changes */
    struct change *changes; /* of this step; heap */
    size_t change_count;
    size_t change_capacity;
};

/* A line for the log; the text is cut at 1 KiB. */
#define master_log(master, level, ...) \
    master_log_at((master), (level), __FILE__, __LINE__, __VA_ARGS__)
void master_log_at(struct master *master, enum log_level level, const char *file, int line,
                   const char *fmt, ...) PRINTF_LIKE(5, 6);

/* A libprocess message of the master's. Takes over the body. */
void master_send(struct master *master, const struct upid *to, const char *name, struct blob *body);
#define MASTER_SEND(master, to, name, message) \
    master_send((master), (to), "mesos.internal." name, message_encode_blob(&(message)->base))

/* Amounts that tasks and executors use, for the metrics; release also tells the allocator, and
 * empties the resources. */
void master_usage_add(struct master *master, const struct resources *resources);
void master_usage_release(struct master *master, const struct framework *framework,
                          const struct agent *agent, struct resources *resources);

/* --- lookups; NULL if there is none --- */

/* Not COMPLETED ones. */
struct framework *master_find_framework(const struct master *master, struct slice id);
bool master_is_completed_framework(const struct master *master, struct slice id);
/* In any state. */
struct agent *master_find_agent(const struct master *master, struct slice id);
/* REGISTERED only. */
struct agent *master_find_registered(const struct master *master, struct slice id);
struct departed *master_find_departed(const struct master *master, struct slice id);
struct offer *master_find_offer(const struct master *master, struct slice id);
struct task *master_find_task(const struct framework *framework, struct slice id);

#endif
