/* libzookeeper in a process: connections, pings, and what becomes of operations. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_net.h"
#include "sim/sim_zk_internal.h"

/* How often a client looks at its clock. */
#define LOOK_NS (NS_PER_SEC / 4)

static struct zk_client *client_of(struct sim_zk *zk, struct sim_node *node)
{
    ASSERT(node->index < SIM_ZK_CLIENTS_MAX);
    struct zk_client *client = &zk->clients[node->index];
    if (client->node == NULL || client->incarnation != node->incarnation) {
        *client = (struct zk_client){.zk = zk, .node = node, .incarnation = node->incarnation};
    }
    return client;
}

static int64_t clock_ns(const struct zk_client *client)
{
    return sim_now(client->node).mono_ns;
}

static void tell(const struct zk_client *client, struct zk_event *event, uint64_t session)
{
    event->session = session;
    client->tell(client->node, event);
}

/* --- packets --- */

static void arrive_at_server(struct sim *sim UNUSED, void *arg)
{
    zk_server_take(arg);
    zk_packet_free(arg);
}

static void send_to_server(struct zk_client *client, enum zk_packet_type type, struct zk_effect *op)
{
    struct sim *sim = client->zk->sim;
    struct zk_server *server = &client->zk->servers[client->server];
    struct zk_packet *packet = zk_packet_new(client, server, type);
    packet->op = op;
    int64_t at_ns =
        sim_network_clear_ns(sim->network, client->node, server->node) + zk_latency_ns(sim);
    client->out_ns = MAX(client->out_ns, at_ns);
    sim_schedule(sim, client->out_ns, server->node, arrive_at_server, packet, zk_packet_free);
}

/* --- connections --- */

struct look {
    struct zk_client *client;
    uint32_t connection;
};

static void look(struct sim *sim, void *arg);

static void look_later(struct zk_client *client)
{
    struct look *next = xalloc(sizeof(*next));
    *next = (struct look){client, client->connection};
    sim_schedule(client->zk->sim, client->zk->sim->now_ns + LOOK_NS, client->node, look, next,
                 free);
}

static void begin_connection(struct zk_client *client)
{
    struct sim_zk *zk = client->zk;
    client->connection = ++zk->next_connection;
    client->is_connected = false;
    client->server = (int)prng_below(&zk->sim->prng, (uint64_t)zk->options.servers);
    client->begun_ns = clock_ns(client);
    client->out_ns = client->in_ns = 0;
    send_to_server(client, PACKET_CONNECT, NULL);
    look_later(client);
}

/* What was asked over it may be done still, or is lost on its way. */
static void break_connection(struct zk_client *client)
{
    struct sim_zk *zk = client->zk;
    struct zk_session *session = client->session;
    uint64_t number = session->number;
    uint32_t broken = client->connection;
    uint64_t ops[SIM_ZK_OPS_MAX];
    size_t count = client->op_count;
    for (size_t i = 0; i < count; i++) {
        ops[i] = client->ops[i].number;
        zk->counts.doubtful += client->ops[i].creates;
    }
    client->op_count = 0;
    client->is_connected = false;
    zk->counts.broken++;
    if (prng_below(&zk->sim->prng, 2) == 0) {
        session->refused = broken;
    }
    tell(client, &(struct zk_event){.type = ZK_CONNECTING}, number);
    for (size_t i = 0; i < count; i++) {
        tell(client, &(struct zk_event){.type = ZK_DONE, .op = ops[i], .error = ZK_UNKNOWN},
             number);
    }
    if (client->session == session && client->connection == broken) {
        begin_connection(client);
    }
}

/* Pings, and gives up a connection that says nothing, or never came to be. */
static void look(struct sim *sim UNUSED, void *arg)
{
    struct look *seen = arg;
    struct zk_client *client = seen->client;
    bool is_old = client->connection != seen->connection || client->session == NULL;
    free(seen);
    if (is_old) {
        return;
    }
    int64_t now_ns = clock_ns(client);
    int64_t timeout_ns = client->session->timeout_ns;
    if (!client->is_connected) {
        if (now_ns - client->begun_ns >= timeout_ns / 3) {
            begin_connection(client);
        } else {
            look_later(client);
        }
        return;
    }
    if (now_ns - client->heard_ns >= timeout_ns / 3 * 2) {
        break_connection(client);
        return;
    }
    if (now_ns - client->asked_ns >= timeout_ns / 3) {
        client->asked_ns = now_ns;
        send_to_server(client, PACKET_PING, NULL);
    }
    look_later(client);
}

/* --- what comes --- */

static void forget_op(struct zk_client *client, uint64_t number)
{
    for (size_t i = 0; i < client->op_count; i++) {
        if (client->ops[i].number == number) {
            client->ops[i] = client->ops[--client->op_count];
            return;
        }
    }
}

