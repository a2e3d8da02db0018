#include <stdlib.h>

#include "common/xalloc.h"
#include "container/containerizer.h"

struct containerizer_event *containerizer_event_new(enum containerizer_event_type type,
                                                    const char *path)
{
    struct containerizer_event *event = xalloc(sizeof(*event));
    event->type = type;
    ASSERT(strlen(path) < sizeof(event->path));
    memcpy(event->path, path, strlen(path) + 1);
    list_init(&event->link);
    return event;
}

struct containerizer_event *containerizer_event_free(struct containerizer_event *event)
{
    if (event != NULL) {
        container_request_free(event->request);
        blob_unref(event->blob);
        free(event->text);
        blob_unref(event->found.termination);
        blob_unref(event->found.config);
        blob_unref(event->found.launch_info);
        free(event);
    }
    return NULL;
}

void containerizer_effects_init(struct containerizer_effects *effects)
{
    list_init(&effects->list);
}

void containerizer_effects_deinit(struct containerizer_effects *effects)
{
    struct containerizer_effect *effect;
    while ((effect = containerizer_effects_pop(effects)) != NULL) {
        containerizer_effect_free(effect);
    }
}

struct containerizer_effect *containerizer_effect_add(struct containerizer_effects *effects,
                                                      enum containerizer_effect_type type,
                                                      const char *path)
{
    struct containerizer_effect *effect = xalloc(sizeof(*effect));
    effect->type = type;
    ASSERT(strlen(path) < sizeof(effect->path));
    memcpy(effect->path, path, strlen(path) + 1);
    list_init(&effect->files);
    list_push_back(&effects->list, &effect->link);
    return effect;
}

struct containerizer_effect *containerizer_effects_pop(struct containerizer_effects *effects)
{
    struct list *link = list_pop_front(&effects->list);
    return link != NULL ? LIST_ENTRY(link, struct containerizer_effect, link) : NULL;
}

void containerizer_place_deinit(struct containerizer_place *place)
{
    free(place->runtime_dir);
    free(place->cgroups);
    free(place->memory_cgroup);
    free(place->cpu_cgroup);
    free(place->cpuacct_cgroup);
    *place = (struct containerizer_place){0};
}

struct containerizer_effect *containerizer_effect_free(struct containerizer_effect *effect)
{
    if (effect == NULL) {
        return NULL;
    }
    container_report_free(effect->report);
    blob_unref(effect->plan);
    struct containerizer_file *file;
    LIST_FOR_EACH (file, &effect->files, link) {
        free(file->path);
        blob_unref(file->bytes);
        free(file);
    }
    containerizer_place_deinit(&effect->place);
    free(effect->checkpoint_path);
    free(effect->runtime_dir);
    free(effect->sandbox);
    free(effect->top_sandbox);
    free(effect->mounts);
    free(effect->fetcher_info);
    free(effect->cache_files);
    if (effect->stdio != NULL) {
        effect->stdio->free(effect->stdio);
    }
    free(effect);
    return NULL;
}
