#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "container/container_paths.h"
#include "container/containerizer_core.h"
#include "container/fetch_plan.h"

/* What is not even begun is over at once. */
static void refuse(struct containerizer *c, const char *path, const char *text, bool terminated)
{
    struct container_report *report = container_report_new(CONTAINER_LAUNCH_FAILED, path);
    report->text = xstrdup(text);
    containerizer_report(c, report);
    if (terminated) {
        report = container_report_new(CONTAINER_TERMINATED, path);
        report->status = -1;
        containerizer_report(c, report);
    }
}

/* The chain of containers around a new one, nearest first. */
static const struct launch_parent *parents(const struct core_container *container,
                                           struct arena *arena)
{
    if (container == NULL) {
        return NULL;
    }
    struct launch_parent *parent = ARENA_NEW(arena, struct launch_parent);
    parent->parent = parents(container->parent, arena);
    memcpy(parent->path, container->path, sizeof(parent->path));
    parent->pid = container->pid;
    parent->directory = container->directory;
    parent->own_cgroups = container->own_cgroups;
    parent->is_command_task = container->is_command_task;
    parent->shm_is_own = container->shm_is_own;
    parent->launch_info = container->launch_info;
    return parent;
}

static void take_volumes(struct core_container *container, struct container_spec *spec)
{
    container->volumes = TAKE_PTR(spec->volumes);
    container->volume_count = spec->volume_count;
    spec->volume_count = 0;
}

static struct core_container *add(struct containerizer *c, const char *path,
                                  struct core_container *parent, struct container_spec *spec,
                                  struct launch_result *result)
{
    struct core_container *container = containerizer_add(c, path, parent, STATE_SPAWNING);
    const char *directory = spec->debug ? parent->directory : spec->directory;
    container->directory = directory != NULL ? xstrdup(directory) : NULL;
    container->launch_info = blob_ref(result->launch_info);
    container->fetch_command =
        fetch_plan_is_needed(spec->fetch_command) ? blob_ref(spec->fetch_command) : NULL;
    container->fetch_user = TAKE_PTR(spec->fetch_owner);
    container->amounts = (struct containerizer_amounts){
        .cpus_milli = spec->cpus_milli,
        .cpus_limit_milli = spec->cpus_limit_milli,
        .mem_bytes = spec->mem_bytes,
        .mem_limit_bytes = spec->mem_limit_bytes,
    };
    container->own_cgroups = result->own_cgroups;
    container->own_pid_namespace = result->own_pid_namespace;
    container->shm_is_own = result->shm_is_own;
    container->is_command_task = spec->is_command_task;
    container->debug = spec->debug;
    container->standalone = spec->standalone;
    take_volumes(container, spec);
    return container;
}

static void spawn(struct containerizer *c, struct core_container *container,
                  struct container_spec *spec, struct launch_result *result)
{
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_SPAWN, container->path);
    effect->place = containerizer_place_of(c, container);
    effect->place.ours = true;
    effect->plan = blob_ref(result->plan);
    effect->clone_flags = result->clone_flags;
    effect->parent_pid = result->enter_pid_of;
    const char *dir = effect->place.runtime_dir;
    containerizer_file_add(&effect->files, dir, "config",
                           containerizer_record(blob_ref(result->config)));
    containerizer_file_add(&effect->files, dir, "launch_info",
                           containerizer_record(blob_ref(result->launch_info)));
    if (spec->standalone) {
        containerizer_file_add(&effect->files, dir, "standalone.marker", NULL);
    }
    if (spec->debug) { /* sessions end with their agent (facts/observed.md, tasks 20) */
        containerizer_file_add(&effect->files, dir, "force_destroy_on_recovery", NULL);
    }
    if (spec->checkpoint_dir != NULL) {
        effect->checkpoint_path = xasprintf("%s/forked.pid", spec->checkpoint_dir);
    }
    effect->stdio = TAKE_PTR(spec->stdio);
}

void containerizer_launch(struct containerizer *c, struct container_request *request)
{
    struct container_spec *spec = request->spec;
    ASSERT(spec != NULL);
    if (!container_paths_valid(request->path)) {
        refuse(c, request->path, "Invalid container id", true);
        return;
    }
    if (containerizer_find(c, request->path) != NULL) {
        refuse(c, request->path, "Container is already started", false);
        return;
    }
    if (c->map.count >= CONTAINERIZER_CONTAINERS_MAX) {
        refuse(c, request->path, "Too many containers", true);
        return;
    }
    char parent_path[CONTAINER_PATH_SIZE];
    struct core_container *parent = NULL;
    if (container_paths_parent(request->path, parent_path)) {
        parent = containerizer_find(c, parent_path);
        if (parent == NULL || parent->state != STATE_RUNNING || parent->pid == 0) {
            refuse(c, request->path,
                   parent == NULL ? "Parent container does not exist"
                                  : "Parent container is not running",
                   true);
            return;
        }
    }
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    struct launch_result result = {0};
    struct err err = {0};
    if (launch_plan(c->options, c->facts, c->isolators, request->path, spec,
                    parents(parent, &arena), &result, &err) != 0) {
        refuse(c, request->path, err.text, true);
        return;
    }
    struct core_container *container = add(c, request->path, parent, spec, &result);
    spawn(c, container, spec, &result);
    launch_result_deinit(&result);
}

