/* The older endpoints: their shape is that of the recordings, and what they tell is so. */
#include "golden_scene.h"
#include "shape.h"

static struct golden_scene scene;

static void change(struct master_options *options)
{
    options->cluster = "golden";
    options->version.build_date = "2026-11-20 07:33:27";
    options->version.git_sha = "c1b42f79d157aa900be5cbb0c1023f1479962aa7";
    options->publish_framework_metrics = true;
    options->max_subscribers = 10;
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

static const char *get(const char *path)
{
    return text_of(scene_get(scene.h, path));
}

static void test_shapes_are_those_of_the_recordings(void **state)
{
    (void)state;
    static const char *const build[] = {"/git_branch", "/flags", "/external_log_file", NULL};
    static const char *const quota[] = {"/roles[]/quota/guarantee/cpus",
                                        "/roles[]/quota/limit/cpus", "/roles[]/quota/limit/mem",
                                        NULL};
    shape_assert(scene_get(scene.h, "/master/state"), "state", build, true);
    shape_assert(scene_get(scene.h, "/master/state-summary"), "state-summary", NULL, true);
    shape_assert(scene_get(scene.h, "/master/slaves"), "slaves", NULL, true);
    shape_assert(scene_get(scene.h, "/master/frameworks"), "frameworks", NULL, true);
    shape_assert(scene_get(scene.h, "/master/tasks"), "tasks", NULL, true);
    shape_assert(scene_get(scene.h, "/master/roles"), "roles", quota, true);
    shape_assert(scene_get(scene.h, "/version"), "version", build, true);
}

static void test_what_the_state_tells(void **state)
{
    (void)state;
    const char *json = get("/master/state");
    assert_has(json, "\"version\":\"1.12.0\",\"git_sha\":\"c1b42f79");
    assert_has(json, "\"start_time\":1700000000.0,\"elected_time\":1700000000.0,");
    assert_has(json, "\"activated_slaves\":2.0,\"deactivated_slaves\":0.0,"
                     "\"unreachable_slaves\":0.0,\"leader\":\"master@10.0.0.100:5050\"");
    assert_has(json, "\"cluster\":\"golden\"");
    /* agents, oldest first */
    assert_has(json, arena_printf(&scene.h->arena,
                                  "\"slaves\":[{\"id\":\"%s\",\"hostname\":\"127.0.0.1\","
                                  "\"port\":42229,\"attributes\":{\"rack\":\"r1\",\"speed\":2.5,"
                                  "\"slots\":\"[1-3]\"},\"pid\":\"" SCENE_ONE "\"",
                                  scene.one));
    assert_has(json, "\"resources\":{\"disk\":4096.0,\"mem\":2176.0,\"gpus\":0.0,\"cpus\":5.0,"
                     "\"ports\":\"[31000-31999]\"},\"used_resources\":{\"disk\":0.0,"
                     "\"mem\":128.0,\"gpus\":0.0,\"cpus\":0.7,\"ports\":\"[31000-31001]\"}");
    assert_has(json, "\"reserved_resources\":{\"blue\":{\"disk\":0.0,\"mem\":128.0,\"gpus\":0.0,"
                     "\"cpus\":1.0}},\"unreserved_resources\":{\"disk\":4096.0");
    /* tasks: of the blue framework two run, one is over */
    assert_has(json, "\"role\":\"blue\",\"statuses\":[{\"state\":\"TASK_STARTING\"");
    assert_has(json, "\"labels\":[{\"key\":\"tier\",\"value\":\"front\"}],\"discovery\":{");
    assert_has(json, "\"healthy\":true}");
    assert_has(json, "\"labels\":[{\"key\":\"bare\"}],\"offer_constraints\":{}");
    assert_has(json, "\"roles\":[\"blue\"],\"tasks\":[{\"id\":\"running\"");
    assert_has(json, "\"completed_tasks\":[{\"id\":\"finished\"");
    assert_has(json, "\"executors\":[{\"executor_id\":\"mine\",\"name\":\"mine\"");
    assert_has(json, "\"orphan_tasks\":[],\"unregistered_frameworks\":[]}");
}

static void test_the_summary_counts(void **state)
{
    (void)state;
    const char *json = get("/master/state-summary");
    assert_has(json, "\"TASK_RUNNING\":2,\"TASK_KILLING\":0,\"TASK_FINISHED\":1,");
    assert_has(json, arena_printf(&scene.h->arena, "\"framework_ids\":[\"%s\"]", scene.blue.id));
    assert_has(json, arena_printf(&scene.h->arena, "\"slave_ids\":[\"%s\"]", scene.one));
    assert_has(json, "\"slave_ids\":[]"); /* of the green one */
    /* Those of frameworks that are over are not counted. */
    assert_has_not(json, "\"TASK_FINISHED\":2");
}

static void test_lists_can_be_narrowed(void **state)
{
    (void)state;
    struct arena *arena = &scene.h->arena;
    const char *json = get(arena_printf(arena, "/master/slaves?slave_id=%s", scene.two));
    assert_has(json, scene.two);
    assert_has_not(json, scene.one);
    assert_string_equal(get("/master/slaves?slave_id=nobody"),
                        "{\"slaves\":[],\"recovered_slaves\":[]}");
    json = get(arena_printf(arena, "/master/frameworks?framework_id=%s", scene.gone.id));
    assert_has(json, "{\"frameworks\":[],\"completed_frameworks\":[{\"id\":");
    assert_has_not(json, scene.blue.id);
    json = get(arena_printf(arena, "/master/tasks?framework_id=%s&task_id=running", scene.blue.id));
    assert_has(json, "{\"tasks\":[{\"id\":\"running\"");
    assert_has_not(json, "custom");
    assert_string_equal(get("/master/tasks?task_id=nothing"), "{\"tasks\":[]}");
}

static size_t position(const char *json, const char *id)
{
    const char *at = strstr(json, arena_printf(&scene.h->arena, "{\"id\":\"%s\",\"name\"", id));
    assert_non_null(at);
    return (size_t)(at - json);
}

static void test_tasks_are_paged_through_by_time(void **state)
{
    (void)state;
    const char *json = get("/master/tasks?order=asc");
    assert_true(position(json, "old") < position(json, "finished"));
    assert_true(position(json, "finished") < position(json, "running"));
    assert_true(position(json, "running") < position(json, "custom"));
    json = get("/master/tasks");
    assert_true(position(json, "custom") < position(json, "running"));
    assert_true(position(json, "finished") < position(json, "old"));
    json = get("/master/tasks?order=asc&limit=1&offset=1");
    (void)position(json, "finished");
    assert_has_not(json, "\"old\"");
    assert_has_not(json, "\"running\"");
    assert_string_equal(get("/master/tasks?limit=0"), "{\"tasks\":[]}");
    assert_string_equal(get("/master/tasks?offset=4"), "{\"tasks\":[]}");
    assert_string_equal(get("/master/tasks?offset=2000000000"), "{\"tasks\":[]}");
    /* What is no number, or below zero, counts as not given. */
    (void)position(get("/master/tasks?limit=x&offset=-1"), "old");
}

static void test_roles_have_what_is_below_them(void **state)
{
    (void)state;
    const char *json = get("/master/roles");
    assert_has(json, "\"name\":\"blue\",\"weight\":1.0,\"quota\":{\"role\":\"blue\","
                     "\"guarantee\":{},\"limit\":{},\"consumed\":{\"cpus\":1.7,\"mem\":256.0,"
                     "\"ports\":2.0}}");
    assert_has(json, "\"allocated\":{\"cpus\":0.7,\"mem\":128.0,\"ports\":2.0},\"offered\":{");
    assert_has(json, "\"reserved\":{\"cpus\":1.0,\"mem\":128.0},\"frameworks\":[");
    assert_has_not(json, "past"); /* its only framework is over */
    struct scene_framework nested = harness_subscribe(
        scene.h, ",\"roles\":[\"a/b\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]");
    json = get("/master/roles");
    assert_has(json, "{\"roles\":[{\"name\":\"a\",");
    assert_has(json, arena_printf(&scene.h->arena, "\"frameworks\":[\"%s\"]", nested.id));
}

static void weigh(struct master_options *options)
{
    options->weights = "heavy=2.5,light=0.5";
}

static void test_weights_come_from_the_flag(void **state)
{
    (void)state;
    struct harness *h = harness_new(weigh);
    assert_slice(scene_get(h, "/master/weights"),
                 "[{\"role\":\"heavy\",\"weight\":2.5},{\"role\":\"light\",\"weight\":0.5}]");
    struct slice roles = scene_get(h, "/master/roles");
    assert_has(arena_strndup(&h->arena, roles.data, roles.size),
               "\"name\":\"heavy\",\"weight\":2.5");
    harness_free(h);
}

static void restrict_roles(struct master_options *options)
{
    static const char *const roles[] = {"one", "a/two", NULL};
    options->roles = roles;
}

static void test_a_whitelist_tells_all_roles(void **state)
{
    (void)state;
    struct harness *h = harness_new(restrict_roles);
    struct slice body = scene_get(h, "/master/roles");
    const char *json = arena_strndup(&h->arena, body.data, body.size);
    assert_has(json, "{\"roles\":[{\"name\":\"a\",");
    assert_has(json, "{\"name\":\"a/two\",");
    assert_has(json, "{\"name\":\"one\",");
    harness_free(h);
}

static void test_answers_are_wrapped_for_scripts(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/master/state",
        "/master/state-summary",
        "/master/slaves",
        "/master/frameworks",
        "/master/tasks",
        "/master/roles",
        "/master/flags",
        "/master/quota",
        "/master/weights",
        "/version",
        "/metrics/snapshot",
        "/system/stats.json",
        "/files/debug",
        "/master/maintenance/schedule",
        "/master/maintenance/status",
    };
    struct harness *h = scene.h;
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        const char *path = arena_printf(&h->arena, "%s?jsonp=back.call", paths[i]);
        uint64_t handle = harness_request(h, "GET", path, NULL, "");
        assert_int_equal(harness_status(h, handle), 200);
        assert_string_equal(harness_header(h, handle, "Content-Type"), "text/javascript");
        assert_true(slice_starts_with(harness_body(h, handle), SLICE("back.call(")));
        assert_true(slice_ends_with(harness_body(h, handle), SLICE(")")));
        path = arena_printf(&h->arena, "%s?jsonp=alert(1)//", paths[i]);
        assert_int_equal(harness_status(h, harness_request(h, "GET", path, NULL, "")), 400);
    }
}

