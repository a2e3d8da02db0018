/*
 * What a process does in ZooKeeper: it detects the leader, and may contend for leadership and join
 * the group of the log's replicas. One session, one pure machine; docs/design/election.md has the
 * story.
 *
 *     election_new -> election_step(ZK_TICK) -> ... -> outputs
 *
 * ELECTION_LOST and ELECTION_FAILED are the last outputs: the session is closed by then, and
 * further events do nothing.
 */
#ifndef TEPUI_ELECTION_ELECTION_H
#define TEPUI_ELECTION_ELECTION_H

#include "common/duration.h"
#include "common/log.h"
#include "election/zk.h"
#include "election/zk_url.h"
#include "wire/upid.h"

enum election_output_type {
    ELECTION_LEADER,  /* info: who leads now; NULL = nobody, or nobody knows */
    ELECTION_ELECTED, /* this process leads; ELECTION_LEADER with its own info comes in front */
    ELECTION_LOST,    /* it led, and does no longer; text */
    ELECTION_FAILED,  /* ZooKeeper refuses what is needed; text */
    ELECTION_MEMBERS, /* members: the log's replicas, with our own */
    ELECTION_LOG,     /* text, level */
};

struct election_output {
    struct list link;
    enum election_output_type type;
    struct blob *info; /* encoded MasterInfo */
    char *text;        /* heap */
    enum log_level level;
    struct upid *members; /* heap */
    size_t member_count;
};

/* The session's effects first, then the outputs in order. */
struct election_effects {
    struct zk_effects zk;
    struct list outputs; /* of struct election_output */
};

void election_effects_init(struct election_effects *effects);
void election_effects_deinit(struct election_effects *effects);
/* Takes the first output out, or NULL; the caller frees it. */
struct election_output *election_output_pop(struct election_effects *effects);
struct election_output *election_output_free(struct election_output *output);

struct election_options {
    const struct zk_url *url; /* copied */
    int64_t session_timeout_ns;
    uint64_t seed;
    const struct blob *info; /* encoded MasterInfo, to contend with; NULL = only detect */
    const char *replica;     /* UPID of the log's replica, to join with; NULL = none */
};

struct election;

struct election *election_new(const struct election_options *options) WARN_UNUSED;
struct election *election_free(struct election *election);

void election_step(struct election *election, struct now now, const struct zk_event *event,
                   struct election_effects *effects);
/* When ZK_TICK is wanted, monotonic; TIME_NEVER = only events. */
int64_t election_deadline(const struct election *election);

/* For tests: the session's number, and whether the machine sits still. */
uint64_t election_session(const struct election *election);
bool election_is_over(const struct election *election);

#endif
