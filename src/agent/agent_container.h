/*
 * What the agent knows of one container: of an executor, nested in another, or standalone.
 *
 *     LAUNCHING -> RUNNING -> ENDED        (LAUNCHING may end directly)
 *
 * Nested ones stay as ENDED until REMOVE or the end of their root, so that WAIT can be answered.
 */
#ifndef TEPUI_AGENT_AGENT_CONTAINER_H
#define TEPUI_AGENT_AGENT_CONTAINER_H

#include "agent/gate.h"
#include "agent/users.h"
#include "common/arena.h"
#include "common/blob.h"
#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"
#include "container/container.h"
#include "wire/pb.h"

struct agent;
struct console;
struct executor;

/* Calls that wait for one container's end. */
#define AGENT_CONTAINER_WAITERS_MAX 10000
/* Containers that one agent holds, ended nested ones included. */
#define AGENT_CONTAINERS_MAX 100000

/* How long it can be asked how a standalone container ended: the original forgets it at once, and
 * who kills one and then waits for it may come too late. */
#define AGENT_CONTAINER_ENDED_NS (10 * NS_PER_SEC)

enum agent_container_state {
    AGENT_CONTAINER_LAUNCHING,
    AGENT_CONTAINER_RUNNING,
    AGENT_CONTAINER_ENDED
};

enum agent_container_kind {
    AGENT_CONTAINER_EXECUTOR,
    AGENT_CONTAINER_NESTED,
    AGENT_CONTAINER_STANDALONE
};

/* How it ended. */
struct agent_container_end {
    bool has_status;
    int status; /* raw wait status */
    bool has_reason;
    Pb__TaskStatus__Reason reason;
    bool has_state;
    Pb__TaskState state;
    struct blob *limitation; /* TaskResourceLimitation, or NULL */
    char *message;           /* heap, or NULL */
};

/* A call that is answered later. */
struct agent_container_waiter {
    struct list link;
    uint64_t handle;
    bool json;       /* the answer's form */
    bool deprecated; /* WAIT_NESTED_CONTAINER, else WAIT_CONTAINER */
};

struct agent_container {
    struct map_link by_path; /* in the agent */
    struct list link;        /* in the agent, in order of arrival */
    char *path;              /* heap: "parent.child" */
    enum agent_container_kind kind;
    enum agent_container_state state;
    struct agent_container *root; /* itself for a top-level one */
    struct executor *executor;    /* of the root; NULL = standalone, or its executor is gone */
    char *directory;              /* heap: sandbox; NULL = unknown */
    int64_t pid;                  /* 0 = not running */
    uint64_t status_token;        /* of the question for its status; 0 = not asked */
    struct blob *status;          /* ContainerStatus as the containerizer told; NULL = not yet */
    uint64_t launch_handle;       /* LAUNCH that waits for its answer; 0 = none */
    struct container_spec *spec;  /* until its folder is made */
    struct user_wait user_wait;   /* its user is looked up */
    struct gate_wait folder;      /* its folder is being made */
    uint64_t remove_handle;       /* REMOVE that waits */
    uint64_t remove_token;
    bool is_debug;           /* a session: its folder is its parent's */
    struct console *console; /* of a session, or NULL */
    struct list waiters;
    size_t waiter_count;
    struct timer ended_timer; /* of an ended standalone one */
    struct agent_container_end end;
};

/* Path of a ContainerID into `path`; false if too long, too deep, or a part is empty or has a dot.
 */
bool agent_container_path(const Pb__ContainerID *id, char path[CONTAINER_PATH_SIZE]);
/* The other way round, in the arena. */
Pb__ContainerID *agent_container_id(const char *path, struct arena *arena);

/* Where the sandbox of a nested container is, by its path; NULL if its parent is unknown. */
const char *agent_container_nested_directory(struct agent *agent, const char *path);

struct agent_container *agent_container_find(const struct agent *agent, const char *path);
/* Parent is NULL for top-level ones. */
struct agent_container *agent_container_new(struct agent *agent, const char *path,
                                            enum agent_container_kind kind,
                                            struct agent_container *root, const char *directory);
/* Waiters are answered as if it had never been. */
struct agent_container *agent_container_free(struct agent *agent,
                                             struct agent_container *container);
/* And everything nested in it. */
void agent_container_free_tree(struct agent *agent, struct agent_container *root);

/* A standalone one that has ended: it can be asked for only for a while. */
void agent_container_forget_later(struct agent *agent, struct agent_container *container);

/* A report of the containerizer. */
void agent_container_report(struct agent *agent, const struct container_report *report);
/* The numbers of the user that its folder is for / its folder is made: goes on with the launch. */
struct user_found;
void agent_container_user_found(struct agent *agent, struct agent_container *container,
                                const struct user_found *user);
void agent_container_folder_made(struct agent *agent, struct agent_container *container,
                                 int status);
/* Launches a nested or standalone container with its spec; `owner` (NULL = the agent's user) gets
 * its folder. The call `handle` is answered when it runs, or does not. */
void agent_container_launch(struct agent *agent, struct agent_container *container,
                            const char *owner);
/* Asks the containerizer for its status, to be at hand for updates. */
void agent_container_ask_status(struct agent *agent, struct agent_container *container);

/* ContainerStatus with id, pid, and what the containerizer told; in the arena. */
Pb__ContainerStatus *agent_container_status(const struct agent *agent,
                                            const struct agent_container *container,
                                            struct arena *arena);

#endif
