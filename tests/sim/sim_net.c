#include "sim/sim_net.h"

#include <stdlib.h>

#include "common/xalloc.h"

/* A cut of at least this long makes TCP give up (both sides' keepalive and retransmission). */
#define SIM_GIVE_UP_NS (60 * NS_PER_SEC)

/* From one node to another. */
struct lane {
    bool open;
    bool linked;          /* `from` wants NET_EXITED */
    uint32_t generation;  /* counts breaks; messages of an older one are lost */
    int64_t last_ns;      /* arrival of the newest message: FIFO */
    int64_t cut_until_ns; /* nothing passes before */
};

struct sim_network {
    struct sim *sim;
    struct lane lanes[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to] */
};

struct message {
    struct sim_node *from_node;
    struct sim_node *to_node;
    uint32_t generation;
    struct upid from;
    char to[UPID_ID_SIZE_MAX + 1];
    const char *name;
    struct blob *body;
};

struct exited {
    struct sim_node *node;
    struct address address;
};

struct sim_network *sim_network_new(struct sim *sim)
{
    struct sim_network *network = xalloc(sizeof(*network));
    network->sim = sim;
    return network;
}

struct sim_network *sim_network_free(struct sim_network *network)
{
    free(network);
    return NULL;
}

static struct lane *lane_of(struct sim_network *network, const struct sim_node *from,
                            const struct sim_node *to)
{
    return &network->lanes[from->index][to->index];
}

int64_t sim_network_clear_ns(const struct sim_network *network, const struct sim_node *a,
                             const struct sim_node *b)
{
    return MAX(network->sim->now_ns, network->lanes[a->index][b->index].cut_until_ns);
}

static void message_free(void *arg)
{
    struct message *message = arg;
    blob_unref(message->body);
    free(message);
}

static void deliver(struct sim *sim, void *arg)
{
    struct message *message = arg;
    struct lane *lane = lane_of(sim->network, message->from_node, message->to_node);
    struct sim_node *to = message->to_node;
    if (lane->generation == message->generation && to->core != NULL &&
        to->program->on_net != NULL) {
        struct net_event event = {
            .type = NET_MESSAGE,
            .from = message->from,
            .name = slice_from(message->name),
            .body = blob_slice(message->body),
        };
        memcpy(event.to, message->to, sizeof(event.to));
        sim_trace(sim, to, "< %s %s", message->from_node->name, message->name);
        to->program->on_net(to->core, to, &event);
    }
    message_free(message);
}

static void deliver_exited(struct sim *sim, void *arg)
{
    struct exited *exited = arg;
    struct sim_node *node = exited->node;
    if (node->core != NULL && node->program->on_net != NULL) {
        struct net_event event = {.type = NET_EXITED, .address = exited->address};
        struct sim_node *gone = sim_find_address(sim, &exited->address);
        sim_trace(sim, node, "sees %s gone", gone != NULL ? gone->name : "a peer");
        node->program->on_net(node->core, node, &event);
    }
    free(exited);
}

static void tell_exited(struct sim *sim, struct sim_node *node, const struct address *address,
                        int64_t at_ns)
{
    struct exited *exited = xalloc(sizeof(*exited));
    exited->node = node;
    exited->address = *address;
    sim_schedule(sim, at_ns, node, deliver_exited, exited, free);
}

static void break_lane(struct sim_network *network, struct sim_node *from, struct sim_node *to,
                       int64_t notice_at_ns)
{
    struct lane *lane = lane_of(network, from, to);
    if (!lane->open) {
        return;
    }
    lane->open = false;
    lane->generation++;
    lane->last_ns = 0;
    if (lane->linked) {
        lane->linked = false;
        tell_exited(network->sim, from, &to->address, notice_at_ns);
    }
}

void sim_network_break(struct sim_network *network, struct sim_node *a, struct sim_node *b)
{
    struct sim *sim = network->sim;
    break_lane(network, a, b, sim->now_ns + sim_draw_ns(sim, 0, sim->options.notice_max_ns));
}

