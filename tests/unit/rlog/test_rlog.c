/*
 * The whole log against peers that are played by the test: who is asked what by whom, when again,
 * and what comes of the answers.
 */
#include "../unit.h"

#include <errno.h>

#include "common/duration.h"
#include "fake_store.h"
#include "rlog/catchup.h"
#include "rlog/coordinator.h"
#include "rlog/network.h"
#include "rlog/reader.h"
#include "rlog/rlog.h"

#define SENT_MAX 4096
#define PEERS 2
#define SELF_PORT 5050

struct sent {
    enum net_effect_type type;
    int peer; /* by port */
    char from[64];
    char to[64];
    bool reconnect;
    enum rlog_message_type message_type; /* SEND */
    struct rlog_message message;
};

static struct rlog *rlog;
static struct rlog_effects effects;
static struct fake_store store;
static int64_t now_ns;
static struct sent sent[SENT_MAX];
static size_t sent_count;
static struct rlog_answer *answers[SENT_MAX];
static size_t answer_count;
static struct buf notes;
static uint64_t next_token;

/* --- the world around it --- */

static struct address address_of(int peer)
{
    struct address address = {
        .family = 4, .port = (uint16_t)(SELF_PORT + peer), .ip = {127, 0, 0, 1}};
    return address;
}

static void note_net(const struct net_effect *effect)
{
    assert_true(sent_count < SENT_MAX);
    struct sent *one = &sent[sent_count++];
    *one = (struct sent){.type = effect->type,
                         .peer = effect->route->to.address.port - SELF_PORT,
                         .reconnect = effect->reconnect};
    if (effect->type == NET_SEND) {
        struct err err = {""};
        (void)snprintf(one->from, sizeof(one->from), "%.63s", effect->route->from_id);
        (void)snprintf(one->to, sizeof(one->to), "%.63s", effect->route->to.id);
        assert_true(rlog_message_find(slice_from(effect->name), &one->message_type));
        assert_int_equal(
            rlog_message_decode(one->message_type, blob_slice(effect->body), &one->message, &err),
            0);
    }
}

static void step(const struct rlog_event *event);

static void perform(void)
{
    struct net_effect *effect;
    while ((effect = net_effects_pop(&effects.net)) != NULL) {
        note_net(effect);
        net_effect_free(effect);
    }
    struct rlog_answer *answer;
    while ((answer = rlog_effects_pop_answer(&effects)) != NULL) {
        assert_true(answer_count < SENT_MAX);
        answers[answer_count++] = answer;
    }
    struct rlog_note *note;
    while ((note = rlog_effects_pop_note(&effects)) != NULL) {
        buf_printf(&notes, "%s\n", note->text);
        rlog_note_free(note);
    }
    struct rlog_store_op *op;
    while ((op = rlog_store_ops_pop(&effects.store)) != NULL) {
        struct fake_done done;
        fake_store_perform(&store, op, &done);
        step(&(struct rlog_event){.type = RLOG_STORED, .stored = &done.done});
        fake_done_deinit(&done);
    }
}

static void step(const struct rlog_event *event)
{
    rlog_step(rlog, now_ns, event, &effects);
    perform();
}

static void start(size_t quorum, bool auto_initialize)
{
    now_ns = NS_PER_SEC;
    next_token = 1;
    rlog = rlog_new(&(struct rlog_options){
        .quorum = quorum, .auto_initialize = auto_initialize, .self = address_of(0), .seed = 7});
    rlog_effects_init(&effects);
    step(&(struct rlog_event){.type = RLOG_START});
}

static void set_members(int first, int last)
{
    struct upid members[100];
    size_t count = 0;
    for (int peer = first; peer <= last; peer++) {
        members[count] = (struct upid){.id = "log-replica(1)", .address = address_of(peer)};
        count++;
    }
    step(&(struct rlog_event){.type = RLOG_MEMBERS, .members = members, .member_count = count});
}

static void forget(void)
{
    for (size_t i = 0; i < sent_count; i++) {
        rlog_message_deinit(&sent[i].message);
    }
    for (size_t i = 0; i < answer_count; i++) {
        rlog_answer_free(answers[i]);
    }
    sent_count = answer_count = 0;
    buf_clear(&notes);
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    rlog = rlog_free(rlog);
    rlog_effects_deinit(&effects);
    fake_store_deinit(&store);
    buf_deinit(&notes);
    return 0;
}

static void put_metadata(enum rlog_status status, uint64_t promised)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    rlog_record_encode_metadata(status, promised, &bytes);
    fake_store_put(&store, 0, buf_slice(&bytes));
}

