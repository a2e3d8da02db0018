/*
 * Connections that we open: where a socket is made. (Those that come in are the listener's.)
 */
#ifndef TEPUI_NET_TRANSPORT_H
#define TEPUI_NET_TRANSPORT_H

#include "common/macro.h"
#include "wire/upid.h"

struct bufferevent;

/*
 * Begins to connect; its end is told by the bufferevent, which owns the socket. Negative errno if
 * it cannot be begun at all (no descriptor, no route).
 *
 * The socket is closed on exec, which libevent's own is not. Whoever inherits it keeps the
 * connection open behind our back and may speak in our name, and our epoll goes on to report it
 * after we have closed it.
 */
int transport_connect(struct bufferevent *bev, const struct address *address) WARN_UNUSED;

#endif
