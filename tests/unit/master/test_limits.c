/* What peers drive has a limit: what is at it is taken, what is one over is not. */
#include "harness.h"

#include "master/framework.h"
#include "master/reregister.h"
#include "master/validate.h"

#define PID "slave(1)@10.0.0.1:5051"

static void few(struct master_options *options)
{
    options->max_agents = 2;
    options->max_frameworks = 2;
}

static void test_frameworks(void **state)
{
    (void)state;
    struct harness *h = harness_new(few);
    struct scene_framework first = harness_subscribe(h, "");
    harness_subscribe(h, "");
    static const char third[] = "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":"
                                "{\"user\":\"u\",\"name\":\"n\",\"roles\":[\"*\"],"
                                "\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]}}}";
    uint64_t call = harness_call(h, NULL, third);
    assert_int_equal(harness_status(h, call), 200);
    assert_has(harness_event(h, call, "ERROR"), "too many frameworks");
    assert_int_equal(h->master->running_count, 2);

    /* One that is known may come again, and one that ends makes room. */
    call = harness_call(h, NULL,
                        arena_printf(&h->arena,
                                     "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"%s\"},"
                                     "\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":"
                                     "\"n\",\"id\":{\"value\":\"%s\"},\"roles\":[\"*\"],"
                                     "\"capabilities\":[{\"type\":\"MULTI_ROLE\"}]}}}",
                                     first.id, first.id));
    assert_non_null(harness_event(h, call, "SUBSCRIBED"));
    const char *stream_id = harness_header(h, call, "Mesos-Stream-Id");
    call = harness_call(h, stream_id,
                        arena_printf(&h->arena,
                                     "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}",
                                     first.id));
    assert_int_equal(harness_status(h, call), 202);
    call = harness_call(h, NULL, third);
    assert_non_null(harness_event(h, call, "SUBSCRIBED"));
    harness_free(h);
}

static void test_agents(void **state)
{
    (void)state;
    struct harness *h = harness_new(few);
    harness_agent(h, PID);
    harness_agent(h, "slave(1)@10.0.0.2:5051");
    harness_message(h, "slave(1)@10.0.0.3:5051", "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.12.0\"}");
    harness_message(h, "slave(1)@10.0.0.4:5051", "master", "ReregisterSlaveMessage",
                    "{\"slave\":{\"id\":{\"value\":\"old-S1\"},\"hostname\":\"h\"},"
                    "\"version\":\"1.12.0\"}");
    assert_int_equal(h->master->agents.count, 2);
    assert_null(harness_take(h, "slave(1)@10.0.0.3:5051", "SlaveRegisteredMessage"));
    assert_null(harness_take(h, "slave(1)@10.0.0.4:5051", "SlaveReregisteredMessage"));
    harness_free(h);
}

/* An agent comes back with so many frameworks; whether it was let in. */
static bool comes_back(size_t frameworks, size_t executors)
{
    struct harness *h = harness_new(NULL);
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    buf_printf(&json, "{\"slave\":{\"id\":{\"value\":\"old-S1\"},\"hostname\":\"h\"},"
                      "\"version\":\"1.12.0\",\"frameworks\":[");
    for (size_t i = 0; i < frameworks; i++) {
        buf_printf(&json, "%s{\"id\":{\"value\":\"f%zu\"},\"user\":\"u\",\"name\":\"n\"}",
                   i > 0 ? "," : "", i);
    }
    buf_printf(&json, "],\"executor_infos\":[");
    for (size_t i = 0; i < executors; i++) {
        buf_printf(&json,
                   "%s{\"executor_id\":{\"value\":\"e%zu\"},\"framework_id\":{\"value\":"
                   "\"f0\"},\"command\":{\"value\":\"true\"}}",
                   i > 0 ? "," : "", i);
    }
    buf_printf(&json, "]}");
    harness_message(h, PID, "master", "ReregisterSlaveMessage", buf_text(&json));
    bool in = harness_take(h, PID, "SlaveReregisteredMessage") != NULL;
    assert_int_equal(h->master->running_count, in ? frameworks : 0);
    harness_free(h);
    return in;
}

static void test_what_an_agent_brings_back(void **state)
{
    (void)state;
    assert_true(comes_back(REREGISTER_FRAMEWORKS_MAX, 0));
    assert_false(comes_back(REREGISTER_FRAMEWORKS_MAX + 1, 0));
    assert_true(comes_back(1, REREGISTER_EXECUTORS_MAX));
    assert_false(comes_back(1, REREGISTER_EXECUTORS_MAX + 1));
}

/* Launches a group of so many tasks; whether it was sent to the agent. */
static bool launches_group(size_t tasks)
{
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    harness_message(h, PID, "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"h\",\"resources\":["
                    "{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":4}},"
                    "{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1024}},"
                    "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1024}}]},"
                    "\"version\":\"1.12.0\",\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"}]}");
    const char *agent_id = harness_text(h, harness_take(h, PID, "SlaveRegisteredMessage"), "value");
    harness_advance(h, 200 * NS_PER_MS);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    assert_non_null(offers);
    const char *offer = harness_text(h, strstr(offers, "\"id\":{"), "value");
    CLEANUP(buf_deinit) struct buf json = BUF_INIT;
    buf_printf(&json,
               "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},\"accept\":"
               "{\"offer_ids\":[{\"value\":\"%s\"}],\"operations\":[{\"type\":"
               "\"LAUNCH_GROUP\",\"launch_group\":{\"executor\":{\"type\":\"DEFAULT\","
               "\"executor_id\":{\"value\":\"e\"},\"framework_id\":{\"value\":\"%s\"},"
               "\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":"
               "0.1}},{\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":32}},"
               "{\"name\":\"disk\",\"type\":\"SCALAR\",\"scalar\":{\"value\":32}}]},"
               "\"task_group\":{\"tasks\":[",
               f.id, offer, f.id);
    for (size_t i = 0; i < tasks; i++) {
        buf_printf(&json,
                   "%s{\"name\":\"t\",\"task_id\":{\"value\":\"t%zu\"},\"agent_id\":"
                   "{\"value\":\"%s\"},\"command\":{\"value\":\"true\"},\"resources\":[{"
                   "\"name\":\"mem\",\"type\":\"SCALAR\",\"scalar\":{\"value\":0.01}}]}",
                   i > 0 ? "," : "", i, agent_id);
    }
    buf_printf(&json, "]}}}]}}");
    uint64_t call = harness_call(h, f.stream_id, buf_text(&json));
    assert_int_equal(harness_status(h, call), 202);
    bool sent = harness_take(h, PID, "RunTaskGroupMessage") != NULL;
    if (!sent) {
        assert_has(harness_event(h, f.handle, "UPDATE"), "too many tasks");
    }
    harness_free(h);
    return sent;
}

static void test_tasks_of_a_group(void **state)
{
    (void)state;
    assert_true(launches_group(VALIDATE_GROUP_TASKS_MAX));
    assert_false(launches_group(VALIDATE_GROUP_TASKS_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frameworks),
        cmocka_unit_test(test_agents),
        cmocka_unit_test(test_what_an_agent_brings_back),
        cmocka_unit_test(test_tasks_of_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
