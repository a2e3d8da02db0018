/*
 * A picture of the whole state for a worker to render: it costs what changed since the last one,
 * not what there is (design.md, decision 2). Everything in it is immutable; any thread may read it.
 *
 * Records name one another by slot. Slots of frameworks and agents are below `frameworks.slots` and
 * `agents.slots`: a worker makes arrays of that size and goes through each table once.
 */
#ifndef TEPUI_MASTER_SNAPSHOT_H
#define TEPUI_MASTER_SNAPSHOT_H

#include "common/cow.h"
#include "common/duration.h"
#include "master/agent.h"
#include "master/executor.h"
#include "master/framework.h"
#include "master/offer.h"
#include "master/operation.h"
#include "master/role_settings.h"
#include "master/task.h"

struct master;

struct master_snapshot {
    struct cow_snapshot frameworks; /* struct framework_record; state tells the completed ones */
    struct cow_snapshot agents;     /* struct agent_record; state tells the recovered ones */
    struct cow_snapshot tasks;      /* struct task_record; place tells where */
    struct cow_snapshot executors;  /* struct executor_record */
    struct cow_snapshot offers;     /* struct offer_record */
    struct cow_snapshot operations; /* struct operation_record */
    struct role_settings roles;     /* weights and quotas */
    struct now now;                 /* of the step that took it */
};

void master_snapshot_take(const struct master *master, struct master_snapshot *ret_snapshot);
void master_snapshot_release(struct master_snapshot *snapshot); /* idempotent */

/* The record of that type whose first member the pointer is. */
#define SNAPSHOT_RECORD(type, pointer) CONTAINER_OF((pointer), type, value)

#endif
