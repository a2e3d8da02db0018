/*
 * The containerizer's core: which container is where in its life, and what is to be done next.
 *
 * Requests of the agent and completions of the host go in as events; effects for the host and reports
 * for the agent come out. It touches nothing: plans (plan.h) say what is to be done to the host.
 *
 *     SPAWNING -> PREPARING [-> FETCHING] -> RUNNING -> KILLING -> CLEANING -> ENDED -> gone
 *
 * A container is launched in two halves, as the original does: its first process (spawned with its
 * namespaces) makes cgroups and looks at users and volumes, says so and waits; then files are fetched
 * from outside; then it is released to mount and exec. Whatever fails before the release is a failed
 * launch; what fails after it ends the container with status 1 and a line in its stderr
 * (facts/observed.md, containers 8 and 9). DESTROY may come at any moment.
 *
 * KILLING repeats attempts until the host finds no process left; CLEANING until nothing else is.
 * ENDED holds a nested container until REMOVE or the end of its parent, so that it can be asked for.
 */
#ifndef TEPUI_CONTAINER_CONTAINERIZER_H
#define TEPUI_CONTAINER_CONTAINERIZER_H

#include "common/duration.h"
#include "common/err.h"
#include "container/container.h"
#include "container/containerizer_options.h"

/* Containers at once, dead nested ones included: more are refused. */
#define CONTAINERIZER_CONTAINERS_MAX 100000

enum { CONTAINERIZER_E_OPTIONS = 1 /* flags that cannot be served; err names them */ };

/* --- events --- */

enum containerizer_event_type {
    CONTAINERIZER_REQUEST,   /* request */
    CONTAINERIZER_SPAWNED,   /* the first process runs: pid; or text: it does not */
    CONTAINERIZER_PREPARED,  /* it has done its first half; or text: it failed */
    CONTAINERIZER_FETCHED,   /* the fetcher has ended; text: it failed */
    CONTAINERIZER_EXITED,    /* the first process has ended: status, has_status */
    CONTAINERIZER_LIMIT,     /* a limit was reached: limit, text, blob = TaskResourceLimitation */
    CONTAINERIZER_KILLED,    /* answer to KILL: left tells whether any process is left */
    CONTAINERIZER_STIRRED,   /* something that was left has ended: try again */
    CONTAINERIZER_CLEANED,   /* answer to CLEAN: left tells whether anything is left */
    CONTAINERIZER_UPDATED,   /* answer to UPDATE and FORGET: token, status, text */
    CONTAINERIZER_FOUND,     /* while scanning: one container that is on this host (parents first) */
    CONTAINERIZER_SCANNED,   /* the end of the scan */
    CONTAINERIZER_TICK,      /* the deadline has come */
};

/* What a scan finds out about a container. */
struct containerizer_found {
    int64_t pid;           /* 0 = none known */
    uint64_t start_time;   /* of that process, as written down by us; 0 = not */
    bool alive;            /* it runs */
    bool ours;             /* its first process is tepui-containerizer */
    bool standalone;       /* marked so */
    bool ended;            /* a termination was written down: status below */
    bool force_destroy;    /* marked so */
    bool has_status;
    int status;            /* as its first process left it */
    struct blob *config;   /* mesos.slave.ContainerConfig, or NULL; owned */
    struct blob *launch_info; /* mesos.slave.ContainerLaunchInfo, or NULL; owned */
};

struct containerizer_event {
    struct list link;
    enum containerizer_event_type type;
    char path[CONTAINER_PATH_SIZE];
    struct container_request *request; /* owned */
    int64_t pid;
    uint64_t start_time;       /* SPAWNED */
    uint64_t token;
    int status;
    bool has_status;
    bool left;
    enum container_limit limit;
    struct blob *blob;         /* owned */
    char *text;                /* heap, owned */
    struct containerizer_found found;
};

struct containerizer_event *containerizer_event_new(enum containerizer_event_type type,
                                                    const char *path) WARN_UNUSED;
struct containerizer_event *containerizer_event_free(struct containerizer_event *event);

/* --- effects --- */

