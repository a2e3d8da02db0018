#include "shell.h"

#include "../unit.h"

#include "agent/agent_container.h"
#include "agent/console.h"
#include "agent/core.h"
#include "agent/usage.h"

#define PATH "/slave(1)/api/v1"

static uint64_t call(struct shell *shell, const char *body)
{
    return shell_request(shell, "POST", PATH, "", body);
}

/* A command task that runs; returns its container's id. */
static const char *parent(struct shell *shell)
{
    shell_register(shell);
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    struct container_request *launch = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(launch);
    const char *id = arena_strdup(&shell->arena, launch->path);
    container_request_free(launch);
    shell_register_executor(shell, "f1", "t1", SHELL_EXECUTOR);
    shell_forget(shell);
    return id;
}

static const char *nested(struct shell *shell, const char *root, const char *name)
{
    return arena_printf(&shell->arena,
                        "\"container_id\":{\"value\":\"%s\",\"parent\":{\"value\":\"%s\"}}", name,
                        root);
}

static uint64_t launch(struct shell *shell, const char *id, const char *more)
{
    return call(shell, arena_printf(&shell->arena,
                                    "{\"type\":\"LAUNCH_CONTAINER\",\"launch_container\":{%s,"
                                    "\"command\":{\"value\":\"run\"}%s}}",
                                    id, more));
}

static uint64_t simple(struct shell *shell, const char *type, const char *member, const char *id)
{
    return call(shell,
                arena_printf(&shell->arena, "{\"type\":\"%s\",\"%s\":{%s}}", type, member, id));
}

static void a_nested_container_lives_and_is_removed(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    const char *id = nested(shell, root, "n");
    const char *path = arena_printf(&shell->arena, "%s.n", root);
    uint64_t launched = launch(shell, id, "");
    (void)shell_answer(shell, launched, 200);
    struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    assert_string_equal(request->path, path);
    assert_true(request->spec->share_cgroups);
    assert_non_null(strstr(request->spec->directory, "/containers/n"));
    assert_string_equal(request->spec->user, "somebody");
    container_request_free(request);
    uint64_t waits = simple(shell, "WAIT_CONTAINER", "wait_container", id);
    assert_false(shell_is_answered(shell, waits));
    (void)shell_answer(shell, simple(shell, "REMOVE_CONTAINER", "remove_container", id), 500);
    (void)shell_answer(shell, simple(shell, "KILL_CONTAINER", "kill_container", id), 200);
    request = shell_take_request(shell, CONTAINER_KILL);
    assert_non_null(request);
    assert_int_equal(request->signal, SIGKILL);
    container_request_free(request);
    shell_report(shell, CONTAINER_TERMINATED, path, 9);
    assert_non_null(strstr(shell_answer(shell, waits, 200), "\"exit_status\":9"));
    /* It can be asked again until it is removed. */
    (void)shell_answer(shell, simple(shell, "WAIT_CONTAINER", "wait_container", id), 200);
    (void)shell_answer(shell, simple(shell, "REMOVE_CONTAINER", "remove_container", id), 200);
    (void)shell_answer(shell, simple(shell, "WAIT_CONTAINER", "wait_container", id), 404);
}

/* Its sandbox lies in its parent's, among a user's folders (shell.c sees to the store's root). */
static void the_sandbox_of_a_nested_container_waits_for_gc(void **state)
{
    struct shell *shell = *state;
    shell->config.gc_non_executor_container_sandboxes = true;
    shell->config.gc_delay_ns = 30 * NS_PER_SEC;
    shell->disk_usage_ppm = 0;
    const char *root = parent(shell);
    (void)shell_answer(shell, launch(shell, nested(shell, root, "n"), ""), 200);
    struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    const char *folder = strstr(request->spec->directory, "slaves/");
    assert_non_null(shell_file(shell, folder));
    shell_report(shell, CONTAINER_TERMINATED, request->path, 0);
    shell_pass(shell, 31 * NS_PER_SEC);
    assert_null(shell_file(shell, folder));
    container_request_free(request);
}

/* Executors are quick, and reports come from another thread. */
static void an_executor_launches_before_the_report_that_it_runs(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    shell->holds_containers = true;
    shell_run_task(shell, shell_framework(shell, "f1", true), shell_task(shell, "t1"), NULL);
    struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    const char *root = arena_strdup(&shell->arena, request->path);
    container_request_free(request);
    (void)shell_answer(shell, launch(shell, nested(shell, root, "n"), ""), 400);
    shell_register_executor(shell, "f1", "t1", SHELL_EXECUTOR);
    uint64_t launched = launch(shell, nested(shell, root, "n"), "");
    assert_false(shell_is_answered(shell, launched));
    request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    shell_report(shell, CONTAINER_LAUNCHED, root, -1);
    shell_report(shell, CONTAINER_LAUNCHED, request->path, -1);
    container_request_free(request);
    (void)shell_answer(shell, launched, 200);
}

