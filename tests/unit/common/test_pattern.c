#include "../unit.h"

#include "common/pattern.h"

static const struct pattern_limits usual = {4096, 100};

static bool matches(const char *expression, const char *text)
{
    struct pattern *pattern;
    struct err err;
    if (pattern_new(slice_from(expression), &usual, &pattern, &err) != 0) {
        fail_msg("%s: %s", expression, err.text);
    }
    bool is_match = pattern_matches(pattern, slice_from(text));
    pattern_free(pattern);
    return is_match;
}

struct example {
    const char *expression;
    const char *yes[5]; /* up to NULL */
    const char *no[5];
};

static void check(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < 5 && examples[i].yes[j] != NULL; j++) {
            if (!matches(examples[i].expression, examples[i].yes[j])) {
                fail_msg("%s does not match '%s'", examples[i].expression, examples[i].yes[j]);
            }
        }
        for (size_t j = 0; j < 5 && examples[i].no[j] != NULL; j++) {
            if (matches(examples[i].expression, examples[i].no[j])) {
                fail_msg("%s matches '%s'", examples[i].expression, examples[i].no[j]);
            }
        }
    }
}

#define CHECK(...)                               \
    check((const struct example[]){__VA_ARGS__}, \
          sizeof((const struct example[]){__VA_ARGS__}) / sizeof(struct example))

static void test_the_whole_text_must_match(void **state)
{
    (void)state;
    CHECK({"", {""}, {"a"}}, {"ab", {"ab"}, {"a", "abc", "xab", ""}},
          {"left|right", {"left", "right"}, {"lef", "leftright", "eft"}},
          {"[lr].*t", {"left", "right", "lt"}, {"lef", "t", "rightx"}},
          {"a$b", {NULL}, {"ab", "a\nb"}}, {"^a$", {"a"}, {"a\n"}});
}

static void test_repetitions(void **state)
{
    (void)state;
    CHECK({"a*", {"", "a", "aaaa"}, {"b", "ab"}}, {"a+", {"a", "aa"}, {""}},
          {"a?b", {"b", "ab"}, {"aab"}}, {"a{2}", {"aa"}, {"a", "aaa"}},
          {"a{2,}", {"aa", "aaaaa"}, {"a"}}, {"(ab){1,3}", {"ab", "ababab"}, {"", "abababab"}},
          {"a{0}b", {"b"}, {"ab"}}, {"(a*)*b", {"b", "aab"}, {"aa"}},
          {"(a|b?)+c", {"c", "abac"}, {"abad"}}, {"a*?b+?", {"aab", "b"}, {"a"}},
          {"a{,3}", {"a{,3}"}, {"", "a"}}, {"a{01}", {"a{01}"}, {"a"}}, {"(^)*a", {"a"}, {""}});
}

static void test_classes(void **state)
{
    (void)state;
    CHECK({"[a-c]+", {"abc"}, {"d", ""}}, {"[^a-c]", {"d", "\n", "\xC3\xA9"}, {"b", ""}},
          {"[]a]+", {"]a"}, {"b"}}, {"[a-]", {"a", "-"}, {"b"}},
          {"\\d+", {"0123456789"}, {"a", "\xD9\xA0"}}, {"\\w+", {"aZ_9"}, {"-", "\xC3\xA9"}},
          {"\\s", {" ", "\t", "\f"}, {"\v", "a"}}, {"[[:space:]]", {"\v", " "}, {"a"}},
          {"[[:alpha:]_]+", {"aZ_"}, {"1"}}, {"[^[:digit:]]", {"a"}, {"1"}},
          {"\\D\\S\\W", {"ab-"}, {"1b-", "a -", "abc"}}, {"[\\d.]+", {"1.2"}, {"a"}},
          {"[[:a]+", {"[:a"}, {"b"}}, {"[\\n\\x41\\101]+", {"A\n"}, {"B"}});
}

