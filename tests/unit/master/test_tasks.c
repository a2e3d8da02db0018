/* Tasks: launched, updated, acknowledged, reconciled; offers and their resources. */
#include "harness.h"

#include "wire/cursor.h"
#include "wire/message.h"
#include "wire/pb.h"

#define PID "slave(1)@10.0.0.1:5051"

static int64_t used_cpus(const struct harness *h)
{
    return quantities_get(&h->master->used, RESOURCE_NAME_CPUS);
}

static const struct task *find(struct harness *h, const struct scene_framework *f, const char *id)
{
    return master_find_task(master_find_framework(h->master, slice_from(f->id)), slice_from(id));
}

static void reconcile(struct harness *h, const struct scene_framework *f, const char *tasks)
{
    harness_call(h, f->stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"RECONCILE\",\"framework_id\":{\"value\":\"%s\"},"
                              "\"reconcile\":{\"tasks\":[%s]}}",
                              f->id, tasks));
}

static void test_a_task_from_offer_to_acknowledgement(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    const char *run = harness_take(h, PID, "RunTaskMessage");
    assert_has(run, "\"allocation_info\":{\"role\":\"*\"}");
    assert_has(run, "\"launch_executor\":true");
    assert_has(run, "\"pid\":\"@0.0.0.0:0\"");
    assert_int_equal(used_cpus(h), 1000);
    assert_int_equal(h->master->task_counts[TASK_STATE_STAGING], 1);

    harness_update(h, PID, agent, &f, "t", "TASK_RUNNING", 'a');
    const char *update = harness_event(h, f.handle, "UPDATE");
    assert_has(update, "\"state\":\"TASK_RUNNING\"");
    assert_has(update, "\"uuid\":\"YWFhYWFhYWFhYWFhYWFhYQ==\"");
    assert_has(update, "\"data\":\"AAAA\"");
    assert_null(harness_take(h, PID, "StatusUpdateAcknowledgementMessage"));
    harness_acknowledge(h, &f, agent, "t", 'a');
    assert_has(harness_take(h, PID, "StatusUpdateAcknowledgementMessage"),
               "YWFhYWFhYWFhYWFhYWFhYQ==");

    harness_update(h, PID, agent, &f, "t", "TASK_FINISHED", 'b');
    assert_int_equal(used_cpus(h), 0); /* at the update, not at its acknowledgement */
    assert_non_null(find(h, &f, "t"));
    harness_acknowledge(h, &f, agent, "t", 'x'); /* of another update */
    assert_non_null(find(h, &f, "t"));
    harness_acknowledge(h, &f, agent, "t", 'b');
    assert_null(find(h, &f, "t"));
    assert_int_equal(h->master->task_counts[TASK_STATE_FINISHED], 0);
    harness_free(h);
}

static void test_data_is_passed_on_but_not_kept(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    harness_update(h, PID, agent, &f, "t", "TASK_STARTING", 'a');
    harness_update(h, PID, agent, &f, "t", "TASK_RUNNING", 'b');
    harness_update(h, PID, agent, &f, "t", "TASK_RUNNING", 'c'); /* replaces the one before */
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    Pb__Task *task;
    master_task_encode(find(h, &f, "t")->record, &bytes);
    assert_int_equal(MESSAGE_DECODE(Pb__Task, pb__task, buf_slice(&bytes), &h->arena, &task, NULL),
                     0);
    assert_int_equal(task->n_statuses, 2);
    assert_false(task->statuses[0]->has_data);
    assert_false(task->statuses[1]->has_data);
    assert_int_equal(task->statuses[1]->uuid.data[0], 'c');
    assert_int_equal(task->status_update_state, PB__TASK_STATE__TASK_RUNNING);
    assert_string_equal(task->framework_id->value, f.id);
    assert_string_equal(task->agent_id->value, agent);
    harness_free(h);
}

static void test_a_terminal_state_does_not_change_any_more(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    harness_update(h, PID, agent, &f, "t", "TASK_FAILED", 'a');
    harness_update(h, PID, agent, &f, "t", "TASK_RUNNING", 'b');
    assert_int_equal(find(h, &f, "t")->record->state, TASK_STATE_FAILED);
    assert_int_equal(used_cpus(h), 0);
    harness_free(h);
}

