#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/xalloc.h"
#include "net/server_internal.h"

/* libevent reads no more than this at a time, whatever it is allowed. */
#define LIBEVENT_READ_SIZE 4096
#define WRITE_SIZE_MAX 262144

/* --- deadlines --- */

static void set_due(struct conn *conn, enum due due, int64_t at_ns)
{
    conn->due[due] = at_ns;
    /* A deadline that moves away leaves the timer as it is: it looks again when it fires. */
    if (at_ns != TIME_NEVER &&
        (!timer_is_set(&conn->timer.timer) || at_ns < conn->timer.timer.deadline_ns)) {
        loop_timer_set(&conn->timer, at_ns);
    }
}

static int64_t now_ns(const struct conn *conn)
{
    return loop_now(conn->server->loop).mono_ns;
}

/* How often it is looked whether unsent bytes are being taken. */
static int64_t look_ns(const struct server *server)
{
    return MIN(server->limits.stream_stall_ns, server->limits.answer_stall_ns) / 4;
}

/* False if the client takes nothing of what it was sent, for too long. */
static bool output_moves(struct conn *conn, int64_t at_ns)
{
    size_t unsent = conn_unsent_size(conn);
    if (unsent == 0) {
        conn->due[DUE_OUTPUT] = TIME_NEVER;
        return true;
    }
    const struct server_limits *limits = &conn->server->limits;
    const struct exchange *first = conn_first(conn);
    bool is_stream = first != NULL && first->state == EXCHANGE_STREAMING;
    conn->due[DUE_OUTPUT] = at_ns + look_ns(conn->server);
    uint64_t taken = conn->written_size - unsent;
    /* A little is kept for a stream for as long as it takes; the time begins when it is more. */
    if (taken != conn->taken_size || (is_stream && unsent <= limits->stream_size_soft)) {
        conn->taken_size = taken;
        conn->taken_ns = at_ns;
        return true;
    }
    int64_t stall_ns = is_stream ? limits->stream_stall_ns : limits->answer_stall_ns;
    return at_ns - conn->taken_ns < stall_ns;
}

static void on_timer(void *arg)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    int64_t at_ns = now_ns(conn);
    bool late = conn->due[DUE_HEAD] <= at_ns || conn->due[DUE_BODY] <= at_ns ||
                conn->due[DUE_LINGER] <= at_ns;
    if (late || (conn->due[DUE_OUTPUT] <= at_ns && !output_moves(conn, at_ns))) {
        conn_kill(conn);
        return;
    }
    int64_t next_ns = TIME_NEVER;
    for (size_t i = 0; i < DUE_COUNT; i++) {
        next_ns = MIN(next_ns, conn->due[i]);
    }
    loop_timer_set(&conn->timer, next_ns);
}

/* --- the end of a connection --- */

static void tell_gone(struct conn *conn)
{
    struct server *server = conn->server;
    struct exchange *exchange;
    while ((exchange = conn_first(conn)) != NULL) {
        uint64_t handle = exchange->handle;
        bool tell = exchange->state != EXCHANGE_READING && exchange->state != EXCHANGE_DONE;
        exchange_free(exchange);
        if (tell) {
            server->handlers->on_gone(server->arg, handle);
        }
    }
}

void conn_free(struct conn *conn)
{
    struct exchange *exchange;
    while ((exchange = conn_first(conn)) != NULL) {
        exchange_free(exchange);
    }
    loop_timer_cancel(&conn->timer);
    loop_task_cancel(&conn->task);
    server_forget(conn->server, conn);
    http_reader_free(conn->reader);
    bufferevent_free(conn->bev);
    OBJ_DEAD(conn);
    free(conn);
}

void conn_kill(struct conn *conn)
{
    if (!conn->dead) {
        conn->dead = true;
        conn->deaf = true;
        (void)bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
        loop_timer_cancel(&conn->timer);
        list_remove(&conn->link); /* no longer to be closed for room */
        list_push_back(&conn->server->busy, &conn->link);
        loop_post(conn->server->loop, &conn->task);
    }
}

/* All is answered and sent, and nothing more will be. */
static void close_after_answers(struct conn *conn)
{
    if (!conn->lingers || conn->cut) {
        conn_kill(conn);
        return;
    }
    /* To close while the client sends would reset the connection, and our answer with it. */
    conn->lingers = false;
    (void)shutdown(bufferevent_getfd(conn->bev), SHUT_WR);
    set_due(conn, DUE_LINGER, now_ns(conn) + conn->server->limits.linger_ns);
}

/* --- reading --- */

