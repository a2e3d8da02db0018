#include "shell.h"

#include "../unit.h"

#include <errno.h>

#include "agent/core.h"
#include "agent/launch.h"

#define EXECUTOR "executor(1)@127.0.0.1:7001"

static const char *environment(const struct container_request *request, const char *name)
{
    for (size_t i = 0; i < request->spec->env_count; i++) {
        if (strcmp(request->spec->env[i].name, name) == 0) {
            return request->spec->env[i].value;
        }
    }
    return NULL;
}

static Pb__Internal__StatusUpdateMessage *next_update(struct shell *shell)
{
    return SHELL_TAKE(shell, StatusUpdateMessage, status_update_message);
}

static void assert_ended(struct shell *shell, const char *task, Pb__TaskState state,
                         Pb__TaskStatus__Reason reason)
{
    const Pb__Internal__StatusUpdateMessage *message = next_update(shell);
    assert_non_null(message);
    const Pb__TaskStatus *status = message->update->status;
    assert_string_equal(status->task_id->value, task);
    assert_int_equal(status->state, state);
    assert_int_equal(status->reason, reason);
    assert_int_equal(status->source, PB__TASK_STATUS__SOURCE__SOURCE_AGENT);
}

static void a_command_task_gets_an_executor_of_its_own(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    const struct container_spec *spec = launch->spec;
    assert_string_equal(environment(launch, "MESOS_EXECUTOR_ID"), "t1");
    assert_string_equal(environment(launch, "MESOS_FRAMEWORK_ID"), "f1");
    assert_string_equal(environment(launch, "MESOS_SLAVE_ID"), AGENT_ID);
    assert_string_equal(environment(launch, "MESOS_AGENT_ENDPOINT"), "127.0.0.1:5051");
    assert_string_equal(environment(launch, "MESOS_SLAVE_PID"), "slave(1)@127.0.0.1:5051");
    assert_string_equal(environment(launch, "MESOS_CHECKPOINT"), "1");
    assert_string_equal(environment(launch, "MESOS_DIRECTORY"), spec->directory);
    assert_string_equal(environment(launch, "MESOS_SANDBOX"), spec->directory);
    assert_string_equal(spec->user, "somebody");
    assert_true(spec->is_command_task);
    assert_true(spec->checkpoint);
    /* The task's and the executor's own share: 0.1 CPU, 32 MB. */
    assert_int_equal(spec->cpus_milli, 1100);
    assert_int_equal(spec->mem_bytes, (64 + 32) << 20);
    /* The sandbox is there before. */
    const char *prefix = "/w/slaves/" AGENT_ID "/frameworks/f1/executors/t1/runs/";
    assert_memory_equal(spec->directory, prefix, strlen(prefix));
    assert_string_equal(spec->directory + strlen(prefix), launch->path);
    assert_non_null(shell_file(shell, spec->directory + strlen("/w/")));
    container_request_free(launch);
}

static void a_task_is_delivered_once_it_is_on_disk_and_its_resources_are_there(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    shell_run_task(shell, f, shell_task(shell, "t1"), shell_executor(shell, "f1", "e"));
    shell_register_executor(shell, "f1", "e", EXECUTOR);
    shell_forget(shell);
    shell->holds_store = true;
    shell->holds_containers = true;
    shell_run_task(shell, f, shell_task(shell, "t2"), shell_executor(shell, "f1", "e"));
    struct container_request *update = shell_take_request(shell, CONTAINER_UPDATE);
    assert_non_null(update);
    struct container_report *report = container_report_new(CONTAINER_UPDATED, update->path);
    report->token = update->token;
    shell_step(shell, &(struct agent_event){.type = AGENT_CONTAINER, .container = report});
    container_report_free(report);
    container_request_free(update);
    assert_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    shell_release(shell);
    const Pb__Internal__RunTaskMessage *message =
        SHELL_TAKE(shell, RunTaskMessage, run_task_message);
    assert_non_null(message);
    assert_string_equal(message->task->task_id->value, "t2");
    /* And the other way round. */
    shell_run_task(shell, f, shell_task(shell, "t3"), shell_executor(shell, "f1", "e"));
    update = shell_take_request(shell, CONTAINER_UPDATE);
    assert_non_null(update);
    shell_release(shell);
    assert_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    report = container_report_new(CONTAINER_UPDATED, update->path);
    report->token = update->token;
    shell_step(shell, &(struct agent_event){.type = AGENT_CONTAINER, .container = report});
    container_report_free(report);
    container_request_free(update);
    message = SHELL_TAKE(shell, RunTaskMessage, run_task_message);
    assert_non_null(message);
    assert_string_equal(message->task->task_id->value, "t3");
}

