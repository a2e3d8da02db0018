/* What becomes of operations: statuses, acknowledgements, questions, returns and ends of agents. */
#include "operation_scene.h"

#define LIST(name, item) arena_printf(&s.h->arena, "\"%s\":[%s]", (name), (item))
#define RESERVED_2 \
    "\"reserved_resources\":{\"r\":{\"disk\":0.0,\"mem\":0.0,\"gpus\":0.0,\"cpus\":2.0}}"

static struct operation_scene s;
static struct scene_framework f;

static int begin(void **state)
{
    (void)state;
    s = operation_scene_new(MODERN);
    f = harness_subscribe(s.h, SHARING);
    return 0;
}

static int end(void **state)
{
    (void)state;
    harness_free(s.h);
    return 0;
}

static const char *slaves(void)
{
    return get(s.h, "/master/slaves");
}

/* The framework reserves two cpus and calls that so (NULL: it wants no feedback). The uuid. */
static const char *reserve(const char *id)
{
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 op(s.h, "RESERVE", "reserve", LIST("resources", res(s.h, "cpus", 2, "r")), id));
    return applied(s.h);
}

static void acknowledge(const char *id, char uuid)
{
    uint64_t asked = harness_call(
        s.h, f.stream_id,
        arena_printf(&s.h->arena,
                     "{\"type\":\"ACKNOWLEDGE_OPERATION_STATUS\",\"framework_id\":{\"value\":"
                     "\"%s\"},\"acknowledge_operation_status\":{\"agent_id\":{\"value\":\"%s\"},"
                     "\"uuid\":\"%s\",\"operation_id\":{\"value\":\"%s\"}}}",
                     f.id, s.agent_id, uuid_of(s.h, uuid), id));
    assert_int_equal(harness_status(s.h, asked), 202);
}

/* `operations`: "" for all. */
static void reconcile(const char *operations)
{
    uint64_t asked = harness_call(
        s.h, f.stream_id,
        arena_printf(&s.h->arena,
                     "{\"type\":\"RECONCILE_OPERATIONS\",\"framework_id\":{\"value\":\"%s\"},"
                     "\"reconcile_operations\":{\"operations\":[%s]}}",
                     f.id, operations));
    assert_int_equal(harness_status(s.h, asked), 202);
}

static const char *question(const char *id, const char *agent_id)
{
    return arena_printf(&s.h->arena,
                        "{\"operation_id\":{\"value\":\"%s\"},\"agent_id\":{\"value\":\"%s\"}}", id,
                        agent_id);
}

static const char *told(void)
{
    return harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS");
}

/* --- feedback --- */

