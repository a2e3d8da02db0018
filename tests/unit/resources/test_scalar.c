#include "../unit.h"

#include <math.h>

#include "common/prng.h"
#include "resources/scalar.h"

static int64_t scalar(double value)
{
    int64_t result = 0;
    assert_true(scalar_from_double(value, &result));
    return result;
}

static void test_from_double(UNUSED void **state)
{
    assert_int_equal(scalar(1), 1000);
    assert_int_equal(scalar(0.1), 100);
    assert_int_equal(scalar(1.0004), 1000);
    assert_int_equal(scalar(1.0005), 1001);
    assert_int_equal(scalar(0.0004), 0);
    assert_int_equal(scalar(-2.5), -2500);
    assert_int_equal(scalar(9e15), 9000000000000000000);
}

static void test_from_double_refuses(UNUSED void **state)
{
    int64_t kept = 7;
    assert_false(scalar_from_double(NAN, &kept));
    assert_false(scalar_from_double(INFINITY, &kept));
    assert_false(scalar_from_double(-INFINITY, &kept));
    assert_false(scalar_from_double(9.3e15, &kept));
    assert_false(scalar_from_double(-9.3e15, &kept));
    assert_false(scalar_from_double(1e300, &kept));
    assert_int_equal(kept, 7);
}

static void test_to_double_reads_back(UNUSED void **state)
{
    struct prng prng;
    prng_seed(&prng, 11);
    for (int i = 0; i < 20000; i++) {
        int64_t value = (int64_t)prng_below(&prng, 1000000000000) - 500000000000;
        assert_int_equal(scalar(scalar_to_double(value)), value);
    }
    assert_true(scalar_to_double(300) == 0.3);
    assert_true(scalar_to_double(12345678901) == 12345678.901);
}

static void test_saturation(UNUSED void **state)
{
    assert_int_equal(scalar_add(INT64_MAX - 1, 5), INT64_MAX);
    assert_int_equal(scalar_add(INT64_MIN + 1, -5), INT64_MIN);
    assert_int_equal(scalar_subtract(INT64_MIN + 1, 5), INT64_MIN);
    assert_int_equal(scalar_subtract(INT64_MAX - 1, -5), INT64_MAX);
    assert_int_equal(scalar_add(400, 600), 1000);
    assert_int_equal(scalar_from_count(3), 3000);
    assert_int_equal(scalar_from_count(UINT64_MAX), INT64_MAX);
}

static void test_format(UNUSED void **state)
{
    static const struct {
        int64_t scalar;
        const char *text;
    } cases[] = {
        {0, "0"},
        {1000, "1"},
        {500, "0.5"},
        {1, "0.001"},
        {-1500, "-1.5"},
        {1024010, "1024.01"},
        {99999999999999, "99999999999.999"},
        {100000000000001, "100000000000.001"},
        {1000000000000000000, "1e+15"},
        {999999999999999000, "999999999999999"},
        {INT64_MAX, "9.22337203685478e+15"},
        {INT64_MIN, "-9.22337203685478e+15"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        struct buf out = BUF_INIT;
        scalar_format(cases[i].scalar, &out);
        assert_string_equal(buf_text(&out), cases[i].text);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_from_double),
        cmocka_unit_test(test_from_double_refuses),
        cmocka_unit_test(test_to_double_reads_back),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
