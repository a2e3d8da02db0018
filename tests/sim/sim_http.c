#include "sim/sim_http.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_net.h"

#define HEADERS 4

/* One request with its connection. Kept until both sides know that it is over. */
struct conn {
    struct list link;
    uint64_t call; /* number; also the server's handle */
    struct sim_node *client;
    uint32_t client_incarnation;
    struct sim_node *server; /* NULL: nobody has that address */
    uint32_t server_incarnation;
    bool as_call;          /* a NET_CALL: the client is told by NET_REPLY */
    uint64_t reply_handle; /* of the NET_CALL */
    bool broken;
    bool client_done; /* the client expects nothing more */
    bool server_done; /* the server has answered, or was told that the client has gone */
    int64_t down_ns;  /* arrival of the newest thing at the client */
};

struct sim_http {
    struct sim *sim;
    struct list conns;
    uint64_t next_call;
    /* Arrival of the newest request, [client][server]: clients keep a connection for their calls.
     */
    int64_t up_ns[SIM_NODES_MAX][SIM_NODES_MAX];
};

enum parcel_type { TO_SERVER_REQUEST, TO_SERVER_GONE, TO_SERVER_TAKEN, TO_CLIENT };

struct parcel {
    enum parcel_type type;
    struct sim_http *http;
    uint64_t call;
    /* the request */
    char *method;
    char *path;
    struct http_header headers[HEADERS]; /* values on the heap */
    size_t header_count;
    struct blob *body;
    /* the answer */
    struct sim_http_event event;
    char *stream_id;
};

struct sim_http *sim_http_new(struct sim *sim)
{
    struct sim_http *http = xalloc(sizeof(*http));
    http->sim = sim;
    list_init(&http->conns);
    http->next_call = 1;
    return http;
}

struct sim_http *sim_http_free(struct sim_http *http)
{
    struct list *link;
    while ((link = list_pop_front(&http->conns)) != NULL) {
        free(LIST_ENTRY(link, struct conn, link));
    }
    free(http);
    return NULL;
}

static struct conn *find(struct sim_http *http, uint64_t call)
{
    struct conn *conn;
    LIST_FOR_EACH (conn, &http->conns, link) {
        if (conn->call == call) {
            return conn;
        }
    }
    return NULL;
}

static void settle(struct conn *conn)
{
    if (conn->client_done && conn->server_done) {
        list_remove(&conn->link);
        free(conn);
    }
}

static void parcel_free(void *arg)
{
    struct parcel *parcel = arg;
    free(parcel->method);
    free(parcel->path);
    for (size_t i = 0; i < parcel->header_count; i++) {
        free((char *)(uintptr_t)parcel->headers[i].value.data);
    }
    blob_unref(parcel->body);
    free(parcel->stream_id);
    free(parcel);
}

/* --- deliveries --- */

static void give_request(struct parcel *parcel, struct conn *conn)
{
    struct sim_node *server = conn->server;
    struct http_head head = {
        .method = slice_from(parcel->method),
        .target = slice_from(parcel->path),
        .path = slice_from(parcel->path),
        .headers = parcel->headers,
        .header_count = parcel->header_count,
        .keep_alive = true,
        .has_body = parcel->body != NULL,
        .content_size = (int64_t)blob_slice(parcel->body).size,
    };
    ptrdiff_t query = slice_find(head.path, '?');
    if (query >= 0) {
        head.query = slice_skip(head.path, (size_t)query + 1);
        head.path.size = (size_t)query;
    }
    struct net_event event = {
        .type = NET_REQUEST,
        .handle = conn->call,
        .request =
            {
                .handle = conn->call,
                .head = &head,
                .path = head.path,
                .body = blob_slice(parcel->body),
                .peer = conn->client->address,
            },
    };
    sim_trace(server->sim, server, "< %s %s %s", conn->client->name, parcel->method, parcel->path);
    server->program->on_net(server->core, server, &event);
}

