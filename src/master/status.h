/*
 * Status updates: those the master makes itself, and the two forms in which both kinds go out
 * (facts/state_machines.md 2.1).
 */
#ifndef TEPUI_MASTER_STATUS_H
#define TEPUI_MASTER_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"
#include "master/task.h"

struct master;

/* Numbers of TaskStatus.Source and of the reasons that the master itself gives. */
enum { SOURCE_MASTER = 0 };
enum {
    REASON_FRAMEWORK_REMOVED = 3,
    REASON_INVALID_OFFERS = 6,
    REASON_RECONCILIATION = 9,
    REASON_AGENT_DISCONNECTED = 10,
    REASON_AGENT_REMOVED = 11,
    REASON_TASK_INVALID = 14,
    REASON_TASK_UNAUTHORIZED = 15,
    REASON_TASK_GROUP_INVALID = 25,
    REASON_TASK_GROUP_UNAUTHORIZED = 26,
    REASON_TASK_CHECK_STATUS_UPDATED = 28,
    REASON_TASK_HEALTH_CHECK_STATUS_UPDATED = 29,
    REASON_AGENT_REMOVED_BY_OPERATOR = 31,
    REASON_AGENT_REREGISTERED = 32,
};

/* An update of the master's: it has no uuid, and so is not to be acknowledged. Slices are borrowed;
 * empty ones are left out. */
struct status_draft {
    struct slice framework_id;
    struct slice task_id;
    struct slice agent_id;
    struct slice executor_id;
    enum task_state state;
    int reason;
    const char *message;
    struct slice kept;           /* whole fields of TaskStatus to go with it: healthy, check_status,
                                    container_status */
    int64_t unreachable_time_ns; /* wall clock; 0 = not set */
};

/* The encoded StatusUpdate, in the step's arena; the encoded TaskStatus in it. */
struct slice master_status_encode(struct master *master, const struct status_draft *draft,
                                  struct slice *ret_status);

/* What the last status of the task said of health, check and container: for `kept`. */
struct slice master_status_kept(struct master *master, const struct task_record *record);

/* A status as v1 schedulers see it: agent, executor, time and uuid are those of the update around
 * it (uuid only if somebody waits for its acknowledgement). Appends the encoded TaskStatus. */
void master_status_evolve(struct slice update, bool acknowledged, struct buf *out);

/* The record's statuses with one more; it replaces the last if that has the same state. Data is
 * left out: it may be large, and only the framework wants it. A new reference. */
struct blob *master_status_append(const struct blob *statuses, struct slice status,
                                  bool *ret_is_new_state) WARN_UNUSED;

#endif
