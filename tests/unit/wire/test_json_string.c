#include "../unit.h"

#include "common/prng.h"
#include "wire/json.h"
#include "wire/json_scan.h"
#include "wire/json_string.h"

static void check_quoted(struct slice s, const char *expected)
{
    struct buf out = BUF_INIT;
    json_quote(s, &out);
    assert_slice(buf_slice(&out), expected);
    buf_deinit(&out);
}

static void test_quote(void **state)
{
    (void)state;
    check_quoted(SLICE(""), "\"\"");
    check_quoted(slice_make(NULL, 0), "\"\"");
    check_quoted(SLICE("plain text, longer than eight bytes"),
                 "\"plain text, longer than eight bytes\"");
    check_quoted(SLICE("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    check_quoted(SLICE("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    check_quoted(slice_make("\0\1\x1f\x7f", 4), "\"\\u0000\\u0001\\u001F\x7f\"");
    check_quoted(SLICE("h\xc3\xa4tte \xe2\x82\xac \xf0\x9f\x8c\xb2"),
                 "\"h\xc3\xa4tte \xe2\x82\xac \xf0\x9f\x8c\xb2\"");
}

#define FFFD "\xef\xbf\xbd"

static void test_not_utf8(void **state)
{
    (void)state;
    check_quoted(SLICE("\xff"), "\"" FFFD "\"");
    check_quoted(SLICE("a\x80z"), "\"a" FFFD "z\"");
    check_quoted(SLICE("\xc3"), "\"" FFFD "\""); /* cut off */
    check_quoted(SLICE("\xc3("), "\"" FFFD "(\"");
    check_quoted(SLICE("\xc0\xaf"), "\"" FFFD FFFD "\""); /* overlong */
    check_quoted(SLICE("\xe0\x80\xaf"), "\"" FFFD FFFD FFFD "\"");
    check_quoted(SLICE("\xed\xa0\x80"), "\"" FFFD FFFD FFFD "\"");          /* a surrogate */
    check_quoted(SLICE("\xf4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\""); /* too high */
    check_quoted(SLICE("\xf0\x80\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"");
    check_quoted(SLICE("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\"");
}

static bool scan(const char *text, size_t size, struct json_raw *ret)
{
    struct json_scan s;
    json_scan_init(&s, slice_make(text, size));
    return json_scan_string(&s, ret) && s.at == s.end;
}

static void check_unescaped(const char *text, const char *expected, size_t size)
{
    struct json_raw raw;
    assert_true(scan(text, strlen(text), &raw));
    char *out = malloc(raw.text.size + 1);
    size_t got = json_string_unescape(raw.text, out);
    assert_true(slice_equal(slice_make(out, got), slice_make(expected, size)));
    free(out);
}
#define CHECK_UNESCAPED(text, expected) check_unescaped((text), (expected), sizeof(expected) - 1)

static void test_unescape(void **state)
{
    (void)state;
    CHECK_UNESCAPED("\"\"", "");
    CHECK_UNESCAPED("\"nothing to do here at all\"", "nothing to do here at all");
    CHECK_UNESCAPED("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
    CHECK_UNESCAPED("\"\\u0041\\u00e4\\u20AC\\ud83c\\udf32!\"",
                    "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x8c\xb2!");
    CHECK_UNESCAPED("\"a\\u0000b\"", "a\0b");
    CHECK_UNESCAPED("\"\xff raw bytes pass\"", "\xff raw bytes pass");
}

static void test_scan_refuses(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\"",
        "\"abc",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\",
        "\"a\nb\"",
        "\"\\ud800\\ud800\"",
        "\"\\u",
        "'a'",
    };
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        struct json_raw raw;
        assert_false(scan(texts[i], strlen(texts[i]), &raw));
    }
}

/* What was quoted reads back the same, byte by byte, wherever the odd ones are. */
static void test_round_trip(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 7);
    for (int i = 0; i < 20000; i++) {
        char text[64];
        size_t size = prng_below(&prng, sizeof(text));
        for (size_t at = 0; at < size; at++) {
            text[at] = (char)(prng_below(&prng, 8) != 0 ? 'a' + (char)prng_below(&prng, 26)
                                                        : (char)prng_below(&prng, 128));
        }
        struct buf quoted = BUF_INIT;
        struct json_raw raw;
        char again[64];
        json_quote(slice_make(text, size), &quoted);
        char *exact = malloc(quoted.size);
        memcpy(exact, quoted.data, quoted.size);
        assert_true(scan(exact, quoted.size, &raw));
        char *room = malloc(raw.text.size + 1);
        size_t got = json_string_unescape(raw.text, room);
        assert_int_equal(got, size);
        memcpy(again, room, got);
        assert_memory_equal(again, text, size);
        free(room);
        free(exact);
        buf_deinit(&quoted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quote),      cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_unescape),   cmocka_unit_test(test_scan_refuses),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
