/* Who wants it: filters, suppression, revival, minima, constraints. */
#include "kit.h"

#define ALL "cpus:2; mem:1024"

static void one_framework_one_agent(struct kit *k)
{
    kit_init(k);
    kit_framework(k, 0, "role");
    kit_agent(k, 0, "cpus:2;mem:1024");
    kit_expect(k, "f0 a0 role: " ALL);
}

static void test_a_decline_without_a_filter_waits_for_the_interval_only(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_decline_all(&k, 0);
    kit_expect(&k, "");
    kit_expect_later(&k, "f0 a0 role: " ALL);
    kit_deinit(&k);
}

static void test_a_filter_keeps_the_offer_away_until_it_ends(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    k.now_ns += KIT_INTERVAL_NS / 2;
    kit_decline_all(&k, 3 * KIT_INTERVAL_NS);
    k.now_ns -= KIT_INTERVAL_NS / 2;
    assert_int_equal(k.ops->role_filters_active(k.allocator, "role"), 1);
    kit_expect_later(&k, "");
    kit_expect_later(&k, "");
    kit_expect_later(&k, ""); /* at 3; it ends at 3.5 */
    kit_expect_later(&k, "f0 a0 role: " ALL);
    assert_int_equal(k.ops->role_filters_active(k.allocator, "role"), 0);
    kit_deinit(&k);
}

static void test_a_short_filter_lasts_until_after_the_next_run(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_framework(&k, 1, "role");
    kit_decline_all(&k, KIT_INTERVAL_NS / 100);
    /* The other one has its chance, even where the run is late. */
    k.now_ns += KIT_INTERVAL_NS / 2;
    kit_expect_later(&k, "f1 a0 role: " ALL);
    kit_decline_all(&k, KIT_INTERVAL_NS / 100);
    kit_expect_later(&k, "f0 a0 role: " ALL);
    kit_deinit(&k);
}

static void test_a_filter_is_for_one_agent_one_role_and_one_framework(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "a,b");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_step(&k);
    char first = k.offers[0].role[0];
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, first == 'a' ? "f0 a0 b: " ALL : "f0 a0 a: " ALL);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, "");
    kit_framework(&k, 1, "a");
    kit_expect(&k, "f1 a0 a: " ALL);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_agent(&k, 1, "cpus:2;mem:1024");
    assert_int_equal(kit_step(&k), 1);
    kit_deinit(&k);
}

static void test_a_filter_does_not_keep_more_than_was_refused_away(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent_used(&k, 0, "cpus:2;mem:1024;ports:[1-9]", 0, "role", "cpus:1;mem:512;ports:[1-4]");
    kit_expect(&k, "f0 a0 role: cpus:1; mem:512; ports:[5-9]");
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, "");
    kit_free_used(&k, 0, 0, "role", "ports:[1-1]");
    kit_expect_later(&k, "f0 a0 role: cpus:1; mem:512; ports:[1-1, 5-9]");
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, "");
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    kit_expect_later(&k, "f0 a0 role: cpus:2; mem:512; ports:[1-1, 5-9]");
    kit_deinit(&k);
}

static void test_less_than_was_refused_is_refused_too(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_framework(&k, 1, "role");
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, "f1 a0 role: " ALL);
    kit_use(&k, 1, 0, "cpus:1;mem:1000", NS_PER_HOUR);
    kit_expect_later(&k, "");
    /* Both have refused; what they refused last is not what counts. */
    kit_free_used(&k, 1, 0, "role", "cpus:1");
    kit_expect_later(&k, "f1 a0 role: cpus:2; mem:24");
    kit_deinit(&k);
}

static void test_several_filters_hold_side_by_side(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent_used(&k, 0, "cpus:4;mem:1024", 9, "role", "cpus:1");
    kit_expect(&k, "f0 a0 role: cpus:3; mem:1024");
    kit_use(&k, 0, 0, "mem:512", NS_PER_HOUR); /* refuses cpus:3; mem:512 for long */
    kit_free_used(&k, 0, 0, "role", "mem:512");
    kit_expect_later(&k, "f0 a0 role: cpus:3; mem:1024");
    kit_use(&k, 0, 0, "cpus:2", 3 * KIT_INTERVAL_NS); /* refuses cpus:1; mem:1024 for a while */
    assert_int_equal(k.ops->role_filters_active(k.allocator, "role"), 2);
    kit_expect_later(&k, "");
    kit_expect_later(&k, "");
    kit_expect_later(&k, "");
    kit_expect_later(&k, "f0 a0 role: cpus:1; mem:1024");
    kit_deinit(&k);
}

