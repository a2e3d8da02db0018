/*
 * The master's registry in the daemon: in memory, or in the replicated log, whose replica runs in
 * this process and shares the master's port (--registry, --work_dir, --quorum).
 *
 * The replica is there from the start, also while another master leads. Operations are answered
 * from the loop, never from within master_registry_ask.
 */
#ifndef TEPUI_DAEMON_MASTER_REGISTRY_H
#define TEPUI_DAEMON_MASTER_REGISTRY_H

#include "common/err.h"
#include "common/metrics.h"
#include "net/host.h"
#include "registry/registry.h"

struct master_registry_options {
    struct loop *loop;
    struct net_host *net;
    struct metrics *metrics; /* of the daemon; gets registrar/log/... */
    bool in_memory;          /* else all below counts, up to the callbacks */
    const char *work_dir;    /* its replicated_log/ is made if missing */
    size_t quorum;           /* of 2 x quorum - 1 replicas */
    bool auto_initialize;    /* --log_auto_initialize */
    bool compacts;           /* log_host_compacts() */
    struct address self;     /* by which the other replicas know us */
    int64_t fetch_timeout_ns;
    int64_t store_timeout_ns;
    uint64_t seed; /* random */
    void (*on_answer)(void *arg, const struct registry_event *event);
    /* The log cannot be used any more: the process has to end. */
    void (*on_failed)(void *arg, const char *why);
    /* After master_registry_contend: the log's promise is ours, by that number. */
    void (*on_promise)(void *arg, uint64_t number);
    void *arg; /* for the callbacks */
};

struct master_registry;

/* 0 or -errno. */
int master_registry_new(const struct master_registry_options *options,
                        struct master_registry **ret_registry, struct err *err) WARN_UNUSED;
/* Nobody is answered any more. Waits for what is being written. NULL is fine. */
struct master_registry *master_registry_free(struct master_registry *registry);

/* Takes over the operation. */
void master_registry_ask(struct master_registry *registry, struct registry_op *op);
/* All replicas of the log; ourselves may be left out. */
void master_registry_set_members(struct master_registry *registry, const struct upid *members,
                                 size_t count);

/* Masters that elect through the log (--peers): asks for its promise, until on_promise or
 * master_registry_resign; gives it up again. */
void master_registry_contend(struct master_registry *registry);
void master_registry_resign(struct master_registry *registry);

/* Whether an actor is the log's; NULL has none. */
bool master_registry_has_actor(const struct master_registry *registry, struct slice id);
/* Every event of the net host is to be given to it first. True if it was for the log alone. */
bool master_registry_take_net(struct master_registry *registry, const struct net_event *event);

#endif
