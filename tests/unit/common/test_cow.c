#include "../unit.h"

#include <pthread.h>

#include "common/cow.h"
#include "common/prng.h"
#include "common/xalloc.h"

struct number {
    struct cow_value value;
    int number; /* what it stands for */
};

static atomic_int alive;

static void number_free(struct cow_value *value)
{
    atomic_fetch_sub(&alive, 1);
    free(CONTAINER_OF(value, struct number, value));
}

static struct cow_value *number_new(int number)
{
    struct number *n = xalloc(sizeof(*n));
    cow_value_init(&n->value, number_free);
    n->number = number;
    atomic_fetch_add(&alive, 1);
    return &n->value;
}

static int number_of(const struct cow_value *value)
{
    return value != NULL ? CONTAINER_OF(value, const struct number, value)->number : -1;
}

static void test_values_are_counted(void **state)
{
    (void)state;
    struct cow_value *value = number_new(1);
    assert_ptr_equal(cow_value_ref(value), value);
    cow_value_unref(value);
    assert_int_equal(alive, 1);
    cow_value_unref(value);
    assert_int_equal(alive, 0);
    cow_value_unref(NULL);
}

static void test_slots(void **state)
{
    (void)state;
    struct cow_table table;
    cow_table_init(&table);
    assert_null(cow_table_get(&table, 0));
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(cow_table_add(&table, number_new((int)i)), i);
    }
    assert_int_equal(table.count, 5);
    cow_table_put(&table, 3, number_new(33));
    assert_int_equal(number_of(cow_table_get(&table, 3)), 33);
    assert_int_equal(alive, 5);
    cow_table_remove(&table, 1);
    cow_table_remove(&table, 4);
    assert_null(cow_table_get(&table, 1));
    assert_int_equal(table.count, 3);
    assert_int_equal(cow_table_add(&table, number_new(44)), 4);
    assert_int_equal(cow_table_add(&table, number_new(11)), 1);
    assert_int_equal(cow_table_add(&table, number_new(55)), 5);
    assert_null(cow_table_get(&table, 6));
    assert_null(cow_table_get(&table, UINT32_MAX));
    cow_table_deinit(&table);
    assert_int_equal(alive, 0);
}

static void test_an_empty_snapshot(void **state)
{
    (void)state;
    struct cow_table table;
    cow_table_init(&table);
    struct cow_snapshot snapshot = cow_table_snapshot(&table);
    size_t slot = 0;
    assert_null(cow_snapshot_next(&snapshot, &slot));
    assert_int_equal(snapshot.count, 0);
    cow_snapshot_release(&snapshot);
    cow_snapshot_release(&snapshot);
    cow_table_deinit(&table);
}

static void put_into_empty(void)
{
    struct cow_table table;
    cow_table_init(&table);
    cow_table_put(&table, 0, number_new(1));
}

static void remove_twice(void)
{
    struct cow_table table;
    cow_table_init(&table);
    uint32_t slot = cow_table_add(&table, number_new(1));
    cow_table_remove(&table, slot);
    cow_table_remove(&table, slot);
}

static void test_writing_to_an_empty_slot_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(put_into_empty, "!= NULL");
    unit_assert_aborts(remove_twice, "!= NULL");
}

static void test_a_snapshot_outlives_the_table(void **state)
{
    (void)state;
    struct cow_table table;
    cow_table_init(&table);
    for (int i = 0; i < 200; i++) {
        (void)!cow_table_add(&table, number_new(i));
    }
    struct cow_snapshot snapshot = cow_table_snapshot(&table);
    cow_table_deinit(&table);
    assert_int_equal(alive, 200);
    int expected = 0;
    size_t slot = 0;
    for (struct cow_value *v; (v = cow_snapshot_next(&snapshot, &slot)) != NULL; slot++) {
        assert_int_equal(number_of(v), expected++);
    }
    assert_int_equal(expected, 200);
    cow_snapshot_release(&snapshot);
    assert_int_equal(alive, 0);
}

/* The model: plain arrays of numbers, copied whole for each snapshot. */
#define MODEL_SLOTS 6000
#define MODEL_SNAPSHOTS 4

struct model {
    int numbers[MODEL_SLOTS]; /* -1 = empty */
    size_t count;
};

static void check_snapshot(const struct cow_snapshot *snapshot, const struct model *model)
{
    assert_int_equal(snapshot->count, model->count);
    size_t seen = 0;
    size_t slot = 0;
    for (struct cow_value *v; (v = cow_snapshot_next(snapshot, &slot)) != NULL; slot++) {
        assert_true(slot < MODEL_SLOTS);
        assert_int_equal(number_of(v), model->numbers[slot]);
        seen++;
    }
    assert_int_equal(seen, model->count);
}

static uint32_t any_used(const struct model *model, struct prng *prng)
{
    uint32_t slot = (uint32_t)prng_below(prng, MODEL_SLOTS);
    while (model->numbers[slot] < 0) {
        slot = (slot + 1) % MODEL_SLOTS;
    }
    return slot;
}

