/* Of sim_zk.c (the ensemble) and sim_zk_client.c (what a process has of it). */
#ifndef TEPUI_TESTS_SIM_SIM_ZK_INTERNAL_H
#define TEPUI_TESTS_SIM_SIM_ZK_INTERNAL_H

#include "sim/sim_zk.h"
#include "sim/sim_zk_tree.h"

/* What was asked by one client, and is not answered. */
#define SIM_ZK_OPS_MAX 16

struct zk_watch {
    struct list link;
    char *path;
    bool of_children;
    uint64_t since;     /* the transaction that its client has seen */
    uint32_t told_over; /* the connection over which it was told; 0 = it was not */
};

/* On the servers; lives as long as the world. */
struct zk_session {
    struct list link;
    uint64_t id;
    int64_t timeout_ns;
    bool is_made;
    bool is_over;
    int64_t touched_ns;
    uint32_t connection; /* the newest that a server has taken */
    uint32_t refused;    /* nothing of this one is taken any more */
    int server;          /* of the connection */
    int64_t commit_ns;   /* its newest transaction: nothing behind it is looked at before */
    /* its client's part */
    uint64_t number; /* the machine's */
    uint64_t seen;   /* the newest transaction that the client knows of */
    struct list watches;
};

/* libzookeeper in one process. */
struct zk_client {
    struct sim_zk *zk;
    struct sim_node *node;
    uint32_t incarnation;
    sim_zk_tell_fn *tell;
    struct zk_session *session; /* NULL = none */
    uint32_t connection;        /* or the attempt at one */
    bool is_connected;
    bool breaks_at_create;
    int server;
    int64_t begun_ns; /* by its own clock: the attempt */
    int64_t asked_ns; /* ... the last ping */
    int64_t heard_ns; /* ... the last answer */
    int64_t out_ns;   /* arrival of the newest packet, for FIFO */
    int64_t in_ns;
    struct {
        uint64_t number;
        bool creates; /* an ephemeral node */
    } ops[SIM_ZK_OPS_MAX];
    size_t op_count;
};

struct zk_server {
    struct sim_zk *zk;
    struct sim_node *node;
    char name[16];
    uint64_t zxid; /* what it shows */
    bool is_catching_up;
};

struct sim_zk {
    struct sim *sim;
    struct sim_zk_options options;
    struct sim_zk_tree tree;
    struct zk_server servers[SIM_ZK_SERVERS_MAX];
    struct zk_client clients[SIM_ZK_CLIENTS_MAX]; /* by the node's index */
    struct list sessions;
    uint64_t next_session;
    uint32_t next_connection;
    struct sim_zk_counts counts;
};

enum zk_packet_type {
    /* to a server */
    PACKET_CONNECT,
    PACKET_PING,
    PACKET_OP,
    PACKET_CLOSE,
    /* to a client */
    PACKET_CONNECTED,
    PACKET_EXPIRED,
    PACKET_PONG,
    PACKET_DONE,
    PACKET_WATCH,
    PACKET_BROKEN,
};

struct zk_packet {
    enum zk_packet_type type;
    struct zk_client *client;
    struct zk_session *session;
    uint32_t connection;
    struct zk_server *server;
    struct zk_effect *op; /* OP; NULL for a new session */
    uint64_t zxid;        /* to a client: what the server showed */
    uint64_t number;      /* DONE: the operation's */
    enum zk_error error;
    char *path; /* DONE of a CREATE, WATCH */
    struct blob *data;
    char **children; /* DONE of a GET_CHILDREN */
    size_t child_count;
};

struct zk_packet *zk_packet_new(const struct zk_client *client, struct zk_server *server,
                                enum zk_packet_type type);
void zk_packet_free(void *packet);
int64_t zk_latency_ns(struct sim *sim);

/* A packet arrives; not taken over. */
void zk_server_take(struct zk_packet *packet);
void zk_client_take(struct zk_packet *packet);
/* Sends it; taken over. */
void zk_send_to_client(struct zk_packet *packet);

/* Another one to where this one came from. */
struct zk_packet *zk_answer_to(const struct zk_packet *packet, enum zk_packet_type type);

/* Whether a server can reach one that leads; whether there can be one. */
bool zk_server_serves(const struct zk_server *server);
bool zk_works(const struct sim_zk *zk);
/* After a transaction: the others catch up with it. */
void zk_committed(struct sim_zk *zk);

/* Tells a session, or all that are connected to it, what the server shows by now. */
void zk_fire(struct sim_zk *zk, struct zk_session *session, struct zk_client *client);
void zk_fire_all(struct zk_server *server);

/* Ends it if nothing comes from its client for too long; now. */
void zk_session_watch(struct sim_zk *zk, struct zk_session *session);
void zk_session_end(struct sim_zk *zk, struct zk_session *session);
void zk_session_add_watch(struct zk_session *session, const char *path, bool of_children,
                          uint64_t since);
/* The client was told. */
void zk_session_drop_watch(struct zk_session *session, const char *path, uint32_t told_over);

#endif