void containerizer_launch_failed(struct containerizer *c, struct core_container *container,
                                 const char *text)
{
    ASSERT(!container->failed && !container->launched);
    container->failed = true;
    if (container->state == STATE_SPAWNING) {
        containerizer_move(c, container, STATE_PREPARING); /* its cgroups may be there */
    }
    struct container_report *report =
        container_report_new(CONTAINER_LAUNCH_FAILED, container->path);
    report->text = xstrdup(text);
    containerizer_report(c, report);
    containerizer_destroy(c, container);
}

void containerizer_prepared(struct containerizer *c, struct core_container *container)
{
    containerizer_effect_add(c->effects, CONTAINERIZER_WATCH, container->path);
    container->prepared = true;
    if (container->update != NULL) {
        struct container_request *update = TAKE_PTR(container->update);
        containerizer_update(c, update);
        container_request_free(update);
    }
    if (container->fetch_command == NULL) {
        containerizer_release(c, container);
        return;
    }
    containerizer_move(c, container, STATE_FETCHING);
    containerizer_report(c, container_report_new(CONTAINER_FETCHING, container->path));
    containerizer_fetch(c, container);
}

void containerizer_release(struct containerizer *c, struct core_container *container)
{
    containerizer_effect_add(c->effects, CONTAINERIZER_RELEASE, container->path);
    container->launched = true;
    container->fetch_command = blob_unref(container->fetch_command);
    c->counts.fetches_succeeded += !container->debug;
    containerizer_move(c, container, STATE_RUNNING);
    struct container_report *report = container_report_new(CONTAINER_LAUNCHED, container->path);
    report->pid = container->pid;
    containerizer_report(c, report);
}

/* --- new amounts --- */

static bool has_volume(const struct container_spec *spec, const struct container_volume *volume)
{
    for (size_t i = 0; i < spec->volume_count; i++) {
        if (strcmp(spec->volumes[i].source, volume->source) == 0 &&
            strcmp(spec->volumes[i].container_path, volume->container_path) == 0) {
            return true;
        }
    }
    return false;
}

/* Mount points that are not wanted any more, to go first. */
static char *unwanted(const struct core_container *container, const struct container_spec *spec)
{
    CLEANUP(buf_deinit) struct buf mounts = BUF_INIT;
    for (size_t i = container->volume_count; i-- > 0 && container->directory != NULL;) {
        if (!has_volume(spec, &container->volumes[i])) {
            buf_printf(&mounts, "%s/%s\n", container->directory,
                       container->volumes[i].container_path);
        }
    }
    return mounts.size != 0 ? xstrdup(buf_text(&mounts)) : NULL;
}

static void free_volumes(struct core_container *container)
{
    for (size_t i = 0; i < container->volume_count; i++) {
        free(container->volumes[i].source);
        free(container->volumes[i].container_path);
    }
    free(container->volumes);
    container->volumes = NULL;
    container->volume_count = 0;
}

void containerizer_update(struct containerizer *c, struct container_request *request)
{
    struct core_container *container = containerizer_find(c, request->path);
    struct container_spec *spec = request->spec;
    ASSERT(spec != NULL);
    if (container == NULL || container->state >= STATE_KILLING || container->watch_only) {
        bool watched = container != NULL && container->watch_only;
        containerizer_answer(c, request, watched ? 0 : -ESRCH,
                             watched ? NULL : "Unknown container");
        return;
    }
    if (!container->prepared) {
        /* Its cgroups are being made with older amounts: the newest follow then. */
        if (container->update != NULL) {
            containerizer_answer(c, container->update, 0, NULL);
            container_request_free(container->update);
        }
        container->update = xmemdup(request, sizeof(*request));
        list_init(&container->update->link);
        request->spec = NULL;
        return;
    }
    container->amounts = (struct containerizer_amounts){
        .cpus_milli = spec->cpus_milli,
        .cpus_limit_milli = spec->cpus_limit_milli,
        .mem_bytes = spec->mem_bytes,
        .mem_limit_bytes = spec->mem_limit_bytes,
    };
    char *mounts = unwanted(container, spec);
    struct blob *plan = launch_plan_update(c->options, c->facts, c->isolators, request->path,
                                           container->directory, container->own_cgroups, spec);
    free_volumes(container);
    take_volumes(container, spec);
    if (plan == NULL && mounts == NULL) {
        containerizer_answer(c, request, 0, NULL);
        return;
    }
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_UPDATE, request->path);
    effect->token = request->token;
    effect->plan = plan;
    effect->mounts = mounts;
}
