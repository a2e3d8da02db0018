/* Answers of whole state: shared, and bounded however slowly they are read. */
#include "golden_scene.h"

#include "master/reads.h"
#include "master/subscribers.h"

static struct golden_scene scene;
static struct harness *h;

static void change(struct master_options *options)
{
    options->max_subscribers = 100;
}

static int set_up(void **state)
{
    (void)state;
    scene = golden_scene_new(change);
    h = scene.h;
    harness_gone(h, scene.watcher);
    harness_forget(h);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    golden_scene_free(&scene);
    return 0;
}

static const struct view_room *room(enum view_room_kind kind)
{
    return &h->master->reads->views.rooms[kind];
}

static uint64_t ask(const char *path)
{
    return harness_request(h, "GET", path, NULL, "");
}

static bool is_answered(uint64_t handle)
{
    return harness_status(h, handle) == 200;
}

static void change_state(void)
{
    harness_subscribe(h, "");
}

/* An answer of that kind is expected to be so large from here on. */
static void expect(enum view_kind kind, size_t size)
{
    const struct master *master = h->master;
    h->master->reads->views.hints[kind][true] = (struct view_hint){
        .size = size,
        .rows = master->framework_records.count + master->agent_records.count +
                master->task_records.count + master->executor_records.count +
                master->offer_records.count + master->operation_records.count,
    };
}

/* --- sharing --- */

static void test_who_asks_while_it_is_made_gets_the_same(void **state)
{
    (void)state;
    uint64_t handles[5];
    h->workers_are_held = true;
    for (size_t i = 0; i < ELEMENTS(handles); i++) {
        handles[i] = ask("/master/state");
        assert_false(is_answered(handles[i]));
    }
    assert_true(harness_work(h));
    assert_false(harness_work(h)); /* it is made once */
    for (size_t i = 0; i < ELEMENTS(handles); i++) {
        assert_true(is_answered(handles[i]));
        assert_true(slice_equal(harness_body(h, handles[i]), harness_body(h, handles[0])));
    }
}

/* An answer is never older than the request. */
static void test_who_asks_behind_a_change_gets_another(void **state)
{
    (void)state;
    h->workers_are_held = true;
    uint64_t before = ask("/master/frameworks");
    struct scene_framework f = harness_subscribe(h, "");
    uint64_t after = ask("/master/frameworks");
    while (harness_work(h)) {
    }
    struct slice old = harness_body(h, before);
    struct slice new = harness_body(h, after);
    assert_null(memmem(old.data, old.size, f.id, strlen(f.id)));
    assert_non_null(memmem(new.data, new.size, f.id, strlen(f.id)));
}

static void test_zipped_answers_are_shared_as_well(void **state)
{
    (void)state;
    static const char accept[] = "Accept-Encoding: gzip";
    uint64_t first = harness_request(h, "GET", "/master/state", accept, "");
    const void *work = h->works.next;
    uint64_t second = harness_request(h, "GET", "/master/state", accept, "");
    uint64_t plain = ask("/master/state");
    assert_ptr_equal(h->works.next, work);
    assert_string_equal(harness_header(h, first, "Content-Encoding"), "gzip");
    assert_true(slice_equal(harness_body(h, first), harness_body(h, second)));
    assert_null(harness_header(h, plain, "Content-Encoding"));
    CLEANUP(buf_deinit) struct buf unzipped = BUF_INIT;
    assert_int_equal(http_gunzip(harness_body(h, first), 1 << 20, &unzipped), 0);
    assert_true(slice_equal(buf_slice(&unzipped), harness_body(h, plain)));
    /* What it took unzipped is what the next is expected to take. */
    assert_int_equal(h->master->reads->views.hints[VIEW_STATE][true].size, unzipped.size);
}

