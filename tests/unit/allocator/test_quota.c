/* Guarantees, limits, headroom. */
#include "kit.h"

#define ONE "cpus:1;mem:512"

static void add_agents(struct kit *k, uint32_t first, uint32_t count, const char *total)
{
    for (uint32_t i = 0; i < count; i++) {
        kit_agent(k, first + i, total);
    }
}

/* --- guarantees --- */

static void test_a_guarantee_comes_before_fairness(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "assured", "cpus:3;mem:1536", "");
    kit_framework(&k, 0, "assured");
    kit_framework(&k, 1, "other");
    for (uint32_t i = 0; i < 3; i++) {
        kit_agent(&k, i, ONE);
        kit_step(&k);
    }
    assert_int_equal(kit_count(&k, 0), 3);
    /* Met: now shares decide. */
    kit_agent(&k, 3, ONE);
    kit_expect(&k, "f1 a3 other: cpus:1; mem:512");
    kit_deinit(&k);
}

static void test_a_guarantee_is_held_back_for_an_absent_framework(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "absent", "cpus:2", "");
    kit_framework(&k, 0, "other");
    add_agents(&k, 0, 3, ONE);
    kit_step(&k);
    /* Only the guaranteed kind is held back. */
    assert_int_equal(kit_amount(&k, 0, "cpus"), 1000);
    assert_int_equal(kit_amount(&k, 0, "mem"), 3 * 512000);
    kit_expect_later(&k, "");
    /* The guarantee goes, and so does the headroom. */
    kit_quota(&k, "absent", "", "");
    kit_interval(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 3000);
    kit_deinit(&k);
}

static void test_a_guarantee_is_held_back_for_a_suppressed_framework(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "quiet", "cpus:1;mem:512", "");
    kit_framework_with(&k, 0, "quiet", "quiet", 0);
    kit_framework(&k, 1, "other");
    add_agents(&k, 0, 2, ONE);
    assert_int_equal(kit_step(&k), 1);
    kit_expect_later(&k, "");
    kit_revive(&k, 0, NULL);
    assert_int_equal(kit_step(&k), 1);
    assert_int_equal(kit_count(&k, 0), 1);
    kit_deinit(&k);
}

static void test_what_is_recovered_may_be_held_back_again(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "other");
    add_agents(&k, 0, 2, ONE);
    assert_int_equal(kit_step(&k), 2);
    kit_quota(&k, "absent", "cpus:1;mem:512", "");
    kit_decline(&k, 0, 0, 0);
    kit_expect_later(&k, "");
    kit_decline(&k, 0, 1, 0);
    assert_int_equal(kit_interval(&k), 1); /* one of the two is more than the headroom needs */
    kit_deinit(&k);
}

static void test_a_guarantee_takes_what_it_needs_of_an_agent(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "cpus:0.5;mem:200", "cpus:0.5;mem:200");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:1;mem:512;ports:[1-2]");
    kit_expect(&k, "f0 a0 role: cpus:0.5; mem:200; ports:[1-2]");
    kit_framework(&k, 1, "other");
    kit_expect(&k, "f1 a0 other: cpus:0.5; mem:312");
    kit_deinit(&k);
}

static void test_a_guarantee_in_one_kind_only_goes_on_in_that_kind(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "cpus:4;mem:1024", "cpus:4;mem:1024");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_expect(&k, "f0 a0 role: cpus:2; mem:1024");
    kit_agent(&k, 1, "cpus:2;mem:1024");
    kit_expect(&k, "f0 a1 role: cpus:2");
    kit_agent(&k, 2, "cpus:2;mem:1024");
    kit_expect(&k, "");
    kit_deinit(&k);
}

