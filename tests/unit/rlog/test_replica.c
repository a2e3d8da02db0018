/* The replica's rules, its gate, and what it does when its store fails. */
#include "../unit.h"

#include <errno.h>

#include "one_replica.h"

static struct one_replica one;

static int set_up(void **state UNUSED)
{
    one_start(&one);
    return 0;
}

static int tear_down(void **state UNUSED)
{
    one_deinit(&one);
    return 0;
}

static void assert_answer(struct rlog_message request, int vote, uint64_t proposal)
{
    struct rlog_message answer = one_answer(&one, request);
    assert_int_equal(answer.vote, vote);
    assert_int_equal(answer.proposal, proposal);
    rlog_message_deinit(&answer);
}

static void assert_holds(uint64_t position, uint64_t promised, uint64_t performed,
                         const char *value, bool learned)
{
    struct rlog_record record;
    struct err err = {""};
    struct blob *bytes = fake_store_find(&one.store, position + 1);
    assert_non_null(bytes);
    assert_int_equal(rlog_record_decode(blob_slice(bytes), &record, &err), 0);
    assert_int_equal(record.action.promised, promised);
    assert_int_equal(record.action.performed, performed);
    assert_int_equal(record.action.learned, learned);
    struct rlog_action expected = one_action(0, position, value, false);
    assert_true(rlog_action_equal_value(&record.action, &expected));
    rlog_action_deinit(&expected);
    rlog_action_deinit(&record.action);
}

/* --- rules --- */

static void only_who_votes_answers(void **state UNUSED)
{
    const enum rlog_status silent[] = {RLOG_EMPTY, RLOG_STARTING, RLOG_RECOVERING};
    for (size_t i = 0; i < ELEMENTS(silent); i++) {
        (void)rlog_replica_set_metadata(&one.replica, silent[i], 0);
        assert_answer(one_promise_all(7), RLOG_IGNORED, 7);
        assert_answer(one_promise(7, 3), RLOG_IGNORED, 7);
        assert_answer(one_write(7, 3, "x"), RLOG_IGNORED, 7);
        struct rlog_message answer =
            one_answer(&one, (struct rlog_message){.type = RLOG_RECOVER_REQUEST});
        assert_int_equal(answer.status, silent[i]);
        assert_false(answer.has_range);
    }
    /* But it learns. */
    one_learn(&one, one_action(1, 0, "a", true));
    one_settle(&one);
    assert_holds(0, 1, 1, "a", true);
}

static void implicit_promises_are_given_once(void **state UNUSED)
{
    assert_answer(one_promise_all(0), RLOG_REJECT, 0);
    struct rlog_message answer = one_answer(&one, one_promise_all(2));
    assert_int_equal(answer.vote, RLOG_ACCEPT);
    assert_true(answer.has_position && answer.position == 0);
    assert_answer(one_promise_all(2), RLOG_REJECT, 2);
    assert_answer(one_promise_all(1), RLOG_REJECT, 2);
    one_restart(&one);
    assert_answer(one_promise_all(2), RLOG_REJECT, 2);
    assert_answer(one_promise_all(3), RLOG_ACCEPT, 3);
}

static void implicit_promises_cover_what_is_empty(void **state UNUSED)
{
    assert_int_equal(one_vote(&one, one_promise_all(5)), RLOG_ACCEPT);
    assert_answer(one_promise(5, 4), RLOG_REJECT, 5);
    assert_answer(one_write(4, 4, "x"), RLOG_REJECT, 5);
    assert_int_equal(one_vote(&one, one_write(5, 4, "x")), RLOG_ACCEPT);
    /* A hole below it is covered as well. */
    assert_answer(one_write(4, 2, "x"), RLOG_REJECT, 5);
    struct rlog_message answer = one_answer(&one, one_promise_all(6));
    assert_int_equal(answer.position, 4);
}