/* Zipping for each request again would keep what is lent, unsent, behind the back of NET_HURRY. */
static void test_all_are_zipped_when_they_are_made(void **state)
{
    (void)state;
    static const char *const paths[] = {"/allocator/offer_constraints_debug", "/master/frameworks",
                                        "/master/state-summary", "/master/state"};
    for (int i = 0; i < 30; i++) {
        change_state(); /* until they are large enough */
    }
    for (size_t i = 0; i < ELEMENTS(paths); i++) {
        uint64_t handle = harness_request(h, "GET", paths[i], "Accept-Encoding: gzip", "");
        assert_true(is_answered(handle));
        assert_true(harness_body(h, ask(paths[i])).size >= HTTP_GZIP_SIZE_MIN);
        const char *encoding = harness_header(h, handle, "Content-Encoding");
        assert_non_null(encoding);
        assert_string_equal(encoding, "gzip");
    }
}

static void test_who_has_gone_waits_no_more(void **state)
{
    (void)state;
    h->workers_are_held = true;
    uint64_t handle = ask("/master/state");
    assert_int_equal(h->master->reads->views.waits.count, 1);
    harness_gone(h, handle);
    assert_int_equal(h->master->reads->views.waits.count, 0);
    assert_true(harness_work(h));
    assert_false(is_answered(handle));
}

/* --- room --- */

/* So many answers always have room, whatever their size, and then no more. */
static void test_large_answers_that_are_not_read(void **state)
{
    (void)state;
    h->bodies_are_held = true;
    for (size_t i = 0; i < VIEW_ANSWERS_MIN; i++) {
        change_state();
        expect(VIEW_STATE, 100 * VIEW_LARGE_ROOM_SIZE);
        assert_true(is_answered(ask("/master/state")));
    }
    change_state();
    expect(VIEW_STATE, 100 * VIEW_LARGE_ROOM_SIZE);
    uint64_t waiting[300];
    for (size_t i = 0; i < ELEMENTS(waiting); i++) {
        waiting[i] = ask("/master/state");
        assert_false(is_answered(waiting[i]));
    }
    harness_advance(h, VIEW_PATIENCE_NS / 2);
    assert_false(is_answered(waiting[0]));
    assert_int_equal(room(VIEW_ROOM_LARGE)->count, VIEW_ANSWERS_MIN);
    assert_int_equal(h->hurries, 0);
    /* Small ones do not wait for large ones. */
    expect(VIEW_SLAVES, VIEW_SMALL_SIZE);
    assert_true(is_answered(ask("/master/slaves")));
    /* After a while slow clients are cut off, again and again. */
    harness_advance(h, VIEW_PATIENCE_NS / 2 + VIEW_LOOK_NS);
    assert_int_equal(h->hurries, 1);
    harness_advance(h, 2 * VIEW_HURRY_NS + VIEW_LOOK_NS);
    assert_true(h->hurries >= 2);
    assert_false(is_answered(waiting[0]));
    /* One has gone: all who wait get one answer. */
    harness_forget(h);
    h->workers_are_held = true;
    harness_advance(h, VIEW_LOOK_NS);
    assert_true(harness_work(h));
    assert_false(harness_work(h));
    for (size_t i = 0; i < ELEMENTS(waiting); i++) {
        assert_true(is_answered(waiting[i]));
    }
    assert_int_equal(h->master->reads->views.waits.count, 0);
}

static void test_small_answers_are_limited_in_number(void **state)
{
    (void)state;
    h->bodies_are_held = true;
    for (size_t i = 0; i < VIEW_ANSWERS_MAX; i++) {
        change_state();
        expect(VIEW_STATE, 1000);
        assert_true(is_answered(ask("/master/state")));
    }
    assert_int_equal(room(VIEW_ROOM_SMALL)->count, VIEW_ANSWERS_MAX);
    change_state();
    uint64_t waiting = ask("/master/state");
    assert_false(is_answered(waiting));
    harness_forget(h); /* they were taken */
    harness_advance(h, VIEW_LOOK_NS);
    assert_true(is_answered(waiting));
}

