/* What readers see: a picture stays as it was; changes of a step are noted for those who watch. */
#include "harness.h"

#define PID "slave(1)@10.0.0.1:5051"

static const struct task_record *only_task(const struct master_snapshot *snapshot)
{
    size_t slot = 0;
    struct cow_value *value = cow_snapshot_next(&snapshot->tasks, &slot);
    assert_non_null(value);
    return SNAPSHOT_RECORD(struct task_record, value);
}

static void test_a_picture_stays_as_it_was(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    struct master_snapshot before;
    struct master_snapshot after;
    master_snapshot_take(h->master, &before);
    harness_update(h, PID, agent, &f, "t", "TASK_RUNNING", 'a');
    master_snapshot_take(h->master, &after);
    assert_int_equal(only_task(&before)->state, TASK_STATE_STAGING);
    assert_int_equal(only_task(&after)->state, TASK_STATE_RUNNING);
    /* What did not change is shared. */
    assert_ptr_equal(only_task(&before)->info, only_task(&after)->info);
    master_snapshot_release(&after);

    harness_gone(h, f.handle);
    harness_advance(h, NS_PER_SEC);
    assert_int_equal(only_task(&before)->state, TASK_STATE_STAGING);
    assert_int_equal(before.frameworks.count, 1);
    size_t slot = 0;
    const struct framework_record *framework =
        SNAPSHOT_RECORD(struct framework_record, cow_snapshot_next(&before.frameworks, &slot));
    assert_int_equal(framework->state, FRAMEWORK_ACTIVE);
    assert_int_equal(framework->slot, only_task(&before)->framework);
    harness_free(h);
    /* It outlives the master, as a worker's may. */
    assert_int_equal(only_task(&before)->state, TASK_STATE_STAGING);
    master_snapshot_release(&before);
    master_snapshot_release(&before);
}

static void test_offers_and_agents_are_in_it(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    const char *agent = harness_agent(h, PID);
    struct scene_framework f = harness_subscribe(h, "");
    harness_advance(h, NS_PER_SEC / 2);
    struct master_snapshot snapshot;
    master_snapshot_take(h->master, &snapshot);
    size_t slot = 0;
    const struct offer_record *offer =
        SNAPSHOT_RECORD(struct offer_record, cow_snapshot_next(&snapshot.offers, &slot));
    assert_true(slice_is(blob_slice(offer->agent_id), agent));
    assert_true(slice_is(blob_slice(offer->framework_id), f.id));
    assert_true(slice_is(blob_slice(offer->role), "*"));
    slot = offer->agent;
    const struct agent_record *record =
        SNAPSHOT_RECORD(struct agent_record, cow_snapshot_next(&snapshot.agents, &slot));
    assert_string_equal(record->pid, PID);
    assert_true(record->active && record->connected);
    master_snapshot_release(&snapshot);
    harness_free(h);
}

static void test_without_watchers_nothing_is_noted(void **state)
{
    (void)state;
    struct harness *h = harness_new(NULL);
    harness_agent(h, PID);
    assert_int_equal(h->master->change_capacity, 0);
    h->master->watched = true;
    struct scene_framework f = harness_subscribe(h, "");
    harness_launch(h, &f, "t");
    assert_true(h->master->change_capacity > 0);
    assert_int_equal(h->master->change_count, 0); /* the step is over */
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_picture_stays_as_it_was),
        cmocka_unit_test(test_offers_and_agents_are_in_it),
        cmocka_unit_test(test_without_watchers_nothing_is_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
