/* Laws of the arithmetic, on random vectors of resources with all traits. */
#include "fixture.h"

#include "resources/quantities.h"

#define ROUNDS 3000

/* Where random things come from. */
struct source {
    struct prng prng;
    struct resource_kinds pool;
    bool uses_pool;
};

static uint64_t below(struct source *s, uint64_t bound)
{
    return prng_below(&s->prng, bound);
}

static bool one_in(struct source *s, uint64_t bound)
{
    return below(s, bound) == 0;
}

static const char *const roles[] = {"a", "a/b", "a/b/c", "d"};

static struct slice role(struct source *s)
{
    return slice_from(roles[below(s, ELEMENTS(roles))]);
}

/* A stack as valid as they come in: each entry below the one before. */
static uint32_t reservations(struct source *s, struct resource_reservation stack[3])
{
    uint32_t depth = one_in(s, 2) ? 0 : 1 + (uint32_t)below(s, 3);
    for (uint32_t i = 0; i < depth; i++) {
        stack[i] = (struct resource_reservation){
            .type = i == 0 && one_in(s, 2) ? RESERVATION_STATIC : RESERVATION_DYNAMIC,
            .role = slice_from(roles[i]),
        };
        /* The older format has no place for one of a static reservation. */
        if (stack[i].type == RESERVATION_DYNAMIC && one_in(s, 4)) {
            stack[i].principal = SLICE("ops");
        }
    }
    return depth;
}

static void disk_of(struct source *s, struct resource_disk *disk, struct resource_kind *draft)
{
    static const char *const ids[] = {"x", "y", "z"};
    draft->name = SLICE("disk");
    draft->has_disk = true;
    draft->disk = disk;
    if (!one_in(s, 3)) {
        disk->has_source = true;
        disk->source = (enum disk_source)(1 + below(s, 4));
        if (disk->source == DISK_SOURCE_MOUNT) {
            disk->has_mount = true;
            disk->mount_root = SLICE("/m");
        } else if (one_in(s, 2)) {
            disk->id = slice_from(ids[below(s, ELEMENTS(ids))]);
        }
    }
    if (!disk->has_source || one_in(s, 3)) {
        disk->persistence_id = slice_from(ids[below(s, ELEMENTS(ids))]);
        draft->is_shared = one_in(s, 2);
    }
}

/* `parity` keeps the ranges and items of two vectors apart: 0, 1, or 2 for both. */
static struct resource random_resource(struct source *s, uint64_t parity)
{
    static const char *const names[] = {"cpus", "mem", "gold"};
    struct resource_reservation stack[3];
    struct resource_disk disk = {0};
    struct resource_kind draft = {.reservations = stack};
    draft.reservation_count = reservations(s, stack);
    draft.is_revocable = one_in(s, 6);
    if (one_in(s, 3)) {
        draft.has_allocation = true;
        draft.allocation_role = role(s);
    }
    if (one_in(s, 8)) {
        draft.provider_id = SLICE("provider");
    }
    struct range ranges[4];
    struct slice items[4];
    static const char letters[] = "abcdefghijklmnop";
    for (size_t i = 0; i < 4; i++) {
        uint64_t place = below(s, 8) * 2;
        place += parity < 2 ? parity : below(s, 2);
        /* Never adjacent to one of the other parity's: those would merge. */
        ranges[i] = (struct range){place * 10, place * 10 + below(s, 9)};
        items[i] = slice_make(&letters[place], 1);
    }
    struct resource_kinds *pool = s->uses_pool ? &s->pool : NULL;
    switch (below(s, 4)) {
    case 0:
        draft.name = SLICE("ports");
        draft.type = VALUE_RANGES;
        return resource_make_ranges(resource_kind_make(&draft, pool),
                                    ranges_new(ranges, below(s, 5)));
    case 1:
        draft.name = SLICE("devices");
        draft.type = VALUE_SET;
        return resource_make_set(resource_kind_make(&draft, pool),
                                 item_set_new(items, below(s, 5)));
    case 2:
        disk_of(s, &disk, &draft);
        return resource_make_scalar(resource_kind_make(&draft, pool), (int64_t)below(s, 4) * 500);
    default:
        draft.name = slice_from(names[below(s, ELEMENTS(names))]);
        return resource_make_scalar(resource_kind_make(&draft, pool), (int64_t)below(s, 5000));
    }
}

