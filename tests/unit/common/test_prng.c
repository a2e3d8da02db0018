#include "../unit.h"

#include "common/prng.h"

static void test_a_seed_gives_one_sequence(void **state)
{
    (void)state;
    struct prng a;
    struct prng b;
    struct prng c;
    prng_seed(&a, 42);
    prng_seed(&b, 42);
    prng_seed(&c, 43);
    int different = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t value = prng_next(&a);
        assert_int_equal(value, prng_next(&b));
        different += value != prng_next(&c);
    }
    assert_int_equal(different, 1000);
}

/* The published algorithm, from a known state: seeds in scripts and traces must keep their meaning.
 */
static void test_the_sequence_is_that_of_the_published_generator(void **state)
{
    (void)state;
    struct prng prng = {.state = {1, 2, 3, 4}};
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(prng_next(&prng), expected[i]);
    }
}

static void test_the_seed_zero_works(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 0);
    assert_true((prng.state[0] | prng.state[1] | prng.state[2] | prng.state[3]) != 0);
    /* splitmix64's first word from zero. */
    assert_true(prng.state[0] == UINT64_C(0xe220a8397b1dcdaf));
}

static void test_numbers_stay_below_the_bound_and_are_even(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 7);
    int counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t value = prng_below(&prng, 10);
        assert_true(value < 10);
        counts[value]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(counts[i], 9500, 10500);
    }
    for (int i = 0; i < 100; i++) {
        assert_int_equal(prng_below(&prng, 1), 0);
    }
}

static void below_zero(void)
{
    struct prng prng;
    prng_seed(&prng, 1);
    (void)prng_below(&prng, 0);
}

static void test_a_bound_of_zero_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(below_zero, "bound != 0");
}

static void test_durations(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 9);
    assert_int_equal(prng_duration_ns(&prng, 0), 0);
    bool least = false;
    bool most = false;
    for (int i = 0; i < 1000; i++) {
        int64_t ns = prng_duration_ns(&prng, 3);
        assert_in_range(ns, 0, 3);
        least = least || ns == 0;
        most = most || ns == 3;
        assert_true(prng_duration_ns(&prng, INT64_MAX) >= 0);
    }
    assert_true(least && most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_gives_one_sequence),
        cmocka_unit_test(test_the_sequence_is_that_of_the_published_generator),
        cmocka_unit_test(test_the_seed_zero_works),
        cmocka_unit_test(test_numbers_stay_below_the_bound_and_are_even),
        cmocka_unit_test(test_a_bound_of_zero_is_our_mistake),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
