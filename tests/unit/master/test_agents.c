/* Agents: registering, pings, broken links, becoming unreachable and gone, coming back. */
#include "harness.h"

#include "wire/cursor.h"
#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

#define PID "slave(1)@10.0.0.1:5051"
#define ANOTHER "slave(1)@10.0.0.2:5051"

static const char *reregistration(struct harness *h, const char *id, const char *tasks)
{
    return arena_printf(&h->arena,
                        "{\"slave\":{\"id\":{\"value\":\"%s\"},\"hostname\":\"host\","
                        "\"checkpoint\":true,\"resources\":[{\"name\":\"cpus\",\"type\":"
                        "\"SCALAR\",\"scalar\":{\"value\":4}},{\"name\":\"mem\",\"type\":"
                        "\"SCALAR\",\"scalar\":{\"value\":1024}}]},\"version\":\"1.12.0\","
                        "\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},{\"type\":"
                        "\"HIERARCHICAL_ROLE\"},{\"type\":\"RESERVATION_REFINEMENT\"},{\"type\":"
                        "\"RESOURCE_PROVIDER\"}]%s}",
                        id, tasks);
}

static const char *held(struct harness *h, const struct scene_framework *f, const char *agent_id,
                        const char *task_id)
{
    return arena_printf(&h->arena,
                        ",\"frameworks\":[{\"id\":{\"value\":\"%s\"},\"user\":\"u\",\"name\":"
                        "\"f\",\"checkpoint\":true}],\"tasks\":[{\"name\":\"t\",\"task_id\":"
                        "{\"value\":\"%s\"},\"framework_id\":{\"value\":\"%s\"},\"slave_id\":"
                        "{\"value\":\"%s\"},\"state\":\"TASK_RUNNING\",\"resources\":[{\"name\":"
                        "\"cpus\",\"type\":\"SCALAR\",\"scalar\":{\"value\":1},"
                        "\"allocation_info\":{\"role\":\"*\"}}]}]",
                        f->id, task_id, f->id, agent_id);
}

static void answer_ping(struct harness *h, const char *pid)
{
    if (harness_take(h, pid, "PingSlaveMessage") != NULL) {
        harness_message(h, pid, harness_sender(h), "PongSlaveMessage", "{}");
    }
}

static void test_a_registration_waits_for_the_registry(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    h->registry_is_held = true;
    static const char message[] = "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.0.0\"}";
    harness_message(h, PID, "master", "RegisterSlaveMessage", message);
    harness_message(h, PID, "master", "RegisterSlaveMessage", message); /* it asks again */
    assert_null(harness_take(h, PID, "SlaveRegisteredMessage"));
    assert_int_equal(h->master->registered_count, 0);
    harness_registry(h);
    const char *answer = harness_take(h, PID, "SlaveRegisteredMessage");
    assert_has(answer, "\"total_ping_timeout_seconds\":3.0");
    assert_null(harness_take(h, PID, "SlaveRegisteredMessage"));
    assert_int_equal(h->master->registered_count, 1);
    harness_free(h);
}

static void test_old_versions_are_not_answered(void **state)
{
    (void)state;
    static const char *const versions[] = {"0.28.1", "1", "1.2", "1.2.x", "01.2.3", "", "1.2.3 "};
    struct harness *h = harness_new(NULL);
    for (size_t i = 0; i < ELEMENTS(versions); i++) {
        harness_message(h, PID, "master", "RegisterSlaveMessage",
                        arena_printf(&h->arena,
                                     "{\"slave\":{\"hostname\":\"h\"},\"version\":\"%s\"}",
                                     versions[i]));
        assert_int_equal(h->master->agents.count, 0);
    }
    harness_message(h, PID, "master", "RegisterSlaveMessage",
                    "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.12.0-dev.3+x\"}");
    assert_non_null(harness_take(h, PID, "SlaveRegisteredMessage"));
    harness_free(h);
}

