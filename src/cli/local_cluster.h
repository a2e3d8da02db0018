/*
 * The life of a local cluster: the master is started, then the agents, and all of them end
 * together, agents first. A pure machine.
 *
 * If one of them ends by itself, or does not come up in time, the others end as well; but an agent
 * that ends in order goes alone: the master has sent it away, since it was marked gone or its
 * machine was taken down. LOCAL_END is the last effect.
 */
#ifndef TEPUI_CLI_LOCAL_CLUSTER_H
#define TEPUI_CLI_LOCAL_CLUSTER_H

#include "cli/local_flags.h"
#include "common/duration.h"

/* For the master to answer, and then for all agents to be registered. */
#define LOCAL_START_NS (60 * NS_PER_SEC)
/* How often the master is asked while the cluster comes up. */
#define LOCAL_PROBE_NS (100 * NS_PER_MS)
/* For agents to end their executors, and for the master to end, before they are killed. */
#define LOCAL_STOP_NS (20 * NS_PER_SEC)

enum local_event_type {
    LOCAL_TICK,   /* to begin with, and when the deadline has come */
    LOCAL_ANSWER, /* active: what the master said; its end if it does not answer yet */
    LOCAL_EXITED, /* process, in_order */
    LOCAL_STOP,   /* it is to end, in order; no more if it does */
    LOCAL_HURRY,  /* it is to end at once */
};

struct local_event {
    enum local_event_type type;
    int64_t active; /* agents that are registered; -1 = no answer */
    size_t process; /* 0 = the master, n + 1 = agent n */
    bool in_order;  /* EXITED: with status 0 */
};

enum local_effect_type {
    LOCAL_SPAWN, /* process */
    LOCAL_PROBE, /* ask the master; LOCAL_ANSWER ends it */
    LOCAL_READY, /* all are there */
    LOCAL_ENDED, /* process: it was not to end; say so */
    LOCAL_LEFT,  /* process: it was sent away, and the others go on; say so */
    LOCAL_LATE,  /* they do not come up in time; say so */
    LOCAL_LEAVE, /* process: end, with all that it runs (SIGUSR1) */
    LOCAL_TERM,  /* process: end (SIGTERM) */
    LOCAL_KILL,  /* process */
    LOCAL_END,   /* status, of us */
};

struct local_effect {
    enum local_effect_type type;
    size_t process;
    int status;
};

/* Of one step; the caller's, to be performed in order. */
struct local_effects {
    struct local_effect items[2 * (LOCAL_AGENTS_MAX + 1) + 2];
    size_t count;
};

enum local_state {
    LOCAL_IDLE,
    LOCAL_MASTER_STARTS,
    LOCAL_AGENTS_START,
    LOCAL_RUNS,
    LOCAL_AGENTS_STOP,
    LOCAL_MASTER_STOPS,
    LOCAL_OVER,
};

struct local_cluster {
    size_t agent_count;
    enum local_state state;
    bool lives[LOCAL_AGENTS_MAX + 1]; /* by process */
    bool asks;                        /* a probe is under way */
    int64_t probe_ns;                 /* STARTS, START: the next one */
    int64_t until_ns;                 /* in this state, at most */
    int status;                       /* of us, in the end */
};

void local_cluster_init(struct local_cluster *cluster, size_t agent_count);
void local_cluster_step(struct local_cluster *cluster, int64_t now_ns,
                        const struct local_event *event, struct local_effects *effects);
/* When LOCAL_TICK is wanted; TIME_NEVER = only events. */
int64_t local_cluster_deadline(const struct local_cluster *cluster);

/* How many agents are active, by the body of the master's /metrics/snapshot; -1 if it does not
 * tell. */
int64_t local_cluster_parse_active(struct slice metrics);

#endif
