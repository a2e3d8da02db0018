/*
 * The vocabulary between the agent's core and its containers: requests that go out, reports that
 * come back. The real containerizer (container/containerizer.h, performed by *_linux.c) speaks it,
 * and so do the fake containers of the simulator.
 *
 * A container is known by its ContainerID's path of values, "parent.child" (the value of a
 * top-level container is a UUID). For each container: LAUNCH is answered by LAUNCHED or
 * LAUNCH_FAILED; however it ends, and also after LAUNCH_FAILED, exactly one TERMINATED follows when
 * everything of it is gone (processes, cgroups, mounts). A DESTROY may come at any time, also in
 * the middle of a launch. Resources are not free before TERMINATED (anchors: never before destroy
 * is confirmed).
 */
#ifndef TEPUI_CONTAINER_CONTAINER_H
#define TEPUI_CONTAINER_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"

#define CONTAINER_DEPTH_MAX 32   /* levels of nesting */
#define CONTAINER_PATH_SIZE 1100 /* "a.b.c" with the terminator */

/* --- requests --- */

enum container_request_type {
    CONTAINER_RECOVER, /* containers that should be there: reports RECOVERED; orphans are destroyed
                        */
    CONTAINER_LAUNCH,
    CONTAINER_UPDATE,  /* new resources (and limits) of a running top-level or nested container */
    CONTAINER_KILL,    /* a signal to the first process of the container */
    CONTAINER_DESTROY, /* kill everything in it, children first, and clean up */
    CONTAINER_REMOVE,  /* forget an ended nested or standalone container and its folders: UPDATED */
    CONTAINER_USAGE,   /* report USAGE: ResourceStatistics */
    CONTAINER_STATUS,  /* report STATUS: ContainerStatus */
    CONTAINER_WATCH_ONLY, /* only watch a process that is there already (recovered posix executors)
                           */
};

struct container_env {
    char *name;
    char *value;
};

/* A persistent volume: a folder of the host that is seen in the sandbox (as a mount, or as a link
 * with filesystem/posix). */
struct container_volume {
    char *source;         /* absolute */
    char *container_path; /* one name in the sandbox; a path with a slash is skipped (as the
                             original) */
    bool read_only;
    bool keep_owner; /* somebody else uses it: do not give it to this container's user */
};

/* Descriptors to be a command's stdin, stdout and stderr. Whoever makes it says how it is closed
 * and freed, which any thread may do. */
struct container_stdio {
    int fds[3];
    void (*free)(struct container_stdio *stdio);
};

/* What is to be launched. All pointers are heap, owned by the spec. Messages are encoded bytes, as
 * they came, for the plan to read what it supports. */
struct container_spec {
    struct blob *command;        /* mesos.CommandInfo: value, arguments, shell, uris, user */
    struct blob *container_info; /* mesos.ContainerInfo or NULL */
    struct container_env *env;   /* the whole environment of the process */
    size_t env_count;
    char *directory;          /* sandbox on the host, absolute; made by the agent */
    char *user;               /* to run as, or NULL */
    char *rootfs;             /* NULL until images come */
    int64_t cpus_milli;       /* request: thousandths of a CPU */
    int64_t mem_bytes;        /* request; 0 = none given */
    int64_t cpus_limit_milli; /* 0 = same as request; INT64_MAX = infinite */
    int64_t mem_limit_bytes;  /* 0 = same as request; INT64_MAX = infinite */
    bool share_cgroups;       /* nested: stays in its parent's cgroups (the default) */
    bool is_command_task;     /* for oom_score_adj and the like */
    bool checkpoint;          /* its pid and status are kept on disk for a restarted agent */
    bool debug;               /* ContainerClass DEBUG: joins its parent's namespaces, no own folder;
                                 its environment is added to its parent's */
    char *checkpoint_dir;     /* meta runs/<id>/pids folder for forked.pid, or NULL */
    /* What follows may be left empty (zero); the simulator's containers ignore it. */
    struct blob *executor_info; /* mesos.ExecutorInfo, only to be written down; or NULL */
    struct blob *task_info; /* mesos.TaskInfo of a command task, only to be written down; or NULL */
    struct container_volume
        *volumes; /* persistent volumes; also in UPDATE, where it is the new list */
    size_t volume_count;
    bool standalone;               /* top-level, without framework: found again by itself */
    bool cpus_revocable;           /* some of the CPUs are revocable */
    struct container_stdio *stdio; /* instead of /dev/null and the sandbox's two files; or NULL */
    bool tty;                      /* stdin becomes the controlling terminal */
    bool attached; /* the shell makes `stdio` (a terminal if `tty`), and carries it for the core */
    bool tty_is_owned; /* the terminal is given to that user and group */
    uint32_t tty_uid;
    uint32_t tty_gid;
    char *fetch_owner; /* id under which fetched files are cached per user; NULL = no fetch */
    struct blob
        *fetch_command; /* CommandInfo whose URIs are fetched first (executor or task); NULL */
};

