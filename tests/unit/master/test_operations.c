/* Operations: what frameworks and operators make of an agent's resources. */
#include "operation_scene.h"

#define LIST(name, item) arena_printf(&s.h->arena, "\"%s\":[%s]", (name), (item))

static struct operation_scene s;

static int begin(void **state)
{
    (void)state;
    s = operation_scene_new(MODERN);
    return 0;
}

static int end(void **state)
{
    (void)state;
    harness_free(s.h);
    return 0;
}

static uint64_t reserve(double cpus)
{
    return operate(&s, "RESERVE_RESOURCES", "reserve_resources",
                   LIST("resources", res(s.h, "cpus", cpus, "r")));
}

static const char *create(const char *volume, const char *id)
{
    return op(s.h, "CREATE", "create", LIST("volumes", volume), id);
}

static const char *destroy(const char *volume, const char *id)
{
    return op(s.h, "DESTROY", "destroy", LIST("volumes", volume), id);
}

static const char *reserve_disk(double size)
{
    return op(s.h, "RESERVE", "reserve", LIST("resources", res(s.h, "disk", size, "r")), NULL);
}

static const char *launch(const char *task, const char *resource)
{
    return arena_printf(&s.h->arena,
                        "{\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\","
                        "\"task_id\":{\"value\":\"%s\"},\"agent_id\":{\"value\":\"%s\"},"
                        "\"command\":{\"value\":\"true\"},\"resources\":[%s,%s]}]}}",
                        task, s.agent_id, res(s.h, "cpus", 1, NULL), resource);
}

static void assert_answers(uint64_t handle, int status, const char *text)
{
    struct slice body = harness_body(s.h, handle);
    assert_int_equal(harness_status(s.h, handle), status);
    assert_has(arena_strndup(&s.h->arena, body.data, body.size), text);
}

static const char *slaves(void)
{
    return get(s.h, "/master/slaves");
}

/* --- operators --- */

static void test_an_operator_reserves(void **state)
{
    (void)state;
    assert_answers(reserve(1.5), 202, "");
    const char *message = harness_take(s.h, AGENT, "ApplyOperationMessage");
    assert_has(message, "{\"operation_info\":{\"type\":\"RESERVE\",\"reserve\":{\"resources\":["
                        "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1.5},"
                        "\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"r\"}]}]}}");
    assert_has(message,
               arena_printf(&s.h->arena, "\"resource_version_uuid\":{\"uuid\":{\"value\":\"%s\"}}",
                            uuid_of(s.h, 'v')));
    assert_has_not(message, "framework_id");
    assert_has(slaves(), "\"reserved_resources\":{\"r\":{\"disk\":0.0,\"mem\":0.0,\"gpus\":0.0,"
                         "\"cpus\":1.5}}");
    assert_has(get(s.h, "/master/roles"), "\"reserved\":{\"cpus\":1.5}");
    /* It is shown until the agent has done it. */
    assert_has(call(s.h, "GET_OPERATIONS"), "\"latest_status\":{\"state\":\"OPERATION_PENDING\"");
    assert_true(metric_of(s.h, "master/operations/reserve/pending") == 1);
    tell_status(&s, harness_text(s.h, strstr(message, "\"operation_uuid\""), "value"),
                "OPERATION_FINISHED", 'a');
    assert_has(harness_take(s.h, AGENT, "AcknowledgeOperationStatusMessage"), uuid_of(s.h, 'a'));
    assert_string_equal(call(s.h, "GET_OPERATIONS"),
                        "{\"type\":\"GET_OPERATIONS\",\"get_operations\":{}}");
    assert_true(metric_of(s.h, "master/operations/pending") == 0);
    assert_true(metric_of(s.h, "master/operations/finished") == 1);
    assert_true(metric_of(s.h, "master/operations/reserve/total") == 1);
}

