#include "fixture.h"

#define VOLUME(id, size)                                                                         \
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" size "},\"reservations\":[{" \
    "\"type\":\"STATIC\",\"role\":\"role\"}],\"disk\":{\"persistence\":{\"id\":\"" id "\"},"     \
    "\"volume\":{\"container_path\":\"data\",\"mode\":\"RW\"}}}"
#define SHARED(id, size)                                                                         \
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" size "},\"reservations\":[{" \
    "\"type\":\"STATIC\",\"role\":\"role\"}],\"shared\":{},\"disk\":{\"persistence\":{\"id\":"   \
    "\"" id "\"},\"volume\":{\"container_path\":\"data\",\"mode\":\"RW\"}}}"
#define DISK(source, size)                                               \
    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" size \
    "},\"disk\":{\"source\":" source "}}"
#define PATH_A "{\"type\":\"PATH\",\"path\":{\"root\":\"/a\"}}"
#define PATH_B "{\"type\":\"PATH\",\"path\":{\"root\":\"/b\"}}"
#define MOUNT_A "{\"type\":\"MOUNT\",\"mount\":{\"root\":\"/a\"}}"
#define BLOCK_A "{\"type\":\"BLOCK\",\"id\":\"a\"}"
#define RAW_ANY "{\"type\":\"RAW\",\"profile\":\"fast\"}"
#define RAW_A "{\"type\":\"RAW\",\"id\":\"a\"}"

static void test_sums(UNUSED void **state)
{
    static const struct {
        const char *a;
        const char *b;
        const char *sum;
        const char *difference;
    } cases[] = {
        {"cpus:1;mem:5", "cpus:2;mem:10", "cpus:3;mem:15", ""},
        {"cpus:50;mem:4096", "cpus:0.5;mem:1024", "cpus:50.5;mem:5120", "cpus:49.5;mem:3072"},
        {"cpus(role1):1;mem(role1):5", "cpus:2", "cpus(role1):1;mem(role1):5;cpus:2",
         "cpus(role1):1;mem(role1):5"},
        {"cpus(role1):5;cpus(role2):1", "cpus(role1):1", "cpus(role1):6;cpus(role2):1",
         "cpus(role1):4;cpus(role2):1"},
        {"ports:[20000-40000]", "ports:[30000-50000]", "ports:[20000-50000]",
         "ports:[20000-29999]"},
        {"ports:[1-10]", "ports(a):[5-20]", "ports:[1-10];ports(a):[5-20]", "ports:[1-10]"},
        {"d:{sda1,sda2,sda3}", "d:{sda4,sda3}", "d:{sda1,sda2,sda3,sda4}", "d:{sda1,sda2}"},
        {"", "cpus:1", "cpus:1", ""},
        {"cpus:1", "", "cpus:1", "cpus:1"},
        {"cpus:0.3", "cpus:0.1", "cpus:0.4", "cpus:0.2"},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_RES a = res(cases[i].a);
        SCOPED_RES b = res(cases[i].b);
        SCOPED_RES total = sum(&a, &b);
        SCOPED_RES turned = sum(&b, &a);
        SCOPED_RES left = difference(&a, &b);
        assert_res(&total, cases[i].sum);
        assert_true(resources_equal(&total, &turned));
        assert_res(&left, cases[i].difference);
    }
}

static void test_contain(UNUSED void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool is_contained;
    } cases[] = {
        {"cpus:50;mem:4096", "cpus:50;mem:4096", true},
        {"cpus:50;mem:4096", "cpus:50", true},
        {"cpus:50", "cpus:50.001", false},
        {"cpus:1", "cpus:1.0004", true},
        {"cpus(role1):1", "cpus:1", false},
        {"cpus:1;cpus(role1):1", "cpus(role1):1", true},
        {"ports:[2-2,4-5]", "ports:[2-2]", true},
        {"ports:[2-2,4-5]", "ports:[2-4]", false},
        {"ports:[1-10]", "ports:[2-3,7-10]", true},
        {"d:{a,b}", "d:{b}", true},
        {"d:{a,b}", "d:{b,c}", false},
        {"", "cpus:1", false},
        {"", "", true},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        if (contains_text(cases[i].a, cases[i].b) != cases[i].is_contained) {
            fail_msg("%s and %s", cases[i].a, cases[i].b);
        }
    }
}

