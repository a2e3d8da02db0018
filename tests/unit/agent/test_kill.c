#include "shell.h"

#include "../unit.h"

#include "agent/core.h"

static void tell_kill(struct shell *shell, const char *framework_id, const char *task_id)
{
    Pb__Internal__KillTaskMessage message = PB__INTERNAL__KILL_TASK_MESSAGE__INIT;
    message.framework_id = messages_framework_id(framework_id, &shell->arena);
    message.task_id = messages_task_id(task_id, &shell->arena);
    shell_tell(shell, "KillTaskMessage", &message);
}

static Pb__TaskStatus *next(struct shell *shell)
{
    Pb__Internal__StatusUpdateMessage *message =
        SHELL_TAKE(shell, StatusUpdateMessage, status_update_message);
    if (message == NULL) {
        return NULL;
    }
    shell_acknowledge(shell, message->update);
    return message->update->status;
}

static void end_container(struct shell *shell, enum container_request_type type)
{
    struct container_request *request = shell_take_request(shell, type);
    assert_non_null(request);
    shell_report(shell, CONTAINER_TERMINATED, request->path, 9);
    container_request_free(request);
}

static void a_task_of_nobody_is_lost(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    tell_kill(shell, "f1", "t1");
    /* Nothing is known of the framework: the master's reconciliation tells. */
    assert_null(next(shell));
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    tell_kill(shell, "f1", "t2");
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_LOST);
}

static void a_queued_task_is_killed_at_once(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    shell_run_task(shell, f, shell_task(shell, "t1"), shell_executor(shell, "f1", "e"));
    shell_run_task(shell, f, shell_task(shell, "t2"), shell_executor(shell, "f1", "e"));
    tell_kill(shell, "f1", "t1");
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_string_equal(status->task_id->value, "t1");
    assert_int_equal(status->state, PB__TASK_STATE__TASK_KILLED);
    assert_int_equal(status->reason, PB__TASK_STATUS__REASON__REASON_TASK_KILLED_DURING_LAUNCH);
    shell_register_executor(shell, "f1", "e", SHELL_EXECUTOR);
    const Pb__Internal__RunTaskMessage *message =
        SHELL_TAKE(shell, RunTaskMessage, run_task_message);
    assert_non_null(message);
    assert_string_equal(message->task->task_id->value, "t2");
    assert_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
}

static void an_executor_whose_only_task_was_killed_is_not_left_over(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    tell_kill(shell, "f1", "t1");
    assert_non_null(next(shell));
    shell_register_executor(shell, "f1", "t1", SHELL_EXECUTOR);
    assert_non_null(SHELL_TAKE(shell, ShutdownExecutorMessage, shutdown_executor_message));
    assert_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    end_container(shell, CONTAINER_LAUNCH);
    const char *shown =
        shell_answer(shell, shell_request(shell, "GET", "/slave(1)/state", "", ""), 200);
    assert_non_null(strstr(shown, "\"frameworks\":[]"));
}

static void a_running_task_is_killed_by_its_executor(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    tell_kill(shell, "f1", "t1");
    const Pb__Internal__KillTaskMessage *message =
        SHELL_TAKE(shell, KillTaskMessage, kill_task_message);
    assert_non_null(message);
    assert_string_equal(message->task_id->value, "t1");
    assert_null(next(shell));
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_KILLED, 1, SHELL_EXECUTOR);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_KILLED);
}

static void a_group_is_killed_as_one(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    struct arena *arena = &shell->arena;
    Pb__Internal__RunTaskGroupMessage message = PB__INTERNAL__RUN_TASK_GROUP_MESSAGE__INIT;
    Pb__TaskGroupInfo group = PB__TASK_GROUP_INFO__INIT;
    for (int i = 0; i < 2; i++) {
        Pb__TaskInfo *task = shell_task(shell, arena_printf(arena, "t%d", i + 1));
        MESSAGE_APPEND(arena, group.n_tasks, group.tasks, task);
    }
    message.framework = shell_framework(shell, "f1", true);
    message.executor = shell_executor(shell, "f1", "e");
    message.task_group = &group;
    shell_tell(shell, "RunTaskGroupMessage", &message);
    tell_kill(shell, "f1", "t2");
    for (int i = 0; i < 2; i++) {
        const Pb__TaskStatus *status = next(shell);
        assert_non_null(status);
        assert_int_equal(status->state, PB__TASK_STATE__TASK_KILLED);
    }
    assert_null(next(shell));
}

static void an_executor_that_ends_takes_its_tasks_along(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    shell_run_task(shell, f, shell_task(shell, "t1"), shell_executor(shell, "f1", "e"));
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    shell_register_executor(shell, "f1", "e", SHELL_EXECUTOR);
    shell_report(shell, CONTAINER_TERMINATED, launch->path, 256);
    container_request_free(launch);
    const Pb__Internal__ExitedExecutorMessage *exited =
        SHELL_TAKE(shell, ExitedExecutorMessage, exited_executor_message);
    assert_non_null(exited);
    assert_string_equal(exited->executor_id->value, "e");
    assert_int_equal(exited->status, 256);
    assert_non_null(strstr(shell->log, "executor 'e' of framework f1 has ended with status 1"));
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_FAILED);
    assert_int_equal(status->reason, PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED);
    /* With the last acknowledgement all of it is over; the sandbox waits for its removal. */
    assert_int_equal(
        (int)metric_value(metrics_find(agent_metrics(shell->agent), "slave/executors_terminated")),
        1);
    assert_true(
        metric_value(metrics_find(agent_metrics(shell->agent), "gc/path_removals_pending")) >= 1);
}