static void explicit_promises_tell_what_is_there(void **state UNUSED)
{
    struct rlog_message answer = one_answer(&one, one_promise(3, 2));
    assert_int_equal(answer.vote, RLOG_ACCEPT);
    assert_true(answer.has_position && !answer.has_action);
    assert_int_equal(one.replica.end, 2);
    assert_true(rlog_positions_has(&one.replica.holes, 1));
    assert_answer(one_promise(3, 2), RLOG_REJECT, 3);
    assert_answer(one_write(2, 2, "x"), RLOG_REJECT, 3);
    assert_int_equal(one_vote(&one, one_write(3, 2, "x")), RLOG_ACCEPT);
    answer = one_answer(&one, one_promise(4, 2));
    assert_true(answer.has_action && answer.action.performed == 3);
    assert_int_equal(answer.action.promised, 3);
    assert_slice(blob_slice(answer.action.bytes), "x");
    rlog_message_deinit(&answer);
    assert_holds(2, 4, 3, "x", false);
}

/* A write of a former coordinator that was held up does not replace a later one, which may have
 * been decided: the original keeps the promise as it was, and would take it. */
static void late_write(void **state UNUSED)
{
    assert_int_equal(one_vote(&one, one_promise_all(2)), RLOG_ACCEPT);
    /* 3 was promised by the other two; this one only gets the write. */
    assert_int_equal(one_vote(&one, one_write(3, 1, "new")), RLOG_ACCEPT);
    assert_answer(one_write(2, 1, "late"), RLOG_REJECT, 3);
    assert_holds(1, 3, 3, "new", false);
}

static void learned_positions_do_not_change(void **state UNUSED)
{
    one_learn(&one, one_action(1, 1, "a", true));
    one_settle(&one);
    int64_t written = one.store.write_count;
    struct rlog_message answer = one_answer(&one, one_promise(2, 1));
    assert_true(answer.vote == RLOG_ACCEPT && answer.action.learned);
    rlog_message_deinit(&answer);
    assert_answer(one_promise(1, 1), RLOG_REJECT, 1);
    assert_answer(one_write(3, 1, "a"), RLOG_ACCEPT, 3);
    assert_answer(one_write(3, 1, "b"), RLOG_REJECT, 3);
    assert_answer(one_write(0, 1, "a"), RLOG_REJECT, 1);
    one_learn(&one, one_action(5, 1, "a", true));
    one_settle(&one);
    assert_int_equal(one.store.write_count, written);
    assert_holds(1, 1, 1, "a", true);
}

static void truncation_moves_the_beginning(void **state UNUSED)
{
    for (uint64_t i = 0; i < 6; i++) {
        one_learn(&one, one_action(1, i, "entry", true));
    }
    /* Not before it is learned. */
    assert_int_equal(one_vote(&one, one_write(1, 8, "<5")), RLOG_ACCEPT);
    assert_int_equal(one.replica.begin, 0);
    one_learn(&one, one_action(1, 8, "<5", true));
    one_settle(&one);
    assert_int_equal(one.replica.begin, 5);
    assert_int_equal(one.store.count, 3); /* metadata, 5, 8 */
    assert_false(rlog_replica_misses(&one.replica, 4));
    assert_true(rlog_replica_misses(&one.replica, 6) && rlog_replica_misses(&one.replica, 7));

    struct rlog_message answer = one_answer(&one, one_promise(9, 4));
    assert_int_equal(answer.vote, RLOG_ACCEPT);
    assert_true(answer.action.learned && answer.action.tombstone);
    assert_int_equal(answer.action.type, RLOG_ACTION_NOP);
    assert_answer(one_write(9, 4, "x"), RLOG_REJECT, 9);
    one_learn(&one, one_action(1, 3, "entry", true));
    one_settle(&one);
    assert_int_equal(one.store.count, 3);
    one_restart(&one);
    assert_int_equal(one.replica.begin, 5);
    assert_int_equal(one.replica.end, 8);
    assert_int_equal(rlog_positions_number(&one.replica.holes), 2);
}

