#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "net/server_internal.h"

/* A body of at least this size is handed to the socket where it lies, and not copied. */
#define REFERENCE_SIZE_MIN 4096
/* Up to this size a body is zipped in place; above, a worker does it. */
#define ZIP_HERE_SIZE_MAX 16384

/* An answer that is made in a worker: what a job renders, or a body that is only to be zipped. */
struct render {
    struct worker_job job;
    struct list link;      /* in the server, until it is freed */
    struct server *server; /* NULL: it has gone */
    uint64_t handle;
    struct net_effect *effect; /* NET_RENDER, or NET_RESPOND whose body is to be zipped */
    bool gzip;                 /* zip what is large enough */
    bool begun;                /* given to the workers */
    struct net_answer answer;  /* of NET_RENDER's job */
    struct buf zipped;         /* empty: it was not */
};

/* --- exchanges --- */

struct exchange *exchange_new(struct conn *conn)
{
    struct server *server = conn->server;
    struct exchange *exchange = xalloc(sizeof(*exchange));
    exchange->conn = conn;
    exchange->handle = server->next_handle++;
    exchange->state = EXCHANGE_READING;
    list_push_back(&conn->exchanges, &exchange->link);
    conn->exchange_count++;
    map_add(&server->exchanges, &exchange->by_handle);
    return exchange;
}

static void render_free(struct render *render)
{
    list_remove(&render->link);
    net_effect_free(render->effect);
    net_answer_deinit(&render->answer);
    buf_deinit(&render->zipped);
    free(render);
}

/* Nobody wants it any more. */
static void drop_render(struct exchange *exchange)
{
    struct render *render = TAKE_PTR(exchange->render);
    struct workers *workers = exchange->conn->server->workers;
    if (render != NULL && (!render->begun || workers_cancel(workers, &render->job))) {
        render_free(render); /* else it ends by itself, and finds nobody who wants it */
    }
}

void exchange_free(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    drop_render(exchange);
    if (exchange->held != NULL) {
        evbuffer_free(exchange->held);
    }
    if (exchange->behind != NULL) {
        evbuffer_free(exchange->behind);
    }
    map_remove(&conn->server->exchanges, &exchange->by_handle);
    list_remove(&exchange->link);
    conn->exchange_count--;
    buf_deinit(&exchange->body);
    free(exchange);
}

struct exchange *exchange_find(struct server *server, uint64_t handle)
{
    struct map_link *link = map_find(&server->exchanges, slice_make(&handle, sizeof(handle)));
    struct exchange *exchange =
        link != NULL ? CONTAINER_OF(link, struct exchange, by_handle) : NULL;
    return exchange != NULL && !exchange->conn->dead ? exchange : NULL;
}

static bool is_turn(const struct exchange *exchange)
{
    return exchange->conn->exchanges.next == &exchange->link;
}

/* --- writing --- */

static struct evbuffer *make_buffer(struct evbuffer **buffer)
{
    if (*buffer == NULL) {
        *buffer = evbuffer_new();
        ASSERT(*buffer != NULL);
    }
    return *buffer;
}

static struct evbuffer *output_of(struct exchange *exchange)
{
    if (exchange->opening) {
        return make_buffer(&exchange->behind);
    }
    return is_turn(exchange) ? bufferevent_get_output(exchange->conn->bev)
                             : make_buffer(&exchange->held);
}

/* Counts what was put into output_of. */
static void wrote(struct exchange *exchange, size_t size)
{
    if (is_turn(exchange) && !exchange->opening) {
        conn_wrote(exchange->conn, size);
    }
}

static void release_blob(const void *data UNUSED, size_t size UNUSED, void *arg)
{
    blob_unref(arg);
}

static void release_heap(const void *data UNUSED, size_t size UNUSED, void *arg)
{
    free(arg);
}

static void release_answer(const void *data UNUSED, size_t size UNUSED, void *arg)
{
    net_answer_deinit(arg);
    free(arg);
}

/* Puts out the scratch and behind it the bytes, which `release` lets go of when they are sent. */
static void put_out(struct exchange *exchange, struct slice bytes, evbuffer_ref_cleanup_cb release,
                    void *arg)
{
    struct server *server = exchange->conn->server;
    struct evbuffer *out = output_of(exchange);
    size_t size = server->scratch.size + bytes.size;
    bool copy = bytes.size < REFERENCE_SIZE_MIN;
    if (copy) {
        buf_append_slice(&server->scratch, bytes);
    }
    ASSERT(evbuffer_add(out, server->scratch.data, server->scratch.size) == 0);
    buf_clear(&server->scratch);
    if (!copy) {
        ASSERT(evbuffer_add_reference(out, bytes.data, bytes.size, release, arg) == 0);
    } else if (release != NULL) {
        release(bytes.data, bytes.size, arg);
    }
    wrote(exchange, size);
}

