#include "agent/framework.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/messages.h"
#include "agent/updates.h"
#include "common/xalloc.h"

static struct slice executor_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct executor, by_id)->id);
}

static struct slice task_key(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct task, by_id)->id);
}

struct framework *framework_find(const struct agent *agent, const char *id)
{
    struct map_link *link = map_find(&agent->frameworks, slice_from(id));
    return link != NULL ? CONTAINER_OF(link, struct framework, by_id) : NULL;
}

struct executor *framework_find_executor(const struct framework *framework, const char *id)
{
    struct map_link *link = map_find(&framework->executors, slice_from(id));
    return link != NULL ? CONTAINER_OF(link, struct executor, by_id) : NULL;
}

struct task *framework_find_task(const struct framework *framework, const char *id)
{
    struct map_link *link = map_find(&framework->tasks, slice_from(id));
    return link != NULL ? CONTAINER_OF(link, struct task, by_id) : NULL;
}

const char *framework_single_role(const Pb__FrameworkInfo *info)
{
    for (size_t i = 0; i < info->n_capabilities; i++) {
        if (info->capabilities[i]->has_type &&
            info->capabilities[i]->type == PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE) {
            return info->n_roles == 1 ? info->roles[0] : NULL;
        }
    }
    return info->role != NULL ? info->role : "*";
}

void framework_set_info(struct framework *framework, const Pb__FrameworkInfo *info)
{
    blob_unref(framework->info);
    free(framework->user);
    framework->info = message_encode_blob(&info->base);
    framework->user = xstrdup(info->user);
    framework->partition_aware = false;
    for (size_t i = 0; i < info->n_capabilities; i++) {
        framework->partition_aware |=
            info->capabilities[i]->has_type &&
            info->capabilities[i]->type == PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE;
    }
}

void framework_set_pid(struct framework *framework, const char *pid)
{
    if (pid == NULL || !upid_parse(slice_from(pid), &framework->pid) ||
        upid_is_none(&framework->pid)) {
        framework->pid = (struct upid){0};
    }
}

/* What is remembered of an earlier time of the framework here. */
static void take_completed(struct framework *framework)
{
    struct agent *agent = framework->agent;
    struct framework *old;
    LIST_FOR_EACH (old, &agent->completed, link) {
        if (strcmp(old->id, framework->id) == 0) {
            struct executor *executor;
            LIST_FOR_EACH (executor, &old->completed, link) {
                list_remove(&executor->link);
                executor->framework = framework;
                list_push_back(&framework->completed, &executor->link);
            }
            framework->completed_count = old->completed_count;
            agent->completed_count--;
            framework_free(old);
            return;
        }
    }
}

struct framework *framework_new(struct agent *agent, const Pb__FrameworkInfo *info, const char *pid)
{
    struct framework *framework = xalloc(sizeof(*framework));
    framework->agent = agent;
    framework->id = xstrdup(info->id->value);
    framework->checkpoint = info->has_checkpoint && info->checkpoint;
    framework_set_info(framework, info);
    framework_set_pid(framework, pid);
    map_init(&framework->executors, executor_key, prng_next(&agent->prng));
    map_init(&framework->tasks, task_key, prng_next(&agent->prng));
    list_init(&framework->executor_order);
    list_init(&framework->completed);
    take_completed(framework);
    map_add(&agent->frameworks, &framework->by_id);
    list_push_back(&agent->framework_order, &framework->link);
    return framework;
}

struct framework *framework_free(struct framework *framework)
{
    struct executor *executor;
    LIST_FOR_EACH (executor, &framework->executor_order, link) {
        executor_free(executor);
    }
    LIST_FOR_EACH (executor, &framework->completed, link) {
        executor_free(executor);
    }
    map_deinit(&framework->executors);
    map_deinit(&framework->tasks);
    list_remove(&framework->link);
    blob_unref(framework->info);
    free(framework->user);
    free(framework->id);
    free(framework);
    return NULL;
}