static struct resources random_resources(struct source *s, uint64_t parity)
{
    struct resources r = RESOURCES_INIT;
    for (uint64_t count = below(s, 12); count > 0; count--) {
        resources_add_take(&r, random_resource(s, parity));
    }
    return r;
}

static void source_begin(struct source *s, uint64_t seed)
{
    *s = (struct source){.uses_pool = seed % 2 == 0};
    prng_seed(&s->prng, seed);
    resource_kinds_init(&s->pool);
}

static void source_end(struct source *s)
{
    resource_kinds_deinit(&s->pool);
}

#define RANDOM(var, source, parity) SCOPED_RES var = random_resources((source), (parity))

static void test_sums(UNUSED void **state)
{
    struct source s;
    source_begin(&s, 1);
    for (int i = 0; i < ROUNDS; i++) {
        RANDOM(a, &s, 2);
        RANDOM(b, &s, 2);
        RANDOM(c, &s, 2);
        SCOPED_RES ab = sum(&a, &b);
        SCOPED_RES ba = sum(&b, &a);
        SCOPED_RES bc = sum(&b, &c);
        SCOPED_RES ab_c = sum(&ab, &c);
        SCOPED_RES a_bc = sum(&a, &bc);
        assert_true(resources_equal(&ab, &ba));
        assert_true(resources_equal(&ab_c, &a_bc));
        assert_true(resources_contain(&ab, &a));
        assert_true(resources_contain(&ab, &b));
        assert_int_equal(resources_equal(&ab, &a),
                         resources_is_empty(&b) || (resources_contain(&a, &ab)));
    }
    source_end(&s);
}

/* Entries are combined: no two could be one, none is empty. */
static void check_combined(const struct resources *r)
{
    for (uint32_t i = 0; i < r->count; i++) {
        assert_false(resource_is_empty(&r->items[i]));
        for (uint32_t j = 0; j < i; j++) {
            assert_false(resource_is_addable(&r->items[i], &r->items[j]));
        }
    }
}

static void test_differences(UNUSED void **state)
{
    struct source s;
    source_begin(&s, 2);
    int contained = 0;
    for (int i = 0; i < ROUNDS; i++) {
        RANDOM(a, &s, 0);
        RANDOM(b, &s, 1);
        SCOPED_RES ab = sum(&a, &b);
        SCOPED_RES back = difference(&ab, &b);
        check_combined(&ab);
        check_combined(&back);
        assert_true(resources_equal(&back, &a));

        RANDOM(c, &s, 2);
        RANDOM(d, &s, 2);
        SCOPED_RES c_d = difference(&c, &d);
        check_combined(&c_d);
        assert_true(resources_contain(&c, &c_d));
        if (resources_contain(&c, &d)) {
            SCOPED_RES again = sum(&c_d, &d);
            assert_true(resources_equal(&again, &c));
            contained += d.count > 0;
        }
        /* A part of what is there can always be taken and put back. */
        if (ab.count > 0) {
            SCOPED_RES part = RESOURCES_INIT;
            resources_add_one(&part, &ab.items[below(&s, ab.count)]);
            assert_true(resources_contain(&ab, &part));
            SCOPED_RES without = difference(&ab, &part);
            SCOPED_RES with = sum(&without, &part);
            assert_true(resources_equal(&with, &ab));
        }
    }
    assert_true(contained > 0);
    source_end(&s);
}

