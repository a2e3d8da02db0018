#include "agent/paths.h"

const char *paths_meta(struct arena *arena, const char *work_dir)
{
    return paths_join(arena, work_dir, "meta");
}

const char *paths_agent(struct arena *arena, const char *root, const char *agent)
{
    return arena_printf(arena, "%s/slaves/%s", root, agent);
}

const char *paths_framework(struct arena *arena, const char *root, const struct run_ids *ids)
{
    return arena_printf(arena, "%s/slaves/%s/frameworks/%s", root, ids->agent, ids->framework);
}

const char *paths_executor(struct arena *arena, const char *root, const struct run_ids *ids)
{
    return arena_printf(arena, "%s/slaves/%s/frameworks/%s/executors/%s", root, ids->agent,
                        ids->framework, ids->executor);
}

const char *paths_run(struct arena *arena, const char *root, const struct run_ids *ids)
{
    return arena_printf(arena, "%s/runs/%s", paths_executor(arena, root, ids), ids->container);
}

const char *paths_latest_run(struct arena *arena, const char *root, const struct run_ids *ids)
{
    return arena_printf(arena, "%s/runs/latest", paths_executor(arena, root, ids));
}

const char *paths_task(struct arena *arena, const char *root, const struct run_ids *ids,
                       const char *task)
{
    return arena_printf(arena, "%s/tasks/%s", paths_run(arena, root, ids), task);
}

const char *paths_operation(struct arena *arena, const char *root, const char *agent,
                            const char *uuid)
{
    return arena_printf(arena, "%s/slaves/%s/operations/%s", root, agent, uuid);
}

const char *paths_standalone(struct arena *arena, const char *work_dir, const char *container)
{
    return arena_printf(arena, "%s/containers/%s", work_dir, container);
}

const char *paths_nested(struct arena *arena, const char *sandbox, const char *container)
{
    return arena_printf(arena, "%s/containers/%s", sandbox, container);
}

const char *paths_virtual_run(struct arena *arena, const struct run_ids *ids)
{
    return arena_printf(arena, "/frameworks/%s/executors/%s/runs/latest", ids->framework,
                        ids->executor);
}

const char *paths_join(struct arena *arena, const char *folder, const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}