static void put_date(struct server *server)
{
    struct now now = loop_now(server->loop);
    if (now.wall_ns / NS_PER_SEC != server->date_secs) {
        server->date_secs = now.wall_ns / NS_PER_SEC;
        buf_clear(&server->date);
        http_format_date(now.wall_ns, &server->date);
    }
    http_put_header(&server->scratch, "Date", buf_slice(&server->date));
}

/* Begins the head in the scratch; the caller adds what tells the body's end, and the empty line. */
static void put_head(struct exchange *exchange, int status, const char *content_type,
                     const struct net_header *headers, size_t header_count)
{
    struct server *server = exchange->conn->server;
    struct buf *out = &server->scratch;
    ASSERT(out->size == 0);
    http_put_status(out, status);
    put_date(server);
    if (content_type != NULL) {
        http_put_header(out, "Content-Type", slice_from(content_type));
    }
    for (size_t i = 0; i < header_count; i++) {
        http_put_header(out, headers[i].name, slice_from(headers[i].value));
    }
    if (!exchange->keep_alive) {
        http_put_header(out, "Connection", SLICE("close"));
    }
}

/* The end of a head whose body is of known size. */
static void put_size(struct exchange *exchange, size_t size, bool zipped)
{
    struct buf *out = &exchange->conn->server->scratch;
    if (zipped) {
        http_put_header(out, "Content-Encoding", SLICE("gzip"));
    }
    http_put_header_uint(out, "Content-Length", size);
    http_put_end(out);
}

static void finish(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    exchange->state = EXCHANGE_DONE;
    exchange->render = NULL;
    if (is_turn(exchange)) {
        conn_advance(conn); /* frees it */
    }
}

/* --- whole answers --- */

static bool has_encoding(const struct net_effect *effect)
{
    for (size_t i = 0; i < effect->header_count; i++) {
        if (slice_equal_nocase(slice_from(effect->headers[i].name), SLICE("Content-Encoding"))) {
            return true;
        }
    }
    return false;
}

static void run_render(struct worker_job *job)
{
    struct render *render = CONTAINER_OF(job, struct render, job);
    struct slice body = blob_slice(render->effect->body);
    struct net_job *rendering = TAKE_PTR(render->effect->job);
    if (rendering != NULL) {
        rendering->run(rendering, &render->answer);
        rendering->free(rendering); /* here: what a snapshot holds is let go of off the loop */
        body = net_answer_body(&render->answer);
    }
    if (render->gzip && body.size >= HTTP_GZIP_SIZE_MIN && http_gzip(body, &render->zipped) != 0) {
        buf_deinit(&render->zipped); /* it goes out as it is */
    }
}

/* Puts out the scratch and behind it what was rendered, which is kept until it is sent. */
static void put_answer(struct exchange *exchange, struct net_answer *answer)
{
    struct net_answer *kept = xmemdup(answer, sizeof(*answer));
    *answer = (struct net_answer){0};
    put_out(exchange, net_answer_body(kept), release_answer, kept);
}

static void send_rendered(struct exchange *exchange, struct render *render)
{
    struct net_effect *effect = render->effect;
    bool rendered = effect->type == NET_RENDER;
    bool zipped = render->zipped.size != 0;
    put_head(exchange, rendered ? render->answer.status : effect->status,
             rendered ? render->answer.content_type : effect->content_type, effect->headers,
             effect->header_count);
    if (!zipped && !rendered) {
        struct slice body = blob_slice(effect->body);
        put_size(exchange, body.size, false);
        put_out(exchange, body, release_blob, TAKE_PTR(effect->body));
        return;
    }
    if (!zipped) {
        put_size(exchange, net_answer_body(&render->answer).size, false);
        put_answer(exchange, &render->answer);
        return;
    }
    struct slice bytes = buf_slice(&render->zipped);
    put_size(exchange, bytes.size, true);
    put_out(exchange, bytes, release_heap, render->zipped.data);
    render->zipped = BUF_INIT;
}

static void on_rendered(struct worker_job *job)
{
    struct render *render = CONTAINER_OF(job, struct render, job);
    struct exchange *exchange =
        render->server != NULL ? exchange_find(render->server, render->handle) : NULL;
    if (exchange != NULL && exchange->render != render) {
        exchange = NULL; /* cut off meanwhile */
    }
    if (exchange != NULL) {
        send_rendered(exchange, render);
        finish(exchange);
    } else if (render->server != NULL) {
        /* Of a connection that is about to be freed: it must not free this as well. */
        struct map_link *link = map_find(&render->server->exchanges,
                                         slice_make(&render->handle, sizeof(render->handle)));
        if (link != NULL) {
            CONTAINER_OF(link, struct exchange, by_handle)->render = NULL;
        }
    }
    render_free(render);
}

