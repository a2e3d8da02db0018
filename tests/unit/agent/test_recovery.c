#include "shell.h"

#include "../unit.h"

#include "agent/core.h"

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

static const char *find(struct shell *shell, const char *name)
{
    struct disk_file *file;
    LIST_FOR_EACH (file, &shell->disk, link) {
        const char *slash = strrchr(file->path, '/');
        if (strcmp(slash + 1, name) == 0 && strncmp(file->path, "/w/meta/", 8) == 0) {
            return file->path + strlen("/w/");
        }
    }
    fail_msg("no %s", name);
    return NULL;
}

/* Damages the end of a file. */
static void cut(struct shell *shell, const char *name, size_t size)
{
    const char *path = find(shell, name);
    const struct buf *bytes = shell_file(shell, path);
    assert_true(bytes->size > size);
    char *kept = arena_strndup(&shell->arena, bytes->data, bytes->size - size);
    shell_put_file(shell, path, kept, bytes->size - size);
}

static void run(struct shell *shell)
{
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_RUNNING, 1, SHELL_EXECUTOR);
    assert_non_null(next(shell));
    shell_stop(shell);
}

static void executors_are_asked_to_come_back(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell_start(shell);
    assert_string_equal(agent_state_name(shell->agent), "RECOVERING");
    struct container_request *known = shell_take_request(shell, CONTAINER_RECOVER);
    assert_non_null(known);
    assert_string_not_equal(known->path, "");
    container_request_free(known);
    assert_non_null(SHELL_TAKE(shell, ReconnectExecutorMessage, reconnect_executor_message));
    /* All are back: no need to wait longer. */
    shell_come_back(shell, "f1", NULL);
    assert_non_null(SHELL_TAKE(shell, ExecutorReregisteredMessage, executor_reregistered_message));
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    assert_non_null(strstr(shell->log, "finished recovery: 1 executors are back, with 1 tasks\n"));
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    assert_int_equal(asked->n_tasks, 1);
    assert_int_equal(asked->tasks[0]->state, PB__TASK_STATE__TASK_RUNNING);
    assert_int_equal(asked->n_executor_infos, 1);
    assert_null(next(shell));
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
    /* And it goes on as before. */
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_FINISHED, 2, SHELL_EXECUTOR);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_FINISHED);
}

static void executors_that_do_not_come_back_are_given_up(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->config.executor_reregistration_retry_interval_ns = 500 * NS_PER_MS;
    shell_start(shell);
    shell_pass(shell, 1999 * NS_PER_MS);
    assert_string_equal(agent_state_name(shell->agent), "RECOVERING");
    for (int i = 0; i < 4; i++) {
        assert_non_null(SHELL_TAKE(shell, ReconnectExecutorMessage, reconnect_executor_message));
    }
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
    shell_pass(shell, NS_PER_MS);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    struct container_request *destroy = shell_take_request(shell, CONTAINER_DESTROY);
    assert_non_null(destroy);
    shell_reregister(shell);
    shell_report(shell, CONTAINER_TERMINATED, destroy->path, 9);
    container_request_free(destroy);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->reason,
                     PB__TASK_STATUS__REASON__REASON_EXECUTOR_REREGISTRATION_TIMEOUT);
}

/* The original lets it run unseen; a task it tells of that never reached it is sent again. */
static void a_task_that_the_executor_does_not_know_is_lost(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_stop(shell);
    shell_start(shell);
    shell_come_back(shell, "f1", NULL);
    shell_reregister(shell);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_string_equal(status->task_id->value, "t1");
    assert_int_equal(status->state, PB__TASK_STATE__TASK_LOST);
}

static void a_task_that_the_executor_knows_goes_on(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_stop(shell);
    shell_start(shell);
    shell_come_back(shell, "f1", shell_task(shell, "t1"));
    shell_reregister(shell);
    assert_null(next(shell));
}

