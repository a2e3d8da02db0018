#include "election/finder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/prng.h"
#include "common/sm.h"
#include "common/xalloc.h"
#include "election/college.h"
#include "election/leader_info.h"

/* Where a master stands with us. */
enum member_state {
    MEMBER_RESTING,  /* is asked at ask_ns */
    MEMBER_ASKED,    /* who leads */
    MEMBER_WATCHING, /* tells when that changes */
};

static const struct sm_state states[] = {
    [MEMBER_RESTING] = {"RESTING", SM_TO(MEMBER_ASKED) | SM_TO(MEMBER_WATCHING)},
    [MEMBER_ASKED] = {"ASKED", SM_TO(MEMBER_RESTING)},
    [MEMBER_WATCHING] = {"WATCHING", SM_TO(MEMBER_RESTING)},
};

static const struct sm_table table = {"member", states, ELEMENTS(states)};

struct member {
    struct address address;
    enum member_state state;
    uint64_t token;   /* ASKED, WATCHING: of the question, and its stamp */
    uint64_t number;  /* WATCHING: that it was to go beyond */
    uint64_t denied;  /* a number that it did not know of when it was told it; 0 = none */
    int64_t asked_ns; /* when it was asked last */
    int64_t ask_ns;   /* RESTING: when it is asked */
    int64_t wait_ns;  /* the pause after the next failure */
    bool answers;     /* it did, last time */
    bool fails;       /* it did not, last time, and that was logged */
};

struct finder {
    struct member members[FINDER_MASTERS_MAX];
    size_t count;
    uint64_t number;   /* the highest that anybody was said to lead by */
    struct blob *info; /* of who leads by it; NULL = not known */
    struct blob *told; /* the leader that was told last; NULL = none */
    bool is_sure;      /* a majority has answered once, or our patience was over */

    int64_t patience_ns;  /* when it is; TIME_NEVER before there are masters */
    int64_t look_ns;      /* when names are looked up; TIME_NEVER while they are */
    int64_t look_wait_ns; /* the pause after the next failure */
    bool unknown;         /* the last look-up failed, and that was logged */
    uint64_t last_token;
    struct prng prng;

    /* of this step */
    int64_t now_ns;
    struct finder_effects *effects;
};

/* --- effects --- */

void finder_effects_init(struct finder_effects *effects)
{
    list_init(&effects->list);
}

void finder_effects_deinit(struct finder_effects *effects)
{
    struct finder_effect *effect;
    while ((effect = finder_effects_pop(effects)) != NULL) {
        finder_effect_free(effect);
    }
}

struct finder_effect *finder_effects_pop(struct finder_effects *effects)
{
    struct list *link = list_pop_front(&effects->list);
    return link != NULL ? LIST_ENTRY(link, struct finder_effect, link) : NULL;
}

struct finder_effect *finder_effect_free(struct finder_effect *effect)
{
    if (effect != NULL) {
        list_remove(&effect->link);
        blob_unref(effect->bytes);
        free(effect);
    }
    return NULL;
}

static struct finder_effect *put(struct finder *finder, enum finder_effect_type type)
{
    struct finder_effect *effect = xalloc(sizeof(*effect));
    effect->type = type;
    list_push_back(&finder->effects->list, &effect->link);
    return effect;
}

static void PRINTF_LIKE(3, 4) say(struct finder *finder, enum log_level level, const char *fmt, ...)
{
    struct finder_effect *effect = put(finder, FINDER_LOG);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(effect->text.text, sizeof(effect->text.text), fmt, args);
    va_end(args);
    effect->level = level;
}

/* --- asking --- */

static void move(struct member *member, enum member_state state)
{
    member->state = (enum member_state)sm_move(&table, (int)member->state, (int)state);
}

static int64_t jittered_ns(struct finder *finder, int64_t wait_ns)
{
    return wait_ns + prng_duration_ns(&finder->prng, wait_ns / 2);
}

static void ask(struct finder *finder, struct member *member)
{
    bool watches = member->answers;
    move(member, watches ? MEMBER_WATCHING : MEMBER_ASKED);
    member->token = ++finder->last_token;
    member->number = watches ? finder->number : 0;
    member->asked_ns = finder->now_ns;
    struct finder_effect *effect = put(finder, FINDER_ASK);
    effect->to = member->address;
    effect->token = member->token;
    effect->timeout_ns = FINDER_ANSWER_NS + (watches ? COLLEGE_HOLD_NS : 0);
    effect->bytes = college_message_encode(
        &(struct college_message){.kind = watches ? COLLEGE_WATCH : COLLEGE_WHO,
                                  .number = member->number,
                                  .stamp = member->token});
}

