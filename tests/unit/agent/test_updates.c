#include "shell.h"

#include "../unit.h"

#include "agent/core.h"
#include "agent/updates.h"

static const char *updates_path(struct shell *shell)
{
    struct disk_file *file;
    LIST_FOR_EACH (file, &shell->disk, link) {
        const char *name = strrchr(file->path, '/');
        if (strcmp(name, "/task.updates") == 0) {
            return file->path + strlen("/w/");
        }
    }
    return NULL;
}

static Pb__Internal__StatusUpdate *next(struct shell *shell)
{
    Pb__Internal__StatusUpdateMessage *message =
        SHELL_TAKE(shell, StatusUpdateMessage, status_update_message);
    return message != NULL ? message->update : NULL;
}

static bool is_told_to_executor(struct shell *shell)
{
    return SHELL_TAKE(shell, StatusUpdateAcknowledgementMessage,
                      status_update_acknowledgement_message) != NULL;
}

static void running(struct shell *shell, int number)
{
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_RUNNING, number, SHELL_EXECUTOR);
}

static void an_update_is_told_only_when_it_is_on_disk(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell->holds_store = true;
    running(shell, 1);
    assert_false(is_told_to_executor(shell));
    assert_null(next(shell));
    shell_release(shell);
    assert_true(is_told_to_executor(shell));
    const Pb__Internal__StatusUpdate *update = next(shell);
    assert_non_null(update);
    assert_int_equal(update->status->state, PB__TASK_STATE__TASK_RUNNING);
    assert_int_equal(update->latest_state, PB__TASK_STATE__TASK_RUNNING);
    assert_string_equal(update->slave_id->value, AGENT_ID);
    assert_non_null(update->status->container_status);
    assert_int_equal(update->status->uuid.len, 16);
}

static void without_checkpoint_nothing_is_stored(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", false), "t1");
    shell->holds_store = true;
    running(shell, 1);
    assert_true(is_told_to_executor(shell));
    assert_non_null(next(shell));
    assert_null(updates_path(shell));
}

static void only_the_head_is_sent(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_STARTING, 1, SHELL_EXECUTOR);
    running(shell, 2);
    assert_true(is_told_to_executor(shell));
    assert_true(is_told_to_executor(shell));
    const Pb__Internal__StatusUpdate *first = next(shell);
    assert_non_null(first);
    assert_int_equal(first->status->state, PB__TASK_STATE__TASK_STARTING);
    assert_int_equal(first->latest_state, PB__TASK_STATE__TASK_STARTING);
    assert_null(next(shell));
    shell_acknowledge(shell, first);
    const Pb__Internal__StatusUpdate *second = next(shell);
    assert_non_null(second);
    assert_int_equal(second->status->state, PB__TASK_STATE__TASK_RUNNING);
    shell_acknowledge(shell, second);
    shell_pass(shell, NS_PER_HOUR);
    assert_null(next(shell));
}

/* Else a crash in between would bring the first one back behind the second. */
static void the_next_is_sent_when_the_acknowledgement_is_on_disk(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_STARTING, 1, SHELL_EXECUTOR);
    running(shell, 2);
    shell->holds_store = true;
    shell_acknowledge(shell, next(shell));
    assert_null(next(shell));
    shell_release(shell);
    const Pb__Internal__StatusUpdate *second = next(shell);
    assert_non_null(second);
    assert_int_equal(second->status->state, PB__TASK_STATE__TASK_RUNNING);
    assert_null(next(shell));
}

static void the_head_is_sent_again_after_10_20_40_s_up_to_10_min(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    running(shell, 1);
    assert_non_null(next(shell));
    int64_t wait_ns = UPDATE_RETRY_MIN_NS;
    for (int i = 0; i < 10; i++) {
        /* The master pings meanwhile. */
        for (int64_t passed_ns = 0; passed_ns < wait_ns - 1;) {
            int64_t step_ns = MIN(wait_ns - 1 - passed_ns, 50 * NS_PER_SEC);
            shell_pass(shell, step_ns);
            passed_ns += step_ns;
            Pb__Internal__PingSlaveMessage ping = PB__INTERNAL__PING_SLAVE_MESSAGE__INIT;
            ping.connected = 1;
            shell_tell(shell, "PingSlaveMessage", &ping);
        }
        assert_null(next(shell));
        shell_pass(shell, 1);
        assert_non_null(next(shell));
        assert_null(next(shell));
        wait_ns = MIN(wait_ns * 2, UPDATE_RETRY_MAX_NS);
    }
}

