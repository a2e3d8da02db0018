/*
 * Inside the default executor: its tasks and their groups. pod_launch.c brings them up,
 * pod_kill.c ends them, pod_check.c checks them; default_executor.c receives the events.
 */
#ifndef TEPUI_EXECUTOR_POD_H
#define TEPUI_EXECUTOR_POD_H

#include "common/sm.h"
#include "executor/default_executor.h"
#include "executor/exec_check.h"

enum pod_task_state {
    POD_TASK_LAUNCHING, /* LAUNCH_CONTAINER of its group is not wholly answered */
    POD_TASK_RUNNING,
    POD_TASK_KILLING, /* SIGTERM was sent, SIGKILL follows after the grace */
    POD_TASK_ENDED,   /* the last update is sent; it is freed at the end of the step */
};

/* A check or health check with the probe that is under way. */
struct pod_probe {
    struct exec_check check;
    uint64_t token;  /* of the probe, session or wait under way; 0 = none */
    bool waits;      /* the session has ended, its exit status is being asked for */
    char *container; /* value of the id of the last session; heap */
};

struct pod_task {
    struct list link; /* in pod.tasks, in order of launch */
    enum pod_task_state state;
    struct arena arena; /* owns what follows */
    Pb__TaskInfo *info;
    Pb__ContainerID *container_id; /* nested in the executor's */
    uint64_t group;                /* number of its group: they share their fate */
    bool launched;                 /* LAUNCH_CONTAINER was answered 200 */
    char *launch_error;            /* it was answered otherwise; in the arena */
    uint64_t launch_token;         /* 0 = answered */
    uint64_t wait_token;           /* 0 = not asked */
    uint64_t kill_token;
    int kill_signal;  /* of the call under way, to be tried again */
    bool kill_wanted; /* a kill came while launching */
    int64_t kill_wanted_grace_ns;
    bool is_overdue;      /* max_completion_time is over */
    bool group_kill_done; /* its end has been made the group's, or it was ended by it */
    bool knows_health;
    bool healthy;
    struct pod_probe check;
    struct pod_probe health;
    struct timer escalate; /* SIGKILL is due, or is to be tried again */
    struct timer completion;
    int64_t kill_started_ns;
};

struct default_executor {
    struct exec_session session;
    struct timers timers;
    struct list tasks; /* of struct pod_task */
    struct arena arena;
    Pb__ContainerID *container_id; /* the executor's own; NULL before SUBSCRIBED */
    uint64_t next_token;
    uint64_t next_group;
    bool shutting_down; /* nothing is launched any more */
    bool is_shut_down;  /* by SHUTDOWN */
    bool is_leaving;    /* the agent will not come back */
    struct timer last_ack;
    struct timer wait_again; /* a WAIT_CONTAINER was not taken */
};

enum {
    POD_TIMER_ESCALATE = EXEC_TIMER_OWN,
    POD_TIMER_COMPLETION,
    POD_TIMER_LAST_ACK,
    POD_TIMER_WAIT,
};

/* What one step needs. */
struct pod_step {
    struct default_executor *executor;
    const struct now *now;
    struct exec_effects *effects;
    struct arena arena;
};

/* A call that the agent could not take is tried again after this. */
#define POD_RETRY_NS NS_PER_SEC

/* From SIGTERM to SIGKILL, if nobody says otherwise. */
#define POD_KILL_GRACE_NS (3 * NS_PER_SEC)

/* --- common --- */

void pod_move(struct pod_step *step, struct pod_task *task, enum pod_task_state to);
Pb__TaskStatus *pod_status(struct pod_step *step, struct pod_task *task, Pb__TaskState state,
                           bool with_result);
uint64_t pod_agent_call(struct pod_step *step, Pb__Agent__Call *call, enum exec_effect_type type);
Pb__Agent__Call *pod_new_call(struct pod_step *step, Pb__Agent__Call__Type type);
struct pod_task *pod_find_task(struct default_executor *executor, const char *task_id);
void pod_task_free(struct pod_task *task);
/* Nothing is left to do: ends when all is acknowledged. */
void pod_finish_if_empty(struct pod_step *step);
void pod_wait_for_last_ack(struct pod_step *step);

/* --- launch --- */

void pod_launch_group(struct pod_step *step, const Pb__TaskGroupInfo *group);
void pod_launch_answered(struct pod_step *step, struct pod_task *task,
                         const struct exec_event *event);
/* Asks for the end of each running task that is not asked for. */
void pod_wait_all(struct pod_step *step);
void pod_wait_answered(struct pod_step *step, struct pod_task *task,
                       const struct exec_event *event);

/* --- kill --- */

void pod_kill(struct pod_step *step, struct pod_task *task, int64_t grace_ns);
void pod_kill_group(struct pod_step *step, struct pod_task *because_of);
void pod_kill_answered(struct pod_step *step, struct pod_task *task,
                       const struct exec_event *event);
void pod_escalate(struct pod_step *step, struct pod_task *task);
void pod_shut_down(struct pod_step *step);
/* The grace that its own kill policy names, or the usual one. */
int64_t pod_own_grace_ns(const struct pod_task *task);

/* --- checks --- */

void pod_check_init(struct pod_task *task);
void pod_check_start(struct pod_step *step, struct pod_task *task);
void pod_check_stop(struct pod_step *step, struct pod_task *task);
void pod_check_resume(struct pod_step *step, struct pod_task *task);
void pod_check_step(struct pod_step *step, struct pod_task *task);
/* True if the token was one of this task's probes. */
bool pod_check_answered(struct pod_step *step, struct pod_task *task,
                        const struct exec_event *event);
int64_t pod_check_deadline(const struct pod_task *task);

#endif
