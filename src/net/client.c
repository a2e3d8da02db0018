#include "net/client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/xalloc.h"
#include "net/transport.h"

/* A request that waits for its answer, or whose answer is being read. */
struct call {
    struct list link; /* in the client, in order of requests */
    struct client *client;
    const struct client_handler *handler;
    void *arg;                    /* for the handler */
    struct loop_timer timer;      /* the request's timeout */
    const struct http_head *head; /* of the answer, while it is being read */
    bool wants_records;           /* if the status is 200 */
    bool has_records;             /* and it is */
    struct recordio_reader records;
    size_t size_max; /* of the body or of a record */
    struct buf body; /* collected */
};

struct client {
    uint32_t magic;
    struct loop *loop;
    struct address address;
    struct bufferevent *bev;
    struct http_reader *reader;
    struct list calls; /* unanswered, in order */
    size_t call_count;
    struct list ended;       /* answered in a handler that we are still in; to be freed */
    struct loop_task task;   /* tells of the end */
    struct loop_timer timer; /* until the connection stands */
    loop_fn *on_closed;      /* NULL = nobody asks */
    void *closed_arg;        /* for on_closed */
    int why;                 /* -errno: how the connection ended */
    unsigned depth;          /* calls of handlers that we are in */
    bool close;              /* the server is asked to close behind an answer */
    bool writing;            /* a streaming request's body is not ended */
    bool closed;             /* the connection has ended */
    bool told;               /* and that was told */
    bool freed;              /* in a handler: to be freed behind it */
};

#define CLIENT_MAGIC 0x434c4e54u

/* --- the end --- */

static void free_call(struct call *call)
{
    list_remove(&call->link);
    loop_timer_cancel(&call->timer);
    recordio_reader_deinit(&call->records);
    buf_deinit(&call->body);
    free(call);
}

static struct call *first_call(const struct client *client)
{
    return list_is_empty(&client->calls) ? NULL : LIST_ENTRY(client->calls.next, struct call, link);
}

static void free_calls(struct list *calls)
{
    struct call *call;
    LIST_FOR_EACH (call, calls, link) {
        free_call(call);
    }
}

static void destroy(struct client *client)
{
    free_calls(&client->calls);
    free_calls(&client->ended);
    loop_task_cancel(&client->task);
    loop_timer_cancel(&client->timer);
    http_reader_free(client->reader);
    bufferevent_free(client->bev);
    OBJ_DEAD(client);
    free(client);
}

/* Around the calls of handlers, in which requests may end and the client may be freed. */
static void enter(struct client *client)
{
    client->depth++;
}

static void leave(struct client *client)
{
    ASSERT(client->depth > 0);
    if (--client->depth == 0) {
        free_calls(&client->ended);
        if (client->freed) {
            destroy(client);
        }
    }
}

/* Ends the first call. It leaves the queue before its handler hears of it, so that it is told once;
 * it is freed later, for its records may be what is being read. */
static void end_call(struct client *client, int status)
{
    struct call *call = first_call(client);
    ASSERT(client->depth > 0);
    list_remove(&call->link);
    list_push_back(&client->ended, &call->link);
    client->call_count--;
    loop_timer_cancel(&call->timer);
    bool whole = status > 0;
    call->handler->on_end(call->arg, status, whole ? call->head : NULL,
                          whole ? buf_slice(&call->body) : SLICE(""));
}

static void end_connection(struct client *client, int why)
{
    if (!client->closed) {
        client->closed = true;
        client->why = why;
        (void)bufferevent_disable(client->bev, EV_READ | EV_WRITE);
        loop_timer_cancel(&client->timer);
        loop_post(client->loop, &client->task);
    }
}

static void on_task(struct loop_task *task)
{
    struct client *client;
    CAST_OBJ(client, CONTAINER_OF(task, struct client, task), CLIENT_MAGIC);
    enter(client);
    while (!client->freed && first_call(client) != NULL) {
        end_call(client, client->why);
    }
    if (!client->freed && !client->told) {
        client->told = true;
        client->why = -ENOTCONN; /* for requests from now on */
        if (client->on_closed != NULL) {
            client->on_closed(client->closed_arg);
        }
    }
    leave(client);
}

