#include "../unit.h"

#include "common/duration.h"
#include "common/prng.h"
#include "common/timers.h"

static void test_timers_fire_in_order_of_their_deadlines(void **state)
{
    (void)state;
    struct timers timers;
    struct timer a;
    struct timer b;
    struct timer c;
    int owner = 0;
    timers_init(&timers);
    timer_init(&a, 1, &owner);
    timer_init(&b, 2, NULL);
    timer_init(&c, 3, NULL);
    assert_int_equal(timers_deadline(&timers), TIME_NEVER);
    assert_null(timers_pop(&timers, INT64_MAX));
    timers_set(&timers, &b, 20);
    timers_set(&timers, &a, 10);
    timers_set(&timers, &c, 30);
    assert_true(timer_is_set(&a));
    assert_int_equal(timers_deadline(&timers), 10);
    assert_null(timers_pop(&timers, 9));
    struct timer *fired = timers_pop(&timers, 10);
    assert_ptr_equal(fired, &a);
    assert_int_equal(fired->kind, 1);
    assert_ptr_equal(fired->owner, &owner);
    assert_false(timer_is_set(&a));
    assert_null(timers_pop(&timers, 10));
    assert_ptr_equal(timers_pop(&timers, 100), &b);
    assert_ptr_equal(timers_pop(&timers, 100), &c);
    assert_null(timers_pop(&timers, 100));
    timers_deinit(&timers);
}

static void test_equal_deadlines_fire_in_order_of_setting(void **state)
{
    (void)state;
    struct timers timers;
    struct timer items[50];
    timers_init(&timers);
    for (int i = 0; i < 50; i++) {
        timer_init(&items[i], i, NULL);
        timers_set(&timers, &items[i], 7);
    }
    timers_set(&timers, &items[3], 7); /* set anew: behind the others */
    for (int i = 0; i < 49; i++) {
        assert_int_equal(timers_pop(&timers, 7)->kind, i < 3 ? i : i + 1);
    }
    assert_int_equal(timers_pop(&timers, 7)->kind, 3);
    timers_deinit(&timers);
}

static void test_setting_anew_and_cancelling(void **state)
{
    (void)state;
    struct timers timers;
    struct timer a;
    struct timer b;
    timers_init(&timers);
    timer_init(&a, 0, NULL);
    timer_init(&b, 0, NULL);
    timers_cancel(&timers, &a);
    timers_set(&timers, &a, 10);
    timers_set(&timers, &b, 20);
    timers_set(&timers, &a, 30);
    assert_int_equal(timers.count, 2);
    assert_int_equal(timers_deadline(&timers), 20);
    timers_cancel(&timers, &b);
    timers_cancel(&timers, &b);
    assert_int_equal(timers_deadline(&timers), 30);
    timers_set(&timers, &a, TIME_NEVER);
    assert_false(timer_is_set(&a));
    assert_int_equal(timers.count, 0);
    timers_set(&timers, &a, INT64_MIN);
    assert_ptr_equal(timers_pop(&timers, INT64_MIN), &a);
    timers_set(&timers, &a, 1);
    timers_deinit(&timers);
    assert_false(timer_is_set(&a));
}

static void cancel_in_another_heap(void)
{
    struct timers one;
    struct timers two;
    struct timer timer;
    timers_init(&one);
    timers_init(&two);
    timer_init(&timer, 0, NULL);
    timers_set(&one, &timer, 1);
    timers_cancel(&two, &timer);
}

static void test_a_timer_of_another_heap_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(cancel_in_another_heap, "assertion failed");
}

/* The model: an array that says when each timer was set, and in which order. */
#define MODEL_TIMERS 64

struct model {
    int64_t deadlines[MODEL_TIMERS]; /* TIME_NEVER = not set */
    uint64_t orders[MODEL_TIMERS];
    uint64_t next_order;
};

static int model_first(const struct model *model)
{
    int first = -1;
    for (int i = 0; i < MODEL_TIMERS; i++) {
        if (model->deadlines[i] == TIME_NEVER) {
            continue;
        }
        if (first < 0 || model->deadlines[i] < model->deadlines[first] ||
            (model->deadlines[i] == model->deadlines[first] &&
             model->orders[i] < model->orders[first])) {
            first = i;
        }
    }
    return first;
}

static void check_pop(struct timers *timers, struct model *model, int64_t now_ns)
{
    int first = model_first(model);
    struct timer *fired = timers_pop(timers, now_ns);
    if (first < 0 || model->deadlines[first] > now_ns) {
        assert_null(fired);
        return;
    }
    assert_non_null(fired);
    assert_int_equal(fired->kind, first);
    model->deadlines[first] = TIME_NEVER;
}

static void run_model(uint64_t seed)
{
    struct prng prng;
    prng_seed(&prng, seed);
    struct timers timers;
    struct timer items[MODEL_TIMERS];
    struct model model = {.next_order = 0};
    timers_init(&timers);
    for (int i = 0; i < MODEL_TIMERS; i++) {
        timer_init(&items[i], i, NULL);
        model.deadlines[i] = TIME_NEVER;
    }
    for (int step = 0; step < 5000; step++) {
        int i = (int)prng_below(&prng, MODEL_TIMERS);
        int64_t at_ns = (int64_t)prng_below(&prng, 40); /* few, so that many are equal */
        switch (prng_below(&prng, 4)) {
        case 0:
        case 1:
            timers_set(&timers, &items[i], at_ns);
            model.deadlines[i] = at_ns;
            model.orders[i] = model.next_order++;
            break;
        case 2:
            timers_cancel(&timers, &items[i]);
            model.deadlines[i] = TIME_NEVER;
            break;
        default:
            check_pop(&timers, &model, at_ns);
            break;
        }
        int first = model_first(&model);
        assert_int_equal(timers_deadline(&timers), first < 0 ? TIME_NEVER : model.deadlines[first]);
        assert_int_equal(timer_is_set(&items[i]), model.deadlines[i] != TIME_NEVER);
    }
    while (model_first(&model) >= 0) {
        check_pop(&timers, &model, 1000);
    }
    assert_null(timers_pop(&timers, 1000));
    timers_deinit(&timers);
}

static void test_it_behaves_as_a_plain_array_does(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run_model(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_in_order_of_their_deadlines),
        cmocka_unit_test(test_equal_deadlines_fire_in_order_of_setting),
        cmocka_unit_test(test_setting_anew_and_cancelling),
        cmocka_unit_test(test_a_timer_of_another_heap_is_our_mistake),
        cmocka_unit_test(test_it_behaves_as_a_plain_array_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
