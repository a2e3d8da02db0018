#include "../unit.h"

#include <errno.h>
#include <math.h>

#include "common/duration.h"

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"0ns", 0},
        {"1ns", 1},
        {"5us", 5 * NS_PER_US},
        {"500ms", 500 * NS_PER_MS},
        {"15secs", 15 * NS_PER_SEC},
        {"1mins", NS_PER_MIN},
        {"2hrs", 2 * NS_PER_HOUR},
        {"3days", 3 * NS_PER_DAY},
        {"2weeks", 2 * NS_PER_WEEK},
        {"1.5hrs", 90 * NS_PER_MIN},
        {"0.5secs", 500 * NS_PER_MS},
        {"-10secs", -10 * NS_PER_SEC},
        {"1e3ns", -1}, /* 'e' begins a unit that is none */
        {"9223372036854775807ns", INT64_MAX},
        {"-9223372036854775808ns", INT64_MIN},
    };
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        int64_t ns = -1;
        int r = duration_parse(slice_from(good[i].text), &ns, NULL);
        assert_int_equal(r, good[i].ns == -1 ? -EINVAL : 0);
        assert_int_equal(ns, good[i].ns);
    }
}

static void test_what_is_no_duration(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "10",
                                      "secs",
                                      "10 secs",
                                      "10sec",
                                      "10SECS",
                                      "1..5ms",
                                      "often",
                                      "1e400ns",
                                      "10secs ",
                                      " 10secs",
                                      "9223372036854775808ns",
                                      "1e9weeks",
                                      "99999999999weeks",
                                      "15251.0weeks",
                                      "--1secs",
                                      "nanweeks",
                                      "infsecs"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        int64_t ns = 99;
        struct err err;
        assert_int_equal(duration_parse(slice_from(bad[i]), &ns, &err), -EINVAL);
        assert_int_equal(ns, 99);
        assert_non_null(strstr(err.text, "is not a duration"));
    }
}

static void test_durations_are_shown_in_the_largest_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0ns"},
        {1, "1ns"},
        {1500 * NS_PER_MS, "1500ms"},
        {NS_PER_SEC, "1secs"},
        {60 * NS_PER_SEC, "1mins"},
        {90 * NS_PER_SEC, "90secs"},
        {10 * NS_PER_MIN, "10mins"},
        {2 * NS_PER_HOUR, "2hrs"},
        {14 * NS_PER_DAY, "2weeks"},
        {-5 * NS_PER_SEC, "-5secs"},
        {INT64_MAX, "9223372036854775807ns"},
        {INT64_MIN, "-9223372036854775808ns"},
    };
    struct buf buf = BUF_INIT;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        buf_clear(&buf);
        duration_format(cases[i].ns, &buf);
        assert_string_equal(buf_text(&buf), cases[i].text);
        int64_t back;
        assert_int_equal(duration_parse(buf_slice(&buf), &back, NULL), 0);
        assert_int_equal(back, cases[i].ns);
    }
    buf_deinit(&buf);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
        const char *shown;
    } good[] = {
        {"0B", 0, "0B"},
        {"1B", 1, "1B"},
        {"4096B", 4096, "4KB"},
        {"512MB", 512 << 20, "512MB"},
        {"2GB", INT64_C(2) << 30, "2GB"},
        {"1.5KB", 1536, "1536B"},
        {"3TB", INT64_C(3) << 40, "3TB"},
    };
    struct buf buf = BUF_INIT;
    for (size_t i = 0; i < ELEMENTS(good); i++) {
        int64_t bytes = -1;
        assert_int_equal(bytes_parse(slice_from(good[i].text), &bytes, NULL), 0);
        assert_int_equal(bytes, good[i].bytes);
        buf_clear(&buf);
        bytes_format(bytes, &buf);
        assert_string_equal(buf_text(&buf), good[i].shown);
    }
    buf_deinit(&buf);
    static const char *const bad[] = {"",  "12",  "2 apples", "2gb",      "-1B",
                                      "B", "1PB", "1e1B",     "8388608TB"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        int64_t bytes = 99;
        struct err err;
        assert_int_equal(bytes_parse(slice_from(bad[i]), &bytes, &err), -EINVAL);
        assert_int_equal(bytes, 99);
        assert_non_null(strstr(err.text, "is not a size"));
    }
}

static void test_sums_stay_in_range(void **state)
{
    (void)state;
    assert_int_equal(time_add_ns(1, 2), 3);
    assert_int_equal(time_add_ns(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(time_add_ns(INT64_MAX - 1, 1), TIME_NEVER);
    assert_int_equal(time_add_ns(INT64_MIN, -1), INT64_MIN);
    assert_int_equal(time_add_ns(INT64_MAX, INT64_MIN), -1);
    assert_int_equal(time_add_ns(-1, INT64_MIN), INT64_MIN);
}

static void test_seconds_as_numbers(void **state)
{
    (void)state;
    static const struct {
        double secs;
        int64_t ns;
    } cases[] = {
        {0, 0},
        {1, NS_PER_SEC},
        {0.25, 250 * NS_PER_MS},
        {-2, -2 * NS_PER_SEC},
        {1e300, INT64_MAX},
        {-1e300, INT64_MIN},
        {INFINITY, INT64_MAX},
        {-INFINITY, INT64_MIN},
        {1e-300, 0},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        int64_t ns = 99;
        assert_true(duration_from_secs(cases[i].secs, &ns));
        assert_int_equal(ns, cases[i].ns);
    }
    int64_t ns = 99;
    assert_false(duration_from_secs(NAN, &ns));
    assert_int_equal(ns, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_what_is_no_duration),
        cmocka_unit_test(test_durations_are_shown_in_the_largest_unit),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_sums_stay_in_range),
        cmocka_unit_test(test_seconds_as_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