static void test_a_pong_keeps_an_agent_and_silence_does_not(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    assert_has(harness_take(h, PID, "PingSlaveMessage"), "\"connected\":true");
    const char *observer = arena_strdup(&h->arena, harness_sender(h));
    for (int i = 0; i < 10; i++) {
        harness_message(h, PID, observer, "PongSlaveMessage", "{}");
        harness_advance(h, NS_PER_SEC);
    }
    assert_int_equal(h->master->registered_count, 1);
    /* Only the agent's own answers count, and only those to its observer. */
    for (int i = 0; i < 2; i++) {
        harness_message(h, ANOTHER, observer, "PongSlaveMessage", "{}");
        harness_message(h, PID, "slave-observer(99)", "PongSlaveMessage", "{}");
        harness_advance(h, NS_PER_SEC);
    }
    assert_int_equal(h->master->registered_count, 1);
    harness_advance(h, NS_PER_SEC);
    assert_int_equal(h->master->registered_count, 0);
    assert_int_equal(h->master->unreachable_count, 1);
    assert_non_null(master_find_departed(h->master, slice_from(id)));
    harness_free(h);
}

/* It was away for two pings, and the third was out when it came back. */
static void test_a_ping_to_the_process_before_does_not_count(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    harness_exited(h, PID);
    harness_advance(h, 2 * NS_PER_SEC + NS_PER_SEC / 2);
    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, id, ""));
    harness_forget(h);
    harness_advance(h, NS_PER_SEC);
    assert_int_equal(h->master->registered_count, 1);
    answer_ping(h, PID);
    for (int i = 0; i < 3; i++) {
        harness_advance(h, NS_PER_SEC);
        assert_int_equal(h->master->registered_count, 1);
    }
    /* The pong began a new count of three. */
    harness_advance(h, NS_PER_SEC);
    assert_int_equal(h->master->unreachable_count, 1);
    harness_free(h);
}

static void test_who_only_comes_and_goes_becomes_unreachable(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    for (int i = 0; i < 3; i++) {
        harness_exited(h, PID);
        harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, id, ""));
        harness_advance(h, NS_PER_SEC);
        assert_int_equal(h->master->registered_count, 1);
        harness_advance(h, NS_PER_SEC);
    }
    assert_int_equal(h->master->unreachable_count, 1);
    harness_free(h);
}

static void test_nothing_of_an_agent_is_lost_before_the_registry_has_it(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"checkpoint\":true");
    harness_launch(h, &f, "t");
    harness_forget(h);
    h->registry_is_held = true;
    harness_advance(h, 10 * NS_PER_SEC);
    assert_null(harness_event(h, f.handle, "UPDATE"));
    assert_int_equal(h->master->registered_count, 1);
    /* It comes back in the meantime: it is not heard until that is settled. */
    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, id, ""));
    assert_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    harness_registry(h);
    const char *update = harness_event(h, f.handle, "UPDATE");
    assert_has(update, "TASK_LOST");
    assert_has(update, "REASON_AGENT_REMOVED");
    assert_has(update, "\"unreachable_time\"");
    assert_has(harness_event(h, f.handle, "FAILURE"), id);
    harness_free(h);
}

static void test_an_unreachable_agent_brings_its_tasks_back(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(
        h, ",\"checkpoint\":true,\"capabilities\":[{\"type\":\"PARTITION_AWARE\"}]");
    harness_launch(h, &f, "t");
    harness_advance(h, 10 * NS_PER_SEC);
    assert_has(harness_event(h, f.handle, "UPDATE"), "TASK_UNREACHABLE");
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 1);
    assert_int_equal(quantities_get(&h->master->used, RESOURCE_NAME_CPUS), 0);

    harness_message(h, PID, "master", "ReregisterSlaveMessage",
                    reregistration(h, id, held(h, &f, id, "t")));
    assert_non_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    const char *update = harness_event(h, f.handle, "UPDATE");
    assert_has(update, "TASK_RUNNING");
    assert_has(update, "REASON_AGENT_REREGISTERED");
    assert_has_not(update, "\"uuid\"");
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 0);
    assert_int_equal(h->master->task_counts[TASK_STATE_RUNNING], 1);
    assert_int_equal(quantities_get(&h->master->used, RESOURCE_NAME_CPUS), 1000);
    assert_int_equal(h->master->unreachable_count, 0);
    harness_free(h);
}