void sim_network_node_down(struct sim_network *network, struct sim_node *node)
{
    struct sim *sim = network->sim;
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *other = sim->nodes[i];
        struct lane *own = lane_of(network, node, other);
        own->linked = false;
        break_lane(network, node, other, 0);
        /* The kernel resets the connection at once, unless it cannot get through. */
        int64_t clear_ns = sim_network_clear_ns(network, node, other);
        break_lane(network, other, node,
                   clear_ns + sim_draw_ns(sim, 0, sim->options.notice_max_ns));
    }
}

void sim_network_cut(struct sim_network *network, const struct sim_node *a,
                     const struct sim_node *b, int64_t until_ns)
{
    struct lane *lane = lane_of(network, a, b);
    lane->cut_until_ns = MAX(lane->cut_until_ns, until_ns);
    if (until_ns - network->sim->now_ns >= SIM_GIVE_UP_NS) {
        sim_network_break(network, network->sim->nodes[a->index], network->sim->nodes[b->index]);
        sim_network_break(network, network->sim->nodes[b->index], network->sim->nodes[a->index]);
    }
}

void sim_network_heal(struct sim_network *network)
{
    for (int i = 0; i < network->sim->node_count; i++) {
        for (int j = 0; j < network->sim->node_count; j++) {
            network->lanes[i][j].cut_until_ns = 0;
        }
    }
}

static void send_message(struct sim_network *network, struct sim_node *node, struct sim_node *to,
                         const struct net_effect *effect)
{
    struct sim *sim = network->sim;
    struct lane *lane = lane_of(network, node, to);
    struct message *message = xalloc(sizeof(*message));
    message->from_node = node;
    message->to_node = to;
    message->generation = lane->generation;
    memcpy(message->from.id, effect->route->from_id, sizeof(message->from.id));
    message->from.address = node->address;
    memcpy(message->to, effect->route->to.id, sizeof(message->to));
    message->name = effect->name;
    message->body = blob_ref(effect->body);
    int64_t at_ns = sim_network_clear_ns(network, node, to) +
                    sim_draw_ns(sim, sim->options.latency_min_ns, sim->options.latency_max_ns);
    lane->last_ns = MAX(lane->last_ns, at_ns);
    sim_schedule(sim, lane->last_ns, to, deliver, message, message_free);
}

/* Opens the lane if the peer can be reached; if it cannot, who has linked is told. */
static bool open_lane(struct sim_network *network, struct sim_node *node, struct sim_node *to,
                      const struct address *address, bool link)
{
    struct sim *sim = network->sim;
    if (to == NULL || to->core == NULL) {
        if (link) {
            int64_t wait_ns = to == NULL || sim_network_clear_ns(network, node, to) > sim->now_ns
                                  ? sim->options.connect_timeout_ns
                                  : sim->options.latency_max_ns;
            tell_exited(sim, node, address, sim->now_ns + wait_ns);
        }
        return false;
    }
    struct lane *lane = lane_of(network, node, to);
    lane->open = true;
    lane->linked |= link;
    return true;
}

void sim_network_perform(struct sim_network *network, struct sim_node *node,
                         const struct net_effect *effect)
{
    struct sim_node *to = sim_find_address(network->sim, &effect->route->to.address);
    if (effect->type == NET_UNLINK) {
        if (to != NULL) {
            lane_of(network, node, to)->linked = false;
            break_lane(network, node, to, 0);
        }
        return;
    }
    if (effect->type == NET_LINK) {
        if (effect->reconnect && to != NULL) {
            lane_of(network, node, to)->linked = false;
            break_lane(network, node, to, 0);
        }
        open_lane(network, node, to, &effect->route->to.address, true);
        return;
    }
    ASSERT(effect->type == NET_SEND);
    if (open_lane(network, node, to, &effect->route->to.address, false)) {
        send_message(network, node, to, effect);
    }
}
