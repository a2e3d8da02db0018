/*
 * Simulated HTTP: requests of one node to another arrive in order, answers and streams are FIFO
 * each. Otherwise each request has a connection of its own. When it breaks, the server is told
 * NET_GONE and the client SIM_HTTP_CLOSED, each when it notices, within options.notice_max_ns.
 */
#ifndef TEPUI_TESTS_SIM_SIM_HTTP_H
#define TEPUI_TESTS_SIM_SIM_HTTP_H

#include "sim/sim.h"

struct sim_http *sim_http_new(struct sim *sim);
struct sim_http *sim_http_free(struct sim_http *http);

struct sim_http_request {
    struct address address;
    const char *method;
    const char *path;         /* routed, as the host would: "/master/api/v1/scheduler" */
    const char *content_type; /* may be NULL */
    const char *accept;       /* may be NULL */
    const char *stream_id;    /* Mesos-Stream-Id, may be NULL */
    struct slice body;
};

/* Returns the call's number; the program's on_http is told of what comes. */
uint64_t sim_http_request(struct sim_node *node, const struct sim_http_request *request);
/* The client closes the connection of a call. Nothing more comes from it. */
void sim_http_close(struct sim_node *node, uint64_t call);

/* RESPOND, RENDER, STREAM_*, HANGUP of a server; CALL is told by NET_REPLY. */
void sim_http_perform(struct sim_http *http, struct sim_node *node,
                      const struct net_effect *effect);
void sim_http_node_down(struct sim_http *http, struct sim_node *node);
/* All connections from client to server break. */
void sim_http_break(struct sim_http *http, struct sim_node *client, struct sim_node *server);

#endif