/* Its re-registration is older than a launch that the network held back. */
static void test_a_launch_that_an_unreachable_agent_never_answered_is_killed(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(
        h, ",\"checkpoint\":true,\"capabilities\":[{\"type\":\"PARTITION_AWARE\"}]");
    harness_launch(h, &f, "answered");
    harness_update(h, PID, id, &f, "answered", "TASK_RUNNING", 'a');
    harness_launch(h, &f, "unheard");
    harness_advance(h, 10 * NS_PER_SEC);
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 2);
    harness_forget(h);

    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, id, ""));
    harness_registry(h);
    assert_non_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    assert_has(harness_take(h, PID, "KillTaskMessage"), "\"unheard\"");
    assert_null(harness_take(h, PID, "KillTaskMessage"));
    /* What it does not have is not known any more. */
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 0);
    assert_int_equal(h->master->unreachable_count, 0);
    harness_free(h);
}

static void test_a_broken_link_ends_tasks_that_are_not_checkpointed(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework saved = harness_subscribe(h, ",\"checkpoint\":true");
    harness_launch(h, &saved, "saved");
    struct scene_framework unsaved = harness_subscribe(h, "");
    harness_launch(h, &unsaved, "unsaved");
    harness_advance(h, NS_PER_SEC / 2);
    const char *offer = harness_event(h, saved.handle, "OFFERS");
    harness_exited(h, PID);
    assert_has(harness_event(h, unsaved.handle, "UPDATE"), "REASON_AGENT_DISCONNECTED");
    assert_null(harness_event(h, saved.handle, "UPDATE"));
    (void)offer;
    assert_int_equal(h->master->offers.count, 0);
    harness_exited(h, PID); /* told twice */
    harness_advance(h, NS_PER_SEC);
    const char *ping;
    while ((ping = harness_take(h, PID, "PingSlaveMessage")) != NULL &&
           strstr(ping, "true") != NULL) {
    }
    assert_has(ping, "\"connected\":false");
    harness_message(h, PID, "master", "ReregisterSlaveMessage",
                    reregistration(h, id, held(h, &saved, id, "saved")));
    const char *answer = harness_take(h, PID, "SlaveReregisteredMessage");
    assert_has_not(answer, "reconciliations");
    assert_int_equal(h->master->connected_count, 1);
    harness_free(h);
}

/* Only the connection broke, the agent runs the task on; but the framework was told that it is
 * lost. */
static void test_a_task_that_was_given_up_is_killed_when_its_agent_is_back(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    harness_exited(h, PID);
    assert_has(harness_event(h, f.handle, "UPDATE"), "REASON_AGENT_DISCONNECTED");
    harness_message(h, PID, "master", "ReregisterSlaveMessage",
                    reregistration(h, id, held(h, &f, id, "t")));
    assert_non_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    assert_has(harness_take(h, PID, "KillTaskMessage"), "\"t\"");
    harness_free(h);
}

static void test_tasks_that_the_agent_does_not_list_are_asked_for(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"checkpoint\":true");
    harness_launch(h, &f, "listed");
    harness_launch(h, &f, "missing");
    harness_message(h, PID, "master", "ReregisterSlaveMessage",
                    reregistration(h, id, held(h, &f, id, "listed")));
    const char *answer = harness_take(h, PID, "SlaveReregisteredMessage");
    assert_has(answer, "\"missing\"");
    assert_has_not(answer, "\"listed\"");
    assert_has(harness_take(h, PID, "UpdateFrameworkMessage"), f.id);
    harness_free(h);
}

static void test_a_kill_is_repeated_when_the_agent_is_back(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"checkpoint\":true");
    harness_launch(h, &f, "t");
    harness_exited(h, PID);
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"KILL\",\"framework_id\":{\"value\":\"%s\"},\"kill\":"
                              "{\"task_id\":{\"value\":\"t\"}}}",
                              f.id));
    assert_null(harness_take(h, PID, "KillTaskMessage"));
    harness_message(h, PID, "master", "ReregisterSlaveMessage",
                    reregistration(h, id, held(h, &f, id, "t")));
    assert_has(harness_take(h, PID, "KillTaskMessage"), "\"t\"");
    harness_free(h);
}

static void limit_removals(struct master_options *options)
{
    options->agent_removal_count = 2;
    options->agent_removal_interval_ns = NS_PER_MIN;
}

