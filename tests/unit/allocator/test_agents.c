/* What there is to offer: agents, reservations, capabilities, kinds of resources. */
#include "kit.h"

/* --- books --- */

static void test_recovered_resources_are_offered_again(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024;ports:[1-10];disks:{a,b,c}");
    kit_expect(&k, "f0 a0 role: cpus:4; disks:{a, b, c}; mem:1024; ports:[1-10]");
    kit_use(&k, 0, 0, "cpus:1;ports:[3-4];disks:{b}", 0);
    kit_expect_later(&k, "f0 a0 role: cpus:3; disks:{a, c}; mem:1024; ports:[1-2, 5-10]");
    kit_free_used(&k, 0, 0, "role", "cpus:1;ports:[3-4];disks:{b}");
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f0 a0 role: cpus:4; disks:{b, a, c}; mem:1024; ports:[1-10]");
    kit_deinit(&k);
}

static void test_what_a_removed_framework_held_is_free(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024");
    kit_agent(&k, 1, "cpus:2;mem:512");
    kit_step(&k);
    kit_use(&k, 0, 0, "cpus:1", NS_PER_HOUR);
    kit_framework(&k, 1, "other");
    kit_expect(&k, "f1 a0 other: cpus:3; mem:1024");
    kit_decline_all(&k, NS_PER_HOUR);
    k.ops->remove_framework(k.allocator, k.now_ns, 0);
    kit_expect(&k, "");
    kit_expect_later(&k, "f1 a0 other: cpus:4; mem:1024\nf1 a1 other: cpus:2; mem:512");
    /* Its number may be another's. What comes late for the old one does no harm. */
    kit_framework(&k, 0, "role");
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

static void test_what_a_removed_agent_had_is_gone(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024");
    kit_step(&k);
    k.ops->remove_agent(k.allocator, k.now_ns, 0);
    kit_decline_all(&k, NS_PER_HOUR); /* too late, and no harm */
    kit_expect_later(&k, "");
    assert_int_equal(k.ops->role_filters_active(k.allocator, "role"), 0);
    kit_agent(&k, 0, "cpus:1;mem:100");
    kit_expect(&k, "f0 a0 role: cpus:1; mem:100");
    k.ops->remove_agent(k.allocator, k.now_ns, 0); /* asked for, and gone before the run */
    kit_agent(&k, 1, "cpus:1;mem:100");
    k.ops->remove_agent(k.allocator, k.now_ns, 1);
    kit_expect(&k, "");
    kit_deinit(&k);
}

static void test_resources_of_several_roles_are_recovered_in_one_go(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "a,b");
    kit_agent_used(&k, 0, "cpus:4;mem:1024", 0, "a", "cpus:1");
    struct resources more = kit_allocated("cpus:2", "b");
    k.ops->add_allocation(k.allocator, k.now_ns, 0, 0, &more);
    kit_step(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 1000);
    struct resources both = kit_allocated("cpus:1", "a");
    resources_add(&both, &more);
    k.ops->recover_resources(k.allocator, k.now_ns, 0, 0, &both, NULL);
    kit_decline_all(&k, 0);
    kit_interval(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 4000);
    resources_deinit(&more);
    resources_deinit(&both);
    kit_deinit(&k);
}

static void test_a_framework_that_is_added_later_brings_what_it_holds(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 1, "other");
    kit_agent_used(&k, 0, "cpus:4;mem:1024", 0, "role", "cpus:3;mem:1024");
    kit_expect(&k, "f1 a0 other: cpus:1");
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 0);
    /* Now it comes, and tells of what the agent told already, and of agents unknown yet. */
    struct resources used = kit_allocated("cpus:3;mem:1024", "role");
    struct allocator_used list[] = {{0, 0, &used}, {0, 77, &used}};
    const char *roles[] = {"role", NULL};
    const char *none[] = {NULL};
    struct allocator_framework info = {.roles = roles, .suppressed_roles = none, .active = true};
    k.ops->add_framework(k.allocator, k.now_ns, 0, &info, list, 2);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 1000000);
    kit_expect(&k, "");
    kit_agent(&k, 1, "cpus:1;mem:512");
    kit_expect(&k, "f1 a1 other: cpus:1; mem:512"); /* 80 % against 20 % */
    k.ops->remove_framework(k.allocator, k.now_ns, 0);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f1 a0 other: cpus:4; mem:1024\nf1 a1 other: cpus:1; mem:512");
    resources_deinit(&used);
    kit_deinit(&k);
}

