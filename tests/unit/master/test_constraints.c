/* Offer constraints: what is taken and refused, who is offered what, and where they are shown. */
#include "harness.h"

#define LEFT "slave(1)@10.0.0.1:5051"
#define RIGHT "slave(1)@10.0.0.2:5051"

#define NAMED(name, predicate) \
    "{\"selector\":{\"attribute_name\":\"" name "\"},\"predicate\":{" predicate "}}"
#define ONE(role, constraint)                                                                  \
    "{\"role_constraints\":{\"" role "\":{\"groups\":[{\"attribute_constraints\":[" constraint \
    "]}]}}}"
#define RACK(side) NAMED("rack", "\"text_equals\":{\"value\":\"" side "\"}")

static struct harness *h;
static const char *left_id;
static const char *right_id;

static const char *register_agent(const char *pid, const char *host, const char *rack)
{
    harness_message(
        h, pid, "master", "RegisterSlaveMessage",
        arena_printf(&h->arena,
                     "{\"slave\":{\"hostname\":\"%s\",\"attributes\":[{\"name\":\"rack\",\"type\":"
                     "\"TEXT\",\"text\":{\"value\":\"%s\"}}],\"resources\":[{\"name\":\"cpus\","
                     "\"type\":\"SCALAR\",\"scalar\":{\"value\":4}}]},\"version\":\"1.12.0\","
                     "\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},"
                     "{\"type\":\"RESERVATION_REFINEMENT\"}]}",
                     host, rack));
    return harness_text(h, harness_take(h, pid, "SlaveRegisteredMessage"), "value");
}

static int set_up(void **state)
{
    (void)state;
    h = harness_new(NULL);
    left_id = register_agent(LEFT, "host-left", "left");
    right_id = register_agent(RIGHT, "host-right", "right");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

#define INFO                                                             \
    "{\"user\":\"u\",\"name\":\"f\",\"roles\":[\"r\"],\"capabilities\":" \
    "[{\"type\":\"MULTI_ROLE\"}]%s}"

static uint64_t subscribe(const char *constraints)
{
    return harness_call(
        h, NULL,
        arena_printf(&h->arena,
                     "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":" INFO
                     ",\"offer_constraints\":%s}}",
                     "", constraints));
}

/* A framework that wants agents of the left rack. */
static struct scene_framework subscribe_left(void)
{
    struct scene_framework f = {.handle = subscribe(ONE("r", RACK("left")))};
    f.stream_id = harness_header(h, f.handle, "Mesos-Stream-Id");
    f.id = harness_text(h, harness_event(h, f.handle, "SUBSCRIBED"), "value");
    return f;
}

static uint64_t update(const struct scene_framework *f, const char *constraints)
{
    const char *id = arena_printf(&h->arena, ",\"id\":{\"value\":\"%s\"}", f->id);
    return harness_call(h, f->stream_id,
                        arena_printf(&h->arena,
                                     "{\"type\":\"UPDATE_FRAMEWORK\",\"framework_id\":{\"value\":"
                                     "\"%s\"},\"update_framework\":{\"framework_info\":" INFO
                                     ",\"offer_constraints\":%s}}",
                                     f->id, id, constraints));
}

/* The next offers, or "". */
static const char *offers_of(const struct scene_framework *f)
{
    harness_advance(h, NS_PER_SEC / 2);
    const char *offers = harness_event(h, f->handle, "OFFERS");
    return offers != NULL ? offers : "";
}

static void test_only_agents_that_meet_them_are_offered(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    const char *offers = offers_of(&f);
    assert_has(offers, left_id);
    assert_null(strstr(offers, right_id));
    assert_string_equal(offers_of(&f), "");
}

static void test_UPDATE_FRAMEWORK_replaces_them(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    assert_has(offers_of(&f), left_id);
    assert_int_equal(harness_status(h, update(&f, ONE("r", RACK("right")))), 200);
    /* what was offered before stays */
    assert_null(harness_event(h, f.handle, "RESCIND"));
    assert_has(offers_of(&f), right_id);
    assert_int_equal(h->master->offers.count, 2);
}

static void test_without_them_all_agents_are_offered_again(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    assert_has(offers_of(&f), left_id);
    assert_int_equal(harness_status(h, update(&f, "{}")), 200);
    assert_has(offers_of(&f), right_id);
}

static void test_subscribing_again_replaces_them(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    const char *id = arena_printf(&h->arena, ",\"id\":{\"value\":\"%s\"}", f.id);
    f.handle = harness_call(
        h, NULL,
        arena_printf(&h->arena,
                     "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"%s\"},\"subscribe\":"
                     "{\"framework_info\":" INFO "}}",
                     f.id, id));
    const char *offers = offers_of(&f);
    assert_has(offers, left_id);
    assert_has(offers, right_id);
}

static void test_an_agent_with_other_attributes_is_asked_again(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    assert_has(offers_of(&f), left_id);
    harness_message(
        h, RIGHT, "master", "ReregisterSlaveMessage",
        arena_printf(&h->arena,
                     "{\"slave\":{\"hostname\":\"host-right\",\"id\":{\"value\":\"%s\"},"
                     "\"attributes\":[{\"name\":\"rack\",\"type\":\"TEXT\",\"text\":{\"value\":"
                     "\"left\"}}],\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\","
                     "\"scalar\":{\"value\":4}}]},\"version\":\"1.12.0\",\"agent_capabilities\":"
                     "[{\"type\":\"MULTI_ROLE\"},{\"type\":\"RESERVATION_REFINEMENT\"}]}",
                     right_id));
    assert_has(offers_of(&f), right_id);
}

/* Each with a part of what is said of it. */
static const struct {
    const char *constraints;
    const char *why;
} bad[] = {
    {ONE("other", NAMED("rack", "\"exists\":{}")), "'other' not contained in the set of roles"},
    {"{\"role_constraints\":{\"r\":{}}}", "an empty 'RoleConstraints::groups'"},
    {ONE("r", ""), "empty RoleConstraints::Group"},
    {ONE("r", NAMED("rack", "\"text_matches\":{\"regex\":\"(\"}")), "pattern '('"},
    {ONE("r", NAMED("rack", "\"text_matches\":{\"regex\":\"a{100}\"}")), "too complex"},
    {ONE("r", NAMED("rack", "")), "Unknown predicate"},
};

static void test_bad_ones_are_an_ERROR_at_SUBSCRIBE(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        uint64_t handle = subscribe(bad[i].constraints);
        assert_has(harness_event(h, handle, "ERROR"), bad[i].why);
        assert_true(harness_stream_ended(h, handle));
    }
    assert_int_equal(h->master->frameworks.count, 0);
}

