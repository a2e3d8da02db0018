#include "../unit.h"

#include <errno.h>

#include "common/json_wellformed.h"

static void test_what_is_json(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        " { } ",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5e+10",
        "1E-2",
        "\"\"",
        "\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\xc3\xa9\"",
        "[1, 2,3 ]",
        "{\"a\":1}",
        "{\"a\" : {\"b\" : [ {} , [] , null ] } , \"c\":\"d\" }",
        "\t\r\n[\n]\n",
        "[[],[[]]]",
        "{\"\":{}}",
    };
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        struct err err = {""};
        if (json_wellformed(slice_from(good[i]), &err) != 0) {
            fail_msg("%s: %s", good[i], err.text);
        }
    }
}

static void test_what_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *what; /* in the message */
    } bad[] = {
        {"", "byte 0: a value"},
        {"   ", "byte 3: a value"},
        {"{", "a name in quotes"},
        {"}", "a value"},
        {"[", "a value"},
        {"]", "a value"},
        {"[1", "byte 2: a comma or the end of an array"},
        {"[1}", "byte 2: a comma or the end of an array"},
        {"[1,]", "byte 3: a value"},
        {"[,1]", "a value"},
        {"[1 2]", "a comma"},
        {"{1:2}", "a name in quotes"},
        {"{\"a\"}", "a colon"},
        {"{\"a\":}", "a value"},
        {"{\"a\":1,}", "a name in quotes"},
        {"{\"a\":1]", "the end of an object"},
        {"{\"a\":1 \"b\":2}", "the end of an object"},
        {"{} {}", "byte 3: nothing more"},
        {"{}x", "nothing more"},
        {"nul", "a value"},
        {"nulll", "nothing more"},
        {"True", "a value"},
        {"01", "no digit behind a leading zero"},
        {"-", "a digit"},
        {"1.", "a digit"},
        {".5", "a value"},
        {"+1", "a value"},
        {"1e", "a digit"},
        {"1e+", "a digit"},
        {"NaN", "a value"},
        {"'a'", "a value"},
        {"\"a", "the end of a string"},
        {"\"a\\\"", "the end of a string"},
        {"\"a\nb\"", "byte 2: no control character"},
        {"\"\\x\"", "an escape"},
        {"\"\\", "an escape"},
        {"\"\\u12g4\"", "four hexadecimal"},
        {"\"\\u12", "four hexadecimal"},
        {"// a\n{}", "a value"},
    };
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        struct err err = {""};
        assert_int_equal(json_wellformed(slice_from(bad[i].text), &err), -EINVAL);
        if (strstr(err.text, bad[i].what) == NULL) {
            fail_msg("%s: %s", bad[i].text, err.text);
        }
    }
    assert_int_equal(json_wellformed(SLICE("[\0]"), NULL), -EINVAL);
    assert_int_equal(json_wellformed(slice_from(NULL), NULL), -EINVAL);
}

static int nested(int depth)
{
    struct buf buf = BUF_INIT;
    for (int i = 0; i < depth; i++) {
        buf_append_text(&buf, i % 2 == 0 ? "[" : "{\"a\":");
    }
    buf_append_text(&buf, "1");
    for (int i = depth; i > 0; i--) {
        buf_append_byte(&buf, i % 2 == 1 ? ']' : '}');
    }
    int r = json_wellformed(buf_slice(&buf), NULL);
    buf_deinit(&buf);
    return r;
}

static void test_nesting_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(nested(JSON_WELLFORMED_DEPTH_MAX), 0);
    assert_int_equal(nested(JSON_WELLFORMED_DEPTH_MAX + 1), -EINVAL);
    assert_int_equal(nested(100000), -EINVAL);
}

/* No beginning of a text is well-formed, and none is read beyond its end. */
static void test_every_beginning(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[1.5e3,true,null,\"\\u00e9\\n\",{}],\"b\":false}";
    for (size_t size = 0; size < sizeof(text) - 1; size++) {
        char *exact = malloc(size != 0 ? size : 1);
        assert_non_null(exact);
        memcpy(exact, text, size);
        assert_int_equal(json_wellformed(slice_make(exact, size), NULL), -EINVAL);
        free(exact);
    }
    assert_int_equal(json_wellformed(slice_from(text), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_json),
        cmocka_unit_test(test_what_is_not),
        cmocka_unit_test(test_nesting_has_a_limit),
        cmocka_unit_test(test_every_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
