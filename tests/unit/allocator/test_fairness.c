/* Who comes first: shares, weights, the tree of roles. Totals are chosen so that shares are easy.
 */
#include "kit.h"

static void test_a_lone_framework_gets_all_of_every_agent(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:2;mem:1024;ports:[1-10]");
    kit_agent(&k, 1, "cpus:1;mem:512");
    kit_expect(&k, "f0 a0 role: cpus:2; mem:1024; ports:[1-10]\n"
                   "f0 a1 role: cpus:1; mem:512");
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

static void test_the_role_with_the_lowest_dominant_share_is_next(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    /* Totals after each agent, and shares: the story of a classic. */
    kit_framework(&k, 0, "one");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    kit_expect(&k, "f0 a0 one: cpus:2; mem:1024"); /* one: 100 % */
    kit_framework(&k, 1, "two");
    kit_agent(&k, 1, "cpus:1;mem:512");
    kit_expect(&k, "f1 a1 two: cpus:1; mem:512"); /* one: 67 %, two: 33 % */
    kit_agent(&k, 2, "cpus:3;mem:2048");
    kit_expect(&k, "f1 a2 two: cpus:3; mem:2048"); /* of 6 and 3584: 33 %, 71 % */
    kit_framework(&k, 2, "one");
    kit_agent(&k, 3, "cpus:4;mem:4096");
    kit_expect(&k, "f2 a3 one: cpus:4; mem:4096"); /* the one of the role with nothing */
    kit_deinit(&k);
}

static void test_frameworks_of_a_role_share_what_it_gets(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "busy");
    kit_framework(&k, 1, "busy");
    kit_framework(&k, 2, "alone");
    for (uint32_t i = 0; i < 8; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 2);
    assert_int_equal(kit_count(&k, 1), 2);
    assert_int_equal(kit_count(&k, 2), 4);
    kit_deinit(&k);
}

static void test_equal_shares_go_by_how_often_one_was_chosen(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_framework(&k, 1, "role");
    kit_agent(&k, 0, "cpus:2;mem:1024");
    size_t chosen[2] = {0, 0};
    for (int i = 0; i < 10; i++) {
        assert_int_equal(i == 0 ? kit_step(&k) : kit_interval(&k), 1);
        chosen[k.offers[0].framework]++;
        kit_decline_all(&k, 0);
    }
    assert_int_equal(chosen[0], 5);
    assert_int_equal(chosen[1], 5);
    kit_deinit(&k);
}

static void test_a_weight_is_a_multiple_of_the_share(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_weight(&k, "heavy", 3000);
    kit_framework(&k, 0, "heavy");
    kit_framework(&k, 1, "light");
    for (uint32_t i = 0; i < 8; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 6);
    assert_int_equal(kit_count(&k, 1), 2);
    kit_decline_all(&k, 0);
    /* A weight below one, and a change while the role is in use. */
    kit_weight(&k, "heavy", 1000);
    kit_weight(&k, "light", 3000);
    kit_interval(&k);
    assert_int_equal(kit_count(&k, 0), 2);
    assert_int_equal(kit_count(&k, 1), 6);
    kit_deinit(&k);
}

static void test_a_weight_is_kept_for_a_role_without_frameworks(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_weight(&k, "later", 3000);
    kit_framework(&k, 0, "later");
    k.ops->remove_framework(k.allocator, k.now_ns, 0);
    kit_framework(&k, 0, "later");
    kit_framework(&k, 1, "other");
    for (uint32_t i = 0; i < 4; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 3);
    kit_deinit(&k);
}

static void test_subroles_share_what_their_parent_gets(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "a/x");
    kit_framework(&k, 1, "a/y");
    kit_framework(&k, 2, "b");
    for (uint32_t i = 0; i < 8; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 2);
    assert_int_equal(kit_count(&k, 1), 2);
    assert_int_equal(kit_count(&k, 2), 4);
    kit_deinit(&k);
}

