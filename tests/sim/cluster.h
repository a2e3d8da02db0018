/*
 * A cluster in the simulator: the real cores of master, agents and command executors, fake
 * containers, and scripted frameworks that launch, kill, acknowledge and reconcile at random.
 *
 * What must hold after every step: nothing is offered or used beyond what an agent has, and nothing
 * is offered of one that is drained or deactivated, or against a framework's constraints; updates
 * come in the order in which they were
 * made, none after the last of its task; no task runs twice. And when all faults have ended: every
 * task that runs is known, every task that is known to run, runs, and all agents can be used again.
 */
#ifndef TEPUI_TESTS_SIM_CLUSTER_H
#define TEPUI_TESTS_SIM_CLUSTER_H

#include "common/map.h"
#include "sim/sim.h"
#include "sim/sim_fault.h"
#include "wire/pb.h"

#define CLUSTER_AGENTS_MAX 8
#define CLUSTER_FRAMEWORKS_MAX 4
#define CLUSTER_EXECUTORS_MAX 256
#define CLUSTER_NESTED_MAX 256
/* The ids of executors that run pods begin so; those of command tasks are their task's. */
#define CLUSTER_POD_PREFIX "pod-"
#define CLUSTER_TASKS_MAX 4096 /* of one run */
#define CLUSTER_UPDATES_MAX 64 /* of one task */

#define CLUSTER_OPERATIONS_MAX 4096 /* with an id, of one run */
#define CLUSTER_ROLE "r"            /* of frameworks, where there are reservations */

#define CLUSTER_MASTER_PORT 5050
#define CLUSTER_AGENT_PORT 5051

struct cluster_options {
    uint64_t seed;
    int agents;
    int frameworks;
    int tasks;       /* that a framework launches at most */
    bool checkpoint; /* frameworks want it */
    bool partition_aware;
    bool keep_trace;
    bool story; /* all takes fixed times, nothing fails by itself, and frameworks do what they are
                 * told (cluster_story.h); else at random */
    bool maintains;  /* an operator schedules maintenance, takes machines down and brings them up */
    bool operates;   /* an operator drains agents and takes them out of use at random */
    bool constrains; /* by its offer constraints each framework avoids one of the agents */
    bool reserves;   /* frameworks and an operator reserve, and make volumes, at random */
};

struct cluster;

/* What the world knows of a task, from all sides. */
struct cluster_task {
    char id[32];
    int framework;   /* index */
    int duration_ms; /* of its process; -1 = until it is killed */
    int exit_code;
    bool stubborn;     /* it ignores SIGTERM */
    char agent_id[64]; /* "" before it is launched */
    /* the executor's side */
    int starts;                            /* of its process: more than one is a failure */
    bool runs;                             /* its process is there */
    uint8_t made[CLUSTER_UPDATES_MAX][16]; /* uuids of updates, in order */
    int made_count;
    /* the framework's side */
    int heard;     /* index behind the newest update that was heard */
    int state;     /* the last that was heard: mesos.TaskState */
    bool ended;    /* its executor's last update was heard */
    bool terminal; /* that state is final */
    bool answered; /* by the reconciliation at the end */
};

/* An operation that a framework gave an id. */
struct cluster_operation {
    int framework; /* index */
    int state;     /* the last one that was heard: mesos.OperationState; 0 = none */
};

struct cluster_node_arg;

/* A container of the fake containerizer; lives on when the agent dies. */
enum cluster_container_state {
    CLUSTER_CONTAINER_FREE,
    CLUSTER_CONTAINER_RUNS,
    CLUSTER_CONTAINER_ENDED
};

struct cluster_executor {
    struct cluster *cluster;
    struct sim_node *node; /* where its executor runs; used again later */
    struct sim_node *agent;
    enum cluster_container_state state;
    char path[128]; /* container id */
    char framework_id[64];
    char executor_id[64];
    bool checkpoint;
    bool kept;  /* named by a recovering agent */
    int status; /* wait status, when ENDED */
};

/* A container inside an executor's, with one task of a pod (cluster_nested.h). */
struct cluster_nested {
    struct cluster_executor *parent;
    enum cluster_container_state state;
    uint32_t life; /* counts beginnings and ends */
    char path[256];
    struct cluster_task *task;
    int status; /* wait status, when ENDED */
};

struct cluster_framework {
    struct cluster *cluster;
    struct sim_node *node;
    int index;
    char name[16];
    char id[64]; /* "" before the first SUBSCRIBED; outlives crashes */
    int launched;
    char avoids[32]; /* a regular expression of hostnames; "" = none */
    /* stories: as what it subscribes */
    char role[32];
    double failover_timeout_s;
    bool volatile_tasks; /* it does not checkpoint */
    bool unaware;        /* of partitions */
};

