#include "net/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"

struct loop {
    struct event_base *base;
    struct event *timer_event; /* armed to the earliest timer */
    int64_t armed_ns;          /* for when; TIME_NEVER = not armed */
    struct timers timers;
    struct event *task_event; /* active while there are tasks */
    struct list tasks;        /* posted, oldest first */
    struct list mark;         /* among them: behind it, those for the next round */
};

struct loop_waker {
    int fd; /* an eventfd */
    struct event *event;
    loop_fn *fn;
    void *arg; /* for fn */
};

struct loop_signal {
    struct event *event;
    loop_fn *fn;
    void *arg; /* for fn */
};

static int64_t read_clock(clockid_t clock)
{
    struct timespec ts;
    ASSERT(clock_gettime(clock, &ts) == 0);
    return (int64_t)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

struct now loop_now(const struct loop *loop)
{
    (void)loop;
    return (struct now){.mono_ns = read_clock(CLOCK_MONOTONIC),
                        .wall_ns = read_clock(CLOCK_REALTIME)};
}

/* --- timers --- */

static void arm(struct loop *loop)
{
    int64_t deadline_ns = timers_deadline(&loop->timers);
    if (deadline_ns == loop->armed_ns) {
        return;
    }
    loop->armed_ns = deadline_ns;
    if (deadline_ns == TIME_NEVER) {
        (void)event_del(loop->timer_event);
        return;
    }
    int64_t now_ns = read_clock(CLOCK_MONOTONIC);
    int64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    /* Rounded up: a timer that fires early would only be set again. */
    struct timeval tv = {
        .tv_sec = left_ns / NS_PER_SEC,
        .tv_usec = (left_ns % NS_PER_SEC + NS_PER_US - 1) / NS_PER_US,
    };
    if (tv.tv_usec == 1000000) {
        tv.tv_sec++;
        tv.tv_usec = 0;
    }
    ASSERT(event_add(loop->timer_event, &tv) == 0);
}

static void on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct loop *loop = arg;
    loop->armed_ns = TIME_NEVER;
    int64_t now_ns = read_clock(CLOCK_MONOTONIC);
    struct timer *timer;
    while ((timer = timers_pop(&loop->timers, now_ns)) != NULL) {
        struct loop_timer *mine = timer->owner;
        mine->fn(mine->arg);
    }
    arm(loop);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, loop_timer_fn *fn, void *arg)
{
    timer_init(&timer->timer, 0, timer);
    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
}

void loop_timer_set(struct loop_timer *timer, int64_t deadline_ns)
{
    timers_set(&timer->loop->timers, &timer->timer, deadline_ns);
    arm(timer->loop);
}

void loop_timer_cancel(struct loop_timer *timer)
{
    timers_cancel(&timer->loop->timers, &timer->timer);
    arm(timer->loop);
}

/* --- tasks --- */

static void on_tasks(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct loop *loop = arg;
    /* Tasks that these post come in the next round, so that sockets have their turn. */
    list_push_back(&loop->tasks, &loop->mark);
    struct list *link;
    while ((link = list_pop_front(&loop->tasks)) != &loop->mark) {
        ASSERT(link != NULL);
        struct loop_task *task = LIST_ENTRY(link, struct loop_task, link);
        task->fn(task);
    }
    if (!list_is_empty(&loop->tasks)) {
        event_active(loop->task_event, EV_TIMEOUT, 0);
    }
}

void loop_task_init(struct loop_task *task, loop_task_fn *fn)
{
    list_init(&task->link);
    task->fn = fn;
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    if (!list_is_empty(&task->link)) {
        return;
    }
    if (list_is_empty(&loop->tasks)) {
        event_active(loop->task_event, EV_TIMEOUT, 0);
    }
    list_push_back(&loop->tasks, &task->link);
}

void loop_task_cancel(struct loop_task *task)
{
    list_remove(&task->link);
}

/* --- other threads, and signals --- */

static void on_wake(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct loop_waker *waker = arg;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof(count));
    ASSERT(got == sizeof(count) || errno == EAGAIN || errno == EINTR);
    waker->fn(waker->arg);
}

struct loop_waker *loop_waker_new(struct loop *loop, loop_fn *fn, void *arg)
{
    struct loop_waker *waker = xalloc(sizeof(*waker));
    waker->fn = fn;
    waker->arg = arg;
    waker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(waker->fd >= 0);
    waker->event = event_new(loop->base, waker->fd, EV_READ | EV_PERSIST, on_wake, waker);
    ASSERT(waker->event != NULL && event_add(waker->event, NULL) == 0);
    return waker;
}

struct loop_waker *loop_waker_free(struct loop_waker *waker)
{
    if (waker != NULL) {
        event_free(waker->event);
        (void)close(waker->fd);
        free(waker);
    }
    return NULL;
}

void loop_waker_wake(struct loop_waker *waker)
{
    uint64_t one = 1;
    ssize_t put;
    do {
        put = write(waker->fd, &one, sizeof(one));
    } while (put < 0 && errno == EINTR);
    ASSERT(put == sizeof(one) || errno == EAGAIN); /* full: it wakes anyway */
}

static void on_signal(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct loop_signal *signal = arg;
    signal->fn(signal->arg);
}

struct loop_signal *loop_signal_new(struct loop *loop, int signo, loop_fn *fn, void *arg)
{
    struct loop_signal *mine = xalloc(sizeof(*mine));
    mine->fn = fn;
    mine->arg = arg;
    mine->event = evsignal_new(loop->base, signo, on_signal, mine);
    ASSERT(mine->event != NULL && event_add(mine->event, NULL) == 0);
    return mine;
}

struct loop_signal *loop_signal_free(struct loop_signal *signal)
{
    if (signal != NULL) {
        event_free(signal->event);
        free(signal);
    }
    return NULL;
}

/* --- the loop --- */

struct loop *loop_new(void)
{
    struct loop *loop = xalloc(sizeof(*loop));
    (void)signal(SIGPIPE, SIG_IGN);
    /* The loop has one thread, so libevent needs no locks. No change list for epoll: a descriptor
       has to leave the set before it is closed, since its number may be another thread's right
       after, and a file that a child still holds would stay in the set for good. */
    struct event_config *config = event_config_new();
    ASSERT(config != NULL);
    ASSERT(event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    ASSERT(loop->base != NULL);
    loop->armed_ns = TIME_NEVER;
    timers_init(&loop->timers);
    list_init(&loop->tasks);
    list_init(&loop->mark);
    loop->timer_event = evtimer_new(loop->base, on_timer, loop);
    loop->task_event = event_new(loop->base, -1, 0, on_tasks, loop);
    ASSERT(loop->timer_event != NULL && loop->task_event != NULL);
    return loop;
}

struct loop *loop_free(struct loop *loop)
{
    if (loop != NULL) {
        event_free(loop->timer_event);
        event_free(loop->task_event);
        timers_deinit(&loop->timers);
        event_base_free(loop->base);
        free(loop);
    }
    return NULL;
}

void loop_run(struct loop *loop)
{
    ASSERT(event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) >= 0);
}

void loop_stop(struct loop *loop)
{
    (void)event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}
