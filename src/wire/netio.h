/*
 * The vocabulary between a core and the network: events that come in, effects that go out. Master
 * and agent cores, the libevent host (src/net) and the simulator (tests/sim) all speak it.
 *
 * HTTP requests are known to a core by a handle, unique in the life of the process. A core answers
 * each handle exactly once (respond, or stream_open ... stream_close), at any later time; a handle
 * whose client has gone is told of by NET_GONE and needs no answer any more (answers to it are
 * dropped). Answers on one connection go out in the order of their requests; the host sees to that.
 *
 * Messages between actors are at most once and ordered per pair. One connection per address serves
 * all actors there; NET_EXITED tells that a linked address is gone (facts/observed.md).
 */
#ifndef TEPUI_WIRE_NETIO_H
#define TEPUI_WIRE_NETIO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"
#include "wire/http.h"
#include "wire/upid.h"

/* --- events --- */

enum net_event_type {
    NET_REQUEST, /* a request; its body is whole unless `streaming` */
    NET_BODY,    /* the next piece of a streaming request's body; `ended` with the last */
    NET_GONE,    /* the client of this handle has gone, or was cut off for reading too slowly */
    NET_MESSAGE, /* a libprocess message for one of our actors */
    NET_EXITED,  /* a linked address has broken */
    NET_REPLY,   /* the answer to a request that we made (NET_CALL) */
    NET_WORKED,  /* what NET_WORK asked for is done */
    NET_TAKEN,   /* the client of a stream has taken what was written before NET_STREAM_MARK */
};

struct net_request {
    uint64_t handle;
    const struct http_head *head; /* of this step only */
    struct slice path; /* routed path: decoded, delegate added ("/state" is "/master/state"),
                          trailing slash trimmed */
    struct slice body; /* gunzipped; empty while streaming */
    struct address peer;
    bool streaming;        /* the body comes as NET_BODY events */
    const char *principal; /* NULL = not authenticated */
};

struct net_event {
    enum net_event_type type;
    uint64_t handle;               /* REQUEST, BODY, GONE, REPLY, TAKEN; WORKED: the token */
    struct net_request request;    /* REQUEST */
    struct slice body;             /* BODY, MESSAGE, REPLY */
    bool ended;                    /* BODY */
    struct upid from;              /* MESSAGE */
    char to[UPID_ID_SIZE_MAX + 1]; /* MESSAGE: the actor's id */
    struct slice name;             /* MESSAGE: "mesos.internal.PingSlaveMessage" */
    struct address address;        /* EXITED */
    int status;                    /* REPLY: HTTP status, or -errno if there was no answer */
    const struct http_head *head;  /* REPLY with status > 0 */
    struct buf *made;              /* WORKED: what the job filled in; may be taken over */
    size_t unzipped_size;          /* WORKED: see struct net_answer */
};

/* --- effects --- */

/* What a worker renders from a snapshot; also run in place by the simulator. `run` fills the answer
 * (it must not touch the core); `free` releases what the job holds, also when run was never called.
 */
struct net_answer {
    int status;
    const char *content_type; /* static text, NULL = none */
    struct buf body;
    /* Or, in place of the body, bytes that several answers share: they stay as they are until
     * `release` is called, by any thread. */
    struct slice shared;
    void (*release)(void *owner); /* NULL = there are none */
    void *owner;                  /* for release */
    size_t unzipped_size; /* NET_WORK: the body is zipped, and was so large; 0 = it is not */
};

static inline struct slice net_answer_body(const struct net_answer *answer)
{
    return answer->release != NULL ? answer->shared : buf_slice(&answer->body);
}

void net_answer_deinit(struct net_answer *answer); /* idempotent */

struct net_job {
    void (*run)(struct net_job *job, struct net_answer *answer);
    void (*free)(struct net_job *job);
};

struct net_header {
    const char *name;
    char *value; /* heap, owned by the effect */
};

