/* The registrar between the registry's machine and the log: which request, which answer. */
#include "../unit.h"

#include <errno.h>

#include "common/xalloc.h"
#include "registrar/registrar.h"

#define NOW_NS NS_PER_SEC

static struct registrar *registrar;
static struct registrar_effects effects;
static struct registrar_request *asked; /* taken last */

static int set_up(void **state UNUSED)
{
    registrar = registrar_new(&(struct registry_log_options){
        .fetch_timeout_ns = 10 * NS_PER_SEC, .store_timeout_ns = 5 * NS_PER_SEC, .seed = 1});
    registrar_effects_init(&effects);
    asked = NULL;
    return 0;
}

static int tear_down(void **state UNUSED)
{
    asked = registrar_request_free(asked);
    registrar_effects_deinit(&effects);
    registrar = registrar_free(registrar);
    return 0;
}

/* The next request is of that type; gives its token. */
static uint64_t take_request(enum rlog_event_type type)
{
    registrar_request_free(asked);
    asked = registrar_pop_request(&effects);
    assert_non_null(asked);
    assert_int_equal(asked->event.type, type);
    return asked->event.token;
}

static void assert_quiet(void)
{
    assert_true(list_is_empty(&effects.requests));
    assert_true(list_is_empty(&effects.registry.answers));
    assert_null(effects.registry.job);
}

static void answer(enum rlog_answer_type type, uint64_t token, int status, uint64_t position)
{
    struct rlog_answer told = {
        .type = type, .token = token, .status = status, .position = position, .last = true};
    registrar_take_answer(registrar, NOW_NS, &told, 7, &effects);
}

static void ask(enum registry_op_type type, uint64_t token, const char *id)
{
    struct registry_ops ops;
    registry_ops_init(&ops);
    (void)registry_ask(&ops, type, token, id != NULL ? blob_from(slice_from(id)) : NULL, NULL);
    registrar_ask(registrar, NOW_NS, registry_ops_pop(&ops), &effects);
}

static void work(void)
{
    assert_non_null(effects.registry.job);
    registry_log_work(TAKE_PTR(effects.registry.job));
    registrar_worked(registrar, NOW_NS, &effects);
}

static void assert_answered(uint64_t token, int status)
{
    struct registry_log_answer *told = registry_log_pop_answer(&effects.registry);
    assert_non_null(told);
    assert_int_equal(told->event.token, token);
    assert_int_equal(told->event.status, status);
    registry_log_answer_free(told);
}

/* Reads an empty log, and begins to write who leads; gives the append's token. */
static uint64_t recover(void)
{
    ask(REGISTRY_RECOVER, 1, NULL);
    answer(RLOG_ANSWER_ELECTED, take_request(RLOG_ELECT), 0, 0);
    answer(RLOG_ANSWER_BOUNDS, take_request(RLOG_BOUNDS), 0, 0);
    answer(RLOG_ANSWER_ENTRIES, take_request(RLOG_READ), 0, 0);
    work();
    work();
    return take_request(RLOG_APPEND);
}

static void an_operation_goes_through_the_log(void **state UNUSED)
{
    uint64_t append = recover();
    assert_non_null(asked->event.bytes);
    assert_quiet();
    answer(RLOG_ANSWER_WRITTEN, append, 0, 3);
    assert_answered(1, 0);
    uint64_t truncate = take_request(RLOG_TRUNCATE);
    assert_int_equal(asked->event.position, 3);
    answer(RLOG_ANSWER_WRITTEN, truncate, -EINVAL, 0); /* all the same */
    assert_quiet();
}

static void only_the_append_is_waited_for(void **state UNUSED)
{
    uint64_t append = recover();
    answer(RLOG_ANSWER_WRITTEN, append + 1, 0, 9);
    answer(RLOG_ANSWER_CAUGHT_UP, 0, 0, 9);
    assert_quiet();
    answer(RLOG_ANSWER_WRITTEN, append, RLOG_E_LOST, 0);
    struct registry_log_answer *told = registry_log_pop_answer(&effects.registry);
    assert_true(told->event.status < 0);
    assert_string_equal(told->event.why,
                        "The registry could not be stored: another master writes the log now");
    registry_log_answer_free(told);
}

static void a_promise_is_told_once(void **state UNUSED)
{
    registrar_contend(registrar, &effects);
    uint64_t token = take_request(RLOG_ELECT);
    answer(RLOG_ANSWER_ELECTED, token, 0, 5);
    assert_int_equal(effects.promised, 7);
    effects.promised = 0;
    answer(RLOG_ANSWER_ELECTED, token, 0, 5);
    assert_int_equal(effects.promised, 0);
}

static void what_was_given_up_is_not_told(void **state UNUSED)
{
    registrar_contend(registrar, &effects);
    uint64_t old = take_request(RLOG_ELECT);
    registrar_resign(registrar, &effects);
    (void)take_request(RLOG_RESIGN);
    answer(RLOG_ANSWER_ELECTED, old, 0, 5); /* was under way */
    assert_int_equal(effects.promised, 0);
    registrar_contend(registrar, &effects);
    uint64_t token = take_request(RLOG_ELECT);
    answer(RLOG_ANSWER_ELECTED, old, -ECANCELED, 0);
    assert_int_equal(effects.promised, 0);
    answer(RLOG_ANSWER_ELECTED, token, 0, 5);
    assert_int_equal(effects.promised, 7);
}

/* A promise that was lost between the answer and our hearing of it makes no leader. */
static void a_promise_that_is_gone_is_not_told(void **state UNUSED)
{
    registrar_contend(registrar, &effects);
    struct rlog_answer told = {.type = RLOG_ANSWER_ELECTED, .token = take_request(RLOG_ELECT)};
    registrar_take_answer(registrar, NOW_NS, &told, 0, &effects);
    assert_int_equal(effects.promised, 0);
}

/* Who leads by the promise then recovers: two elections of one coordinator, each with an answer. */
static void the_promise_serves_the_registry(void **state UNUSED)
{
    registrar_contend(registrar, &effects);
    answer(RLOG_ANSWER_ELECTED, take_request(RLOG_ELECT), 0, 5);
    effects.promised = 0;
    uint64_t append = recover();
    assert_int_equal(effects.promised, 0);
    answer(RLOG_ANSWER_WRITTEN, append, 0, 6);
    assert_answered(1, 0);
}

static void the_log_s_end_is_told(void **state UNUSED)
{
    struct rlog_answer told = {.type = RLOG_ANSWER_FAILED, .status = -EBADMSG};
    err_set(&told.err, 0, "damaged");
    registrar_take_answer(registrar, NOW_NS, &told, 0, &effects);
    assert_true(effects.is_failed);
    assert_string_equal(effects.why.text, "damaged");
}

static void time_ends_a_write(void **state UNUSED)
{
    (void)recover();
    assert_int_equal(registrar_deadline(registrar), NOW_NS + 5 * NS_PER_SEC);
    registrar_tick(registrar, NOW_NS + 5 * NS_PER_SEC, &effects);
    assert_answered(1, -ETIMEDOUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_operation_goes_through_the_log),
        TEST(only_the_append_is_waited_for),
        TEST(a_promise_is_told_once),
        TEST(what_was_given_up_is_not_told),
        TEST(a_promise_that_is_gone_is_not_told),
        TEST(the_promise_serves_the_registry),
        TEST(the_log_s_end_is_told),
        TEST(time_ends_a_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
