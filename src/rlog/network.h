/*
 * The replicas of a log, ourselves among them: links to them, who is asked what, and the messages
 * that we send ourselves.
 */
#ifndef TEPUI_RLOG_NETWORK_H
#define TEPUI_RLOG_NETWORK_H

#include "rlog/round.h"

/* Replicas of one log; more are left out. */
#define RLOG_MEMBERS_MAX 64
/* Until a broken link is made anew: this to twice this. */
#define RLOG_RELINK_NS (NS_PER_SEC / 2)
/* A member that goes on not answering gets a new connection, at most so often: the old one may be
 * dead without anybody having been told (MESOS-5576). */
#define RLOG_RECONNECT_NS (10 * NS_PER_SEC)

#define RLOG_REPLICA_ID "log-replica(1)"
#define RLOG_NETWORK_ID "log-network(1)"
#define RLOG_REQUEST_ID "__req_res__(%llu)"

struct rlog_member {
    struct upid upid;
    bool local;
    bool is_linked;
    int64_t linked_ns; /* when that was asked for last */
};

/* A request to our own replica. */
struct rlog_local {
    struct list link;
    uint64_t number; /* of the ask */
    struct rlog_message message;
};

struct rlog_network {
    struct rlog_member members[RLOG_MEMBERS_MAX]; /* by UPID; ourselves too */
    size_t member_count;
    struct list rounds; /* that are running */
    struct map asks;    /* by number */
    uint64_t next_number;
    struct list locals; /* struct rlog_local: requests that were not handed over yet */
    struct timer relink;
};

void rlog_network_init(struct rlog_network *network, const struct upid *self, uint64_t seed);
void rlog_network_deinit(struct rlog_network *network);

/* All others, in any order; ourselves may be among them. Returns how many were left out. */
size_t rlog_network_set_members(struct rlog_network *network, const struct rlog_parts *parts,
                                const struct upid *members, size_t count);
void rlog_network_exited(struct rlog_network *network, const struct rlog_parts *parts,
                         const struct address *address);
/* The timer has come: makes links that are not there. */
void rlog_network_tick(struct rlog_network *network, const struct rlog_parts *parts);

/* A member has not answered for long. */
void rlog_network_reconnect(struct rlog_network *network, const struct rlog_parts *parts,
                            const struct upid *upid);

/* Tells all other replicas, or (round not NULL) only those that lack it by their answer there. */
void rlog_network_tell(const struct rlog_network *network, const struct rlog_parts *parts,
                       const struct rlog_action *action, const struct rlog_round *round);
/* The ask with that number, or NULL. */
struct rlog_ask *rlog_network_find_ask(const struct rlog_network *network, uint64_t number);
/* Whether the actor "__req_res__(n)" is ours; which. */
bool rlog_network_parse_id(struct slice id, uint64_t *ret_number);
/* The next request to our own replica, or NULL; the caller frees it. */
struct rlog_local *rlog_network_pop_local(struct rlog_network *network);
struct rlog_local *rlog_local_free(struct rlog_local *local);

#endif
