/* One master among three, step by step: what it says to which event. */
#include "../unit.h"

#include "election/college.h"
#include "election/watchers.h"
#include "wire/message.h"
#include "wire/pb.h"

#define LEASE_NS (10 * NS_PER_SEC)

static struct college *college;
static int64_t now_ns;
static struct buf told; /* effects of the last step, as text */
static uint64_t stamp;  /* of the last message that it sent */
static struct blob *infos[3];

static struct upid pid_of(int i)
{
    struct upid pid = {.id = COLLEGE_ACTOR, .address = {.family = 4, .port = 1, .ip = {10}}};
    pid.address.ip[3] = (uint8_t)i;
    return pid;
}

/* We are that one of the masters 0 .. 3, and 1 and 2 are the others. */
static void make_college(int self_index)
{
    const struct address self = pid_of(self_index).address;
    const struct address others[] = {pid_of(1).address, pid_of(2).address};
    college_free(college);
    college = college_new(&(struct college_options){.self = self,
                                                    .others = others,
                                                    .other_count = ELEMENTS(others),
                                                    .quorum = 2,
                                                    .info = infos[0],
                                                    .lease_ns = LEASE_NS,
                                                    .seed = 1},
                          now_ns);
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        Pb__MasterInfo info = PB__MASTER_INFO__INIT;
        char id[16], pid[64];
        (void)snprintf(id, sizeof(id), "m%d", i);
        (void)snprintf(pid, sizeof(pid), "master@10.0.0.%d:1", i);
        info.id = id;
        info.pid = pid;
        infos[i] = message_encode_blob(&info.base);
    }
    now_ns = NS_PER_SEC;
    make_college(0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    college = college_free(college);
    for (int i = 0; i < 3; i++) {
        blob_unref(infos[i]);
    }
    buf_deinit(&told);
    return 0;
}

static const char *name_of(const struct blob *info)
{
    for (int i = 0; i < 3; i++) {
        if (info != NULL && slice_equal(blob_slice(info), blob_slice(infos[i]))) {
            return i == 0 ? "0" : i == 1 ? "1" : "2";
        }
    }
    return "none";
}

static void write_effect(const struct college_effect *effect)
{
    static const char *const kinds[] = {"", "lead", "follow", "ask", "free", "leave"};
    struct college_message message;
    switch (effect->type) {
    case COLLEGE_SEND:
        assert_true(college_message_decode(blob_slice(effect->bytes), &message));
        buf_printf(&told, "%s(%d) to %d; ", kinds[message.kind], (int)message.number,
                   effect->to.address.ip[3]);
        stamp = message.stamp;
        break;
    case COLLEGE_CONTEND:
        buf_append_text(&told, "contend; ");
        break;
    case COLLEGE_RESIGN:
        buf_append_text(&told, "resign; ");
        break;
    case COLLEGE_LEADER:
        buf_printf(&told, "leader %s; ", name_of(effect->bytes));
        break;
    case COLLEGE_ELECTED:
        buf_append_text(&told, "elected; ");
        break;
    case COLLEGE_LOST:
        buf_printf(&told, "lost: %s; ", effect->text);
        break;
    case COLLEGE_ANSWER:
        if (effect->bytes == NULL) {
            buf_printf(&told, "refuse %d; ", (int)effect->handle);
            break;
        }
        assert_true(college_message_decode(blob_slice(effect->bytes), &message));
        assert_int_equal(message.kind, COLLEGE_TELL);
        struct blob *info = message.info.size > 0 ? blob_from(message.info) : NULL;
        buf_printf(&told, "answer %d to %d: %s by %d; ", (int)message.stamp, (int)effect->handle,
                   name_of(info), (int)message.number);
        blob_unref(info);
        break;
    }
}

static const char *step(const struct college_event *event)
{
    struct college_effects effects;
    struct college_effect *effect;
    buf_clear(&told);
    college_effects_init(&effects);
    college_step(college, now_ns, event, &effects);
    while ((effect = college_effects_pop(&effects)) != NULL) {
        write_effect(effect);
        college_effect_free(effect);
    }
    return buf_text(&told);
}

static const char *tick(void)
{
    now_ns = MAX(now_ns, college_deadline(college));
    return step(&(struct college_event){.type = COLLEGE_TICK});
}

