/* How scenarios are read, played and compared, with a world that repeats what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "sim/scenario.h"
#include "sim/scenario_diff.h"

static void *create(int argc UNUSED, char **argv UNUSED, struct err *err UNUSED)
{
    static int world;
    return &world;
}

static void destroy(void *world UNUSED)
{
}

static int run(void *world UNUSED, int argc, char **argv, struct buf *out, struct err *err)
{
    if (strcmp(argv[0], "fail") == 0) {
        return err_set(err, -EINVAL, "as it should");
    }
    for (int i = 1; i < argc; i++) {
        buf_printf(out, "says %s\n", argv[i]);
    }
    return 0;
}

static const struct scenario_world echo = {"echo", create, destroy, run};
static const struct scenario_world *const worlds[] = {&echo};

static void a_story_is_played_anew(void **state UNUSED)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    struct err err;
    int status = scenario_play(SLICE("# A story\n> world echo\n\n> say a b\nsays c\n# end\n"),
                               worlds, 1, &out, &err);
    assert_int_equal(status, 0);
    assert_string_equal(buf_text(&out),
                        "# A story\n> world echo\n\n> say a b\nsays a\nsays b\n# end\n");
}

static void a_story_that_makes_no_sense_is_refused_with_its_line(void **state UNUSED)
{
    static const struct {
        const char *story;
        const char *error;
    } cases[] = {
        {"> say a", "line 1: the first command must be: world NAME"},
        {"> world other", "line 1: there is no such world"},
        {"> world echo\n> fail", "line 2: as it should"},
        {"# text\nstray", "line 2: neither a command nor a comment"},
        {"> world echo\n>", "line 2: a command of 1 to 32 words is expected"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        CLEANUP(buf_deinit) struct buf out = BUF_INIT;
        struct err err;
        int status = scenario_play(slice_from(cases[i].story), worlds, 1, &out, &err);
        assert_int_equal(status, -EINVAL);
        assert_string_equal(err.text, cases[i].error);
    }
}

static void assert_diff(const char *written, const char *played, const char *diff)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    scenario_diff(slice_from(written), slice_from(played), &out);
    assert_string_equal(buf_text(&out), diff);
}

static void a_difference_is_shown_with_its_command(void **state UNUSED)
{
    assert_diff("> run\na\n", "> run\na\n", "");
    assert_diff("# c\n> run\n1\n2\n3\n4\n5\n6\n7\n", "# c\n> run\n1\n2\n3\nfour\n5\n6\n7\n",
                "  ...\n   > run\n   2\n   3\n - 4\n + four\n   5\n   6\n");
    assert_diff("> run\na", "> run\na\nb", "   > run\n   a\n + b\n");
    assert_diff("> one\na\n1\n2\n3\n4\n5\n> two\nb", "> one\n1\n2\n3\n4\n5\n> two\nc",
                "   > one\n - a\n   1\n   2\n  ...\n   5\n   > two\n - b\n + c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_played_anew),
        cmocka_unit_test(a_story_that_makes_no_sense_is_refused_with_its_line),
        cmocka_unit_test(a_difference_is_shown_with_its_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