static void test_characters(void **state)
{
    (void)state;
    CHECK({".",
           {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"},
           {"\n", "", "\xC3", "\xFF", "\xC0\x80"}},
          {"(?s).", {"\n"}, {""}}, {"\\.\\*\\(\\_", {".*(_"}, {"axb_"}},
          {"\\Qa.b*\\E+", {"a.b*", "a.b**"}, {"aab*"}}, {"\\Qa|b", {"a|b"}, {"a", "b"}},
          {"\\x{e9}\\xe9", {"\xC3\xA9\xC3\xA9"}, {"\xE9\xE9"}}, {"\\a\\t\\0", {NULL}, {"\a\t"}},
          {"{a}]}", {"{a}]}"}, {"a"}});
}

static void test_flags_and_groups(void **state)
{
    (void)state;
    CHECK({"(?i)abc[x-z]", {"aBCX", "abcz"}, {"ab"}}, {"a(?i:b)c", {"aBc", "abc"}, {"aBC", "ABc"}},
          {"(?i)a(?-i)b", {"Ab"}, {"AB"}}, {"(a(?i)b)c", {"aBc"}, {"aBC"}},
          {"(?P<name>a|b)c", {"ac", "bc"}, {"c"}}, {"(?:ab|cd)+", {"abcd"}, {"ac"}},
          {"(?m)a$\n^b", {"a\nb"}, {"ab"}}, {"(?U)a+", {"aa"}, {""}}, {"(?i)\\W", {"-"}, {"a"}},
          {"a||b", {"", "a", "b"}, {"ab"}}, {"()", {""}, {"a"}});
}

static void test_edges(void **state)
{
    (void)state;
    CHECK({"\\bab\\b", {"ab"}, {"a"}}, {"a\\b-", {"a-"}, {"a"}}, {"a\\Bb", {"ab"}, {"a"}},
          {"a\\bb", {NULL}, {"ab"}}, {"\\Aa\\z", {"a"}, {"b"}}, {"\\B", {""}, {"a"}});
}

static void test_what_is_refused(void **state)
{
    static const char *const bad[] = {
        "(",
        ")",
        "(a",
        "a)",
        "[a",
        "[b-a]",
        "[[:what:]]",
        "*",
        "a|*",
        "a**",
        "a+{2}",
        "{2}",
        "a{2,1}",
        "a{1001}",
        "\\1",
        "(a)\\1",
        "\\",
        "\\e",
        "\\C",
        "\\pL",
        "[\\p{Greek}]",
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        "(?<!a)b",
        "(?>a)",
        "(?P=n)",
        "(?P<>a)",
        "(?#note)",
        "(?i",
        "(?-)",
        "(?x)a",
        "\\x{110000}",
        "\\xg",
        "\\Z",
        "a\xFF",
        "(a{100}){100}",
        "(?i)*",
        "[\\q]",
    };
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

static int compile(const char *text, size_t size_max, int64_t program_max)
{
    struct pattern_limits limits = {size_max, program_max};
    struct pattern *pattern;
    struct err err;
    int r = pattern_new(slice_from(text), &limits, &pattern, &err);
    if (r == 0) {
        pattern_free(pattern);
    }
    return r;
}

static void test_limits(void **state)
{
    (void)state;
    /* A character is an instruction, and so is the end. */
    assert_int_equal(compile("abc", 4096, 4), 0);
    assert_int_equal(compile("abc", 4096, 3), PATTERN_E);
    assert_int_equal(compile("", 4096, 1), 0);
    assert_int_equal(compile("", 4096, 0), PATTERN_E);
    assert_int_equal(compile("", 4096, -1), PATTERN_E);
    assert_int_equal(compile("a", 48, 100), 0); /* two of 16 bytes, and a range of 8 */
    assert_int_equal(compile("a", 39, 100), PATTERN_E);
    assert_int_equal(compile("a{1000}", 1 << 20, 1001), 0);
    assert_int_equal(compile("a{1000}", 1 << 20, 1000), PATTERN_E);
    /* What is too large is given up before memory is taken for it. */
    assert_int_equal(compile("((a{10}){10}){10}", 1 << 20, 100), PATTERN_E);
}

static void test_depth_and_length(void **state)
{
    (void)state;
    char text[2 * PATTERN_DEPTH_MAX + 4] = "";
    memset(text, '(', PATTERN_DEPTH_MAX);
    memset(text + PATTERN_DEPTH_MAX, ')', PATTERN_DEPTH_MAX);
    assert_int_equal(compile(text, 4096, 100), 0);
    memset(text, '(', PATTERN_DEPTH_MAX + 1);
    memset(text + PATTERN_DEPTH_MAX + 1, ')', PATTERN_DEPTH_MAX + 1);
    assert_int_equal(compile(text, 4096, 100), PATTERN_E);

    size_t most = PATTERN_TEXT_SIZE_MAX;
    char *large = calloc(1, most + 2);
    memset(large, 'a', most);
    assert_int_equal(compile(large, SIZE_MAX, INT64_MAX), 0);
    large[most] = 'a';
    assert_int_equal(compile(large, SIZE_MAX, INT64_MAX), PATTERN_E);
    free(large);
}

static void test_choices_of_names_are_small(void **state)
{
    (void)state;
    struct pattern *pattern;
    const char *text = "host1|host2|host30|host31|host|node7";
    assert_int_equal(pattern_new(slice_from(text), &usual, &pattern, NULL), 0);
    /* host, [12], 3, [01], node7, the end, and four choices */
    assert_true(pattern_program_size(pattern) <= 17);
    pattern_free(pattern);
    CHECK({"host1|host2|host30|host31|host|node7",
           {"host1", "host30", "host31", "host", "node7"},
           {"host3", "host12", "hos", "node", ""}},
          {"ab|ac|a|xa*|xa*b", {"ab", "a", "xaa", "x", "xb"}, {"b", "abc"}});
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
        cmocka_unit_test(test_repetitions),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_flags_and_groups),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_depth_and_length),
        cmocka_unit_test(test_choices_of_names_are_small),
        cmocka_unit_test(test_matching_takes_time_in_proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
