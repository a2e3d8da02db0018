#include "net/peers.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/map.h"
#include "common/xalloc.h"
#include "net/transport.h"

/* A body of at least this size is handed to the socket where it lies, and not copied. */
#define REFERENCE_SIZE_MIN 4096
/* Written into a socket at a time: then others have their turn. */
#define WRITE_SIZE_MAX 262144
/* A peer that is silently gone is found out after about a minute. */
#define KEEPALIVE_IDLE_SECS 30
#define KEEPALIVE_INTERVAL_SECS 10
#define KEEPALIVE_PROBES 3

const struct peers_limits peers_limits_default = {
    .connect_timeout_ns = PEERS_CONNECT_TIMEOUT_NS,
    .idle_ns = PEERS_IDLE_NS,
    .stall_ns = PEERS_STALL_NS,
    .unsent_size_max = PEERS_UNSENT_SIZE_MAX,
};

/* A connection. It leaves the index the moment it breaks, so that the next message makes a new one.
 */
struct peer {
    uint32_t magic;
    struct peers *peers;
    struct map_link by_address; /* in the index, unless broken */
    struct list link;           /* in peers->all */
    struct address address;
    struct bufferevent *bev;
    struct loop_task task;   /* tells of the end, and frees */
    struct loop_timer timer; /* looks at all that may take too long */
    int64_t begun_ns;        /* when it was opened */
    int64_t used_ns;         /* when a message was last put into it */
    uint64_t written_size;   /* bytes put into the output, ever */
    uint64_t taken_size;     /* of these, taken by the other side at the last look */
    int64_t taken_ns;        /* when that last changed */
    bool connected;
    bool linked;  /* its end is to be told */
    bool leaving; /* unlinked: to be closed when all is sent */
    bool broken;  /* to be freed by the task */
};

#define PEER_MAGIC 0x50454552u

struct peers {
    struct loop *loop;
    peers_exited_fn *on_exited;
    void *arg; /* for on_exited */
    struct peers_limits limits;
    struct map by_address; /* peers that are not broken */
    struct list all;       /* broken ones too */
    size_t count;          /* of all */
    struct buf scratch;    /* a message being written */
};

static int64_t now_ns(const struct peers *peers)
{
    return loop_now(peers->loop).mono_ns;
}

static size_t unsent_size(const struct peer *peer)
{
    return evbuffer_get_length(bufferevent_get_output(peer->bev));
}

/* --- the end of a connection --- */

static void free_peer(struct peer *peer)
{
    if (!peer->broken) {
        map_remove(&peer->peers->by_address, &peer->by_address);
    }
    loop_task_cancel(&peer->task);
    loop_timer_cancel(&peer->timer);
    list_remove(&peer->link);
    peer->peers->count--;
    bufferevent_free(peer->bev);
    OBJ_DEAD(peer);
    free(peer);
}

static void break_peer(struct peer *peer)
{
    if (!peer->broken) {
        peer->broken = true;
        map_remove(&peer->peers->by_address, &peer->by_address);
        (void)bufferevent_disable(peer->bev, EV_READ | EV_WRITE);
        loop_timer_cancel(&peer->timer);
        loop_post(peer->peers->loop, &peer->task);
    }
}

static void on_task(struct loop_task *task)
{
    struct peer *peer;
    CAST_OBJ(peer, CONTAINER_OF(task, struct peer, task), PEER_MAGIC);
    struct peers *peers = peer->peers;
    struct address address = peer->address;
    bool tell = peer->linked;
    free_peer(peer);
    if (tell) {
        peers->on_exited(peers->arg, &address);
    }
}

/* --- time --- */

/* The next moment at which something may have taken too long. */
static int64_t next_look_ns(const struct peer *peer)
{
    const struct peers_limits *limits = &peer->peers->limits;
    if (!peer->connected) {
        return time_add_ns(peer->begun_ns, limits->connect_timeout_ns);
    }
    if (unsent_size(peer) != 0) {
        return time_add_ns(peer->taken_ns, limits->stall_ns);
    }
    return peer->linked ? TIME_NEVER : time_add_ns(peer->used_ns, limits->idle_ns);
}

