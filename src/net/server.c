#include "net/server.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/xalloc.h"
#include "net/server_internal.h"

/* How long nothing is accepted when there are no descriptors left. */
#define ACCEPT_PAUSE_NS (100 * NS_PER_MS)
/* A client that is silently gone is found out after about a minute. */
#define KEEPALIVE_IDLE_SECS 30
#define KEEPALIVE_INTERVAL_SECS 10
#define KEEPALIVE_PROBES 3
#define LISTEN_BACKLOG 4096

const struct server_limits server_limits_default = {
    .connections_max = SERVER_CONNECTIONS_MAX,
    .head_timeout_ns = SERVER_HEAD_TIMEOUT_NS,
    .body_timeout_ns = SERVER_BODY_TIMEOUT_NS,
    .body_size_max = HTTP_BODY_SIZE_MAX,
    .pipeline_max = SERVER_PIPELINE_MAX,
    .output_pause_size = SERVER_OUTPUT_PAUSE_SIZE,
    .stream_size_soft = SERVER_STREAM_SIZE_SOFT,
    .stream_size_max = SERVER_STREAM_SIZE_MAX,
    .stream_stall_ns = SERVER_STREAM_STALL_NS,
    .answer_stall_ns = SERVER_ANSWER_STALL_NS,
    .lent_ns = SERVER_LENT_NS,
    .lent_stall_ns = SERVER_LENT_STALL_NS,
    .linger_ns = SERVER_LINGER_NS,
};

struct listener {
    struct list link; /* in the server */
    struct evconnlistener *ev;
};

/* --- the set of connections --- */

void server_forget(struct server *server, struct conn *conn)
{
    list_remove(&conn->link);
    server->count--;
}

/* Closes the connection that has been idle for longest; false if there is none. */
static bool make_room(struct server *server)
{
    if (list_is_empty(&server->idle)) {
        return false;
    }
    conn_free(LIST_ENTRY(server->idle.next, struct conn, link));
    return true;
}

/* --- listening --- */

/* The one place where a connection's transport is made; TLS will be made here too. */
static struct bufferevent *open_transport(struct server *server, evutil_socket_t fd)
{
    int one = 1;
    int idle = KEEPALIVE_IDLE_SECS;
    int interval = KEEPALIVE_INTERVAL_SECS;
    int probes = KEEPALIVE_PROBES;
    /* These cannot fail on a TCP socket, and nothing depends on them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    return bufferevent_socket_new(loop_base(server->loop), fd, BEV_OPT_CLOSE_ON_FREE);
}

static void on_accept(struct evconnlistener *ev UNUSED, evutil_socket_t fd,
                      struct sockaddr *sockaddr, int size UNUSED, void *arg)
{
    struct server *server = arg;
    struct address peer;
    if (!address_from_sockaddr(sockaddr, &peer) ||
        (server->count >= server->limits.connections_max && !make_room(server))) {
        (void)evutil_closesocket(fd);
        return;
    }
    struct bufferevent *bev = open_transport(server, fd);
    ASSERT(bev != NULL);
    conn_new(server, bev, &peer);
}

static void enable(struct server *server, bool enabled)
{
    struct listener *listener;
    LIST_FOR_EACH (listener, &server->listeners, link) {
        int r =
            enabled ? evconnlistener_enable(listener->ev) : evconnlistener_disable(listener->ev);
        ASSERT(r == 0);
    }
}

static void on_accept_timer(void *arg)
{
    enable(arg, true);
}

/* No descriptors, no memory: libevent would be called again at once, and again. */
static void on_accept_error(struct evconnlistener *ev UNUSED, void *arg)
{
    struct server *server = arg;
    (void)make_room(server);
    enable(server, false);
    loop_timer_set(&server->accept_timer, loop_now(server->loop).mono_ns + ACCEPT_PAUSE_NS);
}

int server_listen(struct server *server, const struct address *address, struct address *ret_bound,
                  struct err *err)
{
    struct sockaddr_storage storage;
    socklen_t size;
    char text[ADDRESS_TEXT_SIZE];
    address_to_sockaddr(address, &storage, &size);
    address_format(address, text);

    unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE;
    if (address->family == 6) {
        flags |= LEV_OPT_BIND_IPV6ONLY; /* both families may be listened on at one port */
    }
    struct evconnlistener *ev =
        evconnlistener_new_bind(loop_base(server->loop), on_accept, server, flags, LISTEN_BACKLOG,
                                (struct sockaddr *)&storage, (int)size);
    if (ev == NULL) {
        return err_errno(err, "listening on %s", text);
    }
    size = sizeof(storage);
    ASSERT(getsockname(evconnlistener_get_fd(ev), (struct sockaddr *)&storage, &size) == 0);
    ASSERT(address_from_sockaddr((struct sockaddr *)&storage, ret_bound));
    evconnlistener_set_error_cb(ev, on_accept_error);
    struct listener *listener = xalloc(sizeof(*listener));
    listener->ev = ev;
    list_push_back(&server->listeners, &listener->link);
    return 0;
}

void server_stop_listening(struct server *server)
{
    loop_timer_cancel(&server->accept_timer);
    struct listener *listener;
    LIST_FOR_EACH (listener, &server->listeners, link) {
        list_remove(&listener->link);
        evconnlistener_free(listener->ev);
        free(listener);
    }
}

/* --- public --- */

static struct slice handle_key(const struct map_link *link)
{
    const struct exchange *exchange = CONTAINER_OF(link, struct exchange, by_handle);
    return slice_make(&exchange->handle, sizeof(exchange->handle));
}

struct server *server_new(const struct server_options *options)
{
    struct server *server = xalloc(sizeof(*server));
    server->loop = options->loop;
    server->workers = options->workers;
    server->handlers = options->handlers;
    server->arg = options->arg;
    server->limits = options->limits != NULL ? *options->limits : server_limits_default;
    server->next_handle = 1;
    server->date_secs = -1;
    list_init(&server->listeners);
    list_init(&server->idle);
    list_init(&server->busy);
    list_init(&server->renders);
    map_init(&server->exchanges, handle_key, 0); /* handles are ours: nobody aims at them */
    loop_timer_init(&server->accept_timer, server->loop, on_accept_timer, server);
    return server;
}

struct server *server_free(struct server *server)
{
    if (server == NULL) {
        return NULL;
    }
    server_stop_listening(server);
    struct conn *conn;
    LIST_FOR_EACH (conn, &server->idle, link) {
        conn_free(conn);
    }
    LIST_FOR_EACH (conn, &server->busy, link) {
        conn_free(conn);
    }
    ASSERT(server->count == 0 && server->exchanges.count == 0);
    server_orphan_renders(server);
    map_deinit(&server->exchanges);
    buf_deinit(&server->scratch);
    buf_deinit(&server->date);
    free(server);
    return NULL;
}

void server_hurry(struct server *server)
{
    int64_t at_ns = loop_now(server->loop).mono_ns;
    struct conn *conn;
    LIST_FOR_EACH (conn, &server->busy, link) {
        if (!conn->dead && conn_has_lent(conn) && !conn_hurries(conn, at_ns)) {
            conn_kill(conn);
        }
    }
}

size_t server_connection_count(const struct server *server)
{
    return server->count;
}

size_t server_unsent_size(const struct server *server)
{
    size_t size = 0;
    struct conn *conn;
    LIST_FOR_EACH (conn, &server->busy, link) {
        size += conn_unsent_size(conn);
    }
    return size;
}
