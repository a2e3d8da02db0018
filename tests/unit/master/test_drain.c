/* Agents that operators drain, deactivate and reactivate. */
#include "harness.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define JSON "Content-Type: application/json"

static struct harness *h;
static const char *id; /* of the agent */

/* The agent as it tells of itself, with what it has. */
static const char *self_of(const char *agent_id)
{
    return arena_printf(
        &h->arena,
        "\"slave\":{%s\"hostname\":\"host\",\"checkpoint\":true,\"resources\":["
        "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4}},"
        "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1024}}]},"
        "\"version\":\"1.12.0\",\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},"
        "{\"type\":\"AGENT_DRAINING\"}]",
        agent_id != NULL ? arena_printf(&h->arena, "\"id\":{\"value\":\"%s\"},", agent_id) : "");
}

static int begin(void **state)
{
    (void)state;
    h = harness_new(NULL);
    harness_message(h, AGENT, "master", "RegisterSlaveMessage",
                    arena_printf(&h->arena, "{%s}", self_of(NULL)));
    id = harness_text(h, harness_take(h, AGENT, "SlaveRegisteredMessage"), "value");
    return 0;
}

static int end(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static void comes_back(void)
{
    harness_message(h, AGENT, "master", "ReregisterSlaveMessage",
                    arena_printf(&h->arena, "{%s}", self_of(id)));
    assert_non_null(harness_take(h, AGENT, "SlaveReregisteredMessage"));
}

static const char *body_of(uint64_t handle)
{
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

/* `type` in capitals, `member` its part's name, `more` further members: "" or ",...". */
static uint64_t ask(const char *type, const char *member, const char *more)
{
    return harness_request(h, "POST", "/master/api/v1", JSON,
                           arena_printf(&h->arena,
                                        "{\"type\":\"%s\",\"%s\":{\"agent_id\":{\"value\":\"%s\"}"
                                        "%s}}",
                                        type, member, id, more));
}

static uint64_t drain(const char *more)
{
    return ask("DRAIN_AGENT", "drain_agent", more);
}

static uint64_t deactivate(void)
{
    return ask("DEACTIVATE_AGENT", "deactivate_agent", "");
}

static uint64_t reactivate(void)
{
    return ask("REACTIVATE_AGENT", "reactivate_agent", "");
}

static void assert_answers(uint64_t handle, int status, const char *text)
{
    assert_int_equal(harness_status(h, handle), status);
    assert_has(body_of(handle), text);
}

static const char *get_agents(void)
{
    return body_of(harness_request(h, "POST", "/master/api/v1", JSON, "{\"type\":\"GET_AGENTS\"}"));
}

static const char *get_slaves(void)
{
    return body_of(harness_request(h, "GET", "/master/slaves", NULL, ""));
}

static struct scene_framework aware(void)
{
    return harness_subscribe(h, ",\"checkpoint\":true,\"failover_timeout\":1000,"
                                "\"capabilities\":[{\"type\":\"PARTITION_AWARE\"}]");
}

static void test_an_idle_agent_is_drained_at_once(void **state)
{
    (void)state;
    struct scene_framework f = aware();
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
    assert_answers(drain(",\"max_grace_period\":{\"seconds\":2,\"nanos\":500000000}"), 200, "");
    assert_non_null(harness_event(h, f.handle, "RESCIND"));
    assert_string_equal(harness_take(h, AGENT, "DrainSlaveMessage"),
                        "{\"config\":{\"max_grace_period\":{\"nanoseconds\":2500000000},"
                        "\"mark_gone\":false}}");
    const char *shown = get_agents();
    assert_has(shown, "\"active\":false");
    assert_has(shown, "\"deactivated\":true");
    assert_has(shown, "\"drain_info\":{\"state\":\"DRAINED\",\"config\":{"
                      "\"max_grace_period\":{\"nanoseconds\":2500000000},\"mark_gone\":false}},"
                      "\"estimated_drain_start_time\":{\"nanoseconds\":1700000000000000000}");
    shown = get_slaves();
    assert_has(shown, "\"deactivated\":true");
    assert_has(shown, "\"drain_info\":{\"state\":\"DRAINED\",");
    assert_has(shown, "\"estimated_drain_start_time_seconds\":1700000000.0");
    harness_advance(h, NS_PER_SEC);
    assert_null(harness_event(h, f.handle, "OFFERS"));

    assert_answers(reactivate(), 200, "");
    shown = get_agents();
    assert_has(shown, "\"active\":true");
    assert_has_not(shown, "drain");
    harness_advance(h, NS_PER_SEC);
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
    assert_answers(reactivate(), 400, "Agent is not deactivated");
}

static void test_it_drains_until_the_last_update_is_acknowledged(void **state)
{
    (void)state;
    struct scene_framework f = aware();
    harness_launch(h, &f, "t");
    assert_answers(drain(""), 200, "");
    harness_update(h, AGENT, id, &f, "t", "TASK_KILLED", 'a');
    assert_has(get_agents(), "\"state\":\"DRAINING\"");
    assert_answers(reactivate(), 400, "Agent is still in the DRAINING state");
    harness_acknowledge(h, &f, id, "t", 'a');
    assert_has(get_agents(), "\"state\":\"DRAINED\"");
}

static void test_it_is_drained_when_its_framework_is_over(void **state)
{
    (void)state;
    struct scene_framework f = aware();
    harness_launch(h, &f, "t");
    assert_answers(drain(""), 200, "");
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}", f.id));
    assert_has(get_agents(), "\"state\":\"DRAINED\"");
}

static void test_nothing_happens_before_the_registry_has_it(void **state)
{
    (void)state;
    h->registry_is_held = true;
    uint64_t asked = drain("");
    assert_int_equal(harness_status(h, asked), -1);
    assert_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    assert_has(get_agents(), "\"active\":true");
    harness_registry(h);
    assert_int_equal(harness_status(h, asked), 200);
    harness_registry(h); /* that it is drained */
    assert_has(get_agents(), "\"state\":\"DRAINED\"");
}

static void test_a_drained_agent_may_have_to_be_gone(void **state)
{
    (void)state;
    struct scene_framework f = aware();
    harness_launch(h, &f, "t");
    assert_answers(drain(",\"mark_gone\":true"), 200, "");
    harness_update(h, AGENT, id, &f, "t", "TASK_GONE_BY_OPERATOR", 'a');
    h->registry_is_held = true;
    harness_acknowledge(h, &f, id, "t", 'a');
    assert_answers(drain(""), 409, "Agent is currently being marked gone");
    harness_registry(h);
    h->registry_is_held = false;
    assert_non_null(harness_take(h, AGENT, "ShutdownMessage"));
    assert_int_equal(h->master->gone_count, 1);
    assert_answers(drain(""), 400, "Unknown agent");
}

static void test_it_outlives_the_master_and_an_absence(void **state)
{
    (void)state;
    struct scene_framework f = aware();
    harness_launch(h, &f, "t");
    assert_answers(drain(""), 200, "");
    harness_fail_over(h, NULL);
    comes_back(); /* without the task */
    assert_non_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    assert_has(get_agents(), "\"state\":\"DRAINED\"");
    assert_has(get_agents(), "\"active\":false");

    harness_exited(h, AGENT);
    harness_advance(h, 11 * NS_PER_MIN);
    assert_int_equal(h->master->unreachable_count, 1);
    comes_back();
    assert_non_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    assert_has(get_agents(), "\"state\":\"DRAINED\"");
    assert_answers(reactivate(), 200, "");
    assert_has(get_agents(), "\"active\":true");
}

static void test_an_unreachable_agent_can_be_told_in_advance(void **state)
{
    (void)state;
    harness_exited(h, AGENT);
    harness_advance(h, 11 * NS_PER_MIN);
    assert_int_equal(h->master->unreachable_count, 1);
    assert_answers(drain(""), 200, "");
    assert_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    harness_fail_over(h, NULL);
    comes_back();
    assert_non_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    assert_has(get_agents(), "\"state\":\"DRAINED\"");
    harness_exited(h, AGENT);
    harness_advance(h, 11 * NS_PER_MIN);
    /* It is not there, and yet it is done. */
    assert_answers(reactivate(), 409, "Agent removed while processing the call");
    comes_back();
    assert_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    assert_has(get_agents(), "\"active\":true");
}

static void test_a_deactivated_agent_stays_so_when_it_comes_back(void **state)
{
    (void)state;
    struct scene_framework f = aware();
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
    assert_answers(deactivate(), 200, "");
    assert_answers(deactivate(), 200, "");
    assert_non_null(harness_event(h, f.handle, "RESCIND"));
    assert_int_equal(h->master->active_count, 0);
    harness_exited(h, AGENT);
    comes_back();
    assert_int_equal(h->master->connected_count, 1);
    assert_int_equal(h->master->active_count, 0);
    assert_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    harness_fail_over(h, NULL);
    comes_back();
    f = aware();
    harness_advance(h, NS_PER_SEC);
    assert_null(harness_event(h, f.handle, "OFFERS"));
    assert_has(get_agents(), "\"deactivated\":true");
    /* While it is away it cannot be used, but is again when it is back. */
    harness_exited(h, AGENT);
    assert_answers(reactivate(), 200, "");
    assert_int_equal(h->master->active_count, 0);
    comes_back();
    assert_int_equal(h->master->active_count, 1);
    harness_advance(h, NS_PER_SEC);
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
}

static void test_an_agent_that_is_waited_for_can_be_told_in_advance(void **state)
{
    (void)state;
    harness_fail_over(h, NULL);
    assert_int_equal(h->master->recovered_count, 1);
    assert_answers(drain(",\"mark_gone\":true"), 200, "");
    assert_answers(deactivate(), 200, "");
    comes_back(); /* and has nothing to do */
    assert_non_null(harness_take(h, AGENT, "DrainSlaveMessage"));
    assert_non_null(harness_take(h, AGENT, "ShutdownMessage"));
    assert_int_equal(h->master->gone_count, 1);
}

static void test_one_transition_at_a_time(void **state)
{
    (void)state;
    h->registry_is_held = true;
    harness_message(h, AGENT, "master", "UnregisterSlaveMessage",
                    arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}}", id));
    uint64_t gone = ask("MARK_AGENT_GONE", "mark_agent_gone", "");
    assert_answers(gone, 503, "is being transitioned to removed");
    harness_registry(h);
    gone = ask("MARK_AGENT_GONE", "mark_agent_gone", "");
    assert_answers(gone, 404, "not found");
    h->registry_is_held = false;
    id = harness_agent(h, AGENT);
    h->registry_is_held = true;
    gone = ask("MARK_AGENT_GONE", "mark_agent_gone", "");
    uint64_t again = ask("MARK_AGENT_GONE", "mark_agent_gone", "");
    assert_answers(again, 503, "is already being transitioned to gone");
    harness_registry(h);
    assert_int_equal(harness_status(h, gone), 200);
    assert_answers(ask("MARK_AGENT_GONE", "mark_agent_gone", ""), 200, "");
}

