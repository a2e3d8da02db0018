/*
 * A container's files: which come through the cache, and what becomes of the cache afterwards.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "container/containerizer_core.h"
#include "container/fetch_plan.h"
#include "wire/message.h"

static void remove_file(void *arg, const char *path)
{
    struct containerizer *c = arg;
    containerizer_effect_add(c->effects, CONTAINERIZER_UNCACHE, "")->sandbox = xstrdup(path);
}

static bool is_cached(const struct containerizer *c, const struct core_container *container,
                      const Pb__CommandInfo__URI *uri)
{
    return uri->has_cache && uri->cache && fetch_cache_is_on(&c->cache) && !container->past_cache;
}

/* Whether something it needs is just being downloaded for another: it waits for that, and begins
 * nothing itself, so that no two wait for one another. */
static bool must_wait(struct containerizer *c, const struct core_container *container,
                      const Pb__CommandInfo *command)
{
    for (size_t i = 0; i < command->n_uris; i++) {
        const struct fetch_entry *entry =
            is_cached(c, container, command->uris[i])
                ? fetch_cache_find(&c->cache, container->fetch_user, command->uris[i]->value)
                : NULL;
        if (entry != NULL && !entry->ready) {
            return true;
        }
    }
    return false;
}

/* Two of one command may have the same URI and differ in the rest: the second takes what the first
 * downloads, since the fetcher goes through them in order. */
static void choose(struct containerizer *c, struct core_container *container,
                   const Pb__CommandInfo *command, struct fetch_choice *choices)
{
    container->fetched = xcalloc(command->n_uris, sizeof(container->fetched[0]));
    for (size_t i = 0; i < command->n_uris; i++) {
        const Pb__CommandInfo__URI *uri = command->uris[i];
        if (!is_cached(c, container, uri)) {
            continue;
        }
        struct fetch_entry *entry = fetch_cache_find(&c->cache, container->fetch_user, uri->value);
        if (entry == NULL) {
            entry = fetch_cache_add(&c->cache, container->fetch_user, uri->value);
            choices[i].download = true;
        } else {
            fetch_cache_use(&c->cache, entry);
        }
        choices[i].entry = entry;
        container->fetched[container->fetched_count++] = entry;
    }
}

/* "R path" for what must be there, "D path" for what is going to be, whose size is asked for. */
static char *files_of(const struct fetch_choice *choices, size_t count)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        const struct fetch_entry *entry = choices[i].entry;
        if (entry != NULL && (choices[i].download || entry->ready)) {
            buf_printf(&out, "%c %s/%s\n", choices[i].download ? 'D' : 'R', entry->directory,
                       entry->name);
        }
    }
    char *text = out.size != 0 ? xstrdup(buf_text(&out)) : NULL;
    buf_deinit(&out);
    return text;
}

void containerizer_fetch(struct containerizer *c, struct core_container *container)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    Pb__CommandInfo *command = fetch_plan_decode(container->fetch_command, &arena);
    container->fetch_waits = must_wait(c, container, command);
    if (container->fetch_waits) {
        return;
    }
    struct fetch_choice *choices =
        arena_alloc_array(&arena, command->n_uris, sizeof(struct fetch_choice));
    choose(c, container, command, choices);
    CLEANUP(xfreep)
    char *directory = fetch_cache_is_on(&c->cache)
                          ? fetch_cache_directory(&c->cache, container->fetch_user)
                          : NULL;
    struct containerizer_effect *effect =
        containerizer_effect_add(c->effects, CONTAINERIZER_FETCH, container->path);
    effect->sandbox = xstrdup(container->directory);
    effect->cache_files = files_of(choices, command->n_uris);
    effect->fetcher_info = fetch_plan(c->options, command, choices, directory, container->directory,
                                      container->fetch_user, &arena);
    container->fetching = true;
}

/* Those that waited look again, in order of their launch. */
static void wake(struct containerizer *c, struct list *containers)
{
    struct core_container *container;
    LIST_FOR_EACH (container, containers, sibling) {
        wake(c, &container->children);
        if (container->fetch_waits && container->state == STATE_FETCHING) {
            containerizer_fetch(c, container);
        }
    }
}

static int64_t size_at(const struct blob *sizes, size_t index)
{
    int64_t size = -1;
    if (sizes != NULL && sizes->size >= (index + 1) * sizeof(size)) {
        memcpy(&size, sizes->data + index * sizeof(size), sizeof(size));
    }
    return size;
}

static bool is_referenced_before(const struct core_container *container, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (container->fetched[i] == container->fetched[index]) {
            return true;
        }
    }
    return false;
}

void containerizer_fetch_ended(struct containerizer *c, struct core_container *container,
                               const struct containerizer_event *event)
{
    size_t downloaded = 0;
    for (size_t i = 0; i < container->fetched_count; i++) {
        fetch_cache_unuse(&c->cache, container->fetched[i]);
    }
    for (size_t i = 0; i < container->fetched_count; i++) {
        struct fetch_entry *entry = container->fetched[i];
        if (is_referenced_before(container, i)) {
            continue;
        }
        if (!entry->ready) {
            int64_t size = event->text == NULL ? size_at(event->blob, downloaded++) : -1;
            if (size < 0) {
                fetch_cache_drop(&c->cache, entry, remove_file, c);
            } else {
                fetch_cache_ready(&c->cache, entry, size, remove_file, c);
            }
        } else if (event->left && entry->refs == 0) { /* somebody has removed files of the cache */
            fetch_cache_drop(&c->cache, entry, remove_file, c);
        }
    }
    free(container->fetched);
    container->fetched = NULL;
    container->fetched_count = 0;
    container->fetching = false;
    container->past_cache = event->left && container->cache_missed;
    container->cache_missed = event->left;
    c->wakes = true;
}

void containerizer_fetch_wake(struct containerizer *c)
{
    if (c->wakes) {
        c->wakes = false;
        wake(c, &c->top);
    }
}