static const char *hear(int from, enum college_kind kind, uint64_t number, uint64_t its_stamp)
{
    struct upid pid = pid_of(from);
    struct blob *bytes = college_message_encode(
        &(struct college_message){.kind = kind,
                                  .number = number,
                                  .stamp = its_stamp,
                                  .info = blob_slice(kind == COLLEGE_LEAD ? infos[from] : NULL)});
    const char *text = step(
        &(struct college_event){.type = COLLEGE_MESSAGE, .from = &pid, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
    return text;
}

static const char *promise(uint64_t number)
{
    return step(&(struct college_event){.type = COLLEGE_PROMISED, .number = number});
}

static void lead(uint64_t number)
{
    assert_string_equal(tick(), "ask(0) to 1; ask(0) to 2; ");
    assert_string_equal(hear(1, COLLEGE_FREE, 0, stamp), "contend; ");
    (void)promise(number);
    assert_int_equal(college_number(college), number);
}

static void the_way_to_the_lead(void **state)
{
    (void)state;
    assert_true(college_deadline(college) >= now_ns + LEASE_NS);
    assert_string_equal(tick(), "ask(0) to 1; ask(0) to 2; ");
    assert_string_equal(hear(1, COLLEGE_FREE, 0, stamp), "contend; ");
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 6), ""); /* one at a time */
    assert_string_equal(promise(4), "leader 0; elected; lead(4) to 1; lead(4) to 2; ");
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 6), "");
    assert_int_equal(college_deadline(college), now_ns + LEASE_NS / COLLEGE_BEATS);
    assert_string_equal(tick(), "lead(4) to 1; lead(4) to 2; ");
}

/* Who says that it is free keeps still for a lease, for that one alone. */
static void one_contends_at_a_time(void **state)
{
    (void)state;
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 5), ""); /* not before a lease is over */
    now_ns += LEASE_NS;
    int64_t asked_ns = now_ns;
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 5), "free(0) to 1; ");
    assert_int_equal(stamp, 5);
    assert_true(college_deadline(college) >= asked_ns + LEASE_NS);
    now_ns = asked_ns + LEASE_NS - 1;
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 6), "");
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 5), "free(0) to 1; "); /* it goes on contending */
    asked_ns = now_ns;
    now_ns = asked_ns + LEASE_NS;
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 7), "free(0) to 2; ");
    assert_true(college_deadline(college) >= now_ns + LEASE_NS);
    assert_string_equal(tick(), "ask(0) to 1; ask(0) to 2; ");
}

/* Of two that ask at once, the one with the lower address goes first. */
static void the_lower_address_goes_first(void **state)
{
    (void)state;
    (void)tick();
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 5), "");
    assert_string_equal(hear(2, COLLEGE_FREE, 0, stamp), "contend; ");
    make_college(3);
    (void)tick();
    uint64_t asked = stamp;
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 5), "free(0) to 1; ");
    assert_string_equal(hear(2, COLLEGE_FREE, 0, asked), "");
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 5), "");
    assert_true(college_deadline(college) >= now_ns + LEASE_NS);
}

static void who_contends_goes_on_asking(void **state)
{
    (void)state;
    (void)tick();
    uint64_t asked = stamp;
    (void)hear(1, COLLEGE_FREE, 0, stamp);
    int64_t begun_ns = now_ns;
    for (int i = 0; i < COLLEGE_BEATS; i++) {
        assert_int_equal(college_deadline(college), now_ns + LEASE_NS / COLLEGE_BEATS);
        now_ns = college_deadline(college);
        (void)hear(1, COLLEGE_FREE, 0, asked - 1); /* of another round */
        if (i < COLLEGE_BEATS - 1) {
            assert_string_equal(tick(), "ask(0) to 1; ask(0) to 2; ");
            assert_int_equal(stamp, asked);
        }
    }
    /* Nobody has answered for a lease. */
    assert_int_equal(now_ns, begun_ns + LEASE_NS);
    assert_string_equal(tick(), "resign; ");
    assert_true(college_deadline(college) >= now_ns + 2 * LEASE_NS);
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 8), "free(0) to 2; ");
}

/* Contends, with all others keeping still, until it gives up; how long that was. */
static int64_t contend_in_vain(void)
{
    const char *said = tick();
    while (strstr(said, "contend") == NULL) {
        assert_non_null(strstr(said, "ask(0) to 1; ask(0) to 2; "));
        said = hear(1, COLLEGE_FREE, 0, stamp);
    }
    int64_t begun_ns = now_ns;
    uint64_t asked = stamp;
    while (strstr(tick(), "resign") == NULL) {
        assert_string_equal(hear(1, COLLEGE_FREE, 0, asked), "");
    }
    return now_ns - begun_ns;
}