static void test_reconciliation_tells_what_was_sent_last(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"failover_timeout\":1000");
    harness_launch(h, &f, "t");
    harness_update(h, PID, agent, &f, "t", "TASK_STARTING", 'a');
    harness_forget(h);
    reconcile(h, &f, "");
    const char *update = harness_event(h, f.handle, "UPDATE");
    assert_has(update, "TASK_STARTING");
    assert_has(update, "REASON_RECONCILIATION");
    assert_has_not(update, "\"uuid\"");
    reconcile(h, &f, "{\"task_id\":{\"value\":\"t\"}},{\"task_id\":{\"value\":\"u\"}}");
    assert_has(harness_event(h, f.handle, "UPDATE"), "TASK_STARTING");
    assert_has(harness_event(h, f.handle, "UPDATE"), "TASK_LOST");
    assert_null(harness_event(h, f.handle, "UPDATE"));
    harness_free(h);
}

static void test_what_is_left_of_an_offer_is_offered_again(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    harness_advance(h, NS_PER_SEC / 2);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    assert_has(offers, "\"scalar\":{\"value\":3.0}");
    harness_update(h, PID, agent, &f, "t", "TASK_FINISHED", 'a');
    harness_advance(h, NS_PER_SEC / 2);
    assert_has(harness_event(h, f.handle, "OFFERS"), "\"scalar\":{\"value\":1.0}");
    harness_free(h);
}

static void second(struct master_options *options)
{
    options->offer_timeout_ns = NS_PER_SEC;
}

static void test_an_offer_is_rescinded_after_its_timeout(void **state)
{
    (void)state;
    struct harness *h = harness_new(second);
    harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_advance(h, 0);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    harness_advance(h, NS_PER_SEC);
    assert_has(harness_event(h, f.handle, "RESCIND"),
               harness_text(h, strstr(offers, "\"id\":{"), "value"));
    harness_free(h);
}

static void test_a_call_with_a_bad_offer_launches_nothing(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    struct scene_framework thief = harness_subscribe(h, "");
    harness_advance(h, 0);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    if (offers == NULL) {
        offers = harness_event(h, thief.handle, "OFFERS");
        struct scene_framework other = f;
        f = thief;
        thief = other;
    }
    const char *offer_id = harness_text(h, strstr(offers, "\"id\":{"), "value");
    harness_call(h, thief.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},"
                              "\"accept\":{\"offer_ids\":[{\"value\":\"%s\"}],\"operations\":[{"
                              "\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\","
                              "\"task_id\":{\"value\":\"t\"},\"agent_id\":{\"value\":\"%s\"}}]}}"
                              "]}}",
                              thief.id, offer_id, agent));
    const char *update = harness_event(h, thief.handle, "UPDATE");
    assert_has(update, "REASON_INVALID_OFFERS");
    assert_int_equal(h->master->offers.count, 1); /* the owner still has it */
    assert_null(harness_take(h, PID, "RunTaskMessage"));
    harness_free(h);
}

static void three(struct master_options *options)
{
    options->max_completed_tasks = 3;
    options->max_unreachable_tasks = 2;
}

static void test_the_history_is_bounded(void **state)
{
    (void)state;
    struct harness *h = harness_new(three);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"checkpoint\":true");
    for (int i = 0; i < 5; i++) {
        const char *id = arena_printf(&h->arena, "t%d", i);
        harness_launch(h, &f, id);
        harness_update(h, PID, agent, &f, id, "TASK_FINISHED", (char)('a' + i));
        harness_acknowledge(h, &f, agent, id, (char)('a' + i));
    }
    assert_int_equal(h->master->task_records.count, 3);
    size_t slot = 0;
    struct master_snapshot snapshot;
    struct cow_value *value;
    master_snapshot_take(h->master, &snapshot);
    while ((value = cow_snapshot_next(&snapshot.tasks, &slot)) != NULL) {
        struct slice id = task_record_id(SNAPSHOT_RECORD(struct task_record, value));
        assert_true(id.data[1] >= '2'); /* the newest */
        slot++;
    }
    master_snapshot_release(&snapshot);

    for (int i = 0; i < 3; i++) {
        harness_launch(h, &f, arena_printf(&h->arena, "u%d", i));
    }
    harness_advance(h, 10 * NS_PER_SEC);
    assert_int_equal(h->master->task_records.count, 3 + 2);
    harness_free(h);
}

