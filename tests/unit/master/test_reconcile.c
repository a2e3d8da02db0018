/* RECONCILE about very many tasks: answered as far as the scheduler takes it. */
#include "harness.h"

#include "master/calls.h"

#define PID "slave(1)@10.0.0.1:5051"
#define DRIVER "scheduler(1)@10.0.0.9:8000"

static struct harness *h;
static struct scene_framework f;

static int set_up(void **state)
{
    (void)state;
    h = harness_new(NULL);
    f = harness_subscribe(h, ",\"failover_timeout\":1000");
    harness_forget(h);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

static void put_tasks(struct buf *out, const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "%s{\"task_id\":{\"value\":\"%s%zu\"}}", i > 0 ? "," : "", name, i);
    }
}

/* About tasks name0, name1 ..; with none about all that the framework has. */
static void reconcile(const char *name, size_t count)
{
    CLEANUP(buf_deinit) struct buf call = BUF_INIT;
    buf_printf(&call, "{\"type\":\"RECONCILE\",\"framework_id\":{\"value\":\"%s\"},", f.id);
    buf_append_text(&call, "\"reconcile\":{\"tasks\":[");
    put_tasks(&call, name, count);
    buf_append_text(&call, "]}}");
    harness_call(h, f.stream_id, buf_text(&call));
}

static size_t count_sent(enum net_effect_type type, const char *text)
{
    size_t count = 0;
    struct sent *sent;
    LIST_FOR_EACH (sent, &h->sent, link) {
        count += sent->type == type &&
                 (text == NULL || memmem(sent->body.data, sent->body.size, text, strlen(text)));
    }
    return count;
}

static size_t told(const char *name)
{
    return count_sent(NET_STREAM_WRITE, arena_printf(&h->arena, "\"value\":\"%s", name));
}

static void take(void)
{
    struct net_event event = {.type = NET_TAKEN, .handle = f.handle};
    harness_forget(h);
    harness_step(h, &(struct master_event){.type = MASTER_NET, .net = &event});
}

static void test_a_batch_is_told_of_at_once(void **state)
{
    (void)state;
    reconcile("t", RECONCILE_BATCH_COUNT);
    assert_int_equal(told("t"), RECONCILE_BATCH_COUNT);
    assert_int_equal(count_sent(NET_STREAM_MARK, NULL), 0);
    take(); /* nothing waits */
    assert_int_equal(told("t"), 0);
}

static void test_more_is_told_when_that_is_taken(void **state)
{
    (void)state;
    reconcile("t", 2 * RECONCILE_BATCH_COUNT + 1);
    assert_int_equal(told("t"), RECONCILE_BATCH_COUNT);
    assert_int_equal(count_sent(NET_STREAM_MARK, NULL), 1);
    harness_advance(h, NS_PER_SEC);
    assert_int_equal(told("t"), RECONCILE_BATCH_COUNT); /* time alone does nothing */
    take();
    assert_int_equal(told("t"), RECONCILE_BATCH_COUNT);
    assert_int_equal(count_sent(NET_STREAM_MARK, NULL), 1);
    take();
    assert_int_equal(told("t"), 1);
    assert_int_equal(count_sent(NET_STREAM_MARK, NULL), 0);
}

static void test_calls_are_answered_in_order(void **state)
{
    (void)state;
    reconcile("t", RECONCILE_BATCH_COUNT + 1);
    reconcile("u", 2);
    assert_int_equal(told("u"), 0);
    take();
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"value\":\"t1000\"");
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"value\":\"u0\"");
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"value\":\"u1\"");
    assert_null(harness_event(h, f.handle, "UPDATE"));
}

/* What is true when it is told counts. */
static void test_a_task_that_ends_meanwhile(void **state)
{
    (void)state;
    const char *agent = harness_agent(h, PID);
    harness_launch(h, &f, "x");
    harness_update(h, PID, agent, &f, "x", "TASK_RUNNING", 'a');
    harness_acknowledge(h, &f, agent, "x", 'a');
    reconcile("t", RECONCILE_BATCH_COUNT + 1);
    reconcile("", 0);
    reconcile("x", 1); /* x0 */
    harness_update(h, PID, agent, &f, "x", "TASK_FINISHED", 'b');
    harness_acknowledge(h, &f, agent, "x", 'b');
    take();
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"value\":\"t1000\"");
    assert_has(harness_event(h, f.handle, "UPDATE"), "\"value\":\"x0\"");
    assert_null(harness_event(h, f.handle, "UPDATE"));
}

static void test_nothing_is_told_to_the_next_connection(void **state)
{
    (void)state;
    reconcile("t", RECONCILE_BATCH_COUNT + 1);
    harness_gone(h, f.handle);
    take();
    assert_int_equal(told("t"), 0);
    assert_int_equal(master_find_framework(h->master, slice_from(f.id))->reconciling.size, 0);
}

/* Who asks and asks and takes nothing is told nevertheless: its stream has a limit of its own. */
static void test_no_more_than_so_many_bytes_wait(void **state)
{
    (void)state;
    const struct framework *framework = master_find_framework(h->master, slice_from(f.id));
    char name[4000];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    size_t asked = 0;
    while (told("n") <= RECONCILE_BATCH_COUNT) {
        assert_true(asked * sizeof(name) <= RECONCILE_WAITING_SIZE_MAX + 2000 * sizeof(name));
        reconcile(name, 500);
        asked += 500;
        if (asked == 500) {
            reconcile("t", RECONCILE_BATCH_COUNT + 1); /* from here on something waits */
        }
        assert_true(framework->reconciling.size - framework->reconciling_told <=
                    RECONCILE_WAITING_SIZE_MAX);
    }
    assert_true(asked * sizeof(name) > RECONCILE_WAITING_SIZE_MAX);
}

/* A v0 driver says nothing of what it has taken. */
static void test_a_driver_is_told_in_time(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf call = BUF_INIT;
    harness_v0_call(h, DRIVER,
                    "{\"type\":\"SUBSCRIBE\",\"subscribe\":{\"framework_info\":"
                    "{\"user\":\"root\",\"name\":\"old\"}}}");
    const char *id =
        harness_text(h, harness_take(h, DRIVER, "FrameworkRegisteredMessage"), "value");
    harness_forget(h);
    buf_printf(&call, "{\"type\":\"RECONCILE\",\"framework_id\":{\"value\":\"%s\"},", id);
    buf_append_text(&call, "\"reconcile\":{\"tasks\":[");
    put_tasks(&call, "t", RECONCILE_BATCH_COUNT + 1);
    buf_append_text(&call, "]}}");
    harness_v0_call(h, DRIVER, buf_text(&call));
    assert_int_equal(count_sent(NET_SEND, "Reconciliation"), RECONCILE_BATCH_COUNT);
    harness_forget(h);
    harness_advance(h, RECONCILE_PAUSE_NS);
    assert_int_equal(count_sent(NET_SEND, "Reconciliation"), 1);
    harness_forget(h);
    harness_advance(h, RECONCILE_PAUSE_NS);
    assert_int_equal(count_sent(NET_SEND, "Reconciliation"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_batch_is_told_of_at_once),
        TEST(test_more_is_told_when_that_is_taken),
        TEST(test_calls_are_answered_in_order),
        TEST(test_a_task_that_ends_meanwhile),
        TEST(test_nothing_is_told_to_the_next_connection),
        TEST(test_no_more_than_so_many_bytes_wait),
        TEST(test_a_driver_is_told_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
