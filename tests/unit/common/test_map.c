#include "../unit.h"

#include "common/map.h"
#include "common/prng.h"

struct entry {
    int number;           /* which it is */
    char name[32];        /* the key */
    struct map_link link; /* in the map */
};

static struct entry *entry_of(struct map_link *link)
{
    return link != NULL ? CONTAINER_OF(link, struct entry, link) : NULL;
}

static struct slice key_of(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, const struct entry, link)->name);
}

static struct entry entries[3000];

static void name_entries(void)
{
    for (int i = 0; i < (int)ELEMENTS(entries); i++) {
        entries[i].number = i;
        (void)snprintf(entries[i].name, sizeof(entries[i].name), "entry-%d", i);
    }
}

static void test_an_empty_map(void **state)
{
    (void)state;
    struct map map;
    map_init(&map, key_of, 1);
    assert_null(map_find(&map, SLICE("x")));
    assert_null(map_first(&map));
    map_deinit(&map);
}

/* Compared with an array of flags over random histories. */
static void run_model(uint64_t seed)
{
    static bool in[ELEMENTS(entries)];
    memset(in, 0, sizeof(in));
    struct prng prng;
    prng_seed(&prng, seed);
    struct map map;
    map_init(&map, key_of, seed);
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        struct entry *entry = &entries[prng_below(&prng, ELEMENTS(entries))];
        struct entry *found = entry_of(map_find(&map, slice_from(entry->name)));
        assert_ptr_equal(found, in[entry->number] ? entry : NULL);
        if (found != NULL) {
            map_remove(&map, &entry->link);
            count--;
        } else {
            map_add(&map, &entry->link);
            count++;
        }
        in[entry->number] = found == NULL;
        assert_int_equal(map.count, count);
        struct map_link *first = map_first(&map);
        assert_true(first != NULL ? in[entry_of(first)->number] : count == 0);
    }
    size_t seen = 0;
    struct map_link *next;
    for (struct map_link *link = map_first(&map); link != NULL; link = next) {
        next = map_next(&map, link);
        struct entry *entry = entry_of(link);
        assert_true(in[entry->number]);
        in[entry->number] = false;
        map_remove(&map, link);
        seen++;
    }
    assert_int_equal(seen, count);
    assert_int_equal(map.count, 0);
    map_deinit(&map);
}

/* No bucket is looked at twice: removing a framework with 100,000 tasks would take seconds. */
static void test_the_first_is_found_where_the_last_one_was(void **state)
{
    (void)state;
    struct map map;
    map_init(&map, key_of, 4);
    for (size_t i = 0; i < ELEMENTS(entries); i++) {
        map_add(&map, &entries[i].link);
    }
    size_t behind = 0;
    while (map.count > 1) {
        map_remove(&map, map_first(&map));
        assert_true(map.first >= behind);
        behind = map.first;
        assert_non_null(map.buckets[map.first]);
    }
    map_remove(&map, map_first(&map));
    assert_null(map_first(&map));
    map_deinit(&map);
}

static void test_it_behaves_as_an_array_of_flags(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        run_model(seed);
    }
}

/* After many were there, few take little room again. */
static void test_room_is_given_back(void **state)
{
    (void)state;
    struct map map;
    map_init(&map, key_of, 3);
    for (size_t i = 0; i < ELEMENTS(entries); i++) {
        map_add(&map, &entries[i].link);
    }
    assert_true(map.bucket_count >= ELEMENTS(entries));
    for (size_t i = 10; i < ELEMENTS(entries); i++) {
        map_remove(&map, &entries[i].link);
    }
    for (size_t i = 10; i < 20; i++) {
        map_add(&map, &entries[i].link);
    }
    assert_true(map.bucket_count <= 128);
    for (size_t i = 0; i < 20; i++) {
        assert_ptr_equal(map_find(&map, slice_from(entries[i].name)), &entries[i].link);
        map_remove(&map, &entries[i].link);
    }
    assert_null(map.buckets);
    map_deinit(&map);
}

static void test_order_depends_on_the_seed_alone(void **state)
{
    (void)state;
    int orders[3][100];
    for (int run = 0; run < 3; run++) {
        struct map map;
        map_init(&map, key_of, run == 2 ? 8 : 7);
        for (int i = 0; i < 100; i++) {
            map_add(&map, &entries[i].link);
        }
        int at = 0;
        for (struct map_link *l = map_first(&map); l != NULL; l = map_next(&map, l)) {
            orders[run][at++] = entry_of(l)->number;
        }
        assert_int_equal(at, 100);
        map_deinit(&map);
    }
    assert_memory_equal(orders[0], orders[1], sizeof(orders[0]));
    assert_memory_not_equal(orders[0], orders[2], sizeof(orders[0]));
}

/* SipHash-1-3 is told apart by every byte and by the size. */
static void test_the_hash_sees_every_byte(void **state)
{
    (void)state;
    const uint64_t seed[2] = {1, 2};
    const uint64_t other[2] = {2, 1};
    char key[33] = {0};
    for (size_t size = 0; size <= 32; size++) {
        uint64_t plain = map_hash(seed, slice_make(key, size));
        assert_true(plain == map_hash(seed, slice_make(key, size)));
        assert_true(plain != map_hash(other, slice_make(key, size)));
        assert_true(plain != map_hash(seed, slice_make(key, size + 1)));
        for (size_t i = 0; i < size; i++) {
            key[i] = 1;
            assert_true(plain != map_hash(seed, slice_make(key, size)));
            key[i] = 0;
        }
    }
}

static void add_twice(void)
{
    struct map map;
    map_init(&map, key_of, 1);
    map_add(&map, &entries[1].link);
    map_add(&map, &entries[1].link);
}

static void remove_missing(void)
{
    struct map map;
    map_init(&map, key_of, 1);
    map_add(&map, &entries[1].link);
    map_remove(&map, &entries[2].link);
}

static void test_mistakes_of_ours(void **state)
{
    (void)state;
    unit_assert_aborts(add_twice, "assertion failed");
    unit_assert_aborts(remove_missing, "assertion failed");
}

int main(void)
{
    name_entries();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map),
        cmocka_unit_test(test_it_behaves_as_an_array_of_flags),
        cmocka_unit_test(test_the_first_is_found_where_the_last_one_was),
        cmocka_unit_test(test_room_is_given_back),
        cmocka_unit_test(test_order_depends_on_the_seed_alone),
        cmocka_unit_test(test_the_hash_sees_every_byte),
        cmocka_unit_test(test_mistakes_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
