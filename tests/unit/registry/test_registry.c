/* Operations on the registry, and the one in memory. */
#include "../unit.h"
#include "registry_apply.h"

#include "registry/registry_memory.h"

static struct registry_op *op_new(struct registry_ops *ops, enum registry_op_type type,
                                  const char *id, const char *info)
{
    return registry_ask(ops, type, 7, id != NULL ? blob_from(slice_from(id)) : NULL,
                        info != NULL ? blob_from(slice_from(info)) : NULL);
}

/* Applies one operation; whether it fitted. */
static bool apply(struct registry *registry, enum registry_op_type type, const char *id,
                  const char *info, bool *ret_changed)
{
    struct registry_ops ops;
    registry_ops_init(&ops);
    struct registry_op *op = op_new(&ops, type, id, info);
    op->time_ns = 42;
    bool fitted = apply_op(registry, op, ret_changed);
    registry_ops_deinit(&ops);
    return fitted;
}

static enum registry_agent_state state_of(const struct registry *registry, const char *id)
{
    struct registry_agent *agent = registry_find(registry, slice_from(id));
    assert_non_null(agent);
    return agent->state;
}

static void test_an_agent_is_admitted_once(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_new(1);
    assert_true(apply(r, REGISTRY_ADMIT_AGENT, "a", "info", &changed));
    assert_true(changed);
    assert_false(apply(r, REGISTRY_ADMIT_AGENT, "a", "info", &changed));
    assert_false(changed);
    assert_int_equal(state_of(r, "a"), REGISTRY_ADMITTED);
    registry_free(r);
}

static void test_an_equal_info_is_no_change(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_new(1);
    assert_false(apply(r, REGISTRY_UPDATE_AGENT, "a", "info", &changed));
    assert_true(apply(r, REGISTRY_ADMIT_AGENT, "a", "info", &changed));
    assert_true(apply(r, REGISTRY_UPDATE_AGENT, "a", "info", &changed));
    assert_false(changed);
    assert_true(apply(r, REGISTRY_UPDATE_AGENT, "a", "other", &changed));
    assert_true(changed);
    assert_true(slice_is(blob_slice(registry_find(r, SLICE("a"))->info), "other"));
    registry_free(r);
}

static void test_agents_go_and_come_back(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_new(1);
    assert_false(apply(r, REGISTRY_MARK_UNREACHABLE, "a", NULL, &changed));
    assert_true(apply(r, REGISTRY_ADMIT_AGENT, "a", "info", &changed));
    assert_true(apply(r, REGISTRY_MARK_UNREACHABLE, "a", NULL, &changed));
    assert_int_equal(state_of(r, "a"), REGISTRY_UNREACHABLE);
    assert_int_equal(registry_find(r, SLICE("a"))->time_ns, 42);
    assert_null(registry_find(r, SLICE("a"))->info);
    assert_false(apply(r, REGISTRY_ADMIT_AGENT, "a", "info", &changed));
    assert_true(apply(r, REGISTRY_MARK_REACHABLE, "a", "new", &changed));
    assert_int_equal(state_of(r, "a"), REGISTRY_ADMITTED);
    assert_true(apply(r, REGISTRY_MARK_REACHABLE, "a", "again", &changed));
    assert_false(changed);
    /* One that was forgotten may come back all the same. */
    assert_true(apply(r, REGISTRY_MARK_REACHABLE, "unknown", "info", &changed));
    assert_int_equal(state_of(r, "unknown"), REGISTRY_ADMITTED);
    registry_free(r);
}

static void test_who_is_gone_does_not_come_back(void **state)
{
    (void)state;
    bool changed;
    struct registry *r = registry_new(1);
    assert_false(apply(r, REGISTRY_MARK_GONE, "a", NULL, &changed));
    assert_true(apply(r, REGISTRY_ADMIT_AGENT, "a", "info", &changed));
    assert_true(apply(r, REGISTRY_MARK_GONE, "a", NULL, &changed));
    assert_false(apply(r, REGISTRY_MARK_GONE, "a", NULL, &changed));
    assert_false(apply(r, REGISTRY_MARK_REACHABLE, "a", "info", &changed));
    assert_false(apply(r, REGISTRY_REMOVE_AGENT, "a", NULL, &changed));
    assert_int_equal(state_of(r, "a"), REGISTRY_GONE);
    registry_free(r);
}

static void test_pruning_leaves_all_others_alone(void **state)
{
    (void)state;
    static const char *const ids[] = {"a", "b", "c", "d"};
    bool changed;
    struct registry_ops ops;
    struct registry *r = registry_new(1);
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        assert_true(apply(r, REGISTRY_ADMIT_AGENT, ids[i], "info", &changed));
        if (i < 3) {
            assert_true(apply(r, REGISTRY_MARK_UNREACHABLE, ids[i], NULL, &changed));
        }
    }
    registry_ops_init(&ops);
    struct registry_op *op = op_new(&ops, REGISTRY_PRUNE, NULL, NULL);
    op->agent_ids = calloc(3, sizeof(op->agent_ids[0]));
    op->agent_ids[0] = blob_from(SLICE("b"));
    op->agent_ids[1] = blob_from(SLICE("d")); /* admitted: stays */
    op->agent_ids[2] = blob_from(SLICE("nobody"));
    op->agent_id_count = 3;
    assert_true(apply_op(r, op, &changed));
    assert_true(changed);
    assert_null(registry_find(r, SLICE("b")));
    assert_int_equal(state_of(r, "a"), REGISTRY_UNREACHABLE);
    assert_int_equal(state_of(r, "c"), REGISTRY_UNREACHABLE);
    assert_int_equal(state_of(r, "d"), REGISTRY_ADMITTED);
    assert_true(apply_op(r, op, &changed));
    assert_false(changed);
    registry_ops_deinit(&ops);
    registry_free(r);
}

static void test_the_one_in_memory_answers_in_order(void **state)
{
    (void)state;
    struct registry_ops ops;
    struct registry_event event;
    struct registry_memory *m = registry_memory_new(1);
    registry_ops_init(&ops);
    assert_false(registry_memory_next(m, &event));
    op_new(&ops, REGISTRY_RECOVER, NULL, NULL)->token = 1;
    op_new(&ops, REGISTRY_ADMIT_AGENT, "a", "info")->token = 2;
    op_new(&ops, REGISTRY_ADMIT_AGENT, "a", "info")->token = 3;
    struct registry_op *op;
    while ((op = registry_ops_pop(&ops)) != NULL) {
        registry_memory_put(m, op);
    }
    assert_true(registry_memory_next(m, &event));
    assert_int_equal(event.token, 1);
    assert_true(event.applied);
    assert_non_null(event.registry);
    assert_true(list_is_empty(&event.registry->admitted));
    assert_true(registry_memory_next(m, &event));
    assert_int_equal(event.token, 2);
    assert_true(event.applied);
    assert_null(event.registry);
    assert_true(registry_memory_next(m, &event));
    assert_int_equal(event.token, 3);
    assert_false(event.applied);
    assert_int_equal(event.status, 0);
    assert_false(registry_memory_next(m, &event));
    registry_memory_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_agent_is_admitted_once),
        cmocka_unit_test(test_an_equal_info_is_no_change),
        cmocka_unit_test(test_agents_go_and_come_back),
        cmocka_unit_test(test_who_is_gone_does_not_come_back),
        cmocka_unit_test(test_pruning_leaves_all_others_alone),
        cmocka_unit_test(test_the_one_in_memory_answers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
