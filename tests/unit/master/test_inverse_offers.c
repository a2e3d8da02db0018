/* Frameworks are asked to leave machines that are to be maintained, and answer. */
#include "harness.h"

#define AGENT "slave(1)@10.0.0.1:5051"
#define DRIVER "scheduler-1@10.0.1.1:7000"
#define JSON "Content-Type: application/json"
#define HERE "{\"hostname\":\"host\",\"ip\":\"10.0.0.1\"}"
#define WINDOW "{\"machine_ids\":[" HERE "],\"unavailability\":{\"start\":{\"nanoseconds\":5}}}"

static void schedule(struct harness *h, const char *windows)
{
    uint64_t asked = harness_request(h, "POST", "/master/maintenance/schedule", NULL,
                                     arena_printf(&h->arena, "{\"windows\":[%s]}", windows));
    assert_int_equal(harness_status(h, asked), 200);
}

static const char *status(struct harness *h)
{
    struct slice body =
        harness_body(h, harness_request(h, "GET", "/master/maintenance/status", NULL, ""));
    return arena_strndup(&h->arena, body.data, body.size);
}

static void answer(struct harness *h, const struct scene_framework *f, const char *kind,
                   const char *part, const char *offer_id, const char *filters)
{
    uint64_t asked = harness_call(h, f->stream_id,
                                  arena_printf(&h->arena,
                                               "{\"type\":\"%s_INVERSE_OFFERS\",\"framework_id\":"
                                               "{\"value\":\"%s\"},\"%s_inverse_offers\":"
                                               "{\"inverse_offer_ids\":[{\"value\":\"%s\"}]%s}}",
                                               kind, f->id, part, offer_id, filters));
    assert_int_equal(harness_status(h, asked), 202);
}

/* Agents need not answer pings. */
static void patient(struct master_options *options)
{
    options->agent_ping_timeout_ns = NS_PER_DAY;
}

static void with_timeout(struct master_options *options)
{
    patient(options);
    options->offer_timeout_ns = NS_PER_MIN;
}

/* The id of the next inverse offer; NULL if there is none. */
static const char *next(struct harness *h, const struct scene_framework *f)
{
    const char *event = harness_event(h, f->handle, "INVERSE_OFFERS");
    return event != NULL ? harness_text(h, strstr(event, "\"id\":{"), "value") : NULL;
}

/* A framework with a task on the agent, which drains. */
static struct harness *scene(struct scene_framework *ret_f, const char **ret_agent_id)
{
    struct harness *h = harness_new(patient);
    *ret_f = harness_subscribe(h, ",\"failover_timeout\":1");
    *ret_agent_id = harness_agent(h, AGENT);
    harness_launch(h, ret_f, "t");
    schedule(h, WINDOW);
    return h;
}

static void test_who_holds_something_is_asked_once(void **state)
{
    (void)state;
    struct scene_framework f;
    const char *agent_id;
    struct harness *h = scene(&f, &agent_id);
    struct scene_framework idle = harness_subscribe(h, "");
    const char *event = harness_event(h, f.handle, "INVERSE_OFFERS");
    const char *id = harness_text(h, strstr(event, "\"id\":{"), "value");
    assert_string_equal(
        event, arena_printf(&h->arena,
                            "{\"type\":\"INVERSE_OFFERS\",\"inverse_offers\":{\"inverse_offers\":["
                            "{\"id\":{\"value\":\"%s\"},\"url\":{\"scheme\":\"http\",\"address\":"
                            "{\"hostname\":\"host\",\"ip\":\"10.0.0.1\",\"port\":5051},\"path\":"
                            "\"/slave(1)\"},\"framework_id\":{\"value\":\"%s\"},\"agent_id\":"
                            "{\"value\":\"%s\"},\"unavailability\":{\"start\":"
                            "{\"nanoseconds\":5}}}]}}",
                            id, f.id, agent_id));
    harness_advance(h, NS_PER_MIN);
    assert_null(next(h, &f));
    assert_null(next(h, &idle));
    harness_free(h);
}

