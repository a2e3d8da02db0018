/* Masters elect among themselves, with a model of the log's promises, a network that loses and
 * holds up, and clocks that go as they like. */
#include "../unit.h"

#include "common/xalloc.h"
#include "election/college.h"
#include "election/leader_info.h"
#include "wire/message.h"
#include "wire/pb.h"

#define LEASE_NS (2 * NS_PER_SEC)
#define MASTERS_MAX 5

struct letter {
    struct list link;
    int to;
    struct upid from;
    struct blob *bytes;
    int64_t at_ns; /* true time of its arrival */
};

struct master {
    struct college *college; /* NULL = not running */
    struct blob *info;
    struct blob *leader; /* told last */
    bool leads, lost;
    bool contends;      /* asks the log for its promise */
    uint64_t writes_by; /* the promise that our coordinator has; 0 = none */
    int64_t try_ns;     /* the next attempt; true time */
    int64_t base_ns;    /* of its clock: true time t is base + t x rate / 1000 */
    int64_t rate;       /* permille; 0 = it stands */
    int elections;
    const char *why;
};

static struct world {
    int count;
    int64_t now_ns; /* true time */
    struct prng prng;
    struct master masters[MASTERS_MAX];
    bool cut[MASTERS_MAX][MASTERS_MAX]; /* from, to */
    uint64_t promised[MASTERS_MAX];     /* by the replicas; they outlive processes */
    struct list letters;
    uint64_t written_by; /* the promise of the newest write that a quorum took */
    int write_count;
    uint64_t led_by[64]; /* numbers that were led by, each by one */
    int led_count;
    int sent;
    struct blob *told; /* the newest answer to an agent */
    uint64_t handle;   /* of its question */
    int answers;
} world;

static int quorum(void)
{
    return world.count / 2 + 1;
}

static struct address address_of(int i)
{
    struct address address = {.family = 4, .port = 5050, .ip = {10, 0, 0}};
    address.ip[3] = (uint8_t)(i + 1);
    return address;
}

static int index_of(const struct address *address)
{
    return address->ip[3] - 1;
}

static int64_t clock_of(const struct master *master)
{
    return master->base_ns + world.now_ns / 1000 * master->rate;
}

static struct blob *make_info(int i)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    char id[16], pid[64];
    (void)snprintf(id, sizeof(id), "m%d", i);
    (void)snprintf(pid, sizeof(pid), "master@10.0.0.%d:5050", i + 1);
    info.id = id;
    info.pid = pid;
    return message_encode_blob(&info.base);
}

static void write_something(int i);

static void take_effect(int i, struct college_effect *effect)
{
    struct master *master = &world.masters[i];
    assert_false(master->lost);
    switch (effect->type) {
    case COLLEGE_SEND: {
        int to = index_of(&effect->to.address);
        world.sent++;
        struct letter *letter = xalloc(sizeof(*letter));
        letter->to = to;
        letter->from = (struct upid){.id = COLLEGE_ACTOR, .address = address_of(i)};
        letter->bytes = TAKE_PTR(effect->bytes);
        letter->at_ns = world.now_ns + prng_duration_ns(&world.prng, 5 * NS_PER_MS);
        if (world.cut[i][to]) {
            letter->at_ns = TIME_NEVER;
        }
        list_push_back(&world.letters, &letter->link);
        break;
    }
    case COLLEGE_CONTEND:
        master->contends = true;
        master->try_ns = world.now_ns + prng_duration_ns(&world.prng, 10 * NS_PER_MS);
        break;
    case COLLEGE_RESIGN:
        master->contends = false;
        master->writes_by = 0;
        break;
    case COLLEGE_LEADER:
        blob_unref(master->leader);
        master->leader = TAKE_PTR(effect->bytes);
        break;
    case COLLEGE_ELECTED:
        assert_false(master->leads);
        assert_true(master->writes_by != 0); /* nobody leads without the promise */
        assert_int_equal(college_number(master->college), master->writes_by);
        assert_true(slice_equal(blob_slice(master->leader), blob_slice(master->info)));
        for (int k = 0; k < world.led_count; k++) {
            assert_true(world.led_by[k] != master->writes_by);
        }
        if (world.led_count < 64) {
            world.led_by[world.led_count++] = master->writes_by;
        }
        master->leads = true;
        master->elections++;
        break;
    case COLLEGE_LOST:
        assert_true(master->leads);
        master->leads = false;
        master->lost = true;
        master->why = effect->text;
        break;
    case COLLEGE_ANSWER:
        blob_unref(world.told);
        world.told = TAKE_PTR(effect->bytes);
        world.handle = effect->handle;
        world.answers++;
        break;
    }
}

