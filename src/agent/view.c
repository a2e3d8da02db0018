#include "agent/view.h"

#include <stdlib.h>

#include "agent/core.h"
#include "agent/endpoints.h"
#include "agent/framework.h"
#include "common/xalloc.h"

static void take_tasks(struct view *view, struct view_tasks *taken, const struct list *tasks)
{
    size_t count = 0;
    for (const struct list *link = tasks->next; link != tasks; link = link->next) {
        count++;
    }
    taken->items = arena_alloc_array(&view->arena, count + 1, sizeof(taken->items[0]));
    struct task *task;
    LIST_FOR_EACH (task, tasks, link) {
        taken->items[taken->count++] = blob_ref(task_whole(task));
    }
}

static void take_executor(struct view *view, struct view_executor *taken,
                          const struct executor *executor)
{
    taken->info = blob_ref(executor->info);
    taken->id = arena_strdup(&view->arena, executor->id);
    taken->container = arena_strdup(&view->arena, executor->container_id);
    taken->directory = arena_strdup(&view->arena, executor->directory);
    if (view->content == VIEW_GET_EXECUTORS) {
        return;
    }
    take_tasks(view, &taken->tasks[TASK_QUEUED], &executor->queued);
    take_tasks(view, &taken->tasks[TASK_LAUNCHED], &executor->launched);
    take_tasks(view, &taken->tasks[TASK_TERMINATED], &executor->terminated);
    take_tasks(view, &taken->tasks[TASK_COMPLETED], &executor->completed);
}

static void take_executors(struct view *view, struct view_executors *taken,
                           const struct list *executors, size_t count)
{
    taken->items = arena_alloc_array(&view->arena, count + 1, sizeof(taken->items[0]));
    struct executor *executor;
    LIST_FOR_EACH (executor, executors, link) {
        take_executor(view, &taken->items[taken->count++], executor);
    }
}

static void take_frameworks(struct view *view, struct view_frameworks *taken,
                            const struct list *frameworks, size_t count)
{
    taken->items = arena_alloc_array(&view->arena, count + 1, sizeof(taken->items[0]));
    struct framework *framework;
    LIST_FOR_EACH (framework, frameworks, link) {
        struct view_framework *one = &taken->items[taken->count++];
        one->info = blob_ref(framework->info);
        one->id = arena_strdup(&view->arena, framework->id);
        if (view->content != VIEW_GET_FRAMEWORKS) {
            take_executors(view, &one->executors, &framework->executor_order,
                           framework->executors.count);
            take_executors(view, &one->completed, &framework->completed,
                           framework->completed_count);
        }
    }
}

static void release_executors(struct view_executors *executors)
{
    for (size_t i = 0; i < executors->count; i++) {
        struct view_executor *executor = &executors->items[i];
        blob_unref(executor->info);
        for (size_t j = 0; j < ELEMENTS(executor->tasks); j++) {
            for (size_t k = 0; k < executor->tasks[j].count; k++) {
                blob_unref(executor->tasks[j].items[k]);
            }
        }
    }
}

static void release_frameworks(struct view_frameworks *frameworks)
{
    for (size_t i = 0; i < frameworks->count; i++) {
        blob_unref(frameworks->items[i].info);
        release_executors(&frameworks->items[i].executors);
        release_executors(&frameworks->items[i].completed);
    }
}

static void free_view(struct net_job *job)
{
    struct view *view = CONTAINER_OF(job, struct view, job);
    release_frameworks(&view->running);
    release_frameworks(&view->completed);
    blob_unref(view->drain_config);
    blob_unref(view->resource_state);
    arena_deinit(&view->arena);
    free(view);
}

static void run_view(struct net_job *job, struct net_answer *answer)
{
    const struct view *view = CONTAINER_OF(job, struct view, job);
    answer->status = 200;
    answer->content_type = MEDIA_JSON;
    if (view->content == VIEW_STATE) {
        view_write_state(view, &answer->body);
        if (view->jsonp != NULL) {
            endpoints_wrap_jsonp(view->jsonp, &answer->body);
            answer->content_type = MEDIA_JAVASCRIPT;
        }
    } else if (view->json) {
        view_write_response_json(view, &answer->body);
    } else {
        view_write_response_bytes(view, &answer->body);
        answer->content_type = MEDIA_PROTOBUF;
    }
}

struct view *view_take(struct agent *agent, enum view_content content, bool json, const char *jsonp)
{
    struct view *view = xalloc(sizeof(*view));
    view->job = (struct net_job){run_view, free_view};
    arena_init(&view->arena, 0);
    struct arena *arena = &view->arena;
    view->content = content;
    view->json = json;
    view->jsonp = jsonp != NULL ? arena_strdup(arena, jsonp) : NULL;
    view->setup = &agent->setup;
    view->id = arena_strdup(arena, agent->id_stored ? agent->id : "");
    char pid[UPID_TEXT_SIZE];
    upid_format(&agent->self, pid);
    view->pid = arena_strdup(arena, pid);
    view->master_hostname = agent->master.id[0] != '\0' && agent->master_hostname != NULL
                                ? arena_strdup(arena, agent->master_hostname)
                                : NULL;
    view->start_wall_ns = agent->start_wall_ns;
    view->drain_config = blob_ref(agent->drain_config);
    view->drain_start_wall_ns = agent->drain_start_wall_ns;
    view->resource_state = blob_ref(resource_state_encoded(agent));
    take_frameworks(view, &view->running, &agent->framework_order, agent->frameworks.count);
    take_frameworks(view, &view->completed, &agent->completed, agent->completed_count);
    return view;
}