static void change(struct cow_table *table, struct model *model, struct prng *prng, int step)
{
    /* It grows at first, so that the tree gets three levels, and shrinks later. */
    uint64_t adds = step < 7000 ? 8 : 3;
    uint64_t choice = prng_below(prng, 10);
    if (model->count == 0 || (choice < adds && model->count < MODEL_SLOTS)) {
        uint32_t slot = cow_table_add(table, number_new(step));
        assert_true(slot < MODEL_SLOTS);
        assert_int_equal(model->numbers[slot], -1);
        model->numbers[slot] = step;
        model->count++;
    } else if (choice == 9) {
        uint32_t slot = any_used(model, prng);
        cow_table_put(table, slot, number_new(step));
        model->numbers[slot] = step;
    } else {
        uint32_t slot = any_used(model, prng);
        cow_table_remove(table, slot);
        model->numbers[slot] = -1;
        model->count--;
    }
}

static void run_model(uint64_t seed)
{
    struct prng prng;
    prng_seed(&prng, seed);
    struct cow_table table;
    cow_table_init(&table);
    struct model *now = xalloc(sizeof(*now));
    struct model *then[MODEL_SNAPSHOTS];
    struct cow_snapshot snapshots[MODEL_SNAPSHOTS] = {0};
    memset(now->numbers, -1, sizeof(now->numbers));
    for (size_t i = 0; i < MODEL_SNAPSHOTS; i++) {
        then[i] = xmemdup(now, sizeof(*now));
    }
    for (int step = 0; step < 12000; step++) {
        change(&table, now, &prng, step);
        assert_int_equal(table.count, now->count);
        uint32_t slot = (uint32_t)prng_below(&prng, MODEL_SLOTS);
        assert_int_equal(number_of(cow_table_get(&table, slot)), now->numbers[slot]);
        if (prng_below(&prng, 200) == 0) {
            size_t i = prng_below(&prng, MODEL_SNAPSHOTS);
            check_snapshot(&snapshots[i], then[i]);
            cow_snapshot_release(&snapshots[i]);
            snapshots[i] = cow_table_snapshot(&table);
            *then[i] = *now;
        }
    }
    assert_true(table.height >= 2);
    for (size_t i = 0; i < MODEL_SNAPSHOTS; i++) {
        check_snapshot(&snapshots[i], then[i]);
        cow_snapshot_release(&snapshots[i]);
        free(then[i]);
    }
    assert_int_equal(alive, now->count);
    cow_table_deinit(&table);
    assert_int_equal(alive, 0);
    free(now);
}

static void test_snapshots_are_not_touched_by_later_writes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run_model(seed);
    }
}

/* A write copies the chunks on its way, and no more. */
static void test_a_write_costs_what_it_touches(void **state)
{
    (void)state;
    struct cow_table table;
    cow_table_init(&table);
    for (int i = 0; i < 64 * 64 * 2; i++) {
        (void)!cow_table_add(&table, number_new(i));
    }
    struct cow_snapshot snapshot = cow_table_snapshot(&table);
    cow_table_put(&table, 0, number_new(-5));
    size_t shared = 0;
    for (uint32_t slot = 0; slot < 64 * 64 * 2; slot++) {
        shared += cow_table_get(&table, slot)->refs == 2;
    }
    /* The values of the one leaf that was copied, but for the one replaced. */
    assert_int_equal(shared, 63);
    cow_snapshot_release(&snapshot);
    cow_table_deinit(&table);
    assert_int_equal(alive, 0);
}

static void *sum_and_release(void *arg)
{
    struct cow_snapshot *snapshot = arg;
    intptr_t sum = 0;
    size_t slot = 0;
    for (struct cow_value *v; (v = cow_snapshot_next(snapshot, &slot)) != NULL; slot++) {
        sum += number_of(v);
    }
    cow_snapshot_release(snapshot);
    return (void *)sum;
}

static void test_a_worker_reads_while_the_loop_writes(void **state)
{
    (void)state;
    struct cow_table table;
    cow_table_init(&table);
    intptr_t sum = 0;
    for (int i = 0; i < 1000; i++) {
        (void)!cow_table_add(&table, number_new(i));
        sum += i;
    }
    for (int round = 0; round < 20; round++) {
        struct cow_snapshot snapshot = cow_table_snapshot(&table);
        pthread_t worker;
        assert_int_equal(pthread_create(&worker, NULL, sum_and_release, &snapshot), 0);
        intptr_t new_sum = sum;
        for (int i = 0; i < 1000; i += 3) {
            new_sum += round + 1000 - number_of(cow_table_get(&table, (uint32_t)i));
            cow_table_put(&table, (uint32_t)i, number_new(round + 1000));
        }
        void *got;
        assert_int_equal(pthread_join(worker, &got), 0);
        assert_int_equal((intptr_t)got, sum);
        sum = new_sum;
    }
    cow_table_deinit(&table);
    assert_int_equal(alive, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_counted),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_an_empty_snapshot),
        cmocka_unit_test(test_writing_to_an_empty_slot_is_our_mistake),
        cmocka_unit_test(test_a_snapshot_outlives_the_table),
        cmocka_unit_test(test_snapshots_are_not_touched_by_later_writes),
        cmocka_unit_test(test_a_write_costs_what_it_touches),
        cmocka_unit_test(test_a_worker_reads_while_the_loop_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
