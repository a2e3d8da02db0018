#include "../unit.h"

#include "resources/value.h"

static struct value parse(const char *text)
{
    struct value value;
    struct err err = {{0}};
    if (value_parse(slice_from(text), &value, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    return value;
}

static void test_scalars(UNUSED void **state)
{
    static const struct {
        const char *text;
        int64_t scalar;
    } cases[] = {
        {"45.55", 45550}, {"1e3", 1000000}, {" 1 0 ", 10000}, {"0", 0}, {"1.0004", 1000},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct value value = parse(cases[i].text);
        assert_int_equal(value.type, VALUE_SCALAR);
        assert_int_equal(value.scalar, cases[i].scalar);
        value_deinit(&value);
    }
    struct value value = parse("1.0004");
    assert_true(value.real == 1.0004);
}

static void test_texts(UNUSED void **state)
{
    static const char *const texts[] = {
        "123abc,s", "inf", "-inf", "infinity", "nan", "-1", "-0.5", "1e999", "0x10", "a(b)",
    };
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        struct value value = parse(texts[i]);
        assert_int_equal(value.type, VALUE_TEXT);
        assert_string_equal(value.text, texts[i]);
        value_deinit(&value);
    }
    struct value value = parse("two words");
    assert_string_equal(value.text, "twowords");
    value_deinit(&value);
}

static void test_ranges_and_sets(UNUSED void **state)
{
    struct value value = parse("[10000-20000, 30000-50000]");
    assert_int_equal(value.type, VALUE_RANGES);
    assert_int_equal(ranges_count(value.ranges), 2);
    assert_int_equal(value.ranges->items[1].begin, 30000);
    value_deinit(&value);

    value = parse("{sda1, sda2}");
    assert_int_equal(value.type, VALUE_SET);
    assert_int_equal(item_set_count(value.items), 2);
    assert_slice(value.items->items[1], "sda2");
    value_deinit(&value);

    value = parse("{}");
    assert_int_equal(value.type, VALUE_SET);
    assert_null(value.items);
    value = parse("[]");
    assert_int_equal(value.type, VALUE_RANGES);
    assert_null(value.ranges);
}

static void test_errors(UNUSED void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } cases[] = {
        {"  ", "Expecting non-empty string"},
        {"{aa,b}}", "Mismatched brackets"},
        {"[1-2]]", "Mismatched brackets"},
        {")a(", "Mismatched brackets"},
        {"[1-2b]", "Expecting non-negative integers in '1'"},
        {"[1-2,3]", "Expecting one or more \"ranges\""},
        {"[0x-3]", "Expecting non-negative integers"},
        {"[1-18446744073709551616]", "Expecting non-negative integers"},
        {"[5-1]", "begin > end"},
        {"a[1-2]", "Unexpected '[' found"},
        {"a{b}", "Unexpected '{' found"},
        {"{a,b,a}", "duplicated elements"},
        {"7.63918e-313", "Subnormal"},
        {"-7.63918e-313", "Subnormal"},
        {"1e17", "too large"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct value value = {.scalar = 77};
        struct err err = {{0}};
        assert_int_equal(value_parse(slice_from(cases[i].text), &value, &err), VALUE_E_INVALID);
        if (strstr(err.text, cases[i].why) == NULL) {
            fail_msg("%s: '%s' instead of '%s'", cases[i].text, err.text, cases[i].why);
        }
        assert_int_equal(value.scalar, 77);
    }
}

/* "[0-0,2-2,...]" or "{0,2,...}" with `count` entries. */
static int parse_many(const char *format, char open, char close, size_t count)
{
    struct buf text = BUF_INIT;
    buf_append_byte(&text, open);
    for (size_t i = 0; i < count; i++) {
        char entry[64];
        snprintf(entry, sizeof(entry), "%zu", i * 2);
        buf_append_text(&text, i > 0 ? "," : "");
        buf_append_text(&text, entry);
        if (*format == 'r') {
            buf_append_byte(&text, '-');
            buf_append_text(&text, entry);
        }
    }
    buf_append_byte(&text, close);
    struct value value = {0};
    int r = value_parse(buf_slice(&text), &value, NULL);
    if (r == 0) {
        assert_int_equal(open == '[' ? ranges_count(value.ranges) : item_set_count(value.items),
                         count);
    }
    value_deinit(&value);
    buf_deinit(&text);
    return r;
}

static void test_limits(UNUSED void **state)
{
    assert_int_equal(parse_many("range", '[', ']', RANGES_COUNT_MAX), 0);
    assert_int_equal(parse_many("range", '[', ']', RANGES_COUNT_MAX + 1), VALUE_E_INVALID);
    assert_int_equal(parse_many("item", '{', '}', ITEM_SET_COUNT_MAX), 0);
    assert_int_equal(parse_many("item", '{', '}', ITEM_SET_COUNT_MAX + 1), VALUE_E_INVALID);
}

static void test_type_names(UNUSED void **state)
{
    assert_string_equal(value_type_name(VALUE_SCALAR), "SCALAR");
    assert_string_equal(value_type_name(VALUE_RANGES), "RANGES");
    assert_string_equal(value_type_name(VALUE_SET), "SET");
    assert_string_equal(value_type_name(VALUE_TEXT), "TEXT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),         cmocka_unit_test(test_texts),
        cmocka_unit_test(test_ranges_and_sets), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_limits),          cmocka_unit_test(test_type_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