static void test_kinds_without_quota_come_along_unless_others_need_them(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "one", "cpus:2", "cpus:2");
    kit_framework(&k, 0, "one");
    kit_agent(&k, 0, "cpus:1;mem:1024;ports:[1-9]");
    kit_expect(&k, "f0 a0 one: cpus:1; mem:1024; ports:[1-9]");
    kit_quota(&k, "two", "mem:1024", "mem:1024");
    kit_agent(&k, 1, "cpus:1;mem:1024;ports:[1-9]");
    kit_expect(&k, "f0 a1 one: cpus:1; ports:[1-9]");
    /* One's guarantee is met: only what it has no limit for. */
    kit_agent(&k, 2, "cpus:1;mem:1024;ports:[1-9]");
    kit_expect(&k, "f0 a2 one: mem:1024; ports:[1-9]");
    kit_deinit(&k);
}

static void test_several_guarantees_are_all_held_back(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "absent-1", "cpus:1;mem:512", "");
    kit_quota(&k, "absent-2", "cpus:1;mem:512", "");
    kit_framework(&k, 0, "other");
    add_agents(&k, 0, 2, ONE);
    kit_expect(&k, "");
    add_agents(&k, 2, 1, ONE);
    assert_int_equal(kit_step(&k), 1);
    kit_expect_later(&k, "");
    kit_framework(&k, 1, "absent-2");
    assert_int_equal(kit_step(&k), 1);
    assert_int_equal(kit_count(&k, 1), 1);
    kit_deinit(&k);
}

static void test_guarantees_are_given_though_they_exceed_the_cluster(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "one", "cpus:8;mem:4096", "");
    kit_quota(&k, "two", "cpus:8;mem:4096", "");
    kit_framework(&k, 0, "one");
    kit_framework(&k, 1, "two");
    kit_framework(&k, 2, "other");
    add_agents(&k, 0, 4, ONE);
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 2);
    assert_int_equal(kit_count(&k, 1), 2);
    kit_deinit(&k);
}

static void test_a_refused_guarantee_does_not_starve_others_of_the_surplus(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "picky", "cpus:1;mem:512", "");
    kit_framework(&k, 0, "picky");
    add_agents(&k, 0, 2, ONE);
    kit_step(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_interval(&k); /* and the other one */
    kit_decline_all(&k, NS_PER_HOUR);
    kit_framework(&k, 1, "other");
    assert_int_equal(kit_step(&k), 1);
    assert_int_equal(kit_count(&k, 1), 1);
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

static void test_many_guarantees_are_met_in_the_order_of_fairness(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    char role[16];
    for (uint32_t i = 0; i < 40; i++) {
        snprintf(role, sizeof(role), "r%u", i);
        kit_quota(&k, role, "cpus:2;mem:1024", "cpus:2;mem:1024");
        kit_framework(&k, i, role);
    }
    add_agents(&k, 0, 60, ONE);
    kit_step(&k);
    /* All have one before any has two. */
    for (uint32_t i = 0; i < 40; i++) {
        assert_in_range(kit_count(&k, i), 1, 2);
    }
    add_agents(&k, 60, 60, ONE);
    kit_step(&k);
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(kit_amount(&k, i, "cpus"), 2000);
    }
    kit_deinit(&k);
}

static void test_a_revival_lifts_filters_where_headroom_cut_the_offer(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "absent", "cpus:2", "");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4");
    kit_expect(&k, "f0 a0 role: cpus:2");
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, "");
    kit_revive(&k, 0, NULL);
    kit_expect(&k, "f0 a0 role: cpus:2");
    kit_deinit(&k);
}

static void test_a_role_does_not_stand_in_the_way_of_its_subroles(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "a", "cpus:4", "");
    kit_framework(&k, 0, "a/x");
    add_agents(&k, 0, 2, "cpus:3;mem:64");
    kit_expect(&k, "f0 a0 a/x: cpus:3; mem:64\nf0 a1 a/x: cpus:3; mem:64");
    /* But others' guarantees do. */
    kit_decline_all(&k, 0);
    kit_quota(&k, "b", "cpus:1", "");
    kit_interval(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 5000);
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

/* --- limits --- */

