/*
 * An executor's side of the v1 executor API: subscription, what is not acknowledged yet, and giving
 * up when the agent stays away (facts/state_machines.md section 5).
 *
 * An update is kept until the agent acknowledges it, and told again in the next SUBSCRIBE; so is
 * the TaskInfo of a task of which nothing has been acknowledged. Without checkpointing the executor
 * ends when the agent goes away.
 */
#ifndef TEPUI_EXECUTOR_EXEC_SESSION_H
#define TEPUI_EXECUTOR_EXEC_SESSION_H

#include "common/arena.h"
#include "common/prng.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "executor/exec_io.h"
#include "wire/pb.h"

struct exec_options {
    const char *framework_id;
    const char *executor_id;
    const char *sandbox;         /* MESOS_SANDBOX or MESOS_DIRECTORY */
    bool checkpoint;             /* MESOS_CHECKPOINT */
    int64_t recovery_timeout_ns; /* MESOS_RECOVERY_TIMEOUT */
    int64_t backoff_max_ns;      /* MESOS_SUBSCRIPTION_BACKOFF_MAX */
    int64_t shutdown_grace_ns;   /* MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD */
    const char *container_ip;    /* for the tasks of a group */
    uint64_t seed;
};

/* How long an executor that has nothing left to do waits for the last acknowledgement. After
 * SHUTDOWN it comes at once or, when the framework is ending, never. */
#define EXEC_LAST_ACK_NS (60 * NS_PER_SEC)
#define EXEC_SHUTDOWN_ACK_NS NS_PER_SEC

enum exec_session_state { EXEC_SESSION_AWAY, EXEC_SESSION_ASKING, EXEC_SESSION_SUBSCRIBED };

struct exec_session {
    struct exec_options options; /* texts outlive the session */
    enum exec_session_state state;
    struct prng prng;
    struct timers *timers; /* the executor's */
    struct timer retry;    /* next SUBSCRIBE */
    struct timer give_up;  /* the agent has been away for too long */
    int64_t backoff_ns;    /* of the next retry */
    struct list updates;   /* of struct unacked: in order */
    struct list tasks;     /* of struct unacked: tasks of which nothing is acknowledged */
    bool knows_killing;    /* the framework has TASK_KILLING_STATE */
};

/* Kinds of the two timers, given back by timers_pop; owners use others from EXEC_TIMER_OWN on. */
enum { EXEC_TIMER_RETRY = 1, EXEC_TIMER_GIVE_UP, EXEC_TIMER_OWN };

void exec_session_init(struct exec_session *session, const struct exec_options *options,
                       struct timers *timers);
void exec_session_deinit(struct exec_session *session);

/* The first SUBSCRIBE, and each RETRY. */
void exec_session_subscribe(struct exec_session *session, struct exec_effects *effects);
/* The agent has answered; what happened since it was asked is told now. */
void exec_session_subscribed(struct exec_session *session,
                             const Pb__Executor__Event__Subscribed *event,
                             struct exec_effects *effects);
/* False: there is no waiting for the agent, the executor is to end. */
bool exec_session_disconnected(struct exec_session *session, int64_t now_ns) WARN_UNUSED;

/* Remembers a launched task. */
void exec_session_add_task(struct exec_session *session, const Pb__TaskInfo *task);
/* A status with task, state, executor, source, time and a new uuid, in the arena. */
Pb__TaskStatus *exec_session_status(struct exec_session *session, const struct now *now,
                                    const char *task_id, Pb__TaskState state, struct arena *arena);
/* Sends it, and keeps it until it is acknowledged. */
void exec_session_update(struct exec_session *session, Pb__TaskStatus *status,
                         struct exec_effects *effects);
void exec_session_acknowledged(struct exec_session *session,
                               const Pb__Executor__Event__Acknowledged *event);
bool exec_session_is_settled(const struct exec_session *session); /* nothing is unacknowledged */

/* The command of a task, with `extra` variables behind its own. Owned by the caller. */
struct exec_command *exec_session_command(const Pb__CommandInfo *info, const struct exec_env *extra,
                                          size_t extra_count);

#endif