/* Answers that are kept for nobody make room at once. */
static void test_idle_answers_make_room(void **state)
{
    (void)state;
    expect(VIEW_STATE, VIEW_LARGE_ROOM_SIZE);
    assert_true(is_answered(ask("/master/state")));
    expect(VIEW_FRAMEWORKS, VIEW_LARGE_ROOM_SIZE);
    assert_true(is_answered(ask("/master/frameworks")));
    expect(VIEW_ROLES, VIEW_LARGE_ROOM_SIZE);
    assert_true(is_answered(ask("/master/roles")));
    assert_int_equal(room(VIEW_ROOM_LARGE)->count, 1);
    /* And they go by themselves. */
    harness_advance(h, VIEW_LARGE_KEPT_NS);
    assert_int_equal(room(VIEW_ROOM_LARGE)->count, 1);
    harness_advance(h, 2 * VIEW_LARGE_KEPT_NS);
    assert_int_equal(room(VIEW_ROOM_LARGE)->count, 0);
    assert_int_equal(room(VIEW_ROOM_LARGE)->size, 0);
}

/* What is out of date is of no use to anybody. */
static void test_idle_answers_go_with_the_state(void **state)
{
    (void)state;
    expect(VIEW_STATE, 1000);
    assert_true(is_answered(ask("/master/state")));
    harness_advance(h, VIEW_KEPT_NS);
    assert_int_equal(room(VIEW_ROOM_SMALL)->count, 1);
    change_state();
    assert_true(is_answered(ask("/master/slaves")));
    harness_advance(h, VIEW_KEPT_NS);
    assert_int_equal(room(VIEW_ROOM_SMALL)->count, 0);
}

/* /tasks is as large as it is asked to be, and nobody knows how large that is. */
static void test_many_tasks_are_a_large_answer(void **state)
{
    (void)state;
    assert_true(is_answered(ask("/master/tasks?limit=1000")));
    assert_int_equal(room(VIEW_ROOM_SMALL)->count, 1);
    assert_int_equal(room(VIEW_ROOM_LARGE)->count, 0);
    assert_true(is_answered(ask("/master/tasks?limit=1001")));
    assert_int_equal(room(VIEW_ROOM_LARGE)->count, 1);
}

/* --- streams --- */

/* The stream begins with the state of when there was room, and goes on with what came then. */
static void test_a_subscriber_waits_for_room(void **state)
{
    (void)state;
    h->bodies_are_held = true;
    for (size_t i = 0; i < VIEW_ANSWERS_MAX; i++) {
        change_state();
        expect(VIEW_SUBSCRIBED, 1000);
        scene_operator(h, HTTP_JSON, "{\"type\":\"SUBSCRIBE\"}");
    }
    change_state();
    expect(VIEW_SUBSCRIBED, 1000);
    uint64_t handle = scene_operator(h, HTTP_JSON, "{\"type\":\"SUBSCRIBE\"}");
    assert_int_equal(harness_status(h, handle), -1);
    struct scene_framework before = harness_subscribe(h, "");
    assert_int_equal(h->master->reads->subscriber_count, VIEW_ANSWERS_MAX);
    harness_forget(h);
    h->workers_are_held = true;
    harness_advance(h, VIEW_LOOK_NS);
    assert_int_equal(h->master->reads->subscriber_count, VIEW_ANSWERS_MAX + 1);
    struct scene_framework after = harness_subscribe(h, "");
    while (harness_work(h)) {
    }
    struct slice first = harness_record(h, handle);
    assert_non_null(memmem(first.data, first.size, "\"SUBSCRIBED\"", 12));
    assert_non_null(memmem(first.data, first.size, before.id, strlen(before.id)));
    assert_null(memmem(first.data, first.size, after.id, strlen(after.id)));
    assert_has(harness_event(h, handle, "FRAMEWORK_ADDED"), after.id);
    assert_null(harness_event(h, handle, "FRAMEWORK_ADDED"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_asks_while_it_is_made_gets_the_same),
        TEST(test_who_asks_behind_a_change_gets_another),
        TEST(test_zipped_answers_are_shared_as_well),
        TEST(test_all_are_zipped_when_they_are_made),
        TEST(test_who_has_gone_waits_no_more),
        TEST(test_large_answers_that_are_not_read),
        TEST(test_small_answers_are_limited_in_number),
        TEST(test_idle_answers_make_room),
        TEST(test_idle_answers_go_with_the_state),
        TEST(test_many_tasks_are_a_large_answer),
        TEST(test_a_subscriber_waits_for_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
