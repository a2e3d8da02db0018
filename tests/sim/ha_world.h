/*
 * Masters that elect a leader, by ZooKeeper or among themselves (--peers), and keep the registry in
 * their replicated log; docs/design/simulation.md has the story. In each of them run the machines
 * of the daemon: rlog, registrar with the registry, and election or college; what clients would ask
 * of the leader is drawn at random: agents are admitted, marked, removed.
 *
 * The laws are those of the log (rlog_laws.h) and of the registry (ha_history.h), looked at after
 * each step, and: who is elected in ZooKeeper has the lowest node. After all faults have ended, a
 * leader serves within HA_HEALTHY_NS, and all masters know it.
 */
#ifndef TEPUI_TESTS_SIM_HA_WORLD_H
#define TEPUI_TESTS_SIM_HA_WORLD_H

#include "sim/sim.h"
#include "sim/sim_fault.h"

#define HA_MASTERS_MAX 5
#define HA_FAULTS_NS (60 * NS_PER_SEC)
/* From the end of all faults until an operation that was asked for since is acknowledged. */
#define HA_HEALTHY_NS (60 * NS_PER_SEC)

/* Faults that are planted into the world, to see that the laws find them. */
enum ha_planted {
    HA_SOUND,
    HA_FORGETFUL,   /* replicas answer before it is on disk */
    HA_PROMISELESS, /* replicas ignore numbers: they promise and accept everything */
    HA_DEAF,        /* masters take a refused write for a written one */
    HA_DOWNWARD,    /* ZooKeeper gives ever lower numbers */
    HA_PLANTED_COUNT,
};

struct ha_options {
    uint64_t seed;
    int masters;    /* 3 or 5 */
    bool zookeeper; /* else --peers */
    bool calm;      /* fixed latencies */
    enum ha_planted planted;
    int crash_node; /* crash_at > 0: that master ... */
    int crash_at;   /* ... dies with its n-th write to the log under way, and comes back */
    bool keep_trace;
};

/* What a seed stands for. */
struct ha_options ha_options_of(uint64_t seed);

struct ha_world;

struct ha_world *ha_world_new(const struct ha_options *options) WARN_UNUSED;
struct ha_world *ha_world_free(struct ha_world *world);
struct sim *ha_world_sim(struct ha_world *world);

/* Faults of all kinds, until HA_FAULTS_NS. */
void ha_world_plan(struct sim_plan *plan, const struct ha_options *options);
/* Faults for so long, then calm; true if all went well, else sim->failure says what did not. */
bool ha_world_run(struct ha_world *world, const struct sim_plan *plan, int64_t faults_ns);

/* What has come to pass: a world in which nothing happens proves nothing. */
struct ha_counts {
    int started;                /* processes */
    int elected;                /* leaders */
    int served;                 /* of them, recovered */
    int decided;                /* writes to the registry */
    int acknowledged;           /* of them */
    int adopted;                /* of them, begun after a higher promise was won */
    int operations;             /* acknowledged */
    int lost;                   /* processes that ended because they lost the lead or a write */
    int torn;                   /* frames of the log */
    int expired;                /* sessions */
    int doubtful;               /* creates without an answer */
    int stale;                  /* reads of a server that was behind */
    int wiped;                  /* disks lost, and caught up again */
    int writes[HA_MASTERS_MAX]; /* batches to the log's disk */
    int64_t healed_ns;          /* how long it took to serve after the faults */
};
struct ha_counts ha_world_counts(const struct ha_world *world);

#endif
