#include "shell.h"

#include "../unit.h"

#include "agent/core.h"
#include "wire/base64.h"

#define PATH "/slave(1)/api/v1/executor"
#define IDS "\"framework_id\":{\"value\":\"f1\"},\"executor_id\":{\"value\":\"e\"}"

static uint64_t call(struct shell *shell, const char *type, const char *rest)
{
    return shell_request(shell, "POST", PATH, "",
                         arena_printf(&shell->arena, "{\"type\":\"%s\"," IDS "%s}", type, rest));
}

static void launch(struct shell *shell)
{
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"),
                   shell_executor(shell, "f1", "e"));
}

static uint64_t subscribe(struct shell *shell)
{
    return call(shell, "SUBSCRIBE", ",\"subscribe\":{}");
}

/* Number n makes the uuid. */
static const char *status(struct shell *shell, const char *state, int n)
{
    struct uuid uuid = {.bytes = {(uint8_t)n}};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    base64_encode(slice_make((const char *)uuid.bytes, sizeof(uuid.bytes)), &text);
    return arena_printf(&shell->arena,
                        "{\"task_id\":{\"value\":\"t1\"},\"state\":\"%s\",\"uuid\":\"%.*s\","
                        "\"source\":\"SOURCE_EXECUTOR\"}",
                        state, (int)text.size, text.data);
}

static uint64_t update(struct shell *shell, const char *state, int n)
{
    return call(
        shell, "UPDATE",
        arena_printf(&shell->arena, ",\"update\":{\"status\":%s}", status(shell, state, n)));
}

static void an_executor_subscribes_and_gets_its_task(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    uint64_t stream = subscribe(shell);
    const char *events = shell_stream(shell, stream);
    assert_non_null(strstr(events, "<open>"));
    assert_non_null(strstr(events, "\"SUBSCRIBED\""));
    assert_non_null(strstr(events, "\"LAUNCH\""));
    assert_non_null(shell_file(shell, "meta/slaves/latest"));
}

static void an_update_is_accepted_at_once_and_acknowledged_when_stored(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    uint64_t stream = subscribe(shell);
    (void)shell_stream(shell, stream);
    shell->holds_store = true;
    uint64_t handle = update(shell, "TASK_RUNNING", 1);
    (void)shell_answer(shell, handle, 202);
    assert_string_equal(shell_stream(shell, stream), "");
    shell_release(shell);
    assert_non_null(strstr(shell_stream(shell, stream), "\"ACKNOWLEDGED\""));
    shell_expect_update(shell, "t1", PB__TASK_STATE__TASK_RUNNING);
}

static void what_it_did_not_hear_of_is_taken_with_its_next_subscribe(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    uint64_t first = subscribe(shell);
    (void)shell_stream(shell, first);
    uint64_t second = call(
        shell, "SUBSCRIBE",
        arena_printf(&shell->arena, ",\"subscribe\":{\"unacknowledged_updates\":[{\"status\":%s}]}",
                     status(shell, "TASK_RUNNING", 1)));
    /* The first stream ends. */
    assert_non_null(strstr(shell_stream(shell, first), "<close>"));
    const char *events = shell_stream(shell, second);
    assert_non_null(strstr(events, "\"SUBSCRIBED\""));
    assert_non_null(strstr(events, "\"ACKNOWLEDGED\""));
    shell_expect_update(shell, "t1", PB__TASK_STATE__TASK_RUNNING);
}

static void a_kill_is_an_event(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    uint64_t stream = subscribe(shell);
    (void)shell_stream(shell, stream);
    Pb__Internal__KillTaskMessage message = PB__INTERNAL__KILL_TASK_MESSAGE__INIT;
    message.framework_id = messages_framework_id("f1", &shell->arena);
    message.task_id = messages_task_id("t1", &shell->arena);
    shell_tell(shell, "KillTaskMessage", &message);
    const char *events = shell_stream(shell, stream);
    assert_non_null(strstr(events, "\"KILL\""));
    assert_non_null(strstr(events, "\"t1\""));
}

