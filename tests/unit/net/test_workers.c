#include <pthread.h>
#include <semaphore.h>

#include "net_test.h"

struct number_job {
    struct worker_job job;
    int number;
    sem_t *waits_for; /* NULL = nothing */
    pthread_t thread; /* that ran it */
    bool ran;
    struct buf *log; /* of the loop */
};

static void run_number(struct worker_job *job)
{
    struct number_job *mine = CONTAINER_OF(job, struct number_job, job);
    if (mine->waits_for != NULL) {
        (void)sem_wait(mine->waits_for);
    }
    mine->thread = pthread_self();
    mine->ran = true;
}

static void on_done(struct worker_job *job)
{
    struct number_job *mine = CONTAINER_OF(job, struct number_job, job);
    assert_true(mine->ran);
    assert_false(pthread_equal(mine->thread, pthread_self()));
    buf_printf(mine->log, "%d ", mine->number);
}

static struct number_job make(int number, sem_t *waits_for, struct buf *log)
{
    return (struct number_job){
        .job = {.run = run_number, .done = on_done},
        .number = number,
        .waits_for = waits_for,
        .log = log,
    };
}

static bool has_three(void *arg)
{
    struct buf *log = arg;
    return log->size == strlen("0 1 2 ");
}

static void test_jobs_of_one_thread_are_in_order(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct workers *workers = workers_new(loop, 1);
    struct buf log = BUF_INIT;
    struct number_job jobs[3];
    for (int i = 0; i < 3; i++) {
        jobs[i] = make(i, NULL, &log);
        workers_submit(workers, &jobs[i].job);
    }
    assert_true(wait_for(loop, has_three, &log, WAIT_NS));
    assert_string_equal(buf_text(&log), "0 1 2 ");
    workers_free(workers);
    loop_free(loop);
    buf_deinit(&log);
}

static void test_only_a_job_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct workers *workers = workers_new(loop, 1);
    struct buf log = BUF_INIT;
    sem_t gate;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    struct number_job jobs[2] = {make(0, &gate, &log), make(1, NULL, &log)};
    workers_submit(workers, &jobs[0].job);
    workers_submit(workers, &jobs[1].job);
    assert_true(workers_cancel(workers, &jobs[1].job));
    assert_false(workers_cancel(workers, &jobs[1].job));
    (void)sem_post(&gate);
    while (workers_cancel(workers, &jobs[0].job)) { /* it had not even begun */
        workers_submit(workers, &jobs[0].job);
    }
    workers_free(workers);
    assert_string_equal(buf_text(&log), "0 ");
    assert_false(jobs[1].ran);
    loop_free(loop);
    (void)sem_destroy(&gate);
    buf_deinit(&log);
}

static void test_the_end_waits_for_all_jobs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct workers *workers = workers_new(loop, 4);
    struct buf log = BUF_INIT;
    struct number_job jobs[100];
    for (int i = 0; i < 100; i++) {
        jobs[i] = make(7, NULL, &log);
        workers_submit(workers, &jobs[i].job);
    }
    workers_free(workers);
    assert_int_equal(log.size, 200);
    loop_free(loop);
    buf_deinit(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_of_one_thread_are_in_order),
        cmocka_unit_test(test_only_a_job_that_waits_can_be_cancelled),
        cmocka_unit_test(test_the_end_waits_for_all_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
