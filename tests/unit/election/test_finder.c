/* Who looks for the leader among masters that elect without ZooKeeper: what it asks when, and whom
 * it believes. */
#include "../unit.h"

#include "election/college.h"
#include "election/finder.h"
#include "wire/message.h"
#include "wire/pb.h"

#define INFOS 4

static struct finder *finder;
static int64_t now_ns;
static struct buf told;           /* effects of the last step, as text */
static uint64_t tokens[64];       /* of the last question to each */
static int64_t timeout_ns;        /* of the last question */
static struct blob *infos[INFOS]; /* of masters 0, 1, ... */

static struct address address_of(int i)
{
    struct address address = {.family = 4, .port = 1, .ip = {10}};
    address.ip[3] = (uint8_t)i;
    return address;
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < INFOS; i++) {
        Pb__MasterInfo info = PB__MASTER_INFO__INIT;
        char id[16], pid[64];
        (void)snprintf(id, sizeof(id), "m%d", i);
        (void)snprintf(pid, sizeof(pid), "master@10.0.0.%d:1", i);
        info.id = id;
        info.pid = pid;
        infos[i] = message_encode_blob(&info.base);
    }
    now_ns = NS_PER_SEC;
    memset(tokens, 0, sizeof(tokens));
    finder = finder_new(1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    finder_free(finder);
    for (int i = 0; i < INFOS; i++) {
        blob_unref(infos[i]);
    }
    buf_deinit(&told);
    return 0;
}

static void write_question(const struct finder_effect *effect)
{
    struct college_message message;
    int to = effect->to.ip[3];
    assert_true(college_message_decode(blob_slice(effect->bytes), &message));
    assert_true(message.kind == COLLEGE_WHO || message.kind == COLLEGE_WATCH);
    assert_true(effect->token != 0 && effect->token != tokens[to]);
    assert_int_equal(message.stamp, effect->token);
    tokens[to] = effect->token;
    timeout_ns = effect->timeout_ns;
    if (message.kind == COLLEGE_WHO) {
        buf_printf(&told, "who %d; ", to);
    } else {
        buf_printf(&told, "watch %d beyond %d; ", to, (int)message.number);
    }
}

static void write_effect(const struct finder_effect *effect)
{
    switch (effect->type) {
    case FINDER_LOOK:
        buf_append_text(&told, "look; ");
        break;
    case FINDER_ASK:
        write_question(effect);
        break;
    case FINDER_DROP:
        buf_printf(&told, "drop %d; ", effect->to.ip[3]);
        break;
    case FINDER_LEADER: {
        int leader = 0;
        while (effect->bytes != NULL && leader < INFOS &&
               !slice_equal(blob_slice(effect->bytes), blob_slice(infos[leader]))) {
            leader++;
        }
        assert_true(leader < INFOS);
        buf_printf(&told, effect->bytes != NULL ? "leader %d; " : "leader none; ", leader);
        break;
    }
    case FINDER_LOG:
        buf_printf(&told, "log '%s'; ", effect->text.text);
        break;
    }
}

static const char *step(const struct finder_event *event)
{
    struct finder_effects effects;
    struct finder_effect *effect;
    buf_clear(&told);
    finder_effects_init(&effects);
    finder_step(finder, now_ns, event, &effects);
    while ((effect = finder_effects_pop(&effects)) != NULL) {
        write_effect(effect);
        finder_effect_free(effect);
    }
    return buf_text(&told);
}

static const char *tick(void)
{
    assert_true(finder_deadline(finder) != TIME_NEVER);
    now_ns = MAX(now_ns, finder_deadline(finder));
    return step(&(struct finder_event){.type = FINDER_TICK});
}

/* The masters from the first to the last. */
static const char *find(int first, int last)
{
    struct address addresses[FINDER_MASTERS_MAX + 1];
    size_t count = 0;
    for (int i = first; i <= last; i++) {
        addresses[count++] = address_of(i);
    }
    return step(
        &(struct finder_event){.type = FINDER_ADDRESSES, .addresses = addresses, .count = count});
}

/* leader < 0: none is known. */
static const char *tell(int from, uint64_t number, int leader)
{
    struct blob *bytes = college_message_encode(
        &(struct college_message){.kind = COLLEGE_TELL,
                                  .number = number,
                                  .stamp = tokens[from],
                                  .info = leader >= 0 ? blob_slice(infos[leader]) : SLICE("")});
    const char *text = step(&(struct finder_event){
        .type = FINDER_ANSWER, .token = tokens[from], .bytes = blob_slice(bytes)});
    blob_unref(bytes);
    return text;
}

static const char *fail_of(int from)
{
    return step(
        &(struct finder_event){.type = FINDER_FAILED, .token = tokens[from], .text = "why not"});
}

static void begin(void)
{
    assert_string_equal(tick(), "look; ");
    assert_string_equal(find(1, 3), "who 1; who 2; who 3; ");
    assert_int_equal(timeout_ns, FINDER_ANSWER_NS);
}

