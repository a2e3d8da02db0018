#include "fuzz.h"

#include "election/college.h"
#include "election/finder.h"
#include "election/leader_info.h"

/* What is understood is made of the same bytes again; and whoever sends it to a master, as a
 * message or as a question, or answers it to who looks for the leader, ends nobody. */

static struct address address_of(uint8_t last)
{
    struct address address = {.family = 4, .port = 1, .ip = {10, 0, 0}};
    address.ip[3] = last;
    return address;
}

static void drop(struct college_effects *effects)
{
    struct college_effect *effect;
    while ((effect = college_effects_pop(effects)) != NULL) {
        struct college_message message;
        ASSERT((effect->type != COLLEGE_SEND && effect->type != COLLEGE_ANSWER) ||
               effect->bytes == NULL ||
               college_message_decode(blob_slice(effect->bytes), &message));
        college_effect_free(effect);
    }
}

/* A follower, then a leader, then one that has ended. */
static void tell_master(struct slice bytes)
{
    struct address others[] = {address_of(2), address_of(3)};
    struct upid from = {.id = COLLEGE_ACTOR, .address = others[0]};
    struct blob *info = blob_from(SLICE("\x0a\x01"
                                        "a"
                                        "\x10\x01\x18\xba\x27"));
    struct college *college = college_new(&(struct college_options){.self = address_of(1),
                                                                    .others = others,
                                                                    .other_count = 2,
                                                                    .quorum = 2,
                                                                    .info = info,
                                                                    .lease_ns = NS_PER_SEC,
                                                                    .seed = 1},
                                          0);
    struct college_effects effects;
    college_effects_init(&effects);
    const struct college_event events[] = {
        {.type = COLLEGE_MESSAGE, .from = &from, .bytes = bytes},
        {.type = COLLEGE_QUESTION, .handle = 1, .bytes = bytes},
        {.type = COLLEGE_TICK},
        {.type = COLLEGE_MESSAGE, .from = &from, .bytes = bytes},
        {.type = COLLEGE_PROMISED, .number = 7},
        {.type = COLLEGE_MESSAGE, .from = &from, .bytes = bytes},
        {.type = COLLEGE_QUESTION, .handle = 2, .bytes = bytes},
        {.type = COLLEGE_END},
        {.type = COLLEGE_MESSAGE, .from = &from, .bytes = bytes},
    };
    for (size_t i = 0; i < ELEMENTS(events); i++) {
        college_step(college, (int64_t)i * NS_PER_SEC, &events[i], &effects);
        drop(&effects);
    }
    college_free(college);
    blob_unref(info);
}

static void answer_finder(struct slice bytes, uint64_t stamp)
{
    struct address masters[] = {address_of(1)};
    struct finder *finder = finder_new(1);
    struct finder_effects effects;
    struct finder_effect *effect;
    finder_effects_init(&effects);
    finder_step(finder, 0,
                &(struct finder_event){
                    .type = FINDER_ADDRESSES, .addresses = masters, .count = ELEMENTS(masters)},
                &effects);
    finder_step(finder, 1,
                &(struct finder_event){.type = FINDER_ANSWER, .token = stamp, .bytes = bytes},
                &effects);
    while ((effect = finder_effects_pop(&effects)) != NULL) {
        struct leader leader;
        ASSERT(effect->type != FINDER_LEADER || effect->bytes == NULL ||
               leader_info_read(blob_slice(effect->bytes), &leader));
        finder_effect_free(effect);
    }
    finder_free(finder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct college_message message;
    struct slice bytes = slice_make(data, size);
    bool good = college_message_decode(bytes, &message);
    if (good) {
        struct blob *again = college_message_encode(&message);
        ASSERT(slice_equal(blob_slice(again), bytes));
        blob_unref(again);
    }
    tell_master(bytes);
    answer_finder(bytes, good ? message.stamp : 1);
    return 0;
}