/* As the definition has it: take each away from what is left. */
static bool contain_slowly(const struct resources *a, const struct resources *b)
{
    SCOPED_RES left;
    resources_copy(a, &left);
    for (uint32_t i = 0; i < b->count; i++) {
        bool is_found = false;
        for (uint32_t j = 0; j < left.count && !is_found; j++) {
            is_found = resource_contain(&left.items[j], &b->items[i]);
        }
        if (!is_found) {
            return false;
        }
        resources_subtract_one(&left, &b->items[i]);
    }
    return true;
}

static void test_contain(UNUSED void **state)
{
    struct source s;
    source_begin(&s, 3);
    int yes = 0;
    int no = 0;
    for (int i = 0; i < ROUNDS; i++) {
        RANDOM(a, &s, 2);
        RANDOM(b, &s, 2);
        if (one_in(&s, 2)) {
            /* Mostly contained, but for what is cut off again. */
            resources_add(&a, &b);
            if (a.count > 0 && one_in(&s, 2)) {
                SCOPED_RES cut = RESOURCES_INIT;
                resources_add_one(&cut, &a.items[below(&s, a.count)]);
                resources_subtract(&a, &cut);
            }
        }
        bool is_contained = resources_contain(&a, &b);
        assert_int_equal(is_contained, contain_slowly(&a, &b));
        yes += is_contained && b.count > 0;
        no += !is_contained;
    }
    assert_true(yes > ROUNDS / 10 && no > ROUNDS / 10);
    source_end(&s);
}

static void test_order_does_not_count(UNUSED void **state)
{
    struct source s;
    source_begin(&s, 4);
    for (int i = 0; i < ROUNDS; i++) {
        RANDOM(a, &s, 2);
        SCOPED_RES shuffled = RESOURCES_INIT;
        SCOPED_RES left;
        resources_copy(&a, &left);
        while (left.count > 0) {
            uint32_t at = (uint32_t)below(&s, left.count);
            SCOPED_RES one = RESOURCES_INIT;
            resources_add_one(&one, &left.items[at]);
            resources_add(&shuffled, &one);
            resources_subtract(&left, &one);
        }
        assert_true(resources_equal(&a, &shuffled));
    }
    source_end(&s);
}

static void test_bytes(UNUSED void **state)
{
    struct source s;
    source_begin(&s, 6);
    for (int i = 0; i < ROUNDS / 4; i++) {
        RANDOM(a, &s, 2);
        static const enum resource_format formats[] = {
            RESOURCE_FORMAT_POST, RESOURCE_FORMAT_ENDPOINT, RESOURCE_FORMAT_PRE};
        for (size_t f = 0; f < ELEMENTS(formats); f++) {
            if (formats[f] == RESOURCE_FORMAT_PRE && resources_have_refinements(&a)) {
                continue;
            }
            struct buf bytes = BUF_INIT;
            resources_encode(&a, formats[f], 3, &bytes);
            SCOPED_RES back = RESOURCES_INIT;
            resources_add_bytes(&back, buf_slice(&bytes), 3, s.uses_pool ? &s.pool : NULL);
            /* How many copies of a shared one there are is not written. */
            assert_int_equal(back.count, a.count);
            for (uint32_t j = 0; j < a.count; j++) {
                assert_true(resource_equal(&a.items[j], &back.items[j]));
            }
            buf_deinit(&bytes);
        }
    }
    source_end(&s);
}

static void test_quantities(UNUSED void **state)
{
    struct source s;
    struct resource_names names;
    source_begin(&s, 8);
    resource_names_init(&names);
    for (int i = 0; i < ROUNDS; i++) {
        RANDOM(all_a, &s, 0);
        RANDOM(all_b, &s, 1);
        SCOPED_RES a;
        SCOPED_RES b;
        /* Copies of a shared volume are one amount: sums differ there. */
        resources_nonshared(&all_a, &a);
        resources_nonshared(&all_b, &b);
        SCOPED_RES ab = sum(&a, &b);
        CLEANUP(quantities_deinit) struct quantities qa = QUANTITIES_INIT;
        CLEANUP(quantities_deinit) struct quantities qb = QUANTITIES_INIT;
        CLEANUP(quantities_deinit) struct quantities qab = QUANTITIES_INIT;
        quantities_add_resources(&qa, &a, &names);
        quantities_add_resources(&qb, &b, &names);
        quantities_add_resources(&qab, &ab, &names);
        assert_true(resources_contain_quantities(&ab, &qa, &names));
        assert_true(quantities_contain(&qab, &qa));
        if (resources_contain(&a, &b)) {
            assert_true(quantities_contain(&qa, &qb));
        }
        quantities_add(&qa, &qb);
        assert_true(quantities_equal(&qa, &qab));
    }
    resource_names_deinit(&names);
    source_end(&s);
}

