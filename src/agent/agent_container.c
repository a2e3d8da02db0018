#include "agent/agent_container.h"

#include <stdlib.h>
#include <string.h>

#include "agent/console.h"
#include "agent/core.h"
#include "agent/executor.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/operator_containers.h"
#include "agent/recovery.h"
#include "agent/usage.h"
#include "common/xalloc.h"
#include "resources/resource_validate.h"

/* --- paths --- */

static bool append_path(const Pb__ContainerID *id, int depth, char path[CONTAINER_PATH_SIZE],
                        size_t *size)
{
    struct slice value = slice_from(id->value);
    if (depth > CONTAINER_DEPTH_MAX || slice_find(value, '.') >= 0 ||
        resource_validate_id(value, NULL) != 0) {
        return false;
    }
    if (id->parent != NULL) {
        if (!append_path(id->parent, depth + 1, path, size) || *size + 1 >= CONTAINER_PATH_SIZE) {
            return false;
        }
        path[(*size)++] = '.';
    }
    if (*size + value.size >= CONTAINER_PATH_SIZE) {
        return false;
    }
    memcpy(path + *size, value.data, value.size);
    *size += value.size;
    path[*size] = '\0';
    return true;
}

bool agent_container_path(const Pb__ContainerID *id, char path[CONTAINER_PATH_SIZE])
{
    size_t size = 0;
    return append_path(id, 1, path, &size);
}

Pb__ContainerID *agent_container_id(const char *path, struct arena *arena)
{
    Pb__ContainerID *id = NULL;
    struct slice rest = slice_from(path);
    struct slice part;
    while (slice_split(&rest, '.', &part)) {
        Pb__ContainerID *child = MESSAGE_NEW(Pb__ContainerID, pb__container_id, arena);
        child->value = arena_strndup(arena, part.data, part.size);
        child->parent = id;
        id = child;
    }
    return id;
}

/* --- the table --- */

struct agent_container *agent_container_find(const struct agent *agent, const char *path)
{
    struct map_link *link = map_find(&agent->containers, slice_from(path));
    return link != NULL ? CONTAINER_OF(link, struct agent_container, by_path) : NULL;
}

struct agent_container *agent_container_new(struct agent *agent, const char *path,
                                            enum agent_container_kind kind,
                                            struct agent_container *root, const char *directory)
{
    struct agent_container *container = xalloc(sizeof(*container));
    container->path = xstrdup(path);
    container->kind = kind;
    container->root = root != NULL ? root : container;
    container->executor = root != NULL ? root->executor : NULL;
    container->directory = directory != NULL ? xstrdup(directory) : NULL;
    users_wait_init(&container->user_wait, USER_CONTAINER);
    gate_wait_init(&container->folder, GATE_SANDBOX);
    list_init(&container->waiters);
    timer_init(&container->ended_timer, TIMER_ENDED, container);
    map_add(&agent->containers, &container->by_path);
    list_push_back(&agent->container_order, &container->link);
    return container;
}

static void answer_waiters(struct agent *agent, struct agent_container *container)
{
    struct list *link;
    while ((link = list_pop_front(&container->waiters)) != NULL) {
        struct agent_container_waiter *waiter =
            LIST_ENTRY(link, struct agent_container_waiter, link);
        operator_answer_wait(agent, waiter, container);
        free(waiter);
    }
}

struct agent_container *agent_container_free(struct agent *agent, struct agent_container *container)
{
    answer_waiters(agent, container);
    operator_answer_launch(agent, container, "the container has been destroyed");
    console_free(container->console);
    operator_answer_remove(agent, container, 0, NULL);
    map_remove(&agent->containers, &container->by_path);
    list_remove(&container->link);
    users_cancel(&container->user_wait);
    gate_cancel(&container->folder);
    timers_cancel(&agent->timers, &container->ended_timer);
    container_spec_free(container->spec);
    blob_unref(container->status);
    blob_unref(container->end.limitation);
    free(container->end.message);
    free(container->directory);
    free(container->path);
    free(container);
    return NULL;
}

void agent_container_free_tree(struct agent *agent, struct agent_container *root)
{
    struct agent_container *container;
    LIST_FOR_EACH (container, &agent->container_order, link) {
        if (container->root == root && container != root) {
            agent_container_free(agent, container);
        }
    }
    agent_container_free(agent, root);
}

/* --- launch of nested and standalone ones --- */

static void request_launch(struct agent *agent, struct agent_container *container)
{
    struct container_request *request =
        container_request_add(&agent->effects->containers, CONTAINER_LAUNCH, container->path);
    request->spec = TAKE_PTR(container->spec);
}

static void make_folder(struct agent *agent, struct agent_container *container,
                        const struct user_found *user)
{
    uint64_t token = gate_token(&agent->gate);
    struct store_op *op = store_mkdir(&agent->effects->store, token, container->directory, 0750);
    op->root =
        container->kind == AGENT_CONTAINER_NESTED ? xstrdup(container->root->directory) : NULL;
    op->durable = false;
    if (user != NULL) {
        op->owned = true;
        op->uid = user->uid;
        op->gid = user->gid;
    }
    gate_wait_for(&agent->gate, &container->folder, token);
}