static void test_a_limit_cuts_offers(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "", "cpus:2.5");
    kit_framework(&k, 0, "role");
    add_agents(&k, 0, 4, ONE);
    kit_step(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 2500);
    assert_int_equal(kit_amount(&k, 0, "mem"), 4 * 512000);
    kit_expect_later(&k, "");
    /* There is room again when something comes back. */
    kit_decline(&k, 0, k.offers[0].agent, 0);
    kit_interval(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 2500);
    kit_deinit(&k);
}

static void test_a_limit_may_be_raised_lowered_and_lifted(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "", "cpus:1;mem:512");
    kit_framework(&k, 0, "role");
    add_agents(&k, 0, 4, ONE);
    assert_int_equal(kit_step(&k), 1);
    kit_quota(&k, "role", "", "cpus:2;mem:1024");
    assert_int_equal(kit_interval(&k), 1);
    kit_quota(&k, "role", "", "cpus:0;mem:0");
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "");
    kit_quota(&k, "role", "", "");
    assert_int_equal(kit_interval(&k), 4);
    kit_deinit(&k);
}

static void test_room_under_a_limit_wakes_what_it_kept_away(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "", "cpus:1;mem:512");
    kit_framework(&k, 0, "role");
    kit_framework(&k, 1, "role");
    kit_agent_used(&k, 0, ONE, 0, "role", ONE);
    add_agents(&k, 1, 5, ONE);
    kit_expect(&k, "");
    kit_expect_later(&k, "");
    /* The task ends on an agent that is not for offers any more: the room is used elsewhere. */
    k.ops->deactivate_agent(k.allocator, k.now_ns, 0);
    kit_free_used(&k, 0, 0, "role", ONE);
    assert_int_equal(kit_interval(&k), 1);
    kit_deinit(&k);
}

static void test_tasks_and_reservations_count_against_a_limit(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "", "cpus:4");
    kit_framework(&k, 0, "role");
    kit_agent_used(&k, 0, ONE, 0, "role", "cpus:1");
    kit_agent(&k, 1, "cpus(role):2;mem(role):64");
    add_agents(&k, 2, 3, ONE);
    kit_step(&k);
    /* 4 - 1 in use - 2 reserved, and the reservation itself. */
    assert_int_equal(kit_amount(&k, 0, "cpus"), 3000);
    k.ops->remove_agent(k.allocator, k.now_ns, 1);
    kit_interval(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus") - 2000, 3000);
    kit_deinit(&k);
}

static void test_a_limit_binds_frameworks_of_the_role_but_not_of_subroles(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "dept", "", "cpus:2;mem:4096");
    kit_framework(&k, 0, "dept/team");
    add_agents(&k, 0, 3, ONE);
    assert_int_equal(kit_step(&k), 3); /* facts/observed.md, allocator 3 */
    kit_framework(&k, 1, "dept");
    kit_agent(&k, 3, "cpus:2;mem:32");
    kit_agent(&k, 4, "cpus:2");
    kit_suppress(&k, 0, NULL);
    kit_expect(&k, "f1 a3 dept: mem:32"); /* the subrole's use counts */
    kit_deinit(&k);
}

static void test_a_limit_without_a_minimum_offers_what_is_left(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "", "cpus:0.005;mem:31");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:1;mem:512;disk:100;ports:[1-2]");
    kit_expect(&k, ""); /* below the minimum offer */
    kit_quota(&k, "role", "", "cpus:0.01");
    kit_expect_later(&k, "f0 a0 role: cpus:0.01; disk:100; mem:512; ports:[1-2]");
    kit_deinit(&k);
}

static void test_revocable_resources_are_not_under_quota(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "", "cpus:1");
    kit_quota(&k, "absent", "mem:512", "");
    kit_framework_with(&k, 0, "role", NULL, ALLOCATOR_REVOCABLE);
    struct resources total = kit_resources("cpus:2;mem:512");
    struct resources extra = kit_revocable("cpus:8");
    resources_add(&total, &extra);
    kit_agent_resources(&k, 0, &total);
    kit_expect(&k, "f0 a0 role: cpus:1; cpus{REV}:8");
    resources_deinit(&total);
    resources_deinit(&extra);
    kit_deinit(&k);
}

