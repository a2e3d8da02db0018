/*
 * After a start: which of the containers on this host are the agent's, and which are nobody's.
 *
 * The agent names its top-level ones. Standalone ones are marked on disk. Nested ones belong to
 * whom their parent does; sessions are ended. All others are orphans: destroyed, and not told of
 * (facts/observed.md, containers 11; tasks 20).
 */
#include <sched.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "container/container_paths.h"
#include "container/containerizer_core.h"
#include "wire/message.h"

#define RECORD_BUDGET_SIZE ((size_t)64 << 20) /* memory for one record read back */

void containerizer_recover(struct containerizer *c, struct container_request *request)
{
    if (request->path[0] != '\0') {
        list_push_back(&c->expected.list, &request->link);
        return;
    }
    if (!c->scanning && !c->recovered) {
        c->scanning = true;
        c->recover_token = request->token;
        containerizer_effect_add(c->effects, CONTAINERIZER_SCAN, "");
    }
    container_request_free(request);
}

static bool is_expected(const struct containerizer *c, const char *path)
{
    struct container_request *request;
    LIST_FOR_EACH (request, &c->expected.list, link) {
        if (request->keep && strcmp(request->path, path) == 0) {
            return true;
        }
    }
    return false;
}

/* What was written down at the launch, by us or by the original. */
static void read_config(struct core_container *container, const struct blob *config)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, RECORD_BUDGET_SIZE);
    Pb__Slave__ContainerConfig *message;
    if (config == NULL || MESSAGE_DECODE(Pb__Slave__ContainerConfig, pb__slave__container_config,
                                         blob_slice(config), &arena, &message, NULL) != 0) {
        return;
    }
    container->directory = xstrdup(message->directory);
    container->is_command_task = message->task_info != NULL;
    container->debug = message->has_container_class &&
                       message->container_class == PB__SLAVE__CONTAINER_CLASS__DEBUG;
    const Pb__LinuxInfo *info =
        message->container_info != NULL ? message->container_info->linux_info : NULL;
    container->own_cgroups =
        container->parent == NULL ||
        (info != NULL && info->has_share_cgroups && !info->share_cgroups && !container->debug);
}

static void read_launch_info(struct core_container *container, struct blob *launch_info)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, RECORD_BUDGET_SIZE);
    Pb__Slave__ContainerLaunchInfo *message;
    if (launch_info == NULL ||
        MESSAGE_DECODE(Pb__Slave__ContainerLaunchInfo, pb__slave__container_launch_info,
                       blob_slice(launch_info), &arena, &message, NULL) != 0) {
        return;
    }
    container->launch_info = blob_ref(launch_info);
    for (size_t i = 0; i < message->n_clone_namespaces; i++) {
        container->own_pid_namespace =
            container->own_pid_namespace || message->clone_namespaces[i] == CLONE_NEWPID;
    }
}

static void read_termination(struct core_container *container, const struct blob *termination)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, RECORD_BUDGET_SIZE);
    Pb__Slave__ContainerTermination *message;
    if (MESSAGE_DECODE(Pb__Slave__ContainerTermination, pb__slave__container_termination,
                       blob_slice(termination), &arena, &message, NULL) != 0) {
        return;
    }
    container->has_status = message->has_status;
    container->status = message->status;
    container->text = message->message != NULL ? xstrdup(message->message) : NULL;
    if (message->has_reason) {
        container->limit =
            message->reason == PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY
                ? CONTAINER_LIMIT_MEMORY
                : CONTAINER_LIMIT_OTHER;
    }
}

static void adopt(struct containerizer *c, struct core_container *container,
                  const struct containerizer_found *found)
{
    container->pid = found->pid;
    container->launched = true;
    container->prepared = true;
    container->exited = !found->alive;
    if (!found->alive) {
        container->has_status = found->has_status;
        container->status = found->status;
    }
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_ADOPT, container->path);
    effect->place = containerizer_place_of(c, container);
    effect->place.ours = found->ours;
    effect->place.is_linux = effect->place.is_linux && !found->posix;
    effect->pid = found->alive ? found->pid : 0;
    if (!container->silent && found->alive) {
        containerizer_effect_add(c->effects, CONTAINERIZER_WATCH, container->path);
    }
}

/* Its parent's record, made up if the parent left nothing but its cgroup or its folder. */
static struct core_container *parent_of(struct containerizer *c, const char *path)
{
    char parent_path[CONTAINER_PATH_SIZE];
    if (!container_paths_parent(path, parent_path)) {
        return NULL;
    }
    struct core_container *parent = containerizer_find(c, parent_path);
    if (parent == NULL) {
        parent = containerizer_add(c, parent_path, parent_of(c, parent_path), STATE_RUNNING);
        parent->silent = true;
        parent->own_cgroups = parent->parent == NULL;
        adopt(c, parent, &(struct containerizer_found){0});
    }
    return parent;
}

static void report_found(struct containerizer *c, const struct core_container *container)
{
    struct container_report *report = container_report_new(CONTAINER_RECOVERED, container->path);
    report->pid = container->pid;
    report->token = c->recover_token;
    containerizer_report(c, report);
}

