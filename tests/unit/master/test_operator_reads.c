/* The operator API's calls: shapes are those of the recordings, and both formats tell the same. */
#include "golden_scene.h"
#include "shape.h"

#include "master/reads.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

static struct golden_scene scene;

static void change(struct master_options *options)
{
    options->cluster = "golden";
    options->version.build_user = "builder";
    options->version.build_date = "2026-11-20 07:33:27";
    options->version.git_sha = "c1b42f79d157aa900be5cbb0c1023f1479962aa7";
    options->publish_framework_metrics = true;
    options->weights = "blue=2";
}

static int set_up(void **state)
{
    (void)state;
    scene = golden_scene_new(change);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    golden_scene_free(&scene);
    return 0;
}

static const char *text_of(struct slice body)
{
    return arena_strndup(&scene.h->arena, body.data, body.size);
}

static const char *call(const char *json)
{
    return text_of(scene_operator_json(scene.h, json));
}

static const char *call_type(const char *type)
{
    return arena_printf(&scene.h->arena, "{\"type\":\"%s\"}", type);
}

static int status_of(const char *json)
{
    struct harness *h = scene.h;
    return harness_status(h, scene_operator(h, "application/json", json));
}

/* Status and text of an answer that is none of JSON. */
static void assert_refused(const char *json, int status, const char *text)
{
    struct harness *h = scene.h;
    uint64_t handle = scene_operator(h, "application/json", json);
    assert_int_equal(harness_status(h, handle), status);
    assert_string_equal(text_of(harness_body(h, handle)), text);
}

/* --- shapes --- */

static void test_shapes_are_those_of_the_recordings(void **state)
{
    (void)state;
    static const char *const types[] = {
        "GET_HEALTH", "GET_VERSION",    "GET_LOGGING_LEVEL", "GET_STATE",
        "GET_AGENTS", "GET_FRAMEWORKS", "GET_TASKS",         "GET_EXECUTORS",
        "GET_ROLES",  "GET_OPERATIONS", "GET_WEIGHTS",       "GET_MASTER",
    };
    static const char *const ignored[] = {"/get_version/version_info/git_branch", NULL};
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        shape_assert(scene_operator_json(scene.h, call_type(types[i])), types[i], ignored, true);
    }
}

/* Decodes the protobuf answer to the same call and shows it as JSON. */
static const char *call_protobuf(const char *json)
{
    struct harness *h = scene.h;
    ProtobufCMessage *response;
    struct err err;
    struct buf out = BUF_INIT;
    uint64_t handle = scene_operator(h, "application/x-protobuf", json);
    assert_int_equal(harness_status(h, handle), 200);
    assert_string_equal(harness_header(h, handle, "Content-Type"), "application/x-protobuf");
    if (message_decode(&pb__master__response__descriptor, harness_body(h, handle), &h->arena,
                       &response, &err) != 0) {
        fail_msg("%s: %s", json, err.text);
    }
    json_print_message(response, JSON_V1, &out);
    const char *text = text_of(buf_slice(&out));
    buf_deinit(&out);
    return text;
}

static void test_both_formats_tell_the_same(void **state)
{
    (void)state;
    static const char *const types[] = {
        "GET_HEALTH",
        "GET_VERSION",
        "GET_LOGGING_LEVEL",
        "GET_STATE",
        "GET_AGENTS",
        "GET_TASKS",
        "GET_FRAMEWORKS",
        "GET_EXECUTORS",
        "GET_ROLES",
        "GET_WEIGHTS",
        "GET_MASTER",
        "GET_OPERATIONS",
        "GET_FLAGS",
        "GET_QUOTA",
        "GET_MAINTENANCE_STATUS",
        "GET_MAINTENANCE_SCHEDULE",
    };
    harness_advance(scene.h, 5 * NS_PER_SEC); /* agents become unreachable, tasks with them */
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        assert_string_equal(call_protobuf(call_type(types[i])), call(call_type(types[i])));
    }
}

