/* Maintenance: schedules, machines that drain and are down, and agents on them. */
#include "harness.h"

#include "master/maintenance.h"
#include "wire/cursor.h"
#include "wire/message.h"
#include "wire/pb.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define SAME_MACHINE "slave(2)@10.0.0.1:5052"
#define ANOTHER "slave(1)@10.0.0.2:5051"
#define JSON "Content-Type: application/json"
#define HERE "{\"hostname\":\"host\",\"ip\":\"10.0.0.1\"}"
#define THERE "{\"hostname\":\"host\",\"ip\":\"10.0.0.2\"}"
#define WINDOW(machines) \
    "{\"machine_ids\":[" machines "],\"unavailability\":{\"start\":{\"nanoseconds\":5}}}"

static uint64_t call(struct harness *h, const char *body)
{
    return harness_request(h, "POST", "/master/api/v1", JSON, body);
}

static uint64_t update(struct harness *h, const char *windows)
{
    return call(h, arena_printf(&h->arena,
                                "{\"type\":\"UPDATE_MAINTENANCE_SCHEDULE\","
                                "\"update_maintenance_schedule\":{\"schedule\":"
                                "{\"windows\":[%s]}}}",
                                windows));
}

static uint64_t start(struct harness *h, const char *machines)
{
    return call(h, arena_printf(&h->arena,
                                "{\"type\":\"START_MAINTENANCE\",\"start_maintenance\":"
                                "{\"machines\":[%s]}}",
                                machines));
}

static uint64_t stop(struct harness *h, const char *machines)
{
    return call(h, arena_printf(&h->arena,
                                "{\"type\":\"STOP_MAINTENANCE\",\"stop_maintenance\":"
                                "{\"machines\":[%s]}}",
                                machines));
}

