/* Frameworks over HTTP: subscribing, failing over, being disconnected, ending. */
#include "harness.h"

#define PID "slave(1)@10.0.0.1:5051"

static struct framework *find(struct harness *h, const struct scene_framework *f)
{
    return master_find_framework(h->master, slice_from(f->id));
}

static uint64_t again(struct harness *h, const struct scene_framework *f, const char *extra)
{
    return harness_call(h, NULL,
                        arena_printf(&h->arena,
                                     "{\"type\":\"SUBSCRIBE\",\"framework_id\":{\"value\":\"%s\"},"
                                     "\"subscribe\":{\"framework_info\":{\"user\":\"u\",\"name\":"
                                     "\"f\",\"id\":{\"value\":\"%s\"}%s}}}",
                                     f->id, f->id, extra));
}

static void test_a_subscription_is_a_stream_with_heartbeats(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, "");
    assert_string_equal(harness_header(h, f.handle, "Content-Type"), "application/json");
    assert_non_null(harness_event(h, f.handle, "HEARTBEAT"));
    harness_advance(h, 14 * NS_PER_SEC);
    assert_null(harness_event(h, f.handle, "HEARTBEAT"));
    harness_advance(h, 16 * NS_PER_SEC);
    assert_non_null(harness_event(h, f.handle, "HEARTBEAT"));
    assert_non_null(harness_event(h, f.handle, "HEARTBEAT"));
    assert_null(harness_event(h, f.handle, "HEARTBEAT"));
    harness_free(h);
}

static void test_a_takeover_ends_the_stream_before(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_advance(h, NS_PER_SEC / 2);
    assert_non_null(harness_event(h, f.handle, "OFFERS"));
    uint64_t second = again(h, &f, "");
    assert_has(harness_event(h, f.handle, "ERROR"), "failed over");
    assert_true(harness_stream_ended(h, f.handle));
    assert_non_null(harness_event(h, second, "SUBSCRIBED"));
    harness_gone(h, f.handle); /* the old one's end does not matter */
    assert_int_equal(find(h, &f)->state, FRAMEWORK_ACTIVE);
    harness_advance(h, NS_PER_SEC / 2);
    assert_non_null(harness_event(h, second, "OFFERS"));
    assert_has(harness_take(h, PID, "UpdateFrameworkMessage"), f.id);
    harness_free(h);
}

static void test_a_disconnected_framework_waits_for_its_timeout(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, ",\"failover_timeout\":60");
    harness_launch(h, &f, "t");
    harness_advance(h, NS_PER_SEC / 2);
    harness_gone(h, f.handle);
    assert_int_equal(find(h, &f)->state, FRAMEWORK_DISCONNECTED);
    assert_int_equal(h->master->offers.count, 0);
    uint64_t call = harness_call(
        h, f.stream_id,
        arena_printf(&h->arena, "{\"type\":\"REVIVE\",\"framework_id\":{\"value\":\"%s\"}}", f.id));
    assert_int_equal(harness_status(h, call), 403);
    harness_advance(h, 59 * NS_PER_SEC);
    assert_non_null(find(h, &f));
    /* Back in time: the old timer has no effect any more. */
    uint64_t second = again(h, &f, ",\"failover_timeout\":60");
    assert_non_null(harness_event(h, second, "SUBSCRIBED"));
    harness_advance(h, 5 * NS_PER_SEC);
    assert_int_equal(find(h, &f)->state, FRAMEWORK_ACTIVE);
    harness_gone(h, second);
    harness_advance(h, 61 * NS_PER_SEC);
    assert_null(find(h, &f));
    assert_true(master_is_completed_framework(h->master, slice_from(f.id)));
    assert_has(harness_event(h, again(h, &f, ""), "ERROR"), "has been removed");
    harness_free(h);
}

static void test_a_refused_subscription_leaves_nothing_behind(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    uint64_t handle = harness_call(h, NULL,
                                   "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":"
                                   "{\"user\":\"u\",\"name\":\"f\",\"role\":\"a//b\"}}}");
    assert_int_equal(harness_status(h, handle), 200);
    assert_non_null(harness_event(h, handle, "ERROR"));
    assert_true(harness_stream_ended(h, handle));
    assert_int_equal(h->master->running_count, 0);
    assert_int_equal(h->master->frameworks.count, 0);
    harness_free(h);
}

