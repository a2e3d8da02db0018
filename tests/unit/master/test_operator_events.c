/* SUBSCRIBE of the operator API: the whole state, and then every change. */
#include "golden_scene.h"
#include "shape.h"

#include "master/reads.h"
#include "master/subscribers.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

static struct golden_scene scene;

static void change(struct master_options *options)
{
    options->max_subscribers = 2;
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

static uint64_t subscribe(const char *accept)
{
    return scene_operator(scene.h, accept, "{\"type\":\"SUBSCRIBE\"}");
}

/* The next event in JSON; NULL = none. */
static const char *next_event(uint64_t handle)
{
    struct slice record = harness_record(scene.h, handle);
    return record.data != NULL ? arena_strndup(&scene.h->arena, record.data, record.size) : NULL;
}

static size_t watching(void)
{
    return scene.h->master->reads->subscriber_count;
}

/* --- what is told --- */

static const char *const types[] = {
    "SUBSCRIBED", "HEARTBEAT",    "AGENT_ADDED",       "FRAMEWORK_ADDED",
    "TASK_ADDED", "TASK_UPDATED", "FRAMEWORK_REMOVED",
};

/* As the recording is kept: lists of events by type. */
static void test_shapes_are_those_of_the_recordings(void **state)
{
    (void)state;
    struct arena *arena = &scene.h->arena;
    struct buf lists[ELEMENTS(types)] = {0};
    struct buf all = BUF_INIT;
    const char *event;
    while ((event = next_event(scene.watcher)) != NULL) {
        const char *type = harness_text(scene.h, event, "type");
        for (size_t i = 0; i < ELEMENTS(types); i++) {
            if (strcmp(type, types[i]) == 0) {
                buf_append_text(&lists[i], lists[i].size == 0 ? "" : ",");
                buf_append_text(&lists[i], event);
            }
        }
    }
    buf_append_byte(&all, '{');
    for (size_t i = 0; i < ELEMENTS(types); i++) {
        buf_append_text(&all, arena_printf(arena, "%s\"%s\":[", i == 0 ? "" : ",", types[i]));
        buf_append_slice(&all, buf_slice(&lists[i]));
        buf_append_byte(&all, ']');
        buf_deinit(&lists[i]);
    }
    buf_append_byte(&all, '}');
    shape_assert(buf_slice(&all), "SUBSCRIBE", NULL, true);
    buf_deinit(&all);
}

static void test_changes_come_in_order(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "\"SUBSCRIBED\"",
        "\"HEARTBEAT\"",
        "\"AGENT_ADDED\"",
        "\"AGENT_ADDED\"",
        "\"FRAMEWORK_ADDED\"", /* gone */
        "\"TASK_ADDED\"",
        "\"state\":\"TASK_STARTING\"",
        "\"state\":\"TASK_RUNNING\"",
        "\"state\":\"TASK_FINISHED\"",
        "\"FRAMEWORK_REMOVED\"",
        "\"FRAMEWORK_ADDED\"", /* blue */
        "\"TASK_ADDED\"",
    };
    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        const char *event = next_event(scene.watcher);
        if (event != NULL && strstr(event, "HEARTBEAT") != NULL && i != 1) {
            event = next_event(scene.watcher); /* time has passed while offers were waited for */
        }
        assert_has(event, expected[i]);
    }
}

/* The part of an answer behind the type. */
static const char *behind_type(const char *json)
{
    return strstr(json, ",\"") + 1;
}

static void test_the_first_event_is_the_whole_state(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    struct slice answer = scene_operator_json(h, "{\"type\":\"GET_STATE\"}");
    const char *whole = behind_type(arena_strndup(&h->arena, answer.data, answer.size));
    uint64_t handle = subscribe("application/json");
    assert_int_equal(harness_status(h, handle), 200);
    assert_string_equal(harness_header(h, handle, "Content-Type"), "application/json");
    assert_string_equal(next_event(handle),
                        arena_printf(&h->arena,
                                     "{\"type\":\"SUBSCRIBED\",\"subscribed\":{%.*s,"
                                     "\"heartbeat_interval_seconds\":15.0}}",
                                     (int)strlen(whole) - 1, whole));
    assert_string_equal(next_event(handle), "{\"type\":\"HEARTBEAT\"}");
    assert_null(next_event(handle));
}