/* Three masters, of whom all watch; master 1 leads by number 5. */
static void begin_well(void)
{
    begin();
    (void)tell(1, 5, 1);
    assert_string_equal(tell(2, 5, 1), "leader 1; watch 2 beyond 5; ");
    (void)tell(3, 5, 1);
    assert_int_equal(timeout_ns, FINDER_ANSWER_NS + COLLEGE_HOLD_NS);
}

/* --- tests --- */

static void a_majority_is_believed(void **state)
{
    (void)state;
    begin();
    assert_string_equal(tell(1, 5, 1), "watch 1 beyond 5; ");
    assert_string_equal(tell(3, 5, 1), "leader 1; watch 3 beyond 5; ");
    assert_string_equal(tell(2, 5, 1), "watch 2 beyond 5; ");
}

static void the_highest_number_of_a_majority_is_believed(void **state)
{
    (void)state;
    begin();
    assert_string_equal(tell(1, 5, 1), "watch 1 beyond 5; "); /* it does not know yet */
    assert_string_equal(tell(3, 6, 3), "leader 3; watch 3 beyond 6; ");
    assert_string_equal(tell(2, 5, 1), "watch 2 beyond 6; ");
}

static void too_few_are_believed_after_a_while(void **state)
{
    (void)state;
    begin();
    int64_t begun_ns = now_ns;
    assert_string_equal(tell(1, 5, 1), "watch 1 beyond 5; ");
    while (finder_deadline(finder) < begun_ns + FINDER_PATIENCE_NS) {
        assert_null(strstr(tick(), "leader"));
    }
    assert_non_null(strstr(tick(), "leader 1; "));
    assert_int_equal(now_ns, begun_ns + FINDER_PATIENCE_NS);
}

static void the_next_leader_is_told_at_once(void **state)
{
    (void)state;
    begin_well();
    assert_string_equal(tell(3, 7, 2), "leader 2; watch 3 beyond 7; ");
    assert_int_equal(finder_number(finder), 7);
    /* The others say the same; there is no hurry to ask them again. */
    int64_t asked_ns = now_ns;
    now_ns += NS_PER_MS;
    assert_string_equal(tell(2, 7, 2), "");
    assert_string_equal(tick(), "watch 2 beyond 7; ");
    assert_int_equal(now_ns, asked_ns + FINDER_RETRY_MIN_NS);
}

static void an_old_leader_is_not_believed(void **state)
{
    (void)state;
    begin_well();
    (void)tell(3, 7, 2);
    now_ns += 2 * NS_PER_SEC;
    assert_string_equal(tell(1, 5, 1), "watch 1 beyond 7; ");
    assert_string_equal(tell(2, 6, 3), "watch 2 beyond 7; ");
    assert_int_equal(finder_number(finder), 7);
}

/* Somebody else led since, though nobody knows who. */
static void a_higher_number_alone_ends_a_leader(void **state)
{
    (void)state;
    begin_well();
    assert_string_equal(tell(2, 6, -1), "leader none; watch 2 beyond 6; ");
    now_ns += 2 * NS_PER_SEC;
    assert_string_equal(tell(1, 5, 1), "watch 1 beyond 6; ");
    assert_string_equal(tell(3, 6, 3), "leader 3; watch 3 beyond 6; ");
}

static void a_leader_stays_while_nobody_knows_of_another(void **state)
{
    (void)state;
    begin_well();
    now_ns += COLLEGE_HOLD_NS;
    assert_string_equal(tell(2, 5, -1), "watch 2 beyond 5; ");
    assert_string_equal(tell(3, 5, -1), "watch 3 beyond 5; ");
    assert_non_null(strstr(fail_of(1), "log 'The master at 10.0.0.1:1 does not tell who leads: "
                                       "why not'; "));
}

static void who_does_not_answer_is_asked_again_ever_later(void **state)
{
    (void)state;
    begin();
    (void)tell(1, 5, 1);
    (void)tell(2, 5, 1);
    int64_t wait_ns = FINDER_RETRY_MIN_NS;
    for (int i = 0; i < 6; i++) {
        int64_t failed_ns = now_ns;
        const char *text = fail_of(3);
        assert_string_equal(text, i == 0 ? "log 'The master at 10.0.0.3:1 does not tell who "
                                           "leads: why not'; "
                                         : "");
        while (strcmp(tick(), "who 3; ") != 0) {
            assert_string_equal(buf_text(&told), "look; ");
        }
        assert_in_range(now_ns - failed_ns, wait_ns, wait_ns + wait_ns / 2);
        wait_ns = MIN(2 * wait_ns, FINDER_RETRY_MAX_NS);
    }
    /* Once it answers, the next failure is told again, and asked about soon. */
    assert_string_equal(tell(3, 5, 1), "watch 3 beyond 5; ");
    assert_non_null(strstr(fail_of(3), "why not"));
    assert_true(finder_deadline(finder) <= now_ns + FINDER_RETRY_MIN_NS * 3 / 2);
}

