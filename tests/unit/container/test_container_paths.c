#include "plan_kit.h"

#include "container/container_paths.h"

static void test_names_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a.b", "6b0b17ce-d2f7-481e-9062-f7a5a3ce59ae.check-1"};
    static const char *const bad[] = {"",     ".",   "..",  "a.",   ".a",
                                      "a..b", "a/b", "a b", "a\\b", "a\n"};
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        assert_true(container_paths_valid(good[i]));
    }
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_false(container_paths_valid(bad[i]));
    }
    char name[CONTAINER_NAME_SIZE_MAX + 2];
    memset(name, 'x', sizeof(name));
    name[CONTAINER_NAME_SIZE_MAX] = '\0';
    assert_true(container_paths_valid(name));
    name[CONTAINER_NAME_SIZE_MAX] = 'x';
    name[CONTAINER_NAME_SIZE_MAX + 1] = '\0';
    assert_false(container_paths_valid(name));
}

static void test_nesting_is_limited(void **state)
{
    (void)state;
    char path[CONTAINER_DEPTH_MAX * 2 + 3] = "";
    for (int i = 0; i < CONTAINER_DEPTH_MAX; i++) {
        strncat(path, i == 0 ? "a" : ".a", sizeof(path) - strlen(path) - 1);
    }
    assert_true(container_paths_valid(path));
    strncat(path, ".a", sizeof(path) - strlen(path) - 1);
    assert_false(container_paths_valid(path));
}

static void test_paths_are_the_originals(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    container_paths_runtime("/run/mesos", "a.b.c", &out);
    assert_string_equal(buf_text(&out), "/run/mesos/containers/a/containers/b/containers/c");
    buf_clear(&out);
    container_paths_cgroup("a.b.c", &out);
    assert_string_equal(buf_text(&out), "a/mesos/b/mesos/c");
    buf_clear(&out);
    container_paths_sandbox("/s", "a.b.c", &out);
    assert_string_equal(buf_text(&out), "/s/containers/b/containers/c");
    buf_clear(&out);
    container_paths_sandbox("/s", "a", &out);
    assert_string_equal(buf_text(&out), "/s");
    buf_deinit(&out);
}

static void test_the_top_sandbox_of_a_nested_one(void **state)
{
    (void)state;
    static const char *const others[] = {"/s", "/s/containers/c", "/s/containers/xb/containers/c",
                                         "/containers/b/containers/c"};
    struct buf out = BUF_INIT;
    assert_true(container_paths_top_sandbox("/s/containers/b/containers/c", "a.b.c", &out));
    assert_string_equal(buf_text(&out), "/s");
    buf_clear(&out);
    assert_true(container_paths_top_sandbox("/s", "a", &out));
    assert_string_equal(buf_text(&out), "/s");
    for (size_t i = 0; i < ELEMENTS(others); i++) {
        assert_false(container_paths_top_sandbox(others[i], "a.b.c", &out));
    }
    buf_deinit(&out);
}

static void test_cgroups_are_read_back(void **state)
{
    (void)state;
    char path[CONTAINER_PATH_SIZE];
    assert_true(container_paths_from_cgroup(SLICE("a"), path));
    assert_string_equal(path, "a");
    assert_true(container_paths_from_cgroup(SLICE("a/mesos/b/leaf"), path));
    assert_string_equal(path, "a.b");
    static const char *const none[] = {"",      "agent", "agent/leaf", "slave",      "a/mesos",
                                       "a/b/c", "a/b",   "a.b",        "leaf/mesos/"};
    for (size_t i = 0; i < ELEMENTS(none); i++) {
        assert_false(container_paths_from_cgroup(slice_from(none[i]), path));
    }
}

static void test_parents(void **state)
{
    (void)state;
    char path[CONTAINER_PATH_SIZE];
    assert_false(container_paths_parent("a", path));
    assert_true(container_paths_parent("a.b.c", path));
    assert_string_equal(path, "a.b");
    assert_int_equal(container_paths_depth("a.b.c"), 3);
    assert_true(container_paths_below("a.b.c", "a"));
    assert_false(container_paths_below("ab.c", "a"));
    assert_false(container_paths_below("a", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_nesting_is_limited),
        cmocka_unit_test(test_paths_are_the_originals),
        cmocka_unit_test(test_the_top_sandbox_of_a_nested_one),
        cmocka_unit_test(test_cgroups_are_read_back),
        cmocka_unit_test(test_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