static void give_gone(struct conn *conn)
{
    struct sim_node *server = conn->server;
    struct net_event event = {.type = NET_GONE, .handle = conn->call};
    conn->server_done = true;
    if (server->core != NULL && server->incarnation == conn->server_incarnation) {
        sim_trace(server->sim, server, "sees the client %s gone", conn->client->name);
        server->program->on_net(server->core, server, &event);
    }
}

static void give_taken(struct conn *conn)
{
    struct sim_node *server = conn->server;
    struct net_event event = {.type = NET_TAKEN, .handle = conn->call};
    if (server->core != NULL && server->incarnation == conn->server_incarnation) {
        server->program->on_net(server->core, server, &event);
    }
}

static void give_client(struct parcel *parcel, struct conn *conn)
{
    struct sim_node *client = conn->client;
    bool ends = parcel->event.type == SIM_HTTP_ANSWER || parcel->event.type == SIM_HTTP_CLOSED;
    if (conn->client_done) {
        return;
    }
    conn->client_done = ends;
    parcel->event.call = conn->call;
    parcel->event.body = blob_slice(parcel->body);
    parcel->event.stream_id = slice_from(parcel->stream_id);
    bool as_call = conn->as_call;
    uint64_t handle = conn->reply_handle;
    if (ends) {
        settle(conn);
    }
    if (as_call) {
        struct net_event event = {
            .type = NET_REPLY,
            .handle = handle,
            .status = parcel->event.type == SIM_HTTP_ANSWER ? parcel->event.status : -ECONNRESET,
            .body = parcel->event.body,
        };
        if (ends) {
            client->program->on_net(client->core, client, &event);
        }
    } else if (client->program->on_http != NULL) {
        client->program->on_http(client->core, client, &parcel->event);
    }
}

static void deliver(struct sim *sim UNUSED, void *arg)
{
    struct parcel *parcel = arg;
    struct conn *conn = find(parcel->http, parcel->call);
    if (conn != NULL) {
        switch (parcel->type) {
        case TO_SERVER_REQUEST:
            if (!conn->broken && conn->server->core != NULL && !conn->server_done) {
                give_request(parcel, conn);
            }
            break;
        case TO_SERVER_GONE:
            if (!conn->server_done) {
                give_gone(conn);
                settle(conn);
            }
            break;
        case TO_SERVER_TAKEN:
            if (!conn->broken && !conn->server_done) {
                give_taken(conn);
            }
            break;
        case TO_CLIENT:
            if ((!conn->broken || parcel->event.type == SIM_HTTP_CLOSED) &&
                conn->client->core != NULL) {
                give_client(parcel, conn);
            }
            break;
        }
    }
    parcel_free(parcel);
}

static struct parcel *parcel_new(struct sim_http *http, const struct conn *conn,
                                 enum parcel_type type)
{
    struct parcel *parcel = xalloc(sizeof(*parcel));
    parcel->type = type;
    parcel->http = http;
    parcel->call = conn->call;
    return parcel;
}

static int64_t arrival(struct sim_http *http, const struct sim_node *from,
                       const struct sim_node *to, int64_t *last_ns)
{
    const struct sim_options *options = &http->sim->options;
    int64_t at_ns = sim_network_clear_ns(http->sim->network, from, to) +
                    sim_draw_ns(http->sim, options->latency_min_ns, options->latency_max_ns);
    *last_ns = MAX(*last_ns, at_ns);
    return *last_ns;
}

static void send_down(struct sim_http *http, struct conn *conn, struct parcel *parcel)
{
    int64_t at_ns = arrival(http, conn->server, conn->client, &conn->down_ns);
    sim_schedule(http->sim, at_ns, conn->client, deliver, parcel, parcel_free);
}

/* --- breaking --- */

static void tell_client_closed(struct sim_http *http, struct conn *conn, int64_t at_ns)
{
    struct parcel *parcel = parcel_new(http, conn, TO_CLIENT);
    parcel->event = (struct sim_http_event){.type = SIM_HTTP_CLOSED, .broken = true};
    sim_schedule(http->sim, at_ns, conn->client, deliver, parcel, parcel_free);
}