struct container_request {
    struct list link;
    enum container_request_type type;
    char path[CONTAINER_PATH_SIZE];
    uint64_t token;              /* comes back in USAGE, STATUS, UPDATED, RECOVERED */
    struct container_spec *spec; /* LAUNCH, UPDATE (only the amounts); owned */
    int signal;                  /* KILL */
    int64_t pid;                 /* WATCH_ONLY */
    bool keep; /* RECOVER: one request per known container, then one with path "" */
};

/* --- reports --- */

enum container_report_type {
    CONTAINER_RECOVERED, /* answer to RECOVER with path "": all known ones are watched again. Before
                            it one with a path (and pid) for each nested and standalone container
                            that was found; TERMINATED follows if it ended meanwhile */
    CONTAINER_FETCHING,  /* launch has reached the fetcher (informational) */
    CONTAINER_LAUNCHED,  /* the process runs; pid */
    CONTAINER_LAUNCH_FAILED, /* text; TERMINATED follows */
    CONTAINER_UPDATED,       /* answer to UPDATE and REMOVE; status 0 or -errno with text */
    CONTAINER_LIMITED,    /* a limit was reached: it is being destroyed; reason, text, limitation */
    CONTAINER_TERMINATED, /* wait status, or -1 if unknown; reason and text if it was limited */
    CONTAINER_USAGE_RESULT,  /* mesos.ResourceStatistics */
    CONTAINER_STATUS_RESULT, /* mesos.ContainerStatus */
};

enum container_limit {
    CONTAINER_LIMIT_NONE,
    CONTAINER_LIMIT_MEMORY,
    CONTAINER_LIMIT_DISK,
    CONTAINER_LIMIT_OTHER
};

struct container_report {
    struct list link;
    enum container_report_type type;
    char path[CONTAINER_PATH_SIZE];
    uint64_t token;
    int64_t pid;
    int status;                 /* TERMINATED: raw wait status; UPDATED, USAGE: 0 or -errno */
    bool has_status;            /* TERMINATED: whether status is known */
    enum container_limit limit; /* TERMINATED, LIMITED */
    struct blob *limitation;    /* encoded mesos.TaskResourceLimitation, or NULL */
    struct blob *message;       /* USAGE_RESULT, STATUS_RESULT */
    char *text;                 /* for people; NULL = none */
};

struct container_requests {
    struct list list; /* of struct container_request */
};

void container_requests_init(struct container_requests *requests);
void container_requests_deinit(struct container_requests *requests);
struct container_request *container_request_add(struct container_requests *requests,
                                                enum container_request_type type, const char *path);
struct container_request *container_request_pop(struct container_requests *requests);
struct container_request *container_request_free(struct container_request *request);
struct container_spec *container_spec_free(struct container_spec *spec);
struct container_report *container_report_new(enum container_report_type type, const char *path);
struct container_report *container_report_free(struct container_report *report);

#endif
