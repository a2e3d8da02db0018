/* Resources that an agent gives out twice: who is offered them, and what happens when they change.
 */
#include "harness.h"

#define PID "slave(1)@10.0.0.1:5051"
#define CPUS(value) "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "}}"
#define REVOCABLE(value) \
    "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":" value "},\"revocable\":{}}"
#define MULTI ",\"roles\":[\"%s\"],\"capabilities\":[{\"type\":\"MULTI_ROLE\"}"

static struct harness *h;
static const char *agent_id;

static int set_up(void **state)
{
    (void)state;
    h = harness_new(NULL);
    agent_id = harness_agent(h, PID);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

/* UpdateSlaveMessage with these further members. */
static void tell(const char *members)
{
    harness_message(
        h, PID, "master", "UpdateSlaveMessage",
        arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}%s}", agent_id, members));
}

static void oversubscribe(const char *resources)
{
    tell(arena_printf(&h->arena,
                      ",\"update_oversubscribed_resources\":true,"
                      "\"oversubscribed_resources\":[%s]",
                      resources));
}

static struct scene_framework subscribe(const char *role, bool is_able)
{
    return harness_subscribe(h, arena_printf(&h->arena, MULTI "%s]", role,
                                             is_able ? ",{\"type\":\"REVOCABLE_RESOURCES\"}" : ""));
}

/* The next offers, or "". */
static const char *offers_of(const struct scene_framework *f)
{
    harness_advance(h, NS_PER_SEC / 2);
    const char *offers = harness_event(h, f->handle, "OFFERS");
    return offers != NULL ? offers : "";
}

static void test_only_the_able_are_offered_them(void **state)
{
    (void)state;
    oversubscribe(REVOCABLE("3"));
    struct scene_framework plain = subscribe("firm", false);
    const char *offers = offers_of(&plain);
    assert_has(offers, "\"value\":4");
    assert_has_not(offers, "revocable");
    struct scene_framework able = subscribe("loose", true);
    offers = offers_of(&able);
    assert_has(offers, "\"revocable\":{}");
    assert_has(offers, "\"value\":3");
    assert_has_not(offers, "mem");
}

static void test_a_change_rescinds_what_was_offered_of_them_only(void **state)
{
    (void)state;
    oversubscribe(REVOCABLE("3"));
    struct scene_framework plain = subscribe("firm", false);
    struct scene_framework able;
    assert_has(offers_of(&plain), "cpus");
    able = subscribe("loose", true);
    assert_has(offers_of(&able), "\"value\":3");
    oversubscribe(REVOCABLE("1"));
    assert_non_null(harness_event(h, able.handle, "RESCIND"));
    assert_null(harness_event(h, plain.handle, "RESCIND"));
    assert_has(offers_of(&able), "\"value\":1");
    oversubscribe("");
    assert_non_null(harness_event(h, able.handle, "RESCIND"));
    assert_string_equal(offers_of(&able), "");
}

static void test_the_same_again_changes_nothing(void **state)
{
    (void)state;
    oversubscribe(REVOCABLE("3"));
    struct scene_framework able = subscribe("loose", true);
    assert_has(offers_of(&able), "revocable");
    (void)harness_log(h);
    oversubscribe(REVOCABLE("3"));
    assert_null(harness_event(h, able.handle, "RESCIND"));
    assert_has_not(harness_log(h), "oversubscribes");
}

static void test_who_does_not_tell_of_them_leaves_them(void **state)
{
    (void)state;
    oversubscribe(REVOCABLE("3"));
    tell(",\"update_oversubscribed_resources\":false");
    struct scene_framework able = subscribe("loose", true);
    assert_has(offers_of(&able), "revocable");
    /* before 1.5 there was no such member, and what is not told is not there */
    tell("");
    assert_non_null(harness_event(h, able.handle, "RESCIND"));
    assert_has_not(offers_of(&able), "revocable");
}

static void test_only_revocable_ones_are_taken(void **state)
{
    (void)state;
    oversubscribe(CPUS("100") "," REVOCABLE("2"));
    struct scene_framework able = subscribe("loose", true);
    const char *offers = offers_of(&able);
    assert_has(offers, "\"value\":2");
    assert_has_not(offers, "100");
}

static void test_invalid_ones_are_ignored(void **state)
{
    (void)state;
    oversubscribe(REVOCABLE("3"));
    (void)harness_log(h);
    oversubscribe(REVOCABLE("-1"));
    assert_has(harness_log(h), "Ignoring oversubscribed resources of agent");
    struct scene_framework able = subscribe("loose", true);
    assert_has(offers_of(&able), "\"value\":3");
}

static void test_they_are_counted_apart(void **state)
{
    (void)state;
    oversubscribe(REVOCABLE("3"));
    uint64_t handle = harness_request(h, "GET", "/metrics/snapshot", NULL, "");
    struct slice body = harness_body(h, handle);
    const char *json = arena_strndup(&h->arena, body.data, body.size);
    assert_has(json, "\"master/cpus_revocable_total\":3");
    assert_has(json, "\"master/cpus_total\":4");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_only_the_able_are_offered_them),
        TEST(test_a_change_rescinds_what_was_offered_of_them_only),
        TEST(test_the_same_again_changes_nothing),
        TEST(test_who_does_not_tell_of_them_leaves_them),
        TEST(test_only_revocable_ones_are_taken),
        TEST(test_invalid_ones_are_ignored),
        TEST(test_they_are_counted_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
