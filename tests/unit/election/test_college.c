/* Masters elect among themselves, in the world of college_world.h. */
#include "../unit.h"

#include "college_world.h"
#include "common/xalloc.h"
#include "election/leader_info.h"

/* The newest answer to an agent. */
static struct {
    struct blob *bytes;
    uint64_t handle; /* of its question */
    int count;
} told;

static void on_answer(int i UNUSED, const struct college_effect *effect)
{
    blob_unref(told.bytes);
    told.bytes = blob_ref(effect->bytes);
    told.handle = effect->handle;
    told.count++;
}

static void begin_told(int count, uint64_t seed)
{
    world_begin(count, seed);
    world.on_answer = on_answer;
    told.count = 0;
}

static void end_told(void)
{
    told.bytes = blob_unref(told.bytes);
    world_end();
}

/* --- tests --- */

static void one_of_so_many_leads(void **state)
{
    (void)state;
    const int counts[] = {1, 3, 5};
    for (size_t i = 0; i < ELEMENTS(counts); i++) {
        world_begin(counts[i], i);
        world_pass(LEASE_NS, true);
        world_pass(2 * LEASE_NS, true);
        world_assert_well();
        int leader = world_leader();
        world_pass(60 * LEASE_NS, true);
        assert_int_equal(world_leader(), leader);
        assert_int_equal(world.led_count, 1);
        assert_true(world.write_count > 1000);
        world_end();
    }
}

static void nobody_leads_before_a_lease_is_over(void **state)
{
    (void)state;
    world_begin(3, 1);
    world_pass(LEASE_NS - NS_PER_MS, true);
    assert_int_equal(world_leader(), -1);
    assert_int_equal(world.sent, 0);
    world_end();
}

static void a_crashed_leader_is_replaced(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        world_begin(3, seed);
        world_pass(3 * LEASE_NS, true);
        int old = world_leader();
        world_stop(old);
        world_pass(LEASE_NS - LEASE_NS / COLLEGE_BEATS - NS_PER_MS, true);
        assert_int_equal(world_leader(), -1);
        world_pass(LEASE_NS, true);
        world_assert_well();
        world_start(old);
        int leader = world_leader();
        world_pass(10 * LEASE_NS, true);
        assert_int_equal(world_leader(), leader);
        world_assert_well();
        world_end();
    }
}

static void who_ends_hands_over(void **state)
{
    (void)state;
    world_begin(3, 5);
    world_pass(3 * LEASE_NS, true);
    int old = world_leader();
    world_step(old, &(struct college_event){.type = COLLEGE_END});
    world.masters[old].leads = false;
    world_stop(old);
    world_pass(LEASE_NS / 2, true);
    world_assert_well();
    world_end();
}

/* Who was alone for long disturbs nobody when it is back. */
static void a_lonely_follower_disturbs_nobody(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        world_begin(3, seed);
        world_pass(3 * LEASE_NS, true);
        int leader = world_leader();
        int lonely = (leader + 1) % 3;
        world_cut_off(lonely, true);
        world_pass(20 * LEASE_NS, true);
        assert_null(world.masters[lonely].leader);
        assert_false(world.masters[lonely].contends);
        world_cut_off(lonely, false);
        world_pass(5 * LEASE_NS, true);
        assert_int_equal(world_leader(), leader);
        assert_int_equal(world.led_count, 1);
        world_assert_well();
        world_end();
    }
}

static void a_leader_that_is_cut_off_steps_down(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        world_begin(5, seed);
        world_pass(3 * LEASE_NS, true);
        int old = world_leader();
        world.masters[old].elections = 0;
        world_cut_off(old, true);
        world_pass(LEASE_NS + LEASE_NS / COLLEGE_BEATS + NS_PER_MS, true);
        assert_false(world.masters[old].leads);
        assert_string_equal(world.masters[old].why,
                            "no majority of the masters has answered for the time of a lease");
        world_pass(LEASE_NS, true);
        assert_true(world_leader() >= 0 && world_leader() != old);
        world_cut_off(old, false);
        world_pass(2 * LEASE_NS, true);
        world_assert_well();
        assert_int_equal(world.masters[old].elections, 0);
        world_end();
    }
}

/* It stands still, and wakes while another leads: it knows before it does anything. */
static void a_leader_that_stood_still_is_fenced(void **state)
{
    (void)state;
    world_begin(3, 2);
    world_pass(3 * LEASE_NS, true);
    int old = world_leader();
    struct master *master = &world.masters[old];
    master->rate = 0;
    master->base_ns = world.now_ns; /* also its clock stands: it cannot know */
    world_cut_off(old, true);
    world_pass(3 * LEASE_NS, false);
    world_cut_off(old, false);
    assert_true(master->leads);
    world_write(old);
    assert_true(master->lost);
    assert_string_equal(master->why, "the log's promise is another's");
    assert_int_equal(world.write_count > 0, 1);
    world_end();
}