static void what_is_in_vain_is_tried_for_longer(void **state)
{
    (void)state;
    for (int i = 0; i < COLLEGE_DOUBLINGS_MAX + 2; i++) {
        int64_t lease_ns = LEASE_NS << MIN(i, COLLEGE_DOUBLINGS_MAX);
        assert_in_range(contend_in_vain(), lease_ns, lease_ns + LEASE_NS / 2);
    }
    (void)hear(1, COLLEGE_LEAD, 3, 0); /* that was it */
    assert_in_range(contend_in_vain(), LEASE_NS, LEASE_NS + LEASE_NS / 2);
}

/* What was too short for another is too short for us. */
static void what_was_in_vain_for_another_counts(void **state)
{
    (void)state;
    now_ns += LEASE_NS;
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 5), "free(0) to 1; ");
    assert_in_range(contend_in_vain(), 2 * LEASE_NS, 2 * LEASE_NS + LEASE_NS / 2);
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 6), "free(0) to 1; ");
    now_ns += LEASE_NS;
    assert_string_equal(hear(2, COLLEGE_ASK, 0, 7), "free(0) to 2; ");
    assert_in_range(contend_in_vain(), 8 * LEASE_NS, 8 * LEASE_NS + LEASE_NS / 2);
}

static void a_follower_keeps_still_for_a_lease(void **state)
{
    (void)state;
    assert_string_equal(hear(2, COLLEGE_LEAD, 3, 77), "leader 2; follow(3) to 2; ");
    assert_int_equal(stamp, 77);
    now_ns += LEASE_NS - 1;
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 1), "");
    assert_string_equal(hear(2, COLLEGE_LEAD, 3, 78), "follow(3) to 2; ");
    now_ns += LEASE_NS - 1;
    assert_string_equal(hear(1, COLLEGE_ASK, 0, 1), "");
    assert_true(college_deadline(college) > now_ns);
    assert_string_equal(tick(), "leader none; ask(0) to 1; ask(0) to 2; ");
}

static void answers_of_another_round_do_not_count(void **state)
{
    (void)state;
    (void)tick();
    uint64_t first = stamp;
    assert_string_equal(hear(1, COLLEGE_FREE, 0, first + 1), "");
    (void)tick();
    assert_true(stamp != first);
    assert_string_equal(hear(1, COLLEGE_FREE, 0, first), "");
    assert_string_equal(hear(2, COLLEGE_FREE, 0, stamp), "contend; ");
}

static void who_hears_of_a_leader_gives_up(void **state)
{
    (void)state;
    (void)tick();
    (void)hear(1, COLLEGE_FREE, 0, stamp);
    assert_string_equal(hear(2, COLLEGE_LEAD, 8, 1), "resign; leader 2; follow(8) to 2; ");
    /* The promise was under way already: it is given back, and leads nobody. */
    assert_string_equal(promise(9), "resign; ");
    assert_int_equal(college_number(college), 0);
}

static void a_promise_below_what_was_led_by_is_no_lead(void **state)
{
    (void)state;
    (void)hear(2, COLLEGE_LEAD, 8, 1);
    (void)tick();
    assert_string_equal(hear(1, COLLEGE_FREE, 0, stamp), "contend; ");
    assert_string_equal(promise(8), "resign; ask(0) to 1; ask(0) to 2; ");
    assert_string_equal(hear(1, COLLEGE_FREE, 0, stamp), "contend; ");
    assert_string_equal(promise(9), "leader 0; elected; lead(9) to 1; lead(9) to 2; ");
}

static void an_older_leader_is_not_followed(void **state)
{
    (void)state;
    (void)hear(2, COLLEGE_LEAD, 8, 1);
    assert_string_equal(hear(1, COLLEGE_LEAD, 7, 2), "follow(8) to 1; ");
    assert_string_equal(hear(1, COLLEGE_LEAVE, 8, 0), "");
    assert_string_equal(hear(1, COLLEGE_LEAD, 9, 2), "leader 1; follow(9) to 1; ");
    assert_string_equal(hear(2, COLLEGE_LEAVE, 8, 0), "");
    assert_string_equal(hear(1, COLLEGE_LEAVE, 9, 0), "leader none; ");
    assert_true(college_deadline(college) < now_ns + LEASE_NS / 5);
}

