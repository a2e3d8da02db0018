#include "college_world.h"

#include "../unit.h"

#include "common/xalloc.h"
#include "wire/message.h"
#include "wire/pb.h"

/* A message between masters, on its way. */
struct letter {
    struct list link;
    int to;
    struct upid from;
    struct blob *bytes;
    int64_t at_ns; /* true time of its arrival */
};

struct world world;

int world_quorum(void)
{
    return world.count / 2 + 1;
}

struct address world_address(int i)
{
    struct address address = {.family = 4, .port = 5050, .ip = {10, 0, 0}};
    address.ip[3] = (uint8_t)(i + 1);
    return address;
}

static int index_of(const struct address *address)
{
    return address->ip[3] - 1;
}

int64_t world_clock(const struct master *master)
{
    return master->base_ns + world.now_ns / 1000 * master->rate;
}

struct blob *world_make_info(int i)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    char id[16], pid[64];
    (void)snprintf(id, sizeof(id), "m%d", i);
    (void)snprintf(pid, sizeof(pid), "master@10.0.0.%d:5050", i + 1);
    info.id = id;
    info.pid = pid;
    return message_encode_blob(&info.base);
}

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
        letter->from = (struct upid){.id = COLLEGE_ACTOR, .address = world_address(i)};
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
        if (world.on_answer != NULL) {
            world.on_answer(i, effect);
        }
        break;
    }
}

void world_step(int i, const struct college_event *event)
{
    struct master *master = &world.masters[i];
    struct college_effects effects;
    struct college_effect *effect;
    if (master->college == NULL) {
        return;
    }
    college_effects_init(&effects);
    college_step(master->college, world_clock(master), event, &effects);
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
    if (count < world_quorum()) {
        master->try_ns =
            world.now_ns + 100 * NS_PER_MS + prng_duration_ns(&world.prng, 100 * NS_PER_MS);
        return;
    }
    master->contends = false;
    master->writes_by = number;
    world_step(i, &(struct college_event){.type = COLLEGE_PROMISED, .number = number});
}

void world_write(int i)
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
        world_step(i, &(struct college_event){.type = COLLEGE_BROKEN});
    } else if (accepted >= world_quorum()) {
        assert_true(master->writes_by >= world.written_by); /* the fence */
        world.written_by = master->writes_by;
        world.write_count++;
    }
}

/* --- the world --- */

void world_start(int i)
{
    struct master *master = &world.masters[i];
    struct address others[MASTERS_MAX];
    size_t count = 0;
    for (int k = 0; k < world.count; k++) {
        if (k != i) {
            others[count++] = world_address(k);
        }
    }
    master->contends = master->leads = master->lost = false;
    master->writes_by = 0;
    master->college = college_new(
        &(struct college_options){
            .self = world_address(i),
            .others = others,
            .other_count = count,
            .quorum = (size_t)world_quorum(),
            .info = master->info,
            .lease_ns = LEASE_NS,
            .seed = prng_next(&world.prng),
        },
        world_clock(master));
}

void world_stop(int i)
{
    struct master *master = &world.masters[i];
    if (world.on_stop != NULL) {
        world.on_stop(i);
    }
    master->college = college_free(master->college);
    master->leader = blob_unref(master->leader);
    master->leads = master->contends = false;
}

void world_begin(int count, uint64_t seed)
{
    world = (struct world){.count = count, .now_ns = NS_PER_SEC};
    list_init(&world.letters);
    prng_seed(&world.prng, seed);
    for (int i = 0; i < count; i++) {
        world.masters[i].info = world_make_info(i);
        world.masters[i].rate = 1000;
        world_start(i);
    }
}

void world_end(void)
{
    struct letter *letter;
    for (int i = 0; i < world.count; i++) {
        world_stop(i);
        blob_unref(world.masters[i].info);
    }
    LIST_FOR_EACH (letter, &world.letters, link) {
        blob_unref(letter->bytes);
        free(letter);
    }
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
            world_step(letter->to, &(struct college_event){.type = COLLEGE_MESSAGE,
                                                           .from = &letter->from,
                                                           .bytes = blob_slice(letter->bytes)});
        }
        blob_unref(letter->bytes);
        free(letter);
    }
}

/* A supervisor starts again who has lost. */
void world_pass(int64_t duration_ns, bool writes)
{
    int64_t until_ns = world.now_ns + duration_ns;
    while (world.now_ns < until_ns) {
        world.now_ns += NS_PER_MS;
        deliver();
        if (world.on_pass != NULL) {
            world.on_pass();
        }
        for (int i = 0; i < world.count; i++) {
            struct master *master = &world.masters[i];
            if (master->college == NULL || master->rate == 0) {
                continue;
            }
            if (college_deadline(master->college) <= world_clock(master)) {
                world_step(i, &(struct college_event){.type = COLLEGE_TICK});
            }
            if (master->contends && master->try_ns <= world.now_ns) {
                attempt(i);
            }
            if (writes && master->leads && prng_below(&world.prng, 50) == 0) {
                world_write(i);
            }
            if (master->lost) {
                world_stop(i);
                world_start(i);
            }
        }
    }
}

int world_leader(void)
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

void world_assert_well(void)
{
    int leader = world_leader();
    assert_true(leader >= 0);
    for (int i = 0; i < world.count; i++) {
        if (world.masters[i].college != NULL) {
            assert_non_null(world.masters[i].leader);
            assert_true(slice_equal(blob_slice(world.masters[i].leader),
                                    blob_slice(world.masters[leader].info)));
        }
    }
}

void world_cut_off(int i, bool cut)
{
    for (int k = 0; k < world.count; k++) {
        world.cut[i][k] = world.cut[k][i] = cut && k != i;
    }
}

/* --- troubles --- */

void world_let_clocks_go(void)
{
    for (int i = 0; i < world.count; i++) {
        int64_t base_ns = prng_duration_ns(&world.prng, NS_PER_DAY);
        world_stop(i);
        world.masters[i].base_ns = base_ns;
        world.masters[i].rate = 200 + (int64_t)prng_below(&world.prng, 3000);
        world_start(i);
    }
}

void world_disturb(void)
{
    int i = (int)prng_below(&world.prng, (uint64_t)world.count);
    int k = (int)prng_below(&world.prng, (uint64_t)world.count);
    switch (prng_below(&world.prng, 6)) {
    case 0:
        world.cut[i][k] = i != k;
        break;
    case 1:
        world_cut_off(i, true);
        break;
    case 2:
        world_cut_off(i, false);
        break;
    case 3:
        world_stop(i);
        world_start(i);
        break;
    case 4: { /* stands still, or goes on */
        struct master *master = &world.masters[i];
        int64_t clock_ns = world_clock(master);
        master->rate = master->rate == 0 ? 1000 : 0;
        master->base_ns = clock_ns - world.now_ns / 1000 * master->rate;
        break;
    }
    default:
        break;
    }
    world_pass(prng_duration_ns(&world.prng, LEASE_NS), true);
}

void world_heal(void)
{
    memset(world.cut, 0, sizeof(world.cut));
    for (int i = 0; i < world.count; i++) {
        int64_t clock_ns = world_clock(&world.masters[i]);
        world.masters[i].rate = 1000;
        world.masters[i].base_ns = clock_ns - world.now_ns;
    }
}
