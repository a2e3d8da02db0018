#include "../unit.h"

#include <inttypes.h>
#include <math.h>

#include "common/prng.h"
#include "wire/json.h"
#include "wire/json_number.h"

static const char *text_of(double value)
{
    static char text[JSON_NUMBER_TEXT_SIZE + 1];
    *json_number_put_double(text, value) = '\0';
    return text;
}

/* As the reference writes them (golden/, and RapidJSON's rules for exponents). */
static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } table[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.0, "-1.0"},
        {64.0, "64.0"},
        {4096.0, "4096.0"},
        {0.1, "0.1"},
        {0.5, "0.5"},
        {-0.25, "-0.25"},
        {1.7, "1.7"},
        {0.001, "0.001"},
        {123456.789, "123456.789"},
        {999999999999.999, "999999999999.999"},
        {1795163233.969038, "1795163233.969038"},
        {1795168794.8803403, "1795168794.8803403"},
        {4.64208984375, "4.64208984375"},
        {0.013308723199999999, "0.013308723199999999"},
        {2.0546969600000002, "2.0546969600000002"},
        {0.011673599999999998, "0.011673599999999998"},
        {1.141452799999999, "1.141452799999999"},
        {0.0625, "0.0625"},
        {0.000001, "0.000001"},
        {0.0000001, "1e-7"},
        {1.5e-7, "1.5e-7"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {1e15, "1000000000000000.0"},
        {9007199254740991.0, "9007199254740991.0"},
        {9007199254740993.0, "9007199254740992.0"},
        {4503599627370495.5, "4503599627370495.5"},
        {1e20, "100000000000000000000.0"},
        {1e21, "1e21"},
        {1.25e22, "1.25e22"},
        {123456789012345680000.0, "123456789012345680000.0"},
        {1e100, "1e100"},
        {1.7976931348623157e308, "1.7976931348623157e308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {-1.5e-300, "-1.5e-300"},
        {(double)INFINITY, "\"Infinity\""},
        {-(double)INFINITY, "\"-Infinity\""},
        {(double)NAN, "\"NaN\""},
    };
    for (size_t i = 0; i < ELEMENTS(table); i++) {
        assert_string_equal(text_of(table[i].value), table[i].text);
    }
}

static int digits_in(const char *text)
{
    char digits[64];
    int count = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9' && (count != 0 || *text != '0')) {
            digits[count++] = *text;
        }
    }
    while (count > 0 && digits[count - 1] == '0') {
        count--;
    }
    return count;
}

/* Reads back the same, with no more digits than needed. */
static void check_shortest(double value)
{
    const char *text = text_of(value);
    if (strtod(text, NULL) != value) {
        fail_msg("%s is not %.17g", text, value);
    }
    const char *at = text;
    struct json_number number;
    assert_true(json_number_read(&at, text + strlen(text), &number));
    assert_true(*at == '\0' && number.real == value);
    char shortest[40];
    int precision = 1;
    do {
        (void)snprintf(shortest, sizeof(shortest), "%.*e", precision - 1, value);
    } while (strtod(shortest, NULL) != value && ++precision <= 17);
    if (digits_in(text) > digits_in(shortest)) {
        fail_msg("%s has more digits than %s", text, shortest);
    }
}

static void test_doubles_at_random(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 42);
    for (int i = 0; i < 30000; i++) {
        uint64_t word = prng_next(&prng);
        double value;
        memcpy(&value, &word, sizeof(value));
        if (isfinite(value)) {
            check_shortest(value);
        }
        check_shortest((double)prng_below(&prng, 1000000) / 1000);
        check_shortest((double)prng_below(&prng, UINT64_MAX) / 1e9);
        check_shortest(1795163233.0 + (double)prng_below(&prng, 1000000000) / 1e9);
        check_shortest(ldexp((double)prng_below(&prng, 1 << 20), -(int)prng_below(&prng, 60)));
        check_shortest((double)prng_next(&prng));
    }
    for (int e = -1074; e < 1024; e++) {
        check_shortest(ldexp(1, e));
        check_shortest(nextafter(ldexp(1, e), 0));
        check_shortest(nextafter(ldexp(1, e), (double)INFINITY));
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    char text[JSON_NUMBER_TEXT_SIZE];
    char expected[JSON_NUMBER_TEXT_SIZE];
    uint64_t power = 1;
    for (int i = 0; i < 20; i++, power *= 10) {
        for (int by = -1; by <= 1; by++) {
            uint64_t value = power + (uint64_t)by;
            *json_number_put_uint64(text, value) = '\0';
            (void)snprintf(expected, sizeof(expected), "%" PRIu64, value);
            assert_string_equal(text, expected);
            *json_number_put_int64(text, (int64_t)value) = '\0';
            (void)snprintf(expected, sizeof(expected), "%" PRId64, (int64_t)value);
            assert_string_equal(text, expected);
        }
    }
    *json_number_put_int64(text, INT64_MIN) = '\0';
    assert_string_equal(text, "-9223372036854775808");
    *json_number_put_uint64(text, UINT64_MAX) = '\0';
    assert_string_equal(text, "18446744073709551615");
}