/* --- reservations --- */

static void test_reservations_count_toward_a_guarantee(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "cpus:2;mem:512", "");
    kit_framework(&k, 0, "other");
    kit_agent(&k, 0, "cpus(role):1;mem(role):512");
    add_agents(&k, 1, 2, ONE);
    kit_step(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 1000);
    assert_int_equal(kit_amount(&k, 0, "mem"), 1024000);
    kit_framework(&k, 1, "role");
    kit_step(&k);
    assert_int_equal(kit_amount(&k, 1, "cpus"), 2000);
    kit_deinit(&k);
}

static void test_a_subroles_reservations_and_use_count_toward_a_guarantee(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "a", "cpus:2;mem:1024", "");
    kit_framework(&k, 0, "a/b");
    kit_agent(&k, 0, "cpus(a/c):1;mem(a/c):512");
    kit_agent_used(&k, 1, ONE, 0, "a/b", ONE);
    kit_framework(&k, 1, "other");
    kit_suppress(&k, 0, NULL);
    add_agents(&k, 2, 1, ONE);
    kit_expect(&k, "f1 a2 other: cpus:1; mem:512");
    kit_deinit(&k);
}

static void test_others_reservations_are_no_headroom(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "assured", "cpus:1;mem:512", "");
    kit_agent(&k, 0, "cpus(saver):1;mem(saver):512");
    kit_agent(&k, 1, ONE);
    kit_framework(&k, 0, "other");
    kit_expect(&k, "");
    kit_framework(&k, 1, "saver");
    kit_expect(&k, "f1 a0 saver: cpus(reservations: [(STATIC,saver)]):1; "
                   "mem(reservations: [(STATIC,saver)]):512");
    /* Once they are reserved no more, they are. */
    struct resources total = kit_resources(ONE);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_update_agent(&k, 0, &total);
    assert_int_equal(kit_step(&k), 1);
    resources_deinit(&total);
    kit_deinit(&k);
}

static void test_reserving_what_is_allocated_does_not_change_what_is_consumed(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "cpus:2;mem:1024", "cpus:2;mem:1024");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_agent(&k, 1, "cpus:2;mem:1024");
    assert_int_equal(kit_step(&k), 1);
    uint32_t agent = k.offers[0].agent;
    struct resources before = kit_allocated("cpus:2;mem:1024", "role");
    struct resources after = kit_reserved("cpus:2;mem:1024", "role");
    resources_allocate(&after, SLICE("role"), NULL);
    for (int i = 0; i < 3; i++) {
        k.ops->update_allocation(k.allocator, k.now_ns, 0, agent, &before, &after);
        kit_expect_later(&k, "");
        k.ops->update_allocation(k.allocator, k.now_ns, 0, agent, &after, &before);
        kit_expect_later(&k, "");
    }
    kit_framework(&k, 1, "other");
    assert_int_equal(kit_step(&k), 1); /* the guarantee needs no headroom */
    resources_deinit(&before);
    resources_deinit(&after);
    kit_deinit(&k);
}

/* --- disks that cannot be cut --- */

static struct resources with_mount(const char *rest, const char *disk)
{
    struct resources total = kit_resources(rest);
    struct resources mount = kit_resources(disk);
    struct resource_disk source = {
        .has_source = true,
        .source = DISK_SOURCE_MOUNT,
        .has_mount = true,
        .mount_root = SLICE("/mnt"),
    };
    struct resource_kind draft = *mount.items[0].kind;
    draft.has_disk = true;
    draft.disk = &source;
    resource_set_kind(&mount.items[0], resource_kind_make(&draft, NULL));
    resources_add(&total, &mount);
    resources_deinit(&mount);
    return total;
}

