/*
 * What all files of the core share: struct agent, and the step under way. Internal to src/agent.
 */
#ifndef TEPUI_AGENT_CORE_H
#define TEPUI_AGENT_CORE_H

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/gate.h"
#include "agent/gauges.h"
#include "agent/gc.h"
#include "agent/paths.h"
#include "agent/resource_state.h"
#include "common/arena.h"
#include "common/list.h"
#include "common/log.h"
#include "common/map.h"
#include "common/prng.h"
#include "common/sm.h"
#include "common/timers.h"
#include "common/uuid.h"
#include "wire/message.h"
#include "wire/pb.h"

#define AGENT_COMPLETED_FRAMEWORKS_MAX 50 /* facts: default numbers */
#define AGENT_COMPLETED_TASKS_MAX 200     /* per executor */
#define AGENT_REGISTER_INTERVAL_MAX NS_PER_MIN
#define AGENT_PING_TIMEOUT_NS (75 * NS_PER_SEC)
#define AGENT_EXECUTOR_HEARTBEAT_NS (30 * NS_PER_MIN)
#define AGENT_FRAMEWORKS_MAX 10000       /* that one agent holds at a time */
#define AGENT_MESSAGE_BUDGET (64u << 20) /* memory of one decoded message */

enum agent_state { AGENT_RECOVERING, AGENT_DISCONNECTED, AGENT_RUNNING, AGENT_TERMINATING };

/* Which timer fired; the owner is the thing that it belongs to. */
enum agent_timer {
    TIMER_REGISTER,      /* agent */
    TIMER_PING,          /* agent */
    TIMER_RECONNECT,     /* agent: executors of before are asked again */
    TIMER_REREGISTER,    /* agent: executors of before are given up */
    TIMER_GC,            /* agent: the next removal */
    TIMER_DISK,          /* agent: look at the disk */
    TIMER_VERBOSITY,     /* agent: back to the level of the start */
    TIMER_REGISTERING,   /* executor: it did not register */
    TIMER_SHUTDOWN,      /* executor: its grace is over */
    TIMER_HEARTBEAT,     /* executor: HEARTBEAT on its stream */
    TIMER_UPDATE,        /* stream: the head is sent again */
    TIMER_USAGE,         /* usage: an answer of the containerizer is overdue */
    TIMER_CONSOLE,       /* console: HEARTBEAT on its streams */
    TIMER_CONSOLE_INPUT, /* input: the container has ended */
    TIMER_OPERATION,     /* operation: its status is told again */
    TIMER_ENDED,         /* container: an ended standalone one is forgotten */
};

struct task;

struct agent {
    /* fixed from the start */
    struct agent_setup setup; /* configuration, parsed; AgentInfo */
    struct upid self;         /* slave(1)@address */
    int64_t start_wall_ns;
    int64_t start_mono_ns;

    /* durable: in meta/ */
    char *id;                 /* heap; "" until a master gave one */
    struct gate_wait id_wait; /* while slave.info is being stored */
    bool id_stored;           /* slave.info is on disk */
    struct resource_state resources;
    struct map operations;       /* of struct operation, by uuid */
    struct list operation_order; /* the same, in order of arrival */
    struct blob *drain_config;   /* DrainConfig while draining; NULL = not */
    bool drain_marks_gone;       /* its mark_gone */
    int64_t drain_start_wall_ns; /* for /state */

    /* of this life */
    enum agent_state state;
    bool executors_may_subscribe; /* containers are recovered */
    bool requires_agent_update;   /* AgentInfo changed: the master must know that */
    bool exiting;                 /* AGENT_ASK_EXIT is out: nothing more is done */
    struct uuid resource_version;
    struct prng prng;
    struct map frameworks;       /* of struct framework, by id */
    struct list framework_order; /* the same, in order of arrival */
    struct list completed;       /* of struct framework, oldest first */
    size_t completed_count;
    struct map containers;       /* of struct container, by path */
    struct list container_order; /* the same, in order of arrival */
    struct map streams;          /* of struct stream, by framework and task */
    struct list stream_order;
    bool streams_paused;
    struct list users; /* of struct user_lookup: known and asked for */
    struct gate gate;
    struct gc gc;
    struct list usages;   /* of struct usage: questions under way */
    struct list looks;    /* of struct sandbox_look: files being read */
    struct list consoles; /* of struct console */
    size_t console_count;
    struct list inputs; /* of struct console_input: requests being read */
    size_t input_count;
    uint64_t next_token; /* of questions to containers and file requests */