static void step(int i, const struct college_event *event)
{
    struct master *master = &world.masters[i];
    struct college_effects effects;
    struct college_effect *effect;
    if (master->college == NULL) {
        return;
    }
    college_effects_init(&effects);
    college_step(master->college, clock_of(master), event, &effects);
    while ((effect = college_effects_pop(&effects)) != NULL) {
        take_effect(i, effect);
        college_effect_free(effect);
    }
}

/* --- the log --- */

/* One attempt for the promise: of whoever can be reached, and answers. */
static void attempt(int i)
{
    struct master *master = &world.masters[i];
    uint64_t number = world.promised[i];
    int count = 0;
    for (int k = 0; k < world.count; k++) {
        if (!world.cut[i][k] && !world.cut[k][i] && world.masters[k].college != NULL) {
            count++;
            number = MAX(number, world.promised[k]);
        }
    }
    number++;
    for (int k = 0; k < world.count; k++) {
        if (!world.cut[i][k] && !world.cut[k][i] && world.masters[k].college != NULL) {
            world.promised[k] = number; /* also if there is no quorum */
        }
    }
    if (count < quorum()) {
        master->try_ns =
            world.now_ns + 100 * NS_PER_MS + prng_duration_ns(&world.prng, 100 * NS_PER_MS);
        return;
    }
    master->contends = false;
    master->writes_by = number;
    step(i, &(struct college_event){.type = COLLEGE_PROMISED, .number = number});
}

static void write_something(int i)
{
    struct master *master = &world.masters[i];
    int accepted = 0;
    bool refused = false;
    for (int k = 0; k < world.count; k++) {
        if (!world.cut[i][k] && !world.cut[k][i] && world.masters[k].college != NULL) {
            refused |= world.promised[k] > master->writes_by;
            accepted += world.promised[k] <= master->writes_by;
        }
    }
    if (refused) {
        step(i, &(struct college_event){.type = COLLEGE_BROKEN});
    } else if (accepted >= quorum()) {
        assert_true(master->writes_by >= world.written_by); /* the fence */
        world.written_by = master->writes_by;
        world.write_count++;
    }
}

/* --- the world --- */

static void start(int i)
{
    struct master *master = &world.masters[i];
    struct address others[MASTERS_MAX];
    size_t count = 0;
    for (int k = 0; k < world.count; k++) {
        if (k != i) {
            others[count++] = address_of(k);
        }
    }
    master->contends = master->leads = master->lost = false;
    master->writes_by = 0;
    master->college = college_new(
        &(struct college_options){
            .self = address_of(i),
            .others = others,
            .other_count = count,
            .quorum = (size_t)quorum(),
            .info = master->info,
            .lease_ns = LEASE_NS,
            .seed = prng_next(&world.prng),
        },
        clock_of(master));
}

static void stop(int i)
{
    struct master *master = &world.masters[i];
    master->college = college_free(master->college);
    master->leader = blob_unref(master->leader);
    master->leads = master->contends = false;
}

static void begin(int count, uint64_t seed)
{
    world = (struct world){.count = count, .now_ns = NS_PER_SEC};
    list_init(&world.letters);
    prng_seed(&world.prng, seed);
    for (int i = 0; i < count; i++) {
        world.masters[i].info = make_info(i);
        world.masters[i].rate = 1000;
        start(i);
    }
}

static void end(void)
{
    struct letter *letter;
    for (int i = 0; i < world.count; i++) {
        stop(i);
        blob_unref(world.masters[i].info);
    }
    LIST_FOR_EACH (letter, &world.letters, link) {
        blob_unref(letter->bytes);
        free(letter);
    }
    blob_unref(world.told);
}