static void test_a_parents_frameworks_compete_with_its_subroles(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    /* Under a: its own two frameworks as one leaf, and a/x. */
    kit_framework(&k, 0, "a");
    kit_framework(&k, 1, "a");
    kit_framework(&k, 2, "a/x");
    kit_framework(&k, 3, "b");
    for (uint32_t i = 0; i < 16; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 2);
    assert_int_equal(kit_count(&k, 1), 2);
    assert_int_equal(kit_count(&k, 2), 4);
    assert_int_equal(kit_count(&k, 3), 8);
    /* The subrole goes: its share is the others'. */
    kit_decline_all(&k, 0);
    k.ops->remove_framework(k.allocator, k.now_ns, 2);
    kit_interval(&k);
    assert_int_equal(kit_count(&k, 0), 4);
    assert_int_equal(kit_count(&k, 1), 4);
    assert_int_equal(kit_count(&k, 3), 8);
    kit_deinit(&k);
}

static void test_weights_count_at_every_level_of_the_tree(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_weight(&k, "a", 3000);
    kit_weight(&k, "a/y", 2000);
    kit_framework(&k, 0, "a/x");
    kit_framework(&k, 1, "a/y");
    kit_framework(&k, 2, "b");
    for (uint32_t i = 0; i < 12; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    kit_step(&k);
    assert_int_equal(kit_count(&k, 0), 3);
    assert_int_equal(kit_count(&k, 1), 6);
    assert_int_equal(kit_count(&k, 2), 3);
    kit_deinit(&k);
}

static void test_excluded_resources_do_not_count(void **state)
{
    (void)state;
    struct kit k;
    const char *excluded[] = {"gpus", NULL};
    struct allocator_options options = kit_options();
    options.fair_sharing_excluded = excluded;
    kit_init_with(&k, &options, "cpus:0.01|mem:32");
    kit_framework_with(&k, 0, "gpus-too", NULL, KIT_ALL_CAPABILITIES);
    kit_agent(&k, 0, "cpus:1;mem:128;gpus:4");
    kit_expect(&k, "f0 a0 gpus-too: cpus:1; gpus:4; mem:128");
    kit_framework_with(&k, 1, "other", NULL, KIT_ALL_CAPABILITIES);
    kit_agent(&k, 1, "cpus:8;mem:1024");
    kit_expect(&k, "f1 a1 other: cpus:8; mem:1024");
    /* 1 of 10 cpus, all gpus: 10 %; against 80 %. */
    kit_agent(&k, 2, "cpus:1;mem:128");
    kit_expect(&k, "f0 a2 gpus-too: cpus:1; mem:128");
    kit_deinit(&k);
}

static void test_what_was_used_before_counts(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "role");
    kit_framework(&k, 1, "role");
    kit_agent_used(&k, 0, "cpus:4;mem:1024", 0, "role", "cpus:4;mem:1024");
    kit_agent(&k, 1, "cpus:1;mem:128");
    kit_expect(&k, "f1 a1 role: cpus:1; mem:128");
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "role"), 1000000);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "none"), 0);
    kit_deinit(&k);
}

static void test_the_share_of_a_role_is_told_in_millionths(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_framework(&k, 0, "a");
    kit_framework(&k, 1, "a/b");
    kit_agent_used(&k, 0, "cpus:8;mem:1024", 0, "a", "cpus:1;mem:256");
    kit_agent_used(&k, 1, "cpus:8;mem:1024", 1, "a/b", "cpus:8;mem:1024");
    kit_step(&k);
    kit_decline_all(&k, 0);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "a"), 125000);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "a/b"), 500000);
    kit_weight(&k, "a/b", 2000);
    assert_int_equal(k.ops->role_share_ppm(k.allocator, "a/b"), 250000);
    kit_deinit(&k);
}

