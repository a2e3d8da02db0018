/*
 * A server for tests, whose handler notes what it is told, and which is answered by the tests.
 */
#ifndef TEPUI_TESTS_UNIT_NET_SERVER_RIG_H
#define TEPUI_TESTS_UNIT_NET_SERVER_RIG_H

#include "net_test.h"

#include "net/server.h"

enum { SEEN_MAX = 300 };

static struct rig {
    struct loop *loop;
    struct workers *workers;
    struct server *server;
    struct server_limits limits;
    struct address address;
    struct buf log;             /* "POST /x [body]", "BODY piece", "GONE n", a line each */
    uint64_t handles[SEEN_MAX]; /* of the requests, in order */
    size_t count;
    bool answers;  /* at once, with the path as the body */
    bool echoes;   /* then, with the body of the request */
    size_t wanted; /* requests that wait_requests waits for */
    const char *wanted_text;
} rig;

static inline size_t number_of(uint64_t handle)
{
    for (size_t i = 0; i < rig.count; i++) {
        if (rig.handles[i] == handle) {
            return i;
        }
    }
    fail();
    return 0;
}

static inline enum server_intake on_head(void *arg, const struct http_head *head)
{
    assert_ptr_equal(arg, &rig);
    return slice_starts_with(head->path, SLICE("/stream")) ? SERVER_STREAM : SERVER_COLLECT;
}

static inline void respond_blob(uint64_t handle, int status, struct blob *body)
{
    struct net_effects effects;
    net_effects_init(&effects);
    net_respond(&effects, handle, status, "text/x", body);
    server_perform(rig.server, net_effects_pop(&effects));
}

static inline void respond(size_t number, int status, const char *text)
{
    respond_blob(rig.handles[number], status, blob_from(slice_from(text)));
}

static inline void on_request(void *arg, const struct server_request *request)
{
    (void)arg;
    assert_int_equal(request->peer.family, rig.address.family);
    buf_printf(&rig.log, "%.*s %.*s%s [%.*s]\n", SLICE_ARGS(request->head->method),
               SLICE_ARGS(request->head->path), request->streaming ? " ..." : "",
               (int)MIN(request->body.size, 100), request->body.data);
    assert_true(rig.count < SEEN_MAX);
    rig.handles[rig.count++] = request->handle;
    if (rig.answers) {
        respond_blob(request->handle, 200,
                     blob_from(rig.echoes ? request->body : request->head->path));
    }
}

static inline void on_body(void *arg, uint64_t handle, struct slice piece, bool ended)
{
    (void)arg;
    buf_printf(&rig.log, "BODY %zu [%.*s]%s\n", number_of(handle), SLICE_ARGS(piece),
               ended ? " end" : "");
}

static inline void on_gone(void *arg, uint64_t handle)
{
    (void)arg;
    buf_printf(&rig.log, "GONE %zu\n", number_of(handle));
}

static inline void on_taken(void *arg, uint64_t handle)
{
    (void)arg;
    buf_printf(&rig.log, "TAKEN %zu\n", number_of(handle));
}

static inline void listen_on(const struct address *address)
{
    static const struct server_handlers handlers = {on_head, on_request, on_body, on_gone,
                                                    on_taken};
    rig.server = server_free(rig.server);
    rig.server = server_new(&(struct server_options){.loop = rig.loop,
                                                     .workers = rig.workers,
                                                     .handlers = &handlers,
                                                     .arg = &rig,
                                                     .limits = &rig.limits});
    struct err err;
    assert_int_equal(server_listen(rig.server, address, &rig.address, &err), 0);
}

/* With the limits as they are now. */
static inline void restart(void)
{
    struct address address = local_address();
    listen_on(&address);
}

static inline int set_up(void **state)
{
    (void)state;
    rig = (struct rig){0};
    rig.loop = loop_new();
    rig.workers = workers_new(rig.loop, 2);
    rig.limits = server_limits_default;
    restart();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    server_free(rig.server);
    workers_free(rig.workers);
    loop_free(rig.loop);
    buf_deinit(&rig.log);
    return 0;
}

static inline bool has_requests(void *arg)
{
    (void)arg;
    return rig.count >= rig.wanted;
}

static inline void wait_requests(size_t count)
{
    rig.wanted = count;
    assert_true(wait_for(rig.loop, has_requests, NULL, WAIT_NS));
}

static inline bool has_connections(void *arg)
{
    return server_connection_count(rig.server) == *(const size_t *)arg;
}

static inline void wait_connections(size_t count)
{
    assert_true(wait_for(rig.loop, has_connections, &count, WAIT_NS));
}

static inline bool has_text(void *arg)
{
    (void)arg;
    return strstr(buf_text(&rig.log), rig.wanted_text) != NULL;
}

static inline void wait_log(const char *text)
{
    rig.wanted_text = text;
    if (!wait_for(rig.loop, has_text, NULL, WAIT_NS)) {
        fail_msg("no \"%s\" in \"%s\"", text, buf_text(&rig.log));
    }
}

static inline struct raw dial(void)
{
    return raw_connect(&rig.address);
}

/* Everything behind the head of the only answer. */
static inline struct slice body_of(struct raw *raw)
{
    const char *text = buf_text(&raw->in);
    const char *at = strstr(text, "\r\n\r\n");
    assert_non_null(at);
    return slice_make(at + 4, raw->in.size - (size_t)(at + 4 - text));
}

static const char GET[] UNUSED = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

static inline struct blob *text_blob(size_t size)
{
    struct buf text = BUF_INIT;
    while (text.size < size) {
        buf_printf(&text, "line %zu of many\n", text.size * 7919);
    }
    text.size = size;
    return blob_take(&text);
}

#endif
