/*
 * What the read-only side keeps from one step to the next: answers that may be asked for again,
 * operators who watch, requests that wait for a file or for their turn.
 */
#ifndef TEPUI_MASTER_READS_H
#define TEPUI_MASTER_READS_H

#include "common/list.h"
#include "common/map.h"
#include "common/timers.h"
#include "master/view_answers.h"

struct master;

struct reads {
    struct view_cache views;
    struct timer views_timer; /* TIMER_VIEWS */

    struct map subscribers;       /* struct subscriber by handle */
    struct list subscriber_order; /* the same, oldest first */
    size_t subscriber_count;

    struct list metrics_waiting; /* struct metrics_wait: /metrics/snapshot beyond its rate */
    size_t metrics_waiting_count;
    int64_t metrics_next_ns;    /* monotonic: when the rate allows for the next */
    struct timer metrics_timer; /* TIMER_METRICS */

    struct list looks; /* struct file_look: wait for a file */
    size_t look_count;
    uint64_t next_look; /* token of the next */

    int verbosity;                /* of the log; 0 = as started */
    struct timer verbosity_timer; /* TIMER_VERBOSITY: back to 0 */
};

struct reads *master_reads_new(struct master *master) WARN_UNUSED;
struct reads *master_reads_free(struct master *master);

/* The log's verbosity for a while, then 0 again. */
void master_reads_set_verbosity(struct master *master, int level, int64_t duration_ns);
/* TIMER_VERBOSITY. */
void master_reads_reset_verbosity(struct master *master);

#endif
