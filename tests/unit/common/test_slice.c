#include "../unit.h"

#include <math.h>

#include "common/slice.h"

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void test_comparing(void **state)
{
    (void)state;
    assert_true(slice_equal(SLICE("a"), SLICE("a")));
    assert_true(slice_equal(slice_from(NULL), SLICE("")));
    assert_false(slice_equal(SLICE("a"), SLICE("b")));
    assert_false(slice_equal(SLICE("a"), SLICE("ab")));
    assert_true(slice_is(SLICE("a\0b"), "a") == false);
    assert_int_equal(sign(slice_compare(SLICE("a"), SLICE("b"))), -1);
    assert_int_equal(sign(slice_compare(SLICE("b"), SLICE("a"))), 1);
    assert_int_equal(sign(slice_compare(SLICE("a"), SLICE("ab"))), -1);
    assert_int_equal(sign(slice_compare(SLICE("ab"), SLICE("a"))), 1);
    assert_int_equal(slice_compare(SLICE("ab"), SLICE("ab")), 0);
    assert_int_equal(slice_compare(slice_from(NULL), SLICE("")), 0);
    assert_int_equal(sign(slice_compare(SLICE("\x7f"), SLICE("\x80"))), -1);
    assert_true(slice_equal_nocase(SLICE("Content-Type"), SLICE("content-tYPE")));
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("b")));
    assert_false(slice_equal_nocase(SLICE("a"), SLICE("aa")));
    assert_true(slice_equal_nocase(slice_from(NULL), SLICE("")));
}

static void test_prefix_and_suffix(void **state)
{
    (void)state;
    assert_true(slice_starts_with(SLICE("abc"), SLICE("ab")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE("")));
    assert_true(slice_starts_with(SLICE("abc"), SLICE("abc")));
    assert_false(slice_starts_with(SLICE("abc"), SLICE("abcd")));
    assert_false(slice_starts_with(SLICE("abc"), SLICE("b")));
    assert_true(slice_ends_with(SLICE("abc"), SLICE("bc")));
    assert_true(slice_ends_with(SLICE("abc"), SLICE("")));
    assert_false(slice_ends_with(SLICE("abc"), SLICE("xabc")));
    assert_false(slice_ends_with(SLICE("abc"), SLICE("b")));
    assert_slice(slice_skip(SLICE("abc"), 3), "");
    assert_slice(slice_skip(SLICE("abc"), 1), "bc");
}

static void skip_too_much(void)
{
    (void)slice_skip(SLICE("abc"), 4);
}

static void test_skipping_too_much_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(skip_too_much, "count <= s.size");
}

static void test_trimming(void **state)
{
    (void)state;
    assert_slice(slice_trim(SLICE(" \t a b\r\n")), "a b");
    assert_slice(slice_trim(SLICE(" \n ")), "");
    assert_slice(slice_trim(SLICE("")), "");
    assert_slice(slice_trim(slice_from(NULL)), "");
    assert_slice(slice_trim(SLICE("x")), "x");
}

static void check_split(struct slice text, const char *const *parts)
{
    struct slice rest = text;
    struct slice part;
    for (; *parts != NULL; parts++) {
        assert_true(slice_split(&rest, ',', &part));
        assert_slice(part, *parts);
    }
    assert_false(slice_split(&rest, ',', &part));
    assert_false(slice_split(&rest, ',', &part));
    assert_null(rest.data);
}

static void test_splitting(void **state)
{
    (void)state;
    check_split(SLICE("a,bc,d"), (const char *[]){"a", "bc", "d", NULL});
    check_split(SLICE(",a,,"), (const char *[]){"", "a", "", "", NULL});
    check_split(SLICE("abc"), (const char *[]){"abc", NULL});
    check_split(SLICE(""), (const char *[]){"", NULL});
    check_split(slice_from(NULL), (const char *[]){NULL});
}

static void test_finding(void **state)
{
    (void)state;
    assert_int_equal(slice_find(SLICE("abcb"), 'b'), 1);
    assert_int_equal(slice_find(SLICE("abc"), 'x'), -1);
    assert_int_equal(slice_find(SLICE(""), 'x'), -1);
    assert_int_equal(slice_find(slice_from(NULL), 'x'), -1);
    assert_int_equal(slice_find(SLICE("a\0b"), '\0'), 1);
}

static void test_signed_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"42", 42},
                {"-42", -42},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        int64_t value = 99;
        assert_true(slice_parse_int64(slice_from(good[i].text), &value));
        assert_int_equal(value, good[i].value);
    }
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "0x10",
                                      "1.0",
                                      "--1",
                                      "\v1",
                                      "\f1",
                                      "1e3",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "000000000000000000000000000000000000001"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        int64_t value = 99;
        assert_false(slice_parse_int64(slice_from(bad[i]), &value));
        assert_int_equal(value, 99);
    }
    int64_t value;
    assert_false(slice_parse_int64(SLICE("1\0002"), &value));
    assert_true(slice_parse_int64(slice_make("123456", 3), &value));
    assert_int_equal(value, 123);
}

static void test_unsigned_numbers(void **state)
{
    (void)state;
    uint64_t value = 99;
    assert_true(slice_parse_uint64(SLICE("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    assert_true(slice_parse_uint64(SLICE("0"), &value));
    assert_int_equal(value, 0);
    static const char *const bad[] = {"",    "-1", "+1", " 1", "1 ", "18446744073709551616",
                                      "0x1", "a"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        value = 99;
        assert_false(slice_parse_uint64(slice_from(bad[i]), &value));
        assert_int_equal(value, 99);
    }
}

static void test_numbers_with_a_fraction(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},  {"1.5", 1.5}, {"-2.25", -2.25}, {"1e3", 1000}, {".5", 0.5},
                {"5.", 5}, {"+1", 1},    {"1E-2", 0.01},   {"1e-999", 0}, {"1e308", 1e308}};
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        double value = 99;
        assert_true(slice_parse_double(slice_from(good[i].text), &value));
        assert_true(fabs(value - good[i].value) <= fabs(good[i].value) * 1e-15);
    }
    static const char *const bad[] = {"",     "nan",  "inf",  "-inf", "0x10", "1e999", "-1e999",
                                      "1.5x", "1.5 ", " 1.5", "1..5", "e5",   "1e",    "infinity"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        double value = 99;
        assert_false(slice_parse_double(slice_from(bad[i]), &value));
        assert_true(value == 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comparing),
        cmocka_unit_test(test_prefix_and_suffix),
        cmocka_unit_test(test_skipping_too_much_is_our_mistake),
        cmocka_unit_test(test_trimming),
        cmocka_unit_test(test_splitting),
        cmocka_unit_test(test_finding),
        cmocka_unit_test(test_signed_numbers),
        cmocka_unit_test(test_unsigned_numbers),
        cmocka_unit_test(test_numbers_with_a_fraction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
