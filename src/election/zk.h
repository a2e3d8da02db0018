/*
 * The vocabulary between the election and a ZooKeeper session: events that come in, effects that go
 * out. src/coord speaks it with libzookeeper, tests with a model of an ensemble.
 *
 * Sessions are numbered by the machine that opens them; every event bears the number of the session
 * that it is of. Operations are numbered too, over all sessions, and each is answered by ZK_DONE at
 * most once: not if its session is closed first.
 */
#ifndef TEPUI_ELECTION_ZK_H
#define TEPUI_ELECTION_ZK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blob.h"
#include "common/list.h"
#include "common/slice.h"

/* How an operation ended. */
enum zk_error {
    ZK_OK,
    ZK_NO_NODE,
    ZK_NODE_EXISTS,
    ZK_NO_AUTH, /* the node's ACL does not allow it */
    ZK_UNKNOWN, /* connection or session went: it may have been done, or not */
    ZK_REFUSED, /* anything else; it would be refused again */
};

const char *zk_error_text(enum zk_error error);

enum zk_event_type {
    ZK_TICK,        /* of no session: the deadline has come */
    ZK_OPEN_FAILED, /* the session does not exist: no host's name could be resolved, ... */
    ZK_CONNECTED,   /* for the first time, or again */
    ZK_CONNECTING,  /* the connection is lost; another one is looked for */
    ZK_EXPIRED,     /* the ensemble has ended the session */
    ZK_AUTH_FAILED, /* and with it, the session */
    ZK_DONE,        /* an operation's answer */
    ZK_WATCH,       /* a watch has fired, and is gone */
};

/* Pointers are of the step only. */
struct zk_event {
    enum zk_event_type type;
    uint64_t session;
    int64_t timeout_ns;          /* CONNECTED: after which the ensemble ends the session */
    uint64_t op;                 /* DONE */
    enum zk_error error;         /* DONE */
    const char *text;            /* OPEN_FAILED, DONE with ZK_REFUSED: what the library says */
    const char *path;            /* WATCH; DONE of a ZK_CREATE: with the number */
    struct slice data;           /* DONE of a ZK_GET_DATA */
    const char *const *children; /* DONE of a ZK_GET_CHILDREN: names, in no order */
    size_t child_count;
};

enum zk_effect_type {
    ZK_OPEN,         /* text: hosts; timeout_ns: as wished for */
    ZK_CLOSE,        /* its ephemeral nodes go, if it is connected; no more events come */
    ZK_ADD_AUTH,     /* text: user:password, of the scheme "digest" */
    ZK_EXISTS,       /* path */
    ZK_CREATE,       /* path, data, ephemeral, restricted */
    ZK_GET_CHILDREN, /* path, watch */
    ZK_GET_DATA,     /* path, watch (is set only if the node is there) */
};

struct zk_effect {
    struct list link;
    enum zk_effect_type type;
    uint64_t session;
    uint64_t op;        /* none for OPEN and CLOSE */
    int64_t timeout_ns; /* OPEN */
    char *text;         /* hosts, credentials or path; heap; NULL for CLOSE */
    struct blob *data;  /* CREATE; NULL = none */
    bool ephemeral;     /* CREATE: ends with the session, and gets a number behind its name */
    bool restricted; /* CREATE: everybody reads, who is authenticated does all; else all do all */
    bool watch;      /* tell ZK_WATCH once the children, or the data, have changed */
};

/* In the order in which they are to be performed. */
struct zk_effects {
    struct list list;
};

void zk_effects_init(struct zk_effects *effects);
void zk_effects_deinit(struct zk_effects *effects);
/* Takes the text (heap, may be NULL) over, and returns the effect for more to be set. */
struct zk_effect *zk_effects_add(struct zk_effects *effects, enum zk_effect_type type,
                                 uint64_t session, uint64_t op, char *text);
/* Takes the first effect out, or NULL; the caller frees it. */
struct zk_effect *zk_effects_pop(struct zk_effects *effects);
struct zk_effect *zk_effect_free(struct zk_effect *effect);

#endif
