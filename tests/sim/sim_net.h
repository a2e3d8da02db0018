/*
 * The simulated network of libprocess messages: one connection per ordered pair of nodes, FIFO, at
 * most once. A connection that breaks loses what is under way; each side notices by itself, within
 * options.notice_max_ns (the side that had linked is told NET_EXITED). A partition holds messages
 * back, as TCP does, until it heals or somebody gives the connection up.
 */
#ifndef TEPUI_TESTS_SIM_SIM_NET_H
#define TEPUI_TESTS_SIM_SIM_NET_H

#include "sim/sim.h"

struct sim_network *sim_network_new(struct sim *sim);
struct sim_network *sim_network_free(struct sim_network *network);

/* SEND, LINK, UNLINK. */
void sim_network_perform(struct sim_network *network, struct sim_node *node,
                         const struct net_effect *effect);
/* All connections of a node that went down break. */
void sim_network_node_down(struct sim_network *network, struct sim_node *node);

/* The connection from a to b breaks; it is opened anew by the next message. */
void sim_network_break(struct sim_network *network, struct sim_node *a, struct sim_node *b);

/* From now on nothing gets from a to b (one way) until `until_ns`. Also used by sim_http. */
void sim_network_cut(struct sim_network *network, const struct sim_node *a,
                     const struct sim_node *b, int64_t until_ns);
void sim_network_heal(struct sim_network *network); /* all cuts */
/* When something sent now from a to b arrives at the earliest: now, or the end of a cut. */
int64_t sim_network_clear_ns(const struct sim_network *network, const struct sim_node *a,
                             const struct sim_node *b);

#endif