static void test_what_is_wrong_is_400_and_what_is_not_there_409(void **state)
{
    (void)state;
    const char *plain = LIST("resources", res(s.h, "cpus", 1, NULL));
    assert_answers(operate(&s, "RESERVE_RESOURCES", "reserve_resources", plain), 400,
                   "Invalid RESERVE operation on agent");
    assert_answers(operate(&s, "UNRESERVE_RESOURCES", "unreserve_resources", plain), 400,
                   "is not dynamically reserved");
    assert_answers(reserve(1000), 409, "does not contain");
    struct operation_scene other = {s.h, "nobody"};
    assert_answers(operate(&other, "RESERVE_RESOURCES", "reserve_resources", plain), 400,
                   "No agent found with specified ID");
    assert_answers(harness_request(s.h, "POST", "/master/api/v1", JSON_TYPE,
                                   arena_printf(&s.h->arena,
                                                "{\"type\":\"SHRINK_VOLUME\",\"shrink_volume\":{"
                                                "\"volume\":%s,\"subtract\":{\"value\":1}}}",
                                                vol(s.h, "v", 8, false))),
                   400, "Expecting 'agent_id' to be present");
    assert_null(harness_take(s.h, AGENT, "ApplyOperationMessage"));
    harness_exited(s.h, AGENT);
    assert_answers(reserve(1), 409, "is disconnected");
}

static void test_offers_are_rescinded_only_for_what_is_not_free(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    accept_offer(s.h, &f, next_offer(s.h, &f), launch("t", res(s.h, "mem", 64, NULL)));
    assert_non_null(next_offer(s.h, &f));
    /* Not even the offer would do: the task has one cpu. */
    assert_answers(reserve(4), 409, "Tasks or executors of agent");
    assert_non_null(harness_event(s.h, f.handle, "RESCIND"));
    assert_answers(reserve(3), 202, "");
    assert_has(next_offer(s.h, &f), "\"reservations\":[{\"type\":\"DYNAMIC\",\"role\":\"r\"}]");
    /* Memory is offered again by now, cpus are not needed. */
    assert_answers(operate(&s, "UNRESERVE_RESOURCES", "unreserve_resources",
                           LIST("resources", res(s.h, "cpus", 3, "r"))),
                   202, "");
    assert_has(slaves(), "\"reserved_resources\":{}");
}

static void test_the_older_endpoints_take_forms(void **state)
{
    (void)state;
    const char *list = "%5B%7B%22name%22%3A%22cpus%22%2C%22type%22%3A%22SCALAR%22%2C%22scalar%22%3A"
                       "%7B%22value%22%3A1%7D%2C%22role%22%3A%22r%22%2C%22reservation%22%3A%7B%7D"
                       "%7D%5D";
    const char *form = arena_printf(&s.h->arena, "slaveId=%s&resources=%s", s.agent_id, list);
    assert_answers(harness_request(s.h, "POST", "/master/reserve", NULL, form), 202, "");
    assert_has(slaves(), "\"reserved_resources\":{\"r\":");
    assert_answers(harness_request(s.h, "POST", "/master/unreserve", NULL, form), 202, "");
    assert_answers(harness_request(s.h, "POST", "/master/unreserve", NULL, form), 409, "");
    assert_answers(harness_request(s.h, "POST", "/master/reserve", NULL, "resources=%5B%5D"), 400,
                   "Missing 'slaveId' query parameter");
    assert_answers(harness_request(s.h, "POST", "/master/create-volumes", NULL, form), 400,
                   "Missing 'volumes' query parameter");
    assert_answers(
        harness_request(s.h, "POST", "/master/destroy-volumes", NULL, "slaveId=x&volumes=%7B"), 400,
        "Error parsing 'volumes' query parameter in the request body");
}

static void test_a_reservation_is_moved_in_place(void **state)
{
    (void)state;
    assert_answers(reserve(2), 202, "");
    assert_answers(operate(&s, "RESERVE_RESOURCES", "reserve_resources",
                           arena_printf(&s.h->arena, "\"source\":[%s],\"resources\":[%s]",
                                        res(s.h, "cpus", 2, "r"), res(s.h, "cpus", 2, "q"))),
                   202, "");
    assert_has(slaves(), "\"reserved_resources\":{\"q\":");
}

/* --- frameworks --- */