static void a_new_registration_sends_the_heads_at_once(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    running(shell, 1);
    assert_non_null(next(shell));
    struct agent_event detected = {.type = AGENT_MASTER};
    assert_true(upid_parse(SLICE(MASTER), &detected.master.pid));
    detected.master.has_agent_update = true;
    shell_step(shell, &detected);
    shell_pass(shell, NS_PER_MIN);
    assert_null(next(shell)); /* not while it is disconnected */
    Pb__Internal__SlaveReregisteredMessage message = PB__INTERNAL__SLAVE_REREGISTERED_MESSAGE__INIT;
    message.slave_id = messages_agent_id(AGENT_ID, &shell->arena);
    shell_tell(shell, "SlaveReregisteredMessage", &message);
    assert_non_null(next(shell));
}

/* The master tells of each framework when the agent is back. */
static void a_framework_that_changed_is_sent_its_own_heads(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    running(shell, 1);
    assert_non_null(next(shell));
    Pb__Internal__UpdateFrameworkMessage message = PB__INTERNAL__UPDATE_FRAMEWORK_MESSAGE__INIT;
    message.framework_id = messages_framework_id("f2", &shell->arena);
    message.pid = arena_strdup(&shell->arena, "scheduler(1)@127.0.0.1:7002");
    shell_run_task(shell, shell_framework(shell, "f2", true), shell_task(shell, "t2"), NULL);
    shell_tell(shell, "UpdateFrameworkMessage", &message);
    assert_null(next(shell));
    message.framework_id = messages_framework_id("f1", &shell->arena);
    shell_tell(shell, "UpdateFrameworkMessage", &message);
    assert_non_null(next(shell));
    assert_null(next(shell));
}

static void a_duplicate_is_acknowledged_again_and_not_sent(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    running(shell, 1);
    assert_true(is_told_to_executor(shell));
    shell_acknowledge(shell, next(shell));
    size_t size = shell_file(shell, updates_path(shell))->size;
    running(shell, 1);
    assert_true(is_told_to_executor(shell));
    assert_null(next(shell));
    assert_int_equal(shell_file(shell, updates_path(shell))->size, size);
}

static void a_duplicate_waits_for_the_disk_like_the_first(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell->holds_store = true;
    running(shell, 1);
    running(shell, 1);
    assert_false(is_told_to_executor(shell));
    shell_release(shell);
    assert_true(is_told_to_executor(shell));
    assert_true(is_told_to_executor(shell));
    assert_non_null(next(shell));
    assert_null(next(shell));
}

static void an_acknowledgement_of_another_update_is_ignored(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    running(shell, 1);
    const Pb__Internal__StatusUpdate *update = next(shell);
    assert_non_null(update);
    Pb__Internal__StatusUpdate wrong = *update;
    struct uuid other = {.bytes = {77}};
    wrong.uuid = messages_uuid_bytes(&other, &shell->arena);
    shell_acknowledge(shell, &wrong);
    shell_pass(shell, UPDATE_RETRY_MIN_NS);
    assert_non_null(next(shell));
}

static const char *tasks(struct shell *shell)
{
    return shell_answer(
        shell, shell_request(shell, "POST", "/slave(1)/api/v1", "", "{\"type\":\"GET_TASKS\"}"),
        200);
}

static void the_terminal_acknowledgement_ends_the_task(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_FINISHED, 1, SHELL_EXECUTOR);
    /* Resources are free for others at once, but it is told of until it is acknowledged. */
    const char *shown = tasks(shell);
    assert_null(strstr(shown, "\"terminated_tasks\":[]"));
    assert_non_null(strstr(shown, "\"completed_tasks\":[]"));
    shell_acknowledge(shell, next(shell));
    shown = tasks(shell);
    assert_non_null(strstr(shown, "\"terminated_tasks\":[]"));
    assert_null(strstr(shown, "\"completed_tasks\":[]"));
}

/* The agent's acknowledgement was lost with a crash, the scheduler's came since. */
static void an_update_of_a_completed_task_is_only_acknowledged(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    running(shell, 1);
    shell_acknowledge(shell, next(shell));
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_FINISHED, 2, SHELL_EXECUTOR);
    shell_acknowledge(shell, next(shell));
    shell_forget(shell);
    running(shell, 1);
    assert_true(is_told_to_executor(shell));
    shell_pass(shell, NS_PER_MIN);
    assert_null(next(shell));
}