static void put_action(uint64_t position, const char *text, bool learned)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    struct rlog_action action = {.position = position,
                                 .promised = 1,
                                 .performed = 1,
                                 .type = RLOG_ACTION_APPEND,
                                 .learned = learned,
                                 .bytes = blob_from(slice_from(text))};
    rlog_record_encode_action(&action, &bytes);
    fake_store_put(&store, position + 1, buf_slice(&bytes));
    rlog_action_deinit(&action);
}

static void deliver(int from, const char *from_id, const char *to, enum rlog_message_type type,
                    struct slice body)
{
    struct net_event event = {
        .type = NET_MESSAGE, .name = slice_from(rlog_message_name(type)), .body = body};
    event.from.address = address_of(from);
    (void)snprintf(event.from.id, sizeof(event.from.id), "%s", from_id);
    (void)snprintf(event.to, sizeof(event.to), "%s", to);
    step(&(struct rlog_event){.type = RLOG_NET, .net = &event});
}

static void deliver_message(int from, const char *to, const struct rlog_message *message)
{
    CLEANUP(blob_unrefp) struct blob *body = rlog_message_encode(message);
    deliver(from, "log-replica(1)", to, message->type, blob_slice(body));
}

/* Time goes on, and the log is woken when it wants. */
static void pass(int64_t duration_ns)
{
    int64_t until_ns = now_ns + duration_ns;
    while (rlog_deadline(rlog) <= until_ns) {
        now_ns = MAX(now_ns, rlog_deadline(rlog));
        step(&(struct rlog_event){.type = RLOG_TICK});
    }
    now_ns = until_ns;
}

static struct sent *find_sent(size_t from, int peer, enum rlog_message_type type)
{
    for (size_t i = from; i < sent_count; i++) {
        if (sent[i].type == NET_SEND && sent[i].peer == peer && sent[i].message_type == type) {
            return &sent[i];
        }
    }
    return NULL;
}

static size_t count_sent(int peer, enum rlog_message_type type)
{
    size_t count = 0;
    for (size_t i = 0; i < sent_count; i++) {
        count += sent[i].type == NET_SEND && sent[i].peer == peer && sent[i].message_type == type;
    }
    return count;
}

/* Answers the last request of that type to the peer. */
static void answer_last(int peer, enum rlog_message_type request, struct rlog_message *answer)
{
    struct sent *last = NULL;
    for (size_t i = 0; i < sent_count; i++) {
        if (sent[i].type == NET_SEND && sent[i].peer == peer && sent[i].message_type == request) {
            last = &sent[i];
        }
    }
    if (last == NULL) {
        fail_msg("peer %d was not asked", peer);
        return;
    }
    assert_true(rlog_has_actor(rlog, slice_from(last->from)));
    char to[64];
    memcpy(to, last->from, sizeof(to));
    deliver_message(peer, to, answer);
}

static void answer_status(int peer, enum rlog_status status, uint64_t begin, uint64_t end)
{
    struct rlog_message answer = {.type = RLOG_RECOVER_RESPONSE,
                                  .status = status,
                                  .has_range = status == RLOG_VOTING,
                                  .begin = begin,
                                  .end = end};
    answer_last(peer, RLOG_RECOVER_REQUEST, &answer);
}

static void answer_promise(int peer, enum rlog_vote vote, uint64_t proposal, uint64_t position)
{
    struct rlog_message answer = {.type = RLOG_PROMISE_RESPONSE,
                                  .vote = vote,
                                  .proposal = proposal,
                                  .has_position = vote == RLOG_ACCEPT,
                                  .position = position};
    answer_last(peer, RLOG_PROMISE_REQUEST, &answer);
}

static void answer_learned(int peer, uint64_t proposal, uint64_t position, const char *text)
{
    struct rlog_message answer = {.type = RLOG_PROMISE_RESPONSE,
                                  .vote = RLOG_ACCEPT,
                                  .proposal = proposal,
                                  .has_action = true,
                                  .action = {.position = position,
                                             .promised = 1,
                                             .performed = 1,
                                             .type = RLOG_ACTION_APPEND,
                                             .learned = true,
                                             .bytes = blob_from(slice_from(text))}};
    answer_last(peer, RLOG_PROMISE_REQUEST, &answer);
    rlog_message_deinit(&answer);
}

static void answer_write(int peer, enum rlog_vote vote, uint64_t proposal, uint64_t position)
{
    struct rlog_message answer = {.type = RLOG_WRITE_RESPONSE,
                                  .vote = vote,
                                  .proposal = proposal,
                                  .has_position = true,
                                  .position = position};
    answer_last(peer, RLOG_WRITE_REQUEST, &answer);
}

