/*
 * Inside the host part: the containers as processes, cgroups and files, and what its files do for
 * one another. All of it runs on the host's own thread, but for the few functions marked otherwise.
 */
#ifndef TEPUI_CONTAINER_HOST_LINUX_H
#define TEPUI_CONTAINER_HOST_LINUX_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/map.h"
#include "container/containerizer.h"
#include "container/containerizer_host.h"

#define HOST_PRESSURE_LEVELS 3 /* low, medium, critical */

/* What epoll hands back. */
enum watch_kind {
    WATCH_INBOX,   /* requests, and completions of jobs */
    WATCH_PROCESS, /* the first process has ended */
    WATCH_AGENT,   /* its socket: it has done its first half, or is gone */
    WATCH_FETCHER, /* the fetcher has ended */
    WATCH_LEFT,    /* a process that was left has ended; v2: the cgroup is empty, or not any more */
    WATCH_MEMORY,  /* v1: an eventfd; v2: memory.events.local */
};

struct watch {
    int fd; /* -1 = none */
    enum watch_kind kind;
    struct hosted *owner;
};

struct hosted {
    struct map_link link;
    char path[CONTAINER_PATH_SIZE];
    struct containerizer_place place;
    pid_t pid;  /* of the first process; 0 = there is none */
    bool alive; /* as far as seen */
    bool released;
    bool swept;    /* posix: its first process has ended its descendants itself */
    pid_t fetcher; /* 0 = none runs */
    struct watch process;
    struct watch agent;
    struct watch fetching;
    struct watch left;
    char *cache_files; /* of the fetcher that runs: as in the effect; or NULL */
    struct watch memory;
    int pressure[HOST_PRESSURE_LEVELS]; /* v1: eventfds that count; -1 = none */
    uint64_t pressure_count[HOST_PRESSURE_LEVELS];
    bool to_scan;     /* waits for the scan of all processes at the end of this round */
    struct list dead; /* in the host's graveyard until the round is over */
};

struct containerizer_host {
    struct containerizer_options options;
    struct containerizer_facts facts;
    struct isolators isolators;
    struct containerizer *core;
    char *strings[CONTAINERIZER_HIERARCHIES_MAX * 2 + 2]; /* texts of facts; owned */
    size_t string_count;
    char *cache_dir; /* of the files that the fetcher keeps, this agent\'s own; NULL = none */
    int program;     /* tepui-containerizer, open: the one we started with, also after an upgrade */
    char *fetcher;   /* path of tepui-fetcher */
    int epoll;
    int pid_namespace;     /* the agent's own, to come back to */
    struct map hosted;     /* of struct hosted by path */
    struct list graveyard; /* of struct hosted */
    struct list events;    /* of struct containerizer_event: for the core, in order */
    size_t to_scan_count;

    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t jobs_done;
    struct container_requests inbox;
    struct list outbox;    /* of struct container_report */
    struct list completed; /* of struct containerizer_event, from jobs */
    size_t job_count;
    struct containerizer_counts counts;
    bool stopping;
    struct watch wake; /* an eventfd: inbox, completed or stopping has changed */
    int out;           /* an eventfd: readable while the outbox holds anything */
};

/* --- containerizer_host_linux.c --- */

struct hosted *host_find(struct containerizer_host *host, const char *path);
struct hosted *host_add(struct containerizer_host *host, const char *path,
                        struct containerizer_place *place);
void host_remove(struct containerizer_host *host, struct hosted *hosted);
/* An event for the core, to be set further by the caller. */
struct containerizer_event *host_event(struct containerizer_host *host,
                                       enum containerizer_event_type type, const char *path);
int host_watch(struct containerizer_host *host, struct watch *watch, int fd, uint32_t events);
void host_unwatch(struct containerizer_host *host, struct watch *watch); /* closes; idempotent */
void host_warn(const struct containerizer_host *host, const char *fmt, ...) PRINTF_LIKE(2, 3);
void host_deliver(struct containerizer_host *host, struct container_report *report);

/* --- host_facts_linux.c: at the start, on the caller's thread --- */

int host_find_facts(struct containerizer_host *host, struct err *err) WARN_UNUSED;
/* Mounts and makes what the isolators need, and puts the agent in its place. */
int host_prepare(struct containerizer_host *host, struct err *err) WARN_UNUSED;

/* --- host_spawn_linux.c --- */

void host_spawn(struct containerizer_host *host, struct containerizer_effect *effect);
void host_adopt(struct containerizer_host *host, struct containerizer_effect *effect);
void host_uncache(const char *path);
void host_release(struct containerizer_host *host, const char *path);
void host_agent_readable(struct containerizer_host *host, struct hosted *hosted);
void host_process_ended(struct containerizer_host *host, struct hosted *hosted);
/* The start time of a process (ticks since boot), 0 if there is none. */
uint64_t host_start_time(pid_t pid);

/* Closes those that are not -1, which they are afterwards. */
void host_close_all(int *fds, size_t count);

/* --- host_fetch_linux.c --- */

/* Starts the fetcher: FETCHED follows, at once if it cannot be or files of the cache are missing.
 */
void host_fetch(struct containerizer_host *host, struct containerizer_effect *effect);
void host_fetcher_ended(struct containerizer_host *host, struct hosted *hosted);

/* --- host_kill_linux.c --- */

void host_signal(struct containerizer_host *host, const char *path, int signal);
void host_kill(struct containerizer_host *host, const struct containerizer_effect *effect);
/* SIGKILL for every process of a cgroup, and of those that tasks have made below it (depth 0). */
void host_kill_cgroup(const char *dir, int depth);
/* Kills what the containers that wait for it have left: one look at all processes for all. */
void host_kill_scanned(struct containerizer_host *host);

/* --- host_files_linux.c --- */

/* For its owner only; made, or emptied first. 0 or -errno, also if only a part could be written. */
int host_write_file(const char *path, struct slice bytes, struct err *err) WARN_UNUSED;
/* By another name, then renamed: one that is there is never seen in part. */
int host_replace_file(const char *path, struct slice bytes, struct err *err) WARN_UNUSED;
/* Those of a struct containerizer_file, in order, up to the first that fails. */
int host_write_files(struct list *files, struct err *err) WARN_UNUSED;

/* --- host_clean_linux.c --- */

void host_clean(struct containerizer_host *host, struct containerizer_effect *effect);
void host_forget(struct containerizer_host *host, struct containerizer_effect *effect);
void host_update(struct containerizer_host *host, struct containerizer_effect *effect);

/* The cache's folder, emptied: what was in it is not known any more. On the caller's thread. */
void host_open_cache(struct containerizer_host *host);

/* --- host_watch_linux.c --- */

void host_watch_limits(struct containerizer_host *host, struct hosted *hosted);
void host_unwatch_limits(struct containerizer_host *host, struct hosted *hosted);
/* The memory cgroup has something to say: LIMIT if it is out of memory. */
void host_memory_event(struct containerizer_host *host, struct hosted *hosted);

/* --- host_scan_linux.c --- */

void host_scan(struct containerizer_host *host);

/* --- host_usage_linux.c --- */

void host_usage(struct containerizer_host *host, struct containerizer_effect *effect);

#endif
