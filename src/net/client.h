/*
 * HTTP requests of ours: a connection to an address, on which requests are sent at once and
 * answered in order. For daemons' calls (NET_CALL), and for executors and the command line, whose
 * answers may be streams of records and whose request bodies may be written piece by piece.
 *
 * Handlers are called from the loop, never from within the functions below.
 */
#ifndef TEPUI_NET_CLIENT_H
#define TEPUI_NET_CLIENT_H

#include "net/loop.h"
#include "wire/http.h"
#include "wire/netio.h"
#include "wire/recordio.h"
#include "wire/upid.h"

#define CLIENT_CONNECT_TIMEOUT_NS (30 * NS_PER_SEC)
#define CLIENT_REQUESTS_MAX 10000 /* waiting on one connection (asserts) */

struct client_handler {
    /* The head of the answer, before its body. May be NULL. */
    void (*on_head)(void *arg, const struct http_head *head);
    /* A piece of the body, or a record of it if the request asks for records and the status is 200.
     * NULL = the body is collected and comes with on_end. */
    void (*on_piece)(void *arg, struct slice piece);
    /* Once, at the end: the status of the answer, or -errno if it did not come whole (-ETIMEDOUT,
     * -ECONNREFUSED, -ECONNRESET, -EPROTO, -EMSGSIZE; -ECANCELED when the client is freed). */
    void (*on_end)(void *arg, int status, const struct http_head *head, struct slice body);
};

struct client_request {
    const char *method;
    struct slice target;              /* "/api/v1" */
    const char *content_type;         /* NULL = none */
    const struct net_header *headers; /* added as they are */
    size_t header_count;
    struct slice body; /* copied */
    bool streaming;    /* the body is written with client_write; nothing else may be sent before its
                          end */
    bool records;      /* the answer is a stream of records */
    int64_t timeout_ns; /* for the answer to be whole, or a stream's head to come; 0 = no limit */
    size_t size_max;    /* of a collected body, or of a record; 0 = HTTP_BODY_SIZE_MAX */
    const struct client_handler *handler;
    void *arg; /* for the handler */
};

struct client;

/* Begins to connect. `close` asks the server to close behind the first answer. */
struct client *client_new(struct loop *loop, const struct address *address, bool close) WARN_UNUSED;
/* Closes; requests that wait are told -ECANCELED in this call unless `quiet`. May be called from a
 * handler. */
struct client *client_free(struct client *client, bool quiet);

/* Told once when the connection has ended, behind the ends of all requests; no request may be sent
 * from then on. */
void client_on_closed(struct client *client, loop_fn *fn, void *arg);
bool client_is_closed(const struct client *client);

/* On a closed connection the request is told its end (-ENOTCONN) from the loop. */
void client_send(struct client *client, const struct client_request *request);
/* The next piece of a streaming request's body; `ended` with or behind the last. */
void client_write(struct client *client, struct slice piece, bool ended);
/* Bytes not taken by the other side yet, to pace what is written. */
size_t client_unsent_size(const struct client *client);

#endif
