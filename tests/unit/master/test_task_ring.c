/* The history of completed tasks: the oldest leave, and those who come back are found. */
#include "../unit.h"

#include "common/buf.h"
#include "master/task_ring.h"

static uint32_t put(struct task_ring *ring, uint32_t slot, const char *id)
{
    return master_task_ring_put(ring, 3, slot, slice_from(id));
}

static void test_the_oldest_leaves(void **state)
{
    (void)state;
    struct task_ring ring = {0};
    assert_int_equal(put(&ring, 10, "a"), TASK_RING_NONE);
    assert_int_equal(put(&ring, 11, "b"), TASK_RING_NONE);
    assert_int_equal(put(&ring, 12, "c"), TASK_RING_NONE);
    assert_int_equal(put(&ring, 13, "d"), 10);
    assert_int_equal(put(&ring, 14, "e"), 11);
    assert_int_equal(ring.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(master_task_ring_at(&ring, i), 12 + i);
    }
    master_task_ring_deinit(&ring);
    assert_int_equal(ring.count, 0);
}

static void test_who_comes_back_is_found_as_often_as_it_is_there(void **state)
{
    (void)state;
    struct task_ring ring = {0};
    assert_int_equal(master_task_ring_find(&ring, 0, SLICE("a")), 0); /* there is none */
    assert_int_equal(put(&ring, 10, "x"), TASK_RING_NONE);
    assert_int_equal(put(&ring, 11, "a"), TASK_RING_NONE);
    assert_int_equal(put(&ring, 12, "b"), TASK_RING_NONE);
    assert_int_equal(put(&ring, 13, "a"), 10);
    assert_int_equal(master_task_ring_find(&ring, 0, SLICE("a")), 0);
    assert_int_equal(master_task_ring_find(&ring, 1, SLICE("a")), 2);
    assert_int_equal(master_task_ring_find(&ring, 3, SLICE("a")), 3);
    assert_int_equal(master_task_ring_find(&ring, 0, SLICE("c")), 3);
    master_task_ring_take(&ring, 0);
    assert_int_equal(master_task_ring_at(&ring, 0), TASK_RING_NONE);
    assert_int_equal(master_task_ring_find(&ring, 0, SLICE("a")), 2);
    assert_int_equal(put(&ring, 14, "d"), TASK_RING_NONE); /* in the place of what was taken */
    assert_int_equal(put(&ring, 15, "e"), 12);
    master_task_ring_deinit(&ring);
}

/* What is found is a candidate, but hardly ever another task. */
static void test_others_are_passed_over(void **state)
{
    (void)state;
    enum { TASKS = 1000 };
    struct task_ring ring = {0};
    size_t wrong = 0;
    for (uint32_t i = 0; i < TASKS; i++) {
        CLEANUP(buf_deinit) struct buf id = BUF_INIT;
        buf_printf(&id, "task-%u", i);
        assert_int_equal(master_task_ring_put(&ring, TASKS, i, buf_slice(&id)), TASK_RING_NONE);
    }
    for (uint32_t i = 0; i < TASKS; i++) {
        CLEANUP(buf_deinit) struct buf id = BUF_INIT;
        buf_printf(&id, "task-%u", i);
        wrong += master_task_ring_find(&ring, 0, buf_slice(&id)) != i;
    }
    assert_int_equal(wrong, 0);
    master_task_ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_leaves),
        cmocka_unit_test(test_who_comes_back_is_found_as_often_as_it_is_there),
        cmocka_unit_test(test_others_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