static void test_the_last_answer_is_shown(void **state)
{
    (void)state;
    struct scene_framework f;
    const char *agent_id;
    struct harness *h = scene(&f, &agent_id);
    assert_string_equal(status(h), "{\"draining_machines\":[{\"id\":" HERE "}]}");
    answer(h, &f, "ACCEPT", "accept", next(h, &f), "");
    assert_string_equal(status(h),
                        arena_printf(&h->arena,
                                     "{\"draining_machines\":[{\"id\":" HERE
                                     ",\"statuses\":[{\"status\":\"ACCEPT\",\"framework_id\":"
                                     "{\"value\":\"%s\"},\"timestamp\":{\"nanoseconds\":%lld}}]}]}",
                                     f.id, (long long)h->now.wall_ns));
    /* It is asked again after five seconds, unless it says otherwise. */
    harness_advance(h, 4 * NS_PER_SEC);
    assert_null(next(h, &f));
    harness_advance(h, 3 * NS_PER_SEC);
    answer(h, &f, "DECLINE", "decline", next(h, &f), ",\"filters\":{\"refuse_seconds\":3600}");
    assert_has(status(h), "DECLINE");
    assert_has_not(status(h), "ACCEPT");
    harness_advance(h, 50 * NS_PER_MIN);
    assert_null(next(h, &f));
    /* A new schedule asks anew, and what was answered before counts no more. */
    schedule(h, WINDOW);
    assert_has_not(status(h), "statuses");
    answer(h, &f, "DECLINE", "decline", next(h, &f), "");
    harness_gone(h, f.handle);
    assert_has(status(h), "DECLINE");
    harness_advance(h, 2 * NS_PER_SEC); /* its failover timeout: it is over */
    assert_has_not(status(h), "statuses");
    harness_free(h);
}

static void test_only_the_owner_answers_and_only_once(void **state)
{
    (void)state;
    struct scene_framework f;
    const char *agent_id;
    struct harness *h = scene(&f, &agent_id);
    struct scene_framework other = harness_subscribe(h, "");
    const char *id = next(h, &f);
    answer(h, &other, "ACCEPT", "accept", id, "");
    answer(h, &f, "ACCEPT", "accept", "nothing", "");
    assert_has_not(status(h), "statuses");
    assert_int_equal(h->master->inverse_offers.count, 1);
    answer(h, &f, "DECLINE", "decline", id, "");
    answer(h, &f, "ACCEPT", "accept", id, "");
    assert_has(status(h), "DECLINE");
    assert_has_not(status(h), "ACCEPT");
    harness_free(h);
}

static void test_it_is_rescinded_when_the_schedule_changes(void **state)
{
    (void)state;
    struct scene_framework f;
    const char *agent_id;
    struct harness *h = scene(&f, &agent_id);
    const char *first = next(h, &f);
    schedule(h, WINDOW);
    assert_has(harness_event(h, f.handle, "RESCIND_INVERSE_OFFER"), first);
    const char *second = next(h, &f);
    assert_string_not_equal(first, second);
    schedule(h, "");
    assert_has(harness_event(h, f.handle, "RESCIND_INVERSE_OFFER"), second);
    harness_advance(h, NS_PER_MIN);
    assert_null(next(h, &f));
    assert_int_equal(h->master->inverse_offers.count, 0);
    harness_free(h);
}

static void test_it_is_rescinded_when_the_agent_goes_and_offered_when_it_is_back(void **state)
{
    (void)state;
    struct scene_framework f;
    const char *agent_id;
    struct harness *h = harness_new(patient);
    f = harness_subscribe(h, ",\"checkpoint\":true");
    agent_id = harness_agent(h, AGENT);
    harness_launch(h, &f, "t");
    schedule(h, WINDOW);
    const char *id = next(h, &f);
    harness_exited(h, AGENT);
    assert_has(harness_event(h, f.handle, "RESCIND_INVERSE_OFFER"), id);
    harness_advance(h, 2 * NS_PER_SEC);
    assert_null(next(h, &f));
    harness_message(h, AGENT, "master", "ReregisterSlaveMessage",
                    arena_printf(&h->arena,
                                 "{\"slave\":{\"id\":{\"value\":\"%s\"},\"hostname\":\"host\","
                                 "\"checkpoint\":true},\"version\":\"1.12.0\"}",
                                 agent_id));
    harness_advance(h, 2 * NS_PER_SEC);
    assert_non_null(next(h, &f));
    harness_free(h);
}