static void deliver(void)
{
    struct letter *letter;
    LIST_FOR_EACH (letter, &world.letters, link) {
        if (letter->at_ns > world.now_ns && letter->at_ns != TIME_NEVER) {
            continue;
        }
        list_remove(&letter->link);
        if (letter->at_ns != TIME_NEVER) {
            step(letter->to, &(struct college_event){.type = COLLEGE_MESSAGE,
                                                     .from = &letter->from,
                                                     .bytes = blob_slice(letter->bytes)});
        }
        blob_unref(letter->bytes);
        free(letter);
    }
}

/* A supervisor starts again who has lost. */
static void pass(int64_t duration_ns, bool writes)
{
    int64_t until_ns = world.now_ns + duration_ns;
    while (world.now_ns < until_ns) {
        world.now_ns += NS_PER_MS;
        deliver();
        for (int i = 0; i < world.count; i++) {
            struct master *master = &world.masters[i];
            if (master->college == NULL || master->rate == 0) {
                continue;
            }
            if (college_deadline(master->college) <= clock_of(master)) {
                step(i, &(struct college_event){.type = COLLEGE_TICK});
            }
            if (master->contends && master->try_ns <= world.now_ns) {
                attempt(i);
            }
            if (writes && master->leads && prng_below(&world.prng, 50) == 0) {
                write_something(i);
            }
            if (master->lost) {
                stop(i);
                start(i);
            }
        }
    }
}

static int leader_of(void)
{
    int leader = -1;
    for (int i = 0; i < world.count; i++) {
        if (world.masters[i].leads) {
            assert_int_equal(leader, -1);
            leader = i;
        }
    }
    return leader;
}

static void assert_well(void)
{
    int leader = leader_of();
    assert_true(leader >= 0);
    for (int i = 0; i < world.count; i++) {
        if (world.masters[i].college != NULL) {
            assert_non_null(world.masters[i].leader);
            assert_true(slice_equal(blob_slice(world.masters[i].leader),
                                    blob_slice(world.masters[leader].info)));
        }
    }
}

static void cut_off(int i, bool cut)
{
    for (int k = 0; k < world.count; k++) {
        world.cut[i][k] = world.cut[k][i] = cut && k != i;
    }
}

/* --- tests --- */

static void one_of_so_many_leads(void **state)
{
    (void)state;
    const int counts[] = {1, 3, 5};
    for (size_t i = 0; i < ELEMENTS(counts); i++) {
        begin(counts[i], i);
        pass(LEASE_NS, true);
        pass(2 * LEASE_NS, true);
        assert_well();
        int leader = leader_of();
        pass(60 * LEASE_NS, true);
        assert_int_equal(leader_of(), leader);
        assert_int_equal(world.led_count, 1);
        assert_true(world.write_count > 1000);
        end();
    }
}

static void nobody_leads_before_a_lease_is_over(void **state)
{
    (void)state;
    begin(3, 1);
    pass(LEASE_NS - NS_PER_MS, true);
    assert_int_equal(leader_of(), -1);
    assert_int_equal(world.sent, 0);
    end();
}

static void a_crashed_leader_is_replaced(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin(3, seed);
        pass(3 * LEASE_NS, true);
        int old = leader_of();
        stop(old);
        pass(LEASE_NS - LEASE_NS / COLLEGE_BEATS - NS_PER_MS, true);
        assert_int_equal(leader_of(), -1);
        pass(LEASE_NS, true);
        assert_well();
        start(old);
        int leader = leader_of();
        pass(10 * LEASE_NS, true);
        assert_int_equal(leader_of(), leader);
        assert_well();
        end();
    }
}

static void who_ends_hands_over(void **state)
{
    (void)state;
    begin(3, 5);
    pass(3 * LEASE_NS, true);
    int old = leader_of();
    step(old, &(struct college_event){.type = COLLEGE_END});
    world.masters[old].leads = false;
    stop(old);
    pass(LEASE_NS / 2, true);
    assert_well();
    end();
}

/* Who was alone for long disturbs nobody when it is back. */
static void a_lonely_follower_disturbs_nobody(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin(3, seed);
        pass(3 * LEASE_NS, true);
        int leader = leader_of();
        int lonely = (leader + 1) % 3;
        cut_off(lonely, true);
        pass(20 * LEASE_NS, true);
        assert_null(world.masters[lonely].leader);
        assert_false(world.masters[lonely].contends);
        cut_off(lonely, false);
        pass(5 * LEASE_NS, true);
        assert_int_equal(leader_of(), leader);
        assert_int_equal(world.led_count, 1);
        assert_well();
        end();
    }
}

