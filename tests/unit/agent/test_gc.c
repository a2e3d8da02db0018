#include "shell.h"

#include "../unit.h"

#include "agent/core.h"

#define RUNS "slaves/" AGENT_ID "/frameworks/f1/executors/t1/runs"

static double pending(struct shell *shell)
{
    return metric_value(metrics_find(agent_metrics(shell->agent), "gc/path_removals_pending"));
}

static double removed(struct shell *shell)
{
    return metric_value(metrics_find(agent_metrics(shell->agent), "gc/path_removals_succeeded"));
}

/* A command task that ran and is over, all acknowledged. */
static void run_and_end(struct shell *shell)
{
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", false), shell_task(shell, "t1"), NULL);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    shell_register_executor(shell, "f1", "t1", SHELL_EXECUTOR);
    shell_update(shell, "f1", "t1", "t1", PB__TASK_STATE__TASK_FINISHED, 1, SHELL_EXECUTOR);
    shell_expect_update(shell, "t1", PB__TASK_STATE__TASK_FINISHED);
    shell_report(shell, CONTAINER_TERMINATED, launch->path, 0);
    container_request_free(launch);
}

static void pass_with_pings(struct shell *shell, int64_t ns)
{
    for (int64_t passed_ns = 0; passed_ns < ns;) {
        int64_t step_ns = MIN(ns - passed_ns, NS_PER_MIN);
        shell_pass(shell, step_ns);
        passed_ns += step_ns;
        Pb__Internal__PingSlaveMessage ping = PB__INTERNAL__PING_SLAVE_MESSAGE__INIT;
        ping.connected = 1;
        shell_tell(shell, "PingSlaveMessage", &ping);
        shell_forget(shell);
    }
}

static void a_sandbox_stays_for_gc_delay(void **state)
{
    struct shell *shell = *state;
    shell->config.gc_delay_ns = NS_PER_HOUR;
    shell->disk_usage_ppm = 0;
    shell->config.gc_disk_headroom_ppm = 0;
    run_and_end(shell);
    assert_true(pending(shell) >= 1);
    pass_with_pings(shell, 59 * NS_PER_MIN);
    assert_non_null(shell_file(shell, RUNS));
    pass_with_pings(shell, 2 * NS_PER_MIN);
    assert_null(shell_file(shell, RUNS));
    assert_true(removed(shell) >= 1);
    assert_int_equal((int)pending(shell), 0);
}

/* gc_delay x (1 - headroom - usage): with 60 % used and 10 % of headroom, 30 % of an hour. */
static void a_full_disk_shortens_the_delay(void **state)
{
    struct shell *shell = *state;
    shell->config.gc_delay_ns = NS_PER_HOUR;
    shell->disk_usage_ppm = 600000;
    run_and_end(shell);
    pass_with_pings(shell, 17 * NS_PER_MIN);
    assert_non_null(shell_file(shell, RUNS));
    pass_with_pings(shell, 3 * NS_PER_MIN);
    assert_null(shell_file(shell, RUNS));
}

static void a_disk_that_is_full_leaves_nothing(void **state)
{
    struct shell *shell = *state;
    shell->disk_usage_ppm = 950000;
    run_and_end(shell);
    pass_with_pings(shell, 2 * NS_PER_MIN);
    assert_null(shell_file(shell, RUNS));
}

static void a_disk_that_cannot_be_asked_changes_nothing(void **state)
{
    struct shell *shell = *state;
    shell->disk_usage_ppm = -1;
    run_and_end(shell);
    pass_with_pings(shell, NS_PER_HOUR);
    assert_non_null(shell_file(shell, RUNS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_sandbox_stays_for_gc_delay),
        SHELL_TEST(a_full_disk_shortens_the_delay),
        SHELL_TEST(a_disk_that_is_full_leaves_nothing),
        SHELL_TEST(a_disk_that_cannot_be_asked_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