static void test_an_unreachable_agent_is_not_shown_but_its_tasks_are(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    harness_advance(h, 5 * NS_PER_SEC); /* no pong */
    const char *json = get("/master/state");
    assert_has(json, "\"activated_slaves\":0.0,\"deactivated_slaves\":0.0,"
                     "\"unreachable_slaves\":2.0");
    assert_has(json, "\"slaves\":[],\"recovered_slaves\":[]");
    assert_has(json, "\"unreachable_tasks\":[{\"id\":\"running\"");
    /* The summary still knows where they were. */
    json = get("/master/state-summary");
    assert_has(json, arena_printf(&h->arena, "\"slave_ids\":[\"%s\"]", scene.one));
}

/* Equal questions share an answer as long as nothing changes. */
static void test_answers_are_shared_until_something_changes(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    const struct metric *hits = metrics_find(h->metrics, "master/http_cache_hits");
    const char *first = get("/master/state");
    double before = metric_value(hits);
    assert_string_equal(get("/master/state"), first);
    assert_true(metric_value(hits) > before);
    before = metric_value(hits);
    harness_subscribe(h, "");
    const char *second = get("/master/state");
    assert_string_not_equal(second, first);
    assert_true(metric_value(hits) == before);
    /* Not for ever. */
    assert_int_not_equal(master_deadline(h->master), TIME_NEVER);
    harness_advance(h, 3 * VIEW_KEPT_NS);
    for (size_t i = 0; i < VIEW_ROOMS; i++) {
        assert_int_equal(h->master->reads->views.rooms[i].count, 0);
        assert_int_equal(h->master->reads->views.rooms[i].size, 0);
    }
}