enum containerizer_effect_type {
    CONTAINERIZER_REPORT,  /* to the agent: report */
    CONTAINERIZER_SPAWN,   /* write files, start the first process with the plan: SPAWNED, PREPARED */
    CONTAINERIZER_FETCH,   /* run the fetcher: FETCHED */
    CONTAINERIZER_RELEASE, /* let the first process go on */
    CONTAINERIZER_WATCH,   /* look for limits from now on (its cgroups are made) */
    CONTAINERIZER_SIGNAL,  /* signal to the first process */
    CONTAINERIZER_KILL,    /* end the fetcher and every process: KILLED */
    CONTAINERIZER_CLEAN,   /* cgroups, mounts, files: CLEANED */
    CONTAINERIZER_UPDATE,  /* apply the plan's writes: UPDATED */
    CONTAINERIZER_USAGE,   /* report usage: host answers the agent with USAGE_RESULT itself */
    CONTAINERIZER_STATUS,  /* report status: as above */
    CONTAINERIZER_SCAN,    /* look for containers: FOUND ..., SCANNED */
    CONTAINERIZER_ADOPT,   /* watch a process that is there already: EXITED when it ends */
    CONTAINERIZER_FORGET,  /* remove the folders named: UPDATED if token is not 0 */
};

struct containerizer_file {
    struct list link;
    char *path;         /* absolute; parents are made */
    struct blob *bytes; /* NULL = empty file */
};

struct containerizer_effect {
    struct list link;
    enum containerizer_effect_type type;
    char path[CONTAINER_PATH_SIZE];
    struct container_report *report; /* REPORT; USAGE and STATUS: what is known, to be completed */
    struct blob *plan;       /* SPAWN, UPDATE: encoded struct plan */
    struct list files;       /* SPAWN, CLEAN: struct containerizer_file to be written first */
    char *runtime_dir;       /* SPAWN, CLEAN, ADOPT: <runtime_dir>/containers/... */
    char *sandbox;           /* SPAWN, FETCH, CLEAN; FORGET: removed with what is in it; or NULL */
    char *checkpoint_path;   /* SPAWN: where the pid is written too, or NULL */
    char *user;              /* FETCH */
    char *fetcher_info;      /* FETCH: JSON of mesos.fetcher.FetcherInfo */
    uint64_t clone_flags;    /* SPAWN: CLONE_NEW* */
    int64_t parent_pid;      /* SPAWN: whose pid namespace is entered first; 0 = the agent's */
    int stdio[3];            /* SPAWN with has_stdio: owned */
    bool has_stdio;
    bool own_pid_namespace;  /* SPAWN, ADOPT: killing the first process kills all */
    bool is_linux;           /* SPAWN, ADOPT: linux launcher (cgroups) */
    bool ours;               /* ADOPT: as in containerizer_found */
    bool remove_runtime;     /* CLEAN: nothing is to be remembered */
    int64_t pid;             /* SIGNAL, KILL, ADOPT */
    uint64_t start_time;     /* ADOPT: 0 = not known */
    int signal;
    uint64_t token;
    char *cgroups;           /* folders of its own, one a line, the freezer's (v2: the only) first;
                                SPAWN, ADOPT */
    char *memory_cgroup;     /* WATCH, USAGE: folder, or NULL */
    char *cpu_cgroup;        /* USAGE: v1 cpu, v2 the folder; or NULL */
    char *cpuacct_cgroup;    /* USAGE: v1 cpuacct; or NULL */
};

struct containerizer_effects {
    struct list list;
};

void containerizer_effects_init(struct containerizer_effects *effects);
void containerizer_effects_deinit(struct containerizer_effects *effects);
struct containerizer_effect *containerizer_effects_pop(struct containerizer_effects *effects);
struct containerizer_effect *containerizer_effect_free(struct containerizer_effect *effect);

/* --- the core --- */

struct containerizer;

/* 0 or CONTAINERIZER_E_OPTIONS. Both structs are copied, the texts in them are not. */
int containerizer_new(const struct containerizer_options *options,
                      const struct containerizer_facts *facts, uint64_t seed,
                      struct containerizer **ret, struct err *err) WARN_UNUSED;
struct containerizer *containerizer_free(struct containerizer *containerizer);

/* Takes the event over; appends effects in the order in which they are to be performed. */
void containerizer_step(struct containerizer *containerizer, struct containerizer_event *event,
                        struct now now, struct containerizer_effects *effects);
/* When TICK is due: monotonic time, or TIME_NEVER. */
int64_t containerizer_deadline(const struct containerizer *containerizer);

/* The state's name, for tests and logs; NULL if there is no such container. */
const char *containerizer_state(const struct containerizer *containerizer, const char *path);

#endif