static void those_who_wait_have_a_limit(void **state)
{
    struct shell *shell = *state;
    shell->is_large = true;
    const char *root = parent(shell);
    const char *id = nested(shell, root, "n");
    (void)launch(shell, id, "");
    const char *body =
        arena_printf(&shell->arena, "{\"type\":\"WAIT_CONTAINER\",\"wait_container\":{%s}}", id);
    for (int i = 0; i < AGENT_CONTAINER_WAITERS_MAX; i++) {
        uint64_t handle = call(shell, body);
        assert_false(shell_is_answered(shell, handle));
    }
    (void)shell_answer(shell, call(shell, body), 503);
}

static void what_may_not_be_launched_is_refused(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    (void)shell_answer(shell, launch(shell, nested(shell, "other", "n"), ""), 400);
    (void)shell_answer(shell, launch(shell, "\"container_id\":{\"value\":\"a.b\"}", ""), 400);
    (void)shell_answer(shell, launch(shell, nested(shell, root, "n"), ""), 200);
    (void)shell_answer(shell, launch(shell, nested(shell, root, "n"), ""), 202);
    shell->fails_folders = true;
    (void)shell_answer(shell, launch(shell, nested(shell, root, "m"), ""), 400);
    shell->fails_folders = false;
    shell->holds_containers = true;
    uint64_t failing = launch(shell, nested(shell, root, "o"), "");
    const char *path = arena_printf(&shell->arena, "%s.o", root);
    shell_report(shell, CONTAINER_LAUNCH_FAILED, path, -1);
    (void)shell_answer(shell, failing, 400);
    shell_report(shell, CONTAINER_TERMINATED, path, -1);
}

static void nested_ones_go_with_their_root(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    const char *id = nested(shell, root, "n");
    (void)launch(shell, id, "");
    uint64_t waits = simple(shell, "WAIT_CONTAINER", "wait_container", id);
    shell_report(shell, CONTAINER_TERMINATED, root, 0);
    (void)shell_answer(shell, waits, 404);
    agent_check(shell->agent);
}

static void an_ended_standalone_one_is_remembered_for_a_while(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    const char *id = "\"container_id\":{\"value\":\"alone\"}";
    (void)shell_answer(shell, launch(shell, id, ""), 200);
    struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    assert_true(request->spec->standalone);
    assert_string_equal(request->spec->directory, "/w/containers/alone");
    container_request_free(request);
    shell_report(shell, CONTAINER_TERMINATED, "alone", 3 << 8);
    const char *answer =
        shell_answer(shell, simple(shell, "WAIT_CONTAINER", "wait_container", id), 200);
    assert_non_null(strstr(answer, "\"exit_status\":768"));
    (void)shell_answer(shell, simple(shell, "KILL_CONTAINER", "kill_container", id), 404);
    shell_pass(shell, AGENT_CONTAINER_ENDED_NS);
    (void)shell_answer(shell, simple(shell, "WAIT_CONTAINER", "wait_container", id), 404);
    /* The id is free, before and after. */
    (void)shell_answer(shell, launch(shell, id, ""), 200);
    shell_report(shell, CONTAINER_TERMINATED, "alone", 0);
    (void)shell_answer(shell, launch(shell, id, ""), 200);
}

static void the_sandbox_of_a_standalone_one_can_be_removed_later(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    const char *id = "\"container_id\":{\"value\":\"alone\"}";
    (void)shell_answer(shell, simple(shell, "REMOVE_CONTAINER", "remove_container", id), 200);
    struct container_request *request = shell_take_request(shell, CONTAINER_REMOVE);
    assert_non_null(request);
    assert_string_equal(request->path, "alone");
    container_request_free(request);
}

static void usage_questions_have_a_limit_and_a_timeout(void **state)
{
    struct shell *shell = *state;
    (void)parent(shell);
    shell->answers_no_usage = true;
    uint64_t first = shell_request(shell, "GET", "/slave(1)/containers", "", "");
    for (int i = 1; i < USAGE_QUESTIONS_MAX; i++) {
        (void)shell_request(shell, "GET", "/slave(1)/containers", "", "");
    }
    uint64_t refused = shell_request(shell, "GET", "/slave(1)/containers", "", "");
    (void)shell_answer(shell, refused, 503);
    assert_false(shell_is_answered(shell, first));
    shell_pass(shell, USAGE_TIMEOUT_NS);
    assert_non_null(strstr(shell_answer(shell, first, 200), "\"executor_id\":\"t1\""));
}