static void test_what_agents_told_is_known_when_the_framework_comes_without_a_word(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent_used(&k, 0, "cpus:4;mem:1024", 0, "role", "cpus:1");
    kit_agent_used(&k, 1, "cpus:4;mem:1024", 0, "role/sub", "cpus:3");
    kit_agent_used(&k, 2, "cpus:4;mem:1024", 5, "role", "cpus:4");
    kit_framework(&k, 0, "role");
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role/sub"), 250000);
    kit_step(&k);
    kit_decline_all(&k, 0);
    k.ops->remove_framework(k.allocator, k.now_ns, 0);
    kit_framework(&k, 1, "role");
    kit_expect(&k, "f1 a0 role: cpus:4; mem:1024\nf1 a1 role: cpus:4; mem:1024\n"
                   "f1 a2 role: mem:1024");
    kit_deinit(&k);
}

static void test_an_unknown_frameworks_resources_may_be_recovered(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 1, "other");
    kit_agent_used(&k, 0, "cpus:4;mem:1024", 0, "role", "cpus:3");
    kit_expect(&k, "f1 a0 other: cpus:1; mem:1024");
    kit_free_used(&k, 0, 0, "role", "cpus:3");
    kit_expect_later(&k, "f1 a0 other: cpus:3");
    kit_deinit(&k);
}

/* --- agents change --- */

static void test_an_agent_may_grow_and_shrink(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024");
    kit_step(&k);
    kit_use(&k, 0, 0, "cpus:3", 0);
    struct resources total = kit_resources("cpus:5;mem:2048");
    kit_update_agent(&k, 0, &total);
    resources_deinit(&total);
    kit_expect(&k, "f0 a0 role: cpus:2; mem:2048");
    kit_decline_all(&k, 0);
    /* Less than is in use: there is nothing to offer until enough is free again. */
    total = kit_resources("cpus:2;mem:100");
    kit_update_agent(&k, 0, &total);
    resources_deinit(&total);
    kit_expect(&k, "f0 a0 role: mem:100");
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    kit_expect_later(&k, "");
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    kit_expect_later(&k, "f0 a0 role: cpus:1");
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f0 a0 role: cpus:2; mem:100");
    kit_deinit(&k);
}

static void test_deactivated_agents_are_not_offered(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024");
    k.ops->deactivate_agent(k.allocator, k.now_ns, 0);
    kit_expect(&k, "");
    kit_expect_later(&k, "");
    k.ops->activate_agent(k.allocator, k.now_ns, 0);
    kit_expect(&k, "");
    kit_expect_later(&k, "f0 a0 role: cpus:4; mem:1024");
    k.ops->deactivate_agent(k.allocator, k.now_ns, 0);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

static void test_agents_off_the_whitelist_are_not_offered(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024");
    kit_agent(&k, 1, "cpus:4;mem:1024");
    k.ops->set_whitelisted(k.allocator, k.now_ns, 0, false);
    kit_expect(&k, "f0 a1 role: cpus:4; mem:1024");
    k.ops->set_whitelisted(k.allocator, k.now_ns, 0, true);
    kit_expect_later(&k, "f0 a0 role: cpus:4; mem:1024");
    kit_deinit(&k);
}

/* --- operations --- */

static void test_an_operation_on_an_offer_changes_what_is_held_and_the_total(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_framework(&k, 1, "other");
    kit_agent(&k, 0, "cpus:4;mem:1024");
    kit_step(&k);
    uint32_t owner = k.offers[0].framework;
    const char *role = owner == 0 ? "role" : "other";
    struct resources before = kit_allocated("cpus:3", role);
    struct resources after = kit_reserved("cpus:3", role);
    resources_allocate(&after, slice_from(role), NULL);
    k.ops->update_allocation(k.allocator, k.now_ns, owner, 0, &before, &after);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, role), 1000000);
    resources_subtract(&k.offers[0].resources, &before);
    resources_add(&k.offers[0].resources, &after);
    kit_decline_all(&k, 0);
    kit_interval(&k);
    /* The unreserved part to whoever is next, the reserved one to its owner. */
    assert_int_equal(kit_amount(&k, owner, "cpus") >= 3000, true);
    assert_int_equal(kit_amount(&k, 0, "cpus") + kit_amount(&k, 1, "cpus"), 4000);
    resources_deinit(&before);
    resources_deinit(&after);
    kit_deinit(&k);
}