/* No further request is read; what is unanswered is answered, and then the connection is closed. */
static void stop_reading(struct conn *conn, bool lingers)
{
    conn->deaf = true;
    conn->closing = true;
    conn->lingers = lingers;
    conn->due[DUE_HEAD] = TIME_NEVER;
    conn->due[DUE_BODY] = TIME_NEVER;
}

static bool refuse(struct conn *conn, struct exchange *exchange, int status, const char *text)
{
    stop_reading(conn, true);
    exchange->keep_alive = false;
    exchange_answer_text(exchange, status, text);
    return false;
}

static bool refuse_size(struct conn *conn, struct exchange *exchange)
{
    return refuse(conn, exchange, 413, "The body of the request is too large");
}

static void tell_request(struct conn *conn, struct exchange *exchange, struct slice body)
{
    struct server *server = conn->server;
    exchange->state = EXCHANGE_WAITING;
    struct server_request request = {
        .handle = exchange->handle,
        .head = exchange->head,
        .body = body,
        .peer = conn->peer,
        .streaming = exchange->streaming,
    };
    server->handlers->on_request(server->arg, &request); /* may answer, which frees the exchange */
}

static bool on_head(void *arg, const struct http_head *head)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    struct server *server = conn->server;
    struct exchange *exchange = exchange_new(conn);
    exchange->head = head;
    exchange->keep_alive = head->keep_alive;
    exchange->gzip = http_accepts_gzip(http_find_header(head, "Accept-Encoding"));
    exchange->streaming =
        server->handlers->on_head(server->arg, head) == SERVER_STREAM && head->has_body;
    conn->reading = exchange;
    conn->due[DUE_HEAD] = TIME_NEVER; /* that of the next head is counted anew */
    if (!exchange->streaming && head->content_size > (int64_t)server->limits.body_size_max) {
        return refuse_size(conn, exchange);
    }
    if (head->has_body && conn_first(conn) == exchange &&
        slice_equal_nocase(http_find_header(head, "Expect"), SLICE("100-continue"))) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
        (void)bufferevent_write(conn->bev, text, sizeof(text) - 1);
        conn_wrote(conn, sizeof(text) - 1);
    }
    if (exchange->streaming) {
        tell_request(conn, exchange, SLICE(""));
    }
    return !conn->deaf;
}

static bool on_body(void *arg, struct slice piece)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    struct server *server = conn->server;
    struct exchange *exchange = conn->reading;
    ASSERT(exchange != NULL);
    if (exchange->streaming) {
        server->handlers->on_body(server->arg, exchange->handle, piece, false);
    } else if (piece.size > server->limits.body_size_max - exchange->body.size) {
        return refuse_size(conn, exchange);
    } else {
        buf_append_slice(&exchange->body, piece);
    }
    return !conn->deaf;
}

/* Tells of a request whose body is whole. */
static bool end_collected(struct conn *conn, struct exchange *exchange)
{
    struct buf body CLEANUP(buf_deinit) = exchange->body;
    exchange->body = BUF_INIT;
    /* That header, spelled like that, is all that the reference looks at. */
    if (slice_is(http_find_header(exchange->head, "Content-Encoding"), "gzip")) {
        struct buf unzipped CLEANUP(buf_deinit) = BUF_INIT;
        int r = http_gunzip(buf_slice(&body), conn->server->limits.body_size_max, &unzipped);
        if (r == -EMSGSIZE) {
            return refuse_size(conn, exchange);
        }
        if (r < 0) {
            return refuse(conn, exchange, 400, "The body of the request is not gzip");
        }
        tell_request(conn, exchange, buf_slice(&unzipped));
    } else {
        tell_request(conn, exchange, buf_slice(&body));
    }
    return true;
}

static bool on_end(void *arg)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    struct server *server = conn->server;
    struct exchange *exchange = conn->reading;
    ASSERT(exchange != NULL);
    conn->reading = NULL;
    conn->due[DUE_BODY] = TIME_NEVER;
    if (!exchange->keep_alive) {
        conn->deaf = true;
    }
    if (exchange->streaming) {
        server->handlers->on_body(server->arg, exchange->handle, SLICE(""), true);
    } else if (!end_collected(conn, exchange)) {
        return false;
    }
    if (conn->exchange_count >= server->limits.pipeline_max ||
        conn_unsent_size(conn) > server->limits.output_pause_size) {
        conn_set_pause(conn, PAUSE_PIPELINE, true);
    }
    return !conn->deaf;
}

static const struct http_parser_events reader_events = {on_head, on_body, on_end};