static void calls_are_checked(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    (void)shell_answer(shell, call(shell, "{}"), 400);
    (void)shell_answer(shell, call(shell, "{\"type\":\"WAIT_CONTAINER\"}"), 400);
    (void)shell_answer(shell, call(shell, "{\"type\":\"ATTACH_CONTAINER_INPUT\"}"), 400);
    (void)shell_answer(shell, shell_request(shell, "GET", PATH, "", ""), 405);
    assert_non_null(
        strstr(shell_answer(shell, call(shell, "{\"type\":\"GET_HEALTH\"}"), 200), "true"));
}

/* --- sessions --- */

static uint64_t session(struct shell *shell, const char *root, const char *name)
{
    return call(shell, arena_printf(&shell->arena,
                                    "{\"type\":\"LAUNCH_NESTED_CONTAINER_SESSION\","
                                    "\"launch_nested_container_session\":{%s,"
                                    "\"command\":{\"value\":\"run\"}}}",
                                    nested(shell, root, name)));
}

static void output(struct shell *shell, const char *path, bool is_error, const char *text)
{
    struct agent_output piece = {path, is_error, slice_from(text)};
    shell_step(shell, &(struct agent_event){.type = AGENT_OUTPUT, .output = &piece});
}

static void gone(struct shell *shell, uint64_t handle)
{
    struct net_event net = {.type = NET_GONE, .handle = handle};
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &net});
}

static void a_session_streams_until_it_ends(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    const char *path = arena_printf(&shell->arena, "%s.s", root);
    uint64_t stream = session(shell, root, "s");
    struct container_request *request = shell_take_request(shell, CONTAINER_LAUNCH);
    assert_non_null(request);
    assert_true(request->spec->attached && request->spec->debug);
    assert_null(strstr(request->spec->directory, "/containers/"));
    container_request_free(request);
    assert_non_null(strstr(shell_stream(shell, stream), "<open>"));
    output(shell, path, false, "one");
    output(shell, path, true, "two");
    const char *text = shell_stream(shell, stream);
    assert_non_null(strstr(text, "\"STDOUT\""));
    assert_non_null(strstr(text, "\"b25l\""));
    assert_non_null(strstr(text, "\"STDERR\""));
    shell_pass(shell, shell->config.http_heartbeat_interval_ns);
    assert_non_null(strstr(shell_stream(shell, stream), "\"HEARTBEAT\""));
    shell_report(shell, CONTAINER_TERMINATED, path, 0);
    assert_non_null(strstr(shell_stream(shell, stream), "<close>"));
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
}

static void a_session_ends_with_its_client(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    uint64_t stream = session(shell, root, "s");
    gone(shell, stream);
    struct container_request *request = shell_take_request(shell, CONTAINER_DESTROY);
    assert_non_null(request);
    container_request_free(request);
    /* Also before it runs. */
    shell->holds_containers = true;
    stream = session(shell, root, "early");
    gone(shell, stream);
    container_request_free(shell_take_request(shell, CONTAINER_DESTROY));
    shell_report(shell, CONTAINER_LAUNCHED, arena_printf(&shell->arena, "%s.early", root), -1);
    request = shell_take_request(shell, CONTAINER_DESTROY);
    assert_non_null(request);
    container_request_free(request);
}

static void listeners_come_and_go(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    const char *path = arena_printf(&shell->arena, "%s.s", root);
    (void)session(shell, root, "s");
    const char *body = arena_printf(
        &shell->arena, "{\"type\":\"ATTACH_CONTAINER_OUTPUT\",\"attach_container_output\":{%s}}",
        nested(shell, root, "s"));
    uint64_t first = call(shell, body);
    for (int i = 2; i < CONSOLE_CLIENTS_MAX; i++) {
        (void)call(shell, body);
    }
    (void)shell_answer(shell, call(shell, body), 503);
    (void)shell_stream(shell, first);
    output(shell, path, false, "x");
    assert_non_null(strstr(shell_stream(shell, first), "\"STDOUT\""));
    gone(shell, first);
    assert_null(shell_take_request(shell, CONTAINER_DESTROY));
    output(shell, path, false, "x");
    assert_string_equal(shell_stream(shell, first), "");
    (void)shell_answer(shell,
                       simple(shell, "ATTACH_CONTAINER_OUTPUT", "attach_container_output",
                              nested(shell, root, "none")),
                       404);
}

/* A request of records, the first of which names the session. */
static uint64_t attach(struct shell *shell, const char *root)
{
    struct http_header headers[] = {{SLICE("Content-Type"), SLICE("application/recordio")},
                                    {SLICE("Message-Content-Type"), SLICE("application/json")},
                                    {SLICE("Accept"), SLICE("application/json")}};
    struct http_head head = {.method = SLICE("POST"),
                             .path = SLICE(PATH),
                             .headers = headers,
                             .header_count = ELEMENTS(headers)};
    struct net_event net = {.type = NET_REQUEST, .handle = shell->next_handle++};
    net.request = (struct net_request){
        .handle = net.handle, .head = &head, .path = SLICE(PATH), .streaming = true};
    shell_step(shell, &(struct agent_event){.type = AGENT_NET, .net = &net});
    shell_record(shell, net.handle,
                 arena_printf(&shell->arena,
                              "{\"type\":\"ATTACH_CONTAINER_INPUT\",\"attach_container_input\":{"
                              "\"type\":\"CONTAINER_ID\",%s}}",
                              nested(shell, root, "s")));
    return net.handle;
}