static void test_it_vanishes_with_the_scheduler(void **state)
{
    (void)state;
    struct harness *h = harness_new(patient);
    struct scene_framework f = harness_subscribe(h, ",\"failover_timeout\":1000");
    harness_agent(h, AGENT);
    harness_launch(h, &f, "t");
    schedule(h, WINDOW);
    assert_non_null(next(h, &f));
    harness_gone(h, f.handle);
    assert_int_equal(h->master->inverse_offers.count, 0);
    harness_advance(h, 2 * NS_PER_SEC);
    assert_int_equal(h->master->inverse_offers.count, 0);
    f.handle = harness_call(
        h, NULL,
        arena_printf(
            &h->arena,
            "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"%s\"},\"subscribe\":"
            "{\"framework_info\":{\"user\":\"u\",\"name\":\"f\",\"id\":{\"value\":\"%s\"}}}}",
            f.id, f.id));
    harness_advance(h, NS_PER_SEC);
    assert_non_null(next(h, &f));
    harness_free(h);
}

static void test_it_times_out_as_offers_do(void **state)
{
    (void)state;
    struct harness *h = harness_new(with_timeout);
    struct scene_framework f = harness_subscribe(h, "");
    harness_agent(h, AGENT);
    harness_launch(h, &f, "t");
    schedule(h, WINDOW);
    const char *id = next(h, &f);
    harness_advance(h, NS_PER_MIN - 1);
    assert_null(harness_event(h, f.handle, "RESCIND_INVERSE_OFFER"));
    harness_advance(h, 1);
    assert_has(harness_event(h, f.handle, "RESCIND_INVERSE_OFFER"), id);
    harness_advance(h, 2 * NS_PER_SEC);
    assert_non_null(next(h, &f));
    harness_free(h);
}

static void test_drivers_get_messages(void **state)
{
    (void)state;
    struct harness *h = harness_new(patient);
    harness_message(h, DRIVER, "master", "RegisterFrameworkMessage",
                    "{\"framework\":{\"user\":\"u\",\"name\":\"v0\"}}");
    const char *id =
        harness_text(h, harness_take(h, DRIVER, "FrameworkRegisteredMessage"), "value");
    harness_agent(h, AGENT);
    /* What it is offered it holds, too. */
    assert_non_null(harness_take(h, DRIVER, "ResourceOffersMessage"));
    schedule(h, WINDOW);
    harness_advance(h, 2 * NS_PER_SEC);
    const char *asked = harness_take(h, DRIVER, "InverseOffersMessage");
    assert_has(asked, "\"pids\":[\"slave(1)@10.0.0.1:5051\"]");
    assert_has(asked, "\"slave_id\"");
    const char *offer_id = harness_text(h, strstr(asked, "\"id\":{"), "value");
    harness_v0_call(h, DRIVER,
                    arena_printf(&h->arena,
                                 "{\"type\":\"ACCEPT_INVERSE_OFFERS\",\"framework_id\":{\"value\":"
                                 "\"%s\"},\"accept_inverse_offers\":{\"inverse_offer_ids\":"
                                 "[{\"value\":\"%s\"}],\"filters\":{\"refuse_seconds\":0}}}",
                                 id, offer_id));
    assert_has(status(h), "ACCEPT");
    harness_advance(h, 2 * NS_PER_SEC);
    assert_non_null(harness_take(h, DRIVER, "InverseOffersMessage"));
    schedule(h, "");
    assert_non_null(harness_take(h, DRIVER, "RescindInverseOfferMessage"));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_holds_something_is_asked_once),
        cmocka_unit_test(test_the_last_answer_is_shown),
        cmocka_unit_test(test_only_the_owner_answers_and_only_once),
        cmocka_unit_test(test_it_is_rescinded_when_the_schedule_changes),
        cmocka_unit_test(test_it_is_rescinded_when_the_agent_goes_and_offered_when_it_is_back),
        cmocka_unit_test(test_it_vanishes_with_the_scheduler),
        cmocka_unit_test(test_it_times_out_as_offers_do),
        cmocka_unit_test(test_drivers_get_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
