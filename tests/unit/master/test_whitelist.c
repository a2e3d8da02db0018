/* --whitelist: which agents are offered as its file comes, changes and goes. */
#include "harness.h"

#include <errno.h>

#define PATH "/etc/mesos/whitelist"

static struct harness *h;

static void change(struct master_options *options)
{
    options->whitelist = PATH;
    options->agent_ping_timeout_ns = NS_PER_HOUR; /* nobody answers them here */
}

static void change_to_star(struct master_options *options)
{
    options->whitelist = "*";
    options->agent_ping_timeout_ns = NS_PER_HOUR;
}

static void register_agent(const char *host, int number)
{
    const char *pid = arena_printf(&h->arena, "slave(1)@10.0.0.%d:5051", number);
    harness_message(
        h, pid, "master", "RegisterSlaveMessage",
        arena_printf(&h->arena,
                     "{\"slave\":{\"hostname\":\"%s\",\"resources\":[{\"name\":\"cpus\",\"type\":"
                     "\"SCALAR\",\"scalar\":{\"value\":4}}]},\"version\":\"1.12.0\","
                     "\"agent_capabilities\":[{\"type\":\"MULTI_ROLE\"},"
                     "{\"type\":\"RESERVATION_REFINEMENT\"}]}",
                     host));
    assert_non_null(harness_take(h, pid, "SlaveRegisteredMessage"));
}

static int set_up(void **state)
{
    (void)state;
    h = harness_new(change);
    register_agent("in", 1);
    register_agent("out", 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_free(h);
    return 0;
}

/* What a worker found of the file that was asked for. */
static void answer(int status, const char *text, size_t size)
{
    assert_non_null(h->file);
    assert_string_equal(h->file->path, PATH);
    assert_int_equal(h->file->type, FILE_DOWNLOAD);
    struct file_result result = {
        .token = h->file->token,
        .status = status,
        .bytes = status == 0 ? blob_new(text, size) : NULL,
    };
    h->file = file_request_free(h->file);
    harness_step(h, &(struct master_event){.type = MASTER_FILE, .file = &result});
    file_result_deinit(&result);
}

static void answer_text(const char *text)
{
    answer(0, text, strlen(text));
}

/* The next look at the file. */
static void look(void)
{
    assert_null(h->file);
    harness_advance(h, WHITELIST_INTERVAL_NS);
    assert_non_null(h->file);
}

static bool is_offered(const char *offers, const char *host)
{
    return offers != NULL &&
           strstr(offers, arena_printf(&h->arena, "\"hostname\":\"%s\"", host)) != NULL;
}

static void assert_offers(bool in, bool out)
{
    struct scene_framework f = harness_subscribe(h, ",\"failover_timeout\":0");
    harness_advance(h, NS_PER_SEC / 2);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    assert_int_equal(is_offered(offers, "in"), in);
    assert_int_equal(is_offered(offers, "out"), out);
    harness_gone(h, f.handle);
    harness_advance(h, NS_PER_MS); /* it is over, and its offers are free */
}

static void test_nobody_is_offered_before_it_is_read(void **state)
{
    (void)state;
    assert_offers(false, false);
    answer_text("in\n");
    assert_offers(true, false);
}

static void test_who_registers_later_is_asked_too(void **state)
{
    (void)state;
    answer_text("in\nlate\n");
    register_agent("late", 3);
    register_agent("other", 4);
    struct scene_framework f = harness_subscribe(h, "");
    harness_advance(h, NS_PER_SEC / 2);
    const char *offers = harness_event(h, f.handle, "OFFERS");
    assert_true(is_offered(offers, "in") && is_offered(offers, "late"));
    assert_false(is_offered(offers, "out") || is_offered(offers, "other"));
}

static void test_changes_are_noticed(void **state)
{
    (void)state;
    answer_text("in\n");
    assert_has(harness_log(h), "Updated agent whitelist: 1 hosts");
    look();
    answer_text("  out \r\n\nin");
    assert_has(harness_log(h), "Updated agent whitelist: 2 hosts");
    assert_offers(true, true);
    look();
    answer_text("");
    assert_has(harness_log(h), "Whitelist is empty");
    assert_offers(false, false);
}

static void test_an_agent_that_is_listed_later_is_offered(void **state)
{
    (void)state;
    answer_text("in");
    struct scene_framework f = harness_subscribe(h, "");
    harness_advance(h, NS_PER_SEC / 2);
    assert_true(is_offered(harness_event(h, f.handle, "OFFERS"), "in"));
    look();
    answer_text("in\nout");
    harness_advance(h, NS_PER_SEC / 2);
    assert_true(is_offered(harness_event(h, f.handle, "OFFERS"), "out"));
}

static void test_the_same_again_is_no_change(void **state)
{
    (void)state;
    answer_text("in\n");
    (void)harness_log(h);
    look();
    answer_text("in\n");
    assert_null(strstr(harness_log(h), "whitelist"));
}

static void test_without_the_file_everybody_is_offered_until_it_is_there(void **state)
{
    (void)state;
    answer(-ENOENT, NULL, 0);
    assert_has(harness_log(h), "Error reading whitelist file '" PATH "': No such file");
    assert_offers(true, true);
    look();
    answer(-ENOENT, NULL, 0);
    assert_null(strstr(harness_log(h), "Error")); /* that was said */
    look();
    answer_text("in");
    assert_offers(true, false);
}

static void test_when_the_file_goes_its_last_word_counts(void **state)
{
    (void)state;
    answer_text("in");
    look();
    answer(-EACCES, NULL, 0);
    assert_has(harness_log(h), "Permission denied");
    assert_offers(true, false);
}

static void test_a_file_that_is_too_large_is_not_taken(void **state)
{
    (void)state;
    char *text = calloc(1, WHITELIST_SIZE_MAX + 1);
    memset(text, '\n', WHITELIST_SIZE_MAX + 1);
    memcpy(text, "in", 2);
    answer(0, text, WHITELIST_SIZE_MAX);
    assert_offers(true, false);
    memcpy(text, "out", 3);
    look();
    answer(0, text, WHITELIST_SIZE_MAX + 1);
    assert_has(harness_log(h), "too large");
    assert_offers(true, false);
    free(text);
}

static void test_a_slow_answer_is_waited_for(void **state)
{
    (void)state;
    struct file_request *first = h->file;
    harness_advance(h, 3 * WHITELIST_INTERVAL_NS);
    assert_ptr_equal(h->file, first);
    answer_text("in");
    look();
}

static void test_a_star_is_everybody(void **state)
{
    (void)state;
    harness_free(h);
    h = harness_new(change_to_star);
    register_agent("in", 1);
    register_agent("out", 2);
    assert_null(h->file);
    assert_offers(true, true);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nobody_is_offered_before_it_is_read),
        TEST(test_who_registers_later_is_asked_too),
        TEST(test_changes_are_noticed),
        TEST(test_an_agent_that_is_listed_later_is_offered),
        TEST(test_the_same_again_is_no_change),
        TEST(test_without_the_file_everybody_is_offered_until_it_is_there),
        TEST(test_when_the_file_goes_its_last_word_counts),
        TEST(test_a_file_that_is_too_large_is_not_taken),
        TEST(test_a_slow_answer_is_waited_for),
        TEST(test_a_star_is_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