static void test_a_disk_that_cannot_be_cut_is_offered_whole_or_not(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "role", "cpus:2;mem:2048;disk:150", "cpus:2;mem:2048;disk:150");
    kit_framework(&k, 0, "role");
    struct resources total = with_mount("cpus:0.5;mem:512", "disk:100");
    kit_agent_resources(&k, 0, &total);
    kit_expect(&k, "f0 a0 role: cpus:0.5; disk[MOUNT:/mnt]:100; mem:512");
    kit_agent_resources(&k, 1, &total);
    kit_expect(&k, "f0 a1 role: cpus:0.5; mem:512");
    kit_agent(&k, 2, "cpus:2;mem:2048;disk:150");
    kit_expect(&k, "f0 a2 role: cpus:1; disk:50; mem:1024");
    resources_deinit(&total);
    kit_deinit(&k);
}

/* Gone framework, gone agent: sums come back to where they were. */
static void test_headroom_is_exact_after_everything_has_come_and_gone(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_quota(&k, "assured", "cpus:1;mem:512", "cpus:3");
    for (int round = 0; round < 3; round++) {
        kit_framework(&k, 0, "assured");
        kit_framework(&k, 1, "a/b,other");
        kit_agent_used(&k, 0, "cpus:4;mem:2048;tokens:5", 0, "assured", "cpus:1;mem:100;tokens:1");
        kit_agent(&k, 1, "cpus(assured):1;mem:512;cpus:1");
        kit_step(&k);
        kit_decline_all(&k, NS_PER_HOUR);
        kit_interval(&k);
        k.ops->remove_framework(k.allocator, k.now_ns, 0);
        k.ops->remove_framework(k.allocator, k.now_ns, 1);
        kit_decline_all(&k, 0);
        k.ops->remove_agent(k.allocator, k.now_ns, 0);
        k.ops->remove_agent(k.allocator, k.now_ns, 1);
    }
    kit_framework(&k, 0, "other");
    add_agents(&k, 0, 2, ONE);
    assert_int_equal(kit_step(&k), 1);
    kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_guarantee_comes_before_fairness),
        cmocka_unit_test(test_a_guarantee_is_held_back_for_an_absent_framework),
        cmocka_unit_test(test_a_guarantee_is_held_back_for_a_suppressed_framework),
        cmocka_unit_test(test_what_is_recovered_may_be_held_back_again),
        cmocka_unit_test(test_a_guarantee_takes_what_it_needs_of_an_agent),
        cmocka_unit_test(test_a_guarantee_in_one_kind_only_goes_on_in_that_kind),
        cmocka_unit_test(test_kinds_without_quota_come_along_unless_others_need_them),
        cmocka_unit_test(test_several_guarantees_are_all_held_back),
        cmocka_unit_test(test_guarantees_are_given_though_they_exceed_the_cluster),
        cmocka_unit_test(test_a_refused_guarantee_does_not_starve_others_of_the_surplus),
        cmocka_unit_test(test_many_guarantees_are_met_in_the_order_of_fairness),
        cmocka_unit_test(test_a_revival_lifts_filters_where_headroom_cut_the_offer),
        cmocka_unit_test(test_a_role_does_not_stand_in_the_way_of_its_subroles),
        cmocka_unit_test(test_a_limit_cuts_offers),
        cmocka_unit_test(test_a_limit_may_be_raised_lowered_and_lifted),
        cmocka_unit_test(test_room_under_a_limit_wakes_what_it_kept_away),
        cmocka_unit_test(test_tasks_and_reservations_count_against_a_limit),
        cmocka_unit_test(test_a_limit_binds_frameworks_of_the_role_but_not_of_subroles),
        cmocka_unit_test(test_a_limit_without_a_minimum_offers_what_is_left),
        cmocka_unit_test(test_revocable_resources_are_not_under_quota),
        cmocka_unit_test(test_reservations_count_toward_a_guarantee),
        cmocka_unit_test(test_a_subroles_reservations_and_use_count_toward_a_guarantee),
        cmocka_unit_test(test_others_reservations_are_no_headroom),
        cmocka_unit_test(test_reserving_what_is_allocated_does_not_change_what_is_consumed),
        cmocka_unit_test(test_a_disk_that_cannot_be_cut_is_offered_whole_or_not),
        cmocka_unit_test(test_headroom_is_exact_after_everything_has_come_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