static const char *body_of(struct harness *h, uint64_t handle)
{
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

static void does(struct harness *h, uint64_t handle)
{
    if (harness_status(h, handle) != 200) {
        fail_msg("%d: %s", harness_status(h, handle), body_of(h, handle));
    }
    assert_string_equal(body_of(h, handle), "");
}

static void refuses(struct harness *h, uint64_t handle, const char *why)
{
    assert_int_equal(harness_status(h, handle), 400);
    assert_string_equal(body_of(h, handle), why);
}

static const char *get(struct harness *h, const char *path)
{
    return body_of(h, harness_request(h, "GET", path, NULL, ""));
}

static const char *schedule(struct harness *h)
{
    return get(h, "/master/maintenance/schedule");
}

static const char *status(struct harness *h)
{
    return get(h, "/master/maintenance/status");
}

/* --- schedules and modes --- */

static void test_a_schedule_is_shown_as_it_was_posted(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    assert_string_equal(schedule(h), "{}");
    assert_string_equal(status(h), "{}");
    does(h, update(h, WINDOW(HERE "," THERE)));
    assert_string_equal(schedule(h), "{\"windows\":[" WINDOW(HERE "," THERE) "]}");
    assert_string_equal(status(h),
                        "{\"draining_machines\":[{\"id\":" HERE "},{\"id\":" THERE "}]}");
    assert_string_equal(body_of(h, call(h, "{\"type\":\"GET_MAINTENANCE_SCHEDULE\"}")),
                        "{\"type\":\"GET_MAINTENANCE_SCHEDULE\",\"get_maintenance_schedule\":"
                        "{\"schedule\":{\"windows\":[" WINDOW(HERE "," THERE) "]}}}");
    assert_string_equal(body_of(h, call(h, "{\"type\":\"GET_MAINTENANCE_STATUS\"}")),
                        "{\"type\":\"GET_MAINTENANCE_STATUS\",\"get_maintenance_status\":"
                        "{\"status\":{\"draining_machines\":[{\"id\":" HERE "},{\"id\":" THERE
                        "}]}}}");
    assert_string_equal(get(h, "/master/maintenance/schedule?jsonp=f"),
                        "f({\"windows\":[" WINDOW(HERE "," THERE) "]})");
    does(h, update(h, ""));
    assert_string_equal(schedule(h), "{}");
    assert_string_equal(status(h), "{}");
    assert_int_equal(h->master->machines.by_key.count, 0);
    harness_free(h);
}

static void test_an_answer_in_protobuf(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    does(h, update(h, WINDOW(HERE)));
    uint64_t handle =
        harness_request(h, "POST", "/master/api/v1", JSON "\nAccept: application/x-protobuf",
                        "{\"type\":\"GET_MAINTENANCE_SCHEDULE\"}");
    Pb__Master__Response *response;
    assert_int_equal(MESSAGE_DECODE(Pb__Master__Response, pb__master__response,
                                    harness_body(h, handle), &h->arena, &response, NULL),
                     0);
    assert_int_equal(response->type, PB__MASTER__RESPONSE__TYPE__GET_MAINTENANCE_SCHEDULE);
    assert_int_equal(response->get_maintenance_schedule->schedule->n_windows, 1);
    harness_free(h);
}

static void test_it_is_answered_when_the_registry_has_it(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    h->registry_is_held = true;
    uint64_t asked = update(h, WINDOW(HERE));
    assert_int_equal(harness_status(h, asked), -1);
    assert_string_equal(schedule(h), "{}");
    harness_registry(h);
    does(h, asked);
    assert_string_equal(schedule(h), "{\"windows\":[" WINDOW(HERE) "]}");
    harness_free(h);
}

static void test_machines_go_down_and_up(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    does(h, update(h, WINDOW(HERE "," THERE)));
    does(h, start(h, "{\"hostname\":\"HOST\",\"ip\":\"10.0.0.1\"}"));
    assert_string_equal(status(h), "{\"draining_machines\":[{\"id\":" THERE
                                   "}],\"down_machines\":[" HERE "]}");
    refuses(h, start(h, HERE),
            "Machine '" HERE "' is not in DRAINING mode and cannot be brought down");
    refuses(h, stop(h, THERE), "Machine '" THERE "' is not in DOWN mode and cannot be brought up");
    refuses(h, update(h, WINDOW(THERE)),
            "Machine '" HERE "' is deactivated and cannot be removed from the schedule");
    does(h, update(h, WINDOW(HERE)));
    does(h, stop(h, HERE));
    assert_string_equal(status(h), "{}");
    assert_string_equal(schedule(h), "{}");
    harness_free(h);
}

static void test_what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *windows;
        const char *why;
    } bad[] = {
        {WINDOW(""), "List of machines in the maintenance window is empty"},
        {WINDOW("{}"), "Both 'hostname' and 'ip' for a machine are empty"},
        {WINDOW("{\"hostname\":\"\",\"ip\":\"\"}"),
         "Both 'hostname' and 'ip' for a machine are empty"},
        {WINDOW("{\"ip\":\"10.0.0.256\"}"), "Failed to parse IPv4: 10.0.0.256"},
        {WINDOW("{\"ip\":\"::1\"}"), "Failed to parse IPv4: ::1"},
        {WINDOW("{\"hostname\":\"a\"},{\"hostname\":\"A\"}"),
         "Machine '{\"hostname\":\"A\"}' appears more than once in the schedule"},
        {WINDOW(HERE), "Machine '" HERE "' appears more than once in the schedule"},
        {"{\"machine_ids\":[{\"hostname\":\"a\"}],\"unavailability\":{\"start\":"
         "{\"nanoseconds\":1},\"duration\":{\"nanoseconds\":-1}}}",
         "Unavailability 'duration' is negative"},
    };
    static const struct {
        const char *machines;
        const char *why;
    } lists[] = {
        {"", "List of machines is empty"},
        {"{}", "Both 'hostname' and 'ip' for a machine are empty"},
        {"{\"hostname\":\"x\",\"ip\":\"1.2.3\"}", "Failed to parse IPv4: 1.2.3"},
        {HERE "," HERE, "Machine '" HERE "' appears more than once in the schedule"},
        {"{\"hostname\":\"stranger\"}",
         "Machine '{\"hostname\":\"stranger\"}' is not part of a maintenance schedule"},
    };
    struct harness *h = harness_new(NULL);
    harness_agent(h, ANOTHER); /* a machine that is known, and UP */
    does(h, update(h, WINDOW(HERE)));
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        refuses(h, update(h, arena_printf(&h->arena, "%s,%s", WINDOW(HERE), bad[i].windows)),
                bad[i].why);
    }
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        refuses(h, start(h, lists[i].machines), lists[i].why);
        refuses(h, stop(h, lists[i].machines), lists[i].why);
    }
    refuses(h, start(h, THERE),
            "Machine '" THERE "' is not in DRAINING mode and cannot be brought down");
    assert_string_equal(schedule(h), "{\"windows\":[" WINDOW(HERE) "]}");
    harness_free(h);
}

