/*
 * peers://host:port,host:port: all masters of a cluster that elects without ZooKeeper, as agents
 * and the command line name them (--master); and without the scheme, as masters do (--peers).
 *
 * A host is a name, of which all addresses count, or an address, IPv6 in brackets. Each has a port.
 */
#ifndef TEPUI_ELECTION_PEERS_URL_H
#define TEPUI_ELECTION_PEERS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/slice.h"

#define PEERS_URL_SCHEME "peers://"
/* Hosts in a list, and bytes of one. */
#define PEERS_URL_HOSTS_MAX 16
#define PEERS_URL_HOST_SIZE_MAX 255

struct peers_host {
    const char *name; /* without brackets */
    uint16_t port;
};

struct peers_url {
    struct peers_host hosts[PEERS_URL_HOSTS_MAX];
    size_t count; /* at least 1 */
};

/* Whether a text wants to be such a URL. */
bool peers_url_is(struct slice text);

/* 0 with all texts in the arena, or -EINVAL. Spaces and newlines around it and its hosts, and one
 * slash at its end, are ignored. */
int peers_url_parse(struct slice text, struct arena *arena, struct peers_url *ret_url,
                    struct err *err) WARN_UNUSED;
/* The list alone, "host:port,host:port"; a scheme is refused. */
int peers_url_parse_list(struct slice text, struct arena *arena, struct peers_url *ret_url,
                         struct err *err) WARN_UNUSED;

#endif