/* Where the connection stands after it was read: what it is waited for, and whether it is idle. */
static void settle(struct conn *conn)
{
    struct server *server = conn->server;
    if (conn->dead) {
        return;
    }
    if (conn->reader != NULL && (http_reader_is_idle(conn->reader) || conn->deaf)) {
        conn->reader = http_reader_free(conn->reader);
    }
    bool in_head = conn->reader != NULL && conn->reading == NULL && conn->pauses == 0;
    bool in_body = conn->reading != NULL && !conn->reading->streaming && !conn->deaf;
    if (!in_head) {
        conn->due[DUE_HEAD] = TIME_NEVER;
    } else if (conn->due[DUE_HEAD] == TIME_NEVER) {
        set_due(conn, DUE_HEAD, now_ns(conn) + server->limits.head_timeout_ns);
    }
    if (in_body) {
        set_due(conn, DUE_BODY, now_ns(conn) + server->limits.body_timeout_ns);
    }
    bool idle = conn->reader == NULL && conn->exchange_count == 0 && !conn->kept &&
                !conn->closing && conn_unsent_size(conn) == 0;
    list_remove(&conn->link);
    list_push_back(idle ? &server->idle : &server->busy, &conn->link);
}

static void feed(struct conn *conn, struct slice bytes)
{
    if (conn->reader == NULL) {
        conn->reader = http_reader_new(HTTP_REQUESTS, &reader_events, conn);
    }
    if (http_reader_feed(conn->reader, bytes, NULL) == 0 || conn->deaf) {
        return;
    }
    /* What is no request is not answered, as in the reference (observed.md, operator API 17); what
     * came before it is. */
    if (conn->reading != NULL) {
        conn_kill(conn);
        return;
    }
    stop_reading(conn, false);
    conn_advance(conn);
}

/* What lies in the socket behind a full read of libevent's: whoever says much is read in few calls,
 * and answered in few. The end and errors are left to libevent, which is told of them again. */
static void read_on(struct conn *conn)
{
    struct server *server = conn->server;
    if (conn->dead || conn->deaf || conn->pauses != 0) {
        return;
    }
    ssize_t size = recv(bufferevent_getfd(conn->bev), server->input, sizeof(server->input), 0);
    if (size > 0) {
        feed(conn, slice_make(server->input, (size_t)size));
    }
}

static void on_readable(struct bufferevent *bev, void *arg)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    struct evbuffer *input = bufferevent_get_input(bev);
    bool is_full = evbuffer_get_length(input) >= LIBEVENT_READ_SIZE;
    size_t size;
    while (!conn->deaf && (size = evbuffer_get_contiguous_space(input)) != 0) {
        feed(conn, slice_make(evbuffer_pullup(input, (ev_ssize_t)size), size));
        (void)evbuffer_drain(input, size);
    }
    if (conn->deaf) {
        (void)evbuffer_drain(input, evbuffer_get_length(input));
    }
    if (is_full) {
        read_on(conn);
    }
    settle(conn);
}

/* The writer of a marked stream goes on when little is left unsent. */
static void tell_taken(struct conn *conn)
{
    struct exchange *first = conn_first(conn);
    struct server *server = conn->server;
    if (!conn->dead && first != NULL && first->marked && !first->opening &&
        conn_unsent_size(conn) <= server_low_size(server)) {
        first->marked = false;
        server->handlers->on_taken(server->arg, first->handle);
    }
}

static void on_writable(struct bufferevent *bev UNUSED, void *arg)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    if (!conn->dead) {
        conn_advance(conn);
        if (conn->exchange_count == 0) {
            settle(conn);
        }
        tell_taken(conn);
    }
}

static void on_bev_event(struct bufferevent *bev UNUSED, short what UNUSED, void *arg)
{
    struct conn *conn;
    CAST_OBJ(conn, arg, CONN_MAGIC);
    conn_kill(conn); /* the end or an error; there are no timeouts of libevent's */
}

/* --- what was put off --- */

static void on_task(struct loop_task *task)
{
    struct conn *conn;
    CAST_OBJ(conn, CONTAINER_OF(task, struct conn, task), CONN_MAGIC);
    if (conn->dead) {
        tell_gone(conn);
        conn_free(conn);
        return;
    }
    if (conn->pauses == 0) {
        (void)bufferevent_enable(conn->bev, EV_READ);
        if (conn->reader != NULL && !conn->deaf) {
            http_reader_resume(conn->reader);
            feed(conn, SLICE(""));
        }
        settle(conn);
    }
    tell_taken(conn);
}

