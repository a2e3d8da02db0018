/*
 * The containerizer's core: which container is where in its life, and what is to be done next.
 *
 * Requests of the agent and completions of the host go in as events; effects for the host and
 * reports for the agent come out. It touches nothing: plans (plan.h) say what is to be done to the
 * host.
 *
 *     SPAWNING -> PREPARING [-> FETCHING] -> RUNNING -> KILLING -> CLEANING -> ENDED -> gone
 *
 * A container is launched in two halves, as the original does: its first process (spawned with its
 * namespaces) makes cgroups and looks at users and volumes, says so and waits; then files are
 * fetched from outside; then it is released to mount and exec. Whatever fails before the release is
 * a failed launch; what fails after it ends the container with status 1 and a line in its stderr
 * (facts/observed.md, containers 8 and 9). DESTROY may come at any moment.
 *
 * KILLING repeats attempts until the host finds no process left; CLEANING until nothing else is.
 * ENDED holds a nested container until REMOVE or the end of its parent, so that it can be asked
 * for.
 */
#ifndef TEPUI_CONTAINER_CONTAINERIZER_H
#define TEPUI_CONTAINER_CONTAINERIZER_H

#include "common/duration.h"
#include "common/err.h"
#include "container/container.h"
#include "container/containerizer_options.h"
#include "container/isolators.h"

/* Containers at once, dead nested ones included: more are refused. */
#define CONTAINERIZER_CONTAINERS_MAX 100000

enum { CONTAINERIZER_E_OPTIONS = 1 /* flags that cannot be served; err names them */ };

/* --- events --- */

enum containerizer_event_type {
    CONTAINERIZER_REQUEST,  /* request */
    CONTAINERIZER_SPAWNED,  /* the first process runs: pid; or text: it does not */
    CONTAINERIZER_PREPARED, /* it has done its first half; or text: that failed */
    CONTAINERIZER_FETCHED,  /* the fetcher has ended; text: it failed; left: it was not run, since
                               files of the cache are missing; blob: sizes of what was downloaded
                               into the cache, int64_t each */
    CONTAINERIZER_EXITED,   /* the first process has ended: status, has_status */
    CONTAINERIZER_LIMIT,    /* a limit was reached: limit, text, blob = TaskResourceLimitation */
    CONTAINERIZER_KILLED,   /* answer to KILL: left tells whether any process is left */
    CONTAINERIZER_STIRRED,  /* something that was left has ended: try again */
    CONTAINERIZER_CLEANED,  /* answer to CLEAN: left tells whether anything is left */
    CONTAINERIZER_UPDATED,  /* answer to UPDATE and FORGET: token, status, text */
    CONTAINERIZER_FOUND,    /* while scanning: one container that is on this host (parents first) */
    CONTAINERIZER_SCANNED,  /* the end of the scan */
    CONTAINERIZER_TICK,     /* the deadline has come */
};

/* What a scan finds out about a container. */
struct containerizer_found {
    int64_t pid;        /* 0 = none known */
    bool alive;         /* it is there, and it is that process */
    bool ours;          /* its first process is tepui-containerizer */
    bool posix;         /* ours, and started by the posix launcher */
    bool standalone;    /* marked so */
    bool force_destroy; /* marked so */
    bool has_status;
    int status;               /* as its first process left it */
    struct blob *termination; /* mesos.slave.ContainerTermination: it had ended; or NULL; owned */
    struct blob *config;      /* mesos.slave.ContainerConfig, or NULL; owned */
    struct blob *launch_info; /* mesos.slave.ContainerLaunchInfo, or NULL; owned */
};

struct containerizer_event {
    struct list link;
    enum containerizer_event_type type;
    char path[CONTAINER_PATH_SIZE];
    struct container_request *request; /* owned */
    int64_t pid;
    uint64_t token;
    int status;
    bool has_status;
    bool left;
    enum container_limit limit;
    struct blob *blob; /* owned */
    char *text;        /* heap, owned */
    struct containerizer_found found;
};

struct containerizer_event *containerizer_event_new(enum containerizer_event_type type,
                                                    const char *path) WARN_UNUSED;
struct containerizer_event *containerizer_event_free(struct containerizer_event *event);

/* --- effects --- */

enum containerizer_effect_type {
    CONTAINERIZER_REPORT, /* to the agent: report */
    CONTAINERIZER_SPAWN, /* write files, start the first process with the plan: SPAWNED, PREPARED */
    CONTAINERIZER_ADOPT, /* as SPAWN, for a container that is there: EXITED when it ends */
    CONTAINERIZER_FETCH, /* run the fetcher: FETCHED */
    CONTAINERIZER_RELEASE, /* let the first process go on */
    CONTAINERIZER_WATCH,   /* its cgroups are made: look for limits from now on */
    CONTAINERIZER_SIGNAL,  /* signal to the first process */
    CONTAINERIZER_KILL,    /* end the fetcher and every process: KILLED */
    CONTAINERIZER_CLEAN,   /* cgroups, mounts, files: CLEANED */
    CONTAINERIZER_UPDATE,  /* apply the plan: UPDATED */
    CONTAINERIZER_USAGE,   /* the host completes the report (USAGE_RESULT) and delivers it */
    CONTAINERIZER_SCAN,    /* look for containers: FOUND ..., SCANNED */
    CONTAINERIZER_FORGET,  /* remove folders: UPDATED */
    CONTAINERIZER_UNCACHE, /* remove one file of the fetcher's cache (sandbox is its path) */
};

