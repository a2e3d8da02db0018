#include "master/peer.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "master/authenticate.h"
#include "master/events.h"
#include "master/master_state.h"

struct slice master_peer_key(const struct map_link *link)
{
    const struct peer *peer = CONTAINER_OF(link, struct peer, by_address);
    return slice_make(&peer->address, sizeof(peer->address));
}

static struct peer *link_peer(struct master *master, const struct address *address, bool anew)
{
    struct map_link *link = map_find(&master->peers, slice_make(address, sizeof(*address)));
    struct peer *peer;
    if (link != NULL) {
        peer = CONTAINER_OF(link, struct peer, by_address);
    } else {
        peer = xalloc(sizeof(*peer));
        peer->address = *address;
        list_init(&peer->agents);
        list_init(&peer->frameworks);
        map_add(&master->peers, &peer->by_address);
    }
    /* Not under others who are linked at that address. */
    net_link(&master->effects->net, address)->reconnect =
        anew && list_is_empty(&peer->agents) && list_is_empty(&peer->frameworks);
    return peer;
}

void master_peer_link_agent(struct master *master, struct agent *agent, bool anew)
{
    list_remove(&agent->at_address);
    struct peer *peer = link_peer(master, &agent->upid.address, anew);
    list_push_back(&peer->agents, &agent->at_address);
}

void master_peer_link_framework(struct master *master, struct framework *framework)
{
    struct peer *peer = link_peer(master, &framework->upid.address, false);
    list_remove(&framework->at_address);
    list_push_back(&peer->frameworks, &framework->at_address);
}

void master_peer_free(struct master *master, struct peer *peer)
{
    map_remove(&master->peers, &peer->by_address);
    while (list_pop_front(&peer->agents) != NULL) {
    }
    while (list_pop_front(&peer->frameworks) != NULL) {
    }
    free(peer);
}

void master_peer_exited(struct master *master, const struct address *address)
{
    struct map_link *link = map_find(&master->peers, slice_make(address, sizeof(*address)));
    master_authenticate_exited(master, address);
    if (link == NULL) {
        return;
    }
    struct peer *peer = CONTAINER_OF(link, struct peer, by_address);
    struct agent *agent;
    LIST_FOR_EACH (agent, &peer->agents, at_address) {
        if (agent->state == AGENT_REGISTERED && agent->connected) {
            master_agent_disconnect(master, agent);
        }
    }
    struct framework *framework;
    LIST_FOR_EACH (framework, &peer->frameworks, at_address) {
        if (framework_is_connected(framework->state)) {
            /* If only the link broke, the driver has to learn it (facts/observed.md, wire 5). */
            master_event_error(master, framework, "Framework disconnected");
            master_framework_disconnect(master, framework);
        }
    }
    master_peer_free(master, peer);
}
