/*
 * The libevent host of a core: performs its network effects and brings it its network events.
 *
 * One port serves everything (design decision 5): libprocess messages, HTTP requests and streams. A
 * request whose headers name a sender is a message, answered 202, or 404 if its actor is not here.
 * Other requests are routed by wire/route.h and become NET_REQUEST. Events are told one after
 * another from the loop, never from within net_host_perform: a shell steps its core for each and
 * performs what comes out.
 *
 * `principal` of a request is left NULL: who is asking is for the shell to find out.
 */
#ifndef TEPUI_NET_HOST_H
#define TEPUI_NET_HOST_H

#include "net/client.h"
#include "net/loop.h"
#include "net/peers.h"
#include "net/server.h"
#include "net/workers.h"
#include "wire/netio.h"

/* For the whole of a NET_CALL, and the most that its answer may hold. */
#define NET_HOST_CALL_TIMEOUT_NS (60 * NS_PER_SEC)
#define NET_HOST_CALL_SIZE_MAX (64u << 20)
/* NET_CALLs under way; beyond, they wait their turn. */
#define NET_HOST_CALLS_MAX 256

struct net_host_callbacks {
    void (*on_event)(void *arg, const struct net_event *event);
    /* Whether an actor or a root ("files") of that id is in this process. */
    bool (*has_actor)(void *arg, struct slice id);
    /* Whether the body of this request is to come as NET_BODY events; path as in net_request. May
     * be NULL: none is. */
    bool (*streams)(void *arg, const struct http_head *head, struct slice path);
};

struct net_host_options {
    struct loop *loop;
    struct workers *workers;
    const struct net_host_callbacks *callbacks;
    void *arg;               /* for the callbacks */
    const char *delegate;    /* "master" or "slave(1)"; NULL = none. Copied. */
    bool require_peer_match; /* LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH: else 400 */
    const struct server_limits *server_limits; /* NULL = the defaults */
    const struct peers_limits *peers_limits;   /* NULL = the defaults */
    uint64_t seed; /* random; of hash tables keyed by what peers choose */
};

struct net_host;

struct net_host *net_host_new(const struct net_host_options *options) WARN_UNUSED;
/* Closes everything; the core hears nothing of it. */
struct net_host *net_host_free(struct net_host *host);

/* 0 with the address really bound, or -errno. May be called for several addresses. */
int net_host_listen(struct net_host *host, const struct address *address, struct address *ret_bound,
                    struct err *err) WARN_UNUSED;
/* The address by which others know our actors (bound or advertised): the sender of our messages.
 * Messages to it and to the bound addresses are brought without a connection. */
void net_host_set_self(struct net_host *host, const struct address *self);

/* Performs all effects in order, and empties the list. */
void net_host_perform(struct net_host *host, struct net_effects *effects);
/* Stops reading a streaming request's body, and goes on. */
void net_host_pause_body(struct net_host *host, uint64_t handle, bool paused);

/* Stops listening, and calls fn once what was written has been taken by those it was for, or after
 * timeout_ns: the graceful end. */
void net_host_drain(struct net_host *host, int64_t timeout_ns, loop_fn *fn, void *arg);

struct server *net_host_server(struct net_host *host);
struct peers *net_host_peers(struct net_host *host);

#endif