    /* the master */
    struct upid master;      /* id "" = none */
    char *master_hostname;   /* heap; NULL = unknown */
    bool registers_settled;  /* once resources are settled: registers */
    bool updates_settled;    /* the same: sends UpdateSlaveMessage */
    bool linked;             /* the address is linked, and did not break since */
    int64_t register_max_ns; /* the next random delay is below this */
    int64_t ping_timeout_ns;

    struct timers timers;
    struct timer register_timer, ping_timer, reconnect_timer, reregister_timer, gc_timer,
        disk_timer, verbosity_timer;
    int verbosity;

    struct gauges gauges;

    /* of this step */
    struct now now;
    struct agent_effects *effects;
    struct arena arena; /* dropped at the end of the step */
    struct arena input; /* the same, bounded: for what peers sent */
};

void agent_move(struct agent *agent, enum agent_state state);
/* Asks the shell for something. */
struct agent_ask *agent_ask(struct agent *agent, enum agent_ask_type type, int value,
                            const char *text);
/* A line for the log. */
#define agent_log(agent, level, ...) agent_log_at((agent), (level), __FILE__, __LINE__, __VA_ARGS__)
void agent_log_at(struct agent *agent, enum log_level level, const char *file, int line,
                  const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The last word: status and why. */
void agent_exit(struct agent *agent, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
void agent_set_id(struct agent *agent, const char *id);
void agent_set_verbosity(struct agent *agent, int level, int64_t duration_ns);
uint64_t agent_token(struct agent *agent);

/* Sends a message to an actor / to the master (if there is one). */
void agent_send(struct agent *agent, const struct upid *to, const char *name,
                const ProtobufCMessage *message);
void agent_send_master(struct agent *agent, const char *name, const ProtobufCMessage *message);
/* An executor has ended: ExitedExecutorMessage; status -1 = unknown. */
void agent_send_exited(struct agent *agent, const char *framework_id, const char *executor_id,
                       int status);
/* Is this sender the master we know? Logs if not. */
bool agent_is_master(struct agent *agent, const struct upid *from, const char *what);
/* The body of a message, in agent->input; NULL, with a line in the log, if it is malformed:
 * `AGENT_READ(Pb__Internal__KillTaskMessage, pb__internal__kill_task_message, agent, event)` */
ProtobufCMessage *agent_read(struct agent *agent, const ProtobufCMessageDescriptor *desc,
                             const struct net_event *event);
#define AGENT_READ(type, name, agent, event) \
    ((type *)agent_read((agent), &name##__descriptor, (event)))

/* Our AgentInfo with the id, in the step's arena. */
Pb__AgentInfo *setup_info(struct agent *agent);
/* A task's whole Task, in the step's arena. */
Pb__Task *agent_describe_task(struct agent *agent, struct task *task);
/* Checkpointed resources, in the step's arena. */
void agent_checkpointed_resources(struct agent *agent, Pb__Resource ***ret_items,
                                  size_t *ret_count);

/* Four bytes of size, the lowest first, as stands before each stored message. */
void agent_put_size(struct buf *out, size_t size);
/* Replaces a file by an encoded message, durably. */
void agent_store_message(struct agent *agent, const char *path, const struct blob *message,
                         uint64_t token);

/* Nothing is left while draining: the drain is over. */
void agent_check_drained(struct agent *agent);
/* Everything is over: no frameworks are left while TERMINATING. */
void agent_check_end(struct agent *agent);

#endif
