#include "sim/sim_zk.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_net.h"
#include "sim/sim_zk_internal.h"

#define PORT 2181

/* --- packets --- */

struct zk_packet *zk_packet_new(const struct zk_client *client, struct zk_server *server,
                                enum zk_packet_type type)
{
    struct zk_packet *packet = xalloc(sizeof(*packet));
    packet->type = type;
    packet->client = &server->zk->clients[client->node->index];
    packet->session = client->session;
    packet->connection = client->connection;
    packet->server = server;
    return packet;
}

void zk_packet_free(void *arg)
{
    struct zk_packet *packet = arg;
    zk_effect_free(packet->op);
    free(packet->path);
    blob_unref(packet->data);
    for (size_t i = 0; i < packet->child_count; i++) {
        free(packet->children[i]);
    }
    free(packet->children);
    free(packet);
}

int64_t zk_latency_ns(struct sim *sim)
{
    return sim_draw_ns(sim, sim->options.latency_min_ns, sim->options.latency_max_ns);
}

static void arrive_at_client(struct sim *sim UNUSED, void *arg)
{
    struct zk_packet *packet = arg;
    const struct zk_client *client = packet->client;
    if (sim_is_up(client->node) && client->incarnation == client->node->incarnation) {
        zk_client_take(packet);
    }
    zk_packet_free(packet);
}

void zk_send_to_client(struct zk_packet *packet)
{
    struct zk_client *client = packet->client;
    struct sim *sim = client->zk->sim;
    packet->zxid = packet->server->zxid;
    int64_t at_ns =
        sim_network_clear_ns(sim->network, packet->server->node, client->node) + zk_latency_ns(sim);
    if (client->connection == packet->connection) {
        client->in_ns = at_ns = MAX(client->in_ns, at_ns);
    }
    sim_schedule(sim, at_ns, client->node, arrive_at_client, packet, zk_packet_free);
}

struct zk_packet *zk_answer_to(const struct zk_packet *packet, enum zk_packet_type type)
{
    struct zk_packet *answer = xalloc(sizeof(*answer));
    answer->type = type;
    answer->client = packet->client;
    answer->session = packet->session;
    answer->connection = packet->connection;
    answer->server = packet->server;
    return answer;
}

/* --- who can reach whom --- */

static bool is_running(const struct zk_server *server)
{
    return sim_is_up(server->node) && server->node->paused_until_ns <= server->zk->sim->now_ns;
}

static bool reach(const struct zk_server *a, const struct zk_server *b)
{
    const struct sim *sim = a->zk->sim;
    return sim_network_clear_ns(sim->network, a->node, b->node) <= sim->now_ns &&
           sim_network_clear_ns(sim->network, b->node, a->node) <= sim->now_ns;
}

/* Whether a majority of servers runs and can be reached by this one. */
static bool may_lead(const struct zk_server *server)
{
    const struct sim_zk *zk = server->zk;
    int count = 0;
    for (int i = 0; i < zk->options.servers; i++) {
        count += is_running(&zk->servers[i]) && reach(server, &zk->servers[i]);
    }
    return is_running(server) && count > zk->options.servers / 2;
}

bool zk_server_serves(const struct zk_server *server)
{
    const struct sim_zk *zk = server->zk;
    for (int i = 0; is_running(server) && i < zk->options.servers; i++) {
        if (reach(server, &zk->servers[i]) && may_lead(&zk->servers[i])) {
            return true;
        }
    }
    return false;
}

bool zk_works(const struct sim_zk *zk)
{
    for (int i = 0; i < zk->options.servers; i++) {
        if (may_lead(&zk->servers[i])) {
            return true;
        }
    }
    return false;
}

/* --- watches --- */

void zk_session_add_watch(struct zk_session *session, const char *path, bool of_children,
                          uint64_t since)
{
    struct zk_watch *watch;
    LIST_FOR_EACH (watch, &session->watches, link) {
        if (watch->told_over == 0 && watch->of_children == of_children &&
            strcmp(watch->path, path) == 0) {
            return;
        }
    }
    watch = xalloc(sizeof(*watch));
    watch->path = xstrdup(path);
    watch->of_children = of_children;
    watch->since = since;
    list_push_back(&session->watches, &watch->link);
}

static void watch_free(struct zk_watch *watch)
{
    list_remove(&watch->link);
    free(watch->path);
    free(watch);
}