static void test_removals_keep_to_their_rate(void **state)
{
    (void)state;
    struct harness *h = harness_new(limit_removals);
    for (int i = 1; i <= 4; i++) {
        harness_agent(h, arena_printf(&h->arena, "slave(1)@10.0.0.%d:5051", i));
    }
    harness_forget(h);
    harness_advance(h, 4 * NS_PER_SEC);
    assert_int_equal(h->master->unreachable_count, 1); /* one at once */
    harness_advance(h, 25 * NS_PER_SEC);
    assert_int_equal(h->master->unreachable_count, 1);
    harness_advance(h, 5 * NS_PER_SEC);
    assert_int_equal(h->master->unreachable_count, 2); /* and one every 30 s */
    /* An answer saves one that waits. */
    answer_ping(h, "slave(1)@10.0.0.3:5051");
    answer_ping(h, "slave(1)@10.0.0.4:5051");
    assert_true(list_is_empty(&h->master->removals));
    assert_int_equal(h->master->registered_count, 2);
    harness_free(h);
}

static void test_who_is_gone_is_shut_down(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(
        h, ",\"checkpoint\":true,\"capabilities\":[{\"type\":\"PARTITION_AWARE\"}]");
    harness_launch(h, &f, "t");
    const char *call = arena_printf(&h->arena,
                                    "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":"
                                    "{\"agent_id\":{\"value\":\"%s\"}}}",
                                    id);
    h->registry_is_held = true;
    uint64_t handle =
        harness_request(h, "POST", "/master/api/v1", "Content-Type: application/json", call);
    assert_int_equal(harness_status(h, handle), -1);
    uint64_t second =
        harness_request(h, "POST", "/master/api/v1", "Content-Type: application/json", call);
    assert_int_equal(harness_status(h, second), 503);
    harness_registry(h);
    h->registry_is_held = false;
    assert_int_equal(harness_status(h, handle), 200);
    assert_non_null(harness_take(h, PID, "ShutdownMessage"));
    assert_has(harness_event(h, f.handle, "UPDATE"), "TASK_GONE_BY_OPERATOR");
    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, id, ""));
    assert_non_null(harness_take(h, PID, "ShutdownMessage"));
    assert_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    uint64_t unknown = harness_request(
        h, "POST", "/master/api/v1", "Content-Type: application/json",
        "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":{\"agent_id\":{\"value\":\"x\"}}}");
    assert_int_equal(harness_status(h, unknown), 404);
    harness_free(h);
}

static void test_tasks_of_an_unreachable_agent_go_with_it(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(
        h, ",\"checkpoint\":true,\"capabilities\":[{\"type\":\"PARTITION_AWARE\"}]");
    harness_launch(h, &f, "t");
    harness_advance(h, 10 * NS_PER_SEC);
    harness_forget(h);
    harness_request(h, "POST", "/master/api/v1", "Content-Type: application/json",
                    arena_printf(&h->arena,
                                 "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":"
                                 "{\"agent_id\":{\"value\":\"%s\"}}}",
                                 id));
    const char *update = harness_event(h, f.handle, "UPDATE");
    assert_has(update, "TASK_GONE_BY_OPERATOR");
    assert_has(update, "REASON_AGENT_REMOVED_BY_OPERATOR");
    assert_int_equal(h->master->unreachable_count, 0);
    assert_int_equal(h->master->gone_count, 1);
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 0);
    harness_free(h);
}

/* A registry as an earlier master left it, with that many agents. */
static struct harness *after_failover(void (*change)(struct master_options *options), int agents)
{
    struct harness *h = harness_new_follower(change);
    struct registry_ops ops;
    struct registry_op *op;
    registry_ops_init(&ops);
    for (int i = 0; i < agents; i++) {
        const char *id = arena_printf(&h->arena, "old-S%d", i);
        registry_ask(&ops, REGISTRY_ADMIT_AGENT, 0, blob_from(slice_from(id)),
                     blob_from(SLICE("")));
    }
    while ((op = registry_ops_pop(&ops)) != NULL) {
        registry_memory_put(h->registry, op);
    }
    harness_registry(h);
    harness_elect(h);
    assert_int_equal(h->master->recovered_count, agents);
    return h;
}