struct containerizer_file {
    struct list link;
    char *path;         /* absolute */
    struct blob *bytes; /* NULL = empty file */
};

/* What the host must know of a container from SPAWN or ADOPT on. Texts are owned. */
struct containerizer_place {
    char *runtime_dir;      /* <runtime_dir>/containers/... */
    char *cgroups;          /* folders of its own, one a line, the one to kill by first; or NULL */
    char *memory_cgroup;    /* where memory is limited and counted, if it is its own; or NULL */
    char *cpu_cgroup;       /* likewise; v2: where all is */
    char *cpuacct_cgroup;   /* likewise */
    bool own_pid_namespace; /* killing the first process kills all */
    bool is_linux;          /* linux launcher: it has cgroups */
    bool ours;              /* its first process is tepui-containerizer */
    bool watch_only;        /* it is not to be cleaned up: nothing of it was made by us */
};

/* Requests and limits, as in struct container_spec. */
struct containerizer_amounts {
    int64_t cpus_milli;
    int64_t cpus_limit_milli;
    int64_t mem_bytes;
    int64_t mem_limit_bytes;
};

struct containerizer_effect {
    struct list link;
    enum containerizer_effect_type type;
    char path[CONTAINER_PATH_SIZE];
    struct container_report *report;  /* REPORT, USAGE: owned */
    struct blob *plan;                /* SPAWN, UPDATE: encoded struct plan */
    struct list files;                /* SPAWN, CLEAN: struct containerizer_file, written first */
    struct containerizer_place place; /* SPAWN, ADOPT */
    struct containerizer_amounts amounts; /* USAGE */
    char *checkpoint_path;                /* SPAWN: where the pid is written too, or NULL */
    char *runtime_dir;                    /* FORGET: removed with all in it; or NULL */
    char *sandbox;                        /* FETCH; FORGET: removed with all in it; or NULL */
    char *top_sandbox;    /* FORGET: what lies between it and the sandbox is a user's; or NULL */
    char *mounts;         /* CLEAN: mount points on the host, one a line; or NULL */
    char *fetcher_info;   /* FETCH: JSON of mesos.fetcher.FetcherInfo */
    char *cache_files;    /* FETCH: "R path" must be there, "D path" will be */
    uint64_t clone_flags; /* SPAWN: CLONE_NEW* */
    int64_t parent_pid;   /* SPAWN: whose pid namespace is entered; 0 = the agent's */
    struct container_stdio *stdio; /* SPAWN: owned; or NULL */
    bool remove_runtime;           /* CLEAN: nothing is to be remembered */
    int64_t pid;                   /* ADOPT: 0 = there is no process */
    int signal;                    /* SIGNAL */
    int attempt;                   /* KILL: 0, 1, ...: harder each time */
    bool late;                     /* KILL: it takes longer than it should */
    uint64_t token;                /* UPDATE, FORGET */
};

struct containerizer_effects {
    struct list list;
};

void containerizer_effects_init(struct containerizer_effects *effects);
void containerizer_effects_deinit(struct containerizer_effects *effects);
struct containerizer_effect *containerizer_effect_add(struct containerizer_effects *effects,
                                                      enum containerizer_effect_type type,
                                                      const char *path);
struct containerizer_effect *containerizer_effects_pop(struct containerizer_effects *effects);
struct containerizer_effect *containerizer_effect_free(struct containerizer_effect *effect);
void containerizer_place_deinit(struct containerizer_place *place);

/* --- the core --- */

struct containerizer;

/* Both structs, and the isolators read from them (isolators_parse), must outlive it. */
struct containerizer *containerizer_new(const struct containerizer_options *options,
                                        const struct containerizer_facts *facts,
                                        const struct isolators *isolators,
                                        uint64_t seed) WARN_UNUSED;
struct containerizer *containerizer_free(struct containerizer *containerizer);

/* Takes the event over; appends effects in the order in which they are to be performed. */
void containerizer_step(struct containerizer *containerizer, struct containerizer_event *event,
                        struct now now, struct containerizer_effects *effects);
/* When TICK is due: monotonic time, or TIME_NEVER. */
int64_t containerizer_deadline(const struct containerizer *containerizer);

struct containerizer_counts {
    uint64_t fetches_succeeded; /* containers all of whose files came */
    uint64_t fetches_failed;
    int64_t cache_total_bytes;
    int64_t cache_used_bytes;
};

struct containerizer_counts containerizer_counts(const struct containerizer *containerizer);
/* The state's name, for tests and logs; NULL if there is no such container. */
const char *containerizer_state(const struct containerizer *containerizer, const char *path);
size_t containerizer_count(const struct containerizer *containerizer);

#endif