static bool all_answer(const struct finder *finder)
{
    for (size_t i = 0; i < finder->count; i++) {
        if (finder->members[i].fails) {
            return false;
        }
    }
    return finder->count > 0;
}

static void look(struct finder *finder)
{
    if (all_answer(finder)) {
        finder->look_ns = time_add_ns(finder->now_ns, FINDER_LOOK_NS);
        return;
    }
    finder->look_ns = TIME_NEVER;
    put(finder, FINDER_LOOK);
}

/* --- masters, by their addresses --- */

static bool is_among(const struct address *address, const struct address *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (address_equal(address, &addresses[i])) {
            return true;
        }
    }
    return false;
}

static bool is_member(const struct finder *finder, const struct address *address)
{
    for (size_t i = 0; i < finder->count; i++) {
        if (address_equal(&finder->members[i].address, address)) {
            return true;
        }
    }
    return false;
}

static void drop_others(struct finder *finder, const struct address *addresses, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < finder->count; i++) {
        if (is_among(&finder->members[i].address, addresses, count)) {
            finder->members[kept++] = finder->members[i];
        } else {
            put(finder, FINDER_DROP)->to = finder->members[i].address;
        }
    }
    finder->count = kept;
}

static void take_addresses(struct finder *finder, const struct finder_event *event)
{
    drop_others(finder, event->addresses, event->count);
    for (size_t i = 0; i < event->count; i++) {
        if (is_member(finder, &event->addresses[i])) {
            continue;
        }
        if (finder->count == FINDER_MASTERS_MAX) {
            say(finder, LOG_LEVEL_WARNING, "More than %d masters: the others are not asked",
                FINDER_MASTERS_MAX);
            break;
        }
        finder->members[finder->count++] = (struct member){
            .address = event->addresses[i],
            .ask_ns = finder->now_ns,
            .wait_ns = FINDER_RETRY_MIN_NS,
        };
    }
    if (finder->patience_ns == TIME_NEVER) {
        finder->patience_ns = time_add_ns(finder->now_ns, FINDER_PATIENCE_NS);
    }
    finder->unknown = false;
    finder->look_wait_ns = FINDER_RETRY_MIN_NS;
    finder->look_ns = time_add_ns(finder->now_ns, FINDER_LOOK_NS);
}

static void take_unknown(struct finder *finder, const char *why)
{
    if (!finder->unknown) {
        say(finder, LOG_LEVEL_WARNING, "The masters are not known: %s", why);
    }
    finder->unknown = true;
    finder->look_ns = time_add_ns(finder->now_ns, jittered_ns(finder, finder->look_wait_ns));
    finder->look_wait_ns = MIN(finder->look_wait_ns * 2, FINDER_RETRY_MAX_NS);
}

/* --- what they answer --- */

static struct member *find_asked(struct finder *finder, uint64_t token)
{
    for (size_t i = 0; i < finder->count; i++) {
        if (finder->members[i].state != MEMBER_RESTING && finder->members[i].token == token) {
            return &finder->members[i];
        }
    }
    return NULL;
}

static void take_failure(struct finder *finder, struct member *member, const char *why)
{
    char address[ADDRESS_TEXT_SIZE];
    if (!member->fails) {
        address_format(&member->address, address);
        say(finder, LOG_LEVEL_WARNING, "The master at %s does not tell who leads: %s", address,
            why);
    }
    move(member, MEMBER_RESTING);
    member->answers = false;
    member->fails = true;
    member->denied = 0;
    member->ask_ns = time_add_ns(finder->now_ns, jittered_ns(finder, member->wait_ns));
    member->wait_ns = MIN(member->wait_ns * 2, FINDER_RETRY_MAX_NS);
}

/* Whether it is news: a higher number, or who leads by it. Only a higher number ends a leader. */
static bool take_number(struct finder *finder, const struct college_message *message)
{
    bool is_higher = message->number > finder->number;
    bool is_known = message->info.size > 0 &&
                    (is_higher || (message->number == finder->number && finder->info == NULL));
    if (is_higher) {
        finder->number = message->number;
        finder->info = blob_unref(finder->info);
    }
    if (is_known) {
        finder->info = blob_from(message->info);
    }
    return is_higher || is_known;
}

