/*
 * The host's loop: one libevent base and what a core's shell needs of it.
 *
 * Everything runs on the thread that calls loop_run, but for loop_waker_wake. There are three ways
 * in: what libevent sees on sockets and signals, timers, and tasks. A task is how one part tells
 * another something without calling into it: tasks run later, in the order of loop_post, so that a
 * core is never re-entered.
 */
#ifndef TEPUI_NET_LOOP_H
#define TEPUI_NET_LOOP_H

#include "common/duration.h"
#include "common/list.h"
#include "common/timers.h"

struct event_base;
struct loop;

/* SIGPIPE is ignored from here on: writes into broken connections fail with EPIPE. */
struct loop *loop_new(void) WARN_UNUSED;
struct loop *loop_free(struct loop *loop); /* everything that uses it must be gone */

/* Until loop_stop; may be called again. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

struct event_base *loop_base(struct loop *loop);
/* Both clocks, read now: once for each step. */
struct now loop_now(const struct loop *loop);

/* --- timers --- */

typedef void loop_timer_fn(void *arg);

/* Embedded; all of them share one timer of libevent. A core has one, set to its deadline. */
struct loop_timer {
    struct timer timer; /* its owner is this struct */
    struct loop *loop;
    loop_timer_fn *fn;
    void *arg; /* for fn */
};

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_timer_fn *fn, void *arg);
/* Sets it, or sets it anew, in monotonic time; TIME_NEVER cancels. It fires once, at or after it.
 */
void loop_timer_set(struct loop_timer *timer, int64_t deadline_ns);
void loop_timer_cancel(struct loop_timer *timer); /* fine if not set */

/* --- tasks --- */

struct loop_task;
typedef void loop_task_fn(struct loop_task *task);

struct loop_task {
    struct list link; /* in the queue, or in none */
    loop_task_fn *fn; /* may free the task */
};

void loop_task_init(struct loop_task *task, loop_task_fn *fn);
/* Runs it later, once, even if posted again before. */
void loop_post(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop_task *task); /* fine if not posted */

/* --- other threads, and signals --- */

typedef void loop_fn(void *arg);

struct loop_waker;

/* Wakes from any thread come together: fn runs on the loop at least once after the last of them. */
struct loop_waker *loop_waker_new(struct loop *loop, loop_fn *fn, void *arg) WARN_UNUSED;
struct loop_waker *loop_waker_free(struct loop_waker *waker); /* no thread may use it any more */
void loop_waker_wake(struct loop_waker *waker);

struct loop_signal;

/* fn runs on the loop each time that the signal has come. */
struct loop_signal *loop_signal_new(struct loop *loop, int signo, loop_fn *fn,
                                    void *arg) WARN_UNUSED;
struct loop_signal *loop_signal_free(struct loop_signal *signal); /* the default action is back */

#endif