static void tell_server_gone(struct sim_http *http, struct conn *conn, int64_t at_ns)
{
    struct parcel *parcel = parcel_new(http, conn, TO_SERVER_GONE);
    sim_schedule(http->sim, at_ns, conn->server, deliver, parcel, parcel_free);
}

/* Clients take everything as it arrives. */
static void tell_server_taken(struct sim_http *http, struct conn *conn)
{
    struct parcel *parcel = parcel_new(http, conn, TO_SERVER_TAKEN);
    sim_schedule(http->sim, conn->down_ns, conn->server, deliver, parcel, parcel_free);
}

/* On one machine the kernel tells at once. */
static int64_t noticed(struct sim_http *http, const struct conn *conn)
{
    if (conn->server != NULL && conn->client->host == conn->server->host) {
        return http->sim->now_ns;
    }
    return http->sim->now_ns + sim_draw_ns(http->sim, 0, http->sim->options.notice_max_ns);
}

static void break_conn(struct sim_http *http, struct conn *conn)
{
    if (conn->broken) {
        return;
    }
    conn->broken = true;
    if (!conn->client_done) {
        tell_client_closed(http, conn, noticed(http, conn));
    }
    if (!conn->server_done && conn->server != NULL) {
        tell_server_gone(http, conn, noticed(http, conn));
    }
}

void sim_http_break(struct sim_http *http, struct sim_node *client, struct sim_node *server)
{
    struct conn *conn;
    LIST_FOR_EACH (conn, &http->conns, link) {
        if (conn->client == client && conn->server == server) {
            break_conn(http, conn);
        }
    }
}

void sim_http_node_down(struct sim_http *http, struct sim_node *node)
{
    struct conn *conn;
    LIST_FOR_EACH (conn, &http->conns, link) {
        bool involved = conn->client == node || conn->server == node;
        if (!involved) {
            continue;
        }
        conn->client_done |= conn->client == node;
        conn->server_done |= conn->server == node;
        break_conn(http, conn);
        settle(conn);
    }
}

/* --- clients --- */

static void put_header(struct parcel *parcel, const char *name, const char *value)
{
    if (value != NULL) {
        ASSERT(parcel->header_count < HEADERS);
        parcel->headers[parcel->header_count++] =
            (struct http_header){slice_from(name), slice_from(xstrdup(value))};
    }
}

static struct conn *request(struct sim_node *node, const struct sim_http_request *request)
{
    struct sim *sim = node->sim;
    struct sim_http *http = sim->http;
    struct conn *conn = xalloc(sizeof(*conn));
    conn->call = http->next_call++;
    conn->client = node;
    conn->client_incarnation = node->incarnation;
    conn->server = sim_find_address(sim, &request->address);
    list_push_back(&http->conns, &conn->link);
    if (conn->server == NULL || conn->server->core == NULL ||
        conn->server->program->on_net == NULL) {
        conn->broken = true;
        conn->server_done = true;
        tell_client_closed(http, conn, sim->now_ns + sim->options.latency_max_ns);
        return conn;
    }
    conn->server_incarnation = conn->server->incarnation;
    struct parcel *parcel = parcel_new(http, conn, TO_SERVER_REQUEST);
    parcel->method = xstrdup(request->method);
    parcel->path = xstrdup(request->path);
    put_header(parcel, "Content-Type", request->content_type);
    put_header(parcel, "Accept", request->accept);
    put_header(parcel, "Mesos-Stream-Id", request->stream_id);
    parcel->body = blob_from(request->body);
    int64_t at_ns =
        arrival(http, node, conn->server, &http->up_ns[node->index][conn->server->index]);
    sim_schedule(sim, at_ns, conn->server, deliver, parcel, parcel_free);
    return conn;
}

uint64_t sim_http_request(struct sim_node *node, const struct sim_http_request *wanted)
{
    return request(node, wanted)->call;
}