static void test_bad_ones_leave_all_as_it_was_at_UPDATE_FRAMEWORK(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        uint64_t handle = update(&f, bad[i].constraints);
        assert_int_equal(harness_status(h, handle), 400);
        struct slice body = harness_body(h, handle);
        assert_has(arena_strndup(&h->arena, body.data, body.size), bad[i].why);
    }
    const char *offers = offers_of(&f);
    assert_has(offers, left_id);
    assert_null(strstr(offers, right_id));
}

static const char *get(const char *path)
{
    uint64_t handle = harness_request(h, "GET", path, NULL, "");
    assert_int_equal(harness_status(h, handle), 200);
    struct slice body = harness_body(h, handle);
    return arena_strndup(&h->arena, body.data, body.size);
}

static void test_they_are_shown(void **state)
{
    (void)state;
    (void)subscribe_left();
    assert_has(get("/master/state"), "\"offer_constraints\":" ONE("r", RACK("left")));
    assert_has(get("/master/frameworks"), "\"offer_constraints\":" ONE("r", RACK("left")));
    uint64_t handle = harness_request(h, "POST", "/master/api/v1",
                                      "Content-Type: application/json\nAccept: application/json",
                                      "{\"type\":\"GET_FRAMEWORKS\"}");
    struct slice body = harness_body(h, handle);
    assert_has(arena_strndup(&h->arena, body.data, body.size),
               "\"offer_constraints\":" ONE("r", RACK("left")));
}

static void test_whom_they_exclude_is_shown(void **state)
{
    (void)state;
    struct scene_framework f = subscribe_left();
    struct scene_framework plain = harness_subscribe(
        h, ",\"roles\":[\"z\",\"b\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]");
    harness_call(h, plain.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"SUPPRESS\",\"framework_id\":{\"value\":\"%s\"}}",
                              plain.id));
    assert_string_equal(get("/allocator/offer_constraints_debug"),
                        arena_printf(&h->arena,
                                     "{\"frameworks\":{\"%s\":{\"suppressed_roles\":[],"
                                     "\"excluded_by_attribute_constraints\":{\"r\":[\"%s\"]}},"
                                     "\"%s\":{\"suppressed_roles\":[\"b\",\"z\"],"
                                     "\"excluded_by_attribute_constraints\":{\"b\":[],\"z\":[]}}}}",
                                     f.id, right_id, plain.id));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_only_agents_that_meet_them_are_offered),
        TEST(test_UPDATE_FRAMEWORK_replaces_them),
        TEST(test_without_them_all_agents_are_offered_again),
        TEST(test_subscribing_again_replaces_them),
        TEST(test_an_agent_with_other_attributes_is_asked_again),
        TEST(test_bad_ones_are_an_ERROR_at_SUBSCRIBE),
        TEST(test_bad_ones_leave_all_as_it_was_at_UPDATE_FRAMEWORK),
        TEST(test_they_are_shown),
        TEST(test_whom_they_exclude_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