static void a_leader_that_is_cut_off_steps_down(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        begin(5, seed);
        pass(3 * LEASE_NS, true);
        int old = leader_of();
        world.masters[old].elections = 0;
        cut_off(old, true);
        pass(LEASE_NS + LEASE_NS / COLLEGE_BEATS + NS_PER_MS, true);
        assert_false(world.masters[old].leads);
        assert_string_equal(world.masters[old].why,
                            "no majority of the masters has answered for the time of a lease");
        pass(LEASE_NS, true);
        assert_true(leader_of() >= 0 && leader_of() != old);
        cut_off(old, false);
        pass(2 * LEASE_NS, true);
        assert_well();
        assert_int_equal(world.masters[old].elections, 0);
        end();
    }
}

/* It stands still, and wakes while another leads: it knows before it does anything. */
static void a_leader_that_stood_still_is_fenced(void **state)
{
    (void)state;
    begin(3, 2);
    pass(3 * LEASE_NS, true);
    int old = leader_of();
    struct master *master = &world.masters[old];
    master->rate = 0;
    master->base_ns = world.now_ns; /* also its clock stands: it cannot know */
    cut_off(old, true);
    pass(3 * LEASE_NS, false);
    cut_off(old, false);
    assert_true(master->leads);
    write_something(old);
    assert_true(master->lost);
    assert_string_equal(master->why, "the log's promise is another's");
    assert_int_equal(world.write_count > 0, 1);
    end();
}

static void a_stale_leader_learns_it_from_any_follower(void **state)
{
    (void)state;
    begin(3, 2);
    pass(3 * LEASE_NS, true);
    int old = leader_of();
    struct master *master = &world.masters[old];
    master->base_ns = world.now_ns - world.now_ns / 1000 * 100;
    master->rate = 100; /* its clock is slow: the lease lasts for long */
    cut_off(old, true);
    pass(3 * LEASE_NS, false);
    assert_true(master->leads);
    cut_off(old, false);
    pass(5 * LEASE_NS, false);
    assert_string_equal(master->why, "another master has the log's promise");
    end();
}

static struct blob *message_of(enum college_kind kind, uint64_t number, uint64_t stamp,
                               const struct blob *info)
{
    return college_message_encode(&(struct college_message){
        .kind = kind, .number = number, .stamp = stamp, .info = blob_slice(info)});
}