struct cluster {
    struct cluster_options options;
    struct sim *sim;
    struct sim_node *master;
    struct sim_node *operator_node; /* NULL = none */
    struct sim_node *agents[CLUSTER_AGENTS_MAX];
    char agent_names[CLUSTER_AGENTS_MAX][16];
    char agent_ids[CLUSTER_AGENTS_MAX][64]; /* as offers told */
    struct cluster_framework frameworks[CLUSTER_FRAMEWORKS_MAX];
    struct cluster_executor executors[CLUSTER_EXECUTORS_MAX];
    char executor_names[CLUSTER_EXECUTORS_MAX][16];
    struct cluster_nested nested[CLUSTER_NESTED_MAX];
    struct cluster_task *tasks; /* CLUSTER_TASKS_MAX */
    int task_count;
    struct cluster_operation *operations; /* CLUSTER_OPERATIONS_MAX */
    int operation_count;
    int volume_count;  /* that frameworks have asked for */
    bool winding_down; /* no more launches: the end of the run */
    char wrong[256];   /* what a side found to be wrong; "" = nothing */
};

struct cluster *cluster_new(const struct cluster_options *options) WARN_UNUSED;
struct cluster *cluster_free(struct cluster *cluster);

/* Faults, then calm, then the final questions. True if all went well; else sim->failure tells. */
bool cluster_run(struct cluster *cluster, const struct sim_plan *plan, int64_t faults_ns);
void cluster_plan(struct sim_plan *plan, const struct cluster_options *options, int64_t faults_ns);

/* Remembers what is wrong, for the checker; the first counts. */
void cluster_wrong(struct cluster *cluster, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct cluster_task *cluster_find_task(struct cluster *cluster, struct slice id);
struct cluster_task *cluster_add_task(struct cluster *cluster, int framework);

/* --- the programs --- */

extern const struct sim_program cluster_master_program;
extern const struct sim_program cluster_agent_program;
extern const struct sim_program cluster_executor_program;
extern const struct sim_program cluster_framework_program;
extern const struct sim_program cluster_operator_program;
extern const struct sim_program cluster_maintainer_program;
extern const struct sim_program cluster_reserver_program;

/* Sums up what the master believes, of every agent; NULL, or what does not add up. */
const char *cluster_master_check(void *core);
/* An agent's detector finds the master (again). */
void cluster_agent_detects(struct sim_node *node);
/* One of the agents that are registered, by a number drawn; only of those that an operator took out
 * of use if `deactivated`. False if there is none. */
bool cluster_master_pick_agent(void *core, uint64_t drawn, bool deactivated, char ret_id[64]);
struct resources;
/* Whether the master has the agent of that name registered, with that total. */
bool cluster_master_has_total(void *core, const char *name, const struct resources *total);
const struct resources *cluster_agent_total(void *core);
/* An operation with an id whose status the agent still tells of; calls back with the id. */
void cluster_agent_visit_operations(void *core, void (*visit)(void *arg, struct slice id),
                                    void *arg);
/* The agent's own invariants (they abort). */
void cluster_agent_check(void *core);

/* --- fake containers (cluster_container.c) --- */

struct container_requests;
/* Performs the requests of an agent's core; reports come later as events. */
void cluster_perform_containers(struct sim_node *agent, struct container_requests *requests);
/* A new life of the agent: it has to name the containers that it knows. */
void cluster_forget_kept(struct cluster *cluster, const struct sim_node *agent);
/* The executor's process ends by itself. */
void cluster_executor_exited(struct cluster_executor *executor, int wait_status);
struct container_report;
/* Takes over the report. */
void cluster_agent_report(struct sim_node *agent, struct container_report *report);

/* --- what frameworks hear (cluster_laws.c) --- */

/* Whether the update may come now, and what it means for its task. */
void cluster_hears(struct cluster *cluster, const Pb__TaskStatus *status);
struct scheduler;
/* Asks for all tasks of the framework that are not over, if there are any. */
void cluster_reconcile(struct cluster_framework *framework, struct scheduler *scheduler);
/* The same, at random: nothing happens while it is not subscribed. */
void cluster_framework_reconcile(struct cluster_framework *framework);

/* --- operations (cluster_operation.c) --- */

/* What may be heard of an operation, and its acknowledgement. */
void cluster_operation_hears(struct cluster_framework *framework, struct scheduler *scheduler,
                             const Pb__OperationStatus *status);
/* Perhaps changes what is offered; false if it leaves the offer alone. */
bool cluster_operation_take_offer(struct cluster_framework *framework, struct scheduler *scheduler,
                                  const Pb__Offer *offer);

#endif
