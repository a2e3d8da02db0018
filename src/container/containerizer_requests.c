#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "container/container_paths.h"
#include "container/containerizer_core.h"
#include "wire/message.h"

static void remove_ended(struct containerizer *c, const struct container_request *request)
{
    struct core_container *container = containerizer_find(c, request->path);
    if (container != NULL && container->state != STATE_ENDED) {
        containerizer_answer(c, request, -EBUSY, "Nested container has not terminated yet");
        return;
    }
    bool standalone = container == NULL && strchr(request->path, '.') == NULL &&
                      container_paths_valid(request->path);
    if (container == NULL && !standalone) {
        containerizer_answer(c, request, -ENOENT, "Unknown container");
        return;
    }
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_FORGET, request->path);
    effect->token = request->token;
    effect->runtime_dir = containerizer_runtime_dir(c, request->path);
    if (standalone) {
        effect->sandbox = xasprintf("%s/containers/%s", c->options->work_dir, request->path);
        return;
    }
    CLEANUP(buf_deinit) struct buf top = BUF_INIT;
    if (!container->debug && container->directory != NULL && /* else it is its parent's */
        container_paths_top_sandbox(container->directory, request->path, &top)) {
        effect->sandbox = TAKE_PTR(container->directory);
        effect->top_sandbox = xstrdup(buf_text(&top));
    }
    containerizer_remove(c, container);
}

static void signal_first(struct containerizer *c, const struct container_request *request)
{
    struct core_container *container = containerizer_find(c, request->path);
    if (container == NULL || container->pid == 0 || container->exited) {
        return;
    }
    containerizer_effect_add(c->effects, CONTAINERIZER_SIGNAL, request->path)->signal =
        request->signal;
}

static void report_usage(struct containerizer *c, const struct container_request *request)
{
    struct container_report *report = container_report_new(CONTAINER_USAGE_RESULT, request->path);
    report->token = request->token;
    const struct core_container *container = containerizer_find(c, request->path);
    if (container == NULL || container->state >= STATE_CLEANING) {
        report->status = -ESRCH;
        report->text = xstrdup("Unknown container");
        containerizer_report(c, report);
        return;
    }
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_USAGE, request->path);
    effect->report = report;
    effect->amounts = container->amounts;
}

static Pb__ContainerID *id_of(const char *path, struct arena *arena)
{
    struct slice rest = slice_from(path);
    struct slice name;
    Pb__ContainerID *id = NULL;
    while (slice_split(&rest, '.', &name)) {
        Pb__ContainerID *child = MESSAGE_NEW(Pb__ContainerID, pb__container_id, arena);
        child->value = arena_strndup(arena, name.data, name.size);
        child->parent = id;
        id = child;
    }
    return id;
}

static void report_status(struct containerizer *c, const struct container_request *request)
{
    struct container_report *report = container_report_new(CONTAINER_STATUS_RESULT, request->path);
    report->token = request->token;
    const struct core_container *container = containerizer_find(c, request->path);
    if (container == NULL) {
        report->status = -ESRCH;
        report->text = xstrdup("Unknown container");
        containerizer_report(c, report);
        return;
    }
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__ContainerStatus message = PB__CONTAINER_STATUS__INIT;
    message.container_id = id_of(request->path, &arena);
    message.has_executor_pid = container->pid != 0;
    message.executor_pid = (uint32_t)container->pid;
    report->message = message_encode_blob(&message.base);
    report->pid = container->pid;
    containerizer_report(c, report);
}

void containerizer_request(struct containerizer *c, struct container_request *request)
{
    struct core_container *container;
    switch (request->type) {
    case CONTAINER_RECOVER: /* taken before */
        return;
    case CONTAINER_LAUNCH:
        containerizer_launch(c, request);
        return;
    case CONTAINER_UPDATE:
        containerizer_update(c, request);
        return;
    case CONTAINER_KILL:
        signal_first(c, request);
        return;
    case CONTAINER_DESTROY:
        container = containerizer_find(c, request->path);
        if (container != NULL) {
            container->asked = true;
            containerizer_destroy(c, container);
        }
        return;
    case CONTAINER_REMOVE:
        remove_ended(c, request);
        return;
    case CONTAINER_USAGE:
        report_usage(c, request);
        return;
    case CONTAINER_STATUS:
        report_status(c, request);
        return;
    case CONTAINER_WATCH_ONLY:
        containerizer_watch_only(c, request);
        return;
    }
}