static void test_selections(UNUSED void **state)
{
    struct source s;
    source_begin(&s, 10);
    for (int i = 0; i < ROUNDS; i++) {
        RANDOM(a, &s, 2);
        SCOPED_RES yes;
        SCOPED_RES no;
        resources_reserved(&a, &yes);
        resources_unreserved(&a, &no);
        SCOPED_RES all = sum(&yes, &no);
        assert_true(resources_equal(&all, &a));
        assert_int_equal(yes.count + no.count, a.count);

        struct resources_by_role by_role;
        SCOPED_RES joined = RESOURCES_INIT;
        resources_reservations(&a, &by_role);
        for (size_t j = 0; j < by_role.count; j++) {
            assert_true(j == 0 ||
                        slice_compare(by_role.items[j - 1].role, by_role.items[j].role) < 0);
            resources_add(&joined, &by_role.items[j].resources);
        }
        assert_true(resources_equal(&joined, &yes));
        resources_by_role_deinit(&by_role);

        SCOPED_RES allocated;
        SCOPED_RES unallocated;
        resources_copy(&a, &unallocated);
        resources_unallocate(&unallocated, NULL);
        check_combined(&unallocated);
        resources_copy(&unallocated, &allocated);
        resources_allocate(&allocated, SLICE("a"), s.uses_pool ? &s.pool : NULL);
        check_combined(&allocated);
        assert_int_equal(allocated.count, unallocated.count);
        resources_unallocate(&allocated, NULL);
        assert_true(resources_equal(&allocated, &unallocated));
    }
    source_end(&s);
}

/* What is found is there, and is as much as was asked for. */
static void test_find_and_shrink(UNUSED void **state)
{
    struct source s;
    struct resource_names names;
    source_begin(&s, 12);
    resource_names_init(&names);
    int found_count = 0;
    for (int i = 0; i < ROUNDS / 2; i++) {
        RANDOM(have, &s, 2);
        RANDOM(wanted, &s, 2);
        if (one_in(&s, 2)) {
            resources_add(&have, &wanted);
        }
        SCOPED_RES found = RESOURCES_INIT;
        if (resources_find(&have, &wanted, &found)) {
            assert_true(resources_contain(&have, &found));
            SCOPED_RES left;
            SCOPED_RES right;
            resources_to_unreserved(&found, &left);
            resources_to_unreserved(&wanted, &right);
            assert_true(resources_equal(&left, &right));
            found_count += wanted.count > 0;
        }
        CLEANUP(quantities_deinit) struct quantities target = QUANTITIES_INIT;
        CLEANUP(quantities_deinit) struct quantities got = QUANTITIES_INIT;
        SCOPED_RES shrunk;
        quantities_add_resources(&target, &wanted, &names);
        resources_shrink(&have, &target, &names, &s.prng, &shrunk);
        assert_true(resources_contain(&have, &shrunk));
        quantities_add_resources(&got, &shrunk, &names);
        assert_true(quantities_contain(&target, &got));
    }
    assert_true(found_count > 0);
    resource_names_deinit(&names);
    source_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),       cmocka_unit_test(test_differences),
        cmocka_unit_test(test_contain),    cmocka_unit_test(test_order_does_not_count),
        cmocka_unit_test(test_bytes),      cmocka_unit_test(test_quantities),
        cmocka_unit_test(test_selections), cmocka_unit_test(test_find_and_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
