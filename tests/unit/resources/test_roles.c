#include "../unit.h"

#include "resources/roles.h"

static void test_valid(UNUSED void **state)
{
    static const char *const roles[] = {
        "*",   "foo", "foo/bar",  "foo/bar/baz", "foo-bar",
        "a.b", "...", "\xc3\xa9", "foo.bar/..x", "f\x01o",
    };
    for (size_t i = 0; i < ELEMENTS(roles); i++) {
        assert_int_equal(role_validate(slice_from(roles[i]), NULL), 0);
    }
}

static void test_invalid(UNUSED void **state)
{
    static const struct {
        const char *role;
        const char *why;
    } cases[] = {
        {"", "Role names cannot be the empty string"},
        {"/", "Role '/' cannot start with a slash"},
        {"/foo", "Role '/foo' cannot start with a slash"},
        {"foo/", "Role 'foo/' cannot end with a slash"},
        {"foo//bar", "Role 'foo//bar' cannot contain two adjacent slashes"},
        {".", "Role '.' cannot include '.' as a component"},
        {"foo/..", "Role 'foo/..' cannot include '..' as a component"},
        {"foo/*/bar", "Role 'foo/*/bar' cannot include '*' as a component"},
        {"-foo", "Role component '-foo' is invalid because it starts with a dash"},
        {"foo/-bar", "Role component '-bar' is invalid because it starts with a dash"},
        {"foo bar", "Role component 'foo bar' is invalid because it contains backspace or "
                    "whitespace"},
        {"foo\tbar", "backspace or whitespace"},
        {"foo\nbar", "backspace or whitespace"},
        {"foo\vbar", "backspace or whitespace"},
        {"foo\fbar", "backspace or whitespace"},
        {"foo\rbar", "backspace or whitespace"},
        {"foo/b\x7f", "backspace or whitespace"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct err err = {{0}};
        assert_int_equal(role_validate(slice_from(cases[i].role), &err), ROLE_E_INVALID);
        if (strstr(err.text, cases[i].why) == NULL) {
            fail_msg("'%s' instead of '%s'", err.text, cases[i].why);
        }
    }
}

static void test_list(UNUSED void **state)
{
    assert_int_equal(role_validate_list(SLICE("a,b/c,,*"), NULL), 0);
    assert_int_equal(role_validate_list(SLICE(""), NULL), 0);
    assert_int_equal(role_validate_list(SLICE("a,b//c"), NULL), ROLE_E_INVALID);
}

static void test_subroles(UNUSED void **state)
{
    assert_true(role_is_strict_subrole(SLICE("a/b"), SLICE("a")));
    assert_true(role_is_strict_subrole(SLICE("a/b/c"), SLICE("a")));
    assert_false(role_is_strict_subrole(SLICE("a"), SLICE("a")));
    assert_false(role_is_strict_subrole(SLICE("ab/c"), SLICE("a")));
    assert_false(role_is_strict_subrole(SLICE("a"), SLICE("a/b")));
    assert_true(role_is_within(SLICE("a"), SLICE("a")));
    assert_true(role_is_within(SLICE("a/b"), SLICE("a")));
    assert_false(role_is_within(SLICE("a"), SLICE("*")));
}

static void test_paths(UNUSED void **state)
{
    struct slice role = SLICE("a/b/c");
    assert_true(role_parent(role, &role));
    assert_slice(role, "a/b");
    assert_true(role_parent(role, &role));
    assert_slice(role, "a");
    assert_false(role_parent(role, &role));
    assert_slice(role_top(SLICE("x/y/z")), "x");
    assert_slice(role_top(SLICE("x")), "x");
    assert_true(role_is_nested(SLICE("x/y")));
    assert_false(role_is_nested(SLICE("*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid), cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_list),  cmocka_unit_test(test_subroles),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