static void an_update_of_a_framework_nobody_knows_is_ignored(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f2", "e", "t1", PB__TASK_STATE__TASK_RUNNING, 1, SHELL_EXECUTOR);
    assert_null(next(shell));
    assert_int_equal((int)metric_value(
                         metrics_find(agent_metrics(shell->agent), "slave/invalid_status_updates")),
                     1);
}

static void pending_updates_have_a_limit(void **state)
{
    struct shell *shell = *state;
    shell->is_large = true;
    shell_deliver(shell, shell_framework(shell, "f1", false), "t1");
    int acknowledged = 0;
    for (int i = 0; i < UPDATES_PENDING_MAX + 1; i++) {
        struct uuid uuid = {.bytes = {(uint8_t)i, (uint8_t)(i >> 8)}};
        Pb__Internal__StatusUpdateMessage message = PB__INTERNAL__STATUS_UPDATE_MESSAGE__INIT;
        Pb__Internal__StatusUpdate update = PB__INTERNAL__STATUS_UPDATE__INIT;
        Pb__TaskStatus status = PB__TASK_STATUS__INIT;
        status.task_id = messages_task_id("t1", &shell->arena);
        status.state = PB__TASK_STATE__TASK_RUNNING;
        status.agent_id = messages_agent_id(AGENT_ID, &shell->arena);
        update.framework_id = messages_framework_id("f1", &shell->arena);
        update.executor_id = messages_executor_id("e", &shell->arena);
        update.slave_id = messages_agent_id(AGENT_ID, &shell->arena);
        update.status = &status;
        update.has_uuid = 1;
        update.uuid = messages_uuid_bytes(&uuid, &shell->arena);
        message.update = &update;
        message.pid = arena_strdup(&shell->arena, SHELL_EXECUTOR);
        shell_message(shell, SHELL_EXECUTOR, "StatusUpdateMessage", &message.base);
        acknowledged += is_told_to_executor(shell);
        shell_forget(shell);
    }
    assert_int_equal(acknowledged, UPDATES_PENDING_MAX);
}

static void updates_survive_a_crash(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_STARTING, 1, SHELL_EXECUTOR);
    shell_acknowledge(shell, next(shell));
    running(shell, 2);
    shell_stop(shell);
    shell_start(shell);
    /* The executor comes back before the agent is registered again. */
    shell_come_back(shell, "f1", NULL);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    assert_null(next(shell)); /* it is told once the master has it back */
    running(shell, 2);        /* what its executor sends again is known, and acknowledged */
    assert_true(is_told_to_executor(shell));
    assert_false(is_told_to_executor(shell));
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    assert_int_equal(asked->n_tasks, 1);
    assert_int_equal(asked->tasks[0]->state, PB__TASK_STATE__TASK_RUNNING);
    const Pb__Internal__StatusUpdate *update = next(shell);
    assert_non_null(update);
    assert_int_equal(update->status->state, PB__TASK_STATE__TASK_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(an_update_is_told_only_when_it_is_on_disk),
        SHELL_TEST(without_checkpoint_nothing_is_stored),
        SHELL_TEST(only_the_head_is_sent),
        SHELL_TEST(the_next_is_sent_when_the_acknowledgement_is_on_disk),
        SHELL_TEST(the_head_is_sent_again_after_10_20_40_s_up_to_10_min),
        SHELL_TEST(a_new_registration_sends_the_heads_at_once),
        SHELL_TEST(a_framework_that_changed_is_sent_its_own_heads),
        SHELL_TEST(a_duplicate_is_acknowledged_again_and_not_sent),
        SHELL_TEST(a_duplicate_waits_for_the_disk_like_the_first),
        SHELL_TEST(an_acknowledgement_of_another_update_is_ignored),
        SHELL_TEST(the_terminal_acknowledgement_ends_the_task),
        SHELL_TEST(an_update_of_a_completed_task_is_only_acknowledged),
        SHELL_TEST(an_update_of_a_framework_nobody_knows_is_ignored),
        SHELL_TEST(pending_updates_have_a_limit),
        SHELL_TEST(updates_survive_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