static void take_answer(struct finder *finder, const struct finder_event *event)
{
    struct member *member = find_asked(finder, event->token);
    struct college_message message;
    if (member == NULL) {
        return;
    }
    if (!college_message_decode(event->bytes, &message) || message.kind != COLLEGE_TELL ||
        message.stamp != event->token) {
        take_failure(finder, member, "the answer is none");
        return;
    }
    bool is_first = !member->answers;
    bool is_news = take_number(finder, &message);
    member->denied = message.number < member->number ? member->number : 0;
    move(member, MEMBER_RESTING);
    member->answers = true;
    member->fails = false;
    member->wait_ns = FINDER_RETRY_MIN_NS;
    member->ask_ns =
        is_first || is_news ? finder->now_ns : time_add_ns(member->asked_ns, FINDER_RETRY_MIN_NS);
}

/* A majority has had the time to hear of the number, and does not know it: their log is another
 * than it was, and counts from the beginning. */
static void forget_what_is_denied(struct finder *finder)
{
    size_t count = 0;
    for (size_t i = 0; i < finder->count; i++) {
        count += finder->number != 0 && finder->members[i].denied == finder->number;
    }
    if (2 * count <= finder->count) {
        return;
    }
    say(finder, LOG_LEVEL_WARNING,
        "A majority of the masters does not know of the leader any more");
    finder->number = 0;
    finder->info = blob_unref(finder->info);
    finder->is_sure = false; /* the old one stays told until then */
    finder->patience_ns = time_add_ns(finder->now_ns, FINDER_PATIENCE_NS);
    for (size_t i = 0; i < finder->count; i++) {
        finder->members[i].answers = false;
    }
}

/* --- who leads --- */

static void find_out_whether_sure(struct finder *finder)
{
    size_t count = 0;
    for (size_t i = 0; i < finder->count; i++) {
        count += finder->members[i].answers;
    }
    finder->is_sure |= 2 * count > finder->count || finder->patience_ns <= finder->now_ns;
}

static void tell_leader(struct finder *finder)
{
    bool same = finder->info != NULL && finder->told != NULL
                    ? slice_equal(blob_slice(finder->info), blob_slice(finder->told))
                    : finder->info == finder->told;
    if (finder->is_sure && !same) {
        blob_unref(finder->told);
        finder->told = blob_ref(finder->info);
        put(finder, FINDER_LEADER)->bytes = blob_ref(finder->info);
    }
}

/* --- steps --- */

static void take_event(struct finder *finder, const struct finder_event *event)
{
    switch (event->type) {
    case FINDER_TICK:
        return;
    case FINDER_ADDRESSES:
        take_addresses(finder, event);
        return;
    case FINDER_UNKNOWN:
        take_unknown(finder, event->text);
        return;
    case FINDER_ANSWER:
        take_answer(finder, event);
        return;
    case FINDER_FAILED: {
        struct member *member = find_asked(finder, event->token);
        if (member != NULL) {
            take_failure(finder, member, event->text);
        }
        return;
    }
    }
    WRONG("an event that is none");
}

void finder_step(struct finder *finder, int64_t now_ns, const struct finder_event *event,
                 struct finder_effects *effects)
{
    finder->now_ns = now_ns;
    finder->effects = effects;
    take_event(finder, event);
    forget_what_is_denied(finder);
    find_out_whether_sure(finder);
    tell_leader(finder);
    if (finder->look_ns <= now_ns) {
        look(finder);
    }
    for (size_t i = 0; i < finder->count; i++) {
        if (finder->members[i].state == MEMBER_RESTING && finder->members[i].ask_ns <= now_ns) {
            ask(finder, &finder->members[i]);
        }
    }
    finder->effects = NULL;
}

int64_t finder_deadline(const struct finder *finder)
{
    int64_t deadline_ns = finder->look_ns;
    if (!finder->is_sure) {
        deadline_ns = MIN(deadline_ns, finder->patience_ns);
    }
    for (size_t i = 0; i < finder->count; i++) {
        if (finder->members[i].state == MEMBER_RESTING) {
            deadline_ns = MIN(deadline_ns, finder->members[i].ask_ns);
        }
    }
    return deadline_ns;
}

uint64_t finder_number(const struct finder *finder)
{
    return finder->number;
}

struct finder *finder_new(uint64_t seed)
{
    struct finder *finder = xalloc(sizeof(*finder));
    finder->patience_ns = TIME_NEVER;
    finder->look_ns = INT64_MIN;
    finder->look_wait_ns = FINDER_RETRY_MIN_NS;
    prng_seed(&finder->prng, seed);
    return finder;
}

struct finder *finder_free(struct finder *finder)
{
    if (finder != NULL) {
        blob_unref(finder->info);
        blob_unref(finder->told);
        free(finder);
    }
    return NULL;
}