/* facts/observed.md, allocator 13. */
static void test_no_drift(UNUSED void **state)
{
    SCOPED_RES start = res("cpus:1.001");
    SCOPED_RES step = res("cpus:0.1");
    SCOPED_RES now;
    resources_copy(&start, &now);
    for (int i = 0; i < 100000; i++) {
        resources_add(&now, &step);
    }
    assert_int_equal(scalar_of(&now, "cpus"), 1001 + 100000 * 100);
    for (int i = 0; i < 100000; i++) {
        resources_subtract(&now, &step);
    }
    assert_true(resources_equal(&now, &start));
    SCOPED_RES parts = res("cpus:0.4;cpus:0.4;cpus:0.2");
    assert_res(&parts, "cpus:1");
}

static void test_zero_and_below(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;mem:0;ports:[];d:{}");
    assert_int_equal(r.count, 1);
    SCOPED_RES more = res("cpus:2;mem:1");
    resources_subtract(&r, &more);
    assert_true(resources_is_empty(&r));
    SCOPED_RES self = res("cpus:1;ports:[1-2]");
    resources_add(&self, &self);
    assert_res(&self, "cpus:2;ports:[1-2]");
    resources_subtract(&self, &self);
    assert_true(resources_is_empty(&self));
    SCOPED_RES huge = res("cpus:9e15");
    resources_add(&huge, &huge);
    assert_int_equal(scalar_of(&huge, "cpus"), INT64_MAX);
}

static void test_disks(UNUSED void **state)
{
    static const struct {
        const char *json;
        const char *other;    /* the same disk, another size */
        bool is_addable;      /* the same twice makes one */
        bool is_subtractable; /* a part can be taken */
    } cases[] = {
        {DISK(PATH_A, "10"), DISK(PATH_A, "4"), true, true},
        {DISK(MOUNT_A, "10"), DISK(MOUNT_A, "4"), false, false},
        {DISK(BLOCK_A, "10"), DISK(BLOCK_A, "4"), false, false},
        {DISK(RAW_ANY, "10"), DISK(RAW_ANY, "4"), true, true},
        {DISK(RAW_A, "10"), DISK(RAW_A, "4"), false, false},
        {VOLUME("id", "10"), VOLUME("id", "4"), false, false},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_RES whole = res_json(cases[i].json);
        SCOPED_RES part = res_json(cases[i].other);
        SCOPED_RES twice = sum(&whole, &whole);
        assert_int_equal(twice.count, cases[i].is_addable ? 1 : 2);
        assert_int_equal(scalar_of(&twice, "disk"), 20000);
        assert_int_equal(resources_contain(&whole, &part), cases[i].is_subtractable);
        assert_true(resources_contain(&whole, &whole));
        assert_false(resources_contain(&whole, &twice));
        assert_true(resources_contain(&twice, &twice));
        assert_int_equal(resources_contain(&twice, &part), cases[i].is_subtractable);
        SCOPED_RES left = difference(&whole, &part);
        assert_int_equal(scalar_of(&left, "disk"), cases[i].is_subtractable ? 6000 : 10000);
        SCOPED_RES once = difference(&twice, &whole);
        assert_true(resources_equal(&once, &whole));
        SCOPED_RES none = difference(&whole, &whole);
        assert_true(resources_is_empty(&none));
    }
    SCOPED_RES a = res_json(DISK(PATH_A, "10"));
    SCOPED_RES b = res_json(DISK(PATH_B, "10"));
    SCOPED_RES root = res("disk:10");
    assert_false(resources_equal(&a, &b));
    assert_false(resources_contain(&a, &root));
    assert_false(resources_contain(&root, &a));
}

