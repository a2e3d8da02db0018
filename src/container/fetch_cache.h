/*
 * What the fetcher's cache holds: files by user and URI, who uses them, and which go when room is
 * needed (the least recently used). Pure; the files are the fetcher's and the host's.
 *
 * A file is downloaded for the container that asks first; others wait. Its size is known only then:
 * what does not fit, even with everything unused gone, is dropped again (its first user has its
 * copy).
 */
#ifndef TEPUI_CONTAINER_FETCH_CACHE_H
#define TEPUI_CONTAINER_FETCH_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "common/map.h"

#define FETCH_CACHE_NAME_SIZE 64 /* of a file, with the terminator */

struct fetch_entry {
    struct map_link link;
    struct list used; /* in the cache's order of use */
    char *key;        /* "user@uri" */
    char *directory;
    char name[FETCH_CACHE_NAME_SIZE];
    bool ready;         /* else it is being downloaded */
    int64_t size_bytes; /* 0 until it is ready */
    size_t refs;        /* containers that fetch from it or into it */
};

struct fetch_cache {
    char *directory; /* of all, this agent's own */
    int64_t total_bytes;
    int64_t used_bytes;
    uint64_t serial;   /* of the last file */
    struct map map;    /* of struct fetch_entry by key */
    struct list order; /* least recently used first */
};

/* Called for each file that is to be removed. */
typedef void fetch_cache_remove_fn(void *arg, const char *path);

/* `directory` NULL or no room: the cache is off. */
void fetch_cache_init(struct fetch_cache *cache, const char *directory, int64_t total_bytes,
                      uint64_t seed);
void fetch_cache_deinit(struct fetch_cache *cache);
bool fetch_cache_is_on(const struct fetch_cache *cache);

/* <directory>/<user>, for the caller to free. */
char *fetch_cache_directory(const struct fetch_cache *cache, const char *user);
struct fetch_entry *fetch_cache_find(struct fetch_cache *cache, const char *user, const char *uri);
/* One that is to be downloaded, with one reference. */
struct fetch_entry *fetch_cache_add(struct fetch_cache *cache, const char *user, const char *uri);
/* One more reference; it is now the most recently used. */
void fetch_cache_use(struct fetch_cache *cache, struct fetch_entry *entry);
void fetch_cache_unuse(struct fetch_cache *cache, struct fetch_entry *entry);
/* It is there, with that size. False if it was dropped for lack of room; others may have been. */
bool fetch_cache_ready(struct fetch_cache *cache, struct fetch_entry *entry, int64_t size_bytes,
                       fetch_cache_remove_fn *remove, void *arg);
/* It could not be downloaded, or has vanished. Whoever references it must not any more. */
void fetch_cache_drop(struct fetch_cache *cache, struct fetch_entry *entry,
                      fetch_cache_remove_fn *remove, void *arg);

#endif