/* Whoever reads one of them over and over does not keep the others. */
static void test_answers_are_dropped_one_by_one(void **state)
{
    (void)state;
    struct harness *h = scene.h;
    const struct view_room *room = &h->master->reads->views.rooms[VIEW_ROOM_SMALL];
    (void)get("/master/state");
    (void)get("/master/slaves"); /* from here on both are known to be small */
    harness_advance(h, 3 * VIEW_KEPT_NS);
    assert_int_equal(room->count, 0);
    (void)get("/master/slaves");
    (void)get("/master/state");
    assert_int_equal(room->count, 2);
    for (int i = 0; i < 6; i++) {
        harness_advance(h, VIEW_KEPT_NS / 2);
        (void)get("/master/state");
    }
    assert_int_equal(room->count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shapes_are_those_of_the_recordings),
        TEST(test_what_the_state_tells),
        TEST(test_the_summary_counts),
        TEST(test_lists_can_be_narrowed),
        TEST(test_tasks_are_paged_through_by_time),
        TEST(test_roles_have_what_is_below_them),
        TEST(test_weights_come_from_the_flag),
        TEST(test_a_whitelist_tells_all_roles),
        TEST(test_answers_are_wrapped_for_scripts),
        TEST(test_an_unreachable_agent_is_not_shown_but_its_tasks_are),
        TEST(test_answers_are_shared_until_something_changes),
        TEST(test_answers_are_dropped_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
