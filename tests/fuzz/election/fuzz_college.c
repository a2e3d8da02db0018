#include "fuzz.h"

#include "election/college.h"
#include "election/leader_info.h"

/* Each event of a master among three is two bytes: what happens, and of what it tells. Whatever
 * others say, and whenever, must not end the process; nobody leads without a promise that was asked
 * for; every question is answered once at most; and nothing follows the last word. */

#define STEPS_MAX 512
#define LEASE_NS NS_PER_SEC
#define QUESTIONS_MAX 256

struct world {
    struct college *college;
    struct blob *info;
    int64_t now_ns;
    uint64_t stamp;   /* of the last message that it sent */
    uint64_t promise; /* the last that was given */
    bool contends, led, over;
    uint64_t handle; /* of the last question */
    bool waits[QUESTIONS_MAX];
};

static struct upid pid_of(int i)
{
    struct upid pid = {.id = COLLEGE_ACTOR, .address = {.family = 4, .port = 1, .ip = {10}}};
    pid.address.ip[3] = (uint8_t)i;
    return pid;
}

static void take_answer(struct world *world, const struct college_effect *effect)
{
    struct college_message message;
    ASSERT(effect->handle > 0 && effect->handle <= world->handle && world->waits[effect->handle]);
    ASSERT(effect->bytes == NULL ||
           (college_message_decode(blob_slice(effect->bytes), &message) &&
            message.kind == COLLEGE_TELL && message.stamp == effect->handle));
    world->waits[effect->handle] = false;
}

static void take_effect(struct world *world, const struct college_effect *effect)
{
    struct college_message message;
    struct leader leader;
    ASSERT(!world->over);
    switch (effect->type) {
    case COLLEGE_SEND:
        ASSERT(college_message_decode(blob_slice(effect->bytes), &message));
        ASSERT(effect->to.address.ip[3] == 1 || effect->to.address.ip[3] == 2);
        world->stamp = message.stamp;
        break;
    case COLLEGE_CONTEND:
        world->contends = true;
        break;
    case COLLEGE_RESIGN:
        world->contends = false;
        break;
    case COLLEGE_LEADER:
        ASSERT(effect->bytes == NULL || leader_info_read(blob_slice(effect->bytes), &leader));
        break;
    case COLLEGE_ELECTED:
        ASSERT(world->contends && !world->led);
        ASSERT(college_number(world->college) == world->promise);
        world->led = true;
        break;
    case COLLEGE_LOST:
        ASSERT(world->led);
        world->over = true;
        break;
    case COLLEGE_ANSWER:
        take_answer(world, effect);
        break;
    }
}

static void step(struct world *world, const struct college_event *event)
{
    struct college_effects effects;
    struct college_effect *effect;
    college_effects_init(&effects);
    college_step(world->college, world->now_ns, event, &effects);
    while ((effect = college_effects_pop(&effects)) != NULL) {
        take_effect(world, effect);
        college_effect_free(effect);
    }
    world->over |= event->type == COLLEGE_END;
    ASSERT(event->type != COLLEGE_TICK || college_deadline(world->college) > world->now_ns);
    ASSERT(!world->over || college_deadline(world->college) == TIME_NEVER);
    for (uint64_t i = 1; i <= world->handle; i++) {
        ASSERT(!college_holds(world->college, i) || (world->waits[i] && !world->over));
    }
}

static struct blob *message_of(const struct world *world, enum college_kind kind, uint8_t of)
{
    return college_message_encode(&(struct college_message){
        .kind = kind,
        .number = of >> 3,
        .stamp = (of & 2) != 0 ? world->stamp : of,
        .info = kind == COLLEGE_LEAD || (of & 4) != 0 ? blob_slice(world->info) : SLICE(""),
    });
}

static void ask(struct world *world, enum college_kind kind, uint8_t of)
{
    if (world->handle + 1 == QUESTIONS_MAX) {
        return;
    }
    world->waits[++world->handle] = true;
    struct blob *bytes = college_message_encode(
        &(struct college_message){.kind = kind, .number = of >> 3, .stamp = world->handle});
    step(world, &(struct college_event){
                    .type = COLLEGE_QUESTION, .handle = world->handle, .bytes = blob_slice(bytes)});
    blob_unref(bytes);
}

static void happen(struct world *world, uint8_t what, uint8_t of)
{
    if (what % 16 < 4) {
        world->now_ns += of * (LEASE_NS / 64);
        step(world, &(struct college_event){.type = COLLEGE_TICK});
    } else if (what % 16 < 11) {
        struct upid from = pid_of(1 + (of & 1));
        struct blob *bytes =
            message_of(world, (enum college_kind)(COLLEGE_LEAD + what % 16 - 4), of);
        step(world, &(struct college_event){
                        .type = COLLEGE_MESSAGE, .from = &from, .bytes = blob_slice(bytes)});
        blob_unref(bytes);
    } else if (what % 16 == 11) {
        world->promise = world->promise + 1 + of % 8;
        step(world, &(struct college_event){.type = COLLEGE_PROMISED, .number = world->promise});
    } else if (what % 16 == 12) {
        ask(world, (enum college_kind)(COLLEGE_WHO + of % 3), of);
    } else if (what % 16 == 13) {
        uint64_t handle = of % QUESTIONS_MAX;
        world->waits[handle] = false;
        step(world, &(struct college_event){.type = COLLEGE_GONE, .handle = handle});
    } else if (what % 16 == 14) {
        ask(world, COLLEGE_WATCH, of);
    } else {
        step(world, &(struct college_event){.type = of % 16 == 0 ? COLLEGE_END : COLLEGE_BROKEN});
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {.now_ns = NS_PER_SEC};
    struct address others[] = {pid_of(1).address, pid_of(2).address};
    world.info = blob_from(SLICE("\x0a\x01"
                                 "a"
                                 "\x10\x01\x18\xba\x27"));
    world.college =
        college_new(&(struct college_options){.self = pid_of(size % 2 != 0 ? 0 : 3).address,
                                              .others = others,
                                              .other_count = 2,
                                              .quorum = 2 + size % 2,
                                              .info = world.info,
                                              .lease_ns = LEASE_NS,
                                              .seed = size},
                    world.now_ns);
    for (size_t i = 0; i + 1 < size && i < 2 * STEPS_MAX; i += 2) {
        happen(&world, data[i], data[i + 1]);
    }
    college_free(world.college);
    blob_unref(world.info);
    return 0;
}
