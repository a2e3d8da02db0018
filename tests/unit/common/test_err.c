#include "../unit.h"

#include <errno.h>

#include "common/err.h"

static void test_the_code_is_passed_on(void **state)
{
    (void)state;
    struct err err;
    assert_int_equal(err_set(&err, -EINVAL, "port %d", 7), -EINVAL);
    assert_string_equal(err.text, "port 7");
    assert_int_equal(err_wrap(&err, 3, "flag %s", "x"), 3);
    assert_string_equal(err.text, "flag x: port 7");
    assert_int_equal(err_set(&err, 1, "anew"), 1);
    assert_string_equal(err.text, "anew");
}

static void test_nobody_listens(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "lost"), -EIO);
    assert_int_equal(err_wrap(NULL, -EIO, "lost"), -EIO);
    errno = ENOENT;
    assert_int_equal(err_errno(NULL, "lost"), -ENOENT);
}

static void test_errno_is_named(void **state)
{
    (void)state;
    struct err err;
    errno = ENOENT;
    assert_int_equal(err_errno(&err, "open '%s'", "/x"), -ENOENT);
    assert_string_equal(err.text, "open '/x': No such file or directory");
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    char text[2 * ERR_TEXT_SIZE];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    struct err err;
    err_set(&err, 0, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
    err_wrap(&err, 0, "context");
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
    assert_memory_equal(err.text, "context: aaa", 12);
    err_wrap(&err, 0, "%s", text);
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
    errno = EIO;
    assert_int_equal(err_errno(&err, "%s", text), -EIO);
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
}

static void test_wraps_nest(void **state)
{
    (void)state;
    struct err err;
    err_set(&err, 0, "cause");
    for (int i = 0; i < 200; i++) {
        err_wrap(&err, 0, "%d", i);
    }
    assert_memory_equal(err.text, "199: 198: ", 10);
    assert_int_equal(strlen(err.text), ERR_TEXT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_code_is_passed_on),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_errno_is_named),
        cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_wraps_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