/* The answer is made when it is its turn and the client takes what it has: answers that wait for
 * others to be read would fill the memory. */
static void answer_by_worker(struct exchange *exchange, struct net_effect *effect)
{
    exchange->state = EXCHANGE_RENDERING;
    struct server *server = exchange->conn->server;
    struct render *render = xalloc(sizeof(*render));
    render->server = server;
    render->handle = exchange->handle;
    render->effect = effect;
    render->gzip = exchange->gzip && !has_encoding(effect);
    render->answer.status = 200;
    render->job.run = run_render;
    render->job.done = on_rendered;
    list_push_back(&server->renders, &render->link);
    exchange->render = render;
    if (is_turn(exchange)) {
        exchange_turn(exchange);
    }
}

/* Puts out the scratch and behind it a body, which may be one that was lent. */
static void put_body(struct exchange *exchange, struct net_effect *effect)
{
    struct conn *conn = exchange->conn;
    struct slice body = blob_slice(effect->body);
    if (effect->lent) {
        conn_lend(conn);
    }
    put_out(exchange, body, release_blob, TAKE_PTR(effect->body));
    if (effect->lent && is_turn(exchange)) {
        conn->lent_end = conn->written_size;
    } else {
        exchange->lent = effect->lent;
    }
}

static void respond(struct exchange *exchange, struct net_effect *effect)
{
    struct slice body = blob_slice(effect->body);
    bool zip = exchange->gzip && body.size >= HTTP_GZIP_SIZE_MIN && !has_encoding(effect);
    if (zip && body.size > ZIP_HERE_SIZE_MAX) {
        answer_by_worker(exchange, effect);
        return;
    }
    struct buf zipped = BUF_INIT;
    if (zip && http_gzip(body, &zipped) != 0) {
        buf_deinit(&zipped);
    }
    put_head(exchange, effect->status, effect->content_type, effect->headers, effect->header_count);
    if (zipped.size != 0) {
        put_size(exchange, zipped.size, true);
        put_out(exchange, buf_slice(&zipped), release_heap, zipped.data);
    } else {
        put_size(exchange, body.size, false);
        put_body(exchange, effect);
    }
    net_effect_free(effect);
    finish(exchange);
}

/* --- streams --- */

/* A piece is one chunk: clients rely on a record being one (anchors.md, wire traps 1). */
static void put_chunk(struct exchange *exchange, struct blob *piece)
{
    struct buf *out = &exchange->conn->server->scratch;
    struct slice bytes = blob_slice(piece);
    if (bytes.size < REFERENCE_SIZE_MIN) {
        http_put_chunk(out, bytes);
        blob_unref(piece);
    } else {
        buf_printf(out, "%zx\r\n", bytes.size);
        put_out(exchange, bytes, release_blob, piece);
        buf_append_text(out, "\r\n");
    }
    put_out(exchange, SLICE(""), NULL, NULL);
}

static void open_stream(struct exchange *exchange, struct net_effect *effect)
{
    struct buf *out = &exchange->conn->server->scratch;
    put_head(exchange, effect->status, effect->content_type, effect->headers, effect->header_count);
    http_put_header(out, "Transfer-Encoding", SLICE("chunked"));
    http_put_end(out);
    exchange->state = EXCHANGE_STREAMING;
    if (effect->opens_later) {
        put_out(exchange, SLICE(""), NULL, NULL);
        exchange->opening = true;
    } else {
        put_chunk(exchange, TAKE_PTR(effect->body));
    }
}

/* The first piece, what was written meanwhile, and the end if that came, too. */
static void send_first(struct exchange *exchange, struct net_effect *effect)
{
    struct conn *conn = exchange->conn;
    struct buf *out = &conn->server->scratch;
    struct evbuffer *behind = exchange->behind;
    exchange->opening = false;
    exchange->behind = NULL;
    if (blob_slice(effect->body).size != 0) {
        buf_printf(out, "%zx\r\n", blob_slice(effect->body).size);
        put_body(exchange, effect);
        buf_append_text(out, "\r\n");
        put_out(exchange, SLICE(""), NULL, NULL);
    }
    exchange->opened_size = conn->written_size;
    if (behind != NULL) {
        size_t size = evbuffer_get_length(behind);
        ASSERT(evbuffer_add_buffer(output_of(exchange), behind) == 0);
        evbuffer_free(behind);
        wrote(exchange, size);
    }
    if (exchange->closes) {
        finish(exchange);
    }
}