static void take_done(struct zk_client *client, struct zk_packet *packet)
{
    forget_op(client, packet->number);
    tell(client,
         &(struct zk_event){
             .type = ZK_DONE,
             .op = packet->number,
             .error = packet->error,
             .path = packet->path,
             .data = blob_slice(packet->data),
             .children = (const char *const *)packet->children,
             .child_count = packet->child_count,
         },
         packet->session->number);
}

void zk_client_take(struct zk_packet *packet)
{
    struct zk_client *client = packet->client;
    struct zk_session *session = packet->session;
    if (client->connection != packet->connection || client->session != session) {
        return;
    }
    client->heard_ns = clock_ns(client);
    session->seen = MAX(session->seen, packet->zxid);
    switch (packet->type) {
    case PACKET_CONNECTED:
        client->is_connected = true;
        client->asked_ns = client->heard_ns;
        tell(client, &(struct zk_event){.type = ZK_CONNECTED, .timeout_ns = session->timeout_ns},
             session->number);
        break;
    case PACKET_EXPIRED:
        client->session = NULL;
        tell(client, &(struct zk_event){.type = ZK_EXPIRED}, session->number);
        break;
    case PACKET_PONG:
        break;
    case PACKET_DONE:
        take_done(client, packet);
        break;
    case PACKET_WATCH:
        zk_session_drop_watch(session, packet->path, packet->connection);
        tell(client, &(struct zk_event){.type = ZK_WATCH, .path = packet->path}, session->number);
        break;
    case PACKET_BROKEN:
        if (client->is_connected) {
            break_connection(client);
        }
        break;
    case PACKET_CONNECT:
    case PACKET_PING:
    case PACKET_OP:
    case PACKET_CLOSE:
        WRONG("a server's packet");
    }
}

/* --- what the process wants --- */

static void open_session(struct zk_client *client, const struct zk_effect *effect)
{
    struct sim_zk *zk = client->zk;
    struct zk_session *session = xalloc(sizeof(*session));
    ASSERT(client->session == NULL);
    session->id = ++zk->next_session;
    session->number = effect->session;
    session->timeout_ns = effect->timeout_ns;
    list_init(&session->watches);
    list_push_back(&zk->sessions, &session->link);
    client->session = session;
    client->op_count = 0;
    zk->counts.sessions++;
    begin_connection(client);
}

static void close_session(struct zk_client *client)
{
    if (client->is_connected) {
        send_to_server(client, PACKET_CLOSE, NULL);
    }
    client->session = NULL;
    client->is_connected = false;
    client->op_count = 0;
}

static void break_now(struct sim *sim UNUSED, void *arg)
{
    zk_client_take(arg);
    zk_packet_free(arg);
}

/* Before it arrives, while it is done, or before the answer arrives. */
static void break_soon(struct zk_client *client)
{
    struct sim *sim = client->zk->sim;
    struct zk_server *server = &client->zk->servers[client->server];
    int64_t wait_ns = sim_draw_ns(sim, 0, 3 * sim->options.latency_max_ns);
    client->breaks_at_create = false;
    sim_schedule(sim, sim->now_ns + wait_ns, client->node, break_now,
                 zk_packet_new(client, server, PACKET_BROKEN), zk_packet_free);
}

/* Only while there is a connection. */
static void ask(struct zk_client *client, struct zk_effect *effect)
{
    ASSERT(client->session != NULL && client->session->number == effect->session &&
           client->is_connected && client->op_count < SIM_ZK_OPS_MAX);
    client->ops[client->op_count].number = effect->op;
    client->ops[client->op_count++].creates = effect->type == ZK_CREATE && effect->ephemeral;
    if (client->breaks_at_create && client->ops[client->op_count - 1].creates) {
        break_soon(client);
    }
    send_to_server(client, PACKET_OP, effect);
}

void sim_zk_perform(struct sim_zk *zk, struct sim_node *node, struct zk_effects *effects,
                    sim_zk_tell_fn *tell_fn)
{
    struct zk_client *client = client_of(zk, node);
    struct zk_effect *effect;
    client->tell = tell_fn;
    while ((effect = zk_effects_pop(effects)) != NULL) {
        switch (effect->type) {
        case ZK_OPEN:
            open_session(client, effect);
            break;
        case ZK_CLOSE:
            if (client->session != NULL && client->session->number == effect->session) {
                close_session(client);
            }
            break;
        case ZK_ADD_AUTH:
        case ZK_EXISTS:
        case ZK_CREATE:
        case ZK_GET_CHILDREN:
        case ZK_GET_DATA:
            ask(client, TAKE_PTR(effect));
            break;
        }
        zk_effect_free(effect);
    }
}

void sim_zk_break_at_create(struct sim_zk *zk, struct sim_node *node)
{
    client_of(zk, node)->breaks_at_create = true;
}

void sim_zk_leave(struct sim_zk *zk, struct sim_node *node)
{
    struct zk_client *client = client_of(zk, node);
    if (client->session != NULL) {
        close_session(client);
    }
}
