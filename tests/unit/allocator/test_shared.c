/* Shared volumes: always there, offered once in a run, counted once. */
#include "kit.h"

static void agent_with_shared_volume(struct kit *k)
{
    struct resources total = kit_resources("cpus:4;mem:1024");
    struct resources volume = kit_volume("role", "100", "v1", true);
    resources_add(&total, &volume);
    kit_agent_resources(k, 0, &total);
    resources_deinit(&total);
    resources_deinit(&volume);
}

/* How many of the held offers have the volume. */
static size_t count_volumes(const struct kit *k)
{
    size_t count = 0;
    for (size_t i = 0; i < k->offer_count; i++) {
        const struct resources *r = &k->offers[i].resources;
        for (uint32_t j = 0; j < r->count; j++) {
            count += r->items[j].kind->is_shared ? (size_t)r->items[j].shares : 0;
        }
    }
    return count;
}

static void test_a_shared_volume_is_offered_while_it_is_in_use(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework_with(&k, 0, "role", NULL, ALLOCATOR_SHARED);
    agent_with_shared_volume(&k);
    assert_int_equal(kit_step(&k), 1);
    assert_int_equal(count_volumes(&k), 1);
    /* A task on a part of it and the volume; the rest comes again, with another copy. */
    struct resources used = kit_allocated("cpus:1;mem:100", "role");
    resources_subtract(&k.offers[0].resources, &used);
    struct kit_offer *rest = &k.offers[0];
    struct resources copy;
    resources_copy(&rest->resources, &copy);
    for (uint32_t i = 0; i < copy.count; i++) {
        if (copy.items[i].kind->is_shared) {
            resources_subtract_one(&rest->resources, &copy.items[i]);
            break;
        }
    }
    resources_deinit(&copy);
    kit_decline_all(&k, 0);
    assert_int_equal(kit_interval(&k), 1);
    assert_int_equal(count_volumes(&k), 1);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 3000);
    resources_deinit(&used);
    kit_deinit(&k);
}

static void test_a_shared_volume_is_offered_once_in_a_run(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    kit_init_with(&k, &options, ""); /* the volume alone is enough for an offer */
    kit_framework_with(&k, 0, "role", NULL, ALLOCATOR_SHARED);
    kit_framework_with(&k, 1, "role", NULL, ALLOCATOR_SHARED);
    agent_with_shared_volume(&k);
    assert_int_equal(kit_step(&k), 1);
    assert_int_equal(count_volumes(&k), 1);
    /* In the next one it is alone, and goes to the other. */
    assert_int_equal(kit_interval(&k), 1);
    assert_int_equal(kit_count(&k, 0), 1);
    assert_int_equal(kit_count(&k, 1), 1);
    assert_int_equal(count_volumes(&k), 2);
    kit_deinit(&k);
}

static void test_a_shared_volume_is_for_those_who_can_share(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    agent_with_shared_volume(&k);
    kit_expect(&k, "f0 a0 role: cpus:4; mem:1024");
    kit_deinit(&k);
}

static void test_copies_of_a_shared_volume_count_once(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    kit_init_with(&k, &options, "");
    kit_framework_with(&k, 0, "role", NULL, ALLOCATOR_SHARED);
    kit_framework_with(&k, 1, "role", NULL, ALLOCATOR_SHARED);
    struct resources total = kit_volume("role", "100", "v1", true);
    kit_agent_resources(&k, 0, &total);
    resources_deinit(&total);
    kit_agent(&k, 1, "disk:300");
    kit_step(&k);
    for (int i = 0; i < 6; i++) {
        kit_interval(&k);
    }
    assert_true(count_volumes(&k) > 4);
    /* All there is: 100 once, and 300. */
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 1000000);
    /* One copy after the other goes; the last one counts. */
    while (count_volumes(&k) > 1) {
        kit_decline(&k, k.offers[k.offer_count - 1].framework, 0, 0);
    }
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 1000000);
    kit_decline(&k,
                kit_count(&k, 0) != 0 && k.offers[0].agent == 0 ? k.offers[0].framework
                                                                : k.offers[1].framework,
                0, 0);
    assert_int_equal(count_volumes(&k), 0);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 750000);
    kit_deinit(&k);
}

static void test_a_shared_volume_is_made_and_destroyed_in_an_offer(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework_with(&k, 0, "role", NULL, ALLOCATOR_SHARED);
    struct resources total = kit_resources("cpus:4;mem:1024");
    struct resources disk = kit_reserved("disk:100", "role");
    resources_add(&total, &disk);
    kit_agent_resources(&k, 0, &total);
    kit_step(&k);
    struct resources volume = kit_volume("role", "100", "v1", true);
    resources_allocate(&volume, SLICE("role"), NULL);
    resources_allocate(&disk, SLICE("role"), NULL);
    k.ops->update_allocation(k.allocator, k.now_ns, 0, 0, &disk, &volume);
    /* A launch with two more copies of it. */
    struct resources three;
    resources_copy(&volume, &three);
    resources_add(&three, &volume);
    resources_add(&three, &volume);
    k.ops->update_allocation(k.allocator, k.now_ns, 0, 0, &volume, &three);
    resources_subtract(&k.offers[0].resources, &disk);
    resources_add(&k.offers[0].resources, &three);
    assert_int_equal(count_volumes(&k), 3);
    kit_decline_all(&k, 0);
    kit_interval(&k);
    assert_int_equal(count_volumes(&k), 1);
    k.ops->update_allocation(k.allocator, k.now_ns, 0, 0, &volume, &disk);
    resources_subtract(&k.offers[0].resources, &volume);
    resources_add(&k.offers[0].resources, &disk);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f0 a0 role: cpus:4; disk(reservations: [(DYNAMIC,role,ops)]):100; "
                         "mem:1024");
    resources_deinit(&total);
    resources_deinit(&disk);
    resources_deinit(&volume);
    resources_deinit(&three);
    kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shared_volume_is_offered_while_it_is_in_use),
        cmocka_unit_test(test_a_shared_volume_is_offered_once_in_a_run),
        cmocka_unit_test(test_a_shared_volume_is_for_those_who_can_share),
        cmocka_unit_test(test_copies_of_a_shared_volume_count_once),
        cmocka_unit_test(test_a_shared_volume_is_made_and_destroyed_in_an_offer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