static void test_heartbeats(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    uint64_t handle = subscribe("application/json");
    harness_event(h, handle, "HEARTBEAT");
    harness_advance(h, SUBSCRIBERS_HEARTBEAT_NS - NS_PER_MS);
    assert_null(harness_event(h, handle, "HEARTBEAT"));
    harness_advance(h, NS_PER_MS);
    assert_non_null(harness_event(h, handle, "HEARTBEAT"));
    assert_null(harness_event(h, handle, "HEARTBEAT"));
    harness_advance(h, SUBSCRIBERS_HEARTBEAT_NS);
    assert_non_null(harness_event(h, handle, "HEARTBEAT"));
}

static const char *protobuf_event(uint64_t handle)
{
    struct harness *h = scene.h;
    struct slice record = harness_record(h, handle);
    struct err err;
    if (record.data == NULL) {
        return NULL;
    }
    if (message_check(&pb__master__event__descriptor, record, &err) != 0) {
        fail_msg("%s", err.text);
    }
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    json_print_bytes(&pb__master__event__descriptor, record, JSON_V1, &out);
    return arena_strdup(&h->arena, buf_text(&out));
}

static void test_both_formats_tell_the_same(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    uint64_t json = subscribe("application/json");
    uint64_t protobuf = subscribe("application/x-protobuf");
    harness_status(h, protobuf);
    assert_string_equal(harness_header(h, protobuf, "Content-Type"), "application/x-protobuf");
    harness_agent(h, "slave(1)@10.0.0.9:5051");
    struct scene_framework f = harness_subscribe(h, "");
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}", f.id));
    harness_advance(h, 5 * NS_PER_SEC); /* no agent answers: all are lost, and tasks with them */
    const char *event;
    size_t count = 0;
    for (; (event = next_event(json)) != NULL; count++) {
        assert_string_equal(protobuf_event(protobuf), event);
    }
    assert_null(protobuf_event(protobuf));
    assert_int_equal(count, 2 + 3 + 2);
}

static void test_a_framework_that_comes_and_goes(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    struct arena *arena = &h->arena;
    uint64_t handle = subscribe("application/json");
    harness_event(h, handle, "HEARTBEAT");
    harness_gone(h, scene.blue.handle); /* nobody is told until its time is up */
    assert_null(next_event(handle));
    static const char again[] =
        "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"%s\"},\"subscribe\":{"
        "\"framework_info\":{\"id\":{\"value\":\"%s\"},\"user\":\"root\",\"name\":\"bluer\","
        "\"roles\":[\"blue\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}],\"principal\":"
        "\"blue-principal\",\"failover_timeout\":60,\"checkpoint\":true}}}";
    uint64_t back = harness_call(h, NULL, arena_printf(arena, again, scene.blue.id, scene.blue.id));
    const char *event = harness_event(h, handle, "FRAMEWORK_UPDATED");
    assert_has(event, scene.blue.id);
    assert_has(event, "\"name\":\"bluer\"");
    assert_has(event, "\"active\":true,\"connected\":true");
    harness_gone(h, back);
    harness_advance(h, 61 * NS_PER_SEC);
    event = harness_event(h, handle, "FRAMEWORK_REMOVED");
    assert_has(event,
               "{\"type\":\"FRAMEWORK_REMOVED\",\"framework_removed\":{\"framework_info\":{");
    assert_has(event, scene.blue.id);
    struct scene_framework f = harness_subscribe(h, "");
    event = harness_event(h, handle, "FRAMEWORK_ADDED");
    assert_has(event, arena_printf(arena, "\"id\":{\"value\":\"%s\"}", f.id));
    assert_has(event, "\"active\":true,\"connected\":true");
}