/* A list of machines that differ, as many as there may be and one more. */
static void test_machines_have_a_limit(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    CLEANUP(buf_deinit) struct buf machines = BUF_INIT;
    for (size_t i = 0; i < MAINTENANCE_MACHINES_MAX; i++) {
        buf_printf(&machines, "%s{\"hostname\":\"m%zu\"}", i == 0 ? "" : ",", i);
    }
    does(h, update(h, arena_printf(&h->arena, WINDOW("%s"), buf_text(&machines))));
    assert_int_equal(h->master->machines.by_key.count, MAINTENANCE_MACHINES_MAX);
    refuses(
        h,
        update(h, arena_printf(&h->arena, WINDOW("%s,{\"hostname\":\"m\"}"), buf_text(&machines))),
        "More than 262144 machines are named");
    harness_free(h);
}

/* --- what comes between the check and the registry --- */

static void test_the_registry_decides_between_operators(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    does(h, update(h, WINDOW(HERE "," THERE)));
    h->registry_is_held = true;
    uint64_t cancelled = update(h, WINDOW(THERE));
    uint64_t late = start(h, HERE); /* it left the schedule before */
    uint64_t down = start(h, THERE);
    uint64_t twice = start(h, THERE);
    uint64_t emptied = update(h, "");
    harness_registry(h);
    does(h, cancelled);
    refuses(h, late, "Machine '" HERE "' is not part of a maintenance schedule");
    does(h, down);
    refuses(h, twice, "Machine '" THERE "' is not in DRAINING mode and cannot be brought down");
    refuses(h, emptied,
            "Machine '" THERE "' is deactivated and cannot be removed from the schedule");
    assert_string_equal(status(h), "{\"down_machines\":[" THERE "]}");
    harness_free(h);
}

/* --- agents --- */

static void test_offers_tell_of_the_unavailability(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    harness_agent(h, AGENT);
    harness_agent(h, ANOTHER);
    assert_has_not(harness_event(h, f.handle, "OFFERS"), "unavailability");
    assert_has_not(harness_event(h, f.handle, "OFFERS"), "unavailability");
    does(h, update(h, WINDOW(HERE)));
    assert_non_null(harness_event(h, f.handle, "RESCIND"));
    /* The other agent's offer stays: nothing has changed there. */
    assert_int_equal(h->master->offers.count, 1 + 1);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    assert_has(offers, "\"unavailability\":{\"start\":{\"nanoseconds\":5}}");
    assert_has(offers, "10.0.0.1");
    does(h, update(h, ""));
    assert_non_null(harness_event(h, f.handle, "RESCIND"));
    assert_has_not(harness_event(h, f.handle, "OFFERS"), "unavailability");
    harness_free(h);
}

static void test_agents_of_a_machine_that_goes_down_are_removed(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    const char *id = harness_agent(h, AGENT);
    harness_launch(h, &f, "t");
    harness_agent(h, SAME_MACHINE);
    harness_agent(h, ANOTHER);
    does(h, update(h, WINDOW(HERE)));
    does(h, start(h, HERE));
    const char *down = "{\"message\":\"Operator initiated 'Machine DOWN'\"}";
    assert_string_equal(harness_take(h, AGENT, "ShutdownMessage"), down);
    assert_string_equal(harness_take(h, SAME_MACHINE, "ShutdownMessage"), down);
    assert_null(harness_take(h, ANOTHER, "ShutdownMessage"));
    assert_int_equal(h->master->registered_count, 1);
    const char *lost = harness_event(h, f.handle, "UPDATE");
    assert_has(lost, "TASK_LOST");
    assert_has(lost, "REASON_AGENT_REMOVED");
    assert_has(lost, "Agent host removed: Operator initiated 'Machine DOWN'");
    assert_has(harness_event(h, f.handle, "FAILURE"), id);
    assert_null(master_find_departed(h->master, slice_from(id)));
    harness_free(h);
}