static void a_leader_yields_to_a_higher_number_alone(void **state)
{
    (void)state;
    lead(4);
    assert_string_equal(hear(1, COLLEGE_LEAD, 3, 9), "follow(4) to 1; ");
    assert_string_equal(hear(1, COLLEGE_LEAD, 5, 9),
                        "lost: another master has the log's promise; ");
    assert_int_equal(college_deadline(college), TIME_NEVER);
    assert_string_equal(hear(1, COLLEGE_LEAD, 5, 9), "");
    assert_string_equal(promise(7), "");
}

static void a_follower_tells_a_leader_of_another(void **state)
{
    (void)state;
    lead(4);
    assert_string_equal(hear(2, COLLEGE_FOLLOW, 5, 0),
                        "lost: another master has the log's promise; ");
}

static void a_broken_promise_ends_the_lead(void **state)
{
    (void)state;
    lead(4);
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_BROKEN}),
                        "lost: the log's promise is another's; ");
}

/* It leads on as long as a majority, with itself, answers: only answers to what it says itself, by
 * its present number, and not from the future. */
static void a_lease_is_kept_by_answers(void **state)
{
    (void)state;
    lead(4);
    int64_t begun_ns = now_ns;
    for (int i = 0; i < 20; i++) {
        assert_string_equal(tick(), "lead(4) to 1; lead(4) to 2; ");
        assert_string_equal(hear(2, COLLEGE_FOLLOW, 4, stamp), "");
    }
    int64_t last_ns = now_ns;
    assert_true(last_ns > begun_ns + LEASE_NS);
    while (college_deadline(college) < last_ns + LEASE_NS) {
        assert_string_equal(tick(), "lead(4) to 1; lead(4) to 2; ");
        (void)hear(2, COLLEGE_FOLLOW, 3, stamp);
        (void)hear(1, COLLEGE_FOLLOW, 4, (uint64_t)begun_ns);
    }
    assert_string_equal(tick(), "lost: no majority of the masters has answered for the "
                                "time of a lease; ");
}

static void a_stamp_of_the_future_counts_as_now(void **state)
{
    (void)state;
    lead(4);
    (void)tick();
    (void)hear(1, COLLEGE_FOLLOW, 4, UINT64_MAX);
    int64_t last_ns = now_ns;
    while (college_deadline(college) < last_ns + LEASE_NS) {
        (void)tick();
    }
    assert_non_null(strstr(tick(), "lost: no majority"));
}

/* Its clock comes first, whatever it wakes up to. */
static void who_was_away_has_lost_before_it_hears_anything(void **state)
{
    (void)state;
    lead(4);
    now_ns += LEASE_NS;
    assert_non_null(strstr(hear(1, COLLEGE_FOLLOW, 4, (uint64_t)now_ns), "lost: no majority"));
}

static void who_ends_says_so(void **state)
{
    (void)state;
    lead(4);
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_END}),
                        "leave(4) to 1; leave(4) to 2; ");
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_END}), "");
    assert_string_equal(tick(), "");
}

/* --- who leads? --- */

static const char *question(enum college_kind kind, uint64_t number, uint64_t handle)
{
    struct blob *bytes = college_message_encode(
        &(struct college_message){.kind = kind, .number = number, .stamp = handle + 10});
    const char *text = step(&(struct college_event){
        .type = COLLEGE_QUESTION, .handle = handle, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
    return text;
}

static void who_asks_is_told_what_is_known(void **state)
{
    (void)state;
    assert_string_equal(question(COLLEGE_WHO, 0, 1), "answer 11 to 1: none by 0; ");
    (void)hear(2, COLLEGE_LEAD, 8, 1);
    assert_string_equal(question(COLLEGE_WHO, 99, 2), "answer 12 to 2: 2 by 8; ");
    (void)tick();
    assert_string_equal(question(COLLEGE_WHO, 0, 3), "answer 13 to 3: none by 8; ");
    /* What is no question is refused, also what masters say. */
    assert_string_equal(question(COLLEGE_TELL, 0, 4), "refuse 4; ");
    assert_string_equal(question(COLLEGE_ASK, 0, 5), "refuse 5; ");
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_QUESTION, .handle = 6}),
                        "refuse 6; ");
    assert_string_equal(hear(1, COLLEGE_WATCH, 0, 9), "");
}