void agent_container_launch(struct agent *agent, struct agent_container *container,
                            const char *owner)
{
    if (container->is_debug && (owner == NULL || !container->spec->tty)) {
        request_launch(agent, container);
    } else if (owner != NULL) {
        users_ask(agent, &container->user_wait, owner);
    } else {
        make_folder(agent, container, NULL);
    }
}

/* The containerizer never heard of it. */
static void fail_launch(struct agent *agent, struct agent_container *container, const char *why)
{
    operator_answer_launch(agent, container, why);
    agent_container_free(agent, container);
}

void agent_container_user_found(struct agent *agent, struct agent_container *container,
                                const struct user_found *user)
{
    if (!user->found) {
        fail_launch(agent, container, "Failed to create sandbox: no such user");
        return;
    }
    if (container->is_debug) {
        container->spec->tty_is_owned = true;
        container->spec->tty_uid = user->uid;
        container->spec->tty_gid = user->gid;
        request_launch(agent, container);
        return;
    }
    make_folder(agent, container, user);
}

void agent_container_folder_made(struct agent *agent, struct agent_container *container, int status)
{
    if (status != 0) {
        fail_launch(agent, container,
                    arena_printf(&agent->arena, "Failed to create sandbox: %s", strerror(-status)));
        return;
    }
    request_launch(agent, container);
}

/* --- status --- */

void agent_container_ask_status(struct agent *agent, struct agent_container *container)
{
    struct container_request *request =
        container_request_add(&agent->effects->containers, CONTAINER_STATUS, container->path);
    request->token = container->status_token = agent_token(agent);
}

Pb__ContainerStatus *agent_container_status(const struct agent *agent UNUSED,
                                            const struct agent_container *container,
                                            struct arena *arena)
{
    Pb__ContainerStatus *status =
        container->status != NULL
            ? MESSAGES_READ(Pb__ContainerStatus, pb__container_status, container->status, arena)
            : MESSAGE_NEW(Pb__ContainerStatus, pb__container_status, arena);
    status->container_id = agent_container_id(container->path, arena);
    if (container->pid != 0) {
        status->has_executor_pid = 1;
        status->executor_pid = (uint32_t)container->pid;
    }
    return status;
}

/* --- reports --- */

/* Found by the containerizer at its start, though not an executor's own. */
static void found(struct agent *agent, const struct container_report *report)
{
    struct agent_container *container = agent_container_find(agent, report->path);
    if (container == NULL) {
        struct slice path = slice_from(report->path);
        ptrdiff_t dot = slice_find(path, '.');
        if (dot < 0) {
            const char *directory =
                paths_standalone(&agent->arena, agent->setup.config.work_dir, report->path);
            container = agent_container_new(agent, report->path, AGENT_CONTAINER_STANDALONE, NULL,
                                            directory);
        } else {
            const char *root_path = arena_strndup(&agent->arena, path.data, (size_t)dot);
            struct agent_container *root = agent_container_find(agent, root_path);
            if (root == NULL) {
                return; /* its root is an orphan: it goes with it */
            }
            container = agent_container_new(agent, report->path, AGENT_CONTAINER_NESTED, root,
                                            agent_container_nested_directory(agent, report->path));
        }
    }
    container->state = AGENT_CONTAINER_RUNNING;
    container->pid = report->pid;
    agent_container_ask_status(agent, container);
}

const char *agent_container_nested_directory(struct agent *agent, const char *path)
{
    const char *dot = strrchr(path, '.');
    ASSERT(dot != NULL);
    const char *parent_path = arena_strndup(&agent->arena, path, (size_t)(dot - path));
    const struct agent_container *parent = agent_container_find(agent, parent_path);
    return parent != NULL && parent->directory != NULL
               ? paths_nested(&agent->arena, parent->directory, dot + 1)
               : NULL;
}

static void launched(struct agent *agent, struct agent_container *container,
                     const struct container_report *report)
{
    container->state = AGENT_CONTAINER_RUNNING;
    container->pid = report->pid;
    agent_container_ask_status(agent, container);
    operator_answer_launch(agent, container, NULL);
    if (container->console != NULL && container->console->session.handle == 0) {
        /* Its client has gone, perhaps before the containerizer knew of it. */
        container_request_add(&agent->effects->containers, CONTAINER_DESTROY, container->path);
    }
    const struct executor *executor = container->executor;
    if (container->kind == AGENT_CONTAINER_EXECUTOR &&
        (executor->state == EXECUTOR_TERMINATING ||
         executor->framework->state == FRAMEWORK_TERMINATING)) {
        container_request_add(&agent->effects->containers, CONTAINER_DESTROY, container->path);
    }
}

