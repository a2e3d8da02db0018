/* Requests: routing, followers, before recovery, methods, what calls are answered. */
#include "harness.h"

#define SCHEDULER "/master/api/v1/scheduler"
#define JSON "Content-Type: application/json"

static int status_of(struct harness *h, const char *method, const char *path, const char *headers,
                     const char *body)
{
    return harness_status(h, harness_request(h, method, path, headers, body));
}

static void test_paths_are_found_by_their_longest_prefix(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    assert_int_equal(status_of(h, "GET", "/master/health", NULL, ""), 200);
    assert_int_equal(status_of(h, "GET", "/master/health/more/of/it", NULL, ""), 200);
    assert_int_equal(status_of(h, "GET", "/version", NULL, ""), 200);
    assert_int_equal(status_of(h, "GET", "/master/no-such-thing", NULL, ""), 404);
    assert_int_equal(status_of(h, "GET", "/master/healthy", NULL, ""), 404);
    harness_free(h);
}

static void test_other_methods_are_told_which_there_are(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    uint64_t handle = harness_request(h, "GET", SCHEDULER, NULL, "");
    assert_int_equal(harness_status(h, handle), 405);
    assert_string_equal(harness_header(h, handle, "Allow"), "POST");
    harness_free(h);
}

static void test_a_follower_leads_to_the_leader(void **state)
{
    (void)state;
    struct harness *h = harness_new_follower(NULL);
    assert_int_equal(status_of(h, "POST", SCHEDULER, JSON, "nonsense"), 503);
    struct address leader;
    assert_true(address_parse(SLICE("10.9.9.9:5050"), &leader));
    harness_step(h, &(struct master_event){.type = MASTER_LEADER, .leader = &leader});
    uint64_t handle = harness_request(h, "GET", SCHEDULER "?a=b", NULL, "");
    assert_int_equal(harness_status(h, handle), 307);
    assert_string_equal(harness_header(h, handle, "Location"),
                        "//10.9.9.9:5050/master/api/v1/scheduler?a=b");
    handle = harness_request(h, "GET", "/master/redirect", NULL, "");
    assert_string_equal(harness_header(h, handle, "Location"), "//10.9.9.9:5050");
    assert_int_equal(status_of(h, "GET", "/master/redirect/x", NULL, ""), 404);
    assert_int_equal(status_of(h, "GET", "/master/health", NULL, ""), 200);
    harness_step(h, &(struct master_event){.type = MASTER_LEADER,
                                           .leader = &leader,
                                           .leader_hostname = "leader.example.org"});
    handle = harness_request(h, "GET", "/master/redirect", NULL, "");
    assert_string_equal(harness_header(h, handle, "Location"), "//leader.example.org:5050");
    harness_free(h);
}

/* The path is decoded when it is here, and goes out as a URL again. */
static void test_where_it_leads_to_is_a_url(void **state)
{
    (void)state;
    struct harness *h = harness_new_follower(NULL);
    struct address leader;
    assert_true(address_parse(SLICE("[2001:db8::7]:5050"), &leader));
    harness_step(h, &(struct master_event){.type = MASTER_LEADER, .leader = &leader});
    uint64_t handle =
        harness_request(h, "GET", "/master/quota/a b%\r\nX: (1)@c:d/\xc3\xa9?e=%20f", NULL, "");
    assert_int_equal(harness_status(h, handle), 307);
    assert_string_equal(
        harness_header(h, handle, "Location"),
        "//[2001:db8::7]:5050/master/quota/a%20b%25%0D%0AX:%20(1)@c:d/%C3%A9?e=%20f");
    harness_free(h);
}

static void test_calls_wait_for_recovery(void **state)
{
    (void)state;
    struct harness *h = harness_new_follower(NULL);
    h->registry_is_held = true;
    harness_elect(h);
    static const char get_health[] = "{\"type\":\"GET_HEALTH\"}";
    assert_int_equal(status_of(h, "POST", "/master/api/v1", JSON, get_health), 503);
    assert_int_equal(status_of(h, "POST", SCHEDULER, JSON, "{}"), 503);
    harness_message(h, "slave(1)@10.0.0.1:5051", "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.0.0\"}");
    harness_registry(h);
    assert_int_equal(h->master->agents.count, 0); /* it was not heard */
    assert_int_equal(status_of(h, "POST", "/master/api/v1", JSON, get_health), 200);
    harness_free(h);
}

static void test_a_leader_that_is_none_any_more_ends(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_step(h, &(struct master_event){.type = MASTER_LEADER});
    assert_true(h->exits);
    harness_free(h);
}

static void test_a_registry_that_fails_ends_the_master(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    h->registry_is_held = true;
    harness_message(h, "slave(1)@10.0.0.1:5051", "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.0.0\"}");
    struct registry_event event;
    assert_true(registry_memory_next(h->registry, &event));
    event.status = -5;
    event.why = "The disk is full";
    harness_step(h, &(struct master_event){.type = MASTER_REGISTRY, .registry = &event});
    assert_true(h->exits);
    assert_string_equal(h->exit_reason.text, "The disk is full");
    assert_int_equal(h->master->registered_count, 0);
    harness_free(h);
}

