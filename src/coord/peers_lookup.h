/*
 * The addresses of masters that are named by peers:// or --peers. Blocks, while a name server is
 * asked: for the start, or for a worker.
 */
#ifndef TEPUI_COORD_PEERS_LOOKUP_H
#define TEPUI_COORD_PEERS_LOOKUP_H

#include "election/peers_url.h"
#include "wire/upid.h"

/* Whether a host is named by its address, and so is one master. */
bool peers_host_is_address(const struct peers_host *host);

/* A set of addresses, each once. */
struct peers_addresses {
    struct address *items; /* the caller's */
    size_t count;
    size_t max; /* room in items */
    bool more;  /* there were more */
};

/* Adds all IPv4 addresses of a host, or all IPv6 ones if it has no other. 0 with how many it has,
 * or -EINVAL. */
int peers_lookup_host(const struct peers_host *host, struct peers_addresses *addresses,
                      size_t *ret_count, struct err *err) WARN_UNUSED;
/* Those of all hosts that have one; -EINVAL if none has. */
int peers_lookup_any(const struct peers_url *url, struct peers_addresses *addresses,
                     struct err *err) WARN_UNUSED;

#endif
