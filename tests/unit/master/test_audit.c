/* What operators change is in the log: who asked for it, and what the registry took. */
#include "harness.h"

#include "master/audit.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define JSON "Content-Type: application/json"

static uint64_t call(struct harness *h, const char *body)
{
    return harness_request(h, "POST", "/master/api/v1", JSON, body);
}

static void test_asked_and_stored(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    (void)harness_log(h);
    call(h, "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":"
            "{\"weight_infos\":[{\"role\":\"a\",\"weight\":2}]}}");
    const char *log = harness_log(h);
    assert_has(log, "POST UPDATE_WEIGHTS from ");
    assert_has(log, "Stored UPDATE_WEIGHTS {\"weight_infos\":[{\"weight\":2.0,\"role\":\"a\"}]}\n");
    harness_request(h, "PUT", "/master/weights", NULL, "[{\"role\":\"b\",\"weight\":3}]");
    log = harness_log(h);
    assert_has(log, "PUT /master/weights from ");
    assert_has(log, "Stored UPDATE_WEIGHTS {\"weight_infos\":[{\"weight\":3.0,\"role\":\"b\"}]}\n");
    harness_free(h);
}

/* One that is refused was asked for all the same, and the log has the answer's words. */
static void test_refused(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    (void)harness_log(h);
    harness_request(h, "POST", "/master/machine/down", NULL, "[{\"hostname\":\"a\"}]");
    const char *log = harness_log(h);
    assert_has(log, "POST /master/machine/down from ");
    assert_has(log, "Refused /master/machine/down with 400: Machine");
    assert_has_not(log, "tored");
    call(h, "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":"
            "{\"weight_infos\":[{\"role\":\"a\",\"weight\":-2}]}}");
    assert_has(harness_log(h), "Refused UPDATE_WEIGHTS with 400: ");
    char role[2 * AUDIT_REFUSAL_SIZE_MAX] = "";
    memset(role, '/', sizeof(role) - 1);
    call(h, arena_printf(&h->arena,
                         "{\"type\":\"UPDATE_WEIGHTS\",\"update_weights\":"
                         "{\"weight_infos\":[{\"role\":\"%s\",\"weight\":1}]}}",
                         role));
    log = strstr(harness_log(h), "with 400: ");
    assert_non_null(log);
    assert_in_range(strlen(log), AUDIT_REFUSAL_SIZE_MAX, AUDIT_REFUSAL_SIZE_MAX + 16);
    harness_free(h);
}

static void test_readers_leave_no_line(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    (void)harness_log(h);
    call(h, "{\"type\":\"GET_WEIGHTS\"}");
    call(h, "{\"type\":\"GET_METRICS\",\"get_metrics\":{}}");
    harness_request(h, "GET", "/master/weights", NULL, "");
    harness_request(h, "POST", "/master/state", NULL, "");
    assert_string_equal(harness_log(h), "");
    harness_free(h);
}

/* What an operator writes makes no lines of its own. */
static void test_control_characters(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_request(h, "POST", "/master/maintenance/schedule", NULL,
                    "{\"windows\":[{\"machine_ids\":[{\"hostname\":\"a\\nStored b\"}],"
                    "\"unavailability\":{\"start\":{\"nanoseconds\":1}}}]}");
    assert_has_not(harness_log(h), "\nStored b");
    harness_free(h);
}

static void schedule(struct harness *h, size_t name_size)
{
    char name[AUDIT_REQUEST_SIZE_MAX + 1] = "";
    memset(name, 'm', name_size);
    harness_request(h, "POST", "/master/maintenance/schedule", NULL,
                    arena_printf(&h->arena,
                                 "{\"windows\":[{\"machine_ids\":[{\"hostname\":\"%s\"}],"
                                 "\"unavailability\":{\"start\":{\"nanoseconds\":1}}}]}",
                                 name));
}

static void test_long_requests_are_not_printed(void **state)
{
    (void)state;
    enum { AROUND = 18 }; /* bytes of the request around the name */
    struct harness *h = harness_new(NULL);
    schedule(h, AUDIT_REQUEST_SIZE_MAX - AROUND);
    assert_has(harness_log(h), "Stored UPDATE_MAINTENANCE_SCHEDULE {\"schedule\"");
    schedule(h, AUDIT_REQUEST_SIZE_MAX - AROUND + 1);
    assert_has(harness_log(h), "Stored UPDATE_MAINTENANCE_SCHEDULE of 513 bytes\n");
    harness_free(h);
}

static void test_agents(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, AGENT);
    (void)harness_log(h);
    call(h, arena_printf(&h->arena,
                         "{\"type\":\"DEACTIVATE_AGENT\",\"deactivate_agent\":"
                         "{\"agent_id\":{\"value\":\"%s\"}}}",
                         id));
    assert_has(harness_log(h),
               arena_printf(&h->arena, "Stored DEACTIVATE_AGENT of agent %s\n", id));
    call(h, arena_printf(&h->arena,
                         "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":"
                         "{\"agent_id\":{\"value\":\"%s\"}}}",
                         id));
    const char *log = harness_log(h);
    assert_has(log, arena_printf(&h->arena, "Stored MARK_AGENT_GONE of agent %s\n", id));
    assert_has(log, "Telling the agent at " AGENT " to shut down: Agent has been marked gone\n");
    harness_free(h);
}

/* Two ask for the same: the registry has the last word, and the log tells of it. */
static void test_not_stored(void **state)
{
    (void)state;
    static const char down[] = "[{\"hostname\":\"m\"}]";
    struct harness *h = harness_new(NULL);
    schedule(h, 1);
    h->registry_is_held = true;
    uint64_t first = harness_request(h, "POST", "/master/machine/down", NULL, down);
    uint64_t second = harness_request(h, "POST", "/master/machine/down", NULL, down);
    (void)harness_log(h);
    harness_registry(h);
    assert_int_equal(harness_status(h, first), 200);
    assert_int_equal(harness_status(h, second), 400);
    assert_has(harness_log(h), "Not stored, since there is no room or something changed meanwhile: "
                               "START_MAINTENANCE {\"machines\":[{\"hostname\":\"m\"}]}\n");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asked_and_stored),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_readers_leave_no_line),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_long_requests_are_not_printed),
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_not_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
