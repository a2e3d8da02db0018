/* Those who look for the leader, among masters that elect, crash, stand still and are cut off: no
 * number goes back, nobody is asked too often, and in peace all know who leads. */
#include "../unit.h"

#include "college_world.h"
#include "common/xalloc.h"
#include "election/college_message.h"
#include "election/finder.h"

#define FOLLOWERS 3
#define DELAY_NS (20 * NS_PER_MS)

/* A question on its way, held, or its answer on its way back. */
struct question {
    struct list link;
    int from, to;
    uint64_t token;
    uint64_t handle;     /* 0 = not there yet */
    struct blob *bytes;  /* the question, then the answer; NULL while the master holds it */
    bool is_answered;    /* bytes are the answer */
    bool is_broken;      /* no answer will come, and its end is on its way back */
    int64_t at_ns;       /* when bytes arrive, or the end does; true time */
    int64_t time_out_ns; /* true time */
};

static struct follower {
    struct finder *finder;
    struct blob *leader; /* told last */
    uint64_t number;     /* by which it was said to lead */
    bool cut[MASTERS_MAX];
    int told, asked;
} followers[FOLLOWERS];

static struct list questions;
static uint64_t last_handle;
static int forgotten;

static void step(int i, const struct finder_event *event);

/* --- the followers' effects --- */

static void ask(int i, struct finder_effect *effect)
{
    struct question *question = xalloc(sizeof(*question));
    question->from = i;
    question->to = effect->to.ip[3] - 1;
    question->token = effect->token;
    question->bytes = TAKE_PTR(effect->bytes);
    question->at_ns = world.now_ns + prng_duration_ns(&world.prng, DELAY_NS);
    question->time_out_ns = world.now_ns + effect->timeout_ns;
    list_push_back(&questions, &question->link);
    followers[i].asked++;
}

static void take_leader(int i, struct finder_effect *effect)
{
    struct follower *follower = &followers[i];
    uint64_t number = finder_number(follower->finder);
    blob_unref(follower->leader);
    follower->leader = TAKE_PTR(effect->bytes);
    follower->told++;
    if (follower->leader != NULL) {
        assert_true(number > follower->number); /* never back to an old leader */
        follower->number = number;
    }
}

static void take_effect(int i, struct finder_effect *effect)
{
    switch (effect->type) {
    case FINDER_LOOK:
        break;
    case FINDER_ASK:
        ask(i, effect);
        break;
    case FINDER_DROP:
        fail();
        break;
    case FINDER_LEADER:
        take_leader(i, effect);
        break;
    case FINDER_LOG:
        if (strstr(effect->text.text, "does not know of the leader any more") != NULL) {
            forgotten++;
            followers[i].number = 0;
        }
        break;
    }
}

static void tell_addresses(int i)
{
    struct address masters[MASTERS_MAX];
    for (int k = 0; k < world.count; k++) {
        masters[k] = world_address(k);
    }
    step(i, &(struct finder_event){
                .type = FINDER_ADDRESSES, .addresses = masters, .count = (size_t)world.count});
}

static void step(int i, const struct finder_event *event)
{
    struct finder_effects effects;
    struct finder_effect *effect;
    bool looks = false;
    finder_effects_init(&effects);
    finder_step(followers[i].finder, world.now_ns, event, &effects);
    while ((effect = finder_effects_pop(&effects)) != NULL) {
        looks |= effect->type == FINDER_LOOK;
        take_effect(i, effect);
        finder_effect_free(effect);
    }
    if (looks) {
        tell_addresses(i);
    }
}

/* --- connections --- */

static void free_question(struct question *question)
{
    list_remove(&question->link);
    blob_unref(question->bytes);
    free(question);
}

