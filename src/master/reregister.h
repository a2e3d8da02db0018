/*
 * Agents that register again (facts/state_machines.md 3): after a broken link, after a new master
 * was elected, after they were unreachable.
 */
#ifndef TEPUI_MASTER_REREGISTER_H
#define TEPUI_MASTER_REREGISTER_H

#include <stdbool.h>

#include "common/err.h"
#include "master/task.h"
#include "wire/pb.h"
#include "wire/upid.h"

struct master;
struct pending;
struct agent;

/* Frameworks and executors that one agent may report: they are searched for one by one. */
#define REREGISTER_FRAMEWORKS_MAX 4096
#define REREGISTER_EXECUTORS_MAX 4096

/* The encoded ReregisterSlaveMessage, which has been checked. */
void master_reregister_agent(struct master *master, const struct upid *from, struct slice message);
/* The registry knows it as it is now. */
void master_reregister_stored(struct master *master, const struct pending *pending, bool applied);

/* --- the message, taken apart; tasks stay bytes (reregister_parse.c) --- */

struct reregister_framework {
    Pb__FrameworkInfo *info;
    struct slice id;
    struct slice role;     /* for agents without MULTI_ROLE: its only role; data NULL = none */
    struct resources used; /* by its tasks and executors */
};

struct reregister_executor {
    Pb__ExecutorInfo *info; /* upgraded, allocated */
    size_t framework;       /* index */
};

struct reregister_task {
    struct slice id;
    struct slice executor_id; /* data NULL = a command task */
    size_t framework;         /* index */
    struct task_parts parts;
    struct resources resources;
};

struct reregistration {
    Pb__AgentInfo *info; /* upgraded */
    struct slice id;     /* of the agent */
    const char *version; /* NULL = not given */
    uint32_t capabilities;
    bool has_resource_version;
    struct uuid resource_version;
    struct resources checkpointed;
    struct reregister_framework *frameworks;
    size_t framework_count;
    struct reregister_executor *executors;
    size_t executor_count;
    struct reregister_task *tasks;
    size_t task_count;
    struct slice *completed; /* encoded Archive.Framework */
    size_t completed_count;
};

/* 0, or -EINVAL with what is wrong. Everything is in the step's arenas but for what deinit
 * frees. */
int master_reregister_parse(struct master *master, struct slice message,
                            struct reregistration *ret_r, struct err *err) WARN_UNUSED;
void master_reregister_deinit(struct reregistration *r);

#endif
