#include <pthread.h>
#include <signal.h>

#include "net_test.h"

static struct loop *loop;

static int set_up(void **state)
{
    (void)state;
    loop = loop_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    loop = loop_free(loop);
    return 0;
}

/* --- timers --- */

struct alarm {
    struct loop_timer timer;
    int64_t at_ns;
    struct buf *log;
    char name;
};

static void on_alarm(void *arg)
{
    struct alarm *alarm = arg;
    assert_true(loop_now(loop).mono_ns >= alarm->at_ns);
    buf_append_byte(alarm->log, alarm->name);
}

static void test_timers_fire_in_order_and_not_early(void **state)
{
    (void)state;
    struct buf log = BUF_INIT;
    struct alarm alarms[4];
    int64_t now_ns = loop_now(loop).mono_ns;
    static const int64_t at_ms[] = {30, 10, 20, -5};
    for (size_t i = 0; i < ELEMENTS(alarms); i++) {
        alarms[i].log = &log;
        alarms[i].name = (char)('a' + i);
        alarms[i].at_ns = now_ns + at_ms[i] * NS_PER_MS;
        loop_timer_init(&alarms[i].timer, loop, on_alarm, &alarms[i]);
        loop_timer_set(&alarms[i].timer, alarms[i].at_ns);
    }
    loop_timer_cancel(&alarms[2].timer);
    loop_timer_cancel(&alarms[2].timer);
    run_for(loop, 60 * NS_PER_MS);
    assert_string_equal(buf_text(&log), "dba");
    loop_timer_set(&alarms[0].timer, TIME_NEVER);
    loop_timer_set(&alarms[1].timer, loop_now(loop).mono_ns);
    loop_timer_set(&alarms[1].timer, TIME_NEVER);
    run_for(loop, 2 * NS_PER_MS);
    assert_string_equal(buf_text(&log), "dba");
    buf_deinit(&log);
}

/* --- tasks --- */

struct named_task {
    struct loop_task task;
    struct buf *log;
    struct named_task *posts; /* NULL = none */
    char name;
};

static void on_task(struct loop_task *task)
{
    struct named_task *mine = CONTAINER_OF(task, struct named_task, task);
    buf_append_byte(mine->log, mine->name);
    if (mine->posts != NULL) {
        loop_post(loop, &mine->posts->task);
    }
}

static void test_tasks_run_later_and_in_order(void **state)
{
    (void)state;
    struct buf log = BUF_INIT;
    struct named_task tasks[4];
    for (size_t i = 0; i < ELEMENTS(tasks); i++) {
        tasks[i] = (struct named_task){.log = &log, .name = (char)('a' + i)};
        loop_task_init(&tasks[i].task, on_task);
    }
    tasks[1].posts = &tasks[3];
    loop_post(loop, &tasks[1].task);
    loop_post(loop, &tasks[0].task);
    loop_post(loop, &tasks[2].task);
    loop_post(loop, &tasks[1].task); /* is posted already */
    loop_task_cancel(&tasks[2].task);
    assert_int_equal(log.size, 0);
    run_for(loop, 2 * NS_PER_MS);
    assert_string_equal(buf_text(&log), "bad");
    buf_deinit(&log);
}

/* --- other threads --- */

static void on_count(void *arg)
{
    (*(int *)arg)++;
}

static void *wake_many_times(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        loop_waker_wake(arg);
    }
    return NULL;
}

static bool is_positive(void *arg)
{
    return *(int *)arg > 0;
}

static void test_wakes_of_other_threads(void **state)
{
    (void)state;
    int count = 0;
    struct loop_waker *waker = loop_waker_new(loop, on_count, &count);
    run_for(loop, 2 * NS_PER_MS);
    assert_int_equal(count, 0);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_many_times, waker), 0);
    assert_true(wait_for(loop, is_positive, &count, WAIT_NS));
    assert_int_equal(pthread_join(thread, NULL), 0);
    run_for(loop, 2 * NS_PER_MS);
    count = 0;
    loop_waker_wake(waker);
    assert_true(wait_for(loop, is_positive, &count, WAIT_NS));
    assert_int_equal(count, 1);
    loop_waker_free(waker);
}

static void test_signals(void **state)
{
    (void)state;
    int count = 0;
    struct loop_signal *signal = loop_signal_new(loop, SIGUSR1, on_count, &count);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(wait_for(loop, is_positive, &count, WAIT_NS));
    assert_int_equal(raise(SIGPIPE), 0); /* ignored */
    loop_signal_free(signal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_timers_fire_in_order_and_not_early, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tasks_run_later_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wakes_of_other_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signals, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
