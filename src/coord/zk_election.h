/*
 * An election in ZooKeeper for a process with a loop: machine, session and timer in one. For
 * masters (which contend), agents and tools (which detect).
 *
 * Callbacks come on the loop, never from within zk_election_new, and must not free the election.
 */
#ifndef TEPUI_COORD_ZK_ELECTION_H
#define TEPUI_COORD_ZK_ELECTION_H

#include "common/blob.h"
#include "common/err.h"
#include "election/leader_info.h"
#include "net/loop.h"

struct zk_election_callbacks {
    /* Who leads now; NULL = nobody, or nobody knows. */
    void (*on_leader)(void *arg, const struct leader *leader);
    /* We lead; may be NULL where `info` is. */
    void (*on_elected)(void *arg);
    /* The log's replicas, ours among them; may be NULL where `replica` is. */
    void (*on_members)(void *arg, const struct upid *members, size_t count);
    /* The last word: leadership is lost (`led`), or ZooKeeper refuses what is needed. The session
     * is closed; the process has to end. */
    void (*on_over)(void *arg, bool led, const char *why);
};

struct zk_election_options {
    struct loop *loop;
    struct slice url; /* zk://... */
    int64_t session_timeout_ns;
    uint64_t seed;
    const struct blob *info;    /* encoded MasterInfo, to contend with; NULL = only detect */
    const struct upid *replica; /* of the log, to join with; NULL = none */
    const struct zk_election_callbacks *callbacks;
    void *arg; /* for the callbacks */
};

struct zk_election;

/* 0, or -EINVAL for a URL that is none. */
int zk_election_new(const struct zk_election_options *options, struct zk_election **ret_election,
                    struct err *err) WARN_UNUSED;
/* Closes the session, so that another may lead at once; takes a few seconds at most. */
struct zk_election *zk_election_free(struct zk_election *election);

/* Tells the leader again, later, though it is the same. */
void zk_election_tell_again(struct zk_election *election);

#endif
