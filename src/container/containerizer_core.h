/*
 * Inside the containerizer's core: the containers, and what its files do for one another.
 */
#ifndef TEPUI_CONTAINER_CONTAINERIZER_CORE_H
#define TEPUI_CONTAINER_CONTAINERIZER_CORE_H

#include "common/map.h"
#include "common/timers.h"
#include "container/containerizer.h"
#include "container/fetch_cache.h"
#include "container/launch_plan.h"

enum container_state {
    STATE_SPAWNING,  /* asked for; its first process may or may not be there */
    STATE_PREPARING, /* the first process makes cgroups and looks at volumes */
    STATE_FETCHING,
    STATE_RUNNING,
    STATE_KILLING,  /* until no process is left, of it and of those in it */
    STATE_CLEANING, /* until nothing else is left */
    STATE_ENDED,    /* nested: can be asked for until REMOVE */
    STATE_GONE,     /* freed in this step */
    STATE_COUNT,
};

struct core_container {
    struct map_link link;
    char path[CONTAINER_PATH_SIZE];
    enum container_state state;
    struct core_container *parent; /* NULL = top level */
    struct list children;          /* of struct core_container, in order of launch */
    struct list sibling;           /* in the parent's children, or in the core's top-level list */
    struct timer timer;            /* KILLING, CLEANING: the next attempt */
    int attempt;                   /* of killing or cleaning; starts anew with each */
    int64_t kill_asked_ns;         /* when KILLING began */

    /* From its launch, or read back. */
    char *directory;            /* its sandbox; NULL = not known */
    struct blob *launch_info;   /* for debug containers in it; or NULL */
    struct blob *fetch_command; /* CommandInfo with URIs that are still to be fetched; or NULL */
    char *fetch_user;           /* as whom; NULL = the agent */
    struct containerizer_amounts amounts;
    struct container_volume *volumes; /* persistent ones that are mounted on the host */
    size_t volume_count;
    char *mounts; /* found in its sandbox after a start, one a line; or NULL */
    bool own_cgroups;
    bool own_pid_namespace;
    bool shm_is_own;
    bool is_command_task;
    bool debug;
    bool standalone;
    bool watch_only;

    /* What has become of it. */
    int64_t pid;                  /* of its first process; 0 = none known */
    bool exited;                  /* that has ended, or never was */
    bool fetching;                /* a fetcher runs */
    bool fetch_waits;             /* for what is being downloaded for another */
    bool cache_missed;            /* files of the cache were missing when it was to fetch */
    bool past_cache;              /* the second time: it does without */
    struct fetch_entry **fetched; /* of the cache, that its fetcher reads or writes */
    size_t fetched_count;
    bool no_process_left; /* the last KILL found none, and nothing was started since */
    bool killing;         /* a KILL is not yet answered */
    bool stirred;         /* something has happened since it was asked: kill again */
    bool doomed;          /* SPAWNING: to be killed as soon as it is there */
    bool prepared;        /* its cgroups are made */
    bool launched;        /* LAUNCHED was reported (or it was found running) */
    bool failed;          /* LAUNCH_FAILED was reported */
    bool asked;           /* DESTROY was asked for */
    bool silent;          /* an orphan: the agent does not know it */
    bool has_status;
    int status; /* raw wait status */
    enum container_limit limit;
    struct blob *limitation;          /* or NULL */
    char *text;                       /* of the limit; or NULL */
    struct container_request *update; /* waits until cgroups are made; or NULL */
};

struct containerizer {
    const struct containerizer_options *options;
    const struct containerizer_facts *facts;
    const struct isolators *isolators;
    struct map map;  /* of struct core_container by path */
    struct list top; /* top-level ones */
    struct timers timers;
    struct now now;                        /* of this step */
    struct containerizer_effects *effects; /* of this step */
    bool recovered;                        /* until then requests wait */
    bool scanning;
    uint64_t recover_token;
    struct fetch_cache cache;
    bool wakes; /* the cache has changed: those that wait for it may look again */
    struct containerizer_counts counts;
    struct container_requests waiting;
    struct container_requests expected; /* RECOVER requests by path */
};

