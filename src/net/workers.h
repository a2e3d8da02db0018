/*
 * Threads for what blocks or takes long: a job runs on one of them, and is then told of on the
 * loop. Jobs begin in the order in which they were submitted.
 */
#ifndef TEPUI_NET_WORKERS_H
#define TEPUI_NET_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/list.h"
#include "net/loop.h"

struct worker_job;
typedef void worker_job_fn(struct worker_job *job);

/* Embedded in what the job works on. */
struct worker_job {
    struct list link;    /* among those waiting, or those done */
    worker_job_fn *run;  /* on a thread; must not touch what the loop owns */
    worker_job_fn *done; /* on the loop; may free the job */
    bool waiting;        /* submitted, and not begun */
};

struct workers;

/* Asserts that the threads can be made. */
struct workers *workers_new(struct loop *loop, size_t thread_count) WARN_UNUSED;
/* Runs what is waiting, waits for all of it, and tells `done` for each. */
struct workers *workers_free(struct workers *workers);

void workers_submit(struct workers *workers, struct worker_job *job);
/* True if the job had not begun: it will neither run nor be told of. */
bool workers_cancel(struct workers *workers, struct worker_job *job);

#endif