static void test_agents_of_the_registry_are_expected_back(void **state)
{
    (void)state;
    struct harness *h = after_failover(NULL, 2);
    struct scene_framework f = harness_subscribe(h, "");
    /* Of tasks on agents that are not back nothing is said yet. */
    static const char ask[] =
        "{\"type\":\"RECONCILE\",\"framework_id\":{\"value\":\"%s\"},\"reconcile\":{\"tasks\":"
        "[{\"task_id\":{\"value\":\"t\"}%s}]}}";
    harness_call(h, f.stream_id, arena_printf(&h->arena, ask, f.id, ""));
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena, ask, f.id, ",\"agent_id\":{\"value\":\"old-S1\"}"));
    assert_null(harness_event(h, f.handle, "UPDATE"));

    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, "old-S0", ""));
    assert_non_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    assert_int_equal(h->master->recovered_count, 1);
    for (int i = 0; i < 601; i++) {
        answer_ping(h, PID);
        harness_advance(h, NS_PER_SEC);
    }
    assert_false(h->exits);
    assert_int_equal(h->master->recovered_count, 0);
    assert_int_equal(h->master->unreachable_count, 1);
    assert_int_equal(h->master->registered_count, 1);
    assert_has(harness_event(h, f.handle, "FAILURE"), "old-S1");
    harness_free(h);
}

static void half(struct master_options *options)
{
    options->recovery_agent_removal_permille = 500;
}

static void test_the_master_ends_if_too_many_do_not_come_back(void **state)
{
    (void)state;
    struct harness *h = after_failover(half, 4);
    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, "old-S0", ""));
    for (int i = 0; i < 601; i++) {
        answer_ping(h, PID);
        harness_advance(h, NS_PER_SEC);
    }
    assert_true(h->exits);
    assert_has(h->exit_reason.text, "3 of 4");
    harness_free(h);
}

static void test_half_of_them_is_still_allowed(void **state)
{
    (void)state;
    struct harness *h = after_failover(half, 2);
    harness_message(h, PID, "master", "ReregisterSlaveMessage", reregistration(h, "old-S0", ""));
    for (int i = 0; i < 601; i++) {
        answer_ping(h, PID);
        harness_advance(h, NS_PER_SEC);
    }
    assert_false(h->exits);
    assert_int_equal(h->master->unreachable_count, 1);
    harness_free(h);
}

static void few(struct master_options *options)
{
    options->registry_max_agent_count = 2;
    options->registry_max_agent_age_ns = 2 * NS_PER_HOUR;
}

static void test_old_unreachable_agents_are_forgotten(void **state)
{
    (void)state;
    struct harness *h = harness_new(few);
    const char *first = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(
        h, ",\"checkpoint\":true,\"capabilities\":[{\"type\":\"PARTITION_AWARE\"}]");
    harness_launch(h, &f, "t");
    harness_advance(h, 10 * NS_PER_SEC);
    for (int i = 2; i <= 3; i++) {
        harness_agent(h, arena_printf(&h->arena, "slave(1)@10.0.0.%d:5051", i));
        harness_advance(h, 10 * NS_PER_SEC);
    }
    assert_int_equal(h->master->unreachable_count, 3);
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 1);
    harness_advance(h, 15 * NS_PER_MIN);
    assert_int_equal(h->master->unreachable_count, 2);
    assert_null(master_find_departed(h->master, slice_from(first)));
    assert_int_equal(h->master->task_counts[TASK_STATE_UNREACHABLE], 0);
    harness_advance(h, NS_PER_HOUR);
    assert_int_equal(h->master->unreachable_count, 2);
    harness_advance(h, NS_PER_HOUR);
    assert_int_equal(h->master->unreachable_count, 0);
    harness_free(h);
}

static void none_is_kept(struct master_options *options)
{
    options->registry_max_agent_count = 0;
}

static uint64_t mark_gone(struct harness *h, const char *id)
{
    return harness_request(h, "POST", "/master/api/v1", "Content-Type: application/json",
                           arena_printf(&h->arena,
                                        "{\"type\":\"MARK_AGENT_GONE\",\"mark_agent_gone\":"
                                        "{\"agent_id\":{\"value\":\"%s\"}}}",
                                        id));
}