static void test_refusing_more_and_for_longer_replaces_a_filter(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent_used(&k, 0, "cpus:2;mem:1024", 0, "role", "cpus:1");
    kit_step(&k);
    kit_decline_all(&k, 2 * KIT_INTERVAL_NS);
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    kit_interval(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    struct allocator_stats stats;
    k.ops->stats(k.allocator, &stats);
    assert_int_equal(stats.offer_filters_active, 1);
    for (int i = 0; i < 5; i++) {
        kit_expect_later(&k, "");
    }
    kit_deinit(&k);
}

static void test_filters_of_one_client_on_one_agent_are_limited(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:200;mem:20000");
    kit_step(&k);
    struct resources all = kit_allocated("cpus:200;mem:20000", "role");
    struct resources none = RESOURCES_INIT;
    /* Each refuses something that no other contains. */
    for (int i = 1; i < 100; i++) {
        char text[64];
        snprintf(text, sizeof(text), "cpus:%d;mem:%d", i, (200 - i) * 100);
        struct resources part = kit_allocated(text, "role");
        struct allocator_refusal refusal = {NS_PER_HOUR};
        k.ops->recover_resources(k.allocator, k.now_ns, 0, 0, &part, &refusal);
        k.ops->add_allocation(k.allocator, k.now_ns, 0, 0, &part);
        resources_deinit(&part);
    }
    struct allocator_stats stats;
    k.ops->stats(k.allocator, &stats);
    assert_int_equal(stats.offer_filters_active, 32);
    resources_deinit(&all);
    resources_deinit(&none);
    kit_deinit(&k);
}

static void test_revival_lifts_the_filters_of_its_roles_at_once(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "a,b");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_step(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_interval(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_expect_later(&k, "");
    kit_revive(&k, 0, "b");
    kit_expect(&k, "f0 a0 b: " ALL);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_revive(&k, 0, NULL);
    assert_int_equal(kit_step(&k), 1);
    kit_deinit(&k);
}

static void test_suppressed_roles_get_nothing_until_revived(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "a,b");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_step(&k);
    kit_suppress(&k, 0, "a");
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "f0 a0 b: " ALL);
    kit_suppress(&k, 0, NULL);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "");
    kit_revive(&k, 0, "a");
    kit_expect(&k, "f0 a0 a: " ALL);
    kit_suppress(&k, 0, NULL);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "");
    kit_revive(&k, 0, NULL);
    assert_int_equal(kit_step(&k), 1);
    kit_deinit(&k);
}

static void test_roles_may_be_suppressed_from_the_start(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework_with(&k, 0, "a,b", "a", 0);
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_expect(&k, "f0 a0 b: " ALL);
    kit_update_framework(&k, 0, "a,b", "b", 0);
    kit_decline_all(&k, 0);
    kit_expect(&k, ""); /* an update waits for the interval */
    kit_expect_later(&k, "f0 a0 a: " ALL);
    kit_deinit(&k);
}

static void test_an_update_that_ends_a_suppression_lifts_filters(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_update_framework(&k, 0, "role", "role", 0);
    kit_expect_later(&k, "");
    kit_update_framework(&k, 0, "role", NULL, 0);
    kit_expect_later(&k, "f0 a0 role: " ALL);
    kit_decline_all(&k, NS_PER_HOUR);
    kit_update_framework(&k, 0, "role", NULL, 0); /* changes nothing */
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

static void test_roles_come_and_go_with_updates(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_use(&k, 0, 0, "cpus:1", NS_PER_HOUR);
    kit_update_framework(&k, 0, "other/role", NULL, 0);
    kit_expect_later(&k, "f0 a0 other/role: cpus:1; mem:1024");
    /* The task of the old role still runs, and is counted. */
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 500000);
    kit_free_used(&k, 0, 0, "role", "cpus:1");
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 0);
    kit_expect_later(&k, "f0 a0 other/role: cpus:1");
    kit_deinit(&k);
}

static void test_filters_go_when_a_framework_is_deactivated(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    k.ops->deactivate_framework(k.allocator, k.now_ns, 0);
    assert_int_equal(k.ops->role_filters_active(k.allocator, "role"), 0);
    kit_expect_later(&k, "");
    k.ops->activate_framework(k.allocator, k.now_ns, 0);
    kit_expect(&k, "f0 a0 role: " ALL);
    kit_deinit(&k);
}

