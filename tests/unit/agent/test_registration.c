#include "shell.h"

#include "../unit.h"

#include "agent/core.h"

#define OTHER_MASTER "master@127.0.0.1:5055"

static bool takes(struct shell *shell, const char *name, const ProtobufCMessageDescriptor *desc)
{
    return shell_take(shell, name, desc) != NULL;
}

static bool registers(struct shell *shell)
{
    return takes(shell, "RegisterSlaveMessage", &pb__internal__register_slave_message__descriptor);
}

static bool reregisters(struct shell *shell)
{
    return takes(shell, "ReregisterSlaveMessage",
                 &pb__internal__reregister_slave_message__descriptor);
}

static void registered(struct shell *shell, const char *from, const char *name, const char *id,
                       double ping_s)
{
    Pb__Internal__SlaveRegisteredMessage message = PB__INTERNAL__SLAVE_REGISTERED_MESSAGE__INIT;
    Pb__Internal__MasterSlaveConnection connection = PB__INTERNAL__MASTER_SLAVE_CONNECTION__INIT;
    message.slave_id = messages_agent_id(id, &shell->arena);
    if (ping_s > 0) {
        connection.has_total_ping_timeout_seconds = 1;
        connection.total_ping_timeout_seconds = ping_s;
        message.connection = &connection;
    }
    /* Both answers have the fields that are used here at the same numbers. */
    shell_message(shell, from, name, &message.base);
}

static void ping(struct shell *shell, bool connected)
{
    Pb__Internal__PingSlaveMessage message = PB__INTERNAL__PING_SLAVE_MESSAGE__INIT;
    message.connected = connected;
    shell_message(shell, "slave-observer(1)@127.0.0.1:5050", "PingSlaveMessage", &message.base);
}

static void link_breaks(struct shell *shell)
{
    struct net_event net = {.type = NET_EXITED};
    struct upid master;
    assert_true(upid_parse(SLICE(MASTER), &master));
    net.address = master.address;
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &net});
}

static void a_new_agent_registers_within_the_backoff(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    assert_false(registers(shell));
    shell_pass(shell, NS_PER_SEC);
    const Pb__Internal__RegisterSlaveMessage *message =
        SHELL_TAKE(shell, RegisterSlaveMessage, register_slave_message);
    assert_non_null(message);
    assert_string_equal(message->version, "1.12.0");
    assert_null(message->slave->id);
    assert_int_equal(message->slave->n_resources, 4);
    assert_true(message->n_agent_capabilities > 0);
    assert_null(agent_id(shell->agent)[0] == '\0' ? NULL : agent_id(shell->agent));
}

static void the_backoff_doubles_up_to_a_minute(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    /* Random times up to 1, 2, 4 .. 60 s: at most 7 in the first 127 s. */
    shell_pass(shell, 127 * NS_PER_SEC);
    int count = 0;
    while (registers(shell)) {
        count++;
    }
    assert_true(count >= 7);
    /* An hour later each wait is below a minute. */
    shell_pass(shell, 60 * NS_PER_MIN);
    shell_forget(shell);
    shell_pass(shell, AGENT_REGISTER_INTERVAL_MAX);
    assert_true(registers(shell));
}

static void without_a_master_nothing_is_sent(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    struct agent_event lost = {.type = AGENT_MASTER};
    shell_step(shell, &lost);
    shell_pass(shell, 10 * NS_PER_MIN);
    assert_false(registers(shell));
}

static void the_id_is_stored_and_shown_to_the_next_process(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    assert_string_equal(agent_id(shell->agent), AGENT_ID);
    assert_non_null(shell_file(shell, "meta/slaves/" AGENT_ID "/slave.info"));
    const struct buf *latest = shell_file(shell, "meta/slaves/latest");
    assert_non_null(latest);
    assert_int_equal(latest->size, strlen("/w/meta/slaves/" AGENT_ID));
    shell_stop(shell);
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    const Pb__Internal__ReregisterSlaveMessage *message =
        SHELL_TAKE(shell, ReregisterSlaveMessage, reregister_slave_message);
    assert_non_null(message);
    assert_string_equal(message->slave->id->value, AGENT_ID);
    registered(shell, MASTER, "SlaveReregisteredMessage", AGENT_ID, 0);
    assert_string_equal(agent_state_name(shell->agent), "RUNNING");
}

static void an_answer_of_somebody_else_is_ignored(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    registered(shell, OTHER_MASTER, "SlaveRegisteredMessage", AGENT_ID, 0);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    assert_int_equal(shell->exit_status, -1);
}

static void another_id_than_ours_ends_the_process(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    registered(shell, MASTER, "SlaveRegisteredMessage", "m-S1", 0);
    assert_int_equal(shell->exit_status, 1);
    assert_non_null(strstr(shell->exit_text, "m-S1"));
}

static void after_registration_the_agent_tells_its_version(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    registered(shell, MASTER, "SlaveRegisteredMessage", AGENT_ID, 0);
    const Pb__Internal__UpdateSlaveMessage *update =
        SHELL_TAKE(shell, UpdateSlaveMessage, update_slave_message);
    assert_non_null(update);
    assert_string_equal(update->slave_id->value, AGENT_ID);
    assert_int_equal(update->resource_version_uuid->value.len, 16);
}

