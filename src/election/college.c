#include "election/college.h"

#include <stdlib.h>

#include "common/sm.h"
#include "common/xalloc.h"
#include "election/watchers.h"

enum college_state {
    COLLEGE_FOLLOWING,  /* a leader, or waiting whether there is one */
    COLLEGE_ASKING,     /* whether a quorum knows of none, either */
    COLLEGE_CONTENDING, /* for the log's promise */
    COLLEGE_LEADING,
    COLLEGE_OVER,
};

static const struct sm_state states[] = {
    [COLLEGE_FOLLOWING] = {"FOLLOWING",
                           SM_TO(COLLEGE_FOLLOWING) | SM_TO(COLLEGE_ASKING) | SM_TO(COLLEGE_OVER)},
    [COLLEGE_ASKING] = {"ASKING", SM_TO(COLLEGE_FOLLOWING) | SM_TO(COLLEGE_ASKING) |
                                      SM_TO(COLLEGE_CONTENDING) | SM_TO(COLLEGE_OVER)},
    [COLLEGE_CONTENDING] = {"CONTENDING", SM_TO(COLLEGE_FOLLOWING) | SM_TO(COLLEGE_ASKING) |
                                              SM_TO(COLLEGE_LEADING) | SM_TO(COLLEGE_OVER)},
    [COLLEGE_LEADING] = {"LEADING", SM_TO(COLLEGE_OVER)},
    [COLLEGE_OVER] = {"OVER", 0},
};

static const struct sm_table table = {"college", states, ELEMENTS(states)};

/* Another master. */
struct other {
    struct upid pid;
    bool is_free;     /* ASKING, CONTENDING: it keeps still for us ... */
    int64_t free_ns;  /* ... and said so last then */
    int64_t heard_ns; /* LEADING: when we said what it answered last */
};

struct college {
    /* fixed */
    struct upid self;
    struct other others[COLLEGE_MAX - 1];
    size_t other_count;
    size_t quorum;
    struct blob *info;
    int64_t lease_ns;

    enum college_state state;
    int64_t deadline_ns;       /* FOLLOWING: until which we keep still; ASKING: the next attempt;
                                  CONTENDING, LEADING: the next word */
    uint64_t asked;            /* ASKING, CONTENDING: the stamp of this round's question */
    int64_t contend_until_ns;  /* CONTENDING: then it was in vain */
    unsigned vain_count;       /* so often it was, also for others, since there was a leader */
    const struct other *still; /* for whom we keep still; NULL = nobody */
    int64_t still_until_ns;
    uint64_t number;          /* the highest by which anybody was said to lead; ours, if we do */
    struct upid leader;       /* who leads by it; unset = nobody, or nobody knows */
    struct blob *leader_info; /* of it; NULL = none */
    int64_t heard_ns;         /* FOLLOWING: when it spoke last, or we began */
    struct prng prng;
    struct watchers watchers; /* who wait for a leader above the number that they know */
    uint64_t told_number;     /* of the last leader that they were told of */

    /* of this step */
    int64_t now_ns;
    struct college_effects *effects;
};

/* --- effects --- */

static struct college_effect *put(struct college *college, enum college_effect_type type)
{
    struct college_effect *effect = xalloc(sizeof(*effect));
    effect->type = type;
    list_push_back(&college->effects->list, &effect->link);
    return effect;
}

static void say(struct college *college, const struct upid *to,
                const struct college_message *message)
{
    struct college_effect *effect = put(college, COLLEGE_SEND);
    effect->to = *to;
    effect->bytes = college_message_encode(message);
}

static void say_all(struct college *college, const struct college_message *message)
{
    for (size_t i = 0; i < college->other_count; i++) {
        say(college, &college->others[i].pid, message);
    }
}

/* --- states --- */

static int64_t jitter_ns(struct college *college)
{
    return prng_duration_ns(&college->prng, college->lease_ns / 2);
}

static void move(struct college *college, enum college_state state)
{
    if (college->state == COLLEGE_CONTENDING && state != COLLEGE_LEADING) {
        put(college, COLLEGE_RESIGN);
    }
    college->state = (enum college_state)sm_move(&table, (int)college->state, (int)state);
}

