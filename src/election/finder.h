/*
 * Finds the leader of masters that elect without ZooKeeper, for those who are no masters: agents,
 * and the command line (docs/design/election.md, without ZooKeeper). A pure machine.
 *
 * It asks all masters who leads, and then has each of them tell when that changes (COLLEGE_WHO and
 * COLLEGE_WATCH of election/college_message.h). Of what it is told the highest number of the log's
 * promise counts; whoever leads by a lower one has been replaced.
 *
 * The first leader is believed once a majority has answered, since a majority knows of whoever was
 * elected; or after FINDER_PATIENCE_NS, when too few answer: a leader that the others have replaced
 * has noticed by then.
 */
#ifndef TEPUI_ELECTION_FINDER_H
#define TEPUI_ELECTION_FINDER_H

#include "common/blob.h"
#include "common/duration.h"
#include "common/err.h"
#include "common/list.h"
#include "common/log.h"
#include "wire/upid.h"

/* Addresses that are asked. */
#define FINDER_MASTERS_MAX 16
/* How long the first leader waits for a majority's answers. */
#define FINDER_PATIENCE_NS (5 * NS_PER_SEC)
/* For an answer to come, beyond the time that it may be held back. */
#define FINDER_ANSWER_NS (5 * NS_PER_SEC)
/* Before a master that did not answer is asked again, at first and at most; each up to half as
 * long again. The least is also that between two questions to one master, but for news. */
#define FINDER_RETRY_MIN_NS (1 * NS_PER_SEC)
#define FINDER_RETRY_MAX_NS (10 * NS_PER_SEC)
/* While a master does not answer, names are looked up again so often. */
#define FINDER_LOOK_NS (30 * NS_PER_SEC)

enum finder_event_type {
    FINDER_TICK,      /* to begin with, and when the deadline has come */
    FINDER_ADDRESSES, /* addresses, count: of all masters, as names are resolved now */
    FINDER_UNKNOWN,   /* text: there are none to be had */
    FINDER_ANSWER,    /* token, bytes: what the master answered */
    FINDER_FAILED,    /* token, text: it did not */
};

struct finder_event {
    enum finder_event_type type;
    const struct address *addresses; /* ADDRESSES; those beyond FINDER_MASTERS_MAX are not asked */
    size_t count;
    uint64_t token;
    struct slice bytes;
    const char *text;
};

enum finder_effect_type {
    FINDER_LOOK,   /* resolve the names; ADDRESSES or UNKNOWN ends it */
    FINDER_ASK,    /* bytes to that address; ANSWER or FAILED with the token ends it, in time */
    FINDER_DROP,   /* that address is no master any more: no answer of it is wanted */
    FINDER_LEADER, /* info: who leads now; NULL = nobody, or nobody knows */
    FINDER_LOG,    /* level, text */
};

struct finder_effect {
    struct list link;
    enum finder_effect_type type;
    struct address to;  /* ASK, DROP */
    uint64_t token;     /* ASK; another for each question */
    int64_t timeout_ns; /* ASK */
    struct blob *bytes; /* ASK: the question; LEADER: encoded MasterInfo */
    enum log_level level;
    struct err text;
};

/* In the order in which they are to be performed. */
struct finder_effects {
    struct list list;
};

void finder_effects_init(struct finder_effects *effects);
void finder_effects_deinit(struct finder_effects *effects);
/* Takes the first out, or NULL; the caller frees it. */
struct finder_effect *finder_effects_pop(struct finder_effects *effects);
struct finder_effect *finder_effect_free(struct finder_effect *effect);

struct finder;

struct finder *finder_new(uint64_t seed) WARN_UNUSED;
struct finder *finder_free(struct finder *finder);
void finder_step(struct finder *finder, int64_t now_ns, const struct finder_event *event,
                 struct finder_effects *effects);
/* When FINDER_TICK is wanted; TIME_NEVER = only events. */
int64_t finder_deadline(const struct finder *finder);

/* The highest number that anybody was said to lead by. */
uint64_t finder_number(const struct finder *finder);

#endif
