/* Sets of positions, against a model that is an array of booleans. */
#include "../unit.h"

#include "common/prng.h"
#include "rlog/positions.h"

#define SIZE 40

static void assert_model(const struct rlog_positions *set, const bool *model)
{
    uint64_t number = 0;
    size_t ranges = 0;
    for (uint64_t i = 0; i < SIZE; i++) {
        assert_int_equal(rlog_positions_has(set, i), model[i]);
        number += model[i];
        ranges += model[i] && (i == 0 || !model[i - 1]);
        if (model[i] && (i + 1 == SIZE || !model[i + 1]) && number > 0) {
            assert_true(set->ranges[ranges - 1].high == i);
        }
    }
    assert_int_equal(rlog_positions_number(set), number);
    assert_int_equal(set->count, ranges);
    assert_int_equal(rlog_positions_is_empty(set), number == 0);
}

static void behaves_as_the_model(void **state)
{
    (void)state;
    struct prng prng;
    prng_seed(&prng, 1);
    for (int run = 0; run < 200; run++) {
        struct rlog_positions set = {0};
        bool model[SIZE] = {false};
        for (int step = 0; step < 60; step++) {
            uint64_t low = prng_below(&prng, SIZE);
            uint64_t high = low + prng_below(&prng, SIZE - low);
            bool adds = prng_below(&prng, 2) == 0;
            if (adds) {
                rlog_positions_add(&set, low, high);
            } else {
                rlog_positions_remove(&set, low, high);
            }
            for (uint64_t i = low; i <= high; i++) {
                model[i] = adds;
            }
            assert_model(&set, model);
        }
        rlog_positions_deinit(&set);
    }
}

static void goes_to_the_ends(void **state)
{
    (void)state;
    struct rlog_positions set = {0};
    rlog_positions_add(&set, 0, 0);
    rlog_positions_add(&set, RLOG_POSITION_MAX, RLOG_POSITION_MAX);
    assert_int_equal(set.count, 2);
    assert_true(rlog_positions_last(&set) == RLOG_POSITION_MAX);
    rlog_positions_add(&set, 1, RLOG_POSITION_MAX - 1);
    assert_int_equal(set.count, 1);
    rlog_positions_remove(&set, 0, RLOG_POSITION_MAX - 1);
    assert_true(set.count == 1 && set.ranges[0].low == RLOG_POSITION_MAX);
    assert_int_equal(rlog_positions_number(&set), 1);
    rlog_positions_remove(&set, 0, RLOG_POSITION_MAX);
    assert_true(rlog_positions_is_empty(&set));
    rlog_positions_deinit(&set);
}

static void sets_are_joined(void **state)
{
    (void)state;
    struct rlog_positions a = {0};
    struct rlog_positions b = {0};
    rlog_positions_add(&a, 1, 3);
    rlog_positions_add(&b, 4, 4);
    rlog_positions_add(&b, 7, 9);
    rlog_positions_add_all(&a, &b);
    assert_int_equal(a.count, 2);
    assert_int_equal(rlog_positions_number(&a), 7);
    rlog_positions_deinit(&a);
    rlog_positions_deinit(&b);
}

static void add_beyond(void)
{
    struct rlog_positions set = {0};
    rlog_positions_add(&set, 0, RLOG_POSITION_MAX + 1);
}

static void beyond_the_highest_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(add_beyond, "RLOG_POSITION_MAX");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_as_the_model),
        cmocka_unit_test(goes_to_the_ends),
        cmocka_unit_test(sets_are_joined),
        cmocka_unit_test(beyond_the_highest_is_our_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