/* --- containerizer.c --- */

struct core_container *containerizer_find(const struct containerizer *c, const char *path);
struct core_container *containerizer_add(struct containerizer *c, const char *path,
                                         struct core_container *parent, enum container_state state);
/* Forgets it and all in it. */
void containerizer_remove(struct containerizer *c, struct core_container *container);
void containerizer_report(struct containerizer *c, struct container_report *report);
void containerizer_move(struct containerizer *c, struct core_container *container,
                        enum container_state state);
/* UPDATED. */
void containerizer_answer(struct containerizer *c, const struct container_request *request,
                          int status, const char *text);
char *containerizer_runtime_dir(const struct containerizer *c, const char *path);
/* Where its things are, for SPAWN and ADOPT. */
struct containerizer_place containerizer_place_of(const struct containerizer *c,
                                                  const struct core_container *container);
void containerizer_file_add(struct list *files, const char *dir, const char *name,
                            struct blob *bytes);

/* A message as it is written to a file; takes the reference over. */
struct blob *containerizer_record(struct blob *message) WARN_UNUSED;

/* --- containerizer_requests.c --- */

/* All but RECOVER; the caller frees the request. */
void containerizer_request(struct containerizer *c, struct container_request *request);

/* --- containerizer_launch.c --- */

void containerizer_launch(struct containerizer *c, struct container_request *request);
/* The first half is done: on to fetching, or to the release. */
void containerizer_prepared(struct containerizer *c, struct core_container *container);
void containerizer_release(struct containerizer *c, struct core_container *container);
/* Reports the failure and ends it. */
void containerizer_launch_failed(struct containerizer *c, struct core_container *container,
                                 const char *text);
void containerizer_update(struct containerizer *c, struct container_request *request);

/* --- containerizer_fetch.c --- */

/* Runs the fetcher, or waits for that of another container. */
void containerizer_fetch(struct containerizer *c, struct core_container *container);
/* FETCHED: settles what the cache now has. */
void containerizer_fetch_ended(struct containerizer *c, struct core_container *container,
                               const struct containerizer_event *event);
/* At the end of a step: who waited for the cache goes on. */
void containerizer_fetch_wake(struct containerizer *c);

/* --- containerizer_end.c --- */

/* Kills and cleans it and all in it, whatever it is doing. */
void containerizer_destroy(struct containerizer *c, struct core_container *container);
/* One in KILLING: asks for an attempt, or for another behind the one that is on its way. */
void containerizer_kill(struct containerizer *c, struct core_container *container);
/* From KILLING on to CLEANING, if nothing of it and nothing in it runs any more. */
void containerizer_advance(struct containerizer *c, struct core_container *container);
/* The time between two attempts has passed. */
void containerizer_end_again(struct containerizer *c, struct core_container *container);
/* EXITED, LIMIT, KILLED (`left`: something runs on), STIRRED, CLEANED (`left`: something is there).
 */
void containerizer_exited(struct containerizer *c, struct core_container *container,
                          struct containerizer_event *event);
void containerizer_limited(struct containerizer *c, struct core_container *container,
                           struct containerizer_event *event);
void containerizer_killed(struct containerizer *c, struct core_container *container, bool left);
void containerizer_stirred(struct containerizer *c, struct core_container *container);
void containerizer_cleaned(struct containerizer *c, struct core_container *container, bool left);

/* --- containerizer_recover.c --- */

void containerizer_recover(struct containerizer *c, struct container_request *request);
void containerizer_found(struct containerizer *c, struct containerizer_event *event);
/* With the mount points that are in sandboxes, one a line, or NULL. */
void containerizer_scanned(struct containerizer *c, const char *mounts);
void containerizer_watch_only(struct containerizer *c, const struct container_request *request);

#endif