static uint64_t ask(enum rlog_event_type type)
{
    uint64_t token = next_token++;
    step(&(struct rlog_event){.type = type, .token = token});
    return token;
}

static uint64_t append(const char *text)
{
    CLEANUP(blob_unrefp) struct blob *bytes = blob_from(slice_from(text));
    uint64_t token = next_token++;
    step(&(struct rlog_event){.type = RLOG_APPEND, .token = token, .bytes = bytes});
    return token;
}

static const struct rlog_answer *find_answer(uint64_t token)
{
    for (size_t i = 0; i < answer_count; i++) {
        if (answers[i]->token == token && answers[i]->type != RLOG_ANSWER_FAILED) {
            return answers[i];
        }
    }
    return NULL;
}

/* A log of three whose replica votes, and has entries at 0 and 1. */
static void start_voting(void)
{
    put_metadata(RLOG_VOTING, 1);
    put_action(0, "a", true);
    put_action(1, "b", true);
    start(2, false);
    set_members(0, PEERS);
    assert_true(rlog_is_recovered(rlog));
    forget();
}

static void start_elected(void)
{
    start_voting();
    uint64_t token = ask(RLOG_ELECT);
    answer_promise(1, RLOG_ACCEPT, 2, 1);
    assert_int_equal(find_answer(token)->status, 0);
    assert_int_equal(find_answer(token)->position, 1);
    forget();
}

/* --- actors and links --- */

static void actors_are_named_as_the_originals(void **state)
{
    (void)state;
    start_elected();
    assert_true(rlog_has_actor(rlog, SLICE("log-replica(1)")));
    assert_false(rlog_has_actor(rlog, SLICE("log-replica(2)")));
    assert_false(rlog_has_actor(rlog, SLICE("__req_res__(99)")));
    assert_false(rlog_has_actor(rlog, SLICE("__req_res__()")));
    assert_false(rlog_has_actor(rlog, SLICE("__req_res__(x)")));
    (void)append("c");
    const struct sent *first = find_sent(0, 1, RLOG_WRITE_REQUEST);
    const struct sent *second = find_sent(0, 2, RLOG_WRITE_REQUEST);
    assert_string_equal(first->to, "log-replica(1)");
    assert_string_not_equal(first->from, second->from);
    assert_true(strncmp(first->from, "__req_res__(", 12) == 0);
    answer_write(2, RLOG_ACCEPT, 2, 2);
    assert_false(rlog_has_actor(rlog, slice_from(first->from)));
    assert_string_equal(find_sent(0, 1, RLOG_LEARNED)->from, "log-network(1)");

    struct rlog_message request = {.type = RLOG_RECOVER_REQUEST};
    CLEANUP(blob_unrefp) struct blob *body = rlog_message_encode(&request);
    forget();
    deliver(1, "__req_res__(12)", "log-replica(1)", RLOG_RECOVER_REQUEST, blob_slice(body));
    assert_int_equal(sent_count, 1);
    assert_string_equal(sent[0].from, "log-replica(1)");
    assert_string_equal(sent[0].to, "__req_res__(12)");
    assert_true(sent[0].message.begin == 0 && sent[0].message.end == 2);
}

static void members_are_linked(void **state)
{
    (void)state;
    put_metadata(RLOG_VOTING, 1);
    start(2, false);
    set_members(0, 2);
    assert_int_equal(rlog_member_count(rlog), 3);
    assert_int_equal(sent_count, 2);
    assert_true(sent[0].type == NET_LINK && sent[0].reconnect && sent[0].peer == 1);
    forget();
    /* A broken link is made anew, but only after a pause; one of a stranger is none of ours. */
    struct net_event exited = {.type = NET_EXITED, .address = address_of(2)};
    step(&(struct rlog_event){.type = RLOG_NET, .net = &exited});
    exited.address = address_of(9);
    step(&(struct rlog_event){.type = RLOG_NET, .net = &exited});
    assert_int_equal(sent_count, 0);
    pass(2 * RLOG_RELINK_NS);
    assert_int_equal(sent_count, 1);
    assert_true(sent[0].type == NET_LINK && sent[0].peer == 2);
    forget();
    set_members(1, 1);
    assert_int_equal(rlog_member_count(rlog), 2);
    assert_int_equal(sent_count, 1);
    assert_true(sent[0].type == NET_UNLINK && sent[0].peer == 2);
}

