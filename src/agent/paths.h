/*
 * Every path below work_dir, as text (golden/on_disk.md). Pure: nothing is looked up.
 *
 * All are written into the arena. `root` is work_dir for sandboxes and work_dir/meta for
 * checkpoints: both have the same layout below it.
 */
#ifndef TEPUI_AGENT_PATHS_H
#define TEPUI_AGENT_PATHS_H

#include "common/arena.h"

/* One run of an executor: which parts of a path are known. */
struct run_ids {
    const char *agent;
    const char *framework;
    const char *executor;
    const char *container;
};

const char *paths_meta(struct arena *arena, const char *work_dir);

/* root/slaves/ID, .../frameworks/ID, .../executors/ID, .../runs/ID, .../runs/latest */
const char *paths_agent(struct arena *arena, const char *root, const char *agent);
const char *paths_framework(struct arena *arena, const char *root, const struct run_ids *ids);
const char *paths_executor(struct arena *arena, const char *root, const struct run_ids *ids);
const char *paths_run(struct arena *arena, const char *root, const struct run_ids *ids);
const char *paths_latest_run(struct arena *arena, const char *root, const struct run_ids *ids);
/* meta: .../runs/ID/tasks/TASK */
const char *paths_task(struct arena *arena, const char *root, const struct run_ids *ids,
                       const char *task);
/* meta: root/slaves/AGENT/operations/UUID */
const char *paths_operation(struct arena *arena, const char *root, const char *agent,
                            const char *uuid);
/* work_dir/containers/ID: a standalone container's sandbox. */
const char *paths_standalone(struct arena *arena, const char *work_dir, const char *container);
/* A nested container's sandbox: SANDBOX/containers/ID. */
const char *paths_nested(struct arena *arena, const char *sandbox, const char *container);
/* /frameworks/ID/executors/ID/runs/latest: as the files API shows it. */
const char *paths_virtual_run(struct arena *arena, const struct run_ids *ids);

/* "a/b" of "a" and "b". */
const char *paths_join(struct arena *arena, const char *folder, const char *name);

#endif