/* A first piece that came later does not count: it may be larger than what may wait. */
static size_t stream_unsent_size(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    if (exchange->opening || !is_turn(exchange)) {
        return evbuffer_get_length(output_of(exchange));
    }
    return MIN(conn_unsent_size(conn), (size_t)(conn->written_size - exchange->opened_size));
}

static void write_stream(struct exchange *exchange, struct net_effect *effect)
{
    put_chunk(exchange, TAKE_PTR(effect->body));
    size_t unsent = stream_unsent_size(exchange);
    if (unsent > exchange->conn->server->limits.stream_size_max) {
        conn_kill(exchange->conn);
    }
}

static void close_stream(struct exchange *exchange)
{
    http_put_last_chunk(&exchange->conn->server->scratch);
    put_out(exchange, SLICE(""), NULL, NULL);
    if (exchange->opening) {
        exchange->closes = true;
    } else {
        finish(exchange);
    }
}

/* --- for the connection --- */

void exchange_turn(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    if (exchange->held != NULL) {
        size_t size = evbuffer_get_length(exchange->held);
        ASSERT(evbuffer_add_buffer(bufferevent_get_output(conn->bev), exchange->held) == 0);
        evbuffer_free(exchange->held);
        exchange->held = NULL;
        conn_wrote(conn, size);
        if (exchange->lent) {
            exchange->lent = false;
            conn->lent_end = conn->written_size;
        }
    }
    struct render *render = exchange->render;
    if (render != NULL && !render->begun &&
        conn_unsent_size(conn) <= conn->server->limits.output_pause_size) {
        render->begun = true;
        workers_submit(conn->server->workers, &render->job);
    }
}

void exchange_answer_text(struct exchange *exchange, int status, const char *text)
{
    put_head(exchange, status, text[0] != '\0' ? "text/plain; charset=utf-8" : NULL, NULL, 0);
    put_size(exchange, strlen(text), false);
    put_out(exchange, slice_from(text), NULL, NULL);
    finish(exchange);
}

void server_orphan_renders(struct server *server)
{
    struct render *render;
    LIST_FOR_EACH (render, &server->renders, link) {
        list_remove(&render->link);
        render->server = NULL;
    }
}

/* --- public --- */

void server_perform(struct server *server, struct net_effect *effect)
{
    struct exchange *exchange = exchange_find(server, effect->handle);
    if (exchange == NULL) {
        net_effect_free(effect); /* its client has gone */
        return;
    }
    bool streaming = exchange->state == EXCHANGE_STREAMING;
    ASSERT(streaming || exchange->state == EXCHANGE_WAITING); /* each is answered once */
    switch (effect->type) {
    case NET_RESPOND:
        ASSERT(!streaming);
        respond(exchange, effect);
        return;
    case NET_RENDER:
        ASSERT(!streaming);
        answer_by_worker(exchange, effect);
        return;
    case NET_STREAM_OPEN:
        ASSERT(!streaming);
        open_stream(exchange, effect);
        break;
    case NET_STREAM_FIRST:
        ASSERT(streaming && exchange->opening);
        send_first(exchange, effect);
        break;
    case NET_STREAM_WRITE:
        ASSERT(streaming);
        write_stream(exchange, effect);
        break;
    case NET_STREAM_CLOSE:
        ASSERT(streaming);
        close_stream(exchange);
        break;
    case NET_STREAM_MARK:
        ASSERT(streaming);
        exchange->marked = true;
        conn_mark(exchange->conn);
        break;
    case NET_HANGUP:
        drop_render(exchange);
        exchange->opening = false;
        exchange->cut = true;
        finish(exchange);
        break;
    case NET_SEND:
    case NET_LINK:
    case NET_UNLINK:
    case NET_CALL:
    case NET_WORK:
    case NET_HURRY:
        WRONG("an effect that is not an answer");
    }
    net_effect_free(effect);
}

void server_respond_empty(struct server *server, uint64_t handle, int status)
{
    server_respond_text(server, handle, status, "");
}

void server_respond_text(struct server *server, uint64_t handle, int status, const char *text)
{
    struct exchange *exchange = exchange_find(server, handle);
    if (exchange != NULL) {
        ASSERT(exchange->state == EXCHANGE_WAITING);
        exchange_answer_text(exchange, status, text);
    }
}

void server_pause_body(struct server *server, uint64_t handle, bool paused)
{
    struct exchange *exchange = exchange_find(server, handle);
    if (exchange != NULL && exchange->conn->reading == exchange) {
        conn_set_pause(exchange->conn, PAUSE_BODY, paused);
    }
}

void server_keep(struct server *server, uint64_t handle)
{
    struct exchange *exchange = exchange_find(server, handle);
    if (exchange != NULL) {
        exchange->conn->kept = true;
    }
}