static void set_timer(struct peer *peer)
{
    int64_t at_ns = next_look_ns(peer);
    /* A deadline that moves away leaves the timer as it is: it looks again when it fires. */
    if (at_ns != TIME_NEVER &&
        (!timer_is_set(&peer->timer.timer) || at_ns < peer->timer.timer.deadline_ns)) {
        loop_timer_set(&peer->timer, at_ns);
    }
}

static void look_at_output(struct peer *peer, int64_t at_ns)
{
    uint64_t taken = peer->written_size - unsent_size(peer);
    if (taken != peer->taken_size) {
        peer->taken_size = taken;
        peer->taken_ns = at_ns;
    }
}

static void on_timer(void *arg)
{
    struct peer *peer;
    CAST_OBJ(peer, arg, PEER_MAGIC);
    int64_t at_ns = now_ns(peer->peers);
    look_at_output(peer, at_ns);
    if (next_look_ns(peer) <= at_ns) {
        break_peer(peer);
    } else {
        set_timer(peer);
    }
}

/* --- a connection --- */

static void on_readable(struct bufferevent *bev, void *arg UNUSED)
{
    /* Answers mean nothing to us (features.md, message framing). */
    struct evbuffer *input = bufferevent_get_input(bev);
    (void)evbuffer_drain(input, evbuffer_get_length(input));
}

static void on_sent(struct bufferevent *bev UNUSED, void *arg)
{
    struct peer *peer;
    CAST_OBJ(peer, arg, PEER_MAGIC);
    if (peer->leaving && !peer->broken) {
        break_peer(peer);
    } else if (!peer->linked) {
        set_timer(peer);
    }
}

static void on_bev_event(struct bufferevent *bev, short what, void *arg)
{
    struct peer *peer;
    CAST_OBJ(peer, arg, PEER_MAGIC);
    if ((what & BEV_EVENT_CONNECTED) == 0) {
        break_peer(peer);
        return;
    }
    int fd = bufferevent_getfd(bev);
    int one = 1;
    int idle = KEEPALIVE_IDLE_SECS;
    int interval = KEEPALIVE_INTERVAL_SECS;
    int probes = KEEPALIVE_PROBES;
    /* These cannot fail on a TCP socket, and nothing depends on them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    peer->connected = true;
    peer->taken_ns = now_ns(peer->peers);
    loop_timer_cancel(&peer->timer);
    set_timer(peer);
}

static struct peer *find(struct peers *peers, const struct address *address)
{
    struct map_link *link = map_find(&peers->by_address, slice_make(address, sizeof(*address)));
    return link != NULL ? CONTAINER_OF(link, struct peer, by_address) : NULL;
}

static struct peer *open_peer(struct peers *peers, const struct address *address)
{
    struct peer *peer = xalloc(sizeof(*peer));
    OBJ_INIT(peer, PEER_MAGIC);
    peer->peers = peers;
    peer->address = *address;
    peer->begun_ns = peer->used_ns = peer->taken_ns = now_ns(peers);
    loop_task_init(&peer->task, on_task);
    loop_timer_init(&peer->timer, peers->loop, on_timer, peer);
    list_push_back(&peers->all, &peer->link);
    peers->count++;
    map_add(&peers->by_address, &peer->by_address);

    /* The one place where a connection's transport is made; TLS will be made here too. */
    peer->bev = bufferevent_socket_new(loop_base(peers->loop), -1, BEV_OPT_CLOSE_ON_FREE);
    ASSERT(peer->bev != NULL);
    bufferevent_setcb(peer->bev, on_readable, on_sent, on_bev_event, peer);
    (void)bufferevent_set_max_single_write(peer->bev, WRITE_SIZE_MAX);
    (void)bufferevent_enable(peer->bev, EV_READ);
    if (transport_connect(peer->bev, address) != 0) {
        break_peer(peer); /* no descriptor, no route */
    } else {
        set_timer(peer);
    }
    return peer;
}