void zk_session_drop_watch(struct zk_session *session, const char *path, uint32_t told_over)
{
    struct zk_watch *watch;
    LIST_FOR_EACH (watch, &session->watches, link) {
        if (watch->told_over == told_over && strcmp(watch->path, path) == 0) {
            watch_free(watch);
            return;
        }
    }
}

void zk_fire(struct sim_zk *zk, struct zk_session *session, struct zk_client *client)
{
    struct zk_server *server = &zk->servers[session->server];
    struct zk_watch *watch;
    LIST_FOR_EACH (watch, &session->watches, link) {
        if (watch->told_over != session->connection &&
            sim_zk_tree_changed(&zk->tree, watch->path, watch->of_children, watch->since,
                                server->zxid)) {
            watch->told_over = session->connection;
            struct zk_packet *packet = zk_packet_new(client, server, PACKET_WATCH);
            packet->session = session;
            packet->path = xstrdup(watch->path);
            zk_send_to_client(packet);
        }
    }
}

void zk_fire_all(struct zk_server *server)
{
    struct sim_zk *zk = server->zk;
    for (int i = 0; i < SIM_ZK_CLIENTS_MAX; i++) {
        struct zk_client *client = &zk->clients[i];
        if (client->session != NULL && client->session->connection == client->connection &&
            &zk->servers[client->session->server] == server) {
            zk_fire(zk, client->session, client);
        }
    }
}

/* --- servers behind one another --- */

static void catch_up(struct zk_server *server);

static void catch_up_now(struct sim *sim, void *arg)
{
    struct zk_server *server = arg;
    server->is_catching_up = false;
    if (zk_server_serves(server) && server->zxid < server->zk->tree.zxid) {
        uint64_t behind = server->zk->tree.zxid - server->zxid;
        server->zxid += 1 + prng_below(&sim->prng, behind);
        zk_fire_all(server);
    }
    catch_up(server);
}

static void catch_up(struct zk_server *server)
{
    struct sim *sim = server->zk->sim;
    if (server->is_catching_up || server->zxid == server->zk->tree.zxid ||
        !sim_is_up(server->node)) {
        return;
    }
    server->is_catching_up = true;
    int64_t wait_ns = zk_latency_ns(sim);
    wait_ns += sim_draw_ns(sim, 0, server->zk->options.lag_max_ns);
    sim_schedule(sim, sim->now_ns + MAX(wait_ns, NS_PER_MS), server->node, catch_up_now, server,
                 NULL);
}

void zk_committed(struct sim_zk *zk)
{
    for (int i = 0; i < zk->options.servers; i++) {
        catch_up(&zk->servers[i]);
    }
}

/* --- sessions --- */

void zk_session_end(struct sim_zk *zk, struct zk_session *session)
{
    session->is_over = true;
    sim_zk_tree_end_session(&zk->tree, session->id);
    zk_committed(zk);
}

struct expiry {
    struct sim_zk *zk;
    struct zk_session *session;
};

static void expire_if_silent(struct sim *sim, void *arg)
{
    struct expiry *expiry = arg;
    struct sim_zk *zk = expiry->zk;
    struct zk_session *session = expiry->session;
    free(expiry);
    if (session->is_over) {
        return;
    }
    if (!zk_works(zk)) {
        session->touched_ns = sim->now_ns; /* who leads next gives everybody time */
    }
    if (session->touched_ns + session->timeout_ns <= sim->now_ns) {
        zk->counts.expired++;
        sim_trace(sim, NULL, "session %llu expires", (unsigned long long)session->id);
        zk_session_end(zk, session);
    } else {
        zk_session_watch(zk, session);
    }
}

void zk_session_watch(struct sim_zk *zk, struct zk_session *session)
{
    struct expiry *expiry = xalloc(sizeof(*expiry));
    *expiry = (struct expiry){zk, session};
    sim_schedule(zk->sim, session->touched_ns + session->timeout_ns, NULL, expire_if_silent, expiry,
                 free);
}

void sim_zk_expire(struct sim_zk *zk, struct sim_node *node)
{
    struct zk_client *client = &zk->clients[node->index];
    struct zk_session *session = client->session;
    if (session == NULL || session->is_over || !session->is_made || !zk_works(zk)) {
        return;
    }
    zk->counts.expired++;
    zk_session_end(zk, session);
    if (client->is_connected) {
        zk_send_to_client(zk_packet_new(client, &zk->servers[client->server], PACKET_BROKEN));
    }
}