static void a_stale_leader_learns_it_from_any_follower(void **state)
{
    (void)state;
    world_begin(3, 2);
    world_pass(3 * LEASE_NS, true);
    int old = world_leader();
    struct master *master = &world.masters[old];
    master->base_ns = world.now_ns - world.now_ns / 1000 * 100;
    master->rate = 100; /* its clock is slow: the lease lasts for long */
    world_cut_off(old, true);
    world_pass(3 * LEASE_NS, false);
    assert_true(master->leads);
    world_cut_off(old, false);
    world_pass(5 * LEASE_NS, false);
    assert_string_equal(master->why, "another master has the log's promise");
    world_end();
}

static struct blob *message_of(enum college_kind kind, uint64_t number, uint64_t stamp,
                               const struct blob *info)
{
    return college_message_encode(&(struct college_message){
        .kind = kind, .number = number, .stamp = stamp, .info = blob_slice(info)});
}

static void hear(int i, const struct upid *from, struct blob *bytes)
{
    world_step(i, &(struct college_event){
                      .type = COLLEGE_MESSAGE, .from = from, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

static void question(int i, enum college_kind kind, uint64_t number, uint64_t handle)
{
    struct blob *bytes = message_of(kind, number, handle + 100, NULL);
    world_step(i, &(struct college_event){
                      .type = COLLEGE_QUESTION, .handle = handle, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

static void agents_are_told_who_leads(void **state)
{
    (void)state;
    struct college_message answer;
    begin_told(3, 3);
    question(0, COLLEGE_WHO, 0, 7);
    assert_true(college_message_decode(blob_slice(told.bytes), &answer));
    assert_int_equal(told.handle, 7);
    assert_int_equal(answer.kind, COLLEGE_TELL);
    assert_int_equal(answer.stamp, 107);
    assert_int_equal(answer.info.size, 0);
    world_pass(3 * LEASE_NS, true);
    for (int i = 0; i < 3; i++) {
        question(i, COLLEGE_WHO, 0, 8);
        assert_true(college_message_decode(blob_slice(told.bytes), &answer));
        assert_int_equal(told.handle, 8);
        assert_int_equal(answer.stamp, 108);
        assert_int_equal(answer.number, world.led_by[0]);
        assert_true(slice_equal(answer.info, blob_slice(world.masters[world_leader()].info)));
    }
    end_told();
}

/* Who watches is told of the next leader as soon as the first master knows it. */
static void watchers_are_told_of_the_next_leader(void **state)
{
    (void)state;
    begin_told(3, 4);
    world_pass(3 * LEASE_NS, true);
    int old = world_leader();
    uint64_t number = world.led_by[0];
    for (int i = 0; i < 3; i++) {
        question(i, COLLEGE_WATCH, number, (uint64_t)i + 1);
        assert_true(college_holds(world.masters[i].college, (uint64_t)i + 1));
    }
    world_pass(LEASE_NS, true);
    assert_int_equal(told.count, 0);
    world_stop(old);
    while (told.count == 0) {
        world_pass(NS_PER_MS, true);
    }
    struct college_message answer;
    assert_true(college_message_decode(blob_slice(told.bytes), &answer));
    assert_true(world_leader() >= 0 && answer.number > number);
    assert_true(slice_equal(answer.info, blob_slice(world.masters[world_leader()].info)));
    world_pass(10 * NS_PER_MS, true);
    assert_int_equal(told.count, 2);
    end_told();
}

static void strangers_and_old_words_change_nothing(void **state)
{
    (void)state;
    world_begin(3, 3);
    world_pass(3 * LEASE_NS, true);
    int leader = world_leader();
    int follower = (leader + 1) % 3;
    struct blob *info = world.masters[(leader + 2) % 3].info;
    struct upid stranger = {.id = COLLEGE_ACTOR, .address = world_address(77)};
    struct upid other = {.id = COLLEGE_ACTOR, .address = world_address((leader + 2) % 3)};
    hear(follower, &stranger, message_of(COLLEGE_LEAD, 1000, 0, info));
    hear(leader, &stranger, message_of(COLLEGE_LEAD, 1000, 0, info));
    hear(leader, &stranger, message_of(COLLEGE_FOLLOW, 1000, 0, NULL));
    hear(follower, &other, message_of(COLLEGE_LEAD, 0, 0, info));
    hear(follower, &other, message_of(COLLEGE_LEAVE, world.led_by[0], 0, NULL));
    hear(follower, &other, message_of(COLLEGE_FREE, 0, 1, NULL));
    hear(follower, &other, message_of(COLLEGE_FREE, 0, 1, NULL));
    hear(leader, &other, blob_from(SLICE("nonsense")));
    world_step(follower, &(struct college_event){.type = COLLEGE_BROKEN});
    world_assert_well();
    world_pass(3 * LEASE_NS, true);
    assert_int_equal(world_leader(), leader);
    assert_int_equal(world.led_count, 1);
    /* A promise that nobody waits for is given back. */
    world_step(follower, &(struct college_event){.type = COLLEGE_PROMISED, .number = 99});
    assert_false(world.masters[follower].leads);
    world_end();
}

static void messages_are_what_they_are(void **state)
{
    (void)state;
    struct college_message message;
    struct blob *info = world_make_info(1);
    for (int kind = COLLEGE_LEAD; kind <= COLLEGE_WATCH; kind++) {
        struct blob *bytes =
            message_of((enum college_kind)kind, UINT64_MAX - 1, 0x0102030405060708, info);
        assert_true(college_message_decode(blob_slice(bytes), &message));
        assert_int_equal(message.kind, kind);
        assert_true(message.number == UINT64_MAX - 1);
        assert_true(message.stamp == 0x0102030405060708);
        assert_true(slice_equal(message.info, blob_slice(info)));
        for (size_t size = 0; size < 17; size++) {
            assert_false(college_message_decode(slice_make(bytes->data, size), &message));
        }
        assert_int_equal(college_message_decode(slice_make(bytes->data, 17), &message),
                         kind != COLLEGE_LEAD);
        assert_false(college_message_decode(slice_make(bytes->data, bytes->size - 1), &message));
        blob_unref(bytes);
    }
    char text[17 + COLLEGE_INFO_SIZE_MAX + 1] = "";
    assert_false(college_message_decode(slice_make(text, 17), &message));
    text[0] = COLLEGE_WATCH + 1;
    assert_false(college_message_decode(slice_make(text, 17), &message));
    /* The most: the id, of three bytes of length, fills it up. */
    text[0] = COLLEGE_LEAD;
    size_t tail_size = info->size - 4;
    size_t id_size = COLLEGE_INFO_SIZE_MAX - 4 - tail_size;
    text[17] = 0x0a;
    text[18] = (char)(0x80 | (id_size & 0x7f));
    text[19] = (char)(0x80 | ((id_size >> 7) & 0x7f));
    text[20] = (char)(id_size >> 14);
    memset(text + 21, 'x', id_size);
    memcpy(text + 21 + id_size, info->data + 4, tail_size);
    assert_true(college_message_decode(slice_make(text, 17 + COLLEGE_INFO_SIZE_MAX), &message));
    assert_false(
        college_message_decode(slice_make(text, 17 + COLLEGE_INFO_SIZE_MAX + 1), &message));
    blob_unref(info);
}

/* Clocks of any speed, links that come and go, crashes: the laws hold, and in peace somebody leads.
 */
static void wild_worlds_keep_the_fence(void **state)
{
    (void)state;
    int writes = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        world_begin(seed % 2 == 0 ? 3 : 5, seed);
        world_let_clocks_go();
        for (int round = 0; round < 60; round++) {
            world_disturb();
        }
        world_heal();
        world_pass(10 * LEASE_NS, true);
        world_assert_well();
        writes += world.write_count;
        world_end();
    }
    assert_true(writes > 60 * 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_of_so_many_leads),
        cmocka_unit_test(nobody_leads_before_a_lease_is_over),
        cmocka_unit_test(a_crashed_leader_is_replaced),
        cmocka_unit_test(who_ends_hands_over),
        cmocka_unit_test(a_lonely_follower_disturbs_nobody),
        cmocka_unit_test(a_leader_that_is_cut_off_steps_down),
        cmocka_unit_test(a_leader_that_stood_still_is_fenced),
        cmocka_unit_test(a_stale_leader_learns_it_from_any_follower),
        cmocka_unit_test(agents_are_told_who_leads),
        cmocka_unit_test(watchers_are_told_of_the_next_leader),
        cmocka_unit_test(strangers_and_old_words_change_nothing),
        cmocka_unit_test(messages_are_what_they_are),
        cmocka_unit_test(wild_worlds_keep_the_fence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