static void test_a_call_reserves_creates_and_launches(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    const char *v = vol(s.h, "v", 64, false);
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 arena_printf(&s.h->arena, "%s,%s,%s,%s", reserve_disk(100), create(v, NULL),
                              launch("t", v), destroy(v, "early")));
    const char *message = harness_take(s.h, AGENT, "ApplyOperationMessage");
    assert_has(message, "\"type\":\"RESERVE\"");
    assert_has(message, arena_printf(&s.h->arena, "{\"framework_id\":{\"value\":\"%s\"}", f.id));
    assert_has(message, "\"allocation_info\":{\"role\":\"r\"}");
    assert_has(harness_take(s.h, AGENT, "ApplyOperationMessage"), "\"type\":\"CREATE\"");
    assert_non_null(harness_take(s.h, AGENT, "RunTaskMessage"));
    /* A task that the agent has not answered yet uses it already. */
    assert_has(harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS"),
               "{\"operation_id\":{\"value\":\"early\"},\"state\":\"OPERATION_ERROR\","
               "\"message\":\"Persistent volumes in use; on agent");
    const char *offers = next_offer(s.h, &f);
    assert_has(offers, "\"scalar\":{\"value\":36.0}"); /* of the reservation */
    assert_has_not(offers, "persistence");
    harness_update(s.h, AGENT, s.agent_id, &f, "t", "TASK_FINISHED", 'u');
    offers = next_offer(s.h, &f);
    assert_has(offers, "persistence");
    accept_offer(s.h, &f, offers, destroy(v, NULL));
    assert_has(harness_take(s.h, AGENT, "ApplyOperationMessage"), "\"type\":\"DESTROY\"");
}

static void test_a_refused_operation_spoils_nothing(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    const char *too_much = LIST("resources", res(s.h, "disk", 5000, "r"));
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 arena_printf(&s.h->arena, "%s,%s,%s",
                              op(s.h, "RESERVE", "reserve", too_much, "big"),
                              op(s.h, "RESERVE", "reserve", too_much, NULL), reserve_disk(10)));
    const char *told = harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS");
    assert_has(told, "\"state\":\"OPERATION_ERROR\"");
    assert_has_not(told, "uuid");
    assert_null(harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS"));
    assert_non_null(harness_take(s.h, AGENT, "ApplyOperationMessage"));
    assert_null(harness_take(s.h, AGENT, "ApplyOperationMessage"));
    assert_true(metric_of(s.h, "master/operations/reserve/error") == 2);
    harness_call(s.h, f.stream_id,
                 arena_printf(&s.h->arena,
                              "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},\"accept\":"
                              "{\"offer_ids\":[{\"value\":\"none\"}],\"operations\":[%s]}}",
                              f.id, op(s.h, "RESERVE", "reserve", too_much, "late")));
    assert_has(harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS"),
               "\"message\":\"Offer none is no longer valid\"");
}

static void test_disks_of_providers_are_refused(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 op(s.h, "CREATE_DISK", "create_disk",
                    arena_printf(&s.h->arena, "\"source\":%s,\"target_type\":\"MOUNT\"",
                                 res(s.h, "disk", 8, "r")),
                    "disk"));
    assert_has(harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS"), "OPERATION_ERROR");
    assert_null(harness_take(s.h, AGENT, "ApplyOperationMessage"));
}

/* The original loses some of the disk (facts/observed.md, allocator 21). */
static void test_shrinking_beside_plain_disk_loses_nothing(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 arena_printf(&s.h->arena, "%s,%s", reserve_disk(52),
                              create(vol(s.h, "v", 48, false), NULL)));
    const char *offers = next_offer(s.h, &f);
    accept_offer(s.h, &f, offers,
                 op(s.h, "SHRINK_VOLUME", "shrink_volume",
                    arena_printf(&s.h->arena, "\"volume\":%s,\"subtract\":{\"value\":40}",
                                 vol(s.h, "v", 48, false)),
                    NULL));
    offers = next_offer(s.h, &f);
    assert_has(offers, "\"scalar\":{\"value\":44.0}");
    assert_has(offers, "\"scalar\":{\"value\":8.0}");
    assert_has(offers, "\"scalar\":{\"value\":972.0}");
    accept_offer(s.h, &f, offers,
                 op(s.h, "GROW_VOLUME", "grow_volume",
                    arena_printf(&s.h->arena, "\"volume\":%s,\"addition\":%s",
                                 vol(s.h, "v", 8, false), res(s.h, "disk", 4, "r")),
                    NULL));
    assert_has(next_offer(s.h, &f), "\"scalar\":{\"value\":12.0}");
}

