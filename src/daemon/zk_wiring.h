/*
 * What the daemons do with ZooKeeper: what the election tells becomes events of their cores.
 */
#ifndef TEPUI_DAEMON_ZK_WIRING_H
#define TEPUI_DAEMON_ZK_WIRING_H

#include "agent/agent.h"
#include "coord/zk_election.h"
#include "master/master.h"

struct zk_wiring;

struct zk_wiring_options {
    struct loop *loop;
    const char *flag; /* "--zk" or "--master", for errors */
    const char *url;
    int64_t session_timeout_ns;
    uint64_t seed;
    void *arg; /* for what follows */
    /* The process has to end with status 1: no event may reach the core any more. */
    void (*fail)(void *arg, const char *why);

    /* a master's */
    const struct blob *info;    /* encoded MasterInfo */
    const struct upid *replica; /* of its log; NULL = the registry is in memory */
    void (*step_master)(void *arg, const struct master_event *event);     /* ELECTED, LEADER */
    void (*members)(void *arg, const struct upid *members, size_t count); /* the log's replicas */

    /* an agent's */
    void (*step_agent)(void *arg, const struct agent_event *event); /* MASTER */
};

/* 0, or -EINVAL for a URL that is none. Events come later, on the loop. */
int zk_wiring_new(const struct zk_wiring_options *options, struct zk_wiring **ret_wiring,
                  struct err *err) WARN_UNUSED;
/* Closes the session, so that another may lead at once; NULL is fine. */
struct zk_wiring *zk_wiring_free(struct zk_wiring *wiring);

/* AGENT_ASK_REDETECT: tells the leader again. */
void zk_wiring_tell_again(struct zk_wiring *wiring);

#endif