static void answer(struct college *college, uint64_t handle, uint64_t stamp)
{
    struct college_effect *effect = put(college, COLLEGE_ANSWER);
    effect->handle = handle;
    effect->bytes =
        college_message_encode(&(struct college_message){.kind = COLLEGE_TELL,
                                                         .number = college->number,
                                                         .stamp = stamp,
                                                         .info = blob_slice(college->leader_info)});
}

static bool is_news(const struct college *college, uint64_t number)
{
    return college->leader_info != NULL && number < college->number;
}

static void answer_watcher(struct college *college, struct watcher *watcher)
{
    answer(college, watcher->handle, watcher->stamp);
    watchers_remove(&college->watchers, watcher);
}

/* To those for whom this leader is news. */
static void answer_watchers(struct college *college)
{
    struct watcher *watcher;
    if (college->leader_info == NULL || college->told_number == college->number) {
        return;
    }
    college->told_number = college->number;
    LIST_FOR_EACH (watcher, &college->watchers.list, link) {
        if (is_news(college, watcher->number)) {
            answer_watcher(college, watcher);
        }
    }
}

/* To those who have waited for long: they see that we live. */
static void answer_late(struct college *college)
{
    struct watcher *watcher;
    LIST_FOR_EACH (watcher, &college->watchers.list, link) {
        if (watcher->until_ns > college->now_ns) {
            break;
        }
        answer_watcher(college, watcher);
    }
}

static void set_leader(struct college *college, const struct upid *leader, struct blob *info)
{
    bool same = college->leader_info != NULL && info != NULL
                    ? slice_equal(blob_slice(college->leader_info), blob_slice(info))
                    : college->leader_info == info;
    blob_unref(college->leader_info);
    college->leader_info = info;
    college->leader = leader != NULL ? *leader : (struct upid){0};
    if (!same) {
        put(college, COLLEGE_LEADER)->bytes = blob_ref(info);
    }
    answer_watchers(college);
}

/* Who still waits for an answer sees the connection break. */
static void end(struct college *college)
{
    move(college, COLLEGE_OVER);
    college->deadline_ns = TIME_NEVER;
    watchers_deinit(&college->watchers);
}

static void lose(struct college *college, const char *why)
{
    ASSERT(college->state == COLLEGE_LEADING); /* nobody else has anything to lose */
    end(college);
    put(college, COLLEGE_LOST)->text = why;
}

/* Nobody elects while a leader may be there: neither we, nor with our help. */
static bool is_quiet(const struct college *college)
{
    return college->state == COLLEGE_LEADING ||
           (college->state == COLLEGE_FOLLOWING &&
            college->now_ns < time_add_ns(college->heard_ns, college->lease_ns));
}

static bool keeps_still(const struct college *college)
{
    return college->still != NULL && college->now_ns < college->still_until_ns;
}

static bool quorum_is_free(const struct college *college)
{
    size_t count = 1;
    for (size_t i = 0; i < college->other_count; i++) {
        const struct other *other = &college->others[i];
        count += other->is_free && college->now_ns - other->free_ns < college->lease_ns;
    }
    return count >= college->quorum;
}

static void contend_if_free(struct college *college)
{
    if (!quorum_is_free(college)) {
        return;
    }
    int64_t patience_ns = college->lease_ns << MIN(college->vain_count, COLLEGE_DOUBLINGS_MAX);
    move(college, COLLEGE_CONTENDING);
    college->contend_until_ns =
        time_add_ns(college->now_ns, time_add_ns(patience_ns, jitter_ns(college)));
    college->deadline_ns = time_add_ns(college->now_ns, college->lease_ns / COLLEGE_BEATS);
    put(college, COLLEGE_CONTEND);
}

static void say_ask(struct college *college)
{
    say_all(college, &(struct college_message){.kind = COLLEGE_ASK, .stamp = college->asked});
}