static void what_is_no_answer_is_a_failure(void **state)
{
    (void)state;
    begin();
    assert_non_null(
        strstr(step(&(struct finder_event){
                   .type = FINDER_ANSWER, .token = tokens[1], .bytes = SLICE("<html>")}),
               "10.0.0.1:1 does not tell who leads: the answer is none"));
    tokens[2]++; /* the stamp of another question */
    struct blob *bytes = college_message_encode(&(struct college_message){
        .kind = COLLEGE_TELL, .number = 9, .stamp = tokens[2], .info = blob_slice(infos[2])});
    assert_non_null(
        strstr(step(&(struct finder_event){
                   .type = FINDER_ANSWER, .token = tokens[2] - 1, .bytes = blob_slice(bytes)}),
               "the answer is none"));
    /* Answers to questions that are not under way do nothing. */
    assert_string_equal(step(&(struct finder_event){
                            .type = FINDER_ANSWER, .token = 999, .bytes = blob_slice(bytes)}),
                        "");
    blob_unref(bytes);
    assert_int_equal(finder_number(finder), 0);
}

static void names_are_looked_up_until_they_are_known(void **state)
{
    (void)state;
    int64_t wait_ns = FINDER_RETRY_MIN_NS;
    for (int i = 0; i < 6; i++) {
        int64_t begun_ns = now_ns;
        assert_string_equal(tick(), "look; ");
        assert_in_range(now_ns - begun_ns, 0, i == 0 ? 0 : wait_ns + wait_ns / 2);
        wait_ns = i == 0 ? wait_ns : MIN(2 * wait_ns, FINDER_RETRY_MAX_NS);
        assert_string_equal(
            step(&(struct finder_event){.type = FINDER_UNKNOWN, .text = "no server"}),
            i == 0 ? "log 'The masters are not known: no server'; " : "");
    }
    assert_string_equal(tick(), "look; ");
    assert_string_equal(find(1, 1), "who 1; ");
}

/* While a master does not answer, it may have moved. */
static void names_are_looked_up_again_for_who_is_away(void **state)
{
    (void)state;
    begin_well();
    int64_t begun_ns = now_ns;
    assert_string_equal(tick(), ""); /* all is well */
    assert_int_equal(now_ns, begun_ns + FINDER_LOOK_NS);
    (void)fail_of(3);
    while (strcmp(tick(), "look; ") != 0) {
        assert_string_equal(buf_text(&told), "who 3; ");
        (void)fail_of(3);
    }
    assert_int_equal(now_ns, begun_ns + 2 * FINDER_LOOK_NS);
    /* Master 1 is another one now; 2 and 3 are not asked anew. */
    assert_string_equal(find(2, 4), "drop 1; who 4; ");
    assert_string_equal(tell(1, 9, 1), ""); /* it is no master any more */
    assert_int_equal(finder_number(finder), 5);
}

static void so_many_masters_are_asked(void **state)
{
    (void)state;
    assert_string_equal(tick(), "look; ");
    assert_null(strstr(find(1, FINDER_MASTERS_MAX), "log"));
    assert_null(strstr(buf_text(&told), "who 17; "));
    assert_string_equal(find(1, FINDER_MASTERS_MAX + 1),
                        "log 'More than 16 masters: the others are not asked'; ");
}

/* All disks of the masters are new: their numbers begin again. */
static void a_number_that_a_majority_denies_is_forgotten(void **state)
{
    (void)state;
    begin_well();
    now_ns += COLLEGE_HOLD_NS;
    assert_string_equal(tell(1, 2, 3), "watch 1 beyond 5; ");
    assert_string_equal(tell(2, 2, 3),
                        "log 'A majority of the masters does not know of the leader any more'; "
                        "who 2; ");
    assert_int_equal(finder_number(finder), 0);
    assert_string_equal(tell(2, 2, 3), "watch 2 beyond 2; ");
    assert_string_equal(tell(3, 2, 3), "leader 3; watch 3 beyond 2; ");
}

/* Who was told of a leader before the others knew it denies nothing. */
static void who_did_not_know_the_number_yet_does_not_deny_it(void **state)
{
    (void)state;
    begin_well();
    (void)tell(1, 8, 2);
    now_ns += 2 * NS_PER_SEC;
    assert_string_equal(tell(2, 5, 1), "watch 2 beyond 8; ");
    assert_string_equal(tell(3, 5, 1), "watch 3 beyond 8; ");
    assert_int_equal(finder_number(finder), 8);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_majority_is_believed),
        TEST(the_highest_number_of_a_majority_is_believed),
        TEST(too_few_are_believed_after_a_while),
        TEST(the_next_leader_is_told_at_once),
        TEST(an_old_leader_is_not_believed),
        TEST(a_higher_number_alone_ends_a_leader),
        TEST(a_leader_stays_while_nobody_knows_of_another),
        TEST(who_does_not_answer_is_asked_again_ever_later),
        TEST(what_is_no_answer_is_a_failure),
        TEST(names_are_looked_up_until_they_are_known),
        TEST(names_are_looked_up_again_for_who_is_away),
        TEST(so_many_masters_are_asked),
        TEST(a_number_that_a_majority_denies_is_forgotten),
        TEST(who_did_not_know_the_number_yet_does_not_deny_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