void sim_http_close(struct sim_node *node, uint64_t call)
{
    struct sim_http *http = node->sim->http;
    struct conn *conn = find(http, call);
    if (conn != NULL && conn->client == node) {
        conn->client_done = true;
        conn->broken = true;
        if (!conn->server_done) {
            tell_server_gone(http, conn, noticed(http, conn));
        }
        settle(conn);
    }
}

/* --- servers --- */

static void answer(struct sim_http *http, struct conn *conn, int status, struct blob *body)
{
    struct parcel *parcel = parcel_new(http, conn, TO_CLIENT);
    parcel->event = (struct sim_http_event){.type = SIM_HTTP_ANSWER, .status = status};
    parcel->body = body;
    conn->server_done = true;
    send_down(http, conn, parcel);
}

static void render(struct sim_http *http, struct conn *conn, struct net_job *job)
{
    struct net_answer rendered = {.status = 200};
    job->run(job, &rendered);
    answer(http, conn, rendered.status, blob_from(net_answer_body(&rendered)));
    net_answer_deinit(&rendered);
}

static void stream(struct sim_http *http, struct conn *conn, enum sim_http_event_type type,
                   struct blob *body)
{
    struct parcel *parcel = parcel_new(http, conn, TO_CLIENT);
    parcel->event = (struct sim_http_event){.type = type, .status = 200};
    parcel->body = body;
    send_down(http, conn, parcel);
}

static void stream_open(struct sim_http *http, struct conn *conn, const struct net_effect *effect)
{
    struct parcel *parcel = parcel_new(http, conn, TO_CLIENT);
    parcel->event = (struct sim_http_event){.type = SIM_HTTP_OPENED, .status = effect->status};
    for (size_t i = 0; i < effect->header_count; i++) {
        if (slice_equal_nocase(slice_from(effect->headers[i].name), SLICE("Mesos-Stream-Id"))) {
            parcel->stream_id = xstrdup(effect->headers[i].value);
        }
    }
    send_down(http, conn, parcel);
    if (effect->body != NULL) {
        stream(http, conn, SIM_HTTP_PIECE, blob_ref(effect->body));
    }
}

static void call(struct sim_node *node, const struct net_effect *effect)
{
    struct sim_http_request wanted = {
        .address = effect->route->to.address,
        .method = effect->name,
        .path = effect->path,
        .content_type = effect->content_type,
        .body = blob_slice(effect->body),
    };
    struct conn *conn = request(node, &wanted);
    conn->as_call = true;
    conn->reply_handle = effect->handle;
}

void sim_http_perform(struct sim_http *http, struct sim_node *node, const struct net_effect *effect)
{
    if (effect->type == NET_CALL) {
        call(node, effect);
        return;
    }
    struct conn *conn = find(http, effect->handle);
    if (conn == NULL || conn->server != node || conn->server_done) {
        return; /* the client has gone: dropped, as the host does */
    }
    switch (effect->type) {
    case NET_RESPOND:
        answer(http, conn, effect->status, blob_ref(effect->body));
        break;
    case NET_RENDER:
        render(http, conn, effect->job);
        break;
    case NET_STREAM_OPEN:
        stream_open(http, conn, effect);
        break;
    case NET_STREAM_FIRST: /* clients of the simulation do not mind the order */
    case NET_STREAM_WRITE:
        stream(http, conn, SIM_HTTP_PIECE, blob_ref(effect->body));
        break;
    case NET_STREAM_CLOSE:
        conn->server_done = true;
        stream(http, conn, SIM_HTTP_CLOSED, NULL);
        break;
    case NET_STREAM_MARK:
        tell_server_taken(http, conn);
        break;
    case NET_HANGUP:
        conn->server_done = true;
        break_conn(http, conn);
        break;
    case NET_SEND:
    case NET_LINK:
    case NET_UNLINK:
    case NET_CALL:
    case NET_WORK:
    case NET_HURRY:
        WRONG("not an effect of HTTP");
    }
}