static void ask(struct college *college)
{
    move(college, COLLEGE_ASKING);
    set_leader(college, NULL, NULL);
    for (size_t i = 0; i < college->other_count; i++) {
        college->others[i].is_free = false;
    }
    college->asked = prng_next(&college->prng);
    college->deadline_ns =
        time_add_ns(college->now_ns, college->lease_ns / COLLEGE_BEATS + jitter_ns(college));
    say_ask(college);
    contend_if_free(college);
}

/* While it contends it goes on asking, so that the others go on keeping still. In vain, it lets
 * others try: its own log may be what is in the way. */
static void contend_on(struct college *college)
{
    if (college->now_ns < college->contend_until_ns && quorum_is_free(college)) {
        say_ask(college);
        college->deadline_ns = MIN(college->contend_until_ns,
                                   time_add_ns(college->now_ns, college->lease_ns / COLLEGE_BEATS));
        return;
    }
    college->vain_count++;
    move(college, COLLEGE_FOLLOWING);
    college->deadline_ns = time_add_ns(college->now_ns, 2 * college->lease_ns + jitter_ns(college));
}

/* For whom we kept still has not come to lead: whoever is next needs more time than that one. */
static void stop_keeping_still(struct college *college)
{
    college->vain_count += college->still != NULL;
    college->still = NULL;
}

static void ask_unless_still(struct college *college)
{
    if (keeps_still(college)) {
        college->deadline_ns = time_add_ns(college->still_until_ns, jitter_ns(college));
    } else {
        stop_keeping_still(college);
        ask(college);
    }
}

/* --- leading --- */

static void beat(struct college *college)
{
    college->deadline_ns = time_add_ns(college->now_ns, college->lease_ns / COLLEGE_BEATS);
    say_all(college, &(struct college_message){.kind = COLLEGE_LEAD,
                                               .number = college->number,
                                               .stamp = (uint64_t)college->now_ns,
                                               .info = blob_slice(college->info)});
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a < b) - (a > b); /* the latest first */
}

/* When a quorum, with us, last heard what we said. */
static int64_t quorum_heard_ns(const struct college *college)
{
    int64_t heard_ns[COLLEGE_MAX];
    size_t count = 0;
    heard_ns[count++] = college->now_ns;
    for (size_t i = 0; i < college->other_count; i++) {
        heard_ns[count++] = college->others[i].heard_ns;
    }
    qsort(heard_ns, count, sizeof(heard_ns[0]), compare_times);
    return heard_ns[college->quorum - 1];
}

static void lead_on(struct college *college)
{
    if (college->now_ns - quorum_heard_ns(college) >= college->lease_ns) {
        lose(college, "no majority of the masters has answered for the time of a lease");
    } else {
        beat(college);
    }
}

static void promised(struct college *college, uint64_t number)
{
    if (college->state != COLLEGE_CONTENDING) {
        put(college, COLLEGE_RESIGN); /* too late: it was given up, and may be gone by now */
        return;
    }
    if (number <= college->number) { /* a leader of a higher number was there meanwhile */
        ask(college);
        return;
    }
    move(college, COLLEGE_LEADING);
    college->number = number;
    college->vain_count = 0;
    for (size_t i = 0; i < college->other_count; i++) {
        college->others[i].heard_ns = college->now_ns;
    }
    set_leader(college, &college->self, blob_ref(college->info));
    put(college, COLLEGE_ELECTED);
    beat(college);
}

/* --- messages --- */

static bool is_before(const struct address *a, const struct address *b)
{
    int order = memcmp(a->ip, b->ip, sizeof(a->ip));
    return order != 0 ? order < 0 : a->port < b->port;
}

static struct other *find_other(struct college *college, const struct upid *from)
{
    for (size_t i = 0; i < college->other_count; i++) {
        if (upid_equal(&college->others[i].pid, from)) {
            return &college->others[i];
        }
    }
    return NULL;
}