static void test_the_same_seed_gives_the_same_offers(void **state)
{
    (void)state;
    struct kit k[2];
    for (int i = 0; i < 2; i++) {
        kit_init(&k[i]);
        kit_framework(&k[i], 0, "a,b");
        kit_framework(&k[i], 1, "b,c");
        kit_framework(&k[i], 2, "c/d,a");
        for (uint32_t agent = 0; agent < 20; agent++) {
            kit_agent(&k[i], agent, agent % 3 == 0 ? "cpus:1;mem:128" : "cpus:3;mem:64");
        }
        kit_step(&k[i]);
        kit_decline_all(&k[i], 0);
        kit_interval(&k[i]);
    }
    assert_int_equal(k[0].offer_count, 20);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(k[0].offers[i].framework, k[1].offers[i].framework);
        assert_int_equal(k[0].offers[i].agent, k[1].offers[i].agent);
        assert_string_equal(k[0].offers[i].role, k[1].offers[i].role);
    }
    kit_deinit(&k[0]);
    kit_deinit(&k[1]);
}

/* The ones who are left are compared one by one then; it is the same order. */
static void test_the_order_is_kept_when_others_have_refused(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_weight(&k, "b", 4000);
    static const char *const roles[] = {"c", "a/x", "a", "b", "a", "refuser"};
    static const char *const used[] = {"cpus:1;mem:1000", "cpus:2;mem:10", "cpus:4;mem:10",
                                       "cpus:10;mem:1000"};
    for (uint32_t i = 0; i < ELEMENTS(roles); i++) {
        kit_framework(&k, i, roles[i]);
    }
    for (uint32_t i = 0; i < ELEMENTS(used); i++) {
        kit_agent_used(&k, i, "cpus:10;mem:1000", i, roles[i], used[i]);
        k.ops->deactivate_agent(k.allocator, k.now_ns, i);
    }
    kit_agent(&k, 9, "cpus:1;mem:100");
    /* The refuser has nothing and is first. b: 1000 of 4100 mem over 4; c: the same over 1; a: 6 of
     * 41 cpus, below it a/x with 2 and a with 4, of which one has nothing. */
    kit_expect(&k, "f5 a9 refuser: cpus:1; mem:100");
    static const char *const order[] = {
        "f3 a9 b: cpus:1; mem:100", "f1 a9 a/x: cpus:1; mem:100", "f4 a9 a: cpus:1; mem:100",
        "f2 a9 a: cpus:1; mem:100", "f0 a9 c: cpus:1; mem:100",
    };
    for (size_t i = 0; i < ELEMENTS(order); i++) {
        kit_decline_all(&k, NS_PER_DAY);
        kit_expect_later(&k, order[i]);
    }
    kit_decline_all(&k, NS_PER_DAY);
    kit_expect_later(&k, "");
    kit_deinit(&k);
}

static void test_offers_of_a_framework_are_neighbours(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    for (uint32_t i = 0; i < 5; i++) {
        kit_framework(&k, i, "a,b");
    }
    for (uint32_t i = 0; i < 40; i++) {
        kit_agent(&k, i, "cpus:1;mem:128");
    }
    assert_int_equal(kit_step(&k), 40);
    size_t changes = 0;
    for (size_t i = 1; i < 40; i++) {
        changes += k.offers[i].framework != k.offers[i - 1].framework;
    }
    assert_int_equal(changes, 4);
    kit_deinit(&k);
}

/* --- random sorters --- */

static void test_the_random_sorters_follow_weights_along_the_tree(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    options.role_sorter_random = true;
    options.framework_sorter_random = true;
    kit_init_with(&k, &options, "cpus:0.01|mem:32");
    kit_weight(&k, "heavy", 3000);
    kit_framework(&k, 0, "heavy/x");
    kit_framework(&k, 1, "heavy");
    kit_framework(&k, 2, "light");
    kit_framework(&k, 3, "light");
    kit_agent(&k, 0, "cpus:1;mem:128");
    size_t chosen[4] = {0};
    for (int i = 0; i < 4000; i++) {
        kit_interval(&k);
        assert_int_equal(k.offer_count, 1);
        chosen[k.offers[0].framework]++;
        kit_decline_all(&k, 0);
    }
    /* 3/8, 3/8, 1/8, 1/8; the standard deviation is about 30 and 21. */
    assert_in_range(chosen[0], 1380, 1620);
    assert_in_range(chosen[1], 1380, 1620);
    assert_in_range(chosen[2], 410, 590);
    assert_in_range(chosen[3], 410, 590);
    kit_deinit(&k);
}