#define REGISTRATION "{\"slave\":{\"hostname\":\"Host\"},\"version\":\"1.0.0\"}"

static const char *reregistration(struct harness *h, const char *id)
{
    return arena_printf(&h->arena,
                        "{\"slave\":{\"id\":{\"value\":\"%s\"},\"hostname\":\"host\"},"
                        "\"version\":\"1.12.0\"}",
                        id);
}

static void test_no_agent_comes_from_a_machine_that_is_down(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, AGENT);
    does(h, update(h, WINDOW(HERE)));
    does(h, start(h, HERE));
    harness_forget(h);
    static const char refusal[] = "{\"message\":\"Machine is `DOWN`\"}";
    harness_message(h, AGENT, "master", "RegisterSlaveMessage", REGISTRATION);
    assert_string_equal(harness_take(h, AGENT, "ShutdownMessage"), refusal);
    harness_message(h, AGENT, "master", "ReregisterSlaveMessage", reregistration(h, id));
    assert_string_equal(harness_take(h, AGENT, "ShutdownMessage"), refusal);
    assert_int_equal(h->master->agents.count, 0);
    harness_message(h, ANOTHER, "master", "RegisterSlaveMessage", REGISTRATION);
    assert_non_null(harness_take(h, ANOTHER, "SlaveRegisteredMessage"));
    does(h, stop(h, HERE));
    harness_message(h, AGENT, "master", "RegisterSlaveMessage", REGISTRATION);
    assert_non_null(harness_take(h, AGENT, "SlaveRegisteredMessage"));
    harness_free(h);
}

/* The machine goes down while the registry is asked about the agent. */
static void test_an_agent_that_is_being_admitted_does_not_slip_in(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, AGENT);
    const char *unknown = arena_printf(&h->arena, "%s0", id);
    does(h, update(h, WINDOW(HERE)));
    harness_forget(h);
    h->registry_is_held = true;
    start(h, HERE);
    harness_message(h, SAME_MACHINE, "master", "RegisterSlaveMessage", REGISTRATION);
    harness_message(h, "slave(3)@10.0.0.1:5053", "master", "ReregisterSlaveMessage",
                    reregistration(h, unknown));
    harness_registry(h);
    assert_non_null(harness_take(h, AGENT, "ShutdownMessage"));
    assert_non_null(harness_take(h, SAME_MACHINE, "ShutdownMessage"));
    assert_non_null(harness_take(h, "slave(3)@10.0.0.1:5053", "ShutdownMessage"));
    harness_registry(h);
    assert_int_equal(h->master->agents.count, 0);
    h->registry_is_held = false;
    assert_has_not(get(h, "/registrar(1)/registry"), id);
    harness_free(h);
}

/* Ids of another master. */
static void another(struct master_options *options)
{
    options->seed++;
}

static void test_the_next_leader_finds_it_all(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, ANOTHER);
    does(h, update(h, WINDOW(HERE "," THERE)));
    does(h, start(h, HERE));
    const char *before = status(h);
    /* What is read before the registry is does not stay. */
    h->registry_is_held = true;
    harness_fail_over(h, another);
    assert_string_equal(status(h), "{}");
    h->registry_is_held = false;
    harness_registry(h);
    assert_string_equal(schedule(h), "{\"windows\":[" WINDOW(HERE "," THERE) "]}");
    assert_string_equal(status(h), before);
    harness_message(h, AGENT, "master", "RegisterSlaveMessage", REGISTRATION);
    assert_non_null(harness_take(h, AGENT, "ShutdownMessage"));
    /* One that comes back drains as before. */
    struct scene_framework f = harness_subscribe(h, "");
    harness_message(h, ANOTHER, "master", "ReregisterSlaveMessage", reregistration(h, id));
    harness_agent(h, "slave(2)@10.0.0.2:5052");
    assert_has(harness_event(h, f.handle, "OFFERS"), "unavailability");
    does(h, stop(h, HERE));
    harness_fail_over(h, another);
    assert_string_equal(schedule(h), "{\"windows\":[" WINDOW(THERE) "]}");
    harness_free(h);
}