/* --- public --- */

static struct slice address_key(const struct map_link *link)
{
    const struct peer *peer = CONTAINER_OF(link, struct peer, by_address);
    return slice_make(&peer->address, sizeof(peer->address));
}

struct peers *peers_new(const struct peers_options *options)
{
    struct peers *peers = xalloc(sizeof(*peers));
    peers->loop = options->loop;
    peers->on_exited = options->on_exited;
    peers->arg = options->arg;
    peers->limits = options->limits != NULL ? *options->limits : peers_limits_default;
    map_init(&peers->by_address, address_key, options->seed);
    list_init(&peers->all);
    return peers;
}

struct peers *peers_free(struct peers *peers)
{
    if (peers != NULL) {
        struct peer *peer;
        LIST_FOR_EACH (peer, &peers->all, link) {
            free_peer(peer);
        }
        map_deinit(&peers->by_address);
        buf_deinit(&peers->scratch);
        free(peers);
    }
    return NULL;
}

static void release_blob(const void *data UNUSED, size_t size UNUSED, void *arg)
{
    blob_unref(arg);
}

void peers_send(struct peers *peers, const struct upid *from, const struct upid *to,
                struct slice name, struct blob *body)
{
    struct peer *peer = find(peers, &to->address);
    if (peer == NULL) {
        peer = open_peer(peers, &to->address);
    }
    if (peer->broken) {
        return;
    }
    peer->used_ns = now_ns(peers);
    if (unsent_size(peer) == 0) {
        look_at_output(peer, peer->used_ns);
        peer->taken_ns = peer->used_ns; /* what comes now has all its time */
    }
    struct slice bytes = blob_slice(body);
    struct evbuffer *out = bufferevent_get_output(peer->bev);
    struct buf *scratch = &peers->scratch;
    buf_clear(scratch);
    if (bytes.size < REFERENCE_SIZE_MIN) {
        libprocess_put_message(from, to, name, bytes, scratch);
        ASSERT(evbuffer_add(out, scratch->data, scratch->size) == 0);
        peer->written_size += scratch->size;
    } else {
        struct slice tail = SLICE(LIBPROCESS_MESSAGE_END);
        libprocess_put_message_head(from, to, name, bytes.size, scratch);
        ASSERT(evbuffer_add(out, scratch->data, scratch->size) == 0);
        ASSERT(evbuffer_add_reference(out, bytes.data, bytes.size, release_blob, blob_ref(body)) ==
               0);
        ASSERT(evbuffer_add(out, tail.data, tail.size) == 0);
        peer->written_size += scratch->size + bytes.size + tail.size;
    }
    size_t unsent = unsent_size(peer);
    if (unsent > peers->limits.unsent_size_max) {
        break_peer(peer);
    } else {
        set_timer(peer);
    }
}

void peers_link(struct peers *peers, const struct address *address, bool reconnect)
{
    struct peer *peer = find(peers, address);
    if (peer != NULL && reconnect) {
        peer->linked = false;
        break_peer(peer);
        peer = NULL;
    }
    if (peer == NULL) {
        peer = open_peer(peers, address);
    }
    peer->linked = true;
    peer->leaving = false;
}

void peers_unlink(struct peers *peers, const struct address *address)
{
    struct peer *peer = find(peers, address);
    if (peer != NULL) {
        peer->linked = false;
        if (unsent_size(peer) == 0) {
            break_peer(peer);
        } else {
            peer->leaving = true;
        }
    }
}

size_t peers_count(const struct peers *peers)
{
    return peers->count;
}

size_t peers_unsent_size(const struct peers *peers)
{
    size_t size = 0;
    struct peer *peer;
    LIST_FOR_EACH (peer, &peers->all, link) {
        if (!peer->broken) {
            size += unsent_size(peer);
        }
    }
    return size;
}
