/*
 * The addresses and the name of this daemon: what it listens on, and what others are told.
 */
#ifndef TEPUI_DAEMON_OWN_ADDRESS_H
#define TEPUI_DAEMON_OWN_ADDRESS_H

#include "common/arena.h"
#include "common/err.h"
#include "wire/upid.h"

/* The flags of that name; NULL = not given. */
struct own_address_flags {
    const char *ip;
    int64_t port;
    const char *advertise_ip;
    const char *advertise_port;
    const char *hostname;
    bool hostname_lookup;
};

struct own_address {
    struct address listen;
    struct address advertised; /* port 0 = the one really bound */
    const char *hostname;      /* in the arena, or the flag's */
};

/* Flags first, then LIBPROCESS_IP and the like. 0, or -EINVAL, also if LIBPROCESS_SSL_ENABLED asks
 * for TLS. Looks names up: for the start. */
int own_address_find(const struct own_address_flags *flags, struct arena *arena,
                     struct own_address *ret_own, struct err *err) WARN_UNUSED;

/* "host:port", the host looked up if it is a name. 0 or -EINVAL. */
int own_address_resolve(struct slice text, struct address *ret_address,
                        struct err *err) WARN_UNUSED;
/* Does LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH ask for it: a libprocess peer whose UPID names
 * another address than its connection comes from is refused? */
bool own_address_peers_must_match(void);
/* The name of an address, or NULL; in the arena. */
const char *own_address_name(const struct address *address, struct arena *arena);

#endif