static void test_an_operation_may_take_resources_away(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:4;mem:1024;disk:100");
    kit_step(&k);
    struct resources before = kit_allocated("disk:100", "role");
    struct resources after = RESOURCES_INIT;
    k.ops->update_allocation(k.allocator, k.now_ns, 0, 0, &before, &after);
    resources_subtract(&k.offers[0].resources, &before);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f0 a0 role: cpus:4; mem:1024");
    resources_deinit(&before);
    kit_deinit(&k);
}

static void test_an_operation_on_free_resources_needs_them_free(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent(&k, 0, "cpus:4;mem:1024");
    struct resources before = kit_resources("cpus:3");
    struct resources after = kit_reserved("cpus:3", "role");
    assert_true(k.ops->update_available(k.allocator, k.now_ns, 0, &before, &after));
    assert_false(k.ops->update_available(k.allocator, k.now_ns, 0, &before, &after));
    kit_framework(&k, 0, "other");
    kit_expect(&k, "f0 a0 other: cpus:1; mem:1024");
    assert_true(k.ops->update_available(k.allocator, k.now_ns, 0, &after, &before));
    kit_expect_later(&k, "f0 a0 other: cpus:3");
    assert_false(k.ops->update_available(k.allocator, k.now_ns, 0, &before, &after));
    resources_deinit(&before);
    resources_deinit(&after);
    kit_deinit(&k);
}

static void test_numbers_that_were_taken_twice_are_released_twice(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:1;mem:64;ports:[1-9]");
    kit_step(&k);
    /* In use under a reservation, which the agent has forgotten when it comes back. */
    struct resources free_ports = kit_allocated("ports:[1-9]", "role");
    struct resources reserved = kit_reserved("ports:[1-9]", "role");
    resources_allocate(&reserved, SLICE("role"), NULL);
    k.ops->update_allocation(k.allocator, k.now_ns, 0, 0, &free_ports, &reserved);
    struct resources total = kit_resources("cpus:1;mem:64;ports:[1-9]");
    kit_update_agent(&k, 0, &total);
    k.ops->add_allocation(k.allocator, k.now_ns, 0, 0, &free_ports);
    k.ops->update_allocation(k.allocator, k.now_ns, 0, 0, &free_ports, &reserved);
    k.ops->recover_resources(k.allocator, k.now_ns, 0, 0, &reserved, NULL);
    k.ops->recover_resources(k.allocator, k.now_ns, 0, 0, &reserved, NULL);
    resources_subtract(&k.offers[0].resources, &free_ports);
    kit_decline_all(&k, 0);
    kit_interval(&k);
    assert_int_equal(kit_amount(&k, 0, "cpus"), 1000);
    resources_deinit(&free_ports);
    resources_deinit(&reserved);
    resources_deinit(&total);
    kit_deinit(&k);
}

static struct kit *releasing;

static void release_too_much(void)
{
    kit_free_used(releasing, 0, 0, "role", "cpus:2");
}

static void test_amounts_that_are_not_held_cannot_be_released(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:1;mem:64");
    kit_step(&k);
    releasing = &k;
    unit_assert_aborts(release_too_much, "resources_contain_one");
    kit_deinit(&k);
}

/* --- reservations --- */

static void test_reservations_are_for_their_role(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent(&k, 0, "cpus:1;mem:100;cpus(role):2;mem(role):50;ports(role):[5-6]");
    kit_framework(&k, 0, "other");
    kit_expect(&k, "f0 a0 other: cpus:1; mem:100");
    kit_framework(&k, 1, "role");
    kit_expect(&k, "f1 a0 role: cpus(reservations: [(STATIC,role)]):2; "
                   "mem(reservations: [(STATIC,role)]):50; "
                   "ports(reservations: [(STATIC,role)]):[5-6]");
    kit_decline_all(&k, 0);
    kit_suppress(&k, 0, NULL);
    kit_expect_later(&k, "f1 a0 role: cpus(reservations: [(STATIC,role)]):2; cpus:1; "
                         "mem(reservations: [(STATIC,role)]):50; mem:100; "
                         "ports(reservations: [(STATIC,role)]):[5-6]");
    kit_deinit(&k);
}

static void test_reservations_are_for_subroles_too(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent(&k, 0, "cpus(a):1;mem(a):100;cpus(a/b):2;cpus(ab):4;mem(ab):32");
    kit_framework(&k, 0, "a/b/c");
    kit_expect(&k, "f0 a0 a/b/c: cpus(reservations: [(STATIC,a)]):1; "
                   "cpus(reservations: [(STATIC,a/b)]):2; mem(reservations: [(STATIC,a)]):100");
    kit_decline_all(&k, NS_PER_HOUR);
    kit_framework(&k, 1, "a");
    kit_expect(&k, "f1 a0 a: cpus(reservations: [(STATIC,a)]):1; "
                   "mem(reservations: [(STATIC,a)]):100");
    kit_deinit(&k);
}

