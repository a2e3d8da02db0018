/*
 * The agent's core: frameworks, executors, tasks, status updates, checkpoints, recovery, sandboxes
 * and their removal, and the agent's HTTP and message interfaces. Pure: agent_step takes an event
 * with its time and leaves effects; agent_deadline tells when it wants AGENT_WAKE.
 *
 * Order of life: agent_new; AGENT_RECOVERED once, with what a worker read from the meta folder;
 * AGENT_MASTER whenever the detector knows a leader or knows none; then whatever comes. An ask of
 * type AGENT_ASK_EXIT is the last word: the shell performs the effects in front of it and ends.
 *
 * Files: an op with a token is answered by AGENT_STORED in order. What has to be durable before
 * others hear of it (updates, launches) waits behind one gate for that (docs/design/agent.md).
 */
#ifndef TEPUI_AGENT_AGENT_H
#define TEPUI_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/duration.h"
#include "common/err.h"
#include "common/fileio.h"
#include "common/metrics.h"
#include "common/storeio.h"
#include "common/tree.h"
#include "container/container.h"
#include "wire/netio.h"
#include "wire/upid.h"

#define AGENT_ACTOR                                                              \
    "slave(1)" /* id of the agent's actor, and the delegate of unqualified paths \
                */

/* --- configuration --- */

enum agent_recover { AGENT_RECOVER_RECONNECT, AGENT_RECOVER_CLEANUP };
enum agent_reconfiguration { AGENT_RECONFIGURE_EQUAL, AGENT_RECONFIGURE_ADDITIVE };

struct agent_pair {
    const char *name;
    const char *value;
};

/* What the machine has; kinds that --resources does not name are taken from here. */
struct agent_detected {
    int64_t cpus;    /* online */
    int64_t mem_mb;  /* after the share that is left to the system */
    int64_t disk_mb; /* of work_dir's file system, likewise */
    int64_t gpus;    /* 0 = none */
};

struct agent_build {
    const char *version; /* "1.12.0": compared by masters */
    const char *git_sha; /* each may be NULL */
    const char *git_branch;
    const char *git_tag;
    const char *build_date;
    const char *build_user;
    double build_time; /* seconds since the epoch */
};

/* All text is copied by agent_new. Names are those of the flags. */
struct agent_config {
    uint64_t seed;
    struct address address; /* under which others reach it */
    const char *hostname;
    const char *resources;    /* text or JSON; NULL = all detected */
    const char *attributes;   /* NULL = none */
    const char *default_role; /* NULL = "*" */
    struct agent_detected detected;
    struct slice domain;                 /* encoded DomainInfo; empty = none */
    struct slice default_container_info; /* encoded ContainerInfo; empty = none */

    const char *work_dir;         /* absolute */
    const char *launcher_dir;     /* absolute */
    const char *command_executor; /* absolute path of the program; NULL = not found */
    const char *default_executor; /* the same */
    const char *sandbox_directory;
    const char *log_dir;           /* NULL = none */
    const char *external_log_file; /* NULL = none */

    enum agent_recover recover;
    enum agent_reconfiguration reconfiguration_policy;
    bool strict;
    bool switch_user;
    bool http_command_executor;
    bool gc_non_executor_container_sandboxes;
    bool limits_cpus; /* an isolator enforces limits on cpus */
    bool limits_mem;  /* the same for mem */
    bool enables_cfs; /* --cgroups_enable_cfs */

    int64_t registration_backoff_factor_ns;
    int64_t executor_registration_timeout_ns;
    int64_t executor_reregistration_timeout_ns;
    int64_t executor_reregistration_retry_interval_ns; /* 0 = asked once */
    int64_t executor_shutdown_grace_period_ns;
    int64_t recovery_timeout_ns;
    int64_t gc_delay_ns;
    int64_t http_heartbeat_interval_ns;
    int64_t disk_watch_interval_ns;
    int64_t gc_disk_headroom_ppm; /* millionths */
    int64_t max_completed_executors_per_framework;

    const struct agent_pair *executor_environment; /* given to every executor */
    size_t executor_environment_count;
    const struct agent_pair *flags; /* shown by /flags and GET_FLAGS, by name */
    size_t flag_count;
    struct agent_build build;
};

/* --- events --- */