static void a_limit_tells_why(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    shell_register_executor(shell, "f1", "t1", SHELL_EXECUTOR);
    struct container_report *report = container_report_new(CONTAINER_TERMINATED, launch->path);
    report->has_status = true;
    report->status = 9;
    report->limit = CONTAINER_LIMIT_MEMORY;
    report->text = xstrdup("Memory limit exceeded");
    shell_step(shell, &(struct agent_event){.type = AGENT_CONTAINER, .container = report});
    container_report_free(report);
    container_request_free(launch);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_FAILED);
    assert_int_equal(status->reason, PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY);
    assert_non_null(strstr(status->message, "Memory limit exceeded"));
}

static void shutting_an_executor_down_has_a_grace(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    Pb__Internal__ShutdownExecutorMessage message = PB__INTERNAL__SHUTDOWN_EXECUTOR_MESSAGE__INIT;
    message.framework_id = messages_framework_id("f1", &shell->arena);
    message.executor_id = messages_executor_id("e", &shell->arena);
    shell_tell(shell, "ShutdownExecutorMessage", &message);
    assert_non_null(SHELL_TAKE(shell, ShutdownExecutorMessage, shutdown_executor_message));
    shell_pass(shell, 4999 * NS_PER_MS);
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
    shell_pass(shell, NS_PER_MS);
    end_container(shell, CONTAINER_DESTROY);
    assert_non_null(next(shell));
}

static void a_framework_that_is_shut_down_is_not_told_of_its_tasks(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    Pb__Internal__ShutdownFrameworkMessage message = PB__INTERNAL__SHUTDOWN_FRAMEWORK_MESSAGE__INIT;
    message.framework_id = messages_framework_id("f1", &shell->arena);
    shell_tell(shell, "ShutdownFrameworkMessage", &message);
    assert_non_null(SHELL_TAKE(shell, ShutdownExecutorMessage, shutdown_executor_message));
    shell_pass(shell, 5 * NS_PER_SEC);
    end_container(shell, CONTAINER_DESTROY);
    assert_null(next(shell));
    const char *shown =
        shell_answer(shell, shell_request(shell, "GET", "/slave(1)/state", "", ""), 200);
    assert_non_null(strstr(shown, "\"frameworks\":[]"));
    assert_non_null(strstr(shown, "\"state\":\"TASK_KILLED\""));
}

static void a_shutdown_ends_everything_and_the_process(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    Pb__Internal__ShutdownMessage message = PB__INTERNAL__SHUTDOWN_MESSAGE__INIT;
    shell_tell(shell, "ShutdownMessage", &message);
    assert_int_equal(shell->exit_status, -1);
    shell_pass(shell, 5 * NS_PER_SEC);
    end_container(shell, CONTAINER_DESTROY);
    assert_int_equal(shell->exit_status, 0);
    /* Started again it is the same one: whether it may come back is for the master to say. */
    shell_stop(shell);
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    assert_non_null(SHELL_TAKE(shell, ReregisterSlaveMessage, reregister_slave_message));
}

static void a_draining_agent_kills_and_refuses(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    Pb__Internal__DrainSlaveMessage message = PB__INTERNAL__DRAIN_SLAVE_MESSAGE__INIT;
    Pb__DrainConfig config = PB__DRAIN_CONFIG__INIT;
    message.config = &config;
    shell_tell(shell, "DrainSlaveMessage", &message);
    assert_non_null(SHELL_TAKE(shell, KillTaskMessage, kill_task_message));
    assert_non_null(strstr(shell->log, "draining: killing all tasks"));
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_KILLED, 1, SHELL_EXECUTOR);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->reason, PB__TASK_STATUS__REASON__REASON_AGENT_DRAINING);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t2"), NULL);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_LOST);
    assert_int_equal(status->reason, PB__TASK_STATUS__REASON__REASON_AGENT_DRAINING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_task_of_nobody_is_lost),
        SHELL_TEST(a_queued_task_is_killed_at_once),
        SHELL_TEST(an_executor_whose_only_task_was_killed_is_not_left_over),
        SHELL_TEST(a_running_task_is_killed_by_its_executor),
        SHELL_TEST(a_group_is_killed_as_one),
        SHELL_TEST(an_executor_that_ends_takes_its_tasks_along),
        SHELL_TEST(a_limit_tells_why),
        SHELL_TEST(shutting_an_executor_down_has_a_grace),
        SHELL_TEST(a_framework_that_is_shut_down_is_not_told_of_its_tasks),
        SHELL_TEST(a_shutdown_ends_everything_and_the_process),
        SHELL_TEST(a_draining_agent_kills_and_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