static void test_the_random_sorters_go_on_to_the_next_who_wants_it(void **state)
{
    (void)state;
    struct kit k;
    struct allocator_options options = kit_options();
    options.role_sorter_random = true;
    options.framework_sorter_random = true;
    kit_init_with(&k, &options, "cpus:0.01|mem:32");
    for (uint32_t i = 0; i < 6; i++) {
        kit_framework(&k, i, i % 2 == 0 ? "even" : "odd/x");
    }
    kit_agent(&k, 0, "cpus:1;mem:128");
    kit_step(&k);
    bool seen[6] = {false};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(k.offer_count, 1);
        assert_false(seen[k.offers[0].framework]);
        seen[k.offers[0].framework] = true;
        kit_decline_all(&k, NS_PER_HOUR);
        kit_interval(&k);
    }
    assert_int_equal(k.offer_count, 0);
    kit_deinit(&k);
}

/* Four whose sum is 2^64 thousandths. */
static void test_weights_may_be_as_large_as_scalars(void **state)
{
    (void)state;
    static const char *const roles[] = {"a", "b", "c", "d"};
    struct kit k;
    struct allocator_options options = kit_options();
    options.role_sorter_random = true;
    kit_init_with(&k, &options, "cpus:0.01|mem:32");
    for (uint32_t i = 0; i < ELEMENTS(roles); i++) {
        kit_weight(&k, roles[i], INT64_C(1) << 62);
        kit_framework(&k, i, roles[i]);
    }
    kit_agent(&k, 0, "cpus:1;mem:128");
    size_t chosen[ELEMENTS(roles)] = {0};
    for (int i = 0; i < 100; i++) {
        kit_interval(&k);
        assert_int_equal(k.offer_count, 1);
        chosen[k.offers[0].framework]++;
        kit_decline_all(&k, 0);
    }
    for (size_t i = 0; i < ELEMENTS(roles); i++) {
        assert_true(chosen[i] > 0);
    }
    kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lone_framework_gets_all_of_every_agent),
        cmocka_unit_test(test_the_role_with_the_lowest_dominant_share_is_next),
        cmocka_unit_test(test_frameworks_of_a_role_share_what_it_gets),
        cmocka_unit_test(test_equal_shares_go_by_how_often_one_was_chosen),
        cmocka_unit_test(test_a_weight_is_a_multiple_of_the_share),
        cmocka_unit_test(test_a_weight_is_kept_for_a_role_without_frameworks),
        cmocka_unit_test(test_subroles_share_what_their_parent_gets),
        cmocka_unit_test(test_a_parents_frameworks_compete_with_its_subroles),
        cmocka_unit_test(test_weights_count_at_every_level_of_the_tree),
        cmocka_unit_test(test_excluded_resources_do_not_count),
        cmocka_unit_test(test_what_was_used_before_counts),
        cmocka_unit_test(test_the_share_of_a_role_is_told_in_millionths),
        cmocka_unit_test(test_the_same_seed_gives_the_same_offers),
        cmocka_unit_test(test_the_order_is_kept_when_others_have_refused),
        cmocka_unit_test(test_offers_of_a_framework_are_neighbours),
        cmocka_unit_test(test_the_random_sorters_follow_weights_along_the_tree),
        cmocka_unit_test(test_the_random_sorters_go_on_to_the_next_who_wants_it),
        cmocka_unit_test(test_weights_may_be_as_large_as_scalars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
