/*
 * The master's core alone, driven by events: no sockets, no clock, no threads. Messages and calls
 * are written and read as JSON (v0 names for messages, v1 names for calls), so that tests read as
 * what goes over the wire.
 */
#ifndef TEPUI_TESTS_UNIT_MASTER_HARNESS_H
#define TEPUI_TESTS_UNIT_MASTER_HARNESS_H

#include "../unit.h"

#include "common/arena.h"
#include "master/master.h"
#include "master/master_state.h"
#include "registry/registry_memory.h"

/* One effect of the network, kept until somebody looks at it. */
struct sent {
    struct list link;
    enum net_effect_type type;
    uint64_t handle;
    int status;
    char from[UPID_ID_SIZE_MAX + 1];
    char to[UPID_TEXT_SIZE];
    const char *name;    /* SEND: message name */
    const char *headers; /* "Name: value\n" of each; in the arena */
    struct slice body;   /* in the arena */
    struct blob *lent;   /* the body itself, if bodies are held; else NULL */
};

/* What a worker was asked for. */
struct harness_work {
    struct list link;
    struct net_effect *effect; /* NET_WORK */
};

struct harness {
    struct master *master;
    struct registry_memory *registry;
    struct metrics *metrics;
    struct now now;
    struct arena arena; /* of the whole test */
    struct list sent;   /* struct sent, oldest first */
    uint64_t next_handle;
    bool registry_is_held;     /* its answers wait until harness_registry() */
    bool workers_are_held;     /* what they do waits until harness_work() */
    bool bodies_are_held;      /* clients do not take what they were lent until harness_forget() */
    struct list works;         /* struct harness_work, oldest first */
    size_t hurries;            /* NET_HURRY, ever */
    struct file_request *file; /* asked for last; NULL = none */
    int verbosity;             /* set last */
    struct buf log;            /* lines that harness_log() has not told yet */
    bool exits;
    struct err exit_reason;
};

/* A lone master with quick timers (pings every second, three missed; offers every 100 ms), elected
 * and recovered. `change` may change the options before (NULL = not). */
struct harness *harness_new(void (*change)(struct master_options *options));
/* Not yet elected. */
struct harness *harness_new_follower(void (*change)(struct master_options *options));
void harness_free(struct harness *h);
/* Another master in its place reads the same registry. What agents and frameworks know stays. */
void harness_fail_over(struct harness *h, void (*change)(struct master_options *options));

void harness_step(struct harness *h, const struct master_event *event);
void harness_elect(struct harness *h);
/* Lets a worker do what was asked for first, and tells the master; false: nothing was. */
bool harness_work(struct harness *h);
/* Lets the registry answer all that waits. */
void harness_registry(struct harness *h);
/* Time passes; every deadline on the way is met. */
void harness_advance(struct harness *h, int64_t ns);

/* A message of that name (mesos.internal. is added) from a pid to the actor. */
void harness_message(struct harness *h, const char *from, const char *to, const char *name,
                     const char *json);
/* The same as bytes. */
void harness_message_bytes(struct harness *h, const char *from, const char *to, const char *name,
                           struct slice bytes);
/* The bytes of that message. */
struct slice harness_encode(struct harness *h, const char *name, const char *json);
/* A call of a v0 driver. */
void harness_v0_call(struct harness *h, const char *from, const char *json);
void harness_exited(struct harness *h, const char *pid);

/* A request; its handle. `headers` is "Name: value\nName: value". */
uint64_t harness_request(struct harness *h, const char *method, const char *path,
                         const char *headers, const char *body);
/* A scheduler call in JSON. */
uint64_t harness_call(struct harness *h, const char *stream_id, const char *json);
void harness_gone(struct harness *h, uint64_t handle);

/* --- what came out; each is taken --- */

/* The next message of that name to that pid, as JSON; NULL if there is none. */
const char *harness_take(struct harness *h, const char *to, const char *name);
/* What was logged since the last time, a line each. */
const char *harness_log(struct harness *h);
/* Who sent the message taken last. */
const char *harness_sender(const struct harness *h);
/* The answer's status; -1 if there is none yet. */
int harness_status(struct harness *h, uint64_t handle);
/* The body of the answer, which must be there; jobs have been run. */
struct slice harness_body(struct harness *h, uint64_t handle);
/* Header of the answer that was looked at last, or of the stream that was opened. */
const char *harness_header(struct harness *h, uint64_t handle, const char *name);
/* The next record of a stream; data NULL = none. */
struct slice harness_record(struct harness *h, uint64_t handle);
/* The next record of a stream of that event type, others before it are dropped; NULL if there is
 * none. */
const char *harness_event(struct harness *h, uint64_t handle, const char *type);
bool harness_stream_ended(struct harness *h, uint64_t handle);
/* Drops all that came out so far. */
void harness_forget(struct harness *h);

/* --- common scenes --- */

struct scene_framework {
    uint64_t handle;
    const char *id;
    const char *stream_id;
};

/* Subscribes over HTTP; `extra` are further fields of the FrameworkInfo
 * (",\"checkpoint\":true"). */
struct scene_framework harness_subscribe(struct harness *h, const char *extra);
/* Registers an agent with 4 cpus and 1024 mem at the pid; its id. */
const char *harness_agent(struct harness *h, const char *pid);
/* Launches a command task of one cpu on the next offer. */
void harness_launch(struct harness *h, const struct scene_framework *f, const char *task_id);
/* An update of the agent about the task, with a uuid of 16 times that letter. */
void harness_update(struct harness *h, const char *pid, const char *agent_id,
                    const struct scene_framework *f, const char *task_id, const char *state,
                    char uuid);
void harness_acknowledge(struct harness *h, const struct scene_framework *f, const char *agent_id,
                         const char *task_id, char uuid);
/* The text between quotes behind "key":" in the JSON; in the arena. */
const char *harness_text(struct harness *h, const char *json, const char *key);

#define assert_has(text, part)                                                            \
    do {                                                                                  \
        const char *text_ = (text);                                                       \
        if (text_ == NULL || strstr(text_, (part)) == NULL) {                             \
            fail_msg("expected '%s' in '%s'", (part), text_ != NULL ? text_ : "nothing"); \
        }                                                                                 \
    } while (0)
#define assert_has_not(text, part) assert_null(strstr((text), (part)))

#endif
