/*
 * The replicated log: one replica of it, and one who may write and read it (docs/design/rlog.md).
 *
 * A pure core: rlog_step() takes one event with its time, and appends effects. Requests are known
 * by the caller's token, which comes back in the answer.
 */
#ifndef TEPUI_RLOG_RLOG_H
#define TEPUI_RLOG_RLOG_H

#include "common/duration.h"
#include "common/err.h"
#include "rlog/storage.h"
#include "wire/netio.h"

/* Bytes of one entry; what is more is refused with -EMSGSIZE. */
#define RLOG_ENTRY_SIZE_MAX (64u << 20)
/* Until a store that failed is restored again; then twice as long each time. */
#define RLOG_RESTORE_RETRY_NS NS_PER_SEC
#define RLOG_RESTORE_RETRY_MAX_NS (16 * NS_PER_SEC)

enum {
    RLOG_E_LOST = 1, /* the promise to write is not held: elect again. It is open whether what was
                        to be written is in the log. */
    RLOG_E_RANGE,    /* positions that cannot be read: err says why */
    RLOG_E_PENDING,  /* positions that our own replica does not know: catch up, or elect */
};

enum rlog_event_type {
    RLOG_START, /* once, first */
    RLOG_NET,   /* NET_MESSAGE and NET_EXITED; others are passed over */
    RLOG_STORED,
    RLOG_MEMBERS,  /* all replicas; ourselves may be left out */
    RLOG_TICK,     /* rlog_deadline() has come */
    RLOG_ELECT,    /* become the writer; tried until it succeeds. ANSWER_ELECTED */
    RLOG_RESIGN,   /* be the writer no more; open writes and elections fail with -ECANCELED */
    RLOG_APPEND,   /* bytes. ANSWER_WRITTEN */
    RLOG_TRUNCATE, /* forget positions below `position`. ANSWER_WRITTEN */
    RLOG_READ,     /* entries from `position` to `to`. ANSWER_ENTRIES, perhaps several */
    RLOG_BOUNDS,   /* first and last position of our own replica. ANSWER_BOUNDS */
    RLOG_CATCHUP,  /* learn what the others have, but for the last. ANSWER_CAUGHT_UP */
};

struct rlog_event {
    enum rlog_event_type type;
    const struct net_event *net;          /* NET */
    const struct rlog_store_done *stored; /* STORED */
    const struct upid *members;           /* MEMBERS */
    size_t member_count;
    uint64_t token;     /* requests */
    struct blob *bytes; /* APPEND: a reference is taken */
    uint64_t position;  /* TRUNCATE, READ */
    uint64_t to;        /* READ */
};

enum rlog_answer_type {
    RLOG_ANSWER_ELECTED,   /* position: the last that is decided */
    RLOG_ANSWER_WRITTEN,   /* position: of the entry, or of the truncation itself */
    RLOG_ANSWER_ENTRIES,   /* a piece of what was read; truncations and no-ops are left out */
    RLOG_ANSWER_BOUNDS,    /* begin, end */
    RLOG_ANSWER_CAUGHT_UP, /* position: up to which */
    RLOG_ANSWER_FAILED,    /* no token: the store cannot be used; the log is at its end */
};

struct rlog_entry {
    uint64_t position;
    struct blob *bytes; /* a reference */
};

struct rlog_answer {
    struct list link;
    enum rlog_answer_type type;
    uint64_t token;
    int status;                 /* 0, RLOG_E_*, or -errno */
    struct err err;             /* with a status: more about it, or "" */
    uint64_t position;          /* see above */
    uint64_t begin;             /* BOUNDS */
    uint64_t end;               /* BOUNDS */
    struct rlog_entry *entries; /* ENTRIES: heap */
    size_t entry_count;
    bool last; /* ENTRIES: no more pieces come */
};

enum rlog_note_level { RLOG_NOTE_INFO, RLOG_NOTE_WARNING };

/* A line for the daemon's log. */
struct rlog_note {
    struct list link;
    enum rlog_note_level level;
    char *text; /* heap */
};

struct rlog_effects {
    struct net_effects net;
    struct rlog_store_ops store;
    struct list answers; /* struct rlog_answer */
    struct list notes;   /* struct rlog_note */
};

void rlog_effects_init(struct rlog_effects *effects);
void rlog_effects_deinit(struct rlog_effects *effects);
struct rlog_answer *rlog_effects_pop_answer(struct rlog_effects *effects);
struct rlog_answer *rlog_answer_free(struct rlog_answer *answer);
struct rlog_note *rlog_effects_pop_note(struct rlog_effects *effects);
struct rlog_note *rlog_note_free(struct rlog_note *note);
/* For the parts: adds an answer, of which more may be set; adds a line. */
struct rlog_answer *rlog_answer(struct rlog_effects *effects, enum rlog_answer_type type,
                                uint64_t token, int status);
void rlog_note(struct rlog_effects *effects, enum rlog_note_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

struct rlog_options {
    size_t quorum;        /* at least 1; the log has at most 2 x quorum - 1 replicas */
    bool auto_initialize; /* a new log begins by itself once all replicas are there */
    struct address self;  /* by which the others know us */
    uint64_t seed;        /* random */
};

struct rlog;

struct rlog *rlog_new(const struct rlog_options *options) WARN_UNUSED;
struct rlog *rlog_free(struct rlog *rlog);
void rlog_step(struct rlog *rlog, int64_t now_ns, const struct rlog_event *event,
               struct rlog_effects *effects);
int64_t rlog_deadline(const struct rlog *rlog);

/* Whether "log-replica(1)" or "__req_res__(n)" is ours, and is there. */
bool rlog_has_actor(const struct rlog *rlog, struct slice id);
/* Our own replica votes (metric log/recovered), and how many replicas there are
 * (log/ensemble_size). */
bool rlog_is_recovered(const struct rlog *rlog);
size_t rlog_member_count(const struct rlog *rlog);
/* The number of the promise by which we write; 0 while we are not elected. */
uint64_t rlog_promise(const struct rlog *rlog);
enum rlog_status rlog_status(const struct rlog *rlog); /* EMPTY before the store was read */

#endif