/* --- servers as processes --- */

static void *server_start(struct sim_node *node)
{
    struct zk_server *server = node->arg;
    server->is_catching_up = false;
    return server;
}

/* Its connections are no more, also if it is back before their clients notice. */
static void server_stop(void *core)
{
    struct zk_server *server = core;
    struct sim *sim = server->zk->sim;
    struct zk_session *session;
    LIST_FOR_EACH (session, &server->zk->sessions, link) {
        if (&server->zk->servers[session->server] == server) {
            session->refused = session->connection;
        }
    }
    for (int i = 0; i < SIM_ZK_CLIENTS_MAX; i++) {
        struct zk_client *client = &server->zk->clients[i];
        if (client->session != NULL && client->is_connected &&
            &server->zk->servers[client->server] == server && sim_is_up(client->node)) {
            int64_t at_ns = sim->now_ns + sim_draw_ns(sim, 0, sim->options.notice_max_ns);
            sim_schedule(sim, at_ns, client->node, arrive_at_client,
                         zk_packet_new(client, server, PACKET_BROKEN), zk_packet_free);
        }
    }
}

/* When it has just started, it is behind. */
static int64_t server_deadline(const void *core)
{
    const struct zk_server *server = core;
    return server->is_catching_up || server->zxid == server->zk->tree.zxid
               ? TIME_NEVER
               : sim_now(server->node).mono_ns;
}

static void server_on_tick(void *core, struct sim_node *node UNUSED)
{
    catch_up(core);
}

static const struct sim_program server_program = {
    .name = "ZooKeeper",
    .start = server_start,
    .stop = server_stop,
    .deadline = server_deadline,
    .on_tick = server_on_tick,
};

/* --- the ensemble --- */

struct sim_zk *sim_zk_new(struct sim *sim, const struct sim_zk_options *options)
{
    ASSERT(options->servers <= SIM_ZK_SERVERS_MAX);
    struct sim_zk *zk = xalloc(sizeof(*zk));
    zk->sim = sim;
    zk->options = *options;
    list_init(&zk->sessions);
    sim_zk_tree_init(&zk->tree);
    zk->tree.counts_down = options->counts_down;
    for (int i = 0; i < options->servers; i++) {
        struct zk_server *server = &zk->servers[i];
        server->zk = zk;
        server->zxid = zk->tree.zxid;
        (void)snprintf(server->name, sizeof(server->name), "z%d", i + 1);
        server->node = sim_add_node(sim, server->name, &server_program, PORT, server);
        sim_start(server->node);
    }
    return zk;
}

struct sim_zk *sim_zk_free(struct sim_zk *zk)
{
    struct zk_session *session;
    struct zk_watch *watch;
    if (zk == NULL) {
        return NULL;
    }
    for (int i = 0; i < zk->options.servers; i++) {
        sim_crash(zk->servers[i].node); /* or the simulation would stop what is gone */
    }
    LIST_FOR_EACH (session, &zk->sessions, link) {
        LIST_FOR_EACH (watch, &session->watches, link) {
            watch_free(watch);
        }
        list_remove(&session->link);
        free(session);
    }
    sim_zk_tree_deinit(&zk->tree);
    free(zk);
    return NULL;
}

/* --- how it stands --- */

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *sim_zk_own(const struct sim_zk *zk, const struct sim_node *node, const char *prefix)
{
    const struct zk_client *client = &zk->clients[node->index];
    const struct sim_zk_node *made;
    if (client->session == NULL || client->incarnation != node->incarnation) {
        return NULL;
    }
    LIST_FOR_EACH (made, &zk->tree.nodes, link) {
        if (made->owner == client->session->id && made->deleted == UINT64_MAX &&
            begins_with(made->path, prefix)) {
            return made->path;
        }
    }
    return NULL;
}

int sim_zk_lower_count(const struct sim_zk *zk, const char *prefix, const char *than)
{
    const struct sim_zk_node *made;
    int count = 0;
    LIST_FOR_EACH (made, &zk->tree.nodes, link) {
        count += made->deleted == UINT64_MAX && begins_with(made->path, prefix) &&
                 strcmp(made->path, than) < 0;
    }
    return count;
}

struct sim_zk_counts sim_zk_counts(const struct sim_zk *zk)
{
    return zk->counts;
}