static void who_watches_waits_for_a_higher_number(void **state)
{
    (void)state;
    assert_string_equal(question(COLLEGE_WATCH, 0, 1), "");
    assert_string_equal(question(COLLEGE_WATCH, 8, 2), "");
    assert_string_equal(hear(2, COLLEGE_LEAD, 8, 1),
                        "leader 2; answer 11 to 1: 2 by 8; follow(8) to 2; ");
    assert_string_equal(question(COLLEGE_WATCH, 7, 3), "answer 13 to 3: 2 by 8; ");
    assert_string_equal(hear(2, COLLEGE_LEAVE, 8, 1), "leader none; ");
    assert_string_equal(question(COLLEGE_WATCH, 7, 4), "");
    assert_string_equal(hear(1, COLLEGE_LEAD, 9, 1),
                        "leader 1; answer 12 to 2: 1 by 9; answer 14 to 4: 1 by 9; "
                        "follow(9) to 1; ");
}

static void who_watches_for_long_is_answered(void **state)
{
    (void)state;
    (void)hear(2, COLLEGE_LEAD, 8, 1);
    int64_t begun_ns = now_ns;
    assert_string_equal(question(COLLEGE_WATCH, 8, 1), "");
    while (college_deadline(college) < begun_ns + COLLEGE_HOLD_NS) {
        assert_null(strstr(tick(), "answer"));
        (void)hear(2, COLLEGE_LEAD, 8, 1);
    }
    assert_string_equal(tick(), "answer 11 to 1: 2 by 8; ");
    assert_int_equal(now_ns, begun_ns + COLLEGE_HOLD_NS);
    assert_false(college_holds(college, 1));
}

static void who_has_gone_is_not_answered(void **state)
{
    (void)state;
    (void)question(COLLEGE_WATCH, 0, 1);
    (void)question(COLLEGE_WATCH, 0, 2);
    assert_true(college_holds(college, 1) && college_holds(college, 2));
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_GONE, .handle = 1}), "");
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_GONE, .handle = 3}), "");
    assert_false(college_holds(college, 1));
    assert_string_equal(hear(2, COLLEGE_LEAD, 8, 1),
                        "leader 2; answer 12 to 2: 2 by 8; follow(8) to 2; ");
}

/* Beyond the limit nobody waits. */
static void so_many_may_watch(void **state)
{
    (void)state;
    for (uint64_t handle = 1; handle <= WATCHERS_MAX; handle++) {
        assert_string_equal(question(COLLEGE_WATCH, 0, handle), "");
    }
    assert_non_null(strstr(question(COLLEGE_WATCH, 0, WATCHERS_MAX + 1), "none by 0; "));
    assert_string_equal(step(&(struct college_event){.type = COLLEGE_GONE, .handle = 7}), "");
    assert_string_equal(question(COLLEGE_WATCH, 0, WATCHERS_MAX + 2), "");
}

static void nobody_is_answered_after_the_end(void **state)
{
    (void)state;
    lead(4);
    (void)question(COLLEGE_WATCH, 4, 1);
    (void)step(&(struct college_event){.type = COLLEGE_BROKEN});
    assert_false(college_holds(college, 1));
    assert_string_equal(question(COLLEGE_WHO, 0, 2), "");
    assert_int_equal(college_deadline(college), TIME_NEVER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_way_to_the_lead),
        TEST(one_contends_at_a_time),
        TEST(the_lower_address_goes_first),
        TEST(who_contends_goes_on_asking),
        TEST(what_is_in_vain_is_tried_for_longer),
        TEST(what_was_in_vain_for_another_counts),
        TEST(a_follower_keeps_still_for_a_lease),
        TEST(answers_of_another_round_do_not_count),
        TEST(who_hears_of_a_leader_gives_up),
        TEST(a_promise_below_what_was_led_by_is_no_lead),
        TEST(an_older_leader_is_not_followed),
        TEST(a_leader_yields_to_a_higher_number_alone),
        TEST(a_follower_tells_a_leader_of_another),
        TEST(a_broken_promise_ends_the_lead),
        TEST(a_lease_is_kept_by_answers),
        TEST(a_stamp_of_the_future_counts_as_now),
        TEST(who_was_away_has_lost_before_it_hears_anything),
        TEST(who_ends_says_so),
        TEST(who_asks_is_told_what_is_known),
        TEST(who_watches_waits_for_a_higher_number),
        TEST(who_watches_for_long_is_answered),
        TEST(who_has_gone_is_not_answered),
        TEST(so_many_may_watch),
        TEST(nobody_is_answered_after_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
