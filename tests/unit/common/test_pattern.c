#include "../unit.h"

#include "common/pattern.h"

static const struct pattern_limits usual = {4096, 100};

static bool matches(const char *expression, struct slice text)
{
    struct pattern *pattern;
    struct err err;
    if (pattern_new(slice_from(expression), &usual, &pattern, &err) != 0) {
        fail_msg("%s: %s", expression, err.text);
    }
    bool is_match = pattern_matches(pattern, text);
    pattern_free(pattern);
    return is_match;
}

static void test_the_whole_text_must_match(void **state)
{
    (void)state;
    assert_true(matches("[lr].*t", SLICE("left")));
    assert_true(matches("left|right", SLICE("right")));
    assert_false(matches("left|right", SLICE("leftright")));
    assert_false(matches("ab", SLICE("abc")));
    assert_false(matches("ab", SLICE("xab")));
    assert_false(matches("^a$", SLICE("a\n")));
    assert_true(matches("", SLICE("")));
    assert_true(matches("a*", (struct slice){NULL, 0}));
}

static void test_characters_are_those_of_utf8(void **state)
{
    (void)state;
    assert_true(matches(".", SLICE("\xE2\x82\xAC")));
    assert_true(matches("\\p{Greek}+", SLICE("\xCE\xB1\xCE\xB2")));
    assert_true(matches("(?i)\xC3\x89", SLICE("\xC3\xA9")));
    assert_false(matches(".*", SLICE("\xFF")));
    assert_true(matches("a.b", (struct slice){"a\0b", 3}));
}

static void test_what_is_refused(void **state)
{
    static const char *const bad[] = {"(",      "a)",    "[a",      "*",      "a{1001}",
                                      "(a)\\1", "(?=a)", "(?<!a)b", "(?>a)",  "\\Z",
                                      "a\xFF",  "[b-a]", "(?x)a",   "a{2,1}", "\\"};
    (void)state;
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct pattern *pattern;
        struct err err = {""};
        if (pattern_new(slice_from(bad[i]), &usual, &pattern, &err) != PATTERN_E) {
            fail_msg("%s is taken", bad[i]);
        }
        assert_true(err.text[0] != '\0');
    }
}

static int compile(struct slice text, size_t size_max, int64_t program_max)
{
    struct pattern_limits limits = {size_max, program_max};
    struct pattern *pattern;
    struct err err;
    int r = pattern_new(text, &limits, &pattern, &err);
    if (r == 0) {
        pattern_free(pattern);
    }
    return r;
}

/* The smallest limit at which an expression is taken. */
static int64_t least_program(struct slice text)
{
    int64_t least = 0;
    while (compile(text, SIZE_MAX, least) != 0) {
        least++;
        assert_true(least < 10000);
    }
    return least;
}

static void test_limits(void **state)
{
    (void)state;
    int64_t least = least_program(SLICE("host[0-9]+"));
    assert_in_range(least, 5, 100);
    assert_int_equal(compile(SLICE("host[0-9]+"), 4096, least - 1), PATTERN_E);
    assert_int_equal(compile(SLICE("a"), 4096, 0), PATTERN_E);
    assert_int_equal(compile(SLICE("a"), 4096, -1), PATTERN_E);
    assert_int_equal(compile(SLICE("(a{100}){10}"), 1 << 20, 2000), 0);
    assert_int_equal(compile(SLICE("(a{100}){10}"), 4096, 2000), PATTERN_E);
}

static void test_length(void **state)
{
    (void)state;
    char *text = malloc(PATTERN_TEXT_SIZE_MAX + 1);
    memset(text, 'a', PATTERN_TEXT_SIZE_MAX + 1);
    struct slice longest = {text, PATTERN_TEXT_SIZE_MAX};
    struct slice longer = {text, PATTERN_TEXT_SIZE_MAX + 1};
    assert_int_equal(compile(longest, (size_t)64 << 20, INT64_MAX), 0);
    assert_int_equal(compile(longer, (size_t)64 << 20, INT64_MAX), PATTERN_E);
    free(text);
}

/* What takes others 2^n steps. */
static void test_matching_takes_time_in_proportion(void **state)
{
    (void)state;
    struct pattern_limits limits = {1 << 20, 10000};
    struct pattern *pattern;
    char text[2001] = "";
    memset(text, 'a', sizeof(text) - 1);
    assert_int_equal(pattern_new(SLICE("(a*)*(a|aa)+(a?){200}b"), &limits, &pattern, NULL), 0);
    assert_false(pattern_matches(pattern, slice_from(text)));
    text[1999] = 'b';
    assert_true(pattern_matches(pattern, slice_from(text)));
    pattern_free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_text_must_match),
        cmocka_unit_test(test_characters_are_those_of_utf8),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_matching_takes_time_in_proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
