/* Inverse offers for agents under maintenance. */
#include "kit.h"

static void expect_inverse(const struct kit *k, const char *expected)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < k->inverse_count; i++) {
        buf_printf(&text, "%sf%u a%u", i != 0 ? "; " : "", k->inverse[i].framework,
                   k->inverse[i].agent);
    }
    assert_string_equal(buf_text(&text), expected);
    buf_deinit(&text);
}

static void answer(struct kit *k, uint32_t framework, uint32_t agent, int64_t refuse_ns)
{
    k->ops->update_inverse_offer(k->allocator, k->now_ns, framework, agent, refuse_ns);
}

static void maintain(struct kit *k, uint32_t agent, bool has_unavailability)
{
    k->ops->update_unavailability(k->allocator, k->now_ns, agent, has_unavailability, 0);
}

/* Both frameworks hold something on agent 0, the first on agent 1. */
static void two_and_two(struct kit *k)
{
    kit_init(k);
    kit_framework(k, 0, "role");
    kit_framework(k, 1, "role");
    kit_framework(k, 2, "role");
    kit_agent_used(k, 0, "cpus:4;mem:1024", 0, "role", "cpus:1");
    struct resources more = kit_allocated("cpus:3;mem:1024", "role");
    k->ops->add_allocation(k->allocator, k->now_ns, 1, 0, &more);
    kit_agent_used(k, 1, "cpus:4;mem:1024", 0, "role", "cpus:4;mem:1024");
    kit_step(k);
    expect_inverse(k, "");
    resources_deinit(&more);
}

static void test_those_who_hold_something_are_asked_once(void **state)
{
    (void)state;
    struct kit k;
    two_and_two(&k);
    maintain(&k, 0, true);
    kit_step(&k);
    expect_inverse(&k, "f0 a0; f1 a0");
    kit_interval(&k);
    expect_inverse(&k, "");
    answer(&k, 0, 0, 0);
    kit_interval(&k);
    expect_inverse(&k, "f0 a0");
    answer(&k, 0, 0, 2 * KIT_INTERVAL_NS);
    kit_interval(&k);
    expect_inverse(&k, "");
    kit_interval(&k);
    expect_inverse(&k, "f0 a0");
    kit_deinit(&k);
}

static void test_a_new_unavailability_asks_everybody_again(void **state)
{
    (void)state;
    struct kit k;
    two_and_two(&k);
    maintain(&k, 0, true);
    kit_step(&k);
    answer(&k, 0, 0, NS_PER_HOUR);
    maintain(&k, 0, true);
    maintain(&k, 1, true);
    kit_step(&k);
    expect_inverse(&k, "f0 a0; f0 a1; f1 a0");
    maintain(&k, 0, false);
    answer(&k, 0, 0, 0);
    kit_step(&k);
    kit_interval(&k);
    expect_inverse(&k, "");
    kit_deinit(&k);
}

static void test_revival_and_deactivation_forget_what_was_refused(void **state)
{
    (void)state;
    struct kit k;
    two_and_two(&k);
    maintain(&k, 0, true);
    kit_step(&k);
    answer(&k, 0, 0, NS_PER_HOUR);
    kit_revive(&k, 0, NULL);
    kit_step(&k);
    expect_inverse(&k, "f0 a0");
    answer(&k, 0, 0, NS_PER_HOUR);
    k.ops->deactivate_framework(k.allocator, k.now_ns, 0);
    kit_interval(&k);
    expect_inverse(&k, ""); /* not while it is away */
    k.ops->activate_framework(k.allocator, k.now_ns, 0);
    kit_step(&k);
    expect_inverse(&k, "f0 a0");
    kit_deinit(&k);
}

static void test_an_agent_may_come_with_an_unavailability_before_its_framework(void **state)
{
    (void)state;
    struct kit k;
    kit_init(&k);
    struct resources total = kit_resources("cpus:4;mem:1024");
    struct resources used = kit_allocated("cpus:1", "role");
    struct allocator_agent info = {
        .total = &total,
        .capabilities = KIT_AGENT_CAPABILITIES,
        .active = true,
        .has_unavailability = true,
    };
    struct allocator_used use = {0, 0, &used};
    k.ops->add_agent(k.allocator, k.now_ns, 0, &info, &use, 1);
    kit_step(&k);
    expect_inverse(&k, "");
    const char *roles[] = {"role", NULL};
    const char *none[] = {NULL};
    struct allocator_framework framework = {
        .roles = roles, .suppressed_roles = none, .active = true};
    k.ops->add_framework(k.allocator, k.now_ns, 0, &framework, &use, 1);
    kit_step(&k);
    expect_inverse(&k, "f0 a0");
    /* It goes, and another with its number is asked for itself. */
    k.ops->remove_framework(k.allocator, k.now_ns, 0);
    kit_framework(&k, 0, "role");
    assert_int_equal(kit_step(&k), 1);
    expect_inverse(&k, "f0 a0");
    k.ops->remove_agent(k.allocator, k.now_ns, 0);
    kit_interval(&k);
    expect_inverse(&k, "");
    resources_deinit(&total);
    resources_deinit(&used);
    kit_deinit(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_those_who_hold_something_are_asked_once),
        cmocka_unit_test(test_a_new_unavailability_asks_everybody_again),
        cmocka_unit_test(test_revival_and_deactivation_forget_what_was_refused),
        cmocka_unit_test(test_an_agent_may_come_with_an_unavailability_before_its_framework),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
