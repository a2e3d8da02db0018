/*
 * The durable registry: operations become entries of a log (facts/state_machines.md 7).
 *
 *     CLOSED -> ELECTING -> BOUNDING -> READING -> DECODING -> IDLE <-> APPLYING -> APPENDING
 *
 * The first REGISTRY_RECOVER makes us the log's writer, and has the log read to its end. From then
 * on, all that was asked for meanwhile goes together into the next entry: operations are applied,
 * the whole registry is encoded and appended as one snapshot, and the log truncated to it. Then the
 * operations are answered, in their order. That holds also if none of them changed anything: what a
 * master remembers is true only as long as no other one has written, and only a write tells that.
 *
 * A pure machine, which knows no log: it asks for what the log is to do (struct
 * registry_log_request) and is told by events. What costs time in proportion to the whole cluster
 * is a job for a worker, which owns the registry meanwhile; there is one at a time.
 *
 * After a failure or a timeout nobody knows what is in the log: everything is answered with a
 * negative status from then on, and the master has to end.
 */
#ifndef TEPUI_REGISTRY_REGISTRY_LOG_H
#define TEPUI_REGISTRY_REGISTRY_LOG_H

#include "common/duration.h"
#include "common/log.h"
#include "registry/registry.h"

/* The variable's name in the log. */
#define REGISTRY_LOG_NAME "registry"

/* --- effects --- */

enum registry_log_request_type {
    REGISTRY_LOG_ELECT,    /* become the writer. REGISTRY_LOG_ELECTED */
    REGISTRY_LOG_BOUNDS,   /* which positions there are. REGISTRY_LOG_BOUNDED */
    REGISTRY_LOG_READ,     /* `position` to `to`. REGISTRY_LOG_ENTRY for each, REGISTRY_LOG_END */
    REGISTRY_LOG_APPEND,   /* `bytes`. REGISTRY_LOG_WRITTEN */
    REGISTRY_LOG_TRUNCATE, /* forget what is below `position`. Its end need not be told */
};

struct registry_log_request {
    struct list link;
    enum registry_log_request_type type;
    struct blob *bytes; /* APPEND: a reference */
    uint64_t position;
    uint64_t to;
};

/* To be run by registry_log_work() in any thread; then REGISTRY_LOG_WORKED. It is a part of the
 * machine, which must not be freed while it runs. */
struct registry_log_job;
void registry_log_work(struct registry_log_job *job);

struct registry_log_answer {
    struct list link;
    struct registry_event event;
    struct blob *value_owner; /* the event's, as a reference */
    char *why;                /* the event's; heap */
};

struct registry_log_note {
    struct list link;
    enum log_level level;
    char *text; /* heap */
};

/* To be performed in this order: answers first, since the job may change what they point to. */
struct registry_log_effects {
    struct list answers;          /* struct registry_log_answer */
    struct list requests;         /* struct registry_log_request */
    struct registry_log_job *job; /* NULL = none */
    struct list notes;            /* struct registry_log_note: for the daemon's log */
};

void registry_log_effects_init(struct registry_log_effects *effects);
void registry_log_effects_deinit(struct registry_log_effects *effects);
/* Each takes the first out, or gives NULL; the caller frees it. */
struct registry_log_request *registry_log_pop_request(struct registry_log_effects *effects);
struct registry_log_request *registry_log_request_free(struct registry_log_request *request);
struct registry_log_answer *registry_log_pop_answer(struct registry_log_effects *effects);
struct registry_log_answer *registry_log_answer_free(struct registry_log_answer *answer);
struct registry_log_note *registry_log_pop_note(struct registry_log_effects *effects);
struct registry_log_note *registry_log_note_free(struct registry_log_note *note);

/* --- events --- */

enum registry_log_event_type {
    REGISTRY_LOG_ASK,     /* op, which is taken over */
    REGISTRY_LOG_ELECTED, /* status; position: the last that is decided */
    REGISTRY_LOG_BOUNDED, /* status; position: the first */
    REGISTRY_LOG_ENTRY,   /* position, bytes */
    REGISTRY_LOG_END,     /* status: all entries were told of */
    REGISTRY_LOG_WRITTEN, /* status; position: of the entry */
    REGISTRY_LOG_WORKED,  /* the job is done */
    REGISTRY_LOG_TICK,    /* registry_log_deadline() has come */
};

struct registry_log_event {
    enum registry_log_event_type type;
    struct registry_op *op; /* ASK */
    int status;             /* 0, or why not */
    const char *why;        /* with a status: text, may be NULL */
    uint64_t position;
    struct blob *bytes; /* ENTRY: a reference is taken */
};

/* --- the machine --- */

struct registry_log_options {
    int64_t fetch_timeout_ns; /* --registry_fetch_timeout: from RECOVER until all is read */
    int64_t store_timeout_ns; /* --registry_store_timeout: until a batch is written */
    uint64_t seed;            /* random */
};

struct registry_log;

struct registry_log *registry_log_new(const struct registry_log_options *options) WARN_UNUSED;
/* No job may run; one that has run, or never will, need not be told of. */
struct registry_log *registry_log_free(struct registry_log *log);
void registry_log_step(struct registry_log *log, int64_t now_ns,
                       const struct registry_log_event *event,
                       struct registry_log_effects *effects);
int64_t registry_log_deadline(const struct registry_log *log);

#endif
