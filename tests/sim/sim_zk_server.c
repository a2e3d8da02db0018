/* What ZooKeeper's servers do with what their clients ask. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "sim/sim_zk_internal.h"

/* --- reading --- */

static void read_children(struct sim_zk *zk, const struct zk_packet *packet,
                          struct zk_packet *answer)
{
    const struct zk_server *server = packet->server;
    zk->counts.stale += server->zxid < zk->tree.zxid;
    if (sim_zk_tree_find(&zk->tree, packet->op->text, server->zxid) == NULL) {
        answer->error = ZK_NO_NODE;
        return;
    }
    answer->children =
        sim_zk_tree_children(&zk->tree, packet->op->text, server->zxid, &answer->child_count);
    if (packet->op->watch) {
        zk_session_add_watch(packet->session, packet->op->text, true, server->zxid);
    }
}

static void read_data(struct sim_zk *zk, const struct zk_packet *packet, struct zk_packet *answer)
{
    const struct zk_server *server = packet->server;
    const struct sim_zk_node *node = sim_zk_tree_find(&zk->tree, packet->op->text, server->zxid);
    if (node == NULL) {
        answer->error = ZK_NO_NODE;
        return;
    }
    answer->data = blob_ref(node->data);
    if (packet->op->watch) {
        zk_session_add_watch(packet->session, packet->op->text, false, server->zxid);
    }
}

static void read_now(struct sim_zk *zk, struct zk_packet *packet)
{
    struct zk_packet *answer = zk_answer_to(packet, PACKET_DONE);
    answer->number = packet->op->op;
    switch (packet->op->type) {
    case ZK_ADD_AUTH:
        break;
    case ZK_EXISTS:
        answer->error = sim_zk_tree_find(&zk->tree, packet->op->text, packet->server->zxid) != NULL
                            ? ZK_OK
                            : ZK_NO_NODE;
        break;
    case ZK_GET_CHILDREN:
        read_children(zk, packet, answer);
        break;
    case ZK_GET_DATA:
        read_data(zk, packet, answer);
        break;
    case ZK_OPEN:
    case ZK_CLOSE:
    case ZK_CREATE:
        WRONG("no read");
    }
    zk_send_to_client(answer);
}

static void make_session(struct sim_zk *zk, struct zk_packet *packet)
{
    struct zk_session *session = packet->session;
    session->is_made = true;
    zk->tree.zxid++;
    session->touched_ns = zk->sim->now_ns;
    zk_session_watch(zk, session);
}

static void take_connection(struct sim_zk *zk, struct zk_packet *packet)
{
    struct zk_session *session = packet->session;
    session->connection = packet->connection;
    session->server = (int)(packet->server - zk->servers);
    session->touched_ns = zk->sim->now_ns;
    zk_send_to_client(zk_answer_to(packet, PACKET_CONNECTED));
    if (packet->client->connection == packet->connection) {
        zk_fire(zk, session, packet->client);
    }
}

static bool is_current(const struct zk_packet *packet)
{
    const struct zk_session *session = packet->session;
    return !session->is_over && session->connection == packet->connection &&
           session->refused != packet->connection;
}

/* A server that has lost who leads closes its connections: what it leaves unanswered is in doubt.
 */
static void hang_up(struct zk_packet *packet)
{
    if (packet->session->connection == packet->connection) {
        packet->session->refused = packet->connection;
    }
    zk_send_to_client(zk_answer_to(packet, PACKET_BROKEN));
}

/* A transaction is due: it happens if the server can reach who leads, or could so a moment ago. */
static void commit(struct sim *sim, void *arg)
{
    struct zk_packet *packet = arg;
    struct sim_zk *zk = packet->server->zk;
    struct zk_server *server = packet->server;
    bool is_answered = zk_server_serves(server);
    bool happens = is_answered || (zk_works(zk) && prng_below(&sim->prng, 2) == 0);
    if (packet->type == PACKET_CONNECT) {
        if (is_answered && !packet->session->is_made) {
            make_session(zk, packet);
            server->zxid = zk->tree.zxid;
            take_connection(zk, packet);
            zk_committed(zk);
        }
    } else if (happens && !packet->session->is_over &&
               packet->session->connection == packet->connection) {
        char *path = NULL;
        struct zk_packet *answer = zk_answer_to(packet, PACKET_DONE);
        if (packet->type == PACKET_CLOSE) {
            zk_session_end(zk, packet->session);
        } else {
            answer->error = sim_zk_tree_create(&zk->tree, packet->op, packet->session->id, &path);
            answer->number = packet->op->op;
            answer->path = path;
            zk_committed(zk);
        }
        if (is_answered) {
            server->zxid = zk->tree.zxid;
            zk_fire_all(server);
        }
        if (is_answered && packet->type == PACKET_OP) {
            zk_send_to_client(answer);
        } else {
            zk_packet_free(answer);
        }
    }
    if (!is_answered) {
        hang_up(packet);
    }
    zk_packet_free(packet);
}

static void commit_later(struct sim *sim, struct zk_packet *packet)
{
    struct zk_packet *copy = zk_answer_to(packet, packet->type);
    copy->op = TAKE_PTR(packet->op);
    packet->session->commit_ns = MAX(packet->session->commit_ns, sim->now_ns + zk_latency_ns(sim));
    sim_schedule(sim, packet->session->commit_ns, packet->server->node, commit, copy,
                 zk_packet_free);
}

/* What is behind a transaction of the same session waits for it. */
static void again(struct sim *sim UNUSED, void *arg)
{
    zk_server_take(arg);
    zk_packet_free(arg);
}

static void wait_for_commit(struct sim *sim, struct zk_packet *packet)
{
    struct zk_packet *copy = zk_answer_to(packet, packet->type);
    copy->op = TAKE_PTR(packet->op);
    sim_schedule(sim, packet->session->commit_ns, packet->server->node, again, copy,
                 zk_packet_free);
}

static void take_attempt(struct sim_zk *zk, struct zk_packet *packet)
{
    struct zk_session *session = packet->session;
    if (!session->is_made) {
        commit_later(zk->sim, packet);
    } else if (session->is_over) {
        zk_send_to_client(zk_answer_to(packet, PACKET_EXPIRED));
    } else if (packet->server->zxid >= session->seen) {
        take_connection(zk, packet);
    } /* else the client tries another server */
}

void zk_server_take(struct zk_packet *packet)
{
    struct sim_zk *zk = packet->server->zk;
    struct zk_session *session = packet->session;
    bool is_served = zk_server_serves(packet->server);
    if (packet->type == PACKET_CONNECT) {
        if (is_served) {
            take_attempt(zk, packet);
        }
        return;
    }
    if (!is_served || !is_current(packet)) {
        hang_up(packet);
        return;
    }
    session->touched_ns = zk->sim->now_ns;
    if (packet->type == PACKET_PING) {
        zk_send_to_client(zk_answer_to(packet, PACKET_PONG));
    } else if (packet->type == PACKET_CLOSE || packet->op->type == ZK_CREATE) {
        commit_later(zk->sim, packet);
    } else if (session->commit_ns > zk->sim->now_ns) {
        wait_for_commit(zk->sim, packet);
    } else {
        read_now(zk, packet);
    }
}
