/*
 * One check of a task: a CheckInfo, whose results are told, or a HealthCheck, whose failures in a
 * row end the task (facts/state_machines.md section 1, facts/observed.md "Tasks, executors" 15-17).
 *
 * A small timed machine: it says when to probe and what a result means; whoever owns it does the
 * probing. The first probe comes after the delay, each further one an interval after the last
 * ended; a probe that takes longer than the timeout has failed.
 */
#ifndef TEPUI_EXECUTOR_EXEC_CHECK_H
#define TEPUI_EXECUTOR_EXEC_CHECK_H

#include "common/arena.h"
#include "common/duration.h"
#include "wire/pb.h"

enum exec_check_kind { EXEC_CHECK_NONE, EXEC_CHECK_COMMAND, EXEC_CHECK_HTTP, EXEC_CHECK_TCP };

enum exec_check_state {
    EXEC_CHECK_IDLE,    /* not started, or there is none */
    EXEC_CHECK_WAITING, /* for the next probe */
    EXEC_CHECK_PROBING,
    EXEC_CHECK_PAUSED, /* the task is ending, or the agent is away */
};

struct exec_check {
    enum exec_check_kind kind;
    enum exec_check_state state;
    bool is_health;
    /* what to probe; the messages live in the task's arena */
    const Pb__CommandInfo *command;
    char *url; /* HTTP: whole; TCP: tcp://host:port; in the task's arena */
    int64_t delay_ns;
    int64_t interval_ns;
    int64_t timeout_ns;    /* TIME_NEVER = none */
    int64_t grace_ns;      /* health: failures before the first success do not count */
    uint32_t failures_max; /* health: so many in a row end the task */
    /* progress */
    int64_t started_ns;  /* the grace period counts from here */
    int64_t deadline_ns; /* of the wait or of the probe; TIME_NEVER = none */
    uint32_t failures;   /* health: in a row */
    bool had_success;    /* health */
    bool has_result;     /* check: the last result was not empty */
    int last_result;     /* check: exit code, HTTP status, or 1/0 for TCP */
};

/* No check at all: never does anything. */
void exec_check_init_none(struct exec_check *check);
/* Copies nothing: the messages must outlive the check. Host names are loopback. */
void exec_check_init(struct exec_check *check, const Pb__CheckInfo *info, struct arena *arena);
void exec_check_init_health(struct exec_check *check, const Pb__HealthCheck *info,
                            struct arena *arena);

void exec_check_start(struct exec_check *check, int64_t now_ns);
/* Returns whether a probe is under way, which the owner is to abandon. */
bool exec_check_pause(struct exec_check *check);
void exec_check_resume(struct exec_check *check, int64_t now_ns);

enum exec_check_action { EXEC_CHECK_NOTHING, EXEC_CHECK_PROBE, EXEC_CHECK_TIMED_OUT };

/* To be called at the deadline. TIMED_OUT: the probe is to be abandoned, and its result is "none".
 */
enum exec_check_action exec_check_step(struct exec_check *check, int64_t now_ns);

/* What a probe found: exit code (COMMAND), status (HTTP), 1 or 0 (TCP); `known` is false if it
 * could not be carried out or died of a signal. */
struct exec_check_result {
    bool known;
    int value;
};

struct exec_check_verdict {
    bool tell;    /* an update is due */
    bool healthy; /* health */
    bool kill;    /* health: the task is to be killed */
};

struct exec_check_verdict exec_check_take(struct exec_check *check, int64_t now_ns,
                                          struct exec_check_result result);

/* The check's status as updates carry it: the last result, or empty. In the arena. */
Pb__CheckStatusInfo *exec_check_status(const struct exec_check *check, bool with_result,
                                       struct arena *arena);

#endif