/* Nobody is told that an agent is gone which then may come back. */
static void test_who_is_forgotten_first_is_not_gone(void **state)
{
    (void)state;
    struct harness *h = harness_new(none_is_kept);
    const char *id = harness_agent(h, PID);
    harness_advance(h, 10 * NS_PER_SEC);
    assert_int_equal(h->master->unreachable_count, 1);
    h->registry_is_held = true;
    harness_advance(h, 15 * NS_PER_MIN);
    uint64_t handle = mark_gone(h, id);
    harness_registry(h);
    assert_int_equal(harness_status(h, handle), 404);
    assert_int_equal(h->master->unreachable_count, 0);
    assert_int_equal(h->master->gone_count, 0);
    harness_free(h);
}

static void test_who_is_being_marked_gone_is_not_forgotten(void **state)
{
    (void)state;
    struct harness *h = harness_new(none_is_kept);
    const char *id = harness_agent(h, PID);
    harness_advance(h, 10 * NS_PER_SEC);
    h->registry_is_held = true;
    uint64_t handle = mark_gone(h, id);
    harness_advance(h, 15 * NS_PER_MIN);
    harness_registry(h);
    assert_int_equal(harness_status(h, handle), 200);
    assert_int_equal(h->master->gone_count, 1);
    harness_free(h);
}

static void test_an_agent_that_leaves_is_removed(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    const char *message = arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}}", id);
    harness_message(h, ANOTHER, "master", "UnregisterSlaveMessage", message);
    assert_int_equal(h->master->registered_count, 1);
    harness_message(h, PID, "master", "UnregisterSlaveMessage", message);
    assert_int_equal(h->master->registered_count, 0);
    assert_int_equal(h->master->unreachable_count, 0);
    harness_free(h);
}

static void with_domain(struct master_options *options)
{
    static const char encoded[] = "\x0a\x0a\x0a\x03\x0a\x01r\x12\x03\x0a\x01z";
    options->domain = slice_make(encoded, sizeof(encoded) - 1);
    options->require_agent_domain = true;
}

static void test_domains_are_for_masters_that_have_one(void **state)
{
    (void)state;
    static const char plain[] = "{\"slave\":{\"hostname\":\"h\"},\"version\":\"1.0.0\"}";
    static const char placed[] =
        "{\"slave\":{\"hostname\":\"h\",\"domain\":{\"fault_domain\":{\"region\":{\"name\":\"r\"},"
        "\"zone\":{\"name\":\"y\"}}}},\"version\":\"1.0.0\"}";
    struct harness *h = harness_new(NULL);
    harness_message(h, PID, "master", "RegisterSlaveMessage", placed);
    assert_null(harness_take(h, PID, "SlaveRegisteredMessage"));
    harness_free(h);

    h = harness_new(with_domain);
    harness_message(h, PID, "master", "RegisterSlaveMessage", plain);
    assert_null(harness_take(h, PID, "SlaveRegisteredMessage"));
    harness_message(h, PID, "master", "RegisterSlaveMessage", placed);
    assert_non_null(harness_take(h, PID, "SlaveRegisteredMessage"));
    harness_free(h);
}

/* It was removed with its tasks, and comes back: what was completed with it is no past any more. */
static void test_a_task_that_comes_back_leaves_the_history(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *id = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"checkpoint\":true");
    harness_launch(h, &f, "back");
    harness_launch(h, &f, "away");
    harness_message(h, PID, "master", "UnregisterSlaveMessage",
                    arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}}", id));
    assert_int_equal(h->master->task_records.count, 2);
    harness_message(h, PID, "master", "ReregisterSlaveMessage",
                    reregistration(h, id, held(h, &f, id, "back")));
    assert_non_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    assert_int_equal(h->master->task_records.count, 2);
    struct slice tasks = harness_body(h, harness_request(h, "GET", "/master/tasks", NULL, ""));
    const char *text = arena_strndup(&h->arena, tasks.data, tasks.size);
    assert_has(text, "TASK_RUNNING");
    assert_has(text, "\"away\"");
    assert_has(text, "TASK_LOST");
    const char *back = strstr(text, "\"id\":\"back\"");
    assert_non_null(back);
    assert_null(strstr(back + 1, "\"id\":\"back\""));
    harness_free(h);
}