static void fail_question(struct question *question, const char *why)
{
    int from = question->from;
    uint64_t token = question->token;
    if (question->handle != 0 && !question->is_answered && !question->is_broken) {
        world_step(question->to,
                   &(struct college_event){.type = COLLEGE_GONE, .handle = question->handle});
    }
    free_question(question);
    step(from, &(struct finder_event){.type = FINDER_FAILED, .token = token, .text = why});
}

static void break_off(struct question *question)
{
    question->is_broken = true;
    question->bytes = blob_unref(question->bytes);
    question->at_ns = world.now_ns + prng_duration_ns(&world.prng, DELAY_NS);
}

static void arrive(struct question *question)
{
    if (world.masters[question->to].college == NULL) {
        break_off(question);
        return;
    }
    struct blob *bytes = TAKE_PTR(question->bytes);
    question->handle = ++last_handle;
    world_step(question->to, &(struct college_event){.type = COLLEGE_QUESTION,
                                                     .handle = question->handle,
                                                     .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

static void come_back(struct question *question)
{
    int from = question->from;
    uint64_t token = question->token;
    struct blob *bytes = TAKE_PTR(question->bytes);
    free_question(question);
    step(from,
         &(struct finder_event){.type = FINDER_ANSWER, .token = token, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

/* What a master that stands still was sent waits for it. */
static bool is_stuck(const struct question *question)
{
    return followers[question->from].cut[question->to] ||
           (!question->is_answered && !question->is_broken &&
            world.masters[question->to].rate == 0);
}

static void on_pass(void)
{
    struct question *question;
    LIST_FOR_EACH (question, &questions, link) {
        if (question->time_out_ns <= world.now_ns) {
            fail_question(question, "it took too long");
        } else if (question->at_ns > world.now_ns || is_stuck(question)) {
            continue;
        } else if (question->is_broken) {
            fail_question(question, "the connection broke");
        } else if (question->is_answered) {
            come_back(question);
        } else if (question->handle == 0) {
            arrive(question);
        }
    }
    for (int i = 0; i < FOLLOWERS; i++) {
        if (followers[i].finder != NULL && finder_deadline(followers[i].finder) <= world.now_ns) {
            step(i, &(struct finder_event){.type = FINDER_TICK});
        }
    }
}

static void on_answer(int i, const struct college_effect *effect)
{
    struct question *question;
    LIST_FOR_EACH (question, &questions, link) {
        if (question->handle == effect->handle) {
            assert_int_equal(question->to, i);
            assert_false(question->is_answered);
            assert_non_null(effect->bytes);
            question->is_answered = true;
            question->bytes = blob_ref(effect->bytes);
            question->at_ns = world.now_ns + prng_duration_ns(&world.prng, DELAY_NS);
            return;
        }
    }
    fail_msg("an answer that nobody waits for");
}

static void on_stop(int i)
{
    struct question *question;
    LIST_FOR_EACH (question, &questions, link) {
        if (question->to == i && question->handle != 0 && !question->is_broken) {
            break_off(question);
        }
    }
}

/* --- tests --- */

static void begin(int count, uint64_t seed)
{
    world_begin(count, seed);
    list_init(&questions);
    memset(followers, 0, sizeof(followers));
    world.on_answer = on_answer;
    world.on_stop = on_stop;
    world.on_pass = on_pass;
    forgotten = 0;
    for (int i = 0; i < FOLLOWERS; i++) {
        followers[i].finder = finder_new(prng_next(&world.prng));
    }
}

static void end(void)
{
    struct question *question;
    for (int i = 0; i < FOLLOWERS; i++) {
        finder_free(followers[i].finder);
        blob_unref(followers[i].leader);
    }
    world_end();
    LIST_FOR_EACH (question, &questions, link) {
        free_question(question);
    }
}

static void assert_all_know(void)
{
    int leader = world_leader();
    assert_true(leader >= 0);
    for (int i = 0; i < FOLLOWERS; i++) {
        assert_non_null(followers[i].leader);
        assert_true(
            slice_equal(blob_slice(followers[i].leader), blob_slice(world.masters[leader].info)));
        assert_int_equal(finder_number(followers[i].finder),
                         college_number(world.masters[leader].college));
    }
}

static void pass_until_led(void)
{
    int64_t begun_ns = world.now_ns;
    while (world_leader() < 0) {
        world_pass(NS_PER_MS, true);
        assert_true(world.now_ns - begun_ns < 60 * LEASE_NS);
    }
}

static void all_know_soon(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin(3, seed);
        pass_until_led();
        world_pass(10 * DELAY_NS, true);
        assert_all_know();
        for (int round = 0; round < 5; round++) {
            int old = world_leader();
            world_stop(old);
            pass_until_led();
            world_pass(4 * DELAY_NS, true);
            assert_all_know();
            world_start(old);
            world_pass(2 * LEASE_NS, true);
        }
        assert_int_equal(forgotten, 0);
        end();
    }
}

/* In peace a follower asks each master three times a minute. */
static void who_knows_asks_seldom(void **state)
{
    (void)state;
    begin(3, 1);
    pass_until_led();
    world_pass(LEASE_NS, true);
    for (int i = 0; i < FOLLOWERS; i++) {
        followers[i].asked = 0;
    }
    world_pass(10 * COLLEGE_HOLD_NS, false);
    for (int i = 0; i < FOLLOWERS; i++) {
        assert_in_range(followers[i].asked, 3 * 9, 3 * 10);
        assert_int_equal(followers[i].told, 1);
    }
    end();
}

/* It hears the next one from those whom it reaches; the old one says nothing of itself. */
static void a_leader_that_stands_still_is_left(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        begin(3, seed);
        pass_until_led();
        world_pass(10 * DELAY_NS, true);
        int old = world_leader();
        struct master *master = &world.masters[old];
        master->base_ns = world_clock(master);
        master->rate = 0;
        world_cut_off(old, true);
        master->leads = false; /* what it believes does not count */
        pass_until_led();
        world_pass(4 * DELAY_NS, true);
        assert_all_know();
        end();
    }
}

/* A follower that reaches one master only follows as well, if later. */
static void one_master_is_enough(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        begin(3, seed);
        for (int k = 0; k < 2; k++) {
            followers[0].cut[k] = true;
        }
        pass_until_led();
        world_pass(FINDER_PATIENCE_NS, true);
        assert_all_know();
        end();
    }
}

static void wild_worlds_are_followed(void **state)
{
    (void)state;
    int told = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        begin(seed % 2 == 0 ? 3 : 5, seed);
        world_let_clocks_go();
        for (int round = 0; round < 60; round++) {
            int i = (int)prng_below(&world.prng, FOLLOWERS);
            int k = (int)prng_below(&world.prng, (uint64_t)world.count);
            followers[i].cut[k] = prng_below(&world.prng, 2) == 0;
            if (prng_below(&world.prng, 20) == 0) { /* it starts again, and knows nothing */
                struct question *question;
                LIST_FOR_EACH (question, &questions, link) {
                    if (question->from == i) {
                        question->time_out_ns = 0;
                    }
                }
                on_pass();
                finder_free(followers[i].finder);
                followers[i].finder = finder_new(prng_next(&world.prng));
                followers[i].number = 0;
            }
            world_disturb();
        }
        world_heal();
        for (int i = 0; i < FOLLOWERS; i++) {
            memset(followers[i].cut, 0, sizeof(followers[i].cut));
        }
        world_pass(40 * LEASE_NS, true);
        assert_all_know();
        for (int i = 0; i < FOLLOWERS; i++) {
            told += followers[i].told;
        }
        end();
    }
    assert_true(told > 40 * FOLLOWERS * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_know_soon),
        cmocka_unit_test(who_knows_asks_seldom),
        cmocka_unit_test(a_leader_that_stands_still_is_left),
        cmocka_unit_test(one_master_is_enough),
        cmocka_unit_test(wild_worlds_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
