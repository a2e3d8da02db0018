/*
 * The shell around a replicated log: the core (rlog/rlog.h) on a loop, with its store on LevelDB
 * and its messages through a net host that others may use as well.
 *
 * The owner of the net host hands over what comes for the log (log_host_take_net), and asks it
 * whether an actor is the log's (log_host_has_actor). Requests are rlog events; answers come from
 * the loop, never from within log_host_request.
 */
#ifndef TEPUI_LOGHOST_LOG_HOST_H
#define TEPUI_LOGHOST_LOG_HOST_H

#include "net/host.h"
#include "rlog/rlog.h"

/* Called from the loop; what it points to is valid during the call. */
typedef void log_host_answer_fn(void *arg, const struct rlog_answer *answer);

struct log_host_options {
    struct loop *loop;
    struct net_host *net;
    const char *path; /* of the LevelDB folder */
    bool compacts;    /* see log_host_compacts */
    size_t quorum;
    bool auto_initialize;
    struct address self; /* by which the others know us */
    uint64_t seed;       /* random */
    log_host_answer_fn *on_answer;
    void *arg; /* for on_answer */
};

struct log_host;

/* Starts; 0 or -errno. */
int log_host_new(const struct log_host_options *options, struct log_host **ret_host,
                 struct err *err) WARN_UNUSED;
/* Nobody is answered any more. Waits for writes that are under way. NULL is fine. */
struct log_host *log_host_free(struct log_host *host);

/* All replicas; ourselves may be left out. */
void log_host_set_members(struct log_host *host, const struct upid *members, size_t count);
/* ELECT, RESIGN, APPEND, TRUNCATE, READ, BOUNDS, CATCHUP. */
void log_host_request(struct log_host *host, const struct rlog_event *request);

bool log_host_has_actor(const struct log_host *host, struct slice id);
/* Every event of the net host may be given to it. True if it was for the log alone. */
bool log_host_take_net(struct log_host *host, const struct net_event *event);

/* For gauges and questions; it must not be stepped. */
const struct rlog *log_host_rlog(const struct log_host *host);

/* MESOS_LOG_AUTO_COMPACT_DISABLED=1 in the environment turns compaction off, as in the original. */
bool log_host_compacts(char *const *envp);

#endif