/* Such an entry is written by no master, but it says what it says: nothing drains. */
static void test_a_machine_that_the_registry_lists_as_up_is_up(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct registry *registry = registry_new(1);
    CLEANUP(buf_deinit) struct buf machines = BUF_INIT;
    static const int modes[] = {PB__MACHINE_INFO__MODE__UP, PB__MACHINE_INFO__MODE__DRAINING, 7};
    size_t list = wire_begin(&machines, 3);
    for (size_t i = 0; i < ELEMENTS(modes); i++) {
        size_t machine = wire_begin(&machines, 1);
        size_t info = wire_begin(&machines, 1);
        size_t id = wire_begin(&machines, 1);
        wire_put_bytes(&machines, 1, slice_make(&"abc"[i], 1));
        wire_end(&machines, id);
        wire_put_varint(&machines, 2, (uint64_t)modes[i]);
        wire_end(&machines, info);
        wire_end(&machines, machine);
    }
    wire_end(&machines, list);
    struct blob *part = blob_take(&machines);
    registry_set_part(registry, REGISTRY_MACHINES, part);
    blob_unref(part);
    master_machines_recovered(h->master, registry);
    registry_free(registry);
    assert_string_equal(status(h), "{\"draining_machines\":[{\"id\":{\"hostname\":\"b\"}}]}");
    assert_int_equal(h->master->machines.by_key.count, 1);
    harness_free(h);
}

/* --- the older endpoints --- */

static void test_the_older_endpoints_do_the_same(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    static const char windows[] = "{\"windows\":[" WINDOW(HERE) "]}";
    does(h, harness_request(h, "POST", "/master/maintenance/schedule", NULL, windows));
    assert_string_equal(schedule(h), windows);
    does(h, harness_request(h, "POST", "/master/machine/down", NULL, " [ " HERE " ] "));
    assert_string_equal(status(h), "{\"down_machines\":[" HERE "]}");
    does(h, harness_request(h, "POST", "/master/machine/up", NULL, "[" HERE "]"));
    assert_string_equal(status(h), "{}");
    static const char *const bad[] = {"", "{}", "5", "[5]", "[" HERE "]x", "[],\"machines\":[]"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_int_equal(
            harness_status(h, harness_request(h, "POST", "/master/machine/up", NULL, bad[i])), 400);
    }
    assert_int_equal(
        harness_status(h, harness_request(h, "POST", "/master/maintenance/schedule", NULL, "[]")),
        400);
    harness_free(h);
}

static void test_before_recovery_nothing_is_asked(void **state)
{
    (void)state;
    static const char *const paths[] = {"/master/maintenance/schedule", "/master/machine/down",
                                        "/master/machine/up"};
    struct harness *h = harness_new_follower(NULL);
    h->registry_is_held = true;
    harness_elect(h);
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        assert_int_equal(harness_status(h, harness_request(h, "POST", paths[i], NULL, "{}")), 503);
    }
    assert_string_equal(schedule(h), "{}");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_schedule_is_shown_as_it_was_posted),
        cmocka_unit_test(test_an_answer_in_protobuf),
        cmocka_unit_test(test_it_is_answered_when_the_registry_has_it),
        cmocka_unit_test(test_machines_go_down_and_up),
        cmocka_unit_test(test_what_makes_no_sense_is_refused_and_changes_nothing),
        cmocka_unit_test(test_machines_have_a_limit),
        cmocka_unit_test(test_the_registry_decides_between_operators),
        cmocka_unit_test(test_offers_tell_of_the_unavailability),
        cmocka_unit_test(test_agents_of_a_machine_that_goes_down_are_removed),
        cmocka_unit_test(test_no_agent_comes_from_a_machine_that_is_down),
        cmocka_unit_test(test_an_agent_that_is_being_admitted_does_not_slip_in),
        cmocka_unit_test(test_the_next_leader_finds_it_all),
        cmocka_unit_test(test_a_machine_that_the_registry_lists_as_up_is_up),
        cmocka_unit_test(test_the_older_endpoints_do_the_same),
        cmocka_unit_test(test_before_recovery_nothing_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