static void test_an_executor_stays_until_the_agent_says_that_it_exited(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_advance(h, 200 * NS_PER_MS);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena,
                              "{\"type\":\"ACCEPT\",\"framework_id\":{\"value\":\"%s\"},"
                              "\"accept\":{\"offer_ids\":[{\"value\":\"%s\"}],\"operations\":[{"
                              "\"type\":\"LAUNCH\",\"launch\":{\"task_infos\":[{\"name\":\"t\","
                              "\"task_id\":{\"value\":\"t\"},\"agent_id\":{\"value\":\"%s\"},"
                              "\"resources\":[{\"name\":\"cpus\",\"type\":\"SCALAR\",\"scalar\":"
                              "{\"value\":1}}],\"executor\":{\"executor_id\":{\"value\":\"e\"},"
                              "\"command\":{\"value\":\"true\"},\"resources\":[{\"name\":\"cpus\","
                              "\"type\":\"SCALAR\",\"scalar\":{\"value\":0.5}}]}}]}}]}}",
                              f.id, harness_text(h, strstr(offers, "\"id\":{"), "value"), agent));
    assert_has(harness_take(h, PID, "RunTaskMessage"), f.id);
    assert_int_equal(used_cpus(h), 1500);
    harness_update(h, PID, agent, &f, "t", "TASK_FINISHED", 'a');
    assert_int_equal(used_cpus(h), 500);
    harness_message(h, PID, "master", "ExitedExecutorMessage",
                    arena_printf(&h->arena,
                                 "{\"slave_id\":{\"value\":\"%s\"},\"framework_id\":{\"value\":"
                                 "\"%s\"},\"executor_id\":{\"value\":\"e\"},\"status\":9}",
                                 agent, f.id));
    assert_int_equal(used_cpus(h), 0);
    assert_has(harness_event(h, f.handle, "FAILURE"), "\"status\":9");
    harness_free(h);
}

/* --- messages in pieces --- */

/* The bytes, and behind them nested messages of those numbers, one in the other, the last empty: as
 * protobuf allows, the pieces of a nested message are one. */
static struct slice with_a_piece(struct harness *h, struct slice bytes, const uint32_t *numbers,
                                 size_t count)
{
    CLEANUP(buf_deinit) struct buf piece = BUF_INIT;
    for (size_t i = count; i-- > 0;) {
        CLEANUP(buf_deinit) struct buf inner = piece;
        piece = (struct buf)BUF_INIT;
        wire_put_bytes(&piece, numbers[i], buf_slice(&inner));
    }
    CLEANUP(buf_deinit) struct buf whole = BUF_INIT;
    buf_append_slice(&whole, bytes);
    buf_append_slice(&whole, buf_slice(&piece));
    return arena_slice(&h->arena, buf_slice(&whole));
}

static void test_an_update_may_come_in_pieces(void **state)
{
    (void)state;
    static const uint32_t update[] = {1};
    static const uint32_t status[] = {1, 4};
    static const uint32_t agent_id[] = {1, 3};
    static const struct {
        const uint32_t *numbers;
        size_t count;
    } pieces[] = {{update, 1}, {status, 2}, {agent_id, 2}};
    for (size_t i = 0; i < ELEMENTS(pieces); i++) {
        struct harness *h = harness_new(NULL);
        struct scene_framework f = harness_subscribe(h, "");
        const char *id = harness_agent(h, PID);
        harness_launch(h, &f, "t");
        struct slice bytes = harness_encode(
            h, "StatusUpdateMessage",
            arena_printf(&h->arena,
                         "{\"pid\":\"" PID "\",\"update\":{\"framework_id\":{\"value\":\"%s\"},"
                         "\"slave_id\":{\"value\":\"%s\"},\"timestamp\":1.0,\"uuid\":"
                         "\"YWFhYWFhYWFhYWFhYWFhYQ==\",\"status\":{\"task_id\":{\"value\":\"t\"},"
                         "\"state\":\"TASK_RUNNING\"}}}",
                         f.id, id));
        harness_message_bytes(h, PID, "master", "StatusUpdateMessage",
                              with_a_piece(h, bytes, pieces[i].numbers, pieces[i].count));
        const char *told = harness_event(h, f.handle, "UPDATE");
        assert_has(told, "TASK_RUNNING");
        assert_has(told, id);
        harness_free(h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_task_from_offer_to_acknowledgement),
        cmocka_unit_test(test_data_is_passed_on_but_not_kept),
        cmocka_unit_test(test_a_terminal_state_does_not_change_any_more),
        cmocka_unit_test(test_reconciliation_tells_what_was_sent_last),
        cmocka_unit_test(test_what_is_left_of_an_offer_is_offered_again),
        cmocka_unit_test(test_an_offer_is_rescinded_after_its_timeout),
        cmocka_unit_test(test_a_call_with_a_bad_offer_launches_nothing),
        cmocka_unit_test(test_the_history_is_bounded),
        cmocka_unit_test(test_an_executor_stays_until_the_agent_says_that_it_exited),
        cmocka_unit_test(test_an_update_may_come_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
