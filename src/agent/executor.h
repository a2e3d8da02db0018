/*
 * An executor: its container, its connection, its tasks.
 *
 *     REGISTERING -> RUNNING -> TERMINATING -> TERMINATED     (facts: state machines, 5)
 *
 * Any state may be left for a later one. TERMINATED ones stay until every terminal update is
 * acknowledged; then they are only remembered by their framework.
 */
#ifndef TEPUI_AGENT_EXECUTOR_H
#define TEPUI_AGENT_EXECUTOR_H

#include "agent/paths.h"
#include "agent/task.h"
#include "agent/users.h"
#include "common/timers.h"
#include "container/container.h"
#include "wire/json.h"
#include "wire/upid.h"

struct agent_container;
struct framework;

enum executor_state {
    EXECUTOR_REGISTERING,
    EXECUTOR_RUNNING,
    EXECUTOR_TERMINATING,
    EXECUTOR_TERMINATED,
};

/* How far the launch has come, while REGISTERING. */
enum executor_launch {
    LAUNCH_USER,      /* its user's numbers are looked up */
    LAUNCH_FOLDERS,   /* its sandbox is made */
    LAUNCH_CONTAINER, /* the container is asked for */
};

/* How it is spoken to. */
enum executor_link {
    EXECUTOR_LINK_NONE,     /* not connected yet, or (recovered) not known how */
    EXECUTOR_LINK_MESSAGES, /* v0: pid */
    EXECUTOR_LINK_STREAM,   /* v1: stream; 0 when it is broken */
};

/* Why its tasks end, recorded before its container has ended. */
struct executor_end {
    bool is_set;
    Pb__TaskState state;
    Pb__TaskStatus__Reason reason;
    char *message; /* heap */
};

struct executor {
    struct map_link by_id; /* in the framework, while not only remembered */
    struct list link;      /* in the framework: executors, or completed */
    struct agent *agent;
    struct framework *framework;
    char *id;           /* heap */
    char *container_id; /* heap: a UUID */
    char *directory;    /* heap: sandbox */
    char *user;         /* heap: whose sandbox it is; NULL = the agent's own */
    struct blob *info;  /* ExecutorInfo, with allocated resources */
    bool is_command;    /* made by the agent for a command task */
    bool is_default;    /* ExecutorInfo.DEFAULT */
    bool checkpoint;
    bool was_recovered;     /* of before this start of the agent */
    struct amounts amounts; /* its own resources */
    struct volumes volumes; /* persistent ones that it uses itself */
    int64_t shutdown_grace_ns;

    enum executor_state state;
    enum executor_launch launch;
    struct user_wait user_wait; /* while its user is looked up */
    struct gate_wait folders;   /* while its sandbox is being made */
    struct blob *launch_info;   /* ExecutorInfo as launched: command, container; until launched */
    struct blob *launch_task;   /* TaskInfo of a command task; until launched */
    struct agent_container *container; /* NULL before it is asked for and after the end */
    uint64_t grown_token;              /* the newest UPDATE answered */
    struct amounts contained;          /* what the container was last told */
    struct amounts_limits contained_limits;
    struct volumes contained_volumes;
    bool awaits_volumes; /* the folders of its volumes are being made: then it is launched or grows
                          */
    struct executor_end end;

    enum executor_link how;
    struct upid pid;  /* MESSAGES */
    uint64_t stream;  /* STREAM: handle; 0 = broken */
    bool stream_json; /* its events are JSON, else protobuf */

    struct list queued; /* of struct task, in order of arrival */
    struct list launched;
    struct list terminated;
    struct list completed; /* oldest first, at most AGENT_COMPLETED_TASKS_MAX */
    size_t completed_count;
    bool ever_sent_task;

    struct timer registering_timer, shutdown_timer, heartbeat_timer;
};

extern const struct sm_table executor_machine;

/* Of an ExecutorInfo; in state REGISTERING, in the framework. */
struct executor *executor_new(struct framework *framework, const Pb__ExecutorInfo *info,
                              const char *container_id, bool is_command);
/* With all its tasks. */
struct executor *executor_free(struct executor *executor);
void executor_move(struct executor *executor, enum executor_state state);

struct run_ids executor_ids(const struct executor *executor);
/* Anything that is not over: queued, launched, or terminated but not acknowledged. */
bool executor_has_tasks(const struct executor *executor);
/* What its container should have: its own resources and those of queued and launched tasks. */
void executor_sum(const struct executor *executor, struct amounts *ret_amounts,
                  struct amounts_limits *ret_limits);
void executor_sum_volumes(const struct executor *executor, struct volumes *ret_volumes);
/* The volumes it has been summed up to have, for a request; who is in use elsewhere keeps its
 * owner. */
void executor_put_volumes(struct executor *executor, struct container_spec *spec);
/* Tells the container if that has changed; returns the token to wait for, 0 = none. */
uint64_t executor_grow(struct executor *executor);
/* No folder of a volume is on its way any more: those that waited for theirs go on. */
void executor_go_on_all(struct agent *agent);
/* Delivers what may be delivered, in order (task.h). */
void executor_deliver(struct executor *executor);
/* A terminal update of the task is acknowledged: it is only remembered. */
void executor_complete_task(struct executor *executor, struct task *task);

/* Sends a v0 message, or its v1 event. `event` is completed with its type by the caller. */
void executor_send(struct executor *executor, const char *name, const ProtobufCMessage *message,
                   const Pb__Executor__Event *event);
/* Ends the event stream, if there is one. */
void executor_close_stream(struct executor *executor);

/* The whole environment of its first process (facts/observed.md, tasks 1). */
void executor_environment(const struct executor *executor, const Pb__ExecutorInfo *info,
                          struct container_spec *spec);

/* Begins the launch: info as it is to be launched (command, container), and the task of a command
 * executor (NULL for others). */
void executor_launch(struct executor *executor, const Pb__ExecutorInfo *info,
                     const Pb__TaskInfo *task);
/* Its user's numbers are known, or there is no such user. */
void executor_user_found(struct executor *executor, const struct user_found *user);
/* Its folders are made, or cannot be made. */
void executor_folders_made(struct executor *executor, int status);
/* The container has (status 0) what it was told with that token, or cannot have it. */
void executor_container_grown(struct executor *executor, uint64_t token, int status,
                              const char *text);
/* Asks it to end, and sees to it after the grace period. REGISTERING or RUNNING only. */
void executor_shut_down(struct executor *executor);
/* Timers: it did not register in time; its grace is over. */
void executor_registering_timeout(struct executor *executor);
void executor_shutdown_timeout(struct executor *executor);
/* Why its tasks end, unless the container itself tells better. */
void executor_set_end(struct executor *executor, Pb__TaskState state, Pb__TaskStatus__Reason reason,
                      const char *fmt, ...) PRINTF_LIKE(4, 5);
/* The container has ended (report NULL: it never was). May free the executor and its framework. */
void executor_terminated(struct executor *executor, const struct container_report *report);
/* TERMINATED: from now on only remembered, with its tasks. May be freed at once. */
void executor_remember(struct executor *executor);
/* The same, at its end: written down, and its sandbox to gc. */
void executor_retire(struct executor *executor);

#endif
