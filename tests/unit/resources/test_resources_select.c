#include "fixture.h"

static void test_by_reservation(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;cpus(eng):2;cpus(eng/dev):4;mem(ops):8;ports(engine):[1-2]");
    struct resources part;
    resources_reserved(&r, &part);
    assert_res(&part, "cpus(eng):2;cpus(eng/dev):4;mem(ops):8;ports(engine):[1-2]");
    resources_deinit(&part);
    resources_unreserved(&r, &part);
    assert_res(&part, "cpus:1");
    resources_deinit(&part);
    resources_reserved_to(&r, SLICE("eng"), &part);
    assert_res(&part, "cpus(eng):2");
    resources_deinit(&part);
    resources_reserved_to(&r, SLICE("*"), &part);
    assert_true(resources_is_empty(&part));
    resources_reserved_within(&r, SLICE("eng"), &part);
    assert_res(&part, "cpus(eng):2;cpus(eng/dev):4");
    resources_deinit(&part);
    /* What is reserved to an ancestor may be used too. */
    resources_allocatable_to(&r, SLICE("eng/dev"), &part);
    assert_res(&part, "cpus:1;cpus(eng):2;cpus(eng/dev):4");
    resources_deinit(&part);
    resources_allocatable_to(&r, SLICE("eng"), &part);
    assert_res(&part, "cpus:1;cpus(eng):2");
    resources_deinit(&part);
}

static void test_by_trait(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;ports:[1-2];d(a):{x}");
    SCOPED_RES revocable = res_json("{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":"
                                    "1},\"revocable\":{}}");
    SCOPED_RES volume = res_json(
        "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":5},\"reservations\":[{"
        "\"type\":\"STATIC\",\"role\":\"a\"}],\"shared\":{},\"disk\":{\"persistence\":{\"id\":\"i\""
        "}}}");
    SCOPED_RES dynamic = res_json("{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":3},"
                                  "\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"a\"}]}");
    resources_add(&r, &revocable);
    resources_add(&r, &volume);
    resources_add(&r, &dynamic);
    struct resources part;
    struct resources rest;
    resources_revocable(&r, &part);
    assert_true(resources_equal(&part, &revocable));
    resources_nonrevocable(&r, &rest);
    assert_int_equal(rest.count, 5);
    resources_deinit(&part);
    resources_deinit(&rest);
    resources_shared(&r, &part);
    assert_true(resources_equal(&part, &volume));
    resources_nonshared(&r, &rest);
    assert_int_equal(rest.count, 5);
    resources_deinit(&part);
    resources_deinit(&rest);
    resources_persistent_volumes(&r, &part);
    assert_true(resources_equal(&part, &volume));
    resources_deinit(&part);
    resources_checkpointed(&r, &part);
    resources_add(&volume, &dynamic);
    assert_true(resources_equal(&part, &volume));
    resources_deinit(&part);
    resources_scalars(&r, &part);
    assert_int_equal(part.count, 4);
    resources_deinit(&part);
    resources_named(&r, SLICE("cpus"), &part);
    assert_int_equal(part.count, 2);
    resources_deinit(&part);
    resources_named(&r, SLICE("cpu"), &part);
    assert_int_equal(part.count, 0);
}

static void test_by_role(UNUSED void **state)
{
    SCOPED_RES r = res("cpus:1;cpus(b):2;mem(a):8;ports(b):[1-2]");
    struct resources_by_role by_role;
    resources_reservations(&r, &by_role);
    assert_int_equal(by_role.count, 2);
    assert_slice(by_role.items[0].role, "a");
    assert_res(&by_role.items[0].resources, "mem(a):8");
    assert_res(resources_by_role_find(&by_role, SLICE("b")), "cpus(b):2;ports(b):[1-2]");
    assert_null(resources_by_role_find(&by_role, SLICE("c")));
    resources_by_role_deinit(&by_role);

    SCOPED_RES mine = res("cpus:1;mem:2");
    SCOPED_RES yours = res("cpus:3");
    resources_allocate(&mine, SLICE("me"), NULL);
    resources_allocate(&yours, SLICE("me/too"), NULL);
    SCOPED_RES all = sum(&yours, &mine);
    resources_allocations(&all, &by_role);
    assert_int_equal(by_role.count, 2);
    assert_true(resources_equal(&by_role.items[0].resources, &mine));
    assert_true(resources_equal(&by_role.items[1].resources, &yours));
    resources_by_role_deinit(&by_role);
    SCOPED_RES part;
    resources_allocated_within(&all, SLICE("me/too"), &part);
    assert_true(resources_equal(&part, &yours));
    SCOPED_RES both;
    resources_allocated_within(&all, SLICE("me"), &both);
    assert_true(resources_equal(&both, &all));
}

static void unallocated(void)
{
    SCOPED_RES r = res("cpus:1");
    struct resources_by_role by_role;
    resources_allocations(&r, &by_role);
}

static void test_allocations_of_unallocated(UNUSED void **state)
{
    unit_assert_aborts(unallocated, "has_allocation");
}

