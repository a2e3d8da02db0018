#include "../unit.h"

#include <errno.h>

#include "common/macro.h"
#include "container/apply_linux.h"

static char path[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/tepui-apply-XXXXXX");
    close(mkstemp(path));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* With many processes a list does not fit, and "123" of "12345" is somebody else. */
static void test_a_pid_that_is_cut_is_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *read;
    } cases[] = {
        {"11\n22\n333\n", 32, "11\n22\n333\n"},
        {"11\n22\n333\n", 10, "11\n22\n"},
        {"11\n22\n333\n", 9, "11\n22\n"},
        {"11\n22\n333\n", 7, "11\n22\n"},
        {"11\n22\n333\n", 6, "11\n"},
        {"11 22 333 ", 8, "11 22 "},
        {"12345\n", 4, ""},
        {"", 4, ""},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        char read[32];
        put(cases[i].text);
        assert_int_equal(apply_read_pids(path, read, cases[i].size), strlen(cases[i].read));
        assert_string_equal(read, cases[i].read);
    }
}

static void test_a_list_that_is_not_there(void **state)
{
    (void)state;
    char read[32];
    assert_int_equal(apply_read_pids("/nowhere/at/all", read, sizeof(read)), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_pid_that_is_cut_is_left_out, set_up, tear_down),
        cmocka_unit_test(test_a_list_that_is_not_there),
    };
    return cmocka_run_group_tests_name("container/apply_linux", tests, NULL, NULL);
}
