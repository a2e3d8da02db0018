/* Metrics: the recorded names are there, and what they say is so. */
#include <math.h>

#include "golden_scene.h"
#include "shape.h"

#include "master/metrics_view.h"
#include "master/reads.h"
#include "wire/json_scan.h"

static struct golden_scene scene;

static void change(struct master_options *options)
{
    options->publish_framework_metrics = true;
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

static const char *snapshot_of(struct harness *h)
{
    struct slice body = scene_get(h, "/metrics/snapshot");
    return arena_strndup(&h->arena, body.data, body.size);
}

/* NAN if there is none of that name. */
static double value_in(struct harness *h, const char *json, const char *name)
{
    const char *key = arena_printf(&h->arena, "\"%s\":", name);
    const char *at = strstr(json, key);
    return at != NULL ? strtod(at + strlen(key), NULL) : (double)NAN;
}

static void assert_value(struct harness *h, const char *json, const char *name, double expected)
{
    double value = value_in(h, json, name);
    if (!(fabs(value - expected) < 1e-9)) {
        fail_msg("%s is %f, not %f", name, value, expected);
    }
}

/* --- names --- */

struct names {
    struct json_scan scan;
    bool is_first;
    const char *name;
};

static void names_begin(struct names *names, struct slice json)
{
    *names = (struct names){.is_first = true};
    json_scan_init(&names->scan, json);
    json_scan_skip_space(&names->scan);
    assert_true(json_scan_open(&names->scan));
}

static bool names_next(struct names *names, struct arena *arena)
{
    bool more;
    struct json_raw raw;
    assert_true(json_scan_more(&names->scan, '}', &names->is_first, &more));
    if (more) {
        assert_true(json_scan_key(&names->scan, &raw));
        assert_true(json_scan_skip(&names->scan));
        names->name = arena_strndup(arena, raw.text.data, raw.text.size);
    }
    return more;
}

/* The name as it is with our own master's id in place of the recorded one. */
static const char *as_ours(struct harness *h, const char *name)
{
    const char *at = strstr(name, "4da2c116-8ea2-43b4-ba78-97595abd0fbe");
    size_t size = at != NULL ? (size_t)(at - name) : 0;
    return at == NULL ? name
                      : arena_printf(&h->arena, "%.*s%.36s%s", (int)size, name, scene.one, at + 36);
}

static void test_recorded_names_are_there(void **state)
{
    (void)state;
    /* The daemon has the machine's gauges; a role with a quota; frameworks were known by other
     * principals. */
    static const char *const absent[] = {
        "system/",
        "allocator/mesos/offer_filters/roles/bounded/",
        "allocator/mesos/quota/roles/bounded/",
    };
    struct harness *h = scene.h;
    for (int i = 0; i < 2; i++) {
        harness_advance(h, NS_PER_SEC / 4); /* offers are made */
        master_step_took(h->master, NS_PER_MS);
    }
    const char *json = snapshot_of(h);
    size_t count = 0;
    struct names names;
    names_begin(&names, shape_golden("metrics", &h->arena));
    while (names_next(&names, &h->arena)) {
        bool is_absent = false;
        for (size_t i = 0; i < ELEMENTS(absent); i++) {
            is_absent = is_absent || strncmp(names.name, absent[i], strlen(absent[i])) == 0;
        }
        if (!is_absent && isnan(value_in(h, json, as_ours(h, names.name)))) {
            fail_msg("no %s", names.name);
        }
        count += !is_absent;
    }
    assert_true(count > 400);
}

static void test_names_are_in_order(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    struct names names;
    const char *last = "";
    harness_subscribe(h, ",\"roles\":[\"b\",\"a\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]");
    names_begin(&names, slice_from(snapshot_of(h)));
    while (names_next(&names, &h->arena)) {
        if (strcmp(last, names.name) >= 0) {
            fail_msg("%s behind %s", names.name, last);
        }
        last = names.name;
    }
}

/* --- values --- */

static void test_gauges_tell_what_there_is(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    const char *json = snapshot_of(h);
    static const struct {
        const char *name;
        double value;
    } expected[] = {
        {"master/elected", 1},
        {"master/slaves_active", 2},
        {"master/slaves_connected", 2},
        {"master/slaves_inactive", 0},
        {"master/slaves_unreachable", 0},
        {"master/frameworks_active", 2},
        {"master/frameworks_connected", 2},
        {"master/frameworks_disconnected", 0},
        {"master/frameworks_inactive", 0},
        {"master/tasks_running", 2},
        {"master/tasks_finished", 2},
        {"master/tasks_staging", 0},
        {"master/cpus_total", 8},
        {"master/cpus_used", 0.7},
        {"master/cpus_percent", 0.7 / 8},
        {"master/mem_total", 3264},
        {"master/mem_used", 128},
        {"master/gpus_total", 0},
        {"master/gpus_percent", 0},
        {"master/cpus_revocable_total", 0},
        {"master/slave_registrations", 2},
        {"master/messages_register_slave", 2},
        {"master/valid_status_updates", 9},
        {"master/invalid_status_updates", 0},
        {"master/valid_status_update_acknowledgements", 9},
        {"master/operator_event_stream_subscribers", 1},
        {"allocator/mesos/resources/cpus/total", 8},
        {"allocator/mesos/quota/roles//resources/cpus/consumed", 2.7},
        {"allocator/mesos/quota/roles/blue/resources/cpus/consumed", 1.7},
        {"allocator/mesos/quota/roles/green/resources/mem/consumed", 64},
        {"registrar/queued_operations", 0},
    };
    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        assert_value(h, json, expected[i].name, expected[i].value);
    }
    assert_true(value_in(h, json, "master/uptime_secs") > 0);
    assert_true(value_in(h, json, "master/outstanding_offers") > 0);
    assert_true(value_in(h, json, "registrar/registry_size_bytes") > 0);
}