static void test_what_the_state_tells(void **state)
{
    (void)state;
    struct arena *arena = &scene.h->arena;
    const char *json = call("{\"type\":\"GET_STATE\"}");
    assert_has(json, "{\"type\":\"GET_STATE\",\"get_state\":{\"get_tasks\":{");
    assert_has(json, arena_printf(arena, "\"framework_id\":{\"value\":\"%s\"}", scene.blue.id));
    assert_has(json, "\"completed_tasks\":[{\"name\":\"");
    assert_has(json, "\"pid\":\"" SCENE_ONE "\"");
    assert_has(json, "\"allocated_resources\":[{\"name\":\"cpus\"");
    assert_has(json, "\"offered_resources\":[{");
    assert_has(json, "\"executor_id\":{\"value\":\"mine\"}");
    assert_has(json, "\"recovered\":false");
    /* Each part is what its own call tells. */
    static const struct {
        const char *type;
        const char *key;
    } parts[] = {
        {"GET_TASKS", "get_tasks"},
        {"GET_EXECUTORS", "get_executors"},
        {"GET_FRAMEWORKS", "get_frameworks"},
        {"GET_AGENTS", "get_agents"},
    };
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        const char *own = strstr(call(call_type(parts[i].type)), ",") + 1;
        assert_has(json, arena_strndup(arena, own, strlen(own) - 1));
    }
}

static void test_metrics_are_a_list(void **state)
{
    (void)state;
    const char *json = call("{\"type\":\"GET_METRICS\",\"get_metrics\":{}}");
    assert_has(json, "{\"type\":\"GET_METRICS\",\"get_metrics\":{\"metrics\":[{\"name\":\"");
    assert_has(json, "{\"name\":\"master/slaves_active\",\"value\":2.0}");
    /* What changes from one moment to the next is not compared. */
    const char *protobuf = call_protobuf("{\"type\":\"GET_METRICS\",\"get_metrics\":{}}");
    assert_has(protobuf, "{\"name\":\"master/slaves_active\",\"value\":2.0}");
    assert_has(protobuf, "{\"name\":\"master/tasks_running\",\"value\":2.0}");
}

/* --- what is refused --- */

static void test_missing_parts_are_refused(void **state)
{
    (void)state;
#define VALIDATE "Failed to validate master::Call: Expecting '"
    assert_refused("{}", 400, VALIDATE "type' to be present");
    assert_refused("{\"type\":\"GET_METRICS\"}", 400, VALIDATE "get_metrics' to be present");
    assert_refused("{\"type\":\"READ_FILE\"}", 400, VALIDATE "read_file' to be present");
    assert_refused("{\"type\":\"TEARDOWN\"}", 400, VALIDATE "teardown' to be present");
    assert_refused("{\"type\":\"SET_QUOTA\"}", 400, VALIDATE "set_quota' to be present");
    assert_int_equal(status_of("{"), 400);
    assert_int_equal(status_of("{\"type\":\"READ_FILE\",\"read_file\":{}}"), 400);
    assert_int_equal(status_of(""), 400);
}

static void test_unknown_calls_are_not_implemented(void **state)
{
    (void)state;
    assert_refused("{\"type\":\"UNKNOWN\"}", 501, "");
    assert_refused("{\"type\":\"SOMETHING_NEW\"}", 400,
                   "Failed to validate master::Call: Expecting 'type' to be present");
}

static void test_content_types(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    static const char call_health[] = "{\"type\":\"GET_HEALTH\"}";
    uint64_t handle = harness_request(h, "POST", "/master/api/v1", NULL, call_health);
    assert_int_equal(harness_status(h, handle), 400);
    handle = harness_request(h, "POST", "/master/api/v1", "Content-Type: text/plain", call_health);
    assert_int_equal(harness_status(h, handle), 415);
    handle = scene_operator(h, "text/html", call_health);
    assert_int_equal(harness_status(h, handle), 406);
    handle = harness_request(h, "GET", "/master/api/v1", NULL, "");
    assert_int_equal(harness_status(h, handle), 405);
    /* A body of protobuf, answered in JSON. */
    handle = harness_request(h, "POST", "/master/api/v1",
                             "Content-Type: application/x-protobuf\nAccept: application/json",
                             "\x08\x01");
    assert_int_equal(harness_status(h, handle), 200);
    assert_slice(harness_body(h, handle),
                 "{\"type\":\"GET_HEALTH\",\"get_health\":{\"healthy\":true}}");
    handle = harness_request(h, "POST", "/master/api/v1", "Content-Type: application/x-protobuf",
                             "\x08");
    assert_int_equal(harness_status(h, handle), 400);
}

