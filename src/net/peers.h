/*
 * Connections to the libprocess peers that we send messages to, one for each address.
 *
 * A linked address keeps its connection, and its end is told once (NET_EXITED). Without a link the
 * connection is closed when it has been idle for a while. Messages of one address go out in order;
 * what was written into a connection that breaks is lost, as between the originals (observed.md,
 * wire 6). Answers (202, 404, ...) are read and dropped.
 */
#ifndef TEPUI_NET_PEERS_H
#define TEPUI_NET_PEERS_H

#include "common/blob.h"
#include "net/loop.h"
#include "wire/upid.h"

/* Defaults of the limits. */
#define PEERS_CONNECT_TIMEOUT_NS (30 * NS_PER_SEC)
#define PEERS_IDLE_NS (10 * NS_PER_SEC)
#define PEERS_STALL_NS (60 * NS_PER_SEC)
#define PEERS_UNSENT_SIZE_MAX (256u << 20)

struct peers_limits {
    int64_t connect_timeout_ns; /* until a connection stands */
    int64_t idle_ns;            /* after which a connection without a link is closed */
    int64_t stall_ns;           /* unsent bytes, none of which was taken for so long, break it */
    size_t unsent_size_max;     /* of one connection; beyond, it is broken at once */
};

extern const struct peers_limits peers_limits_default;

/* A linked address has broken, or could not be reached. Called from the loop, never from within the
 * functions below. */
typedef void peers_exited_fn(void *arg, const struct address *address);

struct peers;

struct peers_options {
    struct loop *loop;
    peers_exited_fn *on_exited;
    void *arg;                         /* for on_exited */
    const struct peers_limits *limits; /* NULL = the defaults */
    uint64_t seed;                     /* of the index by address */
};

struct peers *peers_new(const struct peers_options *options) WARN_UNUSED;
struct peers *peers_free(struct peers *peers); /* closes everything; nobody is told */

/* Takes a reference to the body (NULL = empty) if it needs one. */
void peers_send(struct peers *peers, const struct upid *from, const struct upid *to,
                struct slice name, struct blob *body);
/* Connects if there is no connection, or if `reconnect`, which drops an older one untold. */
void peers_link(struct peers *peers, const struct address *address, bool reconnect);
/* Closes the connection behind what is unsent, untold. */
void peers_unlink(struct peers *peers, const struct address *address);

size_t peers_count(const struct peers *peers);
size_t peers_unsent_size(const struct peers *peers); /* walks over them */

#endif
