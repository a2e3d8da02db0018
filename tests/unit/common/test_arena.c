#include "../unit.h"

#include "common/arena.h"

static void test_memory_is_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    char *last = NULL;
    size_t last_size = 0;
    for (size_t size = 0; size < 5000; size += 37) {
        char *p = arena_alloc(&arena, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xa5, size);
        if (last != NULL) {
            assert_true(p >= last + last_size || p + size <= last);
        }
        last = p;
        last_size = size;
    }
    arena_deinit(&arena);
    arena_deinit(&arena);
    assert_null(arena.blocks);
}

static void test_memory_is_zeroed_again_after_a_reset(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(arena.used_size, 0);
        unsigned char *p = arena_alloc(&arena, 3000);
        for (int i = 0; i < 3000; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xff, 3000);
        for (int i = 0; i < 10; i++) {
            memset(arena_alloc_raw(&arena, 4000), 0xff, 4000);
        }
        arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void test_a_reset_of_an_unused_arena_is_fine(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 64);
    arena_reset(&arena);
    assert_int_equal(arena.budget_size, 64);
    assert_non_null(arena_alloc(&arena, 64));
    arena_deinit(&arena);
}

static void test_the_budget_is_kept_to_the_byte(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024);
    assert_null(arena_alloc(&arena, 1025));
    assert_null(arena_alloc(&arena, SIZE_MAX / 2));
    assert_non_null(arena_alloc(&arena, 1008));
    assert_null(arena_alloc(&arena, 17));
    assert_non_null(arena_alloc(&arena, 16));
    assert_null(arena_alloc(&arena, 1));
    assert_null(arena_alloc(&arena, 0));
    assert_null(arena_alloc_array(&arena, 100, 100));
    assert_int_equal(arena.used_size, 1024);
    arena_reset(&arena);
    assert_non_null(arena_alloc(&arena, 1024));
    arena_deinit(&arena);
    assert_int_equal(arena.budget_size, 0);
}

static void test_large_objects(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    char *small = arena_strdup(&arena, "small");
    char *large = arena_alloc(&arena, 5000000);
    large[4999999] = 'x';
    char *other = arena_strdup(&arena, "other");
    assert_string_equal(small, "small");
    assert_string_equal(other, "other");
    arena_deinit(&arena);
}

static void overflow(void)
{
    struct arena arena;
    arena_init(&arena, 0);
    (void)!arena_alloc_array(&arena, SIZE_MAX / 2, 3);
}

static void too_large(void)
{
    struct arena arena;
    arena_init(&arena, 0);
    (void)!arena_alloc(&arena, SIZE_MAX - 8);
}

static void test_sizes_that_overflow_are_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(overflow, "overflow");
    unit_assert_aborts(too_large, "assertion failed");
}

static void test_copies_end_with_a_terminator(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(&arena, NULL, 0), "");
    assert_memory_equal(arena_memdup(&arena, "a\0b", 3), "a\0b", 4);
    struct slice s = arena_slice(&arena, SLICE("slice"));
    assert_slice(s, "slice");
    assert_int_equal(s.data[s.size], 0);
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
    assert_string_equal(arena_printf(&arena, "%s", ""), "");
    assert_int_equal(strlen(arena_printf(&arena, "%0*d", 9000, 1)), 9000);
    int64_t *number = ARENA_NEW(&arena, int64_t);
    assert_int_equal(*number, 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_aligned_zeroed_and_apart),
        cmocka_unit_test(test_memory_is_zeroed_again_after_a_reset),
        cmocka_unit_test(test_a_reset_of_an_unused_arena_is_fine),
        cmocka_unit_test(test_the_budget_is_kept_to_the_byte),
        cmocka_unit_test(test_large_objects),
        cmocka_unit_test(test_sizes_that_overflow_are_our_mistake),
        cmocka_unit_test(test_copies_end_with_a_terminator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