static void hear(int i, const struct upid *from, struct blob *bytes)
{
    step(i, &(struct college_event){
                .type = COLLEGE_MESSAGE, .from = from, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

static void question(int i, enum college_kind kind, uint64_t number, uint64_t handle)
{
    struct blob *bytes = message_of(kind, number, handle + 100, NULL);
    step(i, &(struct college_event){
                .type = COLLEGE_QUESTION, .handle = handle, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

static void agents_are_told_who_leads(void **state)
{
    (void)state;
    struct college_message answer;
    begin(3, 3);
    question(0, COLLEGE_WHO, 0, 7);
    assert_true(college_message_decode(blob_slice(world.told), &answer));
    assert_int_equal(world.handle, 7);
    assert_int_equal(answer.kind, COLLEGE_TELL);
    assert_int_equal(answer.stamp, 107);
    assert_int_equal(answer.info.size, 0);
    pass(3 * LEASE_NS, true);
    for (int i = 0; i < 3; i++) {
        question(i, COLLEGE_WHO, 0, 8);
        assert_true(college_message_decode(blob_slice(world.told), &answer));
        assert_int_equal(world.handle, 8);
        assert_int_equal(answer.stamp, 108);
        assert_int_equal(answer.number, world.led_by[0]);
        assert_true(slice_equal(answer.info, blob_slice(world.masters[leader_of()].info)));
    }
    end();
}

/* Who watches is told of the next leader as soon as the first master knows it. */
static void watchers_are_told_of_the_next_leader(void **state)
{
    (void)state;
    begin(3, 4);
    pass(3 * LEASE_NS, true);
    int old = leader_of();
    uint64_t number = world.led_by[0];
    for (int i = 0; i < 3; i++) {
        question(i, COLLEGE_WATCH, number, (uint64_t)i + 1);
        assert_true(college_holds(world.masters[i].college, (uint64_t)i + 1));
    }
    pass(LEASE_NS, true);
    assert_int_equal(world.answers, 0);
    stop(old);
    while (world.answers == 0) {
        pass(NS_PER_MS, true);
    }
    struct college_message answer;
    assert_true(college_message_decode(blob_slice(world.told), &answer));
    assert_true(leader_of() >= 0 && answer.number > number);
    assert_true(slice_equal(answer.info, blob_slice(world.masters[leader_of()].info)));
    pass(10 * NS_PER_MS, true);
    assert_int_equal(world.answers, 2);
    end();
}

static void strangers_and_old_words_change_nothing(void **state)
{
    (void)state;
    begin(3, 3);
    pass(3 * LEASE_NS, true);
    int leader = leader_of();
    int follower = (leader + 1) % 3;
    struct blob *info = world.masters[(leader + 2) % 3].info;
    struct upid stranger = {.id = COLLEGE_ACTOR, .address = address_of(77)};
    struct upid other = {.id = COLLEGE_ACTOR, .address = address_of((leader + 2) % 3)};
    hear(follower, &stranger, message_of(COLLEGE_LEAD, 1000, 0, info));
    hear(leader, &stranger, message_of(COLLEGE_LEAD, 1000, 0, info));
    hear(leader, &stranger, message_of(COLLEGE_FOLLOW, 1000, 0, NULL));
    hear(follower, &other, message_of(COLLEGE_LEAD, 0, 0, info));
    hear(follower, &other, message_of(COLLEGE_LEAVE, world.led_by[0], 0, NULL));
    hear(follower, &other, message_of(COLLEGE_FREE, 0, 1, NULL));
    hear(follower, &other, message_of(COLLEGE_FREE, 0, 1, NULL));
    hear(leader, &other, blob_from(SLICE("nonsense")));
    step(follower, &(struct college_event){.type = COLLEGE_BROKEN});
    assert_well();
    pass(3 * LEASE_NS, true);
    assert_int_equal(leader_of(), leader);
    assert_int_equal(world.led_count, 1);
    /* A promise that nobody waits for is given back. */
    step(follower, &(struct college_event){.type = COLLEGE_PROMISED, .number = 99});
    assert_false(world.masters[follower].leads);
    end();
}

static void messages_are_what_they_are(void **state)
{
    (void)state;
    struct college_message message;
    struct blob *info = make_info(1);
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

/* Clocks of any speed, links that come and go, crashes: the fence holds at every write (see
 * write_something), no number is led by twice (see take_effect), and in peace somebody leads. */
static void wild_worlds_keep_the_fence(void **state)
{
    (void)state;
    int writes = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        begin(seed % 2 == 0 ? 3 : 5, seed);
        for (int i = 0; i < world.count; i++) {
            int64_t base_ns = prng_duration_ns(&world.prng, NS_PER_DAY);
            stop(i);
            world.masters[i].base_ns = base_ns;
            world.masters[i].rate = 200 + (int64_t)prng_below(&world.prng, 3000);
            start(i);
        }
        for (int round = 0; round < 60; round++) {
            int i = (int)prng_below(&world.prng, (uint64_t)world.count);
            int k = (int)prng_below(&world.prng, (uint64_t)world.count);
            switch (prng_below(&world.prng, 6)) {
            case 0:
                world.cut[i][k] = i != k;
                break;
            case 1:
                cut_off(i, true);
                break;
            case 2:
                cut_off(i, false);
                break;
            case 3:
                stop(i);
                start(i);
                break;
            case 4: { /* stands still, or goes on */
                struct master *master = &world.masters[i];
                int64_t clock_ns = clock_of(master);
                master->rate = master->rate == 0 ? 1000 : 0;
                master->base_ns = clock_ns - world.now_ns / 1000 * master->rate;
                break;
            }
            default:
                break;
            }
            pass(prng_duration_ns(&world.prng, LEASE_NS), true);
        }
        memset(world.cut, 0, sizeof(world.cut));
        for (int i = 0; i < world.count; i++) {
            int64_t clock_ns = clock_of(&world.masters[i]);
            world.masters[i].rate = 1000;
            world.masters[i].base_ns = clock_ns - world.now_ns;
        }
        pass(10 * LEASE_NS, true);
        assert_well();
        writes += world.write_count;
        end();
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
