/*
 * Masters elect their leader without ZooKeeper, through the replicated log itself: who holds the
 * log's promise from a quorum leads (docs/design/election.md, without ZooKeeper). A pure machine.
 *
 * Everything that must be safe rests on the number of the promise. Time decides only how soon a
 * silent leader is replaced, and how soon one that is cut off notices.
 *
 * Those who want to know who leads (agents, the command line: election/finder.h) ask any of the
 * masters, and may have the answer held back until there is news.
 *
 * COLLEGE_LOST is the last effect; further events do nothing.
 */
#ifndef TEPUI_ELECTION_COLLEGE_H
#define TEPUI_ELECTION_COLLEGE_H

#include "common/duration.h"
#include "common/list.h"
#include "common/prng.h"
#include "election/college_message.h"
#include "wire/upid.h"

/* With ourselves. */
#define COLLEGE_MAX 9
/* A leader speaks so many times in a lease; so does who contends. */
#define COLLEGE_BEATS 5
/* An answer is held back for so long, without news. */
#define COLLEGE_HOLD_NS (20 * NS_PER_SEC)
/* After somebody contended in vain the next one does so for twice as long, so often at most. */
#define COLLEGE_DOUBLINGS_MAX 3

enum college_event_type {
    COLLEGE_TICK,     /* the deadline has come */
    COLLEGE_MESSAGE,  /* from, bytes */
    COLLEGE_PROMISED, /* number: the log's promise is ours */
    COLLEGE_BROKEN,   /* a write was refused: the promise is another's */
    COLLEGE_END,      /* this process ends: another may lead at once */
    COLLEGE_QUESTION, /* handle, bytes: somebody asks who leads */
    COLLEGE_GONE,     /* handle: and does not wait any more */
};

struct college_event {
    enum college_event_type type;
    const struct upid *from; /* MESSAGE */
    struct slice bytes;      /* MESSAGE, QUESTION */
    uint64_t number;         /* PROMISED */
    uint64_t handle;         /* QUESTION, GONE; another for each question */
};

enum college_effect_type {
    COLLEGE_SEND,    /* bytes, to that actor */
    COLLEGE_CONTEND, /* RLOG_ELECT */
    COLLEGE_RESIGN,  /* RLOG_RESIGN: we no longer want the promise, or may have it by now */
    COLLEGE_LEADER,  /* info: who leads now; NULL = nobody, or nobody knows */
    COLLEGE_ELECTED, /* we lead; COLLEGE_LEADER with our info comes in front */
    COLLEGE_LOST,    /* we led, and do no longer; text */
    COLLEGE_ANSWER,  /* to the question of that handle: bytes; NULL = it was none */
};

struct college_effect {
    struct list link;
    enum college_effect_type type;
    struct upid to;
    uint64_t handle;    /* ANSWER */
    struct blob *bytes; /* SEND, ANSWER: the message; LEADER: encoded MasterInfo */
    const char *text;   /* static */
};

/* In the order in which they are to be performed. */
struct college_effects {
    struct list list;
};

void college_effects_init(struct college_effects *effects);
void college_effects_deinit(struct college_effects *effects);
struct college_effect *college_effects_pop(struct college_effects *effects);
struct college_effect *college_effect_free(struct college_effect *effect);

struct college_options {
    struct address self;
    const struct address *others; /* all other masters, at most COLLEGE_MAX - 1; copied */
    size_t other_count;
    size_t quorum;           /* the log's */
    const struct blob *info; /* our encoded MasterInfo */
    int64_t lease_ns;        /* the same for all, as a rule */
    uint64_t seed;
};

struct college;

struct college *college_new(const struct college_options *options, int64_t now_ns) WARN_UNUSED;
struct college *college_free(struct college *college);
void college_step(struct college *college, int64_t now_ns, const struct college_event *event,
                  struct college_effects *effects);
/* When COLLEGE_TICK is wanted; TIME_NEVER = only events. */
int64_t college_deadline(const struct college *college);

/* By which we lead; 0 = we do not. */
uint64_t college_number(const struct college *college);
/* Whether the question of that handle waits for its answer. */
bool college_holds(const struct college *college, uint64_t handle);

#endif
