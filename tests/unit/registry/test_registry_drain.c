/* Agents that are drained or deactivated, in the registry. */
#include "../unit.h"
#include "registry_apply.h"

#include "registry/registry.h"
#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/pb.h"

#define CONFIG "\x10\x01" /* mark_gone: true */

static struct registry *registry;
static bool changed;

static int begin(void **state)
{
    (void)state;
    registry = registry_new(1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    registry = registry_free(registry);
    return 0;
}

static bool apply(enum registry_op_type type, const char *id)
{
    struct registry_ops ops;
    registry_ops_init(&ops);
    struct registry_op *op =
        registry_ask(&ops, type, 1, blob_from(slice_from(id)), blob_from(SLICE("info")));
    op->request = blob_from(SLICE(CONFIG));
    op->time_ns = 1;
    changed = false;
    bool fitted = apply_op(registry, op, &changed);
    registry_ops_deinit(&ops);
    return fitted;
}

static const struct registry_agent *agent_of(const char *id)
{
    const struct registry_agent *agent = registry_find(registry, slice_from(id));
    assert_non_null(agent);
    return agent;
}

static void assert_drain(const char *id, const char *expected)
{
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    const struct registry_agent *agent = agent_of(id);
    if (agent->drain_info != NULL) {
        json_print_bytes(&pb__drain_info__descriptor, blob_slice(agent->drain_info), JSON_V0,
                         &json);
    }
    assert_string_equal(buf_text(&json), expected);
}

static void assert_capability(bool expected)
{
    struct cursor cursor;
    struct cursor_field field;
    struct cursor_field name;
    bool found = false;
    cursor_init(&cursor, blob_slice(registry->parts[REGISTRY_MINIMUM_CAPABILITIES]));
    while (cursor_next(&cursor, &field)) {
        assert_true(cursor_find(field.bytes, 1, &name));
        found = found || slice_is(name.bytes, "AGENT_DRAINING");
    }
    assert_int_equal(found, expected);
}

#define DRAINING "{\"state\":\"DRAINING\",\"config\":{\"mark_gone\":true}}"
#define DRAINED "{\"state\":\"DRAINED\",\"config\":{\"mark_gone\":true}}"

static void test_a_drain_begins_and_ends(void **state)
{
    (void)state;
    assert_true(apply(REGISTRY_ADMIT_AGENT, "a"));
    assert_false(apply(REGISTRY_MARK_DRAINED, "a"));
    assert_capability(false);
    assert_true(apply(REGISTRY_DRAIN_AGENT, "a"));
    assert_true(changed);
    assert_drain("a", DRAINING);
    assert_true(agent_of("a")->deactivated);
    assert_capability(true);
    assert_true(apply(REGISTRY_DRAIN_AGENT, "a"));
    assert_false(changed);
    assert_true(apply(REGISTRY_MARK_DRAINED, "a"));
    assert_true(changed);
    assert_drain("a", DRAINED);
    assert_false(apply(REGISTRY_MARK_DRAINED, "a"));
    assert_true(apply(REGISTRY_REACTIVATE_AGENT, "a"));
    assert_drain("a", "");
    assert_false(agent_of("a")->deactivated);
    assert_capability(false);
}

static void test_it_goes_with_the_agent(void **state)
{
    (void)state;
    assert_true(apply(REGISTRY_ADMIT_AGENT, "a"));
    assert_true(apply(REGISTRY_MARK_UNREACHABLE, "a"));
    assert_true(apply(REGISTRY_DRAIN_AGENT, "a"));
    assert_drain("a", DRAINING);
    assert_true(apply(REGISTRY_MARK_REACHABLE, "a"));
    assert_drain("a", DRAINING);
    assert_true(apply(REGISTRY_MARK_UNREACHABLE, "a"));
    assert_true(apply(REGISTRY_MARK_DRAINED, "a"));
    assert_drain("a", DRAINED);
    assert_true(apply(REGISTRY_MARK_GONE, "a"));
    assert_drain("a", "");
    assert_false(apply(REGISTRY_DRAIN_AGENT, "a"));
    assert_false(apply(REGISTRY_DEACTIVATE_AGENT, "a"));
    assert_false(apply(REGISTRY_REACTIVATE_AGENT, "a"));
    assert_false(apply(REGISTRY_DRAIN_AGENT, "unknown"));
}

static void test_the_last_one_takes_the_capability_away(void **state)
{
    (void)state;
    assert_true(apply(REGISTRY_ADMIT_AGENT, "a"));
    assert_true(apply(REGISTRY_ADMIT_AGENT, "b"));
    assert_true(apply(REGISTRY_DEACTIVATE_AGENT, "a"));
    assert_true(changed);
    assert_true(apply(REGISTRY_DEACTIVATE_AGENT, "a"));
    assert_false(changed);
    assert_true(apply(REGISTRY_MARK_UNREACHABLE, "a"));
    assert_true(apply(REGISTRY_DEACTIVATE_AGENT, "b"));
    assert_true(apply(REGISTRY_REACTIVATE_AGENT, "b"));
    assert_capability(true);
    assert_true(apply(REGISTRY_REACTIVATE_AGENT, "a"));
    assert_capability(false);
    assert_true(apply(REGISTRY_REACTIVATE_AGENT, "a"));
    assert_false(changed);
}

static void test_a_drained_agent_keeps_its_drain_when_it_is_deactivated(void **state)
{
    (void)state;
    assert_true(apply(REGISTRY_ADMIT_AGENT, "a"));
    assert_true(apply(REGISTRY_DRAIN_AGENT, "a"));
    assert_true(apply(REGISTRY_DEACTIVATE_AGENT, "a"));
    assert_false(changed);
    assert_drain("a", DRAINING);
}

static void test_a_full_registry_takes_no_drain(void **state)
{
    (void)state;
    /* DrainInfo {1: DRAINING, 2: {2: true}} */
    static const size_t info_size = 6;
    assert_true(apply(REGISTRY_ADMIT_AGENT, "a"));
    size_t used = registry->size_max;
    registry->size_max = REGISTRY_SIZE_MAX - info_size + 1;
    assert_false(apply(REGISTRY_DRAIN_AGENT, "a"));
    assert_false(changed);
    assert_drain("a", "");
    assert_int_equal(registry->full_count, 1);
    registry->size_max = REGISTRY_SIZE_MAX - info_size;
    assert_true(apply(REGISTRY_DRAIN_AGENT, "a"));
    registry->size_max = used;
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(test_a_drain_begins_and_ends),
        ONE(test_it_goes_with_the_agent),
        ONE(test_the_last_one_takes_the_capability_away),
        ONE(test_a_drained_agent_keeps_its_drain_when_it_is_deactivated),
        ONE(test_a_full_registry_takes_no_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
