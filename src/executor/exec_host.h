/*
 * The host of an executor's core: performs its effects on libevent and brings it its events.
 *
 * One connection carries the subscription, one the other calls in order; a call that fails or is
 * refused counts as a disconnection, after which the core subscribes anew and tells what is not
 * acknowledged. Agent calls have a connection each, since some wait for long.
 */
#ifndef TEPUI_EXECUTOR_EXEC_HOST_H
#define TEPUI_EXECUTOR_EXEC_HOST_H

#include "executor/exec_session.h"
#include "net/loop.h"
#include "wire/upid.h"

struct exec_core_ops {
    void (*step)(void *core, const struct now *now, const struct exec_event *event,
                 struct exec_effects *effects);
    int64_t (*deadline)(const void *core);
    void (*free)(void *core);
};

struct exec_host_options {
    struct exec_options session; /* for the core */
    struct upid agent;           /* MESOS_SLAVE_PID */
    const char *token;           /* MESOS_EXECUTOR_AUTHENTICATION_TOKEN, or NULL */
    const char *launcher_dir;    /* where tepui-http-check is */
    char *const *environment;    /* of this process, inherited by tasks */
};

/* Reads the environment that the agent has set; texts point into it. -EINVAL with what is missing.
 */
int exec_host_options_from_env(struct exec_host_options *options, char *const *environment,
                               struct err *err) WARN_UNUSED;

/* Runs the core, which stays the caller's, until it quits; returns the exit status. */
int exec_host_run(const struct exec_host_options *options, const struct exec_core_ops *ops,
                  void *core);

#endif
