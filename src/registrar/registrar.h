/*
 * The registrar: a master's durable registry on its replicated log, and the log's promise for
 * masters that elect by it. It ties the registry's machine (registry/registry_log.h) to the log
 * (rlog/rlog.h): operations become requests to the log, the log's answers become their ends.
 *
 * A pure machine. The log's only writer in a process is its registrar, so each answer of the log
 * belongs here; those to requests that were given up do nothing. A process contends for the promise
 * through it (election/college.h), or the registry's first operation does; the promise is one.
 */
#ifndef TEPUI_REGISTRAR_REGISTRAR_H
#define TEPUI_REGISTRAR_REGISTRAR_H

#include "registry/registry_log.h"
#include "rlog/rlog.h"

/* One event for rlog_step: ELECT, RESIGN, APPEND, TRUNCATE, READ, BOUNDS. */
struct registrar_request {
    struct list link;
    struct rlog_event event; /* its bytes are a reference */
};

/* To be performed in this order. */
struct registrar_effects {
    struct registry_log_effects registry; /* notes, answers, the job; no requests are left in it */
    struct list requests;                 /* struct registrar_request */
    uint64_t promised; /* the number of the promise that was contended for; 0 = not now */
    bool is_failed;    /* the log cannot be used any more: the process has to end */
    struct err why;    /* of is_failed */
};

void registrar_effects_init(struct registrar_effects *effects);
void registrar_effects_deinit(struct registrar_effects *effects);
/* Takes the first out, or gives NULL; the caller frees it. */
struct registrar_request *registrar_pop_request(struct registrar_effects *effects);
struct registrar_request *registrar_request_free(struct registrar_request *request);

struct registrar;

struct registrar *registrar_new(const struct registry_log_options *options) WARN_UNUSED;
/* No job may run. NULL is fine. */
struct registrar *registrar_free(struct registrar *registrar);

/* Takes over the operation. */
void registrar_ask(struct registrar *registrar, int64_t now_ns, struct registry_op *op,
                   struct registrar_effects *effects);
/* Any answer of the log; `promise` is rlog_promise() of now. */
void registrar_take_answer(struct registrar *registrar, int64_t now_ns,
                           const struct rlog_answer *answer, uint64_t promise,
                           struct registrar_effects *effects);
/* The job in the effects has been run by registry_log_work. */
void registrar_worked(struct registrar *registrar, int64_t now_ns,
                      struct registrar_effects *effects);
/* registrar_deadline() has come. */
void registrar_tick(struct registrar *registrar, int64_t now_ns, struct registrar_effects *effects);
int64_t registrar_deadline(const struct registrar *registrar);

/* Asks for the log's promise, until effects->promised or registrar_resign. */
void registrar_contend(struct registrar *registrar, struct registrar_effects *effects);
void registrar_resign(struct registrar *registrar, struct registrar_effects *effects);

#endif
