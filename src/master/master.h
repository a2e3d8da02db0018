/*
 * The master: a pure state machine. An event goes in with its time, effects come out; the shell
 * (src/daemon/master_main.c) or the simulator performs them and turns completions into new events.
 *
 *     master_new -> MASTER_ELECTED -> (registry asked) -> MASTER_REGISTRY recovered -> serving
 *
 * Before it is elected it leads others to the leader; before it has recovered it answers 503.
 * docs/design/master.md tells the whole story.
 */
#ifndef TEPUI_MASTER_MASTER_H
#define TEPUI_MASTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/credentials.h"
#include "common/duration.h"
#include "common/fileio.h"
#include "common/flags.h"
#include "common/list.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/pattern.h"
#include "registry/registry.h"
#include "tepui/allocator.h"
#include "wire/netio.h"

struct master;

struct master_version {
    const char *version;    /* "1.12.0": as /version and MasterInfo tell it */
    const char *build_date; /* text */
    double build_time;      /* seconds since the epoch */
    const char *build_user;
    const char *git_sha; /* NULL = none */
};

/* What the flags mean; texts and tables live as long as the master. */
struct master_options {
    uint64_t seed;          /* of everything random: ids, stream ids, allocator */
    struct address address; /* advertised: of the pid and MasterInfo */
    const char *hostname;
    const char *cluster; /* --cluster, NULL = none */
    struct master_version version;
    const struct flags *flags; /* for /flags; NULL = none */
    const struct allocator_ops *allocator;
    struct allocator_options allocator_options; /* names, seed and min_allocatable are set here */
    const char *min_allocatable;                /* --min_allocatable_resources "cpus:0.01|mem:32",
                                                   checked with master_options_check; NULL = none */
    const char *weights;                        /* --weights "role=2.5,other=1", checked likewise */
    struct metrics *metrics;                    /* the daemon's; not owned */

    int64_t agent_ping_timeout_ns;       /* --agent_ping_timeout */
    int64_t max_agent_ping_timeouts;     /* --max_agent_ping_timeouts */
    int64_t agent_reregister_timeout_ns; /* --agent_reregister_timeout */
    int64_t agent_removal_count;         /* --agent_removal_rate_limit N/duration; 0 = no
                                            limit */
    int64_t agent_removal_interval_ns;
    int64_t recovery_agent_removal_permille; /* --recovery_agent_removal_limit, 1000 = 100% */
    int64_t offer_timeout_ns;                /* --offer_timeout; 0 = none */
    size_t max_completed_frameworks;         /* --max_completed_frameworks */
    size_t max_completed_tasks;              /* --max_completed_tasks_per_framework */
    size_t max_unreachable_tasks;            /* --max_unreachable_tasks_per_framework */
    int64_t registry_gc_interval_ns;         /* --registry_gc_interval */
    int64_t registry_max_agent_age_ns;       /* --registry_max_agent_age */
    size_t registry_max_agent_count;         /* --registry_max_agent_count */
    size_t max_agents;                       /* registered at a time; 0 = MASTER_AGENTS_MAX */
    size_t max_frameworks;                   /* running; 0 = MASTER_FRAMEWORKS_MAX */
    struct credentials credentials;          /* --credentials; list NULL = nobody is let in */
    bool authenticate_agents;                /* --authenticate_agents */
    int64_t authentication_timeout_ns;       /* --authentication_v0_timeout; 0 = 15 s */
    bool root_submissions;                   /* --root_submissions */
    const char *const *roles;                /* --roles, NULL-terminated; NULL = any */
    struct slice domain;                     /* --domain as encoded DomainInfo; NULL data = none */
    bool require_agent_domain;               /* --require_agent_domain */
    const char *whitelist;                   /* --whitelist: a file of hostnames; NULL = none */
    struct pattern_limits constraint_limits; /* --offer_constraints_re2_max_mem and
                                                --offer_constraints_re2_max_program_size */

    const char *webui_dir;          /* --webui_dir, NULL = our own page */
    const char *log_file;           /* shown as /master/log, NULL = none */
    size_t max_subscribers;         /* --max_operator_event_stream_subscribers */
    bool publish_framework_metrics; /* --publish_per_framework_metrics */
    int64_t metrics_rate_count;     /* /metrics/snapshot: N a time; 0 = no limit */
    int64_t metrics_rate_interval_ns;
};

/* Whether the texts among the options make sense: 0, or -EINVAL with the flag's name in err. */
int master_options_check(const struct master_options *options, struct err *err) WARN_UNUSED;

/* --- events --- */

enum master_event_type {
    MASTER_NET,      /* net */
    MASTER_REGISTRY, /* registry: the answer to an operation */
    MASTER_TICK,     /* the deadline has come */
    MASTER_ELECTED,  /* this master leads now */
    MASTER_LEADER,   /* another master leads, or none: leader */
    MASTER_FILE,     /* file: the answer to a file request */
};

struct master_event {
    enum master_event_type type;
    const struct net_event *net;           /* MASTER_NET */
    const struct registry_event *registry; /* MASTER_REGISTRY */
    const struct address *leader;          /* MASTER_LEADER: where; NULL = none */
    const char *leader_hostname;           /* MASTER_LEADER: NULL = none */
    const struct file_result *file;        /* MASTER_FILE: for this step only */
};

/* --- effects --- */

struct master_log {
    struct list link;
    enum log_level level;
    char *text;       /* heap */
    const char *file; /* where the core says it; constant */
    int line;
};

/* To be performed in this order: registry, net, files, logs, exit. */
struct master_effects {
    struct registry_ops registry;
    struct net_effects net;
    struct file_requests files; /* for workers; answered by MASTER_FILE */
    struct list logs;           /* struct master_log */
    bool sets_verbosity;        /* of the log, to `verbosity` (log_set_verbosity) */
    int verbosity;
    bool exits; /* the process has to end: lost leadership, the registry failed */
    int exit_status;
    struct err exit_reason;
};

void master_effects_init(struct master_effects *effects);
void master_effects_deinit(struct master_effects *effects);
/* Takes the first line out, or NULL; the caller frees text and line. */
struct master_log *master_effects_pop_log(struct master_effects *effects);

/* --- the machine --- */

struct master *master_new(const struct master_options *options, struct now now) WARN_UNUSED;
struct master *master_free(struct master *master);

/* Takes one event in; what is to be done is added to `effects`. */
void master_step(struct master *master, struct now now, const struct master_event *event,
                 struct master_effects *effects);
/* How long the last step took, for the metrics: the core reads no clock, and only remembers whether
 * the allocator ran in it. */
void master_step_took(struct master *master, int64_t duration_ns);
/* When MASTER_TICK is wanted, monotonic; TIME_NEVER if never. */
int64_t master_deadline(const struct master *master);

/* Whether requests and messages to that id (the first component of a path) are the master's. */
bool master_has_actor(struct slice id);

/* The master's id (a UUID's text) and its pid "master@ip:port". */
const char *master_id(const struct master *master);
const char *master_pid(const struct master *master);
/* Encoded MasterInfo, as contenders publish it. Not referenced. */
struct blob *master_info(const struct master *master);

#endif
