#include "container/containerizer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "common/sm.h"
#include "common/xalloc.h"
#include "container/cgroups_plan.h"
#include "container/container_paths.h"
#include "container/containerizer_core.h"
#include "wire/message.h"

static const struct sm_state states[STATE_COUNT] = {
    [STATE_SPAWNING] = {"SPAWNING", SM_TO(STATE_PREPARING) | SM_TO(STATE_KILLING)},
    [STATE_PREPARING] = {"PREPARING",
                         SM_TO(STATE_FETCHING) | SM_TO(STATE_RUNNING) | SM_TO(STATE_KILLING)},
    [STATE_FETCHING] = {"FETCHING", SM_TO(STATE_RUNNING) | SM_TO(STATE_KILLING)},
    [STATE_RUNNING] = {"RUNNING", SM_TO(STATE_KILLING)},
    [STATE_KILLING] = {"KILLING", SM_TO(STATE_CLEANING)},
    [STATE_CLEANING] = {"CLEANING", SM_TO(STATE_ENDED) | SM_TO(STATE_GONE)},
    [STATE_ENDED] = {"ENDED", SM_TO(STATE_GONE)},
    [STATE_GONE] = {"GONE", 0},
};

static const struct sm_table table = {"container", states, STATE_COUNT};

static struct slice key_of(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct core_container, link)->path);
}

struct containerizer *containerizer_new(const struct containerizer_options *options,
                                        const struct containerizer_facts *facts,
                                        const struct isolators *isolators, uint64_t seed)
{
    struct containerizer *c = xalloc(sizeof(*c));
    c->options = options;
    c->facts = facts;
    c->isolators = isolators;
    map_init(&c->map, key_of, seed);
    list_init(&c->top);
    timers_init(&c->timers);
    container_requests_init(&c->waiting);
    container_requests_init(&c->expected);
    fetch_cache_init(&c->cache, options->fetcher_cache_dir, options->fetcher_cache_size_bytes,
                     seed);
    return c;
}

void containerizer_remove(struct containerizer *c, struct core_container *container)
{
    struct core_container *child;
    LIST_FOR_EACH (child, &container->children, sibling) {
        containerizer_remove(c, child);
    }
    map_remove(&c->map, &container->link);
    list_remove(&container->sibling);
    timers_cancel(&c->timers, &container->timer);
    free(container->directory);
    blob_unref(container->launch_info);
    blob_unref(container->fetch_command);
    free(container->fetch_user);
    free(container->fetched);
    for (size_t i = 0; i < container->volume_count; i++) {
        free(container->volumes[i].source);
        free(container->volumes[i].container_path);
    }
    free(container->volumes);
    free(container->mounts);
    blob_unref(container->limitation);
    free(container->text);
    container_request_free(container->update);
    free(container);
}

struct containerizer *containerizer_free(struct containerizer *c)
{
    if (c == NULL) {
        return NULL;
    }
    while (!list_is_empty(&c->top)) {
        containerizer_remove(c, LIST_ENTRY(c->top.next, struct core_container, sibling));
    }
    map_deinit(&c->map);
    timers_deinit(&c->timers);
    fetch_cache_deinit(&c->cache);
    container_requests_deinit(&c->waiting);
    container_requests_deinit(&c->expected);
    free(c);
    return NULL;
}

struct core_container *containerizer_find(const struct containerizer *c, const char *path)
{
    struct map_link *link = map_find(&c->map, slice_from(path));
    return link != NULL ? CONTAINER_OF(link, struct core_container, link) : NULL;
}

const char *containerizer_state(const struct containerizer *c, const char *path)
{
    const struct core_container *container = containerizer_find(c, path);
    return container != NULL ? sm_name(&table, (int)container->state) : NULL;
}

struct containerizer_counts containerizer_counts(const struct containerizer *c)
{
    struct containerizer_counts counts = c->counts;
    counts.cache_total_bytes = c->cache.total_bytes;
    counts.cache_used_bytes = c->cache.used_bytes;
    return counts;
}

size_t containerizer_count(const struct containerizer *c)
{
    return c->map.count;
}

int64_t containerizer_deadline(const struct containerizer *c)
{
    return timers_deadline(&c->timers);
}