/* A nested message may come in pieces, of which the last says nothing: here, who the executor is.
 */
static void test_a_task_may_come_back_in_pieces(void **state)
{
    (void)state;
    enum { RETURN_TASKS = 3, TASK_EXECUTOR = 4 };
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    const char *id = "another-master-S1";
    const char *json = arena_printf(
        &h->arena,
        "{\"name\":\"t\",\"task_id\":{\"value\":\"t1\"},\"framework_id\":{\"value\":\"%s\"},"
        "\"executor_id\":{\"value\":\"e\"},\"slave_id\":{\"value\":\"%s\"},\"state\":"
        "\"TASK_STAGING\"}",
        f.id, id);
    ProtobufCMessage *task;
    assert_int_equal(json_parse_message(&pb__task__descriptor, slice_from(json), JSON_V0, &h->arena,
                                        &task, NULL),
                     0);
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    const char *frameworks = arena_printf(
        &h->arena, ",\"frameworks\":[{\"id\":{\"value\":\"%s\"},\"user\":\"u\",\"name\":\"f\"}]",
        f.id);
    buf_append_slice(
        &bytes, harness_encode(h, "ReregisterSlaveMessage", reregistration(h, id, frameworks)));
    size_t begun = wire_begin(&bytes, RETURN_TASKS);
    buf_append_slice(&bytes, message_encode_arena(task, &h->arena));
    wire_put_bytes(&bytes, TASK_EXECUTOR, SLICE(""));
    wire_end(&bytes, begun);
    harness_message_bytes(h, PID, "master", "ReregisterSlaveMessage", buf_slice(&bytes));
    assert_non_null(harness_take(h, PID, "SlaveReregisteredMessage"));
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"executor_id\":{\"value\":\"e\"}");
    harness_message(h, PID, "master", "UnregisterSlaveMessage",
                    arena_printf(&h->arena, "{\"slave_id\":{\"value\":\"%s\"}}", id));
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"executor_id\":{\"value\":\"e\"}");
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_registration_waits_for_the_registry),
        cmocka_unit_test(test_old_versions_are_not_answered),
        cmocka_unit_test(test_a_pong_keeps_an_agent_and_silence_does_not),
        cmocka_unit_test(test_a_ping_to_the_process_before_does_not_count),
        cmocka_unit_test(test_who_only_comes_and_goes_becomes_unreachable),
        cmocka_unit_test(test_nothing_of_an_agent_is_lost_before_the_registry_has_it),
        cmocka_unit_test(test_an_unreachable_agent_brings_its_tasks_back),
        cmocka_unit_test(test_a_launch_that_an_unreachable_agent_never_answered_is_killed),
        cmocka_unit_test(test_a_broken_link_ends_tasks_that_are_not_checkpointed),
        cmocka_unit_test(test_a_task_that_was_given_up_is_killed_when_its_agent_is_back),
        cmocka_unit_test(test_tasks_that_the_agent_does_not_list_are_asked_for),
        cmocka_unit_test(test_a_kill_is_repeated_when_the_agent_is_back),
        cmocka_unit_test(test_removals_keep_to_their_rate),
        cmocka_unit_test(test_who_is_gone_is_shut_down),
        cmocka_unit_test(test_tasks_of_an_unreachable_agent_go_with_it),
        cmocka_unit_test(test_agents_of_the_registry_are_expected_back),
        cmocka_unit_test(test_the_master_ends_if_too_many_do_not_come_back),
        cmocka_unit_test(test_half_of_them_is_still_allowed),
        cmocka_unit_test(test_old_unreachable_agents_are_forgotten),
        cmocka_unit_test(test_who_is_forgotten_first_is_not_gone),
        cmocka_unit_test(test_who_is_being_marked_gone_is_not_forgotten),
        cmocka_unit_test(test_an_agent_that_leaves_is_removed),
        cmocka_unit_test(test_domains_are_for_masters_that_have_one),
        cmocka_unit_test(test_a_task_that_comes_back_leaves_the_history),
        cmocka_unit_test(test_a_task_may_come_back_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