static void tasks_share_their_executor_in_order(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", false);
    shell_run_task(shell, f, shell_task(shell, "t1"), shell_executor(shell, "f1", "e"));
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    /* 0.5 of its own, and the task's. */
    assert_int_equal(launch->spec->cpus_milli, 1500);
    assert_false(launch->spec->checkpoint);
    container_request_free(launch);
    shell_run_task(shell, f, shell_task(shell, "t2"), shell_executor(shell, "f1", "e"));
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    shell_register_executor(shell, "f1", "e", EXECUTOR);
    /* Both are there; the container is told once of the sum. */
    const char *ids[] = {"t1", "t2"};
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        const Pb__Internal__RunTaskMessage *message =
            SHELL_TAKE(shell, RunTaskMessage, run_task_message);
        assert_non_null(message);
        assert_string_equal(message->task->task_id->value, ids[i]);
    }
    struct container_request *update = shell_take_request(shell, CONTAINER_UPDATE);
    assert_non_null(update);
    assert_int_equal(update->spec->cpus_milli, 2500);
    container_request_free(update);
    assert_null(shell_take_request(shell, CONTAINER_UPDATE));
}

static void a_container_that_cannot_grow_fails_what_it_was_to_hold(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", false);
    shell_run_task(shell, f, shell_task(shell, "t1"), shell_executor(shell, "f1", "e"));
    shell_register_executor(shell, "f1", "e", EXECUTOR);
    shell_forget(shell);
    shell->holds_containers = true;
    shell_run_task(shell, f, shell_task(shell, "t2"), shell_executor(shell, "f1", "e"));
    struct container_request *update = shell_take_request(shell, CONTAINER_UPDATE);
    assert_non_null(update);
    struct container_report *report = container_report_new(CONTAINER_UPDATED, update->path);
    report->token = update->token;
    report->status = -ENOSPC;
    report->text = xstrdup("no room");
    shell_step(shell, &(struct agent_event){.type = AGENT_CONTAINER, .container = report});
    container_report_free(report);
    assert_null(SHELL_TAKE(shell, RunTaskMessage, run_task_message));
    /* The container ends, and with it its tasks (reference: slave.cpp, ___run). */
    struct container_request *destroy = shell_take_request(shell, CONTAINER_DESTROY);
    assert_non_null(destroy);
    assert_string_equal(destroy->path, update->path);
    container_request_free(destroy);
    container_request_free(update);
}

static void an_executor_that_does_not_register_in_time_fails_its_tasks(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    shell_pass(shell, 59 * NS_PER_SEC);
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
    shell_pass(shell, 2 * NS_PER_SEC);
    struct container_request *destroy = shell_take_request(shell, CONTAINER_DESTROY);
    assert_non_null(destroy);
    shell_report(shell, CONTAINER_TERMINATED, destroy->path, 9);
    container_request_free(destroy);
    assert_ended(shell, "t1", PB__TASK_STATE__TASK_FAILED,
                 PB__TASK_STATUS__REASON__REASON_EXECUTOR_REGISTRATION_TIMEOUT);
}

static void a_failed_launch_fails_the_task(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell->holds_containers = true;
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    shell_report(shell, CONTAINER_LAUNCH_FAILED, launch->path, -1);
    assert_null(next_update(shell)); /* not before everything of it is gone */
    shell_report(shell, CONTAINER_TERMINATED, launch->path, -1);
    container_request_free(launch);
    assert_ended(shell, "t1", PB__TASK_STATE__TASK_FAILED,
                 PB__TASK_STATUS__REASON__REASON_CONTAINER_LAUNCH_FAILED);
    assert_int_equal((int)metric_value(metrics_find(agent_metrics(shell->agent),
                                                    "slave/container_launch_errors")),
                     1);
}

static void a_task_of_a_user_that_is_not_there_is_lost(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    f->user = arena_strdup(&shell->arena, "nobody-here");
    shell_run_task(shell, f, shell_task(shell, "t1"), NULL);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    assert_ended(shell, "t1", PB__TASK_STATE__TASK_LOST,
                 PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED);
}

static void tasks_not_started_are_dropped_for_those_who_know_the_word(void **state)
{
    struct shell *shell = *state;
    shell->fails_folders = true;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    shell_add_capability(shell, f, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE);
    shell_run_task(shell, f, shell_task(shell, "t1"), NULL);
    assert_ended(shell, "t1", PB__TASK_STATE__TASK_DROPPED,
                 PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED);
}

static void a_task_whose_sandbox_cannot_be_made_is_lost(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell->fails_folders = true;
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    assert_ended(shell, "t1", PB__TASK_STATE__TASK_LOST,
                 PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED);
}

static void send_group(struct shell *shell, Pb__FrameworkInfo *framework,
                       Pb__ExecutorInfo *executor, int count)
{
    struct arena *arena = &shell->arena;
    Pb__Internal__RunTaskGroupMessage message = PB__INTERNAL__RUN_TASK_GROUP_MESSAGE__INIT;
    Pb__TaskGroupInfo group = PB__TASK_GROUP_INFO__INIT;
    for (int i = 0; i < count; i++) {
        Pb__TaskInfo *task = shell_task(shell, arena_printf(arena, "t%d", i + 1));
        MESSAGE_APPEND(arena, group.n_tasks, group.tasks, task);
    }
    message.framework = framework;
    message.executor = executor;
    message.task_group = &group;
    shell_tell(shell, "RunTaskGroupMessage", &message);
}

