/*
 * A snapshot put in order for rendering: frameworks and agents in order of their coming, and what
 * belongs to each. Made by a worker in one pass over each table (docs/design/master.md).
 */
#ifndef TEPUI_MASTER_VIEW_INDEX_H
#define TEPUI_MASTER_VIEW_INDEX_H

#include "common/arena.h"
#include "master/snapshot.h"
#include "master/view_runs.h"

#define VIEW_PLACES 3 /* of tasks: enum task_place */

/* Which parts are wanted. */
enum {
    VIEW_WANTS_TASKS = 1 << 0,
    VIEW_WANTS_EXECUTORS = 1 << 1,
    VIEW_WANTS_OFFERS = 1 << 2,
    VIEW_WANTS_SUMS = 1 << 3, /* needs the three above */
    VIEW_WANTS_ALL = (1 << 4) - 1,
};

struct view_task {
    const struct task_record *record;
    struct view_run *run; /* its resources; NULL = not looked at */
};

struct view_tasks {
    struct view_task *items; /* by order */
    size_t count;
};

struct view_frameworks {
    const struct framework_record **items; /* by order */
    size_t count;
};

struct view_agents {
    const struct agent_record **items; /* by order */
    size_t count;
};

struct view_executors {
    const struct executor_record **items; /* by slot */
    size_t count;
};

struct view_offers {
    const struct offer_record **items; /* by slot */
    size_t count;
};

/* What a framework or an agent holds. */
struct view_sums {
    struct resources used;    /* by tasks and executors, with allocation_info */
    struct resources offered; /* with allocation_info */
};

struct view_index {
    const struct master_snapshot *snapshot;
    struct arena arena;
    struct view_runs runs;

    struct view_frameworks running; /* all but the completed ones */
    struct view_frameworks completed;
    struct view_agents registered;
    struct view_agents recovered;
    const struct framework_record **framework_at; /* by slot */
    const struct agent_record **agent_at;         /* by slot */

    struct view_tasks *tasks;         /* by framework slot * VIEW_PLACES + place */
    struct view_executors *executors; /* by framework slot */
    struct view_offers *offers;       /* by framework slot */
    struct view_sums *framework_sums; /* by slot */
    struct view_sums *agent_sums;     /* by slot */
};

/* `wants`: VIEW_WANTS_*. The snapshot must live as long. */
void master_view_index_init(struct view_index *index, const struct master_snapshot *snapshot,
                            unsigned wants, uint64_t seed);
void master_view_index_deinit(struct view_index *index);

static inline const struct view_tasks *view_index_tasks(const struct view_index *index,
                                                        uint32_t framework, enum task_place place)
{
    return &index->tasks[(size_t)framework * VIEW_PLACES + place];
}

#endif