enum agent_event_type {
    AGENT_WAKE,       /* the deadline is reached */
    AGENT_NET,        /* net */
    AGENT_STORED,     /* stored: completion of a file operation */
    AGENT_CONTAINER,  /* container: a report */
    AGENT_RECOVERED,  /* recovered: what was on disk */
    AGENT_MASTER,     /* master: the leader; id "" = there is none */
    AGENT_LEAVE,      /* SIGUSR1: unregister, end the executors, exit */
    AGENT_USER,       /* user: answer to AGENT_ASK_USER */
    AGENT_DISK_USAGE, /* usage_ppm: answer to AGENT_ASK_DISK_USAGE; -1 = unknown */
    AGENT_FILE,       /* file: answer to a file request */
    AGENT_OUTPUT,     /* output: of a container with a console */
};

struct agent_master_found {
    struct upid pid;
    const char *hostname;  /* for /state; NULL = unknown */
    bool has_agent_update; /* false only if the detector knows that AGENT_UPDATE is lacking */
};

struct agent_user_found {
    const char *name;
    bool found;
    uint32_t uid;
    uint32_t gid;
};

/* A piece of what a container with a console printed (container_spec.attached), in order. The shell
 * begins to read when LAUNCHED is told, and has told everything before it tells TERMINATED. */
struct agent_output {
    const char *path;
    bool is_error; /* stderr; of a terminal all is stdout */
    struct slice bytes;
};

/* What a worker found on disk at the start. */
struct agent_recovered {
    const struct tree *meta;      /* work_dir/meta, whole; empty if there is none */
    const struct tree *sandboxes; /* work_dir/slaves, only what is directly in it */
    const char *boot_id;          /* the kernel's; NULL = unknown */
    const char *failure;          /* meta could not be read: why; NULL = fine */
};

/* Pointers are of this step only; nothing is taken over. */
struct agent_event {
    enum agent_event_type type;
    const struct net_event *net;
    struct store_done stored;
    const struct container_report *container;
    struct agent_recovered recovered;
    struct agent_master_found master;
    struct agent_user_found user;
    int64_t usage_ppm;
    const struct file_result *file;
    const struct agent_output *output;
};

/* --- effects --- */

enum agent_ask_type {
    AGENT_ASK_USER,       /* text: uid and gid of a user, by name */
    AGENT_ASK_DISK_USAGE, /* the used part of work_dir's file system */
    AGENT_ASK_REDETECT,   /* have the detector tell the leader again */
    AGENT_ASK_VERBOSITY,  /* value: log level of --v; goes back by itself, core sees to that */
    AGENT_ASK_LOG,        /* text, at value (enum log_level), from file and line */
    AGENT_ASK_INPUT,  /* bytes for the stdin of container `text`; none = the end of it. They came
                         with the request `handle`, which may be paused while they wait */
    AGENT_ASK_WINDOW, /* rows and columns of the terminal of container `text` */
    AGENT_ASK_EXIT,   /* end the process with status `value`; text = why, may be NULL */
};

struct agent_ask {
    struct list link;
    enum agent_ask_type type;
    int value;
    char *text;         /* heap */
    struct blob *bytes; /* INPUT */
    uint64_t handle;    /* INPUT */
    const char *file;   /* LOG: constant */
    int line;           /* LOG */
    uint16_t rows;      /* WINDOW */
    uint16_t columns;   /* WINDOW */
};

struct agent_effects {
    struct net_effects net;
    struct store_ops store;
    struct container_requests containers;
    struct file_requests files;
    struct list asks; /* of struct agent_ask */
};

void agent_effects_init(struct agent_effects *effects);
void agent_effects_deinit(struct agent_effects *effects);
struct agent_ask *agent_ask_pop(struct agent_effects *effects);
struct agent_ask *agent_ask_free(struct agent_ask *ask);

/* --- the core --- */

struct agent;

enum {
    AGENT_E_CONFIG = 1, /* resources, attributes or another value make no sense: err tells which */
};

/* 0 and the agent in *ret_agent, or AGENT_E_CONFIG. */
int agent_new(const struct agent_config *config, struct now now, struct agent **ret_agent,
              struct err *err) WARN_UNUSED;
struct agent *agent_free(struct agent *agent);

void agent_step(struct agent *agent, const struct agent_event *event, struct now now,
                struct agent_effects *effects);
/* Monotonic; TIME_NEVER = only events. */
int64_t agent_deadline(const struct agent *agent);

/* Whether an id is one of its actors or roots of HTTP paths: for the host's routes. */
bool agent_has_actor(struct slice id);

/* The agent's metrics; the shell may add gauges of its own (system/...). */
struct metrics *agent_metrics(struct agent *agent);

/* For tests and the simulator: the id ("" = none yet), the state's name, and the invariants, which
 * abort when broken. */
const char *agent_id(const struct agent *agent);
const char *agent_state_name(const struct agent *agent);
void agent_check(const struct agent *agent);

#endif