static void a_tombstone_truncates_too(void **state UNUSED)
{
    one_learn(&one, one_action(1, 2, "x", true));
    struct rlog_action tombstone = one_action(2, 6, "", true);
    tombstone.tombstone = true;
    one_learn(&one, tombstone);
    one_settle(&one);
    assert_int_equal(one.replica.begin, 7);
    assert_int_equal(one.replica.end, 6);
    assert_int_equal(one.store.count, 2); /* it stays, so that it is known after a restart */
    one_restart(&one);
    assert_int_equal(one.replica.begin, 7);
    assert_true(rlog_positions_is_empty(&one.replica.holes));
    assert_int_equal(one_vote(&one, one_write(3, 7, "next")), RLOG_ACCEPT);
}

static void a_truncation_does_not_forget_itself(void **state UNUSED)
{
    one_learn(&one, one_action(1, 3, "<100", true));
    one_settle(&one);
    assert_int_equal(one.replica.begin, 3);
    assert_holds(3, 1, 1, "<100", true);
}

/* --- the gate, and grouping --- */

static size_t pop_replies(void)
{
    size_t count = 0;
    struct rlog_reply *reply;
    while ((reply = rlog_replica_pop_reply(&one.replica)) != NULL) {
        rlog_reply_free(reply);
        count++;
    }
    return count;
}

static void perform_next(void)
{
    struct rlog_store_op *op = rlog_store_ops_pop(&one.ops);
    assert_non_null(op);
    struct fake_done done;
    fake_store_perform(&one.store, op, &done);
    (void)rlog_replica_stored(&one.replica, &done.done, &one.ops);
    fake_done_deinit(&done);
}

static void answers_wait_for_the_disk(void **state UNUSED)
{
    (void)one_ask(&one, one_promise_all(1));
    assert_int_equal(pop_replies(), 0);
    rlog_replica_flush(&one.replica, &one.ops);
    assert_int_equal(pop_replies(), 0);
    /* Also those that change nothing: they may tell of what is not durable. */
    (void)one_ask(&one, one_promise_all(1));
    (void)one_ask(&one, (struct rlog_message){.type = RLOG_RECOVER_REQUEST});
    assert_int_equal(pop_replies(), 0);
    perform_next();
    assert_int_equal(pop_replies(), 3);
}

static void writes_are_grouped(void **state UNUSED)
{
    int64_t batches = one.store.write_count;
    (void)one_ask(&one, one_promise_all(1));
    rlog_replica_flush(&one.replica, &one.ops);
    for (uint64_t i = 0; i < 50; i++) {
        (void)one_ask(&one, one_write(1, i, "x"));
        rlog_replica_flush(&one.replica, &one.ops);
    }
    perform_next();
    assert_int_equal(pop_replies(), 1);
    rlog_replica_flush(&one.replica, &one.ops);
    perform_next();
    assert_int_equal(pop_replies(), 50);
    assert_int_equal(one.store.write_count - batches, 2);
}

static void of_one_position_the_last_counts(void **state UNUSED)
{
    int64_t actions = one.store.action_count;
    (void)one_ask(&one, one_promise(1, 0));
    (void)one_ask(&one, one_write(1, 0, "a"));
    (void)one_ask(&one, one_write(2, 0, "b"));
    one_learn(&one, one_action(2, 0, "b", true));
    one_settle(&one);
    assert_int_equal(pop_replies(), 3);
    assert_int_equal(one.store.action_count - actions, 1);
    assert_holds(0, 2, 2, "b", true);
}

/* --- reads --- */

static void what_is_not_in_memory_is_read(void **state UNUSED)
{
    one.replica.cache_size_max = 0;
    assert_int_equal(one_vote(&one, one_write(1, 0, "a")), RLOG_ACCEPT);
    assert_int_equal(one.replica.cache_size, 0);
    uint64_t number = one_ask(&one, one_promise(2, 0));
    assert_int_equal(one.replica.parked_count, 1);
    assert_int_equal(pop_replies(), 0);
    perform_next();
    assert_int_equal(one.replica.parked_count, 0);
    one_settle(&one);
    struct rlog_reply *reply = rlog_replica_pop_reply(&one.replica);
    assert_non_null(reply);
    assert_int_equal(reply->asker.number, number);
    assert_slice(blob_slice(reply->message.action.bytes), "a");
    rlog_reply_free(reply);
    assert_holds(0, 2, 1, "a", false);
}