enum net_effect_type {
    NET_RESPOND,      /* answer a handle: status, content_type, headers, body */
    NET_RENDER,       /* answer a handle with what the job renders in a worker */
    NET_STREAM_OPEN,  /* begin a chunked answer: status 200, content_type, headers; body = first
                         piece, unless it comes later */
    NET_STREAM_FIRST, /* the first piece that was to come later: goes out in front of what was
                         written since, and may be larger than what else may wait */
    NET_STREAM_WRITE, /* one chunk: body */
    NET_STREAM_CLOSE, /* the last chunk, then the end */
    NET_STREAM_MARK,  /* tell NET_TAKEN, once, when nearly all that was written has been taken: for
                         writers who could go on for long */
    NET_HANGUP,       /* close the connection of a handle without ending the answer */
    NET_WORK,         /* have a worker run the job and tell NET_WORKED; handle = a token of ours */
    NET_HURRY,        /* others wait for memory: clients who are still not done with a body that was
                         lent long ago are cut off */
    NET_SEND,         /* a libprocess message: route, name, body; connects if need be */
    NET_LINK,         /* keep a connection to an address, and tell NET_EXITED when it breaks */
    NET_UNLINK,       /* forget the address and close the connection */
    NET_CALL,         /* an HTTP request of ours: handle, route, name = method, path, headers,
                         content_type, body; NET_REPLY tells the end */
};

#define NET_HEADERS_MAX 4

/* Who sends to whom; apart, since the most frequent effects have none. */
struct net_route {
    char from_id[UPID_ID_SIZE_MAX + 1]; /* SEND */
    struct upid to;                     /* LINK, UNLINK and CALL use the address alone */
};

struct net_effect {
    struct list link;
    enum net_effect_type type;
    uint64_t handle;
    int status;
    const char *content_type; /* static text, or NULL */
    struct net_header headers[NET_HEADERS_MAX];
    size_t header_count;
    struct blob *body;       /* may be NULL */
    bool lent;               /* RESPOND, STREAM_FIRST: the body is one of few (NET_HURRY) */
    bool opens_later;        /* STREAM_OPEN: STREAM_FIRST comes */
    struct net_job *job;     /* RENDER, WORK */
    struct net_route *route; /* SEND, LINK, UNLINK, CALL: heap; else NULL */
    const char *name;        /* SEND: message name; CALL: method; static text */
    char *path;              /* CALL: heap */
    bool reconnect;          /* LINK: drop an existing connection first */
};

/* Effects in the order in which they are to be performed; part of a core's own effects. */
struct net_effects {
    struct list list;
};

void net_effects_init(struct net_effects *effects);
void net_effects_deinit(struct net_effects *effects);
/* Each takes over the reference to the blob (or NULL), and returns the effect for more to be set.
 */
struct net_effect *net_respond(struct net_effects *effects, uint64_t handle, int status,
                               const char *content_type, struct blob *body);
/* A text/plain answer with a formatted text, as the reference's errors are. */
void net_respond_text(struct net_effects *effects, uint64_t handle, int status, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);
void net_render(struct net_effects *effects, uint64_t handle, struct net_job *job);
struct net_effect *net_stream_open(struct net_effects *effects, uint64_t handle,
                                   const char *content_type);
/* The stream's first piece, lent. */
void net_stream_first(struct net_effects *effects, uint64_t handle, struct blob *piece);
void net_stream_write(struct net_effects *effects, uint64_t handle, struct blob *piece);
void net_stream_close(struct net_effects *effects, uint64_t handle);
void net_stream_mark(struct net_effects *effects, uint64_t handle);
void net_hangup(struct net_effects *effects, uint64_t handle);
void net_work(struct net_effects *effects, uint64_t token, struct net_job *job);
void net_hurry(struct net_effects *effects);
void net_send(struct net_effects *effects, const char *from_id, const struct upid *to,
              const char *name, struct blob *body);
struct net_effect *net_link(struct net_effects *effects, const struct address *address);
void net_unlink(struct net_effects *effects, const struct address *address);
struct net_effect *net_call(struct net_effects *effects, uint64_t handle,
                            const struct address *address, const char *method, const char *path,
                            const char *content_type, struct blob *body);
void net_add_header(struct net_effect *effect, const char *name, const char *value);
/* Takes the first effect out, or NULL; the caller frees it. */
struct net_effect *net_effects_pop(struct net_effects *effects);
struct net_effect *net_effect_free(struct net_effect *effect);

#endif
