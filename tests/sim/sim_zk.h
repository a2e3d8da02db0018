/*
 * A ZooKeeper ensemble, and what libzookeeper does in a process: sessions, ephemeral nodes in
 * sequence, watches. Each server is a node of the simulation, so that it may crash, freeze and be
 * cut off as others; agreement among them is not played through: a transaction happens at once,
 * where a majority of servers can be reached.
 *
 * A server shows the tree as it was some time ago (options.lag_max_ns), never older than what the
 * session has seen. A session is ended by the ensemble when nothing of its client has come for its
 * timeout, or when a fault wants it; the client learns of it with its next connection. When a
 * connection breaks, what was asked by it may have been done, may be done still, or not.
 */
#ifndef TEPUI_TESTS_SIM_SIM_ZK_H
#define TEPUI_TESTS_SIM_SIM_ZK_H

#include "election/zk.h"
#include "sim/sim.h"

#define SIM_ZK_SERVERS_MAX 5
#define SIM_ZK_CLIENTS_MAX 16 /* of all nodes */

struct sim_zk_options {
    int servers;
    int64_t lag_max_ns;
    bool counts_down; /* the planted fault: sequences give ever lower numbers */
};

struct sim_zk;

/* Adds servers to the world, and starts them. Clients are nodes with an index below
 * SIM_ZK_CLIENTS_MAX. */
struct sim_zk *sim_zk_new(struct sim *sim, const struct sim_zk_options *options) WARN_UNUSED;
struct sim_zk *sim_zk_free(struct sim_zk *zk); /* in front of the simulation */

/* Events come in steps of the node's own, never from within sim_zk_perform. */
typedef void sim_zk_tell_fn(struct sim_node *node, const struct zk_event *event);

/* Performs effects of a process's only election, in order; they are emptied. */
void sim_zk_perform(struct sim_zk *zk, struct sim_node *node, struct zk_effects *effects,
                    sim_zk_tell_fn *tell);
/* The process ends in order, and closes its session if it is connected. */
void sim_zk_leave(struct sim_zk *zk, struct sim_node *node);
/* The fault: the ensemble ends the node's session now, if it can. */
void sim_zk_expire(struct sim_zk *zk, struct sim_node *node);
/* The fault: the connection breaks while the node's next ephemeral node is being made. */
void sim_zk_break_at_create(struct sim_zk *zk, struct sim_node *node);

/* What the ensemble has by now: the path of the node that begins so and was made by the session
 * that the process has, NULL if there is none; how many that begin so come before one. */
const char *sim_zk_own(const struct sim_zk *zk, const struct sim_node *node, const char *prefix);
int sim_zk_lower_count(const struct sim_zk *zk, const char *prefix, const char *than);

/* For tests. */
struct sim_zk_counts {
    int sessions; /* opened */
    int expired;
    int broken;   /* connections */
    int doubtful; /* creates whose answer nobody got */
    int stale;    /* reads of a tree that was not the newest */
};
struct sim_zk_counts sim_zk_counts(const struct sim_zk *zk);

#endif