static void test_shared(UNUSED void **state)
{
    SCOPED_RES one = res_json(SHARED("id", "10"));
    SCOPED_RES other = res_json(SHARED("id", "11"));
    SCOPED_RES plain = res_json(VOLUME("id", "10"));
    SCOPED_RES three = RESOURCES_INIT;
    for (int i = 0; i < 3; i++) {
        resources_add(&three, &one);
    }
    assert_int_equal(three.count, 1);
    assert_int_equal(three.items[0].shares, 3);
    assert_int_equal(resources_count_of(&three, &one.items[0]), 3);
    /* However many copies, it is the same disk. */
    assert_int_equal(scalar_of(&three, "disk"), 10000);
    assert_true(resources_contain(&three, &one));
    assert_false(resources_contain(&one, &three));
    assert_false(resources_equal(&one, &three));
    assert_false(resources_contain(&three, &other));
    assert_false(resources_contain(&three, &plain));

    resources_subtract(&three, &other);
    resources_subtract(&three, &plain);
    assert_int_equal(three.items[0].shares, 3);
    resources_subtract(&three, &one);
    assert_int_equal(three.items[0].shares, 2);
    resources_subtract(&three, &three);
    assert_true(resources_is_empty(&three));

    SCOPED_RES mixed = sum(&one, &plain);
    assert_int_equal(mixed.count, 2);
    assert_int_equal(resources_count_of(&mixed, &plain.items[0]), 1);
    assert_int_equal(resources_count_of(&plain, &one.items[0]), 0);
    SCOPED_RES two = sum(&one, &one);
    SCOPED_RES negative = difference(&one, &two);
    assert_true(resources_is_empty(&negative));
}

static void test_allocated(UNUSED void **state)
{
    SCOPED_RES a = res("cpus:1");
    SCOPED_RES b = res("cpus:1");
    resources_allocate(&a, SLICE("role1"), NULL);
    resources_allocate(&b, SLICE("role2"), NULL);
    assert_false(resources_equal(&a, &b));
    SCOPED_RES both = sum(&a, &b);
    assert_int_equal(both.count, 2);
    assert_true(resources_contain(&both, &a));
    assert_text(&both, "cpus(allocated: role1):1; cpus(allocated: role2):1");
    SCOPED_RES left = difference(&a, &b);
    assert_true(resources_equal(&left, &a));

    /* One again when the roles are gone, or the same. */
    SCOPED_RES copy;
    resources_copy(&both, &copy);
    resources_unallocate(&copy, NULL);
    assert_int_equal(copy.count, 1);
    assert_res(&copy, "cpus:2");
    assert_int_equal(both.count, 2);
    resources_allocate(&both, SLICE("role3"), NULL);
    assert_text(&both, "cpus(allocated: role3):2");
}

static void test_provider_and_revocable(UNUSED void **state)
{
    SCOPED_RES plain = res("cpus:1");
    SCOPED_RES provided =
        res_json("{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},"
                 "\"provider_id\":{\"value\":\"p\"}}");
    SCOPED_RES revocable = res_json("{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":"
                                    "1},\"revocable\":{}}");
    SCOPED_RES all = sum(&plain, &provided);
    resources_add(&all, &revocable);
    assert_int_equal(all.count, 3);
    assert_int_equal(scalar_of(&all, "cpus"), 3000);
    assert_false(resources_contain(&plain, &provided));
    assert_false(resources_contain(&plain, &revocable));
    assert_false(resources_contain(&revocable, &plain));
    resources_subtract(&all, &revocable);
    assert_int_equal(all.count, 2);
}

static void test_reservations(UNUSED void **state)
{
    struct resource_reservation eng = {.type = RESERVATION_STATIC, .role = SLICE("eng")};
    struct resource_reservation dev = {
        .type = RESERVATION_DYNAMIC, .role = SLICE("eng/dev"), .principal = SLICE("ops")};
    SCOPED_RES plain = res("cpus:2;mem:10;ports:[1-2]");
    SCOPED_RES one;
    SCOPED_RES two;
    SCOPED_RES back;
    SCOPED_RES none;
    resources_push_reservation(&plain, &eng, &one);
    resources_push_reservation(&one, &dev, &two);
    assert_res(&one, "cpus(eng):2;mem(eng):10;ports(eng):[1-2]");
    assert_text(&two, "cpus(reservations: [(STATIC,eng),(DYNAMIC,eng/dev,ops)]):2; "
                      "mem(reservations: [(STATIC,eng),(DYNAMIC,eng/dev,ops)]):10; "
                      "ports(reservations: [(STATIC,eng),(DYNAMIC,eng/dev,ops)]):[1-2]");
    resources_pop_reservation(&two, &back);
    assert_true(resources_equal(&back, &one));

    resources_add(&two, &one);
    resources_add(&two, &plain);
    resources_to_unreserved(&two, &none);
    assert_res(&none, "cpus:6;mem:30;ports:[1-2]");
}