static void test_destroying_a_shared_volume_takes_it_from_all_offers(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    const char *v = vol(s.h, "v", 64, true);
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 arena_printf(&s.h->arena, "%s,%s", reserve_disk(64), create(v, NULL)));
    accept_offer(s.h, &f, next_offer(s.h, &f), launch("t", v));
    struct scene_framework g = harness_subscribe(s.h, SHARING);
    const char *offers = next_offer(s.h, &g);
    assert_has(offers, "\"shared\":{}");
    /* In use: an operator cannot, either. */
    const char *volumes = LIST("volumes", v);
    assert_answers(operate(&s, "DESTROY_VOLUMES", "destroy_volumes", volumes), 400,
                   "Persistent volumes in use");
    harness_update(s.h, AGENT, s.agent_id, &f, "t", "TASK_FINISHED", 'u');
    assert_answers(operate(&s, "DESTROY_VOLUMES", "destroy_volumes", volumes), 202, "");
    assert_non_null(harness_event(s.h, g.handle, "RESCIND"));
    assert_has_not(slaves(), "persistence");
    assert_answers(operate(&s, "DESTROY_VOLUMES", "destroy_volumes", volumes), 400, "not found");
}

static void test_drivers_have_no_feedback(void **state)
{
    (void)state;
    const char *driver = "scheduler-1@10.0.1.1:7000";
    harness_v0_call(s.h, driver,
                    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\","
                    "\"name\":\"f\",\"role\":\"r\"}}}");
    const char *id =
        harness_text(s.h, harness_take(s.h, driver, "FrameworkRegisteredMessage"), "value");
    const char *offers = harness_take(s.h, driver, "ResourceOffersMessage");
    assert_non_null(offers);
    harness_v0_call(
        s.h, driver,
        arena_printf(
            &s.h->arena,
            "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},\"accept\":"
            "{\"offer_ids\":[{\"value\":\"%s\"}],\"operations\":[%s,%s]}}",
            id, harness_text(s.h, strstr(offers, "\"id\":{"), "value"),
            op(s.h, "RESERVE", "reserve", LIST("resources", res(s.h, "disk", 1, "r")), "x"),
            reserve_disk(2)));
    assert_has(harness_take(s.h, driver, "FrameworkErrorMessage"),
               "operation feedback is not supported for the SchedulerDriver API");
    assert_has(harness_take(s.h, AGENT, "ApplyOperationMessage"), "\"value\":2.0");
}

static int begin_older(void **state)
{
    (void)state;
    s = operation_scene_new("\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"}]");
    return 0;
}

static void test_an_agent_of_old_is_told_what_it_has_to_store(void **state)
{
    (void)state;
    struct scene_framework f = harness_subscribe(s.h, SHARING);
    accept_offer(s.h, &f, next_offer(s.h, &f),
                 arena_printf(&s.h->arena, "%s,%s", reserve_disk(64),
                              op(s.h, "RESERVE", "reserve",
                                 LIST("resources", res(s.h, "mem", 1, "r")), "x")));
    assert_has(harness_event(s.h, f.handle, "UPDATE_OPERATION_STATUS"),
               "does not have the required AGENT_OPERATION_FEEDBACK and RESOURCE_PROVIDER");
    assert_string_equal(harness_take(s.h, AGENT, "CheckpointResourcesMessage"),
                        "{\"resources\":[{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":"
                        "{\"value\":64.0},\"role\":\"r\",\"reservation\":{}}]}");
    assert_null(harness_take(s.h, AGENT, "ApplyOperationMessage"));
    assert_null(harness_take(s.h, AGENT, "CheckpointResourcesMessage"));
    /* It is told again when it is back, and its word does not count. */
    operation_scene_return(&s, "\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"}]", 'w', "");
    assert_has(harness_take(s.h, AGENT, "CheckpointResourcesMessage"), "\"value\":64.0");
    assert_has(slaves(), "\"reserved_resources\":{\"r\":");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_operator_reserves, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_wrong_is_400_and_what_is_not_there_409, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_offers_are_rescinded_only_for_what_is_not_free, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_the_older_endpoints_take_forms, begin, end),
        cmocka_unit_test_setup_teardown(test_a_reservation_is_moved_in_place, begin, end),
        cmocka_unit_test_setup_teardown(test_a_call_reserves_creates_and_launches, begin, end),
        cmocka_unit_test_setup_teardown(test_a_refused_operation_spoils_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_disks_of_providers_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_shrinking_beside_plain_disk_loses_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_destroying_a_shared_volume_takes_it_from_all_offers,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_drivers_have_no_feedback, begin, end),
        cmocka_unit_test_setup_teardown(test_an_agent_of_old_is_told_what_it_has_to_store,
                                        begin_older, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
