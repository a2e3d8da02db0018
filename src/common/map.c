#include "common/map.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define MAP_BUCKETS_MIN 8

static uint64_t rotl(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

uint64_t map_hash(const uint64_t seed[2], struct slice key)
{
    uint64_t v[4] = {
        seed[0] ^ UINT64_C(0x736f6d6570736575),
        seed[1] ^ UINT64_C(0x646f72616e646f6d),
        seed[0] ^ UINT64_C(0x6c7967656e657261),
        seed[1] ^ UINT64_C(0x7465646279746573),
    };
    size_t at = 0;
    uint64_t word;
    for (; at + 8 <= key.size; at += 8) {
        memcpy(&word, key.data + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (at < key.size) {
        memcpy(&word, key.data + at, key.size - at);
    }
    word |= (uint64_t)key.size << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map, map_key_fn *key, uint64_t seed)
{
    *map = (struct map){
        .key = key,
        .seed = {seed, seed * UINT64_C(0x9e3779b97f4a7c15) + 1},
    };
}

void map_deinit(struct map *map)
{
    free(map->buckets);
    map->buckets = NULL;
    map->bucket_count = 0;
    map->count = 0;
    map->first = 0;
}

struct map_link *map_find(const struct map *map, struct slice key)
{
    if (map->count == 0) {
        return NULL;
    }
    uint64_t hash = map_hash(map->seed, key);
    struct map_link *link = map->buckets[hash & (map->bucket_count - 1)];
    for (; link != NULL; link = link->next) {
        if (link->hash == hash && slice_equal(map->key(link), key)) {
            return link;
        }
    }
    return NULL;
}

static void map_resize(struct map *map, size_t bucket_count)
{
    struct map_link **buckets = xcalloc(bucket_count, sizeof(buckets[0]));
    for (size_t i = 0; i < map->bucket_count; i++) {
        struct map_link *link = map->buckets[i];
        while (link != NULL) {
            struct map_link *next = link->next;
            struct map_link **bucket = &buckets[link->hash & (bucket_count - 1)];
            link->next = *bucket;
            *bucket = link;
            link = next;
        }
    }
    free(map->buckets);
    map->buckets = buckets;
    map->bucket_count = bucket_count;
    map->first = 0;
}

void map_add(struct map *map, struct map_link *link)
{
    struct slice key = map->key(link);
    ASSERT(map_find(map, key) == NULL);
    /* It shrinks here too, not in map_remove(): removals must not disturb an iteration. */
    if (map->count >= map->bucket_count) {
        map_resize(map, map->bucket_count == 0 ? MAP_BUCKETS_MIN : map->bucket_count * 2);
    } else if (map->bucket_count / 4 >= MAP_BUCKETS_MIN && map->count < map->bucket_count / 8) {
        map_resize(map, map->bucket_count / 4);
    }
    link->hash = map_hash(map->seed, key);
    size_t bucket = link->hash & (map->bucket_count - 1);
    link->next = map->buckets[bucket];
    map->buckets[bucket] = link;
    map->first = MIN(map->first, bucket);
    map->count++;
}

void map_remove(struct map *map, struct map_link *link)
{
    ASSERT(map->count > 0);
    struct map_link **at = &map->buckets[link->hash & (map->bucket_count - 1)];
    while (*at != link) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = link->next;
    link->next = NULL;
    map->count--;
    if (map->count == 0) {
        map_deinit(map);
        return;
    }
    while (map->buckets[map->first] == NULL) {
        map->first++;
    }
}

static struct map_link *map_first_from(const struct map *map, size_t bucket)
{
    for (; bucket < map->bucket_count; bucket++) {
        if (map->buckets[bucket] != NULL) {
            return map->buckets[bucket];
        }
    }
    return NULL;
}

struct map_link *map_first(const struct map *map)
{
    return map_first_from(map, map->first);
}

struct map_link *map_next(const struct map *map, const struct map_link *link)
{
    if (link->next != NULL) {
        return link->next;
    }
    return map_first_from(map, (link->hash & (map->bucket_count - 1)) + 1);
}