static void on_connect_timeout(void *arg)
{
    end_connection(arg, -ETIMEDOUT);
}

static void on_call_timeout(void *arg)
{
    struct call *call = arg;
    end_connection(call->client, -ETIMEDOUT); /* answers come in order: all wait for this one */
}

/* --- reading --- */

/* Whether to go on, behind a handler. */
static bool goes_on(const struct client *client)
{
    return !client->freed && !client->closed;
}

static bool on_head(void *arg, const struct http_head *head)
{
    struct client *client = arg;
    struct call *call = first_call(client);
    if (call == NULL) {
        return false; /* an answer that nobody asked for */
    }
    call->head = head;
    call->has_records = call->wants_records && head->status == 200;
    if (call->has_records) {
        loop_timer_cancel(&call->timer); /* a stream may last for ever */
    }
    if (call->handler->on_head != NULL) {
        call->handler->on_head(call->arg, head);
    }
    return goes_on(client);
}

static bool on_record(void *arg, struct slice record)
{
    struct call *call = arg;
    struct client *client = call->client;
    call->handler->on_piece(call->arg, record);
    return goes_on(client);
}

static bool on_body(void *arg, struct slice piece)
{
    struct client *client = arg;
    struct call *call = first_call(client);
    if (call->has_records) {
        int r = recordio_reader_feed(&call->records, piece, on_record, call, NULL);
        if (r < 0 && r != -ECANCELED) {
            end_connection(client, r);
        }
    } else if (call->handler->on_piece != NULL && !call->wants_records) {
        call->handler->on_piece(call->arg, piece);
    } else if (piece.size > call->size_max - call->body.size) {
        end_connection(client, -EMSGSIZE);
    } else {
        buf_append_slice(&call->body, piece);
    }
    return goes_on(client);
}

static bool on_end(void *arg)
{
    struct client *client = arg;
    struct call *call = first_call(client);
    bool keep_alive = call->head->keep_alive && !client->close;
    if (call->has_records && !recordio_reader_is_idle(&call->records)) {
        end_connection(client, -EPROTO); /* in the middle of a record */
        return false;
    }
    end_call(client, call->head->status);
    if (!keep_alive && !client->freed) {
        end_connection(client, -ECONNRESET);
    }
    return goes_on(client);
}

static const struct http_parser_events reader_events = {on_head, on_body, on_end};

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct client *client;
    CAST_OBJ(client, arg, CLIENT_MAGIC);
    struct evbuffer *input = bufferevent_get_input(bev);
    enter(client);
    size_t size;
    while (goes_on(client) && (size = evbuffer_get_contiguous_space(input)) != 0) {
        struct slice bytes = slice_make(evbuffer_pullup(input, (ev_ssize_t)size), size);
        if (http_reader_feed(client->reader, bytes, NULL) < 0) {
            end_connection(client, -EPROTO); /* if nothing else has ended it */
        }
        (void)evbuffer_drain(input, size);
    }
    leave(client);
}