static void check_number(const char *text, enum json_number_type type, uint64_t magnitude,
                         double real)
{
    const char *at = text;
    struct json_number number;
    assert_true(json_number_read(&at, text + strlen(text), &number));
    assert_int_equal(*at, '\0');
    assert_int_equal(number.type, type);
    assert_true(number.magnitude == magnitude);
    assert_true(number.real == real);
}

static void test_read(void **state)
{
    (void)state;
    check_number("0", JSON_NUMBER_UNSIGNED, 0, 0);
    check_number("42", JSON_NUMBER_UNSIGNED, 42, 42);
    check_number("-42", JSON_NUMBER_NEGATIVE, 42, -42);
    check_number("18446744073709551615", JSON_NUMBER_UNSIGNED, UINT64_MAX, 0x1p64);
    check_number("18446744073709551616", JSON_NUMBER_REAL, 0, 0x1p64);
    check_number("-9223372036854775808", JSON_NUMBER_NEGATIVE, UINT64_C(1) << 63, -0x1p63);
    check_number("-9223372036854775809", JSON_NUMBER_REAL, 0, -0x1p63);
    check_number("1.0", JSON_NUMBER_REAL, 0, 1);
    check_number("1e3", JSON_NUMBER_REAL, 0, 1000);
    check_number("1E+3", JSON_NUMBER_REAL, 0, 1000);
    check_number("-12.5e-1", JSON_NUMBER_REAL, 0, -1.25);
    check_number("0.1", JSON_NUMBER_REAL, 0, 0.1);
    check_number("123456789.123456789123456789", JSON_NUMBER_REAL, 0, 123456789.123456789123456789);
    check_number("1e-400", JSON_NUMBER_REAL, 0, 0);
    check_number("0e999999999999", JSON_NUMBER_REAL, 0, 0);
    check_number("2.2250738585072011e-308", JSON_NUMBER_REAL, 0, 2.2250738585072011e-308);
}

static void test_read_refuses(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "-",   "+1",  ".5",       "01", "-01",   "1.",
                                        "1e", "1e+", "NaN", "Infinity", "x",  "1e400", "-1e309"};
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        const char *at = texts[i];
        struct json_number number;
        assert_false(json_number_read(&at, at + strlen(at), &number));
        assert_ptr_equal(at, texts[i]);
    }
}

/* Texts of the longest size that is read, and of one byte more. */
static void test_read_long(void **state)
{
    (void)state;
    char text[JSON_NUMBER_SIZE_MAX + 1];
    const char *at = text;
    struct json_number number;
    memset(text, '1', sizeof(text));
    text[1] = '.';
    assert_false(json_number_read(&at, text + sizeof(text), &number));
    assert_true(json_number_read(&at, text + sizeof(text) - 1, &number));
    assert_true(number.real > 1.1 && number.real < 1.2);
}

static void test_convert(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_int64;
        int64_t int64;
        bool is_uint64;
        uint64_t uint64;
    } table[] = {
        {"7", true, 7, true, 7},
        {"-7", true, -7, false, 0},
        {"-0", true, 0, true, 0},
        {"1.0", true, 1, true, 1},
        {"1.9", true, 1, true, 1},
        {"-1.9", true, -1, false, 0},
        {"-0.9", true, 0, true, 0},
        {"9223372036854775807", true, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", false, 0, true, UINT64_C(1) << 63},
        {"-9223372036854775808", true, INT64_MIN, false, 0},
        {"18446744073709551615", false, 0, true, UINT64_MAX},
        {"18446744073709551616", false, 0, false, 0},
        {"1e18", true, INT64_C(1000000000000000000), true, UINT64_C(1000000000000000000)},
        {"1e19", false, 0, true, UINT64_C(10000000000000000000)},
        {"1e20", false, 0, false, 0},
        {"-1e19", false, 0, false, 0},
    };
    for (size_t i = 0; i < ELEMENTS(table); i++) {
        const char *at = table[i].text;
        struct json_number number;
        int64_t int64 = 99;
        uint64_t uint64 = 99;
        assert_true(json_number_read(&at, at + strlen(at), &number));
        assert_int_equal(json_number_to_int64(&number, INT64_MIN, INT64_MAX, &int64),
                         table[i].is_int64);
        assert_true(int64 == (table[i].is_int64 ? table[i].int64 : 99));
        assert_int_equal(json_number_to_uint64(&number, UINT64_MAX, &uint64), table[i].is_uint64);
        assert_true(uint64 == (table[i].is_uint64 ? table[i].uint64 : 99));
    }
    struct json_number number = {.type = JSON_NUMBER_UNSIGNED, .magnitude = 200, .real = 200};
    int64_t int64;
    uint64_t uint64;
    assert_true(json_number_to_int64(&number, 0, 200, &int64));
    assert_false(json_number_to_int64(&number, 0, 199, &int64));
    assert_false(json_number_to_int64(&number, 201, 300, &int64));
    assert_true(json_number_to_uint64(&number, 200, &uint64));
    assert_false(json_number_to_uint64(&number, 199, &uint64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles),       cmocka_unit_test(test_doubles_at_random),
        cmocka_unit_test(test_whole_numbers), cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_refuses),  cmocka_unit_test(test_read_long),
        cmocka_unit_test(test_convert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