static void without_checkpoint_nothing_is_left(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", false), "t1");
    shell_stop(shell);
    shell_start(shell);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    assert_int_equal(asked->n_tasks, 0);
    assert_int_equal(asked->n_frameworks, 0);
}

static void an_executor_that_ended_meanwhile_is_told_of(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell_start(shell);
    struct container_request *known = shell_take_request(shell, CONTAINER_RECOVER);
    assert_non_null(known);
    shell_report(shell, CONTAINER_TERMINATED, known->path, 0);
    container_request_free(known);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    shell_reregister(shell);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_FAILED);
}

static void after_a_reboot_nothing_is_alive(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->boot_id = "boot-2";
    shell_start(shell);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    shell_reregister(shell);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_string_equal(status->task_id->value, "t1");
    const struct buf *boot_id = shell_file(shell, "meta/boot_id");
    assert_non_null(boot_id);
    assert_memory_equal(boot_id->data, "boot-2", 6);
}

static void cleanup_ends_what_is_there_and_the_process(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->config.recover = AGENT_RECOVER_CLEANUP;
    shell_start(shell);
    assert_non_null(SHELL_TAKE(shell, ShutdownExecutorMessage, shutdown_executor_message));
    shell_pass(shell, 5 * NS_PER_SEC);
    struct container_request *destroy = shell_take_request(shell, CONTAINER_DESTROY);
    assert_non_null(destroy);
    shell_report(shell, CONTAINER_TERMINATED, destroy->path, 9);
    container_request_free(destroy);
    assert_int_equal(shell->exit_status, 0);
}

/* --- damaged files --- */

static void a_cut_record_of_updates_is_dropped(void **state)
{
    struct shell *shell = *state;
    shell_deliver(shell, shell_framework(shell, "f1", true), "t1");
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_STARTING, 1, SHELL_EXECUTOR);
    assert_non_null(next(shell));
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_RUNNING, 2, SHELL_EXECUTOR);
    shell_stop(shell);
    cut(shell, "task.updates", 3);
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
    shell_come_back(shell, "f1", NULL);
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    assert_int_equal(asked->tasks[0]->state, PB__TASK_STATE__TASK_STARTING);
    /* The executor sends it again: the file goes on behind the last whole record. */
    shell_update(shell, "f1", "e", "t1", PB__TASK_STATE__TASK_RUNNING, 2, SHELL_EXECUTOR);
    const Pb__TaskStatus *status = next(shell);
    assert_non_null(status);
    assert_int_equal(status->state, PB__TASK_STATE__TASK_RUNNING);
    shell_stop(shell);
    shell_start(shell);
    shell_come_back(shell, "f1", NULL);
    asked = shell_reregister(shell);
    assert_int_equal(asked->tasks[0]->state, PB__TASK_STATE__TASK_RUNNING);
}

static void strict_recovery_ends_at_a_damaged_file(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell_put_file(shell, find(shell, "framework.info"), "\x08\x00\x00\x00zz", 6);
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
}

static void lax_recovery_leaves_out_what_is_damaged(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell_put_file(shell, find(shell, "framework.info"), "\x08\x00\x00\x00zz", 6);
    shell->config.strict = false;
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
    assert_int_equal(
        (int)metric_value(metrics_find(agent_metrics(shell->agent), "slave/recovery_errors")), 1);
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    assert_int_equal(asked->n_tasks, 0);
}

static void an_empty_file_is_one_that_was_not_written_yet(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell_put_file(shell, find(shell, "executor.info"), "", 0);
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
}

static void a_meta_folder_that_cannot_be_read_ends_the_process(void **state)
{
    struct shell *shell = *state;
    struct err err;
    assert_int_equal(agent_new(&shell->config, shell->now, &shell->agent, &err), 0);
    struct tree meta, sandboxes;
    tree_init(&meta);
    tree_init(&sandboxes);
    struct agent_event event = {.type = AGENT_RECOVERED};
    event.recovered = (struct agent_recovered){&meta, &sandboxes, "b", "EIO"};
    shell_step(shell, &event);
    assert_int_equal(shell->exit_status, 1);
    tree_deinit(&meta);
    tree_deinit(&sandboxes);
}