static void too_many_members_are_left_out(void **state)
{
    (void)state;
    put_metadata(RLOG_VOTING, 1);
    start(2, false);
    set_members(0, RLOG_MEMBERS_MAX - 1);
    assert_int_equal(rlog_member_count(rlog), RLOG_MEMBERS_MAX);
    set_members(0, RLOG_MEMBERS_MAX);
    assert_int_equal(rlog_member_count(rlog), RLOG_MEMBERS_MAX);
    assert_true(strstr(buf_text(&notes), "too many for a quorum of 2") != NULL);
}

static void nonsense_is_dropped(void **state)
{
    (void)state;
    start_elected();
    deliver(1, "x", "log-replica(1)", RLOG_WRITE_REQUEST, SLICE("\xff\xff"));
    assert_true(strstr(buf_text(&notes), "is dropped: mesos.internal.log.WriteRequest") != NULL);
    /* An APPEND without bytes; a position that LevelDB's keys cannot tell. */
    deliver(1, "x", "log-replica(1)", RLOG_WRITE_REQUEST, SLICE("\x08\x09\x10\x05\x20\x02"));
    deliver(1, "x", "log-replica(1)", RLOG_PROMISE_REQUEST,
            SLICE("\x08\x09\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    /* Learned messages that are not learned, responses to the replica, requests to an asker. */
    deliver(1, "x", "log-replica(1)", RLOG_LEARNED, SLICE("\x0a\x04\x08\x05\x10\x01"));
    deliver(1, "x", "log-replica(1)", RLOG_RECOVER_RESPONSE, SLICE("\x08\x04"));
    (void)append("c");
    const char *from = find_sent(0, 1, RLOG_WRITE_REQUEST)->from;
    deliver(1, "x", from, RLOG_RECOVER_REQUEST, SLICE(""));
    deliver(1, "x", from, RLOG_RECOVER_RESPONSE, SLICE("\x08\x04"));
    /* An answer for another position. */
    answer_write(1, RLOG_ACCEPT, 2, 9);
    assert_int_equal(answer_count, 0);
    assert_int_equal(count_sent(1, RLOG_WRITE_RESPONSE), 0);
    assert_int_equal(store.count, 4);
}

/* --- recovery --- */

static void a_new_log_needs_all_replicas(void **state)
{
    (void)state;
    start(2, true);
    set_members(1, 2);
    assert_int_equal(rlog_status(rlog), RLOG_EMPTY);
    answer_status(1, RLOG_EMPTY, 0, 0);
    assert_int_equal(rlog_status(rlog), RLOG_EMPTY);
    answer_status(2, RLOG_STARTING, 0, 0);
    assert_int_equal(rlog_status(rlog), RLOG_STARTING);
    /* At once, the second phase. */
    answer_status(1, RLOG_STARTING, 0, 0);
    assert_int_equal(rlog_status(rlog), RLOG_STARTING);
    answer_status(2, RLOG_VOTING, 0, 0);
    assert_int_equal(rlog_status(rlog), RLOG_VOTING);
    assert_true(rlog_is_recovered(rlog));
}

static void undecided_rounds_are_repeated(void **state)
{
    (void)state;
    start(2, true);
    set_members(1, 2);
    answer_status(1, RLOG_EMPTY, 0, 0);
    answer_status(2, RLOG_VOTING, 0, 5);
    assert_int_equal(count_sent(1, RLOG_RECOVER_REQUEST), 1);
    pass(RLOG_ROUND_RESEND_NS / 2 - 1);
    assert_int_equal(count_sent(1, RLOG_RECOVER_REQUEST), 1);
    pass(RLOG_ROUND_RESEND_NS / 2 + 1);
    assert_int_equal(count_sent(1, RLOG_RECOVER_REQUEST), 2);
    /* Nobody answers: about every 10 s a new round, and within it a few reminders. */
    forget();
    pass(60 * NS_PER_SEC);
    size_t count = count_sent(1, RLOG_RECOVER_REQUEST);
    assert_true(count >= 12 && count <= 30);
}

static void without_auto_initialize_it_waits_and_says_so(void **state)
{
    (void)state;
    start(2, false);
    set_members(1, 2);
    for (int i = 0; i < 3; i++) {
        answer_status(1, RLOG_EMPTY, 0, 0);
        answer_status(2, RLOG_EMPTY, 0, 0);
        pass(NS_PER_SEC);
    }
    assert_int_equal(rlog_status(rlog), RLOG_EMPTY);
    const char *text = strstr(buf_text(&notes), "not initialized");
    assert_non_null(text);
    assert_null(strstr(text + 1, "not initialized"));
}

/* From the top down; it promises no less than the others did before it votes. */
static void a_lost_disk_catches_up(void **state)
{
    (void)state;
    start(2, true);
    set_members(1, 2);
    answer_status(1, RLOG_VOTING, 3, 6);
    answer_status(2, RLOG_VOTING, 4, 5);
    assert_int_equal(rlog_status(rlog), RLOG_RECOVERING);
    /* The number is a guess: the first refusal costs no pause. */
    assert_int_equal(find_sent(0, 1, RLOG_PROMISE_REQUEST)->message.position, 6);
    forget();
    step(&(struct rlog_event){.type = RLOG_TICK});
    pass(0);
    assert_int_equal(sent_count, 0);
    pass(2 * NS_PER_SEC); /* asked again: the answer to the first was lost */
    answer_promise(1, RLOG_REJECT, 7, 0);
    answer_promise(2, RLOG_REJECT, 8, 0);
    assert_int_equal(sent[sent_count - 1].message.proposal, 9);
    answer_learned(1, 9, 6, "six");
    assert_int_equal(count_sent(1, RLOG_LEARNED), 0); /* he has it */
    /* Then several at once. */
    uint64_t positions = 0;
    for (size_t i = 0; i < sent_count; i++) {
        const struct sent *one = &sent[i];
        if (one->peer == 2 && one->message_type == RLOG_PROMISE_REQUEST &&
            one->message.proposal == 9) {
            positions = positions * 10 + one->message.position;
        }
    }
    assert_int_equal(positions, 654);
    answer_learned(1, 9, 4, "four");
    assert_int_equal(sent[sent_count - 1].message.position, 3);
    answer_learned(1, 9, 3, "three");
    /* 5 was asked before 3 and 4. */
    struct rlog_message five = {
        .type = RLOG_PROMISE_RESPONSE,
        .vote = RLOG_ACCEPT,
        .proposal = 9,
        .has_action = true,
        .action = {.position = 5, .type = RLOG_ACTION_NOP, .performed = 1, .learned = true}};
    for (size_t i = 0; i < sent_count; i++) {
        if (sent[i].peer == 2 && sent[i].message.position == 5) {
            deliver_message(2, sent[i].from, &five);
        }
    }
    /* Now the promises given: number 0 is refused by all who vote. */
    assert_int_equal(rlog_status(rlog), RLOG_RECOVERING);
    assert_false(sent[sent_count - 1].message.has_position);
    assert_int_equal(sent[sent_count - 1].message.proposal, 0);
    answer_promise(1, RLOG_REJECT, 4, 0);
    answer_promise(2, RLOG_REJECT, 12, 0);
    assert_true(rlog_is_recovered(rlog));
    CLEANUP(buf_deinit) struct buf expected = BUF_INIT;
    rlog_record_encode_metadata(RLOG_VOTING, 12, &expected);
    assert_true(slice_equal(buf_slice(&expected), blob_slice(fake_store_find(&store, 0))));
}

/* --- election --- */

static void ignored_elections_do_not_race(void **state)
{
    (void)state;
    start_voting();
    uint64_t token = ask(RLOG_ELECT);
    /* Our own replica promises each number; the others do not vote yet. */
    for (int i = 0; i < 200; i++) {
        struct sent last = sent[sent_count - 1];
        if (rlog_has_actor(rlog, slice_from(last.from))) {
            answer_promise(1, RLOG_IGNORED, last.message.proposal, 0);
            answer_promise(2, RLOG_IGNORED, last.message.proposal, 0);
        }
        pass(NS_PER_SEC / 10);
    }
    assert_null(find_answer(token));
    /* In 20 s a handful, with ever longer pauses. */
    assert_true(count_sent(1, RLOG_PROMISE_REQUEST) < 16);
    pass(8 * NS_PER_SEC);
    answer_promise(1, RLOG_ACCEPT, sent[sent_count - 1].message.proposal, 1);
    assert_int_equal(find_answer(token)->status, 0);
}

static void a_refused_election_goes_higher(void **state)
{
    (void)state;
    start_voting();
    uint64_t token = ask(RLOG_ELECT);
    assert_int_equal(find_sent(0, 1, RLOG_PROMISE_REQUEST)->message.proposal, 2);
    answer_promise(1, RLOG_REJECT, 40, 0);
    pass(2 * RLOG_ELECTION_RETRY_NS);
    assert_int_equal(sent[sent_count - 1].message.proposal, 41);
    uint64_t again = ask(RLOG_ELECT);
    assert_int_equal(find_answer(again)->status, -EALREADY);
    answer_promise(2, RLOG_ACCEPT, 41, 1);
    assert_int_equal(find_answer(token)->status, 0);
    again = ask(RLOG_ELECT);
    assert_int_equal(find_answer(again)->position, 1);
}

/* Replicas before 0.26 do not name a type. */
static void old_replicas_are_understood(void **state)
{
    (void)state;
    start_voting();
    uint64_t token = ask(RLOG_ELECT);
    char from[64];
    memcpy(from, find_sent(0, 1, RLOG_PROMISE_REQUEST)->from, sizeof(from));
    deliver(1, "log-replica(1)", from, RLOG_PROMISE_RESPONSE, SLICE("\x08\x00\x10\x05"));
    pass(2 * RLOG_ELECTION_RETRY_NS);
    assert_int_equal(sent[sent_count - 1].message.proposal, 6);
    memcpy(from, sent[sent_count - 1].from, sizeof(from));
    deliver(2, "log-replica(1)", from, RLOG_PROMISE_RESPONSE, SLICE("\x08\x01\x10\x06\x20\x01"));
    assert_int_equal(find_answer(token)->status, 0);
}

static void what_was_left_open_is_settled_first(void **state)
{
    (void)state;
    start_voting();
    uint64_t token = ask(RLOG_ELECT);
    answer_promise(1, RLOG_ACCEPT, 2, 3); /* he has positions up to 3 */
    assert_null(find_answer(token));
    assert_int_equal(sent[sent_count - 1].message.position, 3);
    assert_int_equal(sent[sent_count - 1].message.proposal, 3);
    /* Something was written at 3, and perhaps decided: it is written again. */
    struct rlog_message found = {.type = RLOG_PROMISE_RESPONSE,
                                 .vote = RLOG_ACCEPT,
                                 .proposal = 3,
                                 .has_action = true,
                                 .action = {.position = 3,
                                            .promised = 1,
                                            .performed = 1,
                                            .type = RLOG_ACTION_APPEND,
                                            .bytes = blob_from(SLICE("open"))}};
    answer_last(1, RLOG_PROMISE_REQUEST, &found);
    rlog_message_deinit(&found);
    assert_slice(blob_slice(find_sent(0, 1, RLOG_WRITE_REQUEST)->message.action.bytes), "open");
    answer_write(1, RLOG_ACCEPT, 3, 3);
    assert_int_equal(find_sent(0, 2, RLOG_LEARNED)->message.action.performed, 3);
    /* At 2 nobody has anything: a no-op. */
    answer_promise(2, RLOG_ACCEPT, 3, 2);
    assert_int_equal(sent[sent_count - 1].message.action.type, RLOG_ACTION_NOP);
    answer_write(2, RLOG_ACCEPT, 3, 2);
    assert_int_equal(find_answer(token)->position, 3);
}

static void who_does_not_answer_is_asked_again(void **state)
{
    (void)state;
    start_elected();
    (void)append("c");
    pass(60 * NS_PER_SEC);
    size_t count = count_sent(1, RLOG_WRITE_REQUEST);
    assert_true(count >= 5 && count <= 12);
    /* And over a new connection now and then. */
    size_t links = 0;
    for (size_t i = 0; i < sent_count; i++) {
        links += sent[i].type == NET_LINK && sent[i].peer == 1 && sent[i].reconnect;
    }
    assert_true(links >= 2 && links <= 6);
    assert_int_equal(answer_count, 0);
    answer_write(1, RLOG_ACCEPT, 2, 2);
    assert_int_equal(answer_count, 1);
}

static void new_members_are_asked_at_once(void **state)
{
    (void)state;
    start_elected();
    uint64_t token = append("c");
    set_members(3, 4);
    assert_non_null(find_sent(0, 3, RLOG_WRITE_REQUEST));
    answer_write(4, RLOG_ACCEPT, 2, 2);
    assert_int_equal(find_answer(token)->status, 0);
}

/* --- writing --- */

/* Two at once would let another coordinator decide the first anew, and keep the second. */
static void one_write_follows_the_other(void **state)
{
    (void)state;
    start_elected();
    uint64_t tokens[] = {append("c"), append("d"), append("e")};
    for (size_t i = 0; i < ELEMENTS(tokens); i++) {
        assert_int_equal(count_sent(1, RLOG_WRITE_REQUEST), i + 1);
        assert_int_equal(answer_count, i);
        answer_write(1, RLOG_ACCEPT, 2, 2 + i);
        assert_int_equal(find_answer(tokens[i])->status, 0);
        assert_int_equal(find_answer(tokens[i])->position, 2 + i);
    }
    assert_int_equal(count_sent(1, RLOG_WRITE_REQUEST), 3);
}

static void a_refused_write_ends_the_election(void **state)
{
    (void)state;
    start_elected();
    uint64_t first = append("c");
    uint64_t second = append("d");
    struct rlog_message reject = {.type = RLOG_WRITE_RESPONSE,
                                  .vote = RLOG_REJECT,
                                  .proposal = 9,
                                  .has_position = true,
                                  .position = 2};
    deliver_message(1, find_sent(0, 1, RLOG_WRITE_REQUEST)->from, &reject);
    assert_int_equal(find_answer(first)->status, RLOG_E_LOST);
    assert_int_equal(find_answer(second)->status, RLOG_E_LOST);
    assert_int_equal(find_answer(append("e"))->status, RLOG_E_LOST);
    (void)ask(RLOG_ELECT);
    assert_int_equal(sent[sent_count - 1].message.proposal, 10);
}

static void resigning_leaves_nothing_open(void **state)
{
    (void)state;
    start_elected();
    uint64_t token = append("c");
    (void)ask(RLOG_RESIGN);
    assert_int_equal(find_answer(token)->status, -ECANCELED);
    token = ask(RLOG_ELECT);
    (void)ask(RLOG_RESIGN);
    assert_int_equal(find_answer(token)->status, -ECANCELED);
}

static void limits_of_writes_hold(void **state)
{
    (void)state;
    start_elected();
    for (int i = 0; i < RLOG_WRITES_MAX; i++) {
        (void)append("x");
    }
    assert_int_equal(answer_count, 0);
    assert_int_equal(find_answer(append("x"))->status, -EAGAIN);

    char *bytes = calloc(1, RLOG_ENTRY_SIZE_MAX + 1);
    CLEANUP(blob_unrefp) struct blob *large = blob_new(bytes, RLOG_ENTRY_SIZE_MAX + 1);
    free(bytes);
    step(&(struct rlog_event){.type = RLOG_APPEND, .token = 7777, .bytes = large});
    assert_int_equal(find_answer(7777)->status, -EMSGSIZE);
}

static void truncating_beyond_the_end_is_refused(void **state)
{
    (void)state;
    start_elected();
    step(&(struct rlog_event){.type = RLOG_TRUNCATE, .token = 50, .position = 3});
    assert_int_equal(find_answer(50)->status, -EINVAL);
    step(&(struct rlog_event){.type = RLOG_TRUNCATE, .token = 51, .position = 2});
    answer_write(1, RLOG_ACCEPT, 2, 2);
    assert_int_equal(find_answer(51)->status, 0);
    assert_int_equal(store.count, 2);
}

/* --- reading --- */

static const struct rlog_answer *read_range(uint64_t from, uint64_t to)
{
    uint64_t token = next_token++;
    step(&(struct rlog_event){.type = RLOG_READ, .token = token, .position = from, .to = to});
    return find_answer(token);
}

static void entries_are_read(void **state)
{
    (void)state;
    start_voting();
    const struct rlog_answer *answer = read_range(0, 1);
    assert_true(answer->status == 0 && answer->last);
    assert_int_equal(answer->entry_count, 2);
    assert_slice(blob_slice(answer->entries[1].bytes), "b");
    answer = read_range(1, 0);
    assert_int_equal(answer->status, RLOG_E_RANGE);
    assert_string_equal(answer->err.text, "Bad read range (to < from)");
    assert_string_equal(read_range(0, 2)->err.text, "Bad read range (past end of log)");
    uint64_t token = ask(RLOG_BOUNDS);
    assert_true(find_answer(token)->begin == 0 && find_answer(token)->end == 1);
}

static void what_is_open_cannot_be_read(void **state)
{
    (void)state;
    put_metadata(RLOG_VOTING, 1);
    put_action(0, "a", true);
    put_action(1, "b", false);
    put_action(3, "d", true);
    start(1, false);
    assert_int_equal(read_range(0, 0)->entry_count, 1);
    assert_int_equal(read_range(0, 1)->status, RLOG_E_PENDING);
    assert_string_equal(read_range(0, 1)->err.text, "Bad read range (includes pending entries)");
    assert_string_equal(read_range(2, 3)->err.text, "Bad read range (includes missing entries)");
    assert_int_equal(read_range(3, 3)->entry_count, 1);
    store.fail_in = 1;
    assert_int_equal(read_range(0, 0)->status, -ENOSPC);
}

static void readers_catch_up_but_for_the_last(void **state)
{
    (void)state;
    start_voting();
    uint64_t token = ask(RLOG_CATCHUP);
    assert_int_equal(find_answer(ask(RLOG_CATCHUP))->status, -EALREADY);
    answer_status(1, RLOG_VOTING, 0, 3);
    /* Our own answer makes the quorum. */
    assert_int_equal(sent[sent_count - 1].message.position, 2);
    answer_learned(1, sent[sent_count - 1].message.proposal, 2, "c");
    assert_int_equal(find_answer(token)->status, 0);
    assert_int_equal(find_answer(token)->position, 2);
    assert_int_equal(read_range(2, 2)->entry_count, 1);
}

static void reads_wait_until_the_replica_votes(void **state)
{
    (void)state;
    start(2, true);
    set_members(1, 2);
    uint64_t token = ask(RLOG_BOUNDS);
    for (int i = 1; i < RLOG_READS_MAX; i++) {
        (void)ask(RLOG_BOUNDS);
    }
    assert_int_equal(find_answer(ask(RLOG_BOUNDS))->status, -EAGAIN);
    assert_null(find_answer(token));
    answer_status(1, RLOG_STARTING, 0, 0);
    answer_status(2, RLOG_STARTING, 0, 0);
    answer_status(1, RLOG_STARTING, 0, 0);
    answer_status(2, RLOG_STARTING, 0, 0);
    assert_int_equal(find_answer(token)->status, 0);
}

/* --- the store --- */

static void a_store_that_cannot_be_opened_ends_it(void **state)
{
    (void)state;
    store.fail_in = 1;
    start(1, true);
    assert_int_equal(answer_count, 1);
    assert_int_equal(answers[0]->type, RLOG_ANSWER_FAILED);
    assert_int_equal(answers[0]->status, -ENOSPC);
    assert_string_equal(answers[0]->err.text, "the log cannot be used: no space");
    (void)ask(RLOG_ELECT);
    assert_int_equal(answer_count, 1);
}

static void a_damaged_store_ends_it(void **state)
{
    (void)state;
    fake_store_put(&store, 0, SLICE("nonsense"));
    start(1, true);
    assert_int_equal(answers[0]->type, RLOG_ANSWER_FAILED);
    assert_int_equal(answers[0]->status, -EBADMSG);
}

/* A write that fails costs the answer; the store is read again, ever later while it goes on
 * failing, and the coordinator catches its own replica up. */
static void a_failed_write_is_got_over(void **state)
{
    (void)state;
    start_elected();
    store.fail_in = 1;
    uint64_t token = append("c");
    assert_true(strstr(buf_text(&notes), "is read again in") != NULL);
    answer_write(1, RLOG_ACCEPT, 2, 2);
    assert_null(find_answer(token));
    answer_write(2, RLOG_ACCEPT, 2, 2);
    assert_int_equal(find_answer(token)->status, 0);
    store.fail_in = 1; /* the first restore fails, too */
    pass(2 * RLOG_RESTORE_RETRY_NS);
    assert_int_equal(store.fail_in, 0);
    pass(4 * RLOG_RESTORE_RETRY_NS);
    assert_true(strstr(buf_text(&notes), "VOTING, with positions 0 to 1") != NULL);
    /* It asks for what it missed. */
    const struct sent *asked = find_sent(0, 1, RLOG_PROMISE_REQUEST);
    assert_int_equal(asked->message.position, 2);
    answer_learned(1, asked->message.proposal, 2, "c");
    assert_int_equal(read_range(2, 2)->entry_count, 1);
    uint64_t next = append("d");
    answer_write(1, RLOG_ACCEPT, 2, 3);
    assert_int_equal(find_answer(next)->position, 3);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(actors_are_named_as_the_originals),
        TEST(members_are_linked),
        TEST(too_many_members_are_left_out),
        TEST(nonsense_is_dropped),
        TEST(a_new_log_needs_all_replicas),
        TEST(undecided_rounds_are_repeated),
        TEST(without_auto_initialize_it_waits_and_says_so),
        TEST(a_lost_disk_catches_up),
        TEST(ignored_elections_do_not_race),
        TEST(a_refused_election_goes_higher),
        TEST(old_replicas_are_understood),
        TEST(what_was_left_open_is_settled_first),
        TEST(who_does_not_answer_is_asked_again),
        TEST(new_members_are_asked_at_once),
        TEST(one_write_follows_the_other),
        TEST(a_refused_write_ends_the_election),
        TEST(resigning_leaves_nothing_open),
        TEST(limits_of_writes_hold),
        TEST(truncating_beyond_the_end_is_refused),
        TEST(entries_are_read),
        TEST(what_is_open_cannot_be_read),
        TEST(readers_catch_up_but_for_the_last),
        TEST(reads_wait_until_the_replica_votes),
        TEST(a_store_that_cannot_be_opened_ends_it),
        TEST(a_damaged_store_ends_it),
        TEST(a_failed_write_is_got_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