static void test_refined_reservations_are_for_those_who_understand_them(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    struct resources total = kit_resources("cpus:1;mem:100");
    struct resources refined = kit_reserved("cpus:2", "a,a/b");
    struct resources plain = kit_reserved("cpus:4", "a/b");
    resources_add(&total, &refined);
    resources_add(&total, &plain);
    kit_agent_resources(&k, 0, &total);
    kit_framework_with(&k, 0, "a/b", NULL, ALLOCATOR_MULTI_ROLE);
    kit_expect(&k, "f0 a0 a/b: cpus(reservations: [(DYNAMIC,a/b,ops)]):4; cpus:1; mem:100");
    kit_framework_with(&k, 1, "a/b", NULL, ALLOCATOR_REFINEMENT);
    kit_expect(&k, "f1 a0 a/b: cpus(reservations: [(DYNAMIC,a,ops),(DYNAMIC,a/b,ops)]):2");
    resources_deinit(&total);
    resources_deinit(&refined);
    resources_deinit(&plain);
    kit_deinit(&k);
}

static void test_reservations_count_for_fairness_only_when_offered(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent(&k, 0, "cpus(one):8;mem(one):1024");
    kit_framework_with(&k, 0, "one", "one", ALLOCATOR_MULTI_ROLE);
    kit_framework(&k, 1, "two");
    kit_agent(&k, 1, "cpus:1;mem:128");
    kit_expect(&k, "f1 a1 two: cpus:1; mem:128");
    kit_agent(&k, 2, "cpus:1;mem:128");
    kit_revive(&k, 0, NULL);
    kit_step(&k);
    /* Both run for agents 0 and 2; after the big one, two is behind. */
    assert_int_equal(kit_amount(&k, 0, "cpus") + kit_amount(&k, 1, "cpus"), 10000);
    assert_in_range(kit_amount(&k, 0, "cpus"), 8000, 9000);
    kit_deinit(&k);
}

/* --- capabilities and kinds --- */

static void test_revocable_resources_are_for_those_who_can_lose_them(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "firm");
    kit_framework_with(&k, 1, "loose", NULL, ALLOCATOR_REVOCABLE);
    kit_agent(&k, 0, "cpus:2;mem:100");
    kit_step(&k);
    kit_decline_all(&k, 0);
    kit_suppress(&k, 1, NULL);
    struct resources total = kit_resources("cpus:2;mem:100");
    struct resources extra = kit_revocable("cpus:4");
    resources_add(&total, &extra);
    kit_update_agent(&k, 0, &total);
    kit_expect(&k, "f0 a0 firm: cpus:2; mem:100");
    kit_revive(&k, 1, NULL);
    kit_expect(&k, "f1 a0 loose: cpus{REV}:4");
    kit_decline_all(&k, 0);
    /* The estimate falls while some is in use. */
    kit_suppress(&k, 0, NULL);
    kit_expect_later(&k, "f1 a0 loose: cpus:2; cpus{REV}:4; mem:100");
    struct resources less = kit_resources("cpus:2;mem:100");
    kit_update_agent(&k, 0, &less);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f1 a0 loose: cpus:2; mem:100");
    resources_deinit(&total);
    resources_deinit(&extra);
    resources_deinit(&less);
    kit_deinit(&k);
}

static void test_agents_with_gpus_are_for_those_who_want_them(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "plain");
    kit_agent(&k, 0, "cpus:2;mem:100;gpus:1");
    kit_expect(&k, "");
    kit_framework_with(&k, 1, "able", NULL, ALLOCATOR_GPU);
    kit_expect(&k, "f1 a0 able: cpus:2; gpus:1; mem:100");
    kit_use(&k, 1, 0, "gpus:1", NS_PER_HOUR);
    kit_expect_later(&k, ""); /* the gpus are in use, and yet it is an agent with gpus */
    struct resources total = kit_resources("cpus:2;mem:100");
    kit_update_agent(&k, 0, &total);
    kit_expect(&k, "f0 a0 plain: cpus:2; mem:100");
    resources_deinit(&total);
    kit_deinit(&k);
}

static void test_the_filter_for_gpus_may_be_off(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    options.filter_gpu_resources = false;
    kit_init_with(&k, &options, "cpus:0.01|mem:32");
    kit_framework(&k, 0, "plain");
    kit_agent(&k, 0, "cpus:2;mem:100;gpus:1");
    kit_expect(&k, "f0 a0 plain: cpus:2; gpus:1; mem:100");
    kit_deinit(&k);
}