static void launch_failed(struct agent *agent, struct agent_container *container,
                          const struct container_report *report)
{
    const char *text = report->text != NULL ? report->text : "unknown reason";
    if (container->kind == AGENT_CONTAINER_EXECUTOR) {
        metric_add(agent->gauges.container_launch_errors, 1);
        agent_log(agent, LOG_LEVEL_ERROR, "container %s cannot be launched: %s", container->path,
                  text);
        executor_set_end(container->executor, PB__TASK_STATE__TASK_FAILED,
                         PB__TASK_STATUS__REASON__REASON_CONTAINER_LAUNCH_FAILED,
                         "Failed to launch container: %s", text);
    } else {
        operator_answer_launch(agent, container, text);
    }
}

static void record_end(struct agent_container *container, const struct container_report *report)
{
    struct agent_container_end *end = &container->end;
    container->state = AGENT_CONTAINER_ENDED;
    container->pid = 0;
    end->has_status = report->has_status;
    end->status = report->status;
    end->message = report->text != NULL ? xstrdup(report->text) : NULL;
    end->limitation = blob_ref(report->limitation);
    end->has_state = end->has_reason = report->limit != CONTAINER_LIMIT_NONE;
    end->state = PB__TASK_STATE__TASK_FAILED;
    switch (report->limit) {
    case CONTAINER_LIMIT_NONE:
        break;
    case CONTAINER_LIMIT_MEMORY:
        end->reason = PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY;
        break;
    case CONTAINER_LIMIT_DISK:
        end->reason = PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_DISK;
        break;
    case CONTAINER_LIMIT_OTHER:
        end->reason = PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION;
        break;
    }
}

void agent_container_forget_later(struct agent *agent, struct agent_container *container)
{
    container->state = AGENT_CONTAINER_ENDED;
    timers_set(&agent->timers, &container->ended_timer,
               time_add_ns(agent->now.mono_ns, AGENT_CONTAINER_ENDED_NS));
}

static void terminated(struct agent *agent, struct agent_container *container,
                       const struct container_report *report)
{
    record_end(container, report);
    answer_waiters(agent, container);
    operator_answer_launch(agent, container, "the container has ended");
    console_free(container->console);
    bool collects = agent->setup.config.gc_non_executor_container_sandboxes &&
                    container->directory != NULL && !container->is_debug;
    switch (container->kind) {
    case AGENT_CONTAINER_EXECUTOR: {
        struct executor *executor = container->executor;
        agent_container_free_tree(agent, container);
        if (executor != NULL) {
            executor_terminated(executor, report);
        }
        break;
    }
    case AGENT_CONTAINER_NESTED:
        if (collects) {
            gc_schedule_below(agent, container->root->directory, container->directory,
                              agent->now.wall_ns);
        }
        break;
    case AGENT_CONTAINER_STANDALONE:
        if (collects) {
            gc_schedule(agent, container->directory, agent->now.wall_ns);
        }
        agent_container_forget_later(agent, container);
        break;
    }
}

static void updated(struct agent *agent, struct agent_container *container,
                    const struct container_report *report)
{
    if (container->remove_token != 0 && report->token == container->remove_token) {
        operator_answer_remove(agent, container, report->status, report->text);
        if (report->status == 0) {
            agent_container_free(agent, container);
        } else {
            container->remove_token = 0;
        }
    } else if (container->kind == AGENT_CONTAINER_EXECUTOR && container->executor != NULL) {
        executor_container_grown(container->executor, report->token, report->status, report->text);
    }
}

void agent_container_report(struct agent *agent, const struct container_report *report)
{
    if (report->type == CONTAINER_RECOVERED) {
        if (report->path[0] == '\0') {
            recovery_containers_found(agent);
        } else {
            found(agent, report);
        }
        return;
    }
    struct agent_container *container = agent_container_find(agent, report->path);
    if (report->type == CONTAINER_USAGE_RESULT ||
        (report->type == CONTAINER_STATUS_RESULT &&
         (container == NULL || report->token != container->status_token))) {
        usage_report(agent, report);
        return;
    }
    if (container == NULL) {
        return;
    }
    switch (report->type) {
    case CONTAINER_RECOVERED:
    case CONTAINER_USAGE_RESULT:
    case CONTAINER_FETCHING:
    case CONTAINER_LIMITED: /* TERMINATED will tell the same */
        break;
    case CONTAINER_LAUNCHED:
        launched(agent, container, report);
        break;
    case CONTAINER_LAUNCH_FAILED:
        launch_failed(agent, container, report);
        break;
    case CONTAINER_UPDATED:
        updated(agent, container, report);
        break;
    case CONTAINER_TERMINATED:
        terminated(agent, container, report);
        break;
    case CONTAINER_STATUS_RESULT:
        if (report->status == 0 && report->message != NULL &&
            message_check(&pb__container_status__descriptor, blob_slice(report->message), NULL) ==
                0) {
            blob_unref(container->status);
            container->status = blob_ref(report->message);
        }
        break;
    }
}