/* --- another configuration --- */

static void other_resources_are_refused(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->config.resources = "cpus:8;mem:1024;disk:1024;ports:[1-9]";
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(strstr(shell->exit_text, "--reconfiguration_policy"));
}

static void more_resources_are_allowed_by_additive(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->config.reconfiguration_policy = AGENT_RECONFIGURE_ADDITIVE;
    shell->config.resources = "cpus:8;mem:1024;disk:1024;ports:[1-9]";
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
    shell_stop(shell);
    shell->config.resources = "cpus:6;mem:1024;disk:1024;ports:[1-9]";
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
}

/* DomainInfo {fault_domain = 1 {region = 1 {name = 1}, zone = 2 {name = 1}}} */
#define DOMAIN(zone) SLICE("\x0a\x0a\x0a\x03\x0a\x01r\x12\x03\x0a\x01" zone)

static void another_domain_is_refused(void **state)
{
    struct shell *shell = *state;
    shell->config.domain = DOMAIN("1");
    run(shell);
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1); /* the same again is fine */
    shell_stop(shell);
    shell->config.domain = DOMAIN("2");
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(strstr(shell->exit_text, "--reconfiguration_policy"));
}

static void a_first_domain_is_allowed_by_additive(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->config.reconfiguration_policy = AGENT_RECONFIGURE_ADDITIVE;
    shell->config.domain = DOMAIN("1");
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
}

static void another_domain_is_refused_by_additive(void **state)
{
    struct shell *shell = *state;
    shell->config.domain = DOMAIN("1");
    run(shell);
    shell->config.reconfiguration_policy = AGENT_RECONFIGURE_ADDITIVE;
    shell->config.domain = DOMAIN("2");
    shell_start(shell);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(strstr(shell->exit_text, "Domain changed"));
}

static void after_a_reboot_another_configuration_makes_a_new_agent(void **state)
{
    struct shell *shell = *state;
    run(shell);
    shell->boot_id = "boot-2";
    shell->config.resources = "cpus:8;mem:1024;disk:1024;ports:[1-9]";
    shell_start(shell);
    assert_int_equal(shell->exit_status, -1);
    assert_string_equal(agent_id(shell->agent), "");
    shell_pass(shell, NS_PER_SEC);
    assert_non_null(SHELL_TAKE(shell, RegisterSlaveMessage, register_slave_message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(executors_are_asked_to_come_back),
        SHELL_TEST(executors_that_do_not_come_back_are_given_up),
        SHELL_TEST(a_task_that_the_executor_does_not_know_is_lost),
        SHELL_TEST(a_task_that_the_executor_knows_goes_on),
        SHELL_TEST(without_checkpoint_nothing_is_left),
        SHELL_TEST(an_executor_that_ended_meanwhile_is_told_of),
        SHELL_TEST(after_a_reboot_nothing_is_alive),
        SHELL_TEST(cleanup_ends_what_is_there_and_the_process),
        SHELL_TEST(a_cut_record_of_updates_is_dropped),
        SHELL_TEST(strict_recovery_ends_at_a_damaged_file),
        SHELL_TEST(lax_recovery_leaves_out_what_is_damaged),
        SHELL_TEST(an_empty_file_is_one_that_was_not_written_yet),
        SHELL_TEST(a_meta_folder_that_cannot_be_read_ends_the_process),
        SHELL_TEST(other_resources_are_refused),
        SHELL_TEST(more_resources_are_allowed_by_additive),
        SHELL_TEST(another_domain_is_refused),
        SHELL_TEST(a_first_domain_is_allowed_by_additive),
        SHELL_TEST(another_domain_is_refused_by_additive),
        SHELL_TEST(after_a_reboot_another_configuration_makes_a_new_agent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
