/* When there are runs: intervals, events, the pause after a failover. */
#include "kit.h"

static uint64_t runs(const struct kit *k)
{
    struct allocator_stats stats;
    k->ops->stats(k->allocator, &stats);
    return stats.runs;
}

static void test_runs_come_at_intervals_and_when_asked_for(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent(&k, 0, "cpus:1;mem:100");
    assert_true(k.ops->deadline(k.allocator) <= k.now_ns);
    kit_step(&k);
    assert_int_equal(runs(&k), 1);
    assert_int_equal(k.ops->deadline(k.allocator), k.now_ns + KIT_INTERVAL_NS);
    kit_interval(&k);
    assert_int_equal(runs(&k), 2);
    /* Ten events, one run. */
    for (uint32_t i = 0; i < 10; i++) {
        kit_framework(&k, i, "role");
    }
    kit_step(&k);
    assert_int_equal(runs(&k), 3);
    struct allocator_stats stats;
    k.ops->stats(k.allocator, &stats);
    assert_int_equal(stats.event_count, 11);
    kit_deinit(&k);
}

static void test_a_late_step_counts_the_interval_from_now(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    kit_agent(&k, 0, "cpus:1;mem:100");
    kit_step(&k);
    k.now_ns += 10 * KIT_INTERVAL_NS;
    kit_step(&k);
    assert_int_equal(runs(&k), 2);
    assert_int_equal(k.ops->deadline(k.allocator), k.now_ns + KIT_INTERVAL_NS);
    kit_deinit(&k);
}

static void test_with_quota_offers_wait_for_enough_agents(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    k.ops->recover(k.allocator, k.now_ns, 4, true);
    kit_quota(&k, "role", "cpus:1", "");
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:1;mem:100");
    kit_agent(&k, 1, "cpus:1;mem:100");
    kit_expect_later(&k, "");
    kit_agent(&k, 2, "cpus:1;mem:100"); /* int(0.8 x 4) */
    kit_expect(&k, "f0 a2 role: cpus:1; mem:100");
    kit_expect_later(&k, "f0 a0 role: cpus:1; mem:100\nf0 a1 role: cpus:1; mem:100");
    kit_deinit(&k);
}

static void test_with_quota_offers_come_after_the_timeout(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    k.ops->recover(k.allocator, k.now_ns, 100, true);
    kit_framework(&k, 0, "role");
    kit_agent(&k, 0, "cpus:1;mem:100");
    k.now_ns += 10 * NS_PER_MIN - 1;
    kit_expect(&k, "");
    k.now_ns += 1;
    assert_true(k.ops->deadline(k.allocator) <= k.now_ns);
    kit_step(&k);
    kit_interval(&k);
    kit_assert_last(&k, 1, "f0 a0 role: cpus:1; mem:100");
    kit_deinit(&k);
}

static void test_without_quota_or_agents_there_is_no_pause(void **state)
{
    (void)state;
    struct kit k;
    for (int i = 0; i < 2; i++) {
        kit_init(&k);
        k.ops->recover(k.allocator, k.now_ns, i == 0 ? 100 : 1, i != 0);
        kit_framework(&k, 0, "role");
        kit_agent(&k, 0, "cpus:1;mem:100");
        kit_expect(&k, "f0 a0 role: cpus:1; mem:100");
        kit_deinit(&k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_come_at_intervals_and_when_asked_for),
        cmocka_unit_test(test_a_late_step_counts_the_interval_from_now),
        cmocka_unit_test(test_with_quota_offers_wait_for_enough_agents),
        cmocka_unit_test(test_with_quota_offers_come_after_the_timeout),
        cmocka_unit_test(test_without_quota_or_agents_there_is_no_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