static void test_find(UNUSED void **state)
{
    static const struct {
        const char *have;
        const char *wanted;
        const char *found; /* NULL: not enough */
    } cases[] = {
        {"cpus(role1):2;mem(role1):10;cpus:4;mem:20", "cpus(role1):3;mem(role1):15",
         "cpus(role1):2;mem(role1):10;cpus:1;mem:5"},
        {"cpus(role1):1;mem(role1):5;cpus(role2):2;mem(role2):8;cpus:1;mem:7",
         "cpus(role1):3;mem(role1):15",
         "cpus(role1):1;mem(role1):5;cpus:1;mem:7;cpus(role2):1;mem(role2):3"},
        {"cpus(role1):5;mem(role1):5;cpus:5;mem:5", "cpus:6;mem:6",
         "cpus:5;mem:5;cpus(role1):1;mem(role1):1"},
        {"cpus(role1):1;mem(role1):1", "cpus(role1):2;mem(role1):2", NULL},
        {"cpus(a):1;cpus(b):1;cpus(c):1;cpus(d):1", "cpus:4",
         "cpus(a):1;cpus(b):1;cpus(c):1;cpus(d):1"},
        {"ports:[1-5];ports(a):[6-9]", "ports(a):[5-7]", NULL},
        {"ports:[1-9]", "ports(a):[5-7]", "ports:[5-7]"},
        /* The same cannot be found twice. */
        {"cpus:4", "cpus(a):3;cpus:3", NULL},
        {"cpus:4", "", ""},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_RES have = res(cases[i].have);
        SCOPED_RES wanted = res(cases[i].wanted);
        SCOPED_RES found = RESOURCES_INIT;
        bool is_found = resources_find(&have, &wanted, &found);
        assert_int_equal(is_found, cases[i].found != NULL);
        if (is_found) {
            assert_res(&found, cases[i].found);
        }
        assert_res(&have, cases[i].have);
    }
}

static const char mount_json[] = "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":10},"
                                 "\"disk\":{\"source\":{\"type\":\"MOUNT\",\"mount\":{\"root\":"
                                 "\"/m\"}}}}";

static void test_shrink(UNUSED void **state)
{
    static const struct {
        const char *have;
        const char *target;
        const char *left;
    } cases[] = {
        {"", "cpus:1", ""},
        {"cpus:1", "", ""},
        {"cpus:1", "cpus:2", "cpus:1"},
        {"cpus:2", "cpus:0.5", "cpus:0.5"},
        {"cpus:2;mem:10", "cpus:1", "cpus:1"},
        {"cpus:2;mem:10;x:3", "mem:20;x:1", "mem:10;x:1"},
    };
    struct resource_names names;
    resource_names_init(&names);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_RES have = res(cases[i].have);
        SCOPED_RES left;
        CLEANUP(quantities_deinit) struct quantities target;
        assert_int_equal(quantities_parse(slice_from(cases[i].target), &names, &target, NULL), 0);
        resources_shrink(&have, &target, &names, NULL, &left);
        assert_res(&left, cases[i].left);
    }
    /* Across entries of one name, in some order; a MOUNT disk not at all. */
    struct prng prng;
    prng_seed(&prng, 3);
    bool cut[2] = {false, false};
    for (int i = 0; i < 64; i++) {
        SCOPED_RES have = res("cpus:2;cpus(a):2");
        SCOPED_RES mount = res_json(mount_json);
        SCOPED_RES left;
        CLEANUP(quantities_deinit) struct quantities target;
        assert_int_equal(quantities_parse(SLICE("cpus:3;disk:9"), &names, &target, NULL), 0);
        resources_add(&have, &mount);
        resources_shrink(&have, &target, &names, &prng, &left);
        assert_int_equal(scalar_of(&left, "cpus"), 3000);
        assert_int_equal(scalar_of(&left, "disk"), -1);
        SCOPED_RES unreserved;
        resources_unreserved(&left, &unreserved);
        cut[scalar_of(&unreserved, "cpus") == 1000] = true;
    }
    assert_true(cut[0] && cut[1]);
    resource_names_deinit(&names);
}

static void test_shrink_to_limits(UNUSED void **state)
{
    static const struct {
        const char *have;
        const char *limits;
        const char *left;
    } cases[] = {
        {"cpus:1;mem:2", "", "cpus:1;mem:2"},
        {"cpus:1;mem:2", "cpus:0", "mem:2"},
        {"cpus:1;mem:2;ports:[1-2]", "cpus:0.5", "cpus:0.5;mem:2;ports:[1-2]"},
        {"cpus:1;x:2", "cpus:3;x:1.5", "cpus:1;x:1.5"},
        {"ports:[1-5];d:{a}", "ports:4;d:1", "d:{a}"},
    };
    struct resource_names names;
    resource_names_init(&names);
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        SCOPED_RES have = res(cases[i].have);
        SCOPED_RES left;
        struct resource_limits limits;
        assert_int_equal(resource_limits_parse(slice_from(cases[i].limits), &names, &limits, NULL),
                         0);
        resources_shrink_to_limits(&have, &limits, &names, NULL, &left);
        assert_res(&left, cases[i].left);
        resource_limits_deinit(&limits);
    }
    resource_names_deinit(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_reservation),
        cmocka_unit_test(test_by_trait),
        cmocka_unit_test(test_by_role),
        cmocka_unit_test(test_allocations_of_unallocated),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_shrink),
        cmocka_unit_test(test_shrink_to_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
