/*
 * A hash index over objects that embed a link: keyed by bytes that the object itself holds, owning
 * nothing. Keys come from peers, so the hash is seeded (SipHash-1-3) and cannot be aimed at.
 *
 * Order of iteration depends on the seed and on what was added, never on addresses. Where order is
 * seen by users, keep a list beside it.
 */
#ifndef TEPUI_COMMON_MAP_H
#define TEPUI_COMMON_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/slice.h"

struct map_link {
    struct map_link *next; /* in the same bucket */
    uint64_t hash;         /* of the key */
};

/* The key of the object that embeds the link; must not change while it is in the map. */
typedef struct slice map_key_fn(const struct map_link *link);

struct map {
    struct map_link **buckets; /* NULL while nothing was added */
    size_t bucket_count;       /* a power of two */
    size_t count;              /* links in the map */
    size_t first;              /* no link is in a bucket before this one */
    uint64_t seed[2];          /* of the hash */
    map_key_fn *key;           /* how to read a link's key */
};

void map_init(struct map *map, map_key_fn *key, uint64_t seed);
/* What is still in it is just forgotten. */
void map_deinit(struct map *map);

struct map_link *map_find(const struct map *map, struct slice key);
/* The key must not be there yet (asserts). */
void map_add(struct map *map, struct map_link *link);
/* The link must be there (asserts). */
void map_remove(struct map *map, struct map_link *link);

/* Any link, or NULL; and the one behind it. The current one may be removed after its next was read.
 * Removing the first one until there is none costs in proportion to what was there. */
struct map_link *map_first(const struct map *map);
struct map_link *map_next(const struct map *map, const struct map_link *link);

uint64_t map_hash(const uint64_t seed[2], struct slice key);

#endif