static void on_bev_event(struct bufferevent *bev, short what, void *arg)
{
    struct client *client;
    CAST_OBJ(client, arg, CLIENT_MAGIC);
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        int one = 1;
        (void)setsockopt(bufferevent_getfd(bev), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        (void)setsockopt(bufferevent_getfd(bev), SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
        loop_timer_cancel(&client->timer);
        return;
    }
    int error = EVUTIL_SOCKET_ERROR();
    enter(client);
    if ((what & BEV_EVENT_EOF) != 0) {
        on_readable(bev, client); /* what came before the end */
        if (goes_on(client) && first_call(client) != NULL) {
            /* May end an answer; if not, the answer is broken off. */
            int r = http_reader_finish(client->reader, NULL);
            error = r < 0 ? -r : ECONNRESET;
        } else {
            error = ECONNRESET;
        }
    }
    if (!client->freed) {
        end_connection(client, error != 0 ? -error : -ECONNRESET);
    }
    leave(client);
}

/* --- public --- */

struct client *client_new(struct loop *loop, const struct address *address, bool close)
{
    struct client *client = xalloc(sizeof(*client));
    OBJ_INIT(client, CLIENT_MAGIC);
    client->loop = loop;
    client->address = *address;
    client->close = close;
    client->reader = http_reader_new(HTTP_RESPONSES, &reader_events, client);
    list_init(&client->calls);
    list_init(&client->ended);
    loop_task_init(&client->task, on_task);
    loop_timer_init(&client->timer, loop, on_connect_timeout, client);

    /* The one place where a connection's transport is made; TLS will be made here too. */
    client->bev = bufferevent_socket_new(loop_base(loop), -1, BEV_OPT_CLOSE_ON_FREE);
    ASSERT(client->bev != NULL);
    bufferevent_setcb(client->bev, on_readable, NULL, on_bev_event, client);
    (void)bufferevent_enable(client->bev, EV_READ);
    int status = transport_connect(client->bev, address);
    if (status != 0) {
        end_connection(client, status);
    } else {
        loop_timer_set(&client->timer, loop_now(loop).mono_ns + CLIENT_CONNECT_TIMEOUT_NS);
    }
    return client;
}

struct client *client_free(struct client *client, bool quiet)
{
    if (client == NULL || client->freed) {
        return NULL;
    }
    if (!quiet) {
        enter(client);
        while (first_call(client) != NULL) {
            end_call(client, -ECANCELED);
        }
        client->freed = true;
        leave(client);
    } else if (client->depth == 0) {
        destroy(client);
    } else {
        client->freed = true;
    }
    return NULL;
}

void client_on_closed(struct client *client, loop_fn *fn, void *arg)
{
    client->on_closed = fn;
    client->closed_arg = arg;
}

bool client_is_closed(const struct client *client)
{
    return client->closed;
}

static void put_request(struct client *client, const struct client_request *request,
                        struct buf *out)
{
    char host[ADDRESS_TEXT_SIZE];
    address_format(&client->address, host);
    http_put_request(out, request->method, request->target);
    http_put_header(out, "Host", slice_from(host));
    if (client->close) {
        http_put_header(out, "Connection", SLICE("close"));
    }
    if (request->content_type != NULL) {
        http_put_header(out, "Content-Type", slice_from(request->content_type));
    }
    for (size_t i = 0; i < request->header_count; i++) {
        http_put_header(out, request->headers[i].name, slice_from(request->headers[i].value));
    }
    if (request->streaming) {
        http_put_header(out, "Transfer-Encoding", SLICE("chunked"));
        http_put_end(out);
        http_put_chunk(out, request->body);
        return;
    }
    if (request->body.size != 0 || strcmp(request->method, "GET") != 0) {
        http_put_header_uint(out, "Content-Length", request->body.size);
    }
    http_put_end(out);
    buf_append_slice(out, request->body);
}

void client_send(struct client *client, const struct client_request *request)
{
    ASSERT(!client->freed && !client->writing && client->call_count < CLIENT_REQUESTS_MAX);
    ASSERT(request->handler->on_piece != NULL || !request->records);
    struct call *call = xalloc(sizeof(*call));
    call->client = client;
    call->handler = request->handler;
    call->arg = request->arg;
    call->wants_records = request->records;
    call->size_max = request->size_max != 0 ? request->size_max : HTTP_BODY_SIZE_MAX;
    recordio_reader_init(&call->records, call->size_max);
    loop_timer_init(&call->timer, client->loop, on_call_timeout, call);
    list_push_back(&client->calls, &call->link);
    client->call_count++;
    if (client->closed) {
        loop_post(client->loop, &client->task);
        return;
    }
    struct buf text CLEANUP(buf_deinit) = BUF_INIT;
    put_request(client, request, &text);
    ASSERT(bufferevent_write(client->bev, text.data, text.size) == 0);
    client->writing = request->streaming;
    if (request->timeout_ns != 0) {
        loop_timer_set(&call->timer, loop_now(client->loop).mono_ns + request->timeout_ns);
    }
}

void client_write(struct client *client, struct slice piece, bool ended)
{
    if (client->closed || !client->writing) {
        return; /* the end has been told, or is about to be */
    }
    struct buf text CLEANUP(buf_deinit) = BUF_INIT;
    http_put_chunk(&text, piece);
    if (ended) {
        http_put_last_chunk(&text);
        client->writing = false;
    }
    ASSERT(bufferevent_write(client->bev, text.data, text.size) == 0);
}

size_t client_unsent_size(const struct client *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->bev));
}
