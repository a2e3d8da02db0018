/* Assertions are the last line of defence, so they are tested like anything else. */
#include "../unit.h"

#include <errno.h>

#include "common/list.h"
#include "common/macro.h"

static int evaluated;

static bool count_and_give(bool value)
{
    evaluated++;
    return value;
}

static void assert_false_fails(void)
{
    ASSERT(1 == 2);
}

static void assert_of_equality_fails(void)
{
    int a = 0;
    int b = 1;
    ASSERT(a == b);
}

static void assert_inside_an_if_fails(void)
{
    /* Without braces, so that it is seen to be one statement. */
    if (evaluated >= 0) /* NOLINT(readability-braces-around-statements) */
        ASSERT(evaluated < 0);
    else /* NOLINT(readability-braces-around-statements) */
        evaluated = 1;
}

static void assert_of_a_wide_value_keeps_it(void)
{
    /* A condition is true by being other than zero, in all of its bits. */
    uint64_t wide = UINT64_C(1) << 40;
    ASSERT(wide);
    ASSERT(wide == 0);
}

static void wrong_fails(void)
{
    WRONG("cannot be");
}

static void test_a_false_assertion_aborts(void **state)
{
    (void)state;
    unit_assert_aborts(assert_false_fails, "test_macro.c:");
    unit_assert_aborts(assert_false_fails, "assertion failed: 1 == 2");
    unit_assert_aborts(assert_of_equality_fails, "a == b");
    unit_assert_aborts(assert_inside_an_if_fails, "evaluated < 0");
    unit_assert_aborts(assert_of_a_wide_value_keeps_it, "wide == 0");
    unit_assert_aborts(wrong_fails, "cannot be");
}

static void test_a_true_assertion_does_nothing(void **state)
{
    (void)state;
    evaluated = 0;
    errno = ENOENT;
    ASSERT(count_and_give(true));
    assert_int_equal(evaluated, 1);
    assert_int_equal(errno, ENOENT);
    ASSERT(!count_and_give(false));
    ASSERT(count_and_give(false) || count_and_give(true));
    assert_int_equal(evaluated, 4);
}

struct inner {
    int x; /* anything */
};

struct outer {
    uint32_t magic;     /* OUTER_MAGIC */
    int before;         /* so that inner is not at the start */
    struct inner inner; /* embedded */
};

#define OUTER_MAGIC 0x0a7e2025u

static void test_container_of(void **state)
{
    (void)state;
    struct outer outer;
    assert_ptr_equal(CONTAINER_OF(&outer.inner, struct outer, inner), &outer);
}

static void cast_null(void)
{
    struct outer *outer;
    CAST_OBJ(outer, NULL, OUTER_MAGIC);
    (void)outer;
}

static void cast_dead(void)
{
    struct outer outer;
    OBJ_INIT(&outer, OUTER_MAGIC);
    OBJ_DEAD(&outer);
    struct outer *cast;
    CAST_OBJ(cast, &outer, OUTER_MAGIC);
    (void)cast;
}

static void cast_other(void)
{
    struct outer outer;
    OBJ_INIT(&outer, OUTER_MAGIC + 1);
    struct outer *cast;
    CAST_OBJ(cast, &outer, OUTER_MAGIC);
    (void)cast;
}

static void test_objects_are_cast_by_their_magic(void **state)
{
    (void)state;
    struct outer outer;
    OBJ_INIT(&outer, OUTER_MAGIC);
    void *hidden = &outer;
    struct outer *cast;
    CAST_OBJ(cast, hidden, OUTER_MAGIC);
    assert_ptr_equal(cast, &outer);
    unit_assert_aborts(cast_null, "assertion failed");
    unit_assert_aborts(cast_dead, "magic");
    unit_assert_aborts(cast_other, "magic");
}

static void test_take_ptr(void **state)
{
    (void)state;
    int x = 0;
    int *pointers[2] = {&x, &x};
    int at = 0;
    int *taken = TAKE_PTR(pointers[at++]); /* NOLINT(bugprone-macro-repeated-side-effects) */
    assert_ptr_equal(taken, &x);
    assert_null(pointers[0]);
    assert_non_null(pointers[1]);
    assert_int_equal(at, 1);
}

static void count_cleanup(int *value)
{
    evaluated += *value;
}

static void test_cleanup_runs_at_the_end_of_the_scope(void **state)
{
    (void)state;
    evaluated = 0;
    {
        CLEANUP(count_cleanup) int value = 5;
        assert_int_equal(evaluated, 0);
        value = 7; /* NOLINT(clang-analyzer-deadcode.DeadStores) */
    }
    assert_int_equal(evaluated, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_false_assertion_aborts),
        cmocka_unit_test(test_a_true_assertion_does_nothing),
        cmocka_unit_test(test_container_of),
        cmocka_unit_test(test_objects_are_cast_by_their_magic),
        cmocka_unit_test(test_take_ptr),
        cmocka_unit_test(test_cleanup_runs_at_the_end_of_the_scope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