static void test_an_agent_that_is_lost(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    uint64_t handle = subscribe("application/json");
    harness_event(h, handle, "HEARTBEAT");
    harness_advance(h, 5 * NS_PER_SEC);
    /* Its tasks are over; itself may come back, so that it is not removed. */
    const char *event = next_event(handle);
    assert_has(event, "{\"type\":\"TASK_UPDATED\",\"task_updated\":{\"framework_id\":");
    assert_has(event, "},\"state\":\"TASK_LOST\"}}");
    assert_non_null(harness_event(h, handle, "TASK_UPDATED"));
    assert_null(next_event(handle));
}

static void test_an_agent_that_leaves(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    uint64_t handle = subscribe("application/json");
    harness_message(h, SCENE_ONE, "master", "UnregisterSlaveMessage",
                    arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}}", scene.one));
    harness_event(h, handle, "HEARTBEAT");
    const char *event = next_event(handle);
    assert_has(event, "\"type\":\"TASK_UPDATED\""); /* its tasks first */
    assert_has(next_event(handle), "\"type\":\"TASK_UPDATED\"");
    event = next_event(handle);
    assert_has(event, arena_printf(&h->arena,
                                   "{\"type\":\"AGENT_REMOVED\",\"agent_removed\":{"
                                   "\"agent_id\":{\"value\":\"%s\"}}}",
                                   scene.one));
    assert_null(next_event(handle));
}

/* --- who is told --- */

static double streams(void)
{
    struct slice body =
        scene_operator_json(scene.h, "{\"type\":\"GET_METRICS\",\"get_metrics\":{}}");
    const char *json = arena_strndup(&scene.h->arena, body.data, body.size);
    const char *name = "\"master/operator_event_stream_subscribers\",\"value\":";
    const char *at = strstr(json, name);
    assert_non_null(at);
    return strtod(at + strlen(name), NULL);
}

static void test_the_oldest_is_let_go(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    assert_true(streams() == 1);
    uint64_t second = subscribe("application/json");
    assert_false(harness_stream_ended(h, scene.watcher));
    assert_true(streams() == 2);
    uint64_t third = subscribe("application/json");
    assert_true(harness_stream_ended(h, scene.watcher));
    assert_false(harness_stream_ended(h, second));
    assert_int_equal(watching(), 2);
    assert_true(streams() == 2);
    harness_forget(h);
    harness_subscribe(h, "");
    assert_null(next_event(scene.watcher));
    assert_has(next_event(second), "FRAMEWORK_ADDED");
    assert_has(next_event(third), "FRAMEWORK_ADDED");
}

static void test_one_who_leaves_is_forgotten(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    assert_true(h->master->watched);
    harness_gone(h, scene.watcher);
    assert_false(h->master->watched); /* nothing is noted for nobody */
    assert_int_equal(watching(), 0);
    assert_true(streams() == 0);
    harness_forget(h);
    harness_subscribe(h, "");
    harness_advance(h, SUBSCRIBERS_HEARTBEAT_NS);
    assert_null(next_event(scene.watcher));
    assert_int_equal(h->master->change_count, 0);
}

static void no_more(struct master_options *options)
{
    options->max_subscribers = 0;
}

/* The newest is always let in. */
static void test_no_limit_keeps_all_out(void **state)
{
    (void)state;
    struct golden_scene own = golden_scene_new(no_more);
    assert_int_equal(own.h->master->reads->subscriber_count, 1);
    golden_scene_free(&own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shapes_are_those_of_the_recordings),
        TEST(test_changes_come_in_order),
        TEST(test_the_first_event_is_the_whole_state),
        TEST(test_heartbeats),
        TEST(test_both_formats_tell_the_same),
        TEST(test_a_framework_that_comes_and_goes),
        TEST(test_an_agent_that_is_lost),
        TEST(test_an_agent_that_leaves),
        TEST(test_the_oldest_is_let_go),
        TEST(test_one_who_leaves_is_forgotten),
        cmocka_unit_test(test_no_limit_keeps_all_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