static void test_strip(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;cpus(a):2;ports:[1-2];d:{x}");
    SCOPED_RES volume = res_json(SHARED("id", "10"));
    resources_add(&r, &volume);
    resources_allocate(&r, SLICE("a"), NULL);
    SCOPED_RES stripped;
    resources_strip(&r, &stripped);
    assert_res(&stripped, "cpus:3;disk:10");
}

static void test_get(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;cpus(a):2;ports:[1-2];ports(a):[3-4];d:{x};d(b):{y}");
    int64_t kept = 5;
    assert_false(resources_get_scalar(&r, SLICE("mem"), &kept));
    assert_false(resources_get_scalar(&r, SLICE("ports"), &kept));
    assert_int_equal(kept, 5);
    assert_int_equal(scalar_of(&r, "cpus"), 3000);
    const struct ranges *ports = resources_get_ranges(&r, SLICE("ports"));
    assert_int_equal(ranges_count(ports), 1);
    assert_int_equal(ports->items[0].end, 4);
    ranges_unref(ports);
    assert_null(resources_get_ranges(&r, SLICE("cpus")));
    const struct item_set *items = resources_get_set(&r, SLICE("d"));
    assert_int_equal(item_set_count(items), 2);
    item_set_unref(items);
    assert_null(resources_get_set(&r, SLICE("e")));
}

static void test_match_and_copies(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;mem:5;ports:[1-2]");
    SCOPED_RES other = res("mem:9;disk:1");
    assert_int_equal(resources_match(&r, &other.items[0])->value.scalar, 5000);
    assert_null(resources_match(&r, &other.items[1]));
    SCOPED_RES copy;
    resources_copy(&r, &copy);
    resources_subtract_one(&copy, &r.items[2]);
    assert_res(&r, "cpus:1;mem:5;ports:[1-2]");
    assert_res(&copy, "cpus:1;mem:5");
    SCOPED_RES taken = resources_take(&copy);
    assert_true(resources_is_empty(&copy));
    assert_int_equal(taken.count, 2);
}

static void test_intern(UNUSED void **state)
{
    struct resource_kinds pool;
    resource_kinds_init(&pool);
    SCOPED_RES a = res("cpus:1;mem:5");
    SCOPED_RES b = res("mem:6;cpus:7");
    resources_intern(&a, &pool);
    resources_intern(&b, &pool);
    assert_ptr_equal(a.items[0].kind, b.items[1].kind);
    resources_allocate(&a, SLICE("r"), &pool);
    resources_allocate(&b, SLICE("r"), &pool);
    assert_ptr_equal(a.items[0].kind, b.items[1].kind);
    assert_int_equal(pool.count, 4);
    resource_kinds_deinit(&pool);
    resources_unallocate(&a, NULL);
    assert_res(&a, "cpus:1;mem:5");
}

/* Entries of vectors of many kinds are found wherever they stand. */
static void test_many_kinds(UNUSED void **state)
{
    struct buf text = BUF_INIT;
    for (int i = 0; i < 300; i++) {
        buf_printf(&text, "k%d:%d;", i, i + 1);
    }
    SCOPED_RES a = res(buf_text(&text));
    buf_clear(&text);
    for (int i = 299; i >= 0; i--) {
        buf_printf(&text, "k%d:%d;", i, i + 1);
    }
    SCOPED_RES b = res(buf_text(&text));
    buf_deinit(&text);
    assert_true(resources_equal(&a, &b));
    SCOPED_RES twice = sum(&a, &b);
    assert_int_equal(twice.count, 300);
    assert_int_equal(scalar_of(&twice, "k0"), 2000);
    resources_subtract(&twice, &b);
    assert_true(resources_equal(&twice, &a));
    resources_subtract(&twice, &a);
    assert_true(resources_is_empty(&twice));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums),         cmocka_unit_test(test_contain),
        cmocka_unit_test(test_no_drift),     cmocka_unit_test(test_zero_and_below),
        cmocka_unit_test(test_disks),        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_allocated),    cmocka_unit_test(test_provider_and_revocable),
        cmocka_unit_test(test_reservations), cmocka_unit_test(test_strip),
        cmocka_unit_test(test_get),          cmocka_unit_test(test_match_and_copies),
        cmocka_unit_test(test_intern),       cmocka_unit_test(test_many_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