static void test_a_status_is_forwarded_until_it_is_acknowledged(void **state)
{
    (void)state;
    const char *uuid = reserve("op");
    for (int i = 0; i < 2; i++) { /* the agent repeats it */
        tell_status(&s, uuid, "OPERATION_FINISHED", 'a');
        const char *event = told();
        assert_has(event, arena_printf(&s.h->arena,
                                       "{\"status\":{\"operation_id\":{\"value\":\"op\"},\"state\":"
                                       "\"OPERATION_FINISHED\",\"uuid\":{\"value\":\"%s\"},"
                                       "\"agent_id\":{\"value\":\"%s\"}}}",
                                       uuid_of(s.h, 'a'), s.agent_id));
    }
    assert_null(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"));
    const char *shown = call(s.h, "GET_OPERATIONS");
    assert_has(shown, "\"info\":{\"type\":\"RESERVE\",\"id\":{\"value\":\"op\"}");
    assert_has(shown, "\"latest_status\":{\"operation_id\":{\"value\":\"op\"},\"state\":"
                      "\"OPERATION_FINISHED\"");
    /* Of another status, of another operation. */
    acknowledge("op", 'b');
    acknowledge("other", 'a');
    assert_null(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"));
    assert_true(metric_of(s.h, "master/invalid_operation_status_update_acknowledgements") == 2);
    acknowledge("op", 'a');
    assert_string_equal(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"),
                        arena_printf(&s.h->arena,
                                     "{\"status_uuid\":{\"value\":\"%s\"},\"operation_uuid\":"
                                     "{\"value\":\"%s\"}}",
                                     uuid_of(s.h, 'a'), uuid));
    assert_has_not(call(s.h, "GET_OPERATIONS"), "RESERVE");
    /* What comes once more is for nobody: it is acknowledged, as that must have been lost. */
    harness_message(s.h, AGENT, "master", "UpdateSlaveMessage",
                    arena_printf(&s.h->arena, "{\"slave_id\":{\"value\":\"%s\"},\"operations\":{}}",
                                 s.agent_id));
    tell_status(&s, uuid, "OPERATION_FINISHED", 'a');
    assert_null(told());
    assert_has(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"), uuid);
}

static void test_without_an_id_the_master_acknowledges(void **state)
{
    (void)state;
    tell_status(&s, reserve(NULL), "OPERATION_FINISHED", 'a');
    assert_null(told());
    assert_has(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"), uuid_of(s.h, 'a'));
    assert_has_not(call(s.h, "GET_OPERATIONS"), "RESERVE");
}

static void test_a_framework_that_is_over_acknowledges_no_more(void **state)
{
    (void)state;
    tell_status(&s, reserve("op"), "OPERATION_FINISHED", 'a');
    harness_call(s.h, f.stream_id,
                 arena_printf(&s.h->arena,
                              "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}", f.id));
    assert_has(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"), uuid_of(s.h, 'a'));
    assert_has_not(call(s.h, "GET_OPERATIONS"), "RESERVE");
    assert_has(slaves(), RESERVED_2);
}

/* --- what did not happen --- */

static void test_what_the_agent_dropped_is_undone(void **state)
{
    (void)state;
    const char *first = reserve("first");
    const char *offers = next_offer(s.h, &f);
    assert_has(offers, "DYNAMIC");
    tell_status(&s, first, "OPERATION_DROPPED", 0);
    assert_non_null(harness_event(s.h, f.handle, "RESCIND"));
    assert_has(told(), "\"state\":\"OPERATION_DROPPED\"");
    assert_has(slaves(), "\"reserved_resources\":{}");
    harness_advance(s.h, 6 * NS_PER_SEC); /* longer than the filter */
    offers = harness_event(s.h, f.handle, "OFFERS");
    assert_has(offers, "\"scalar\":{\"value\":4.0}");
    assert_has_not(offers, "DYNAMIC");
    assert_has_not(call(s.h, "GET_OPERATIONS"), "RESERVE"); /* nobody can acknowledge it */
    assert_true(metric_of(s.h, "master/operations/reserve/dropped") == 1);
}

static void test_what_a_task_uses_cannot_be_undone(void **state)
{
    (void)state;
    const char *uuid = reserve(NULL);
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 arena_printf(&s.h->arena,
                              "{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\","
                              "\"task_id\":{\"value\":\"t\"},\"agent_id\":{\"value\":\"%s\"},"
                              "\"command\":{\"value\":\"true\"},\"resources\":[%s]}]}}",
                              s.agent_id, res(s.h, "cpus", 2, "r")));
    harness_log(s.h);
    tell_status(&s, uuid, "OPERATION_FAILED", 'a');
    assert_has(harness_log(s.h), "whose outcome is in use");
    assert_has(slaves(), RESERVED_2);
    /* Until the agent tells what it has. */
    operation_scene_return(&s, MODERN, 'w', "");
    assert_has(slaves(), "\"reserved_resources\":{}");
}

/* --- agents that come back --- */

static void test_the_resource_version_tells_whose_word_counts(void **state)
{
    (void)state;
    const char *uuid = reserve("op");
    /* A repetition of its registration, from before. */
    operation_scene_return(&s, MODERN, 'v', "");
    assert_has(slaves(), RESERVED_2);
    assert_non_null(next_offer(s.h, &f));
    /* It was started anew, and never saw the operation. */
    operation_scene_return(&s, MODERN, 'w', "");
    assert_has(slaves(), "\"reserved_resources\":{}");
    assert_non_null(harness_event(s.h, f.handle, "RESCIND"));
    harness_message(s.h, AGENT, "master", "UpdateSlaveMessage",
                    arena_printf(&s.h->arena,
                                 "{\"slave_id\":{\"value\":\"%s\"},\"operations\":{},"
                                 "\"resource_version_uuid\":{\"value\":\"%s\"}}",
                                 s.agent_id, uuid_of(s.h, 'w')));
    assert_string_equal(harness_take(s.h, AGENT, "ReconcileOperationsMessage"),
                        arena_printf(&s.h->arena,
                                     "{\"operations\":[{\"operation_uuid\":{\"value\":\"%s\"}}]}",
                                     uuid));
    /* A version says nothing of the resources that go with it. */
    harness_forget(s.h);
    harness_message(s.h, AGENT, "master", "UpdateSlaveMessage",
                    arena_printf(&s.h->arena,
                                 "{\"slave_id\":{\"value\":\"%s\"},"
                                 "\"resource_version_uuid\":{\"value\":\"%s\"}}",
                                 s.agent_id, uuid_of(s.h, 'x')));
    assert_has(harness_take(s.h, AGENT, "PingSlaveMessage"), "false");
    operation_scene_return(&s, MODERN, 'x', "");
    /* Nothing is undone twice. */
    assert_int_equal(harness_status(s.h, operate(&s, "RESERVE_RESOURCES", "reserve_resources",
                                                 LIST("resources", res(s.h, "cpus", 2, "r")))),
                     202);
    tell_status(&s, uuid, "OPERATION_DROPPED", 0);
    assert_has(told(), "OPERATION_DROPPED");
    assert_has(slaves(), RESERVED_2);
}

static void test_what_the_agent_stored_is_believed(void **state)
{
    (void)state;
    reserve(NULL);
    operation_scene_return(&s, MODERN, 'w', res(s.h, "cpus", 3, "r"));
    assert_has(slaves(), "\"cpus\":3.0}}");
    harness_fail_over(s.h, NULL);
    operation_scene_return(&s, MODERN, 'w', res(s.h, "cpus", 1, "r"));
    assert_has(slaves(), "\"cpus\":1.0}}");
}

/* A new master learns of an operation by its agent. */
static void lists(const char *framework_id)
{
    harness_message(
        s.h, AGENT, "master", "UpdateSlaveMessage",
        arena_printf(&s.h->arena,
                     "{\"slave_id\":{\"value\":\"%s\"},\"operations\":{\"operations\":[{"
                     "\"framework_id\":{\"value\":\"%s\"},\"slave_id\":{\"value\":\"%s\"},"
                     "\"info\":{\"type\":\"RESERVE\",\"id\":{\"value\":\"op\"},\"reserve\":{"
                     "\"resources\":[%s]}},\"uuid\":{\"value\":\"%s\"},\"latest_status\":{"
                     "\"state\":\"OPERATION_FINISHED\",\"uuid\":{\"value\":\"%s\"}},\"statuses\":"
                     "[{\"state\":\"OPERATION_FINISHED\",\"uuid\":{\"value\":\"%s\"}}]}]}}",
                     s.agent_id, framework_id, s.agent_id, res(s.h, "cpus", 2, "r"),
                     uuid_of(s.h, 'o'), uuid_of(s.h, 'a'), uuid_of(s.h, 'a')));
}

static void test_an_operation_waits_for_its_framework(void **state)
{
    (void)state;
    harness_fail_over(s.h, NULL);
    operation_scene_return(&s, MODERN, 'w', res(s.h, "cpus", 2, "r"));
    lists(f.id);
    tell_status(&s, uuid_of(s.h, 'o'), "OPERATION_FINISHED", 'a');
    assert_null(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"));
    f = harness_subscribe(s.h, arena_printf(&s.h->arena,
                                            ",\"id\":{\"value\":\"%s\"}" SHARING
                                            "}},\"framework_id\":{\"value\":\"%s\"},"
                                            "\"x\":{\"x\":{\"x\":1",
                                            f.id, f.id));
    tell_status(&s, uuid_of(s.h, 'o'), "OPERATION_FINISHED", 'a');
    assert_has(told(), "\"operation_id\":{\"value\":\"op\"}");
    acknowledge("op", 'a');
    assert_non_null(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"));
}

static void patient(struct master_options *options)
{
    options->agent_ping_timeout_ns = NS_PER_DAY;
}

static void test_it_waits_ten_minutes(void **state)
{
    (void)state;
    harness_fail_over(s.h, patient);
    operation_scene_return(&s, MODERN, 'w', res(s.h, "cpus", 2, "r"));
    lists("never-seen");
    harness_advance(s.h, 10 * NS_PER_MIN - 1);
    tell_status(&s, uuid_of(s.h, 'o'), "OPERATION_FINISHED", 'a');
    assert_null(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"));
    assert_has(call(s.h, "GET_OPERATIONS"), "never-seen");
    harness_advance(s.h, 1);
    tell_status(&s, uuid_of(s.h, 'o'), "OPERATION_FINISHED", 'a');
    assert_non_null(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"));
    assert_has_not(call(s.h, "GET_OPERATIONS"), "never-seen");
}

/* --- questions --- */

static void test_operations_are_reconciled(void **state)
{
    (void)state;
    const char *uuid = reserve("known");
    reconcile("");
    assert_has(told(), "\"state\":\"OPERATION_PENDING\"");
    tell_status(&s, uuid, "OPERATION_FINISHED", 'a');
    assert_has(told(), "uuid");
    reconcile(arena_printf(&s.h->arena, "%s,%s,%s,{\"operation_id\":{\"value\":\"nowhere\"}}",
                           question("known", s.agent_id), question("unknown", s.agent_id),
                           question("unknown", "nobody")));
    const char *event = told();
    assert_has(event, "\"state\":\"OPERATION_FINISHED\"");
    assert_has_not(event, "uuid");
    assert_has(told(), "\"message\":\"Reconciliation: Operation is unknown\"");
    assert_has(told(), "\"message\":\"Reconciliation: Both operation and agent are unknown\"");
    assert_has(told(), "no 'agent_id' was provided");
    reconcile(arena_printf(&s.h->arena,
                           "{\"operation_id\":{\"value\":\"x\"},\"agent_id\":{\"value\":\"%s\"},"
                           "\"resource_provider_id\":{\"value\":\"p\"}}",
                           s.agent_id));
    assert_has(harness_take(s.h, AGENT, "ReconcileOperationsMessage"),
               "\"operation_id\":{\"value\":\"x\"}");
    assert_null(told());
}

static void test_those_of_an_unreachable_agent_are_unreachable(void **state)
{
    (void)state;
    reserve("op");
    reserve(NULL);
    harness_exited(s.h, AGENT);
    harness_advance(s.h, 11 * NS_PER_MIN);
    assert_has(told(), "\"state\":\"OPERATION_UNREACHABLE\"");
    assert_null(told());
    reconcile(question("op", s.agent_id));
    assert_has(told(), "\"message\":\"Reconciliation: Agent is unreachable\"");
    assert_has_not(call(s.h, "GET_OPERATIONS"), "RESERVE");
    assert_true(metric_of(s.h, "master/operations/pending") == 0);
    /* With the version that it had, it may still get what it was sent: it has to come again. */
    harness_forget(s.h);
    operation_scene_return(&s, MODERN, 'v', "");
    assert_has(harness_take(s.h, AGENT, "PingSlaveMessage"), "true");
    assert_has(harness_take(s.h, AGENT, "PingSlaveMessage"), "false");
    assert_has(slaves(), "\"reserved_resources\":{}");
    operation_scene_return(&s, MODERN, 'w', res(s.h, "cpus", 2, "r"));
    assert_has(slaves(), RESERVED_2);
    assert_null(harness_take(s.h, AGENT, "PingSlaveMessage"));
}

static void test_a_draining_agent_finishes_its_operations(void **state)
{
    (void)state;
    const char *uuid = reserve("op");
    operate(&s, "DRAIN_AGENT", "drain_agent", "\"x\":1");
    assert_has(slaves(), "\"state\":\"DRAINING\"");
    tell_status(&s, uuid, "OPERATION_FINISHED", 'a');
    assert_has(slaves(), "\"state\":\"DRAINING\"");
    acknowledge("op", 'a');
    assert_has(slaves(), "\"state\":\"DRAINED\"");
}

/* --- limits --- */

static void test_operations_of_an_agent_are_limited(void **state)
{
    (void)state;
    struct agent *agent = master_find_registered(s.h->master, slice_from(s.agent_id));
    for (size_t i = 0; i < OPERATIONS_PER_AGENT_MAX; i++) {
        bool odd = i % 2 == 1;
        uint64_t asked = operate(&s, odd ? "UNRESERVE_RESOURCES" : "RESERVE_RESOURCES",
                                 odd ? "unreserve_resources" : "reserve_resources",
                                 LIST("resources", res(s.h, "cpus", 1, "r")));
        assert_int_equal(harness_status(s.h, asked), 202);
        harness_forget(s.h);
    }
    assert_int_equal(agent->operation_count, OPERATIONS_PER_AGENT_MAX);
    uint64_t asked = operate(&s, "RESERVE_RESOURCES", "reserve_resources",
                             LIST("resources", res(s.h, "cpus", 1, "r")));
    assert_int_equal(harness_status(s.h, asked), 503);
}

static void test_statuses_of_an_operation_are_limited(void **state)
{
    (void)state;
    const char *uuid = reserve("op");
    for (char c = 'a'; c <= 'a' + (char)OPERATION_STATUSES_MAX; c++) {
        tell_status(&s, uuid, "OPERATION_PENDING", c);
    }
    const char *shown = call(s.h, "GET_OPERATIONS");
    assert_has_not(shown, uuid_of(s.h, 'a'));
    assert_has(shown, uuid_of(s.h, 'b'));
    assert_has(shown, uuid_of(s.h, 'a' + (char)OPERATION_STATUSES_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_status_is_forwarded_until_it_is_acknowledged, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_without_an_id_the_master_acknowledges, begin, end),
        cmocka_unit_test_setup_teardown(test_a_framework_that_is_over_acknowledges_no_more, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_what_the_agent_dropped_is_undone, begin, end),
        cmocka_unit_test_setup_teardown(test_what_a_task_uses_cannot_be_undone, begin, end),
        cmocka_unit_test_setup_teardown(test_the_resource_version_tells_whose_word_counts, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_what_the_agent_stored_is_believed, begin, end),
        cmocka_unit_test_setup_teardown(test_an_operation_waits_for_its_framework, begin, end),
        cmocka_unit_test_setup_teardown(test_it_waits_ten_minutes, begin, end),
        cmocka_unit_test_setup_teardown(test_operations_are_reconciled, begin, end),
        cmocka_unit_test_setup_teardown(test_those_of_an_unreachable_agent_are_unreachable, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_draining_agent_finishes_its_operations, begin, end),
        cmocka_unit_test_setup_teardown(test_operations_of_an_agent_are_limited, begin, end),
        cmocka_unit_test_setup_teardown(test_statuses_of_an_operation_are_limited, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