/* While it is read, the position is written, and even forgotten again: it is read once more. */
static void a_read_that_is_overtaken_is_repeated(void **state UNUSED)
{
    one.replica.cache_size_max = 0;
    assert_int_equal(one_vote(&one, one_write(1, 0, "a")), RLOG_ACCEPT);
    (void)one_ask(&one, one_promise(7, 0));
    struct rlog_store_op *read = rlog_store_ops_pop(&one.ops);
    struct fake_done stale;
    fake_store_perform(&one.store, read, &stale);
    one_learn(&one, one_action(2, 0, "b", true));
    one_settle(&one);
    assert_int_equal(one.replica.cache_size, 0);
    (void)rlog_replica_stored(&one.replica, &stale.done, &one.ops);
    fake_done_deinit(&stale);
    one_settle(&one);
    struct rlog_reply *reply = rlog_replica_pop_reply(&one.replica);
    assert_non_null(reply);
    assert_true(reply->message.action.learned);
    assert_slice(blob_slice(reply->message.action.bytes), "b");
    rlog_reply_free(reply);
}

static void what_cannot_be_read_is_not_answered(void **state UNUSED)
{
    one.replica.cache_size_max = 0;
    assert_int_equal(one_vote(&one, one_write(1, 0, "a")), RLOG_ACCEPT);
    one.store.fail_in = 1;
    assert_int_equal(one_vote(&one, one_promise(2, 0)), 0);
    assert_int_equal(one.replica.state, RLOG_REPLICA_READY);
    assert_int_equal(one_vote(&one, one_promise(2, 0)), RLOG_ACCEPT);
}

/* --- failures --- */

struct script {
    struct rlog_message request;
    int vote;
};

/* Whatever was answered holds after any failure; what was not may hold or not. */
static void run_failing(int fail_in, bool fails_half, bool no_cache)
{
    one_start(&one);
    one.replica.cache_size_max = no_cache ? 0 : RLOG_REPLICA_CACHE_SIZE_MAX;
    one.store.fail_in = fail_in;
    one.store.fails_half = fails_half;
    uint64_t promised = 0;
    const char *const values[] = {"a", "b", "c"};
    bool accepted[3] = {false};
    if (one_vote(&one, one_promise_all(3)) == RLOG_ACCEPT) {
        promised = 3;
    }
    for (uint64_t i = 0; i < 3; i++) {
        accepted[i] = one_vote(&one, one_write(3, i, values[i])) == RLOG_ACCEPT;
    }
    bool raised = one_vote(&one, one_promise(4, 1)) == RLOG_ACCEPT;
    one.store.fail_in = 0;
    one_settle(&one);
    assert_int_equal(one.replica.state, RLOG_REPLICA_READY);
    one_restart(&one);

    assert_true(one.replica.promised >= promised);
    for (uint64_t i = 0; i < 3; i++) {
        struct rlog_message answer = one_answer(&one, one_promise(9, i));
        assert_int_equal(answer.vote, RLOG_ACCEPT);
        if (accepted[i]) {
            assert_slice(blob_slice(answer.action.bytes), values[i]);
            assert_int_equal(answer.action.performed, 3);
        }
        assert_true(i != 1 || !raised || answer.action.promised == 4);
        rlog_message_deinit(&answer);
    }
    one_deinit(&one);
}

static void each_operation_fails_in_turn(void **state UNUSED)
{
    for (int fail_in = 1; fail_in <= 12; fail_in++) {
        for (int variant = 0; variant < 4; variant++) {
            run_failing(fail_in, (variant & 1) != 0, (variant & 2) != 0);
        }
    }
}