static void a_message_goes_to_the_framework(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    (void)subscribe(shell);
    uint64_t handle = call(shell, "MESSAGE", ",\"message\":{\"data\":\"aGVsbG8=\"}");
    (void)shell_answer(shell, handle, 202);
    const Pb__Internal__ExecutorToFrameworkMessage *sent =
        SHELL_TAKE(shell, ExecutorToFrameworkMessage, executor_to_framework_message);
    assert_non_null(sent);
    assert_memory_equal(sent->data.data, "hello", 5);
}

static void a_broken_stream_takes_nothing_along(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    uint64_t stream = subscribe(shell);
    struct net_event gone = {.type = NET_GONE, .handle = stream};
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &gone});
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
    (void)shell_stream(shell, stream);
    /* Nothing is written to it any more. */
    shell_pass(shell, AGENT_EXECUTOR_HEARTBEAT_NS);
    assert_string_equal(shell_stream(shell, stream), "");
}

static void what_is_wrong_is_refused(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    (void)shell_answer(shell, update(shell, "TASK_RUNNING", 1), 403);
    (void)subscribe(shell);
    (void)shell_answer(shell, call(shell, "UPDATE", ""), 400);
    (void)shell_answer(shell, update(shell, "TASK_STAGING", 1), 400);
    (void)shell_answer(shell,
                       shell_request(shell, "POST", PATH, "",
                                     "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"f2\"},"
                                     "\"executor_id\":{\"value\":\"e\"},\"subscribe\":{}}"),
                       400);
    (void)shell_answer(shell, shell_request(shell, "POST", PATH, "", "no json"), 400);
    (void)shell_answer(shell, shell_request(shell, "GET", PATH, "", ""), 405);
}

static void an_executor_that_is_ending_is_told_to(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    Pb__Internal__ShutdownExecutorMessage message = PB__INTERNAL__SHUTDOWN_EXECUTOR_MESSAGE__INIT;
    message.framework_id = messages_framework_id("f1", &shell->arena);
    message.executor_id = messages_executor_id("e", &shell->arena);
    shell_tell(shell, "ShutdownExecutorMessage", &message);
    const char *events = shell_stream(shell, subscribe(shell));
    assert_non_null(strstr(events, "\"SHUTDOWN\""));
    assert_non_null(strstr(events, "<close>"));
}

static void a_recovering_agent_takes_updates_of_those_that_are_back(void **state)
{
    struct shell *shell = *state;
    launch(shell);
    (void)subscribe(shell);
    shell_run_task(shell, shell_framework(shell, "f2", true), shell_task(shell, "t2"),
                   shell_executor(shell, "f2", "e"));
    shell_stop(shell);
    shell_start(shell);
    assert_string_equal(agent_state_name(shell->agent), "RECOVERING"); /* f2's may come yet */
    (void)shell_answer(shell, update(shell, "TASK_RUNNING", 1), 503);
    uint64_t stream = call(shell, "SUBSCRIBE",
                           ",\"subscribe\":{\"unacknowledged_tasks\":[{\"name\":\"n\",\"task_id\":"
                           "{\"value\":\"t1\"},\"agent_id\":{\"value\":\"" AGENT_ID "\"}}]}");
    assert_non_null(strstr(shell_stream(shell, stream), "\"SUBSCRIBED\""));
    (void)shell_answer(shell, update(shell, "TASK_RUNNING", 1), 202);
    (void)shell_answer(shell, call(shell, "MESSAGE", ",\"message\":{\"data\":\"aGVsbG8=\"}"), 503);
    assert_non_null(strstr(shell_stream(shell, stream), "\"ACKNOWLEDGED\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(an_executor_subscribes_and_gets_its_task),
        SHELL_TEST(an_update_is_accepted_at_once_and_acknowledged_when_stored),
        SHELL_TEST(what_it_did_not_hear_of_is_taken_with_its_next_subscribe),
        SHELL_TEST(a_kill_is_an_event),
        SHELL_TEST(a_message_goes_to_the_framework),
        SHELL_TEST(a_broken_stream_takes_nothing_along),
        SHELL_TEST(what_is_wrong_is_refused),
        SHELL_TEST(an_executor_that_is_ending_is_told_to),
        SHELL_TEST(a_recovering_agent_takes_updates_of_those_that_are_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
