/*
 * zk://user:password@host:port,host:port/path: where the election takes place.
 *
 * A password may hold slashes and colons; the servers begin behind the last '@', so a path cannot
 * hold one. Each host has a port; an IPv6 address stands in brackets.
 */
#ifndef TEPUI_ELECTION_ZK_URL_H
#define TEPUI_ELECTION_ZK_URL_H

#include <stdbool.h>

#include "common/arena.h"
#include "common/err.h"
#include "common/slice.h"

#define ZK_URL_SIZE_MAX 8192
#define ZK_URL_HOSTS_MAX 64
#define ZK_URL_SCHEME "zk://"

struct zk_url {
    const char *hosts;       /* "host:port,host:port" */
    const char *credentials; /* "user:password"; NULL = none */
    const char *path;        /* "/mesos": not "/", no slash at the end */
};

/* Whether a text wants to be such a URL. */
bool zk_url_is(struct slice text);

/* 0 with all texts in the arena, or -EINVAL. Spaces and newlines around it are ignored. */
int zk_url_parse(struct slice text, struct arena *arena, struct zk_url *ret_url,
                 struct err *err) WARN_UNUSED;

#endif