static void a_group_comes_as_one(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    Pb__ExecutorInfo *e = shell_executor(shell, "f1", "e");
    e->has_type = 1;
    e->type = PB__EXECUTOR_INFO__TYPE__DEFAULT;
    e->command = NULL;
    send_group(shell, f, e, 3);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    assert_int_equal(launch->spec->cpus_milli, 3500);
    const Pb__CommandInfo *command = (const Pb__CommandInfo *)messages_read(
        &pb__command_info__descriptor, blob_slice(launch->spec->command), &shell->arena);
    assert_non_null(strstr(command->value, "/libexec/tepui-default-executor"));
    container_request_free(launch);
    /* It subscribes by HTTP. */
    uint64_t stream = shell_request(shell, "POST", "/slave(1)/api/v1/executor", "",
                                    "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"f1\"},"
                                    "\"executor_id\":{\"value\":\"e\"},\"subscribe\":{}}");
    const char *events = shell_stream(shell, stream);
    assert_non_null(strstr(events, "<open>"));
    const char *subscribed = strstr(events, "\"type\":\"SUBSCRIBED\"");
    const char *group = strstr(events, "\"type\":\"LAUNCH_GROUP\"");
    assert_non_null(subscribed);
    assert_non_null(group);
    assert_true(subscribed < group);
    for (int i = 1; i <= 3; i++) {
        assert_non_null(strstr(group, arena_printf(&shell->arena, "\"value\":\"t%d\"", i)));
    }
    /* HEARTBEAT after half an hour. */
    shell_pass(shell, AGENT_EXECUTOR_HEARTBEAT_NS);
    assert_non_null(strstr(shell_stream(shell, stream), "\"type\":\"HEARTBEAT\""));
}

static void a_group_has_a_limit(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    send_group(shell, f, shell_executor(shell, "f1", "e"), LAUNCH_GROUP_TASKS_MAX);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    container_request_free(launch);
    send_group(shell, f, shell_executor(shell, "f1", "e2"), LAUNCH_GROUP_TASKS_MAX + 1);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
}

static void a_task_that_is_there_is_not_launched_twice(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__FrameworkInfo *f = shell_framework(shell, "f1", true);
    shell_run_task(shell, f, shell_task(shell, "t1"), NULL);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    container_request_free(launch);
    shell_run_task(shell, f, shell_task(shell, "t1"), NULL);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    agent_check(shell->agent);
}

static void frameworks_have_a_limit(void **state)
{
    struct shell *shell = *state;
    shell->config.switch_user = false;
    shell->is_large = true;
    shell_register(shell);
    for (int i = 0; i < AGENT_FRAMEWORKS_MAX + 1; i++) {
        shell_run_task(shell, shell_framework(shell, arena_printf(&shell->arena, "f%d", i), false),
                       shell_task(shell, "t1"), NULL);
        struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
        assert_int_equal(launch != NULL, i < AGENT_FRAMEWORKS_MAX);
        container_request_free(launch);
        shell_forget(shell);
    }
}

static void a_task_of_an_unknown_resource_version_is_refused(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    Pb__Internal__RunTaskMessage message = PB__INTERNAL__RUN_TASK_MESSAGE__INIT;
    message.framework = shell_framework(shell, "f1", false);
    message.task = shell_task(shell, "t1");
    message.task->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, &shell->arena);
    message.task->command->value = arena_strdup(&shell->arena, "true");
    struct uuid version = {.bytes = {9}};
    Pb__Internal__ResourceVersionUUID *uuid = MESSAGE_NEW(
        Pb__Internal__ResourceVersionUUID, pb__internal__resource_version_uuid, &shell->arena);
    uuid->uuid = messages_uuid(&version, &shell->arena);
    MESSAGE_APPEND(&shell->arena, message.n_resource_version_uuids, message.resource_version_uuids,
                   uuid);
    shell_tell(shell, "RunTaskMessage", &message);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
    assert_ended(shell, "t1", PB__TASK_STATE__TASK_LOST,
                 PB__TASK_STATUS__REASON__REASON_INVALID_OFFERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_command_task_gets_an_executor_of_its_own),
        SHELL_TEST(a_task_is_delivered_once_it_is_on_disk_and_its_resources_are_there),
        SHELL_TEST(tasks_share_their_executor_in_order),
        SHELL_TEST(a_container_that_cannot_grow_fails_what_it_was_to_hold),
        SHELL_TEST(an_executor_that_does_not_register_in_time_fails_its_tasks),
        SHELL_TEST(a_failed_launch_fails_the_task),
        SHELL_TEST(a_task_of_a_user_that_is_not_there_is_lost),
        SHELL_TEST(a_task_whose_sandbox_cannot_be_made_is_lost),
        SHELL_TEST(tasks_not_started_are_dropped_for_those_who_know_the_word),
        SHELL_TEST(a_group_comes_as_one),
        SHELL_TEST(a_group_has_a_limit),
        SHELL_TEST(a_task_that_is_there_is_not_launched_twice),
        SHELL_TEST(frameworks_have_a_limit),
        SHELL_TEST(a_task_of_an_unknown_resource_version_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