void framework_checkpoint(struct framework *framework)
{
    struct agent *agent = framework->agent;
    struct arena *arena = &agent->arena;
    struct run_ids ids = {.agent = agent->id, .framework = framework->id};
    const char *folder = paths_framework(arena, agent->setup.meta_dir, &ids);
    agent_store_message(agent, paths_join(arena, folder, "framework.info"), framework->info, 0);
    char pid[UPID_TEXT_SIZE] = "@0.0.0.0:0"; /* as the reference writes one that uses HTTP */
    if (framework->pid.id[0] != '\0') {
        upid_format(&framework->pid, pid);
    }
    store_replace(&agent->effects->store, 0, paths_join(arena, folder, "framework.pid"),
                  blob_from(slice_from(pid)))
        ->durable = true;
}

void framework_retire_if_idle(struct framework *framework)
{
    struct agent *agent = framework->agent;
    if (!list_is_empty(&framework->executor_order)) {
        return;
    }
    struct arena *arena = &agent->arena;
    agent_log(agent, LOG_LEVEL_INFO, "framework %s has nothing left here", framework->id);
    if (framework->state == FRAMEWORK_TERMINATING) {
        updates_drop_framework(agent, framework->id); /* nobody would acknowledge them */
    }
    struct run_ids ids = {.agent = agent->id, .framework = framework->id};
    gc_schedule(agent, paths_framework(arena, agent->setup.config.work_dir, &ids),
                agent->now.wall_ns);
    if (framework->checkpoint) {
        gc_schedule(agent, paths_framework(arena, agent->setup.meta_dir, &ids), agent->now.wall_ns);
    }
    map_remove(&agent->frameworks, &framework->by_id);
    list_remove(&framework->link);
    list_push_back(&agent->completed, &framework->link);
    if (++agent->completed_count > AGENT_COMPLETED_FRAMEWORKS_MAX) {
        struct framework *oldest = LIST_ENTRY(agent->completed.next, struct framework, link);
        agent->completed_count--;
        framework_free(oldest);
    }
    agent_check_drained(agent);
    agent_check_end(agent);
}

void framework_shut_down(struct framework *framework)
{
    struct agent *agent = framework->agent;
    struct arena *arena = &agent->arena;
    if (framework->state == FRAMEWORK_TERMINATING) {
        return;
    }
    agent_log(agent, LOG_LEVEL_INFO, "shutting down framework %s", framework->id);
    framework->state = FRAMEWORK_TERMINATING;
    const char *id = arena_strdup(arena, framework->id);
    const char **names = arena_alloc_array(arena, framework->executors.count + 1, sizeof(*names));
    size_t count = 0;
    struct executor *executor;
    LIST_FOR_EACH (executor, &framework->executor_order, link) {
        names[count++] = arena_strdup(arena, executor->id);
    }
    /* Each may be gone at once, and the framework with the last. */
    for (size_t i = 0; i < count && framework_find(agent, id) == framework; i++) {
        executor = framework_find_executor(framework, names[i]);
        if (executor == NULL) {
            continue;
        }
        switch (executor->state) {
        case EXECUTOR_REGISTERING:
        case EXECUTOR_RUNNING:
            executor_shut_down(executor);
            break;
        case EXECUTOR_TERMINATED:
            executor_retire(executor);
            break;
        case EXECUTOR_TERMINATING:
            break;
        }
    }
    if (framework_find(agent, id) == framework) {
        framework_retire_if_idle(framework);
    }
}

Pb__TaskState framework_dropped(const struct framework *framework)
{
    return framework->partition_aware ? PB__TASK_STATE__TASK_DROPPED : PB__TASK_STATE__TASK_LOST;
}

Pb__TaskState framework_gone(const struct framework *framework)
{
    return framework->partition_aware ? PB__TASK_STATE__TASK_GONE : PB__TASK_STATE__TASK_LOST;
}