static void test_the_registry_can_be_read(void **state)
{
    (void)state;
    static const char path[] = "/registrar(1)/registry";
    assert_true(master_has_actor(SLICE("registrar(1)")));
    struct harness *h = harness_new_follower(NULL);
    uint64_t handle = harness_request(h, "GET", path, NULL, "");
    assert_int_equal(harness_status(h, handle), 200);
    assert_slice(harness_body(h, handle), "{}");
    h->registry_is_held = true;
    harness_elect(h);
    handle = harness_request(h, "GET", path, NULL, "");
    assert_slice(harness_body(h, handle), "{}"); /* not recovered yet */
    h->registry_is_held = false;
    harness_registry(h);

    const char *agent = harness_agent(h, "slave(1)@10.0.0.1:5051");
    handle = harness_request(h, "GET", path, NULL, "");
    assert_int_equal(harness_status(h, handle), 200);
    struct slice body = harness_body(h, handle);
    const char *text = arena_strndup(&h->arena, body.data, body.size);
    assert_has(text, arena_printf(&h->arena, "{\"master\":{\"info\":{\"id\":\"%s\"",
                                  master_id(h->master)));
    assert_has(text, "\"slaves\":{\"slaves\":[{\"info\":{");
    assert_has(text, agent);
    assert_has(text, "\"role\":\"*\""); /* the older format */
    assert_string_equal(harness_header(h, handle, "Content-Type"), "application/json");

    /* It is a read: what asks for it while another operation is held comes in its turn. */
    h->registry_is_held = true;
    handle = harness_request(h, "GET", "/registrar(1)/registry?jsonp=f", NULL, "");
    assert_int_equal(harness_status(h, handle), -1);
    harness_registry(h);
    body = harness_body(h, handle);
    assert_true(slice_starts_with(body, SLICE("f({\"master\":")));
    assert_true(slice_ends_with(body, SLICE(")")));
    assert_string_equal(harness_header(h, handle, "Content-Type"), "text/javascript");
    handle = harness_request(h, "GET", "/registrar(1)/registry?jsonp=1+1", NULL, "");
    assert_int_equal(harness_status(h, handle), 400);
    harness_free(h);
}

/* What the registry tells of itself is in the metrics. */
static void test_the_registry_is_measured(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    h->registry_is_held = true;
    harness_message(h, "slave(1)@10.0.0.1:5051", "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.0.0\"}");
    struct registry_event event;
    assert_true(registry_memory_next(h->registry, &event));
    event.size = 12345;
    event.took_ns = 7 * NS_PER_MS;
    harness_step(h, &(struct master_event){.type = MASTER_REGISTRY, .registry = &event});
    uint64_t handle = harness_request(h, "GET", "/metrics/snapshot", NULL, "");
    struct slice body = harness_body(h, handle);
    const char *text = arena_strndup(&h->arena, body.data, body.size);
    assert_has(text, "\"registrar/registry_size_bytes\":12345.0");
    assert_has(text, "\"registrar/state_store_ms\":7.0");
    harness_free(h);
}

static void test_calls_are_checked_in_order(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    const char *revive =
        arena_printf(&h->arena, "{\"type\":\"REVIVE\",\"framework_id\":{\"value\":\"%s\"}}", f.id);
    assert_int_equal(status_of(h, "POST", SCHEDULER, NULL, revive), 400);
    assert_int_equal(status_of(h, "POST", SCHEDULER, "Content-Type: text/plain", revive), 415);
    assert_int_equal(status_of(h, "POST", SCHEDULER, JSON, "{"), 400);
    assert_int_equal(status_of(h, "POST", SCHEDULER, JSON, "{\"type\":\"UNKNOWN\"}"), 400);
    assert_int_equal(status_of(h, "POST", SCHEDULER, JSON, revive), 400); /* no stream id */
    assert_int_equal(status_of(h, "POST", SCHEDULER, JSON "\nMesos-Stream-Id: x", revive), 400);
    assert_int_equal(harness_status(h, harness_call(h, f.stream_id, revive)), 202);
    assert_int_equal(
        status_of(h, "POST", SCHEDULER, JSON "\nAccept: text/html",
                  "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\","
                  "\"name\":\"f\"}}}"),
        406);
    assert_int_equal(status_of(h, "POST", "/master/api/v1", JSON, "{\"type\":\"UNKNOWN\"}"), 501);
    harness_free(h);
}

static void test_an_operator_may_tear_a_framework_down(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    assert_int_equal(status_of(h, "POST", "/master/teardown", NULL, ""), 400);
    assert_int_equal(status_of(h, "POST", "/master/teardown", NULL, "frameworkId=nobody"), 400);
    assert_int_equal(status_of(h, "POST", "/master/teardown", NULL,
                               arena_printf(&h->arena, "frameworkId=%s", f.id)),
                     200);
    assert_true(harness_stream_ended(h, f.handle));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_found_by_their_longest_prefix),
        cmocka_unit_test(test_other_methods_are_told_which_there_are),
        cmocka_unit_test(test_a_follower_leads_to_the_leader),
        cmocka_unit_test(test_where_it_leads_to_is_a_url),
        cmocka_unit_test(test_calls_wait_for_recovery),
        cmocka_unit_test(test_a_leader_that_is_none_any_more_ends),
        cmocka_unit_test(test_a_registry_that_fails_ends_the_master),
        cmocka_unit_test(test_the_registry_can_be_read),
        cmocka_unit_test(test_the_registry_is_measured),
        cmocka_unit_test(test_calls_are_checked_in_order),
        cmocka_unit_test(test_an_operator_may_tear_a_framework_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
