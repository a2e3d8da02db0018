#include "net/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "common/xalloc.h"

struct workers {
    struct loop_waker *waker; /* when `done` is no longer empty */
    pthread_t *threads;
    size_t thread_count;

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t work;   /* there is work, or nothing more will come */
    struct list waiting;   /* jobs not begun, oldest first */
    struct list done;      /* jobs that ran, and were not told of */
    bool stopping;         /* threads end when nothing waits */
};

static void *run_thread(void *arg)
{
    struct workers *workers = arg;
    (void)pthread_mutex_lock(&workers->mutex);
    for (;;) {
        struct list *link = list_pop_front(&workers->waiting);
        if (link == NULL) {
            if (workers->stopping) {
                break;
            }
            (void)pthread_cond_wait(&workers->work, &workers->mutex);
            continue;
        }
        struct worker_job *job = LIST_ENTRY(link, struct worker_job, link);
        job->waiting = false;
        (void)pthread_mutex_unlock(&workers->mutex);
        job->run(job);
        (void)pthread_mutex_lock(&workers->mutex);
        bool first = list_is_empty(&workers->done);
        list_push_back(&workers->done, &job->link);
        if (first) {
            loop_waker_wake(workers->waker);
        }
    }
    (void)pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

static void tell_done(void *arg)
{
    struct workers *workers = arg;
    for (;;) {
        (void)pthread_mutex_lock(&workers->mutex);
        struct list *link = list_pop_front(&workers->done);
        (void)pthread_mutex_unlock(&workers->mutex);
        if (link == NULL) {
            return;
        }
        struct worker_job *job = LIST_ENTRY(link, struct worker_job, link);
        job->done(job);
    }
}

struct workers *workers_new(struct loop *loop, size_t thread_count)
{
    ASSERT(thread_count > 0);
    struct workers *workers = xalloc(sizeof(*workers));
    workers->waker = loop_waker_new(loop, tell_done, workers);
    workers->threads = xcalloc(thread_count, sizeof(*workers->threads));
    workers->thread_count = thread_count;
    ASSERT(pthread_mutex_init(&workers->mutex, NULL) == 0);
    ASSERT(pthread_cond_init(&workers->work, NULL) == 0);
    list_init(&workers->waiting);
    list_init(&workers->done);
    /* Signals are the loop's; what blocks in a thread is not to be interrupted by them. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    for (size_t i = 0; i < thread_count; i++) {
        ASSERT(pthread_create(&workers->threads[i], NULL, run_thread, workers) == 0);
    }
    ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return workers;
}

struct workers *workers_free(struct workers *workers)
{
    if (workers == NULL) {
        return NULL;
    }
    (void)pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    (void)pthread_cond_broadcast(&workers->work);
    (void)pthread_mutex_unlock(&workers->mutex);
    for (size_t i = 0; i < workers->thread_count; i++) {
        ASSERT(pthread_join(workers->threads[i], NULL) == 0);
    }
    tell_done(workers);
    ASSERT(list_is_empty(&workers->waiting)); /* `done` must not submit at the end */
    (void)pthread_mutex_destroy(&workers->mutex);
    (void)pthread_cond_destroy(&workers->work);
    loop_waker_free(workers->waker);
    free(workers->threads);
    free(workers);
    return NULL;
}

void workers_submit(struct workers *workers, struct worker_job *job)
{
    list_init(&job->link);
    (void)pthread_mutex_lock(&workers->mutex);
    job->waiting = true;
    list_push_back(&workers->waiting, &job->link);
    (void)pthread_cond_signal(&workers->work);
    (void)pthread_mutex_unlock(&workers->mutex);
}

bool workers_cancel(struct workers *workers, struct worker_job *job)
{
    (void)pthread_mutex_lock(&workers->mutex);
    bool waiting = job->waiting;
    if (waiting) {
        job->waiting = false;
        list_remove(&job->link);
    }
    (void)pthread_mutex_unlock(&workers->mutex);
    return waiting;
}
