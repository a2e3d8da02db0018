/*
 * An HTTP server on one or more sockets: connections in, requests out by handle, answers by effect.
 *
 * It knows HTTP and nothing of paths or of actors. A request is told of when its body is whole, or
 * at its head if the body is to be streamed; it is answered with the effects of wire/netio.h, at
 * any time, and answers of one connection go out in the order of its requests. Handlers are called
 * from the loop, never from within server_perform.
 *
 * What a client drives is bounded: see struct server_limits. An idle connection holds neither
 * parser nor buffers.
 */
#ifndef TEPUI_NET_SERVER_H
#define TEPUI_NET_SERVER_H

#include "common/err.h"
#include "net/loop.h"
#include "net/workers.h"
#include "wire/netio.h"

/* Defaults of the limits. */
#define SERVER_CONNECTIONS_MAX 60000
#define SERVER_HEAD_TIMEOUT_NS (60 * NS_PER_SEC)
#define SERVER_BODY_TIMEOUT_NS (60 * NS_PER_SEC)
#define SERVER_PIPELINE_MAX 100
#define SERVER_OUTPUT_PAUSE_SIZE (256u << 10)
#define SERVER_STREAM_SIZE_SOFT (4u << 20)
#define SERVER_STREAM_SIZE_MAX (64u << 20)
#define SERVER_STREAM_STALL_NS (30 * NS_PER_SEC)
#define SERVER_ANSWER_STALL_NS (5 * NS_PER_MIN)
#define SERVER_LENT_NS (10 * NS_PER_SEC)
#define SERVER_LENT_STALL_NS (1 * NS_PER_SEC)
#define SERVER_LINGER_NS (2 * NS_PER_SEC)

struct server_limits {
    size_t connections_max;   /* beyond: the longest idle one is closed, or else the new one */
    int64_t head_timeout_ns;  /* from a head's first byte to its last */
    int64_t body_timeout_ns;  /* without a byte of a body that is collected */
    size_t body_size_max;     /* of a collected body, unzipped too; beyond: 413 and the end */
    size_t pipeline_max;      /* unanswered requests of a connection; beyond, it is not read */
    size_t output_pause_size; /* unsent bytes beyond which no further request is read */
    size_t stream_size_soft;  /* unsent bytes beyond which a stream that stalls is cut off */
    size_t stream_size_max;   /* unsent bytes beyond which it is cut off at once */
    int64_t stream_stall_ns;  /* how long none of them was taken */
    int64_t answer_stall_ns;  /* the same for an answer that is no stream, of any size */
    int64_t lent_ns;          /* how long a lent body may be kept when others wait for memory */
    int64_t lent_stall_ns;    /* the same, if nothing of it is taken */
    int64_t linger_ns;        /* how long a client that still sends may read our last answer */
};

extern const struct server_limits server_limits_default;

enum server_intake {
    SERVER_COLLECT, /* tell of the request when its body is whole */
    SERVER_STREAM,  /* if it has a body, tell of the request now, and of the body piece by piece */
};

struct server_request {
    uint64_t handle;
    const struct http_head *head; /* for this call */
    struct slice body;            /* unzipped; for this call */
    struct address peer;
    bool streaming;
};

struct server_handlers {
    enum server_intake (*on_head)(void *arg, const struct http_head *head);
    void (*on_request)(void *arg, const struct server_request *request);
    void (*on_body)(void *arg, uint64_t handle, struct slice piece, bool ended);
    /* The client has gone, or was cut off, before the answer was complete. */
    void (*on_gone)(void *arg, uint64_t handle);
    /* What a stream's client had been sent before NET_STREAM_MARK is taken, but for what one write
     * holds. */
    void (*on_taken)(void *arg, uint64_t handle);
};

struct server;

struct server_options {
    struct loop *loop;
    struct workers *workers; /* render, and zip what is large */
    const struct server_handlers *handlers;
    void *arg;                          /* for the handlers */
    const struct server_limits *limits; /* NULL = the defaults */
};

struct server *server_new(const struct server_options *options) WARN_UNUSED;
/* Closes everything; nobody is told. The workers must still be there. */
struct server *server_free(struct server *server);

/* 0 with the address really bound (port 0 takes any), or -errno. */
int server_listen(struct server *server, const struct address *address, struct address *ret_bound,
                  struct err *err) WARN_UNUSED;
void server_stop_listening(struct server *server);

/* Performs NET_RESPOND, NET_RENDER, NET_STREAM_* and NET_HANGUP, and frees the effect. */
void server_perform(struct server *server, struct net_effect *effect);
/* An answer without body or headers of its own: 202 to a message. */
void server_respond_empty(struct server *server, uint64_t handle, int status);
void server_respond_text(struct server *server, uint64_t handle, int status, const char *text);
/* Stops reading the connection of a streaming request, and goes on. */
void server_pause_body(struct server *server, uint64_t handle, bool paused);
/* The connection of this handle carries messages: it is not closed to make room for others. */
void server_keep(struct server *server, uint64_t handle);

/* NET_HURRY. */
void server_hurry(struct server *server);

size_t server_connection_count(const struct server *server);
/* Unsent bytes of all connections; walks over them. */
size_t server_unsent_size(const struct server *server);

#endif