static void test_what_tasks_ended_of(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    harness_advance(h, 5 * NS_PER_SEC); /* no agent answers */
    const char *json = snapshot_of(h);
    assert_value(h, json, "master/task_lost/source_master/reason_slave_removed", 2);
    assert_value(h, json, "master/tasks_lost", 2);
    assert_value(h, json, "master/slaves_unreachable", 2);
    assert_value(h, json, "master/cpus_total", 0);
    assert_value(h, json, "master/cpus_percent", 0);
    assert_value(h, json, "master/cpus_used", 0);
}

static void test_a_framework_has_its_own(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    const char *json = snapshot_of(h);
    const char *prefix =
        arena_printf(&h->arena, "master/frameworks/blue%%20framework/%s/", scene.blue.id);
    static const struct {
        const char *name;
        double value;
    } expected[] = {
        {"subscribed", 1},
        {"calls/subscribe", 1},
        {"calls/accept", 3},
        {"calls/acknowledge", 6},
        {"calls", 10},
        {"events/subscribed", 1},
        {"events/update", 6},
        {"operations/launch", 3},
        {"operations", 3},
        {"offers/accepted", 3},
        {"offers/declined", 0},
        {"tasks/active/task_running", 2},
        {"tasks/active/task_staging", 0},
        {"tasks/terminal/task_finished", 1},
        {"roles/blue/suppressed", 0},
    };
    for (size_t i = 0; i < ELEMENTS(expected); i++) {
        assert_value(h, json, arena_printf(&h->arena, "%s%s", prefix, expected[i].name),
                     expected[i].value);
    }
    harness_call(h, scene.blue.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"SUPPRESS\",\"framework_id\":{\"value\":\"%s\"}}",
                              scene.blue.id));
    json = snapshot_of(h);
    assert_value(h, json, arena_printf(&h->arena, "%sroles/blue/suppressed", prefix), 1);
    harness_gone(h, scene.blue.handle);
    json = snapshot_of(h);
    assert_value(h, json, arena_printf(&h->arena, "%ssubscribed", prefix), 0);
    assert_value(h, json, "master/frameworks_disconnected", 1);
}

static void test_frameworks_are_left_out_without_the_flag(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_subscribe(h, "");
    assert_has_not(snapshot_of(h), "master/frameworks/");
    harness_free(h);
}

static void keep_few(struct master_options *options)
{
    options->publish_framework_metrics = true;
    options->max_completed_frameworks = 1;
}

