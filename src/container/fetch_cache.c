#include "container/fetch_cache.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

#define BASENAME_SIZE_MAX 20 /* longer ones lose their middle, as the original's */

static struct slice key_of(const struct map_link *link)
{
    return slice_from(CONTAINER_OF(link, struct fetch_entry, link)->key);
}

void fetch_cache_init(struct fetch_cache *cache, const char *directory, int64_t total_bytes,
                      uint64_t seed)
{
    *cache = (struct fetch_cache){
        .directory = directory != NULL ? xstrdup(directory) : NULL,
        .total_bytes = total_bytes,
    };
    map_init(&cache->map, key_of, seed);
    list_init(&cache->order);
}

static void free_entry(struct fetch_cache *cache, struct fetch_entry *entry)
{
    map_remove(&cache->map, &entry->link);
    list_remove(&entry->used);
    free(entry->key);
    free(entry->directory);
    free(entry);
}

void fetch_cache_deinit(struct fetch_cache *cache)
{
    struct fetch_entry *entry;
    LIST_FOR_EACH (entry, &cache->order, used) {
        free_entry(cache, entry);
    }
    map_deinit(&cache->map);
    free(cache->directory);
}

bool fetch_cache_is_on(const struct fetch_cache *cache)
{
    return cache->directory != NULL && cache->total_bytes > 0;
}

char *fetch_cache_directory(const struct fetch_cache *cache, const char *user)
{
    return user != NULL ? xasprintf("%s/%s", cache->directory, user) : xstrdup(cache->directory);
}

static char *make_key(const char *user, const char *uri)
{
    return user != NULL ? xasprintf("%s@%s", user, uri) : xstrdup(uri);
}

struct fetch_entry *fetch_cache_find(struct fetch_cache *cache, const char *user, const char *uri)
{
    CLEANUP(xfreep) char *key = make_key(user, uri);
    struct map_link *link = map_find(&cache->map, slice_from(key));
    return link != NULL ? CONTAINER_OF(link, struct fetch_entry, link) : NULL;
}

/* The end of the name stays, since it tells what kind of archive it is. */
static void name_file(struct fetch_entry *entry, uint64_t serial, const char *uri)
{
    const char *slash = strrchr(uri, '/');
    const char *base = slash != NULL ? slash + 1 : uri;
    size_t size = strlen(base);
    if (size <= BASENAME_SIZE_MAX) {
        snprintf(entry->name, sizeof(entry->name), "c%llu-%s", (unsigned long long)serial, base);
        return;
    }
    int half = BASENAME_SIZE_MAX / 2;
    snprintf(entry->name, sizeof(entry->name), "c%llu-%.*s_%s", (unsigned long long)serial, half,
             base, base + size - half);
}

struct fetch_entry *fetch_cache_add(struct fetch_cache *cache, const char *user, const char *uri)
{
    struct fetch_entry *entry = xalloc(sizeof(*entry));
    entry->key = make_key(user, uri);
    entry->directory = fetch_cache_directory(cache, user);
    entry->refs = 1;
    name_file(entry, ++cache->serial, uri);
    map_add(&cache->map, &entry->link);
    list_push_back(&cache->order, &entry->used);
    return entry;
}

void fetch_cache_use(struct fetch_cache *cache, struct fetch_entry *entry)
{
    entry->refs++;
    list_remove(&entry->used);
    list_push_back(&cache->order, &entry->used);
}

void fetch_cache_unuse(struct fetch_cache *cache UNUSED, struct fetch_entry *entry)
{
    ASSERT(entry->refs > 0);
    entry->refs--;
}

void fetch_cache_drop(struct fetch_cache *cache, struct fetch_entry *entry,
                      fetch_cache_remove_fn *remove, void *arg)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", entry->directory, entry->name);
    remove(arg, path);
    cache->used_bytes -= entry->size_bytes;
    free_entry(cache, entry);
}

bool fetch_cache_ready(struct fetch_cache *cache, struct fetch_entry *entry, int64_t size_bytes,
                       fetch_cache_remove_fn *remove, void *arg)
{
    ASSERT(!entry->ready && size_bytes >= 0);
    struct fetch_entry *other;
    int64_t unused_bytes = 0;
    LIST_FOR_EACH (other, &cache->order, used) {
        unused_bytes += other->ready && other->refs == 0 ? other->size_bytes : 0;
    }
    if (size_bytes > cache->total_bytes - cache->used_bytes + unused_bytes) {
        fetch_cache_drop(cache, entry, remove, arg);
        return false;
    }
    LIST_FOR_EACH (other, &cache->order, used) {
        if (size_bytes <= cache->total_bytes - cache->used_bytes) {
            break;
        }
        if (other->ready && other->refs == 0) {
            fetch_cache_drop(cache, other, remove, arg);
        }
    }
    entry->ready = true;
    entry->size_bytes = size_bytes;
    cache->used_bytes += size_bytes;
    return true;
}