void conn_set_pause(struct conn *conn, enum pause why, bool paused)
{
    unsigned before = conn->pauses;
    conn->pauses = paused ? before | (unsigned)why : before & ~(unsigned)why;
    if (before == 0 && conn->pauses != 0) {
        (void)bufferevent_disable(conn->bev, EV_READ);
        if (conn->reader != NULL) {
            http_reader_pause(conn->reader);
        }
        conn->due[DUE_HEAD] = TIME_NEVER;
    } else if (before != 0 && conn->pauses == 0) {
        loop_post(conn->server->loop, &conn->task);
    }
}

/* --- for the answers --- */

struct exchange *conn_first(const struct conn *conn)
{
    return list_is_empty(&conn->exchanges)
               ? NULL
               : LIST_ENTRY(conn->exchanges.next, struct exchange, link);
}

size_t conn_unsent_size(const struct conn *conn)
{
    return evbuffer_get_length(bufferevent_get_output(conn->bev));
}

bool conn_has_lent(const struct conn *conn)
{
    bool has = conn->written_size - conn_unsent_size(conn) < conn->lent_end;
    const struct exchange *exchange;
    LIST_FOR_EACH (exchange, &conn->exchanges, link) {
        has = has || exchange->lent;
    }
    return has;
}

void conn_lend(struct conn *conn)
{
    if (!conn_has_lent(conn)) {
        conn->lent_since_ns = now_ns(conn);
    }
}

bool conn_hurries(struct conn *conn, int64_t at_ns)
{
    const struct server_limits *limits = &conn->server->limits;
    uint64_t taken = conn->written_size - conn_unsent_size(conn);
    if (at_ns - conn->lent_since_ns >= limits->lent_ns) {
        return false;
    }
    if (taken != conn->hurry_taken || conn->hurried_ns < conn->lent_since_ns) {
        conn->hurry_taken = taken;
        conn->hurried_ns = at_ns;
        return true;
    }
    return at_ns - conn->hurried_ns < limits->lent_stall_ns;
}

void conn_wrote(struct conn *conn, size_t size)
{
    conn->written_size += size;
    if (conn->due[DUE_OUTPUT] == TIME_NEVER) {
        conn->taken_ns = now_ns(conn);
        conn->taken_size = conn->written_size - conn_unsent_size(conn);
        set_due(conn, DUE_OUTPUT, conn->taken_ns + look_ns(conn->server));
    }
}

size_t server_low_size(const struct server *server)
{
    return server->limits.output_pause_size / 4;
}

void conn_mark(struct conn *conn)
{
    if (conn_unsent_size(conn) == 0) {
        loop_post(conn->server->loop, &conn->task); /* else it is told of by libevent */
    }
}

void conn_advance(struct conn *conn)
{
    struct server *server = conn->server;
    struct exchange *first;
    while ((first = conn_first(conn)) != NULL && !conn->cut) {
        exchange_turn(first);
        if (first->state != EXCHANGE_DONE) {
            break;
        }
        if (conn->reading == first) {
            /* Answered in the middle of its body, of which the rest is of no use. */
            conn->reading = NULL;
            stop_reading(conn, true);
        } else if (!first->keep_alive || first->cut) {
            stop_reading(conn, conn->lingers);
        }
        conn->cut = first->cut;
        exchange_free(first);
    }
    size_t unsent = conn_unsent_size(conn);
    bool ended = first == NULL || conn->cut;
    if (conn->closing && ended && unsent == 0 && conn->due[DUE_LINGER] == TIME_NEVER) {
        close_after_answers(conn);
    } else if ((conn->pauses & PAUSE_PIPELINE) != 0 && unsent <= server->limits.output_pause_size &&
               conn->exchange_count < server->limits.pipeline_max) {
        conn_set_pause(conn, PAUSE_PIPELINE, false);
    }
}

void conn_new(struct server *server, struct bufferevent *bev, const struct address *peer)
{
    struct conn *conn = xalloc(sizeof(*conn));
    OBJ_INIT(conn, CONN_MAGIC);
    conn->server = server;
    conn->bev = bev;
    conn->peer = *peer;
    list_init(&conn->exchanges);
    loop_task_init(&conn->task, on_task);
    loop_timer_init(&conn->timer, server->loop, on_timer, conn);
    for (size_t i = 0; i < DUE_COUNT; i++) {
        conn->due[i] = TIME_NEVER;
    }
    list_push_back(&server->idle, &conn->link);
    server->count++;
    bufferevent_setcb(bev, on_readable, on_writable, on_bev_event, conn);
    bufferevent_setwatermark(bev, EV_WRITE, server_low_size(server), 0);
    (void)bufferevent_set_max_single_write(bev, WRITE_SIZE_MAX);
    (void)bufferevent_enable(bev, EV_READ); /* writing is, from the start */
}
