/*
 * A master of the world of high availability (ha_world.h): the daemon's machines, tied together as
 * src/daemon does it. Internal to that world.
 */
#ifndef TEPUI_TESTS_SIM_HA_MASTER_H
#define TEPUI_TESTS_SIM_HA_MASTER_H

#include "election/college.h"
#include "election/election.h"
#include "registrar/registrar.h"
#include "rlog/rlog.h"
#include "sim/ha_history.h"
#include "sim/ha_world.h"
#include "sim/rlog_store.h"
#include "sim/sim_zk.h"

#define HA_TRUNCATIONS_MAX 64

struct ha_world {
    struct sim *sim;
    struct ha_options options;
    struct sim_zk *zk; /* NULL = --peers */
    char names[HA_MASTERS_MAX][16];
    int64_t think_ns;   /* between two times that clients ask for something, at most */
    int64_t lease_ns;   /* --peers */
    int64_t session_ns; /* ZooKeeper */
    struct rlog_laws laws;
    struct ha_history history;
    struct ha_counts counts;
    int wiped; /* the master whose disk was lost; -1 = none */
    uint64_t next_writer;
    uint64_t next_stamp;
    bool is_final;        /* faults have ended ... */
    int64_t final_ns;     /* ... at this time */
    uint64_t served_by;   /* final: who acknowledged what was asked for since; 0 = nobody */
    uint64_t final_stamp; /* final: operations from this one on count */
};

/* One process. */
struct ha_master {
    struct ha_world *world;
    struct sim_node *node;
    uint64_t writer; /* unique over all processes */
    bool is_started;
    bool is_ending;
    int64_t next_ns; /* when clients ask for something */
    struct blob *info;

    /* the log */
    struct rlog *rlog;
    struct rlog_effects effects;
    struct rlog_sim_store *store;
    bool is_told_later; /* answers are posted */
    uint64_t number;    /* of the promise, as it was told to the laws */

    /* the registry */
    struct registrar *registrar;
    struct registry_log_job *job; /* with the worker */
    struct ha_op ops[HA_OPS_MAX]; /* asked, not answered; oldest first */
    size_t op_count;
    uint64_t next_token;
    struct ha_write *write;   /* the append under way */
    uint64_t append_token;    /* of it */
    struct ha_write *written; /* in this step */
    struct {
        uint64_t token; /* 0 = none */
        uint64_t to;
    } truncations[HA_TRUNCATIONS_MAX]; /* asked of the log, by token % size */

    /* who leads */
    struct college *college;
    struct election *election;
    struct blob *leader; /* told last; NULL = none */
    bool is_elected;
    bool is_serving;
};

extern const struct sim_program ha_master_program;

static inline struct ha_master *ha_master_of(const struct sim_node *node)
{
    return node->core;
}

/* --- ha_election.c: who leads --- */

void ha_election_open(struct ha_master *master);
int64_t ha_election_deadline(const struct ha_master *master);
void ha_election_tick(struct ha_master *master);
/* True if it was for the election alone. */
bool ha_election_take_net(struct ha_master *master, const struct net_event *net);
/* The log's promise is ours. */
void ha_master_promised(struct ha_master *master, uint64_t number);
/* Ends in order. */
void ha_master_stop(struct ha_master *master);

/* --- ha_registry.c: the registry's side --- */

void ha_registry_ask(struct ha_master *master, enum ha_op_type type, int agent);
/* Some operations at random. */
void ha_registry_act(struct ha_master *master);
/* What the log answers, for the laws and the registrar. */
void ha_registry_take_answer(struct ha_master *master, const struct rlog_answer *answer);
void ha_registry_tick(struct ha_master *master);
void ha_registry_contend(struct ha_master *master);
void ha_registry_resign(struct ha_master *master);

/* --- for it --- */

void ha_master_step_log(struct ha_master *master, const struct rlog_event *event);
/* The process ends with an error, at the end of this step. */
void ha_master_fail(struct ha_master *master, const char *why);

#endif