static void a_failed_replica_is_silent(void **state UNUSED)
{
    (void)one_ask(&one, one_promise_all(1));
    rlog_replica_flush(&one.replica, &one.ops);
    (void)one_ask(&one, one_write(1, 0, "x"));
    one.store.fail_in = 1;
    perform_next();
    assert_int_equal(one.replica.state, RLOG_REPLICA_FAILED);
    assert_int_equal(pop_replies(), 0);
    assert_string_equal(one.replica.error, "no space");
    (void)one_ask(&one, one_promise_all(5));
    one_learn(&one, one_action(1, 0, "x", true));
    rlog_replica_flush(&one.replica, &one.ops);
    assert_null(rlog_store_ops_pop(&one.ops));
    assert_true(rlog_replica_misses(&one.replica, 0));
    one_settle(&one);
    assert_int_equal(one.replica.promised, 0);
    assert_int_equal(one_vote(&one, one_promise_all(1)), RLOG_ACCEPT);
}

static void a_damaged_store_is_not_taken_for_an_empty_one(void **state UNUSED)
{
    fake_store_put(&one.store, 3, SLICE("\x08\x02"));
    one.store.fail_in = 1;
    (void)one_ask(&one, one_promise_all(1));
    one_settle(&one);
    assert_int_equal(one.replica.state, RLOG_REPLICA_DAMAGED);
    assert_int_equal(one_vote(&one, one_promise_all(2)), 0);
}

/* --- limits --- */

static void requests_beyond_the_limits_are_dropped(void **state UNUSED)
{
    for (int i = 0; i < RLOG_REPLICA_REPLIES_MAX + 1; i++) {
        (void)one_ask(&one, (struct rlog_message){.type = RLOG_RECOVER_REQUEST});
    }
    assert_int_equal(one.replica.reply_count, RLOG_REPLICA_REPLIES_MAX);
    assert_int_equal(pop_replies(), RLOG_REPLICA_REPLIES_MAX);

    one.replica.cache_size_max = 0;
    assert_int_equal(one_vote(&one, one_write(1, 0, "a")), RLOG_ACCEPT);
    for (int i = 0; i < RLOG_REPLICA_PARKED_MAX + 1; i++) {
        (void)one_ask(&one, one_promise(2, 0));
    }
    assert_int_equal(one.replica.parked_count, RLOG_REPLICA_PARKED_MAX);
    one_settle(&one);
    assert_int_equal(pop_replies(), RLOG_REPLICA_PARKED_MAX);
}

static void bytes_that_wait_for_the_disk_are_bounded(void **state UNUSED)
{
    size_t size = RLOG_REPLICA_UNSTORED_SIZE_MAX / 4;
    char *bytes = calloc(1, size + 1);
    memset(bytes, 'x', size);
    uint64_t position = 0;
    while (position < 10) {
        (void)one_ask(&one, one_write(1, position++, bytes));
    }
    assert_int_equal(one.replica.reply_count, 4);
    one_settle(&one);
    assert_int_equal(one_vote(&one, one_write(1, 4, bytes)), RLOG_ACCEPT);
    assert_true(one.replica.cache_size <= RLOG_REPLICA_CACHE_SIZE_MAX);
    free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_who_votes_answers),
        TEST(implicit_promises_are_given_once),
        TEST(implicit_promises_cover_what_is_empty),
        TEST(explicit_promises_tell_what_is_there),
        TEST(late_write),
        TEST(learned_positions_do_not_change),
        TEST(truncation_moves_the_beginning),
        TEST(a_tombstone_truncates_too),
        TEST(a_truncation_does_not_forget_itself),
        TEST(answers_wait_for_the_disk),
        TEST(writes_are_grouped),
        TEST(of_one_position_the_last_counts),
        TEST(what_is_not_in_memory_is_read),
        TEST(a_read_that_is_overtaken_is_repeated),
        TEST(what_cannot_be_read_is_not_answered),
        cmocka_unit_test(each_operation_fails_in_turn),
        TEST(a_failed_replica_is_silent),
        TEST(a_damaged_store_is_not_taken_for_an_empty_one),
        TEST(requests_beyond_the_limits_are_dropped),
        TEST(bytes_that_wait_for_the_disk_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
