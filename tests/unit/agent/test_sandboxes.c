#include "shell.h"

#include "../unit.h"

#include "agent/core.h"
#include "agent/sandboxes.h"

#define RUN "/w/slaves/" AGENT_ID "/frameworks/f/executors/e/runs/"

static bool resolves(struct shell *shell, const char *path, const char *root, const char *real)
{
    const char *got_root;
    const char *got_path;
    if (!sandboxes_resolve(shell->agent, slice_from(path), &got_root, &got_path)) {
        return false;
    }
    assert_string_equal(got_root, root);
    assert_string_equal(got_path, real);
    return true;
}

static void both_names_of_a_sandbox_lead_to_it(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    assert_true(resolves(shell, "/frameworks/f/executors/e/runs/latest/stdout", RUN "latest",
                         RUN "latest/stdout"));
    assert_true(resolves(shell, RUN "c/a/b/", RUN "c", RUN "c/a/b"));
}

static void nothing_else_is_reached(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    const char *paths[] = {"/etc/passwd",
                           "/w/meta/slaves/latest",
                           "/w/slaves/other/frameworks/f/executors/e/runs/c",
                           "/frameworks/f/executors/e/runs/c",
                           "/frameworks/../executors/e/runs/latest",
                           "/frameworks/f/executors/e",
                           "/slave/log",
                           ""};
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        assert_false(resolves(shell, paths[i], "", ""));
    }
}

static void looks_have_a_limit(void **state)
{
    struct shell *shell = *state;
    shell->is_large = true;
    shell_register(shell);
    const char *query = "path=/frameworks/f/executors/e/runs/latest";
    for (int i = 0; i < SANDBOXES_LOOKS_MAX; i++) {
        uint64_t handle = shell_request(shell, "GET", "/files/browse", query, "");
        assert_false(shell_is_answered(shell, handle));
    }
    (void)shell_answer(shell, shell_request(shell, "GET", "/files/browse", query, ""), 503);
}

static void a_result_answers_its_question(void **state)
{
    struct shell *shell = *state;
    shell_register(shell);
    uint64_t handle =
        shell_request(shell, "GET", "/files/read",
                      "path=/frameworks/f/executors/e/runs/latest/stdout&offset=0&length=5", "");
    struct list *link = list_pop_front(&shell->files);
    assert_non_null(link);
    struct file_request *request = LIST_ENTRY(link, struct file_request, link);
    assert_string_equal(request->root, RUN "latest");
    struct file_result result = {
        .token = request->token, .size = 11, .bytes = blob_from(SLICE("hello"))};
    shell_step(shell, &(struct agent_event){.type = AGENT_FILE, .file = &result});
    assert_non_null(strstr(shell_answer(shell, handle, 200), "hello"));
    file_result_deinit(&result);
    file_request_free(request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHELL_TEST(both_names_of_a_sandbox_lead_to_it),
        SHELL_TEST(nothing_else_is_reached),
        SHELL_TEST(looks_have_a_limit),
        SHELL_TEST(a_result_answers_its_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