static void test_a_suppressed_role_stays_so_when_its_framework_is_activated(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework_with(&k, 0, "a,b", "a", 0);
    kit_agent(&k, 0, "cpus:2;mem:1024");
    k.ops->deactivate_framework(k.allocator, k.now_ns, 0);
    kit_expect(&k, "");
    k.ops->activate_framework(k.allocator, k.now_ns, 0);
    kit_expect(&k, "f0 a0 b: " ALL);
    kit_deinit(&k);
}

static void test_an_agent_with_new_attributes_loses_its_filters(void **state)
{
    (void)state;
    struct kit k;
    one_framework_one_agent(&k);
    kit_decline_all(&k, NS_PER_HOUR);
    struct resources total = kit_resources("cpus:2;mem:1024");
    kit_update_agent(&k, 0, &total);
    kit_expect(&k, "");
    struct allocator_agent info = {
        .total = &total, .capabilities = KIT_AGENT_CAPABILITIES, .attributes_changed = true};
    k.ops->update_agent(k.allocator, k.now_ns, 0, &info);
    kit_expect(&k, "f0 a0 role: " ALL);
    resources_deinit(&total);
    kit_deinit(&k);
}

/* --- minima --- */

static void test_an_offer_contains_one_of_the_minima(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    kit_init_with(&k, &options, "cpus:1;mem:100|mem:500|tokens:3");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:0.999;mem:499");
    kit_agent(&k, 1, "cpus:1;mem:99");
    kit_agent(&k, 2, "cpus:1;mem:100");
    kit_agent(&k, 3, "mem:500");
    kit_agent(&k, 4, "tokens:2");
    kit_agent(&k, 5, "tokens:3");
    kit_expect(&k, "f0 a2 role: cpus:1; mem:100\nf0 a3 role: mem:500\nf0 a5 role: tokens:3");
    kit_deinit(&k);
}

static void test_without_minima_anything_is_offered(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    kit_init_with(&k, &options, "");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "ports:[1-1]");
    kit_expect(&k, "f0 a0 role: ports:[1-1]");
    kit_deinit(&k);
}

static void test_a_framework_may_have_minima_of_its_own_for_a_role(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    struct quantities min[1];
    struct err err;
    assert_int_equal(quantities_parse(SLICE("cpus:2"), &k.names, &min[0], &err), 0);
    struct allocator_offer_filter filters[] = {{"a", min, 1}, {"b", NULL, 0}};
    const char *roles[] = {"a", "b", NULL};
    const char *none[] = {NULL};
    struct allocator_framework info = {
        .roles = roles,
        .suppressed_roles = none,
        .active = true,
        .offer_filters = filters,
        .offer_filter_count = 2,
    };
    k.ops->add_framework(k.allocator, k.now_ns, 0, &info, NULL, 0);
    kit_agent(&k, 0, "cpus:1;mem:1024");
    kit_expect(&k, "f0 a0 b: cpus:1; mem:1024");
    kit_agent(&k, 1, "disk:1"); /* below the default, but b takes anything */
    kit_expect(&k, "f0 a1 b: disk:1");
    kit_suppress(&k, 0, "b");
    kit_agent(&k, 2, "cpus:2");
    kit_expect(&k, "f0 a2 a: cpus:2");
    info.offer_filter_count = 0;
    k.ops->update_framework(k.allocator, k.now_ns, 0, &info);
    kit_agent(&k, 3, "cpus:1");
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 4);
    quantities_deinit(&min[0]);
    kit_deinit(&k);
}

/* --- constraints --- */

static bool is_even(const void *arg, const char *role, uint32_t agent)
{
    const int *calls = arg;
    assert_string_equal(role, "role");
    assert_non_null(calls);
    return agent % 2 == 0;
}

static bool is_never(const void *arg, const char *role, uint32_t agent)
{
    (void)arg;
    (void)role;
    (void)agent;
    return false;
}

static void test_offer_constraints_are_asked(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    int calls = 0;
    const char *roles[] = {"role", NULL};
    const char *none[] = {NULL};
    struct allocator_framework info = {
        .roles = roles,
        .suppressed_roles = none,
        .active = true,
        .constraint = is_even,
        .constraint_arg = &calls,
    };
    k.ops->add_framework(k.allocator, k.now_ns, 0, &info, NULL, 0);
    kit_agent(&k, 1, "cpus:2;mem:1024");
    kit_agent(&k, 2, "cpus:2;mem:1024");
    kit_expect(&k, "f0 a2 role: " ALL);
    info.constraint = is_never;
    k.ops->update_framework(k.allocator, k.now_ns, 0, &info);
    kit_decline_all(&k, 0);
    kit_expect_later(&k, "");
    info.constraint = NULL;
    k.ops->update_framework(k.allocator, k.now_ns, 0, &info);
    kit_expect_later(&k, "f0 a1 role: " ALL "\nf0 a2 role: " ALL);
    kit_deinit(&k);
}

