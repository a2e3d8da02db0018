/*
 * The end of a container: KILLING until no process of it and of those in it is left, CLEANING until
 * its cgroups, mounts and files are gone, each tried again for as long as it takes. Then it is told
 * of, in order: children before their parents.
 */
#include <errno.h>

#include "common/xalloc.h"
#include "container/containerizer_core.h"
#include "wire/message.h"

/* Between attempts, if nothing stirs meanwhile: doubled each time up to the most. */
#define KILL_AGAIN_NS (50 * NS_PER_MS)
#define KILL_AGAIN_NS_MAX (2 * NS_PER_SEC)
#define DESTROY_TIMEOUT_NS (60 * NS_PER_SEC) /* --cgroups_destroy_timeout */
#define CLEAN_AGAIN_NS (2 * NS_PER_MS)
#define CLEAN_AGAIN_NS_MAX (1 * NS_PER_SEC)

static int64_t backoff_ns(int attempt, int64_t first_ns, int64_t most_ns)
{
    int64_t ns = first_ns;
    for (int i = 0; i < attempt && ns < most_ns; i++) {
        ns *= 2;
    }
    return MIN(ns, most_ns);
}

void containerizer_kill(struct containerizer *c, struct core_container *container)
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
        containerizer_advance(c, parent);
    }
}

void containerizer_advance(struct containerizer *c, struct core_container *container)
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
        containerizer_kill(c, container);
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

void containerizer_exited(struct containerizer *c, struct core_container *container,
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
        containerizer_kill(c, container);
    }
}

void containerizer_limited(struct containerizer *c, struct core_container *container,
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

void containerizer_killed(struct containerizer *c, struct core_container *container, bool left)
{
    container->killing = false;
    if (container->state != STATE_KILLING) {
        return;
    }
    container->no_process_left = !left;
    if (!left) {
        containerizer_advance(c, container);
    } else if (container->stirred) {
        containerizer_kill(c, container);
    } else {
        int64_t wait_ns = backoff_ns(container->attempt, KILL_AGAIN_NS, KILL_AGAIN_NS_MAX);
        timers_set(&c->timers, &container->timer, time_add_ns(c->now.mono_ns, wait_ns));
    }
}

void containerizer_stirred(struct containerizer *c, struct core_container *container)
{
    if (container->state == STATE_KILLING && !container->no_process_left) {
        containerizer_kill(c, container);
    }
}

void containerizer_cleaned(struct containerizer *c, struct core_container *container, bool left)
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

void containerizer_end_again(struct containerizer *c, struct core_container *container)
{
    container->attempt++;
    if (container->state == STATE_KILLING) {
        containerizer_kill(c, container);
    } else {
        ASSERT(container->state == STATE_CLEANING);
        clean_now(c, container);
    }
}