/* Their numbers go with them. */
static void test_forgotten_frameworks_have_none(void **state)
{
    (void)state;
    struct harness *h = harness_new(keep_few);
    const char *ids[3];
    for (size_t i = 0; i < ELEMENTS(ids); i++) {
        struct scene_framework f = harness_subscribe(h, "");
        ids[i] = f.id;
        harness_call(h, f.stream_id,
                     arena_printf(&h->arena,
                                  "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}",
                                  f.id));
    }
    const char *json = snapshot_of(h);
    assert_has_not(json, ids[0]);
    assert_has_not(json, ids[1]);
    assert_has(json, ids[2]);
    harness_free(h);
}

static void test_principals_count_messages_of_drivers(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    harness_v0_call(h, "driver@10.0.0.7:4000",
                    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{\"user\":\"u\","
                    "\"name\":\"n\",\"principal\":\"old-driver\"}}}");
    const char *json = snapshot_of(h);
    assert_value(h, json, "frameworks/old-driver/messages_received", 1);
    assert_value(h, json, "frameworks/old-driver/messages_processed", 1);
    assert_value(h, json, "frameworks/blue-principal/messages_received", 0); /* it calls by HTTP */
}

/* --- how often --- */

static void limit(struct master_options *options)
{
    options->metrics_rate_count = 2;
    options->metrics_rate_interval_ns = NS_PER_SEC;
}

static uint64_t ask(struct harness *h)
{
    return harness_request(h, "GET", "/metrics/snapshot", NULL, "");
}

static void test_the_rate_is_limited(void **state)
{
    (void)state;
    struct harness *h = harness_new(limit);
    uint64_t first = ask(h);
    uint64_t second = ask(h);
    uint64_t third = harness_request(h, "GET", "/metrics/snapshot?jsonp=f", NULL, "");
    assert_int_equal(harness_status(h, first), 200);
    assert_int_equal(harness_status(h, second), -1);
    harness_advance(h, NS_PER_SEC / 2);
    assert_int_equal(harness_status(h, second), 200);
    assert_int_equal(harness_status(h, third), -1);
    harness_advance(h, NS_PER_SEC / 2);
    assert_int_equal(harness_status(h, third), 200);
    assert_true(slice_starts_with(harness_body(h, third), SLICE("f({")));
    /* The call has no limit. */
    scene_operator_json(h, "{\"type\":\"GET_METRICS\",\"get_metrics\":{}}");
    scene_operator_json(h, "{\"type\":\"GET_METRICS\",\"get_metrics\":{}}");
    harness_free(h);
}

static void test_not_too_many_wait(void **state)
{
    (void)state;
    struct harness *h = harness_new(limit);
    uint64_t last = 0;
    for (size_t i = 0; i < METRICS_WAITING_MAX + 1; i++) {
        last = ask(h);
    }
    assert_int_equal(harness_status(h, last), -1);
    assert_int_equal(h->master->reads->metrics_waiting_count, METRICS_WAITING_MAX);
    assert_int_equal(harness_status(h, ask(h)), 503);
    harness_advance(h, NS_PER_SEC / 2);
    assert_int_equal(harness_status(h, ask(h)), -1); /* there is room again */
    harness_free(h);
}

static void test_timeouts_must_be_durations(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    uint64_t handle = harness_request(h, "GET", "/metrics/snapshot?timeout=soon", NULL, "");
    assert_int_equal(harness_status(h, handle), 400);
    handle = harness_request(h, "GET", "/metrics/snapshot?timeout=5secs", NULL, "");
    assert_int_equal(harness_status(h, handle), 200);
}

static double load(const void *arg)
{
    (void)arg;
    return 1.5;
}

static void test_the_machine(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    metrics_add_gauge(h->metrics, "system/load_1min", load, NULL);
    metrics_add_gauge(h->metrics, "system/cpus_total", load, NULL);
    assert_slice(scene_get(h, "/system/stats.json"), "{\"avg_load_1min\":1.5,\"cpus_total\":1}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_recorded_names_are_there),
        TEST(test_names_are_in_order),
        TEST(test_gauges_tell_what_there_is),
        TEST(test_what_tasks_ended_of),
        TEST(test_a_framework_has_its_own),
        cmocka_unit_test(test_frameworks_are_left_out_without_the_flag),
        cmocka_unit_test(test_forgotten_frameworks_have_none),
        TEST(test_principals_count_messages_of_drivers),
        cmocka_unit_test(test_the_rate_is_limited),
        cmocka_unit_test(test_not_too_many_wait),
        TEST(test_timeouts_must_be_durations),
        TEST(test_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
