/* Schedulers that speak by messages: drivers with calls, and older ones. */
#include "harness.h"

#define DRIVER "scheduler-1@10.0.1.1:7000"
#define SECOND "scheduler-2@10.0.1.2:7000"
#define SAME_HOST "scheduler-3@10.0.1.1:7000"
#define PID "slave(1)@10.0.0.1:5051"
#define INFO "\"user\":\"u\",\"name\":\"v0\",\"failover_timeout\":1000"

static const char *join(struct harness *h, const char *pid)
{
    harness_message(h, pid, "master", "RegisterFrameworkMessage", "{\"framework\":{" INFO "}}");
    const char *id = harness_text(h, harness_take(h, pid, "FrameworkRegisteredMessage"), "value");
    if (id == NULL) {
        fail_msg("%s was not registered", pid);
        abort(); /* for gcc, which does not know that the line before ends it */
    }
    return id;
}

static void come_back(struct harness *h, const char *pid, const char *id, bool failover)
{
    harness_message(h, pid, "master", "ReregisterFrameworkMessage",
                    arena_printf(&h->arena,
                                 "{\"framework\":{" INFO ",\"id\":{\"value\":\"%s\"}},"
                                 "\"failover\":%s}",
                                 id, failover ? "true" : "false"));
}

static const struct framework *find(struct harness *h, const char *id)
{
    return master_find_framework(h->master, slice_make(id, strlen(id)));
}

static void test_a_driver_that_asks_again_gets_its_id_again(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = join(h, DRIVER);
    assert_string_equal(join(h, DRIVER), id);
    harness_v0_call(h, DRIVER,
                    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":{" INFO "}}}");
    assert_has(harness_take(h, DRIVER, "FrameworkRegisteredMessage"), id);
    assert_int_equal(h->master->running_count, 1);
    harness_free(h);
}

static void test_all_at_an_address_go_with_its_connection(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *one = join(h, DRIVER);
    const char *two = join(h, SAME_HOST);
    const char *other = join(h, SECOND);
    harness_exited(h, DRIVER);
    assert_int_equal(find(h, one)->state, FRAMEWORK_DISCONNECTED);
    assert_int_equal(find(h, two)->state, FRAMEWORK_DISCONNECTED);
    assert_int_equal(find(h, other)->state, FRAMEWORK_ACTIVE);
    assert_has(harness_take(h, DRIVER, "FrameworkErrorMessage"), "disconnected");
    /* Each call until it registers again is answered the same way. */
    harness_v0_call(
        h, DRIVER,
        arena_printf(&h->arena, "{\"type\":\"REVIVE\",\"framework_id\":{\"value\":\"%s\"}}", one));
    assert_has(harness_take(h, DRIVER, "FrameworkErrorMessage"), "disconnected");
    come_back(h, DRIVER, one, false);
    assert_non_null(harness_take(h, DRIVER, "FrameworkReregisteredMessage"));
    assert_int_equal(find(h, one)->state, FRAMEWORK_ACTIVE);
    harness_free(h);
}

static void test_another_driver_has_to_claim_the_failover(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = join(h, DRIVER);
    come_back(h, SECOND, id, false);
    assert_non_null(harness_take(h, SECOND, "FrameworkErrorMessage"));
    come_back(h, SECOND, id, true);
    assert_non_null(harness_take(h, SECOND, "FrameworkRegisteredMessage"));
    assert_has(harness_take(h, DRIVER, "FrameworkErrorMessage"), "failed over");
    /* The old one has no say any more. */
    harness_message(h, DRIVER, "master", "UnregisterFrameworkMessage",
                    arena_printf(&h->arena, "{\"framework_id\":{\"value\":\"%s\"}}", id));
    assert_non_null(find(h, id));
    harness_exited(h, DRIVER);
    assert_int_equal(find(h, id)->state, FRAMEWORK_ACTIVE);
    harness_message(h, SECOND, "master", "UnregisterFrameworkMessage",
                    arena_printf(&h->arena, "{\"framework_id\":{\"value\":\"%s\"}}", id));
    assert_null(find(h, id));
    harness_free(h);
}

static void test_a_driver_must_not_have_two_frameworks(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = join(h, DRIVER);
    come_back(h, DRIVER, "another-id", true);
    assert_null(harness_take(h, DRIVER, "FrameworkErrorMessage"));
    assert_null(harness_take(h, DRIVER, "FrameworkRegisteredMessage"));
    assert_null(find(h, "another-id"));
    assert_non_null(find(h, id));
    harness_free(h);
}

static void test_offers_of_the_same_driver_are_rescinded(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_agent(h, PID);
    const char *id = join(h, DRIVER);
    harness_advance(h, NS_PER_SEC / 2);
    const char *offers = harness_take(h, DRIVER, "ResourceOffersMessage");
    assert_has(offers, "\"pids\":[\"" PID "\"]");
    assert_has(offers, "\"role\":\"*\"");
    assert_has_not(offers, "allocation_info");
    come_back(h, DRIVER, id, false);
    assert_non_null(harness_take(h, DRIVER, "RescindResourceOfferMessage"));
    harness_free(h);
}

static void test_a_framework_moves_from_messages_to_http(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = join(h, DRIVER);
    uint64_t handle = harness_call(
        h, NULL,
        arena_printf(&h->arena,
                     "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"%s\"},\"subscribe\":"
                     "{\"framework_info\":{" INFO ",\"id\":{\"value\":\"%s\"}}}}",
                     id, id));
    assert_non_null(harness_event(h, handle, "SUBSCRIBED"));
    assert_non_null(harness_take(h, DRIVER, "FrameworkErrorMessage"));
    come_back(h, DRIVER, id, true);
    assert_non_null(harness_event(h, handle, "ERROR"));
    assert_true(harness_stream_ended(h, handle));
    assert_non_null(harness_take(h, DRIVER, "FrameworkRegisteredMessage"));
    harness_free(h);
}

static void test_a_deactivated_framework_keeps_its_place(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_agent(h, PID);
    const char *id = join(h, DRIVER);
    harness_advance(h, NS_PER_SEC / 2);
    harness_message(h, DRIVER, "master", "DeactivateFrameworkMessage",
                    arena_printf(&h->arena, "{\"framework_id\":{\"value\":\"%s\"}}", id));
    assert_non_null(harness_take(h, DRIVER, "RescindResourceOfferMessage"));
    assert_int_equal(find(h, id)->state, FRAMEWORK_INACTIVE);
    harness_forget(h);
    harness_advance(h, NS_PER_SEC);
    assert_null(harness_take(h, DRIVER, "ResourceOffersMessage"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_driver_that_asks_again_gets_its_id_again),
        cmocka_unit_test(test_all_at_an_address_go_with_its_connection),
        cmocka_unit_test(test_another_driver_has_to_claim_the_failover),
        cmocka_unit_test(test_a_driver_must_not_have_two_frameworks),
        cmocka_unit_test(test_offers_of_the_same_driver_are_rescinded),
        cmocka_unit_test(test_a_framework_moves_from_messages_to_http),
        cmocka_unit_test(test_a_deactivated_framework_keeps_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