struct core_container *containerizer_add(struct containerizer *c, const char *path,
                                         struct core_container *parent, enum container_state state)
{
    struct core_container *container = xalloc(sizeof(*container));
    ASSERT(strlen(path) < sizeof(container->path));
    memcpy(container->path, path, strlen(path) + 1);
    container->state = state;
    container->parent = parent;
    list_init(&container->children);
    timer_init(&container->timer, 0, container);
    map_add(&c->map, &container->link);
    list_push_back(parent != NULL ? &parent->children : &c->top, &container->sibling);
    return container;
}

void containerizer_report(struct containerizer *c, struct container_report *report)
{
    containerizer_effect_add(c->effects, CONTAINERIZER_REPORT, report->path)->report = report;
}

void containerizer_file_add(struct list *files, const char *dir, const char *name,
                            struct blob *bytes)
{
    struct containerizer_file *file = xalloc(sizeof(*file));
    file->path = xasprintf("%s/%s", dir, name);
    file->bytes = bytes;
    list_push_back(files, &file->link);
}

/* As the original writes messages to files: behind their size, in four bytes, the lowest first. */
struct blob *containerizer_record(struct blob *message)
{
    uint32_t size = (uint32_t)message->size;
    char prefix[4] = {(char)size, (char)(size >> 8), (char)(size >> 16), (char)(size >> 24)};
    struct buf out = BUF_INIT;
    buf_append(&out, prefix, sizeof(prefix));
    buf_append_slice(&out, blob_slice(message));
    blob_unref(message);
    return blob_take(&out);
}

/* --- places --- */

char *containerizer_runtime_dir(const struct containerizer *c, const char *path)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    container_paths_runtime(c->options->runtime_dir, path, &out);
    return xstrdup(buf_text(&out));
}

static char *cgroup_of(const struct containerizer *c, const struct core_container *container,
                       const char *controller)
{
    struct cgroups_scope scope = {c->options, c->facts, c->isolators};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    if (!c->isolators->is_linux || !container->own_cgroups || container->watch_only ||
        !cgroups_plan_folder(&scope, controller, container->path, &out)) {
        return NULL;
    }
    return xstrdup(buf_text(&out));
}

struct containerizer_place containerizer_place_of(const struct containerizer *c,
                                                  const struct core_container *container)
{
    struct containerizer_place place = {
        .runtime_dir = containerizer_runtime_dir(c, container->path),
        .memory_cgroup = cgroup_of(c, container, "memory"),
        .cpu_cgroup = cgroup_of(c, container, "cpu"),
        .cpuacct_cgroup = cgroup_of(c, container, "cpuacct"),
        .own_pid_namespace = container->own_pid_namespace,
        .is_linux = c->isolators->is_linux && !container->watch_only,
        .watch_only = container->watch_only,
    };
    if (place.is_linux) {
        struct cgroups_scope scope = {c->options, c->facts, c->isolators};
        CLEANUP(buf_deinit) struct buf out = BUF_INIT;
        cgroups_plan_folders(&scope, container->path, container->own_cgroups, &out);
        place.cgroups = xstrdup(buf_text(&out));
    }
    return place;
}

/* --- states --- */

void containerizer_move(struct containerizer *c, struct core_container *container,
                        enum container_state state)
{
    container->state = (enum container_state)sm_move(&table, (int)container->state, (int)state);
    container->attempt = 0;
    timers_cancel(&c->timers, &container->timer);
    if (state == STATE_KILLING) {
        container->kill_asked_ns = c->now.mono_ns;
    }
}

/* --- completions --- */

static void spawned(struct containerizer *c, struct core_container *container,
                    struct containerizer_event *event)
{
    if (event->text != NULL) {
        container->exited = true; /* there never was a process */
        containerizer_launch_failed(c, container, event->text);
        return;
    }
    container->pid = event->pid;
    if (container->doomed) {
        containerizer_move(c, container, STATE_KILLING);
        containerizer_kill(c, container);
        return;
    }
    containerizer_move(c, container, STATE_PREPARING);
}

static void prepared(struct containerizer *c, struct core_container *container,
                     struct containerizer_event *event)
{
    if (container->state != STATE_PREPARING) {
        return;
    }
    if (event->text != NULL) {
        containerizer_launch_failed(c, container, event->text);
    } else {
        containerizer_prepared(c, container);
    }
}

