#include "election/watchers.h"

#include <stdlib.h>

#include "common/xalloc.h"

static struct slice key_of(const struct map_link *link)
{
    const struct watcher *watcher = CONTAINER_OF(link, struct watcher, map_link);
    return slice_make(&watcher->handle, sizeof(watcher->handle));
}

void watchers_init(struct watchers *watchers, uint64_t seed)
{
    list_init(&watchers->list);
    map_init(&watchers->by_handle, key_of, seed);
    watchers->count = 0;
}

void watchers_deinit(struct watchers *watchers)
{
    struct watcher *watcher;
    LIST_FOR_EACH (watcher, &watchers->list, link) {
        watchers_remove(watchers, watcher);
    }
    map_deinit(&watchers->by_handle);
}

void watchers_add(struct watchers *watchers, const struct watcher *watcher)
{
    ASSERT(watchers->count < WATCHERS_MAX);
    if (!list_is_empty(&watchers->list)) {
        const struct watcher *last = LIST_ENTRY(watchers->list.prev, struct watcher, link);
        ASSERT(last->until_ns <= watcher->until_ns);
    }
    struct watcher *copy = xalloc(sizeof(*copy));
    *copy = *watcher;
    list_push_back(&watchers->list, &copy->link);
    map_add(&watchers->by_handle, &copy->map_link);
    watchers->count++;
}

struct watcher *watchers_find(const struct watchers *watchers, uint64_t handle)
{
    struct map_link *link = map_find(&watchers->by_handle, slice_make(&handle, sizeof(handle)));
    return link != NULL ? CONTAINER_OF(link, struct watcher, map_link) : NULL;
}

void watchers_remove(struct watchers *watchers, struct watcher *watcher)
{
    list_remove(&watcher->link);
    map_remove(&watchers->by_handle, &watcher->map_link);
    watchers->count--;
    free(watcher);
}

void watchers_forget(struct watchers *watchers, uint64_t handle)
{
    struct watcher *watcher = watchers_find(watchers, handle);
    if (watcher != NULL) {
        watchers_remove(watchers, watcher);
    }
}

int64_t watchers_deadline(const struct watchers *watchers)
{
    return list_is_empty(&watchers->list)
               ? TIME_NEVER
               : LIST_ENTRY(watchers->list.next, struct watcher, link)->until_ns;
}