void containerizer_found(struct containerizer *c, struct containerizer_event *event)
{
    struct containerizer_found *found = &event->found;
    if (!container_paths_valid(event->path) || containerizer_find(c, event->path) != NULL) {
        return;
    }
    struct core_container *parent = parent_of(c, event->path);
    bool ended = parent != NULL && found->termination != NULL;
    struct core_container *container =
        containerizer_add(c, event->path, parent, ended ? STATE_ENDED : STATE_RUNNING);
    container->standalone = found->standalone;
    container->own_cgroups = parent == NULL;
    read_config(container, found->config);
    read_launch_info(container, found->launch_info);
    if (parent != NULL) {
        container->silent =
            parent->silent || (found->force_destroy && !ended) || (found->pid == 0 && !ended);
    } else if (found->standalone) {
        container->silent = found->pid == 0;
    } else {
        container->silent = !is_expected(c, event->path);
    }
    if (ended) {
        read_termination(container, found->termination);
        container->launched = container->exited = true;
        return;
    }
    adopt(c, container, found);
}

/* Tells of what was found, in the order in which it was: parents first. */
static void tell(struct containerizer *c, const struct list *containers)
{
    struct core_container *container;
    LIST_FOR_EACH (container, containers, sibling) {
        if (!container->silent && (container->parent != NULL || container->standalone)) {
            report_found(c, container);
        }
        tell(c, &container->children);
    }
}

static void report_lost(struct containerizer *c, const char *path)
{
    struct container_report *report = container_report_new(CONTAINER_TERMINATED, path);
    report->status = -1;
    containerizer_report(c, report);
}

/* Ends what is nobody's, and what has ended already; tells the end of nested ones again. */
static void settle(struct containerizer *c, struct list *containers)
{
    struct core_container *container;
    LIST_FOR_EACH (container, containers, sibling) {
        settle(c, &container->children);
        if (container->state == STATE_ENDED) {
            if (!container->silent) {
                struct container_report *report =
                    container_report_new(CONTAINER_TERMINATED, container->path);
                report->has_status = container->has_status;
                report->status = container->has_status ? container->status : -1;
                report->limit = container->limit;
                report->text = container->text != NULL ? xstrdup(container->text) : NULL;
                containerizer_report(c, report);
            }
        } else if (container->silent || container->exited) {
            containerizer_destroy(c, container);
        }
    }
}

/* The container whose sandbox holds a mount point: that with the longest folder. */
static struct core_container *owner_of(const struct list *containers, const char *point)
{
    struct core_container *container;
    LIST_FOR_EACH (container, containers, sibling) {
        size_t size = container->directory != NULL ? strlen(container->directory) : 0;
        if (size != 0 && strncmp(point, container->directory, size) == 0 && point[size] == '/') {
            struct core_container *nested = owner_of(&container->children, point);
            return nested != NULL ? nested : container;
        }
    }
    return NULL;
}

/* Mounts go with the container in whose sandbox they are; those of none, at once. */
static void take_mounts(struct containerizer *c, const char *mounts)
{
    struct slice rest = slice_from(mounts);
    struct slice line;
    CLEANUP(buf_deinit) struct buf nobodys = BUF_INIT;
    while (mounts != NULL && slice_split(&rest, '\n', &line)) {
        if (line.size == 0) {
            continue;
        }
        CLEANUP(xfreep) char *point = xstrndup(line.data, line.size);
        struct core_container *owner = owner_of(&c->top, point);
        if (owner == NULL || owner->state == STATE_ENDED) {
            buf_printf(&nobodys, "%s\n", point);
            continue;
        }
        char *before = owner->mounts;
        owner->mounts = xasprintf("%s%s\n", before != NULL ? before : "", point);
        free(before);
    }
    if (nobodys.size != 0) {
        containerizer_effect_add(c->effects, CONTAINERIZER_UPDATE, "")->mounts =
            xstrdup(buf_text(&nobodys));
    }
}

void containerizer_scanned(struct containerizer *c, const char *mounts)
{
    if (!c->scanning) {
        return;
    }
    take_mounts(c, mounts);
    c->scanning = false;
    c->recovered = true;
    tell(c, &c->top);
    struct container_report *report = container_report_new(CONTAINER_RECOVERED, "");
    report->token = c->recover_token;
    containerizer_report(c, report);
    struct container_request *request;
    while ((request = container_request_pop(&c->expected)) != NULL) {
        if (request->keep && containerizer_find(c, request->path) == NULL) {
            report_lost(c, request->path);
        }
        container_request_free(request);
    }
    settle(c, &c->top);
}

void containerizer_watch_only(struct containerizer *c, const struct container_request *request)
{
    if (!container_paths_valid(request->path) || containerizer_find(c, request->path) != NULL ||
        strchr(request->path, '.') != NULL) {
        return;
    }
    struct core_container *container = containerizer_add(c, request->path, NULL, STATE_RUNNING);
    container->watch_only = true;
    adopt(c, container,
          &(struct containerizer_found){.pid = request->pid, .alive = request->pid > 0});
    if (container->exited) {
        containerizer_destroy(c, container);
    }
}