/* --- what changes something --- */

static void test_teardown(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    assert_refused("{\"type\":\"TEARDOWN\",\"teardown\":{\"framework_id\":{\"value\":\"nobody\"}}}",
                   400, "No framework found with specified ID");
    const char *json = arena_printf(
        &h->arena, "{\"type\":\"TEARDOWN\",\"teardown\":{\"framework_id\":{\"value\":\"%s\"}}}",
        scene.blue.id);
    assert_refused(json, 200, "");
    assert_true(harness_stream_ended(h, scene.blue.handle));
    assert_has(call("{\"type\":\"GET_FRAMEWORKS\"}"), "\"completed_frameworks\":[{");
    assert_has(text_of(scene_get(h, "/master/state")), "\"name\":\"blue framework\"");
    assert_int_equal(status_of(json), 400); /* it is gone */
}

static void test_teardown_by_the_older_endpoint(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    uint64_t handle = harness_request(h, "POST", "/master/teardown", NULL, "");
    assert_int_equal(harness_status(h, handle), 400);
    handle = harness_request(h, "POST", "/master/teardown", NULL, "frameworkId=nobody");
    assert_int_equal(harness_status(h, handle), 400);
    handle = harness_request(h, "POST", "/master/teardown", NULL,
                             arena_printf(&h->arena, "frameworkId=%s", scene.blue.id));
    assert_int_equal(harness_status(h, handle), 200);
    assert_true(harness_stream_ended(h, scene.blue.handle));
    handle = harness_request(h, "GET", "/master/teardown", NULL, "");
    assert_int_equal(harness_status(h, handle), 405);
}

#define SET_LEVEL(level, ns)                                                  \
    "{\"type\":\"SET_LOGGING_LEVEL\",\"set_logging_level\":{\"level\":" level \
    ",\"duration\":{\"nanoseconds\":" ns "}}}"

static void test_the_logging_level_is_set_for_a_while(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    assert_refused(SET_LEVEL("2", "3000000000"), 200, "");
    assert_int_equal(h->verbosity, 2);
    assert_has(call("{\"type\":\"GET_LOGGING_LEVEL\"}"), "{\"level\":2}");
    harness_advance(h, 2 * NS_PER_SEC);
    assert_int_equal(h->verbosity, 2);
    /* A later one counts from then on. */
    assert_refused(SET_LEVEL("1", "3000000000"), 200, "");
    harness_advance(h, 2 * NS_PER_SEC);
    assert_int_equal(h->verbosity, 1);
    harness_advance(h, 2 * NS_PER_SEC);
    assert_int_equal(h->verbosity, 0);
    assert_has(call("{\"type\":\"GET_LOGGING_LEVEL\"}"), "{\"level\":0}");
    assert_int_equal(status_of(SET_LEVEL("4294967295", "1")), 400);
    assert_int_equal(status_of(SET_LEVEL("1", "-1")), 400);
    assert_int_equal(h->verbosity, 0);
}

static void test_the_logging_level_by_the_older_endpoint(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    static const struct {
        const char *query;
        int status;
    } cases[] = {
        {"", 200}, /* tells the level */
        {"?level=2", 400},
        {"?duration=1secs", 400},
        {"?level=x&duration=1secs", 400},
        {"?level=-1&duration=1secs", 400},
        {"?level=1&duration=1parsec", 400},
        {"?level=2&duration=1secs", 200},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        const char *path = arena_printf(&h->arena, "/logging/toggle%s", cases[i].query);
        uint64_t handle = harness_request(h, "GET", path, NULL, "");
        assert_int_equal(harness_status(h, handle), cases[i].status);
    }
    assert_int_equal(h->verbosity, 2);
    harness_advance(h, 2 * NS_PER_SEC);
    assert_int_equal(h->verbosity, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shapes_are_those_of_the_recordings),
        TEST(test_both_formats_tell_the_same),
        TEST(test_what_the_state_tells),
        TEST(test_metrics_are_a_list),
        TEST(test_missing_parts_are_refused),
        TEST(test_unknown_calls_are_not_implemented),
        TEST(test_content_types),
        TEST(test_teardown),
        TEST(test_teardown_by_the_older_endpoint),
        TEST(test_the_logging_level_is_set_for_a_while),
        TEST(test_the_logging_level_by_the_older_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
