/*
 * The vocabulary between an executor's core (command_executor.h, default_executor.h) and its host:
 * events come in with their time, effects go out and are performed in order by exec_host.
 */
#ifndef TEPUI_EXECUTOR_EXEC_IO_H
#define TEPUI_EXECUTOR_EXEC_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/duration.h"
#include "common/list.h"

/* --- events --- */

enum exec_event_type {
    EXEC_START,        /* the first one */
    EXEC_RECORD,       /* bytes: a mesos.executor.Event from the agent's stream */
    EXEC_DISCONNECTED, /* the stream ended, or SUBSCRIBE was refused or could not be sent */
    EXEC_REPLY,        /* token, status (HTTP, or -errno), bytes: the answer to an agent call */
    EXEC_EXITED,       /* token, status (wait status): a process that was spawned has ended */
    EXEC_PROBED,       /* token, status: an HTTP status or 0 = connected; -errno if not */
    EXEC_TERMINATE,    /* SIGTERM: shut down in order */
    EXEC_TICK,         /* the deadline has come */
};

struct exec_event {
    enum exec_event_type type;
    uint64_t token;
    int status;
    struct slice bytes;
};

/* --- effects --- */

enum exec_effect_type {
    EXEC_SUBSCRIBE,     /* bytes: a mesos.executor.Call SUBSCRIBE, opens the stream anew */
    EXEC_CALL,          /* bytes: another mesos.executor.Call */
    EXEC_AGENT_CALL,    /* token, bytes: a mesos.agent.Call; EXEC_REPLY tells the answer */
    EXEC_AGENT_SESSION, /* as EXEC_AGENT_CALL, but the answer is a stream that is copied to stderr
                         */
    EXEC_SPAWN,         /* token, command, to_stderr; EXEC_EXITED tells the end */
    EXEC_SIGNAL,        /* token, signal: to all processes that descend from a spawned one */
    EXEC_PROBE_HTTP,    /* token, target, timeout_ns */
    EXEC_PROBE_TCP,     /* token, target (only host and port), timeout_ns */
    EXEC_ABANDON, /* token: nothing more is wanted of a probe, spawn or call; a process is killed */
    EXEC_LINK_TASK, /* name, target: tasks/<name> links to <target>, relative to the sandbox */
    EXEC_LOG,       /* text */
    EXEC_QUIT,      /* status: the process ends */
};

struct exec_env {
    char *name;
    char *value;
};

/* What to run: a shell command, or a program with its arguments (argv[0] is the first). */
struct exec_command {
    bool shell;
    char *value;          /* the shell's text, or the program */
    char **arguments;     /* NULL-terminated; unused with shell */
    struct exec_env *env; /* added to the executor's own environment */
    size_t env_count;
};

struct exec_effect {
    struct list link;
    enum exec_effect_type type;
    uint64_t token;
    struct blob *bytes;
    struct exec_command *command; /* owned */
    bool to_stderr;               /* SPAWN: its stdout goes to stderr as well (checks) */
    int signal;
    char *target; /* heap: URL of a probe; path of a link */
    char *name;   /* heap: LINK_TASK */
    char *text;   /* heap: LOG */
    int64_t timeout_ns;
    int status;
};

struct exec_effects {
    struct list list;
};

void exec_effects_init(struct exec_effects *effects);
void exec_effects_deinit(struct exec_effects *effects);
struct exec_effect *exec_effect_add(struct exec_effects *effects, enum exec_effect_type type,
                                    uint64_t token);
/* Takes over the reference to the bytes. */
struct exec_effect *exec_effect_add_bytes(struct exec_effects *effects, enum exec_effect_type type,
                                          uint64_t token, struct blob *bytes);
void exec_log(struct exec_effects *effects, const char *fmt, ...) PRINTF_LIKE(2, 3);
void exec_quit(struct exec_effects *effects, int status);
struct exec_effect *exec_effect_pop(struct exec_effects *effects); /* NULL if none */
struct exec_effect *exec_effect_free(struct exec_effect *effect);
struct exec_command *exec_command_free(struct exec_command *command);

/* "exited with status 1", "terminated with signal Killed" (as the reference words it). */
void exec_describe_status(int wait_status, struct buf *out);

#endif