static void fetched(struct containerizer *c, struct core_container *container,
                    struct containerizer_event *event)
{
    containerizer_fetch_ended(c, container, event);
    if (container->state != STATE_FETCHING) {
        containerizer_advance(c, container);
    } else if (event->left) {
        containerizer_fetch(c, container);
    } else if (event->text != NULL) {
        c->counts.fetches_failed++;
        containerizer_launch_failed(c, container, event->text);
    } else {
        containerizer_release(c, container);
    }
}

static void tick(struct containerizer *c)
{
    struct timer *timer;
    while ((timer = timers_pop(&c->timers, c->now.mono_ns)) != NULL) {
        struct core_container *container = timer->owner;
        containerizer_end_again(c, container);
    }
}

static void updated(struct containerizer *c, const char *path, struct containerizer_event *event)
{
    if (path[0] == '\0') {
        return; /* mounts of no container (containerizer_recover.c) */
    }
    struct container_report *report = container_report_new(CONTAINER_UPDATED, path);
    report->token = event->token;
    report->status = event->status;
    report->text = TAKE_PTR(event->text);
    containerizer_report(c, report);
}

void containerizer_answer(struct containerizer *c, const struct container_request *request,
                          int status, const char *text)
{
    struct container_report *report = container_report_new(CONTAINER_UPDATED, request->path);
    report->token = request->token;
    report->status = status;
    report->text = text != NULL ? xstrdup(text) : NULL;
    containerizer_report(c, report);
}

/* --- events --- */

static void take_request(struct containerizer *c, struct container_request *request)
{
    if (request->type == CONTAINER_RECOVER) {
        containerizer_recover(c, request); /* takes it over */
        return;
    }
    if (!c->recovered) {
        list_push_back(&c->waiting.list, &request->link);
        return;
    }
    containerizer_request(c, request);
    container_request_free(request);
}

static void scanned(struct containerizer *c, const struct containerizer_event *event)
{
    containerizer_scanned(c, event->text);
    struct container_request *request;
    while ((request = container_request_pop(&c->waiting)) != NULL) {
        containerizer_request(c, request);
        container_request_free(request);
    }
}

static void container_step(struct containerizer *c, struct containerizer_event *event)
{
    struct core_container *container = containerizer_find(c, event->path);
    if (container == NULL) {
        return;
    }
    switch (event->type) {
    case CONTAINERIZER_SPAWNED:
        spawned(c, container, event);
        return;
    case CONTAINERIZER_PREPARED:
        prepared(c, container, event);
        return;
    case CONTAINERIZER_FETCHED:
        fetched(c, container, event);
        return;
    case CONTAINERIZER_EXITED:
        containerizer_exited(c, container, event);
        return;
    case CONTAINERIZER_LIMIT:
        containerizer_limited(c, container, event);
        return;
    case CONTAINERIZER_KILLED:
        containerizer_killed(c, container, event->left);
        return;
    case CONTAINERIZER_STIRRED:
        containerizer_stirred(c, container);
        return;
    case CONTAINERIZER_CLEANED:
        containerizer_cleaned(c, container, event->left);
        return;
    case CONTAINERIZER_REQUEST:
    case CONTAINERIZER_UPDATED:
    case CONTAINERIZER_FOUND:
    case CONTAINERIZER_SCANNED:
    case CONTAINERIZER_TICK:
        break;
    }
    WRONG("not an event of one container");
}

void containerizer_step(struct containerizer *c, struct containerizer_event *event, struct now now,
                        struct containerizer_effects *effects)
{
    c->now = now;
    c->effects = effects;
    switch (event->type) {
    case CONTAINERIZER_REQUEST:
        take_request(c, TAKE_PTR(event->request));
        break;
    case CONTAINERIZER_UPDATED:
        updated(c, event->path, event);
        break;
    case CONTAINERIZER_FOUND:
        containerizer_found(c, event);
        break;
    case CONTAINERIZER_SCANNED:
        scanned(c, event);
        break;
    case CONTAINERIZER_TICK:
        tick(c);
        break;
    case CONTAINERIZER_SPAWNED:
    case CONTAINERIZER_PREPARED:
    case CONTAINERIZER_FETCHED:
    case CONTAINERIZER_EXITED:
    case CONTAINERIZER_LIMIT:
    case CONTAINERIZER_KILLED:
    case CONTAINERIZER_STIRRED:
    case CONTAINERIZER_CLEANED:
        container_step(c, event);
        break;
    }
    containerizer_fetch_wake(c);
    c->effects = NULL;
    containerizer_event_free(event);
}