#define IO                                                                       \
    "{\"type\":\"ATTACH_CONTAINER_INPUT\",\"attach_container_input\":{\"type\":" \
    "\"PROCESS_IO\",\"process_io\":%s}}"

static void send_io(struct shell *shell, uint64_t handle, const char *io)
{
    shell_record(shell, handle, arena_printf(&shell->arena, IO, io));
}

static void input_goes_to_one_session(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    (void)session(shell, root, "s");
    uint64_t handle = attach(shell, root);
    assert_false(shell_is_answered(shell, handle));
    send_io(shell, handle, "{\"type\":\"DATA\",\"data\":{\"type\":\"STDIN\",\"data\":\"aGk=\"}}");
    assert_string_equal(shell->input, "hi");
    send_io(shell, handle,
            "{\"type\":\"CONTROL\",\"control\":{\"type\":\"TTY_INFO\",\"tty_info\":{"
            "\"window_size\":{\"rows\":4,\"columns\":7}}}}");
    assert_string_equal(shell->input, "hi<4x7>");
    /* Only one at a time. */
    (void)shell_answer(shell, attach(shell, root), 409);
    send_io(shell, handle, "{\"type\":\"DATA\",\"data\":{\"type\":\"STDIN\",\"data\":\"\"}}");
    assert_string_equal(shell->input, "hi<4x7><end>");
    shell_body(shell, handle, "", true);
    (void)shell_answer(shell, handle, 200);
    /* Then the next. */
    uint64_t next = attach(shell, root);
    assert_false(shell_is_answered(shell, next));
    send_io(shell, next, "{\"type\":\"DATA\",\"data\":{\"type\":\"STDOUT\",\"data\":\"aGk=\"}}");
    (void)shell_answer(shell, next, 400);
}

static void input_is_answered_soon_after_the_end(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    (void)session(shell, root, "s");
    uint64_t handle = attach(shell, root);
    shell_report(shell, CONTAINER_TERMINATED, arena_printf(&shell->arena, "%s.s", root), 0);
    send_io(shell, handle, "{\"type\":\"DATA\",\"data\":{\"type\":\"STDIN\",\"data\":\"aGk=\"}}");
    assert_string_equal(shell->input, "");
    assert_false(shell_is_answered(shell, handle));
    shell_pass(shell, CONSOLE_INPUT_LINGER_NS);
    (void)shell_answer(shell, handle, 200);
}

static void a_body_without_records_is_refused(void **state)
{
    struct shell *shell = *state;
    const char *root = parent(shell);
    (void)session(shell, root, "s");
    uint64_t handle = attach(shell, root);
    shell_body(shell, handle, "x\n", false);
    (void)shell_answer(shell, handle, 400);
}

static void sessions_have_a_limit(void **state)
{
    struct shell *shell = *state;
    shell->is_large = true;
    const char *root = parent(shell);
    for (int i = 0; i < CONSOLES_MAX; i++) {
        uint64_t handle = session(shell, root, arena_printf(&shell->arena, "s%d", i));
        assert_false(shell_is_answered(shell, handle));
    }
    (void)shell_answer(shell, session(shell, root, "more"), 503);
    /* Plain containers are not concerned. */
    (void)shell_answer(shell, launch(shell, nested(shell, root, "n"), ""), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(a_nested_container_lives_and_is_removed),
        SHELL_TEST(the_sandbox_of_a_nested_container_waits_for_gc),
        SHELL_TEST(an_executor_launches_before_the_report_that_it_runs),
        SHELL_TEST(those_who_wait_have_a_limit),
        SHELL_TEST(what_may_not_be_launched_is_refused),
        SHELL_TEST(nested_ones_go_with_their_root),
        SHELL_TEST(an_ended_standalone_one_is_remembered_for_a_while),
        SHELL_TEST(the_sandbox_of_a_standalone_one_can_be_removed_later),
        SHELL_TEST(usage_questions_have_a_limit_and_a_timeout),
        SHELL_TEST(calls_are_checked),
        SHELL_TEST(a_session_streams_until_it_ends),
        SHELL_TEST(a_session_ends_with_its_client),
        SHELL_TEST(listeners_come_and_go),
        SHELL_TEST(input_goes_to_one_session),
        SHELL_TEST(input_is_answered_soon_after_the_end),
        SHELL_TEST(a_body_without_records_is_refused),
        SHELL_TEST(sessions_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
