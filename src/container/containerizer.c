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

/* Between attempts, if nothing stirs meanwhile: doubled each time up to the most. */
#define KILL_AGAIN_NS (50 * NS_PER_MS)
#define KILL_AGAIN_NS_MAX (2 * NS_PER_SEC)
#define DESTROY_TIMEOUT_NS (60 * NS_PER_SEC) /* --cgroups_destroy_timeout */
#define CLEAN_AGAIN_NS (2 * NS_PER_MS)
#define CLEAN_AGAIN_NS_MAX (1 * NS_PER_SEC)

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

/* --- the end of a container --- */

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

static int64_t backoff_ns(int attempt, int64_t first_ns, int64_t most_ns)
{
    int64_t ns = first_ns;
    for (int i = 0; i < attempt && ns < most_ns; i++) {
        ns *= 2;
    }
    return MIN(ns, most_ns);
}

static void kill_now(struct containerizer *c, struct core_container *container)
{
    if (container->killing) {
        container->stirred = true; /* the answer that is on its way may be older than this */
        return;
    }
    timers_cancel(&c->timers, &container->timer);
    container->killing = true;
    container->stirred = false;
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_KILL, container->path);
    int64_t timeout_ns = c->options->cgroups_destroy_timeout_ns;
    effect->attempt = container->attempt;
    effect->late = c->now.mono_ns - container->kill_asked_ns >=
                   (timeout_ns != 0 ? timeout_ns : DESTROY_TIMEOUT_NS);
}

static bool all_ended(const struct core_container *container)
{
    struct core_container *child;
    LIST_FOR_EACH (child, &container->children, sibling) {
        if (child->state != STATE_ENDED) {
            return false;
        }
    }
    return true;
}

/* What a nested container's parent is asked for later, also by another agent. */
static struct blob *encode_termination(const struct core_container *container)
{
    Pb__Slave__ContainerTermination message = PB__SLAVE__CONTAINER_TERMINATION__INIT;
    message.has_status = container->has_status;
    message.status = container->status;
    message.message = container->text;
    if (container->limit != CONTAINER_LIMIT_NONE) {
        message.has_state = 1;
        message.state = PB__TASK_STATE__TASK_FAILED;
        message.has_reason = 1;
        message.reason = container->limit == CONTAINER_LIMIT_MEMORY
                             ? PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY
                             : PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION;
    }
    return message_encode_blob(&message.base);
}

/* A nested one that ran is remembered until REMOVE, or the end of its parent. */
static bool is_remembered(const struct core_container *container)
{
    return container->parent != NULL && container->launched && !container->silent;
}

static void clean_now(struct containerizer *c, struct core_container *container)
{
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_CLEAN, container->path);
    effect->remove_runtime = !is_remembered(container);
    if (!effect->remove_runtime) {
        CLEANUP(xfreep) char *dir = containerizer_runtime_dir(c, container->path);
        containerizer_file_add(&effect->files, dir, "termination",
                               containerizer_record(encode_termination(container)));
    }
    CLEANUP(buf_deinit) struct buf mounts = BUF_INIT;
    for (size_t i = container->volume_count; i-- > 0 && container->directory != NULL;) {
        buf_printf(&mounts, "%s/%s\n", container->directory, container->volumes[i].container_path);
    }
    if (container->mounts != NULL) {
        buf_append_text(&mounts, container->mounts);
    }
    effect->mounts = mounts.size != 0 ? xstrdup(buf_text(&mounts)) : NULL;
}

static void advance(struct containerizer *c, struct core_container *container);

static void report_terminated(struct containerizer *c, const struct core_container *container)
{
    if (container->silent) {
        return;
    }
    struct container_report *report = container_report_new(CONTAINER_TERMINATED, container->path);
    report->has_status = container->has_status;
    report->status = container->has_status ? container->status : -1;
    report->limit = container->limit;
    report->limitation = blob_ref(container->limitation);
    report->text = container->text != NULL ? xstrdup(container->text) : NULL;
    containerizer_report(c, report);
}

static void finish(struct containerizer *c, struct core_container *container)
{
    struct core_container *parent = container->parent;
    if (container->update != NULL) {
        struct container_report *report = container_report_new(CONTAINER_UPDATED, container->path);
        report->token = container->update->token;
        report->status = -ESRCH;
        report->text = xstrdup("Unknown container");
        containerizer_report(c, report);
        container->update = container_request_free(container->update);
    }
    if (!container->launched && !container->failed && !container->silent) {
        struct container_report *report =
            container_report_new(CONTAINER_LAUNCH_FAILED, container->path);
        report->text = xstrdup("Container destroyed during launch");
        containerizer_report(c, report);
    }
    report_terminated(c, container);
    if (is_remembered(container)) {
        containerizer_move(c, container, STATE_ENDED);
        container->launch_info = blob_unref(container->launch_info);
    } else {
        containerizer_move(c, container, STATE_GONE);
        containerizer_remove(c, container);
    }
    if (parent != NULL) {
        advance(c, parent);
    }
}