static void test_user_and_checkpoint_stay_and_the_principal_must_not_change(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f = harness_subscribe(h, ",\"principal\":\"p\",\"checkpoint\":true");
    assert_has(harness_event(h, again(h, &f, ",\"principal\":\"q\""), "ERROR"), "principal");
    uint64_t second = again(h, &f, ",\"principal\":\"p\",\"hostname\":\"new\"");
    assert_non_null(harness_event(h, second, "SUBSCRIBED"));
    assert_true(find(h, &f)->checkpoint);
    assert_string_equal(find(h, &f)->user, "u");
    harness_free(h);
}

static void test_teardown_kills_and_completes(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    harness_forget(h);
    uint64_t call = harness_call(
        h, f.stream_id,
        arena_printf(&h->arena, "{\"type\":\"TEARDOWN\",\"framework_id\":{\"value\":\"%s\"}}",
                     f.id));
    assert_int_equal(harness_status(h, call), 202);
    assert_true(harness_stream_ended(h, f.handle));
    assert_has(harness_take(h, PID, "ShutdownFrameworkMessage"), f.id);
    assert_int_equal(quantities_get(&h->master->used, RESOURCE_NAME_CPUS), 0);
    struct master_snapshot snapshot;
    master_snapshot_take(h->master, &snapshot);
    size_t slot = 0;
    struct cow_value *value = cow_snapshot_next(&snapshot.tasks, &slot);
    assert_non_null(value);
    const struct task_record *task = SNAPSHOT_RECORD(struct task_record, value);
    assert_int_equal(task->state, TASK_STATE_KILLED);
    assert_int_equal(task->place, TASK_PLACE_COMPLETED);
    master_snapshot_release(&snapshot);
    harness_free(h);
}

static void two(struct master_options *options)
{
    options->max_completed_frameworks = 2;
}

static void test_the_oldest_completed_framework_is_forgotten_with_its_tasks(void **state)
{
    (void)state;
    struct harness *h = harness_new(two);
    harness_agent(h, PID);
    const char *ids[4];
    for (int i = 0; i < 4; i++) {
        struct scene_framework f = harness_subscribe(h, "");
        harness_launch(h, &f, "t");
        ids[i] = f.id;
        harness_gone(h, f.handle);
        harness_advance(h, 0);
    }
    assert_int_equal(h->master->completed_count, 2);
    assert_int_equal(h->master->framework_records.count, 2);
    assert_int_equal(h->master->task_records.count, 2);
    assert_false(master_is_completed_framework(h->master, slice_from(ids[0])));
    assert_true(master_is_completed_framework(h->master, slice_from(ids[3])));
    harness_free(h);
}

static void test_roles_are_suppressed_and_revived(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    struct scene_framework f =
        harness_subscribe(h, ",\"roles\":[\"a\",\"b\"],\"capabilities\":[{\"type\":"
                             "\"MULTI_ROLE\"}]");
    static const char call[] = "{\"type\":\"%s\",\"framework_id\":{\"value\":\"%s\"},\"%s\":"
                               "{\"roles\":[%s]}}";
    const struct framework *framework = find(h, &f);
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena, call, "SUPPRESS", f.id, "suppress", "\"b\""));
    assert_int_equal(framework->suppressed_count, 1);
    /* One role that is not its own, and nothing of the call is done. */
    harness_call(h, f.stream_id,
                 arena_printf(&h->arena, call, "SUPPRESS", f.id, "suppress", "\"a\",\"c\""));
    assert_int_equal(framework->suppressed_count, 1);
    harness_call(h, f.stream_id, arena_printf(&h->arena, call, "SUPPRESS", f.id, "suppress", ""));
    assert_int_equal(framework->suppressed_count, 2);
    harness_call(h, f.stream_id, arena_printf(&h->arena, call, "REVIVE", f.id, "revive", "\"a\""));
    assert_int_equal(framework->suppressed_count, 1);
    assert_string_equal(framework->suppressed[0], "b");
    const struct framework_record *record = master_framework_record(h->master, framework);
    assert_true(slice_equal(blob_slice(record->suppressed), slice_make("b", 2)));
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_subscription_is_a_stream_with_heartbeats),
        cmocka_unit_test(test_a_takeover_ends_the_stream_before),
        cmocka_unit_test(test_a_disconnected_framework_waits_for_its_timeout),
        cmocka_unit_test(test_a_refused_subscription_leaves_nothing_behind),
        cmocka_unit_test(test_user_and_checkpoint_stay_and_the_principal_must_not_change),
        cmocka_unit_test(test_teardown_kills_and_completes),
        cmocka_unit_test(test_the_oldest_completed_framework_is_forgotten_with_its_tasks),
        cmocka_unit_test(test_roles_are_suppressed_and_revived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
