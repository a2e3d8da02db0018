/*
 * Executors that frameworks have named (command tasks have none here): one per framework, agent and
 * executor id, from the first launch until the agent says that it exited.
 */
#ifndef TEPUI_MASTER_EXECUTOR_H
#define TEPUI_MASTER_EXECUTOR_H

#include <stdint.h>

#include "common/blob.h"
#include "common/cow.h"
#include "common/list.h"
#include "resources/resources.h"

struct framework;
struct agent;

/* Immutable. */
struct executor_record {
    struct cow_value value;
    struct blob *info;         /* encoded ExecutorInfo, canonical as tasks are */
    struct blob *framework_id; /* text */
    struct blob *agent_id;     /* text */
    uint32_t framework;        /* slot */
    uint32_t agent;            /* slot */
    uint32_t id_at;            /* where in info the executor's id is */
    uint32_t id_size;
};

static inline struct slice executor_record_id(const struct executor_record *record)
{
    return slice_make(record->info->data + record->id_at, record->id_size);
}

/* Loop only. */
struct executor {
    struct list of_agent; /* agent->executors */
    struct framework *framework;
    struct agent *agent;
    struct executor_record *record; /* owned by the table of executors */
    struct resources resources;     /* with allocation_info */
    uint32_t slot;                  /* in the table of executors */
};

struct master;

/* Takes over the reference to the info (encoded, its framework_id set) and the resources, of which
 * the allocator is not told. */
struct executor *master_executor_add(struct master *master, struct framework *framework,
                                     struct agent *agent, struct blob *info,
                                     struct resources *resources);
/* Gives its resources back. */
void master_executor_remove(struct master *master, struct executor *executor);
/* NULL if there is none. */
struct executor *master_executor_find(const struct agent *agent, const struct framework *framework,
                                      struct slice id);

#endif