static void test_one_that_leaves_meanwhile_is_not_found(void **state)
{
    (void)state;
    h->registry_is_held = true;
    harness_message(h, AGENT, "master", "UnregisterSlaveMessage",
                    arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}}", id));
    uint64_t first = drain("");
    uint64_t second = deactivate();
    harness_registry(h);
    assert_answers(first, 409, "Agent removed while processing the call");
    assert_answers(second, 409, "Agent removed while processing the call");
}

static void test_an_agent_in_maintenance_is_not_drained(void **state)
{
    (void)state;
    uint64_t handle = harness_request(
        h, "POST", "/master/api/v1", JSON,
        "{\"type\":\"UPDATE_MAINTENANCE_SCHEDULE\",\"update_maintenance_schedule\":{\"schedule\":"
        "{\"windows\":[{\"machine_ids\":[{\"hostname\":\"host\",\"ip\":\"10.0.0.1\"}],"
        "\"unavailability\":{\"start\":{\"nanoseconds\":1}}}]}}}");
    assert_int_equal(harness_status(h, handle), 200);
    assert_answers(drain(""), 400,
                   "is part of a maintenance schedule under Machine host (10.0.0.1)");
    assert_answers(deactivate(), 200, "");
}

static void test_what_is_refused(void **state)
{
    (void)state;
    assert_answers(drain(",\"max_grace_period\":{\"seconds\":-1}"), 400, "max_grace_period");
    assert_answers(drain(",\"max_grace_period\":{\"nanos\":1000000000}"), 400, "max_grace_period");
    assert_answers(drain(",\"max_grace_period\":{\"seconds\":9223372036}"), 200, "");
    assert_answers(drain(",\"max_grace_period\":{\"seconds\":9223372037}"), 400,
                   "max_grace_period");
    assert_answers(reactivate(), 200, "");
    id = harness_agent(h, "slave(1)@10.0.0.2:5051");
    assert_answers(drain(""), 400, "is not capable of draining");
    id = "nobody";
    assert_answers(drain(""), 400, "Unknown agent");
    assert_answers(deactivate(), 400, "Unknown agent");
    assert_answers(reactivate(), 400, "Agent is not deactivated");
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(test_an_idle_agent_is_drained_at_once),
        ONE(test_it_drains_until_the_last_update_is_acknowledged),
        ONE(test_it_is_drained_when_its_framework_is_over),
        ONE(test_nothing_happens_before_the_registry_has_it),
        ONE(test_a_drained_agent_may_have_to_be_gone),
        ONE(test_it_outlives_the_master_and_an_absence),
        ONE(test_an_unreachable_agent_can_be_told_in_advance),
        ONE(test_a_deactivated_agent_stays_so_when_it_comes_back),
        ONE(test_an_agent_that_is_waited_for_can_be_told_in_advance),
        ONE(test_one_transition_at_a_time),
        ONE(test_one_that_leaves_meanwhile_is_not_found),
        ONE(test_an_agent_in_maintenance_is_not_drained),
        ONE(test_what_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