static void add_in_region(struct kit *k, uint32_t id, const char *region)
{
    struct resources total = kit_resources("cpus:2;mem:100");
    struct allocator_agent info = {
        .total = &total,
        .capabilities = KIT_AGENT_CAPABILITIES,
        .region = region,
        .active = true,
    };
    k->ops->add_agent(k->allocator, k->now_ns, id, &info, NULL, 0);
    resources_deinit(&total);
}

static void test_remote_agents_are_for_those_who_are_aware_of_regions(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    options.region = "here";
    kit_init_with(&k, &options, "cpus:0.01|mem:32");
    kit_framework(&k, 0, "local");
    add_in_region(&k, 0, "here");
    add_in_region(&k, 1, "there");
    add_in_region(&k, 2, NULL);
    kit_expect(&k, "f0 a0 local: cpus:2; mem:100\nf0 a2 local: cpus:2; mem:100");
    kit_framework_with(&k, 1, "aware", NULL, ALLOCATOR_REGION_AWARE);
    kit_expect(&k, "f1 a1 aware: cpus:2; mem:100");
    kit_deinit(&k);
}

static void test_old_agents_are_not_for_new_frameworks_and_roles(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    struct resources total = kit_resources("cpus:2;mem:100");
    struct allocator_agent info = {.total = &total, .active = true};
    k.ops->add_agent(k.allocator, k.now_ns, 0, &info, NULL, 0);
    kit_framework_with(&k, 0, "role", NULL, ALLOCATOR_MULTI_ROLE);
    kit_framework_with(&k, 1, "a/b", NULL, 0);
    kit_expect(&k, "");
    kit_framework_with(&k, 2, "role", NULL, 0);
    kit_expect(&k, "f2 a0 role: cpus:2; mem:100");
    kit_decline_all(&k, NS_PER_HOUR);
    /* It is upgraded. */
    info.capabilities = ALLOCATOR_HIERARCHICAL_ROLE;
    k.ops->update_agent(k.allocator, k.now_ns, 0, &info);
    kit_expect(&k, "f1 a0 a/b: cpus:2; mem:100");
    kit_decline_all(&k, NS_PER_HOUR);
    info.capabilities |= ALLOCATOR_MULTI_ROLE;
    k.ops->update_agent(k.allocator, k.now_ns, 0, &info);
    kit_expect(&k, "f0 a0 role: cpus:2; mem:100");
    resources_deinit(&total);
    kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recovered_resources_are_offered_again),
        cmocka_unit_test(test_what_a_removed_framework_held_is_free),
        cmocka_unit_test(test_what_a_removed_agent_had_is_gone),
        cmocka_unit_test(test_resources_of_several_roles_are_recovered_in_one_go),
        cmocka_unit_test(test_a_framework_that_is_added_later_brings_what_it_holds),
        cmocka_unit_test(test_what_agents_told_is_known_when_the_framework_comes_without_a_word),
        cmocka_unit_test(test_an_unknown_frameworks_resources_may_be_recovered),
        cmocka_unit_test(test_an_agent_may_grow_and_shrink),
        cmocka_unit_test(test_deactivated_agents_are_not_offered),
        cmocka_unit_test(test_agents_off_the_whitelist_are_not_offered),
        cmocka_unit_test(test_an_operation_on_an_offer_changes_what_is_held_and_the_total),
        cmocka_unit_test(test_an_operation_may_take_resources_away),
        cmocka_unit_test(test_an_operation_on_free_resources_needs_them_free),
        cmocka_unit_test(test_numbers_that_were_taken_twice_are_released_twice),
        cmocka_unit_test(test_amounts_that_are_not_held_cannot_be_released),
        cmocka_unit_test(test_reservations_are_for_their_role),
        cmocka_unit_test(test_reservations_are_for_subroles_too),
        cmocka_unit_test(test_refined_reservations_are_for_those_who_understand_them),
        cmocka_unit_test(test_reservations_count_for_fairness_only_when_offered),
        cmocka_unit_test(test_revocable_resources_are_for_those_who_can_lose_them),
        cmocka_unit_test(test_agents_with_gpus_are_for_those_who_want_them),
        cmocka_unit_test(test_the_filter_for_gpus_may_be_off),
        cmocka_unit_test(test_remote_agents_are_for_those_who_are_aware_of_regions),
        cmocka_unit_test(test_old_agents_are_not_for_new_frameworks_and_roles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