/* From killing to cleaning once nothing of it, and nothing in it, runs any more. */
static void advance(struct containerizer *c, struct core_container *container)
{
    if (container->state == STATE_KILLING && container->no_process_left && container->exited &&
        !container->fetching && !container->killing && all_ended(container)) {
        containerizer_move(c, container, STATE_CLEANING);
        if (container->watch_only) {
            finish(c, container);
        } else {
            clean_now(c, container);
        }
    }
}

void containerizer_destroy(struct containerizer *c, struct core_container *container)
{
    struct core_container *child;
    LIST_FOR_EACH (child, &container->children, sibling) {
        containerizer_destroy(c, child);
    }
    switch (container->state) {
    case STATE_SPAWNING:
        container->doomed = true;
        return;
    case STATE_PREPARING:
    case STATE_FETCHING:
    case STATE_RUNNING:
        containerizer_move(c, container, STATE_KILLING);
        kill_now(c, container);
        return;
    case STATE_KILLING:
    case STATE_CLEANING:
    case STATE_ENDED:
    case STATE_GONE:
    case STATE_COUNT:
        return;
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
        kill_now(c, container);
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
        advance(c, container);
    } else if (event->left) {
        containerizer_fetch(c, container);
    } else if (event->text != NULL) {
        c->counts.fetches_failed++;
        containerizer_launch_failed(c, container, event->text);
    } else {
        containerizer_release(c, container);
    }
}

static void exited(struct containerizer *c, struct core_container *container,
                   struct containerizer_event *event)
{
    container->exited = true;
    container->has_status = event->has_status;
    container->status = event->status;
    if (container->state == STATE_PREPARING || container->state == STATE_FETCHING) {
        containerizer_launch_failed(c, container, "Container exited before it was launched");
    } else if (container->state == STATE_RUNNING) {
        containerizer_destroy(c, container);
    } else if (container->state == STATE_KILLING) {
        container->no_process_left = false; /* others may have been left behind by it */
        kill_now(c, container);
    }
}

static void limited(struct containerizer *c, struct core_container *container,
                    struct containerizer_event *event)
{
    if (container->limit != CONTAINER_LIMIT_NONE || container->asked ||
        container->state >= STATE_CLEANING) {
        return;
    }
    container->limit = event->limit;
    container->text = TAKE_PTR(event->text);
    container->limitation = TAKE_PTR(event->blob);
    containerizer_destroy(c, container);
    if (!container->silent) {
        struct container_report *report = container_report_new(CONTAINER_LIMITED, container->path);
        report->limit = container->limit;
        report->limitation = blob_ref(container->limitation);
        report->text = container->text != NULL ? xstrdup(container->text) : NULL;
        containerizer_report(c, report);
    }
}

static void killed(struct containerizer *c, struct core_container *container, bool left)
{
    container->killing = false;
    if (container->state != STATE_KILLING) {
        return;
    }
    container->no_process_left = !left;
    if (!left) {
        advance(c, container);
    } else if (container->stirred) {
        kill_now(c, container);
    } else {
        int64_t wait_ns = backoff_ns(container->attempt, KILL_AGAIN_NS, KILL_AGAIN_NS_MAX);
        timers_set(&c->timers, &container->timer, time_add_ns(c->now.mono_ns, wait_ns));
    }
}

static void stirred(struct containerizer *c, struct core_container *container)
{
    if (container->state == STATE_KILLING && !container->no_process_left) {
        kill_now(c, container);
    }
}

static void cleaned(struct containerizer *c, struct core_container *container, bool left)
{
    if (container->state != STATE_CLEANING) {
        return;
    }
    if (left) {
        int64_t wait_ns = backoff_ns(container->attempt, CLEAN_AGAIN_NS, CLEAN_AGAIN_NS_MAX);
        timers_set(&c->timers, &container->timer, time_add_ns(c->now.mono_ns, wait_ns));
    } else {
        finish(c, container);
    }
}

static void tick(struct containerizer *c)
{
    struct timer *timer;
    while ((timer = timers_pop(&c->timers, c->now.mono_ns)) != NULL) {
        struct core_container *container = timer->owner;
        container->attempt++;
        if (container->state == STATE_KILLING) {
            kill_now(c, container);
        } else {
            ASSERT(container->state == STATE_CLEANING);
            clean_now(c, container);
        }
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
        exited(c, container, event);
        return;
    case CONTAINERIZER_LIMIT:
        limited(c, container, event);
        return;
    case CONTAINERIZER_KILLED:
        killed(c, container, event->left);
        return;
    case CONTAINERIZER_STIRRED:
        stirred(c, container);
        return;
    case CONTAINERIZER_CLEANED:
        cleaned(c, container, event->left);
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