static void heard_lead(struct college *college, const struct other *other,
                       const struct college_message *message)
{
    if (college->state == COLLEGE_LEADING && message->number > college->number) {
        lose(college, "another master has the log's promise");
        return;
    }
    if (message->number >= college->number && college->state != COLLEGE_LEADING) {
        move(college, COLLEGE_FOLLOWING);
        college->number = message->number;
        college->heard_ns = college->now_ns;
        college->vain_count = 0;
        college->still = NULL;
        college->deadline_ns = time_add_ns(college->now_ns, college->lease_ns + jitter_ns(college));
        set_leader(college, &other->pid, blob_from(message->info));
    }
    say(college, &other->pid,
        &(struct college_message){
            .kind = COLLEGE_FOLLOW, .number = college->number, .stamp = message->stamp});
}

static void heard_follow(struct college *college, struct other *other,
                         const struct college_message *message)
{
    if (college->state != COLLEGE_LEADING) {
        return;
    }
    if (message->number > college->number) {
        lose(college, "another master has the log's promise");
        return;
    }
    int64_t said_ns = (int64_t)MIN(message->stamp, (uint64_t)college->now_ns);
    if (message->number == college->number && said_ns > other->heard_ns) {
        other->heard_ns = said_ns;
    }
}

/* Who says FREE keeps still for a lease, so that one contends at a time: two would take the promise
 * away from each other, again and again where the log is slow. Of two that ask at once, the one
 * with the lower address goes first. */
static void heard_ask(struct college *college, const struct other *other,
                      const struct college_message *message)
{
    if (is_quiet(college) || college->state == COLLEGE_CONTENDING ||
        (keeps_still(college) && college->still != other)) {
        return;
    }
    if (college->state == COLLEGE_ASKING) {
        if (is_before(&college->self.address, &other->pid.address)) {
            return;
        }
        move(college, COLLEGE_FOLLOWING);
    }
    if (!keeps_still(college)) {
        stop_keeping_still(college);
    }
    college->still = other;
    college->still_until_ns = time_add_ns(college->now_ns, college->lease_ns);
    college->deadline_ns =
        MAX(college->deadline_ns, time_add_ns(college->still_until_ns, jitter_ns(college)));
    say(college, &other->pid,
        &(struct college_message){.kind = COLLEGE_FREE, .stamp = message->stamp});
}

static void heard_free(struct college *college, struct other *other,
                       const struct college_message *message)
{
    if (message->stamp != college->asked ||
        (college->state != COLLEGE_ASKING && college->state != COLLEGE_CONTENDING)) {
        return;
    }
    other->is_free = true;
    other->free_ns = college->now_ns;
    if (college->state == COLLEGE_ASKING) {
        contend_if_free(college);
    }
}

/* The leader ends in order: who is first need not wait for the lease. */
static void heard_leave(struct college *college, const struct other *other,
                        const struct college_message *message)
{
    if (college->state == COLLEGE_FOLLOWING && message->number == college->number &&
        upid_equal(&college->leader, &other->pid)) {
        college->heard_ns = college->now_ns - college->lease_ns;
        college->deadline_ns = time_add_ns(college->now_ns, jitter_ns(college) / COLLEGE_BEATS);
        set_leader(college, NULL, NULL);
    }
}

static void take_question(struct college *college, const struct college_event *event)
{
    struct college_message message;
    if (!college_message_decode(event->bytes, &message) ||
        (message.kind != COLLEGE_WHO && message.kind != COLLEGE_WATCH)) {
        put(college, COLLEGE_ANSWER)->handle = event->handle;
        return;
    }
    if (message.kind == COLLEGE_WATCH && !is_news(college, message.number) &&
        college->watchers.count < WATCHERS_MAX) {
        watchers_add(&college->watchers,
                     &(struct watcher){
                         .handle = event->handle,
                         .number = message.number,
                         .stamp = message.stamp,
                         .until_ns = time_add_ns(college->now_ns, COLLEGE_HOLD_NS),
                     });
        return;
    }
    answer(college, event->handle, message.stamp);
}

