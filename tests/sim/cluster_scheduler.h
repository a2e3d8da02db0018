/*
 * A client of the v1 scheduler API on a node of the simulator: the calls, and the stream of events.
 * What it decides is up to the framework that embeds it.
 */
#ifndef TEPUI_TESTS_SIM_CLUSTER_SCHEDULER_H
#define TEPUI_TESTS_SIM_CLUSTER_SCHEDULER_H

#include "sim/sim.h"
#include "wire/pb.h"
#include "wire/recordio.h"

#define SCHEDULER_RETRY_NS (500 * NS_PER_MS)
#define SCHEDULER_OFFERS_MAX 16 /* of one accept */

/* As what it subscribes. */
struct scheduler_info {
    const char *name;
    const char *role;
    double failover_timeout_s;
    bool checkpoint;
    bool partition_aware;
    bool refines; /* it knows the newer format of reservations */
    const char
        *avoids; /* a regular expression: the hosts that it wants no offers of; NULL = none */
};

struct scheduler {
    struct sim_node *node;
    struct address master;
    struct scheduler_info info;
    char *id;           /* of 64 bytes, the framework's own: "" before the first SUBSCRIBED */
    uint64_t stream;    /* the call of the subscription; 0 = none */
    char stream_id[64]; /* "" before it is open */
    bool subscribed;
    bool over; /* set by its owner: it does not subscribe again */
    struct recordio_reader reader;
    int64_t retry_ns; /* when to subscribe (again), by this node's clock; TIME_NEVER */
    /* An event came; SUBSCRIBED has been noted. `broken` (NULL with events) tells why the stream
     * makes no sense. */
    void (*on_event)(void *arg, const Pb__Scheduler__Event *event, const char *broken);
    void *arg;
};

void scheduler_init(struct scheduler *scheduler, struct sim_node *node,
                    const struct address *master, const struct scheduler_info *info, char *id);
void scheduler_deinit(struct scheduler *scheduler);
/* Subscribes if it is time to. */
void scheduler_tick(struct scheduler *scheduler);
void scheduler_http(struct scheduler *scheduler, const struct sim_http_event *event);

/* --- calls --- */

/* LAUNCH of the tasks, or LAUNCH_GROUP with the executor if there is one. */
void scheduler_accept(struct scheduler *scheduler, Pb__OfferID *const *offers, size_t offer_count,
                      Pb__TaskInfo *const *tasks, size_t task_count, Pb__ExecutorInfo *executor);
/* The operations on one offer. */
void scheduler_operate(struct scheduler *scheduler, Pb__OfferID *offer,
                       Pb__Offer__Operation *const *operations, size_t count);
void scheduler_acknowledge_operation(struct scheduler *scheduler,
                                     const Pb__OperationStatus *status);
void scheduler_decline(struct scheduler *scheduler, Pb__OfferID *offer, double refuse_s);
/* ACCEPT_INVERSE_OFFERS or DECLINE_INVERSE_OFFERS. */
void scheduler_answer_inverse(struct scheduler *scheduler, Pb__OfferID *offer, bool accepts,
                              double refuse_s);
/* REVIVE, SUPPRESS, TEARDOWN. */
void scheduler_simple(struct scheduler *scheduler, Pb__Scheduler__Call__Type type);
/* `grace_ns`: of a kill policy; -1 = none. */
void scheduler_kill(struct scheduler *scheduler, const char *task_id, const char *agent_id,
                    int64_t grace_ns);
void scheduler_acknowledge(struct scheduler *scheduler, const Pb__TaskStatus *status);

struct scheduler_task {
    const char *task_id;
    const char *agent_id;
};
void scheduler_reconcile(struct scheduler *scheduler, const struct scheduler_task *tasks,
                         size_t count);

/* --- parts of messages, in the arena --- */

Pb__Resource *scheduler_scalar(const char *name, double value, const char *role,
                               struct arena *arena);
/* A command task of that size. */
Pb__TaskInfo *scheduler_task_info(const char *id, const char *agent_id, double cpus, double mem,
                                  const char *role, struct arena *arena);

/* A default executor; `number` makes its id. */
Pb__ExecutorInfo *scheduler_pod_info(const struct scheduler *scheduler, int number,
                                     const char *role, struct arena *arena);

#endif