/* Whether the agent is admitted, and how often that was asked. */
struct asked {
    bool admits;
    int count;
};

static bool is_admitted(const void *arg, const char *role, uint32_t agent)
{
    struct asked *asked = (struct asked *)(uintptr_t)arg;
    (void)role;
    (void)agent;
    asked->count++;
    return asked->admits;
}

static void test_constraints_that_exclude_are_asked_once(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    struct asked asked = {0};
    const char *roles[] = {"role", NULL};
    const char *none[] = {NULL};
    struct allocator_framework info = {
        .roles = roles,
        .suppressed_roles = none,
        .active = true,
        .constraint = is_admitted,
        .constraint_arg = &asked,
    };
    k.ops->add_framework(k.allocator, k.now_ns, 0, &info, NULL, 0);
    kit_agent(&k, 1, "cpus:2;mem:1024");
    kit_expect(&k, "");
    assert_int_equal(asked.count, 1);
    /* Another one gets it, and gives it back again and again. */
    kit_framework(&k, 1, "other");
    for (int i = 0; i < 3; i++) {
        kit_expect_later(&k, "f1 a1 other: " ALL);
        kit_decline_all(&k, 0);
    }
    assert_int_equal(asked.count, 1);
    k.ops->suppress(k.allocator, k.now_ns, 1, NULL);
    /* The framework says something else, */
    asked = (struct asked){.admits = true};
    k.ops->update_framework(k.allocator, k.now_ns, 0, &info);
    kit_expect_later(&k, "f0 a1 role: " ALL);
    kit_decline_all(&k, 0);
    asked.admits = false;
    k.ops->update_framework(k.allocator, k.now_ns, 0, &info);
    kit_expect_later(&k, "");
    /* or the agent is another one than it was. */
    asked.admits = true;
    struct resources total = kit_resources("cpus:2;mem:1024");
    struct allocator_agent agent = {
        .total = &total, .capabilities = KIT_AGENT_CAPABILITIES, .attributes_changed = true};
    k.ops->update_agent(k.allocator, k.now_ns, 1, &agent);
    kit_expect(&k, "f0 a1 role: " ALL);
    resources_deinit(&total);
    kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_decline_without_a_filter_waits_for_the_interval_only),
        cmocka_unit_test(test_a_filter_keeps_the_offer_away_until_it_ends),
        cmocka_unit_test(test_a_short_filter_lasts_until_after_the_next_run),
        cmocka_unit_test(test_a_filter_is_for_one_agent_one_role_and_one_framework),
        cmocka_unit_test(test_a_filter_does_not_keep_more_than_was_refused_away),
        cmocka_unit_test(test_less_than_was_refused_is_refused_too),
        cmocka_unit_test(test_several_filters_hold_side_by_side),
        cmocka_unit_test(test_refusing_more_and_for_longer_replaces_a_filter),
        cmocka_unit_test(test_filters_of_one_client_on_one_agent_are_limited),
        cmocka_unit_test(test_revival_lifts_the_filters_of_its_roles_at_once),
        cmocka_unit_test(test_suppressed_roles_get_nothing_until_revived),
        cmocka_unit_test(test_roles_may_be_suppressed_from_the_start),
        cmocka_unit_test(test_an_update_that_ends_a_suppression_lifts_filters),
        cmocka_unit_test(test_roles_come_and_go_with_updates),
        cmocka_unit_test(test_filters_go_when_a_framework_is_deactivated),
        cmocka_unit_test(test_a_suppressed_role_stays_so_when_its_framework_is_activated),
        cmocka_unit_test(test_an_agent_with_new_attributes_loses_its_filters),
        cmocka_unit_test(test_an_offer_contains_one_of_the_minima),
        cmocka_unit_test(test_without_minima_anything_is_offered),
        cmocka_unit_test(test_a_framework_may_have_minima_of_its_own_for_a_role),
        cmocka_unit_test(test_offer_constraints_are_asked),
        cmocka_unit_test(test_constraints_that_exclude_are_asked_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
