/*
 * Peers: addresses that the master is linked to. All actors at an address are gone with its
 * connection (facts/observed.md, wire 3), so who is there is kept by address: agents, and drivers
 * of frameworks.
 */
#ifndef TEPUI_MASTER_PEER_H
#define TEPUI_MASTER_PEER_H

#include "common/list.h"
#include "common/map.h"
#include "wire/upid.h"

struct agent;
struct framework;
struct master;

struct peer {
    struct map_link by_address; /* master->peers */
    struct address address;     /* the key */
    struct list agents;         /* struct agent.at_address */
    struct list frameworks;     /* struct framework.at_address: drivers */
};

struct slice master_peer_key(const struct map_link *link);
/* Those who were there stay as they are, but in no list. */
void master_peer_free(struct master *master, struct peer *peer);

/* Keeps a link to the address that it has now, and takes it from where it was. `anew`: over a new
 * connection, so that nothing that was sent before is still under way; not under others who are
 * linked at that address. */
void master_peer_link_agent(struct master *master, struct agent *agent, bool anew);
void master_peer_link_framework(struct master *master, struct framework *framework);

/* The connection broke: those who were connected by it are disconnected. */
void master_peer_exited(struct master *master, const struct address *address);

#endif
