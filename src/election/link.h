/*
 * The link to ZooKeeper: one session after another, each authenticated, with the path made.
 * Internal to src/election.
 *
 * The parts ask what they want through it, one thing at a time each, and only while link_may_ask().
 */
#ifndef TEPUI_ELECTION_LINK_H
#define TEPUI_ELECTION_LINK_H

#include "common/duration.h"
#include "common/err.h"
#include "common/prng.h"
#include "election/zk.h"
#include "election/zk_url.h"

/* Between two sessions, at least; up to twice as long. */
#define LINK_OPEN_INTERVAL_NS (1 * NS_PER_SEC)
/* Before what failed is asked again: at first, and at most; each up to half as long again. */
#define LINK_RETRY_MIN_NS (1 * NS_PER_SEC)
#define LINK_RETRY_MAX_NS (60 * NS_PER_SEC)

enum link_state {
    LINK_WAITING,        /* no session: the next one is opened at open_ns */
    LINK_CONNECTING,     /* opened, and not connected before */
    LINK_AUTHENTICATING, /* the credentials are being sent */
    LINK_PREPARING,      /* the path is being looked for and made */
    LINK_READY,
    LINK_ENDED, /* for good */
};

/* What a step did that the parts have to know of. */
enum link_news {
    LINK_QUIET,
    LINK_BROKEN, /* connection lost: what was asked will not be answered */
    LINK_LOST,   /* the session is over, and all that it held with it */
    LINK_FAILED, /* it will never work: link->why */
};

struct link {
    /* fixed */
    char *hosts;
    char *credentials; /* NULL = none */
    char *path;        /* the longest that is needed */
    int64_t session_timeout_ns;

    /* of this session */
    enum link_state state;
    uint64_t session;   /* its number; 0 before the first */
    bool connected;     /* now */
    int64_t timeout_ns; /* negotiated; while there is none, session_timeout_ns */
    int64_t give_up_ns; /* when it is over without a connection; TIME_NEVER while connected */
    bool leaves;        /* is to be closed as soon as it is connected */
    uint64_t op;        /* being waited for; 0 = none */
    size_t prefix_size; /* PREPARING: how much of the path is being looked at */
    bool makes;         /* PREPARING: from here on parts are made, else looked for */

    /* over all sessions */
    uint64_t last_op;
    int64_t open_ns;       /* WAITING: when the next one is opened */
    int64_t next_open_ns;  /* not before */
    int64_t retry_ns;      /* nothing is asked before; TIME_NEVER = go on */
    int64_t retry_wait_ns; /* the next pause */
    struct prng prng;
    struct err why; /* of LINK_LOST and LINK_FAILED */
};

struct link_options {
    const struct zk_url *url;
    const char *path; /* that has to be there: url->path, or below */
    int64_t session_timeout_ns;
    uint64_t seed;
};

void link_init(struct link *link, const struct link_options *options);
void link_deinit(struct link *link);

/* Whether an event may do anything: not if it is of another session, nor after the end. */
bool link_hears(const struct link *link, const struct zk_event *event);
/* Only what it hears. */
enum link_news link_step(struct link *link, int64_t now_ns, const struct zk_event *event,
                         struct zk_effects *effects) WARN_UNUSED;
/* Opens and leaves sessions, and asks what the link itself wants to know; at the end of a step, in
 * front of the parts. LINK_LOST if the session was left. */
enum link_news link_advance(struct link *link, int64_t now_ns,
                            struct zk_effects *effects) WARN_UNUSED;
int64_t link_deadline(const struct link *link);

bool link_may_ask(const struct link *link);
/* An operation of one of the parts: its effect, with a number of its own. Text: heap. */
struct zk_effect *link_ask(struct link *link, enum zk_effect_type type, char *text,
                           struct zk_effects *effects);
/* An answer came: the next failure's pause is the shortest again. */
void link_went_well(struct link *link);
/* Nothing is asked for a while. */
void link_pause(struct link *link, int64_t now_ns);
/* The path has vanished: make it again. */
void link_prepare(struct link *link, int64_t now_ns);
/* Nobody knows what the session holds: close it as soon as it is connected, and begin anew. */
void link_leave(struct link *link);
/* The last word: closes the session. */
void link_end(struct link *link, struct zk_effects *effects);

#endif