static void pings_are_answered_and_missing_ones_noticed(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    registered(shell, MASTER, "SlaveRegisteredMessage", AGENT_ID, 7);
    shell_forget(shell);
    shell_pass(shell, 6 * NS_PER_SEC);
    ping(shell, true);
    assert_true(takes(shell, "PongSlaveMessage", &pb__internal__pong_slave_message__descriptor));
    shell_pass(shell, 6 * NS_PER_SEC);
    assert_string_equal(agent_state_name(shell->agent), "RUNNING");
    shell_pass(shell, 3 * NS_PER_SEC);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    assert_true(reregisters(shell));
}

static void a_ping_that_says_disconnected_makes_it_register_again(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    ping(shell, false);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    shell_pass(shell, NS_PER_SEC);
    assert_true(reregisters(shell));
}

/* The original waits for the ping timeout: 75 s without the agent's resources. */
static void a_broken_link_makes_it_register_again_at_once(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    link_breaks(shell);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    shell_pass(shell, NS_PER_SEC);
    assert_true(reregisters(shell));
    registered(shell, MASTER, "SlaveReregisteredMessage", AGENT_ID, 0);
    assert_string_equal(agent_state_name(shell->agent), "RUNNING");
}

static void a_link_that_breaks_before_the_answer_is_made_again(void **state)
{
    struct shell *shell = *state;
    shell_start(shell);
    shell_pass(shell, NS_PER_SEC);
    link_breaks(shell);
    shell_forget(shell);
    registered(shell, MASTER, "SlaveRegisteredMessage", AGENT_ID, 0);
    const struct sent *sent;
    int links = 0;
    LIST_FOR_EACH (sent, &shell->sent, link) {
        links += sent->effect->type == NET_LINK;
    }
    assert_int_equal(links, 1);
}

static void a_new_master_is_told_of_everything(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    struct agent_event detected = {.type = AGENT_MASTER};
    assert_true(upid_parse(SLICE(OTHER_MASTER), &detected.master.pid));
    detected.master.has_agent_update = true;
    shell_step(shell, &detected);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
    shell_pass(shell, NS_PER_SEC);
    const Pb__Internal__ReregisterSlaveMessage *message =
        SHELL_TAKE(shell, ReregisterSlaveMessage, reregister_slave_message);
    assert_non_null(message);
    assert_int_equal(message->n_frameworks, 1);
    assert_string_equal(message->frameworks[0]->id->value, "f1");
    assert_int_equal(message->n_tasks, 1);
    assert_string_equal(message->tasks[0]->task_id->value, "t1");
    assert_int_equal(message->tasks[0]->state, PB__TASK_STATE__TASK_STAGING);
    /* Executors of the agent's own are not told of. */
    assert_int_equal(message->n_executor_infos, 0);
    /* The old master's word counts no more. */
    registered(shell, MASTER, "SlaveReregisteredMessage", AGENT_ID, 0);
    assert_string_equal(agent_state_name(shell->agent), "DISCONNECTED");
}

static void a_master_that_lacks_what_changed_info_needs_is_refused(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_stop(shell);
    shell->config.reconfiguration_policy = AGENT_RECONFIGURE_ADDITIVE;
    shell->config.attributes = "rack:a";
    shell_start(shell);
    struct agent_event detected = {.type = AGENT_MASTER};
    assert_true(upid_parse(SLICE(MASTER), &detected.master.pid));
    shell_step(shell, &detected);
    assert_int_equal(shell->exit_status, 1);
}

static void tasks_that_come_before_it_is_registered_are_not_run(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    link_breaks(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    assert_null(shell_take_request(shell, CONTAINER_LAUNCH));
}

static void leaving_unregisters_and_ends(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell_step(shell, &(struct agent_event){.type = AGENT_LEAVE});
    assert_true(takes(shell, "UnregisterSlaveMessage",
                      &pb__internal__unregister_slave_message__descriptor));
    assert_int_equal(shell->exit_status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_new_agent_registers_within_the_backoff),
        SHELL_TEST(the_backoff_doubles_up_to_a_minute),
        SHELL_TEST(without_a_master_nothing_is_sent),
        SHELL_TEST(the_id_is_stored_and_shown_to_the_next_process),
        SHELL_TEST(an_answer_of_somebody_else_is_ignored),
        SHELL_TEST(another_id_than_ours_ends_the_process),
        SHELL_TEST(after_registration_the_agent_tells_its_version),
        SHELL_TEST(pings_are_answered_and_missing_ones_noticed),
        SHELL_TEST(a_ping_that_says_disconnected_makes_it_register_again),
        SHELL_TEST(a_broken_link_makes_it_register_again_at_once),
        SHELL_TEST(a_link_that_breaks_before_the_answer_is_made_again),
        SHELL_TEST(a_new_master_is_told_of_everything),
        SHELL_TEST(a_master_that_lacks_what_changed_info_needs_is_refused),
        SHELL_TEST(tasks_that_come_before_it_is_registered_are_not_run),
        SHELL_TEST(leaving_unregisters_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