static void take_message(struct college *college, const struct college_event *event)
{
    struct college_message message;
    if (!college_message_decode(event->bytes, &message)) {
        return;
    }
    struct other *other = find_other(college, event->from);
    if (other == NULL) {
        return;
    }
    switch (message.kind) {
    case COLLEGE_LEAD:
        heard_lead(college, other, &message);
        return;
    case COLLEGE_FOLLOW:
        heard_follow(college, other, &message);
        return;
    case COLLEGE_ASK:
        heard_ask(college, other, &message);
        return;
    case COLLEGE_FREE:
        heard_free(college, other, &message);
        return;
    case COLLEGE_LEAVE:
        heard_leave(college, other, &message);
        return;
    case COLLEGE_WHO:
    case COLLEGE_TELL:
    case COLLEGE_WATCH: /* not among masters */
        return;
    }
    WRONG("a kind that is none");
}

/* --- steps --- */

static void tick(struct college *college)
{
    answer_late(college);
    if (college->now_ns < college->deadline_ns) {
        return;
    }
    switch (college->state) {
    case COLLEGE_FOLLOWING:
    case COLLEGE_ASKING:
        ask_unless_still(college);
        return;
    case COLLEGE_CONTENDING:
        contend_on(college);
        return;
    case COLLEGE_LEADING:
        lead_on(college);
        return;
    case COLLEGE_OVER:
        return;
    }
    WRONG("a state that is none");
}

static void leave(struct college *college)
{
    if (college->state == COLLEGE_LEADING) {
        say_all(college,
                &(struct college_message){.kind = COLLEGE_LEAVE, .number = college->number});
    }
    end(college);
}

static void take_event(struct college *college, const struct college_event *event)
{
    switch (event->type) {
    case COLLEGE_TICK:
        tick(college);
        return;
    case COLLEGE_MESSAGE:
        take_message(college, event);
        return;
    case COLLEGE_PROMISED:
        promised(college, event->number);
        return;
    case COLLEGE_BROKEN:
        if (college->state == COLLEGE_LEADING) {
            lose(college, "the log's promise is another's");
        }
        return;
    case COLLEGE_END:
        leave(college);
        return;
    case COLLEGE_QUESTION:
        take_question(college, event);
        return;
    case COLLEGE_GONE:
        watchers_forget(&college->watchers, event->handle);
        return;
    }
    WRONG("an event that is none");
}

void college_step(struct college *college, int64_t now_ns, const struct college_event *event,
                  struct college_effects *effects)
{
    college->now_ns = now_ns;
    college->effects = effects;
    /* Who was away looks at its clock first. */
    if (college->state == COLLEGE_LEADING) {
        tick(college);
    }
    if (college->state != COLLEGE_OVER) {
        take_event(college, event);
    }
    college->effects = NULL;
}

int64_t college_deadline(const struct college *college)
{
    return MIN(college->deadline_ns, watchers_deadline(&college->watchers));
}

bool college_holds(const struct college *college, uint64_t handle)
{
    return watchers_find(&college->watchers, handle) != NULL;
}

uint64_t college_number(const struct college *college)
{
    return college->state == COLLEGE_LEADING ? college->number : 0;
}

/* --- life --- */

static struct upid actor_at(const struct address *address)
{
    struct upid pid = {.id = COLLEGE_ACTOR};
    pid.address = *address;
    return pid;
}

struct college *college_new(const struct college_options *options, int64_t now_ns)
{
    ASSERT(options->other_count < COLLEGE_MAX && options->quorum >= 1 &&
           options->quorum <= options->other_count + 1 && options->lease_ns > 0);
    struct college *college = xalloc(sizeof(*college));
    college->self = actor_at(&options->self);
    for (size_t i = 0; i < options->other_count; i++) {
        college->others[college->other_count++].pid = actor_at(&options->others[i]);
    }
    college->quorum = options->quorum;
    college->info = blob_from(blob_slice(options->info));
    college->lease_ns = options->lease_ns;
    prng_seed(&college->prng, options->seed);
    watchers_init(&college->watchers, options->seed);
    /* Before it asks, a leader that is there had time to speak. */
    college->heard_ns = now_ns;
    college->deadline_ns = time_add_ns(now_ns, options->lease_ns + jitter_ns(college));
    return college;
}

struct college *college_free(struct college *college)
{
    if (college != NULL) {
        blob_unref(college->info);
        blob_unref(college->leader_info);
        watchers_deinit(&college->watchers);
        free(college);
    }
    return NULL;
}
