#include "master/task_ring.h"

#include <stdlib.h>

#include "common/map.h"
#include "common/xalloc.h"

/* No seed: whoever makes ids that collide makes nothing slower than it is for him. */
static uint32_t hash_of(struct slice id)
{
    static const uint64_t seed[2] = {0};
    return (uint32_t)map_hash(seed, id);
}

static struct task_ring_place *place_at(const struct task_ring *ring, size_t i)
{
    ASSERT(i < ring->count);
    return &ring->places[(ring->first + i) % ring->capacity];
}

void master_task_ring_deinit(struct task_ring *ring)
{
    free(ring->places);
    *ring = (struct task_ring){0};
}

uint32_t master_task_ring_put(struct task_ring *ring, size_t capacity, uint32_t slot,
                              struct slice id)
{
    uint32_t oldest = TASK_RING_NONE;
    if (ring->places == NULL) {
        ring->capacity = capacity;
        ring->places = xcalloc(capacity, sizeof(ring->places[0]));
    }
    ASSERT(ring->capacity == capacity);
    if (ring->count == ring->capacity) {
        oldest = place_at(ring, 0)->slot;
        ring->first = (ring->first + 1) % ring->capacity;
        ring->count--;
    }
    ring->count++;
    *place_at(ring, ring->count - 1) = (struct task_ring_place){slot, hash_of(id)};
    return oldest;
}

uint32_t master_task_ring_at(const struct task_ring *ring, size_t i)
{
    return place_at(ring, i)->slot;
}

size_t master_task_ring_find(const struct task_ring *ring, size_t i, struct slice id)
{
    uint32_t hash = hash_of(id);
    for (; i < ring->count; i++) {
        const struct task_ring_place *place = place_at(ring, i);
        if (place->hash == hash && place->slot != TASK_RING_NONE) {
            break;
        }
    }
    return i;
}

void master_task_ring_take(struct task_ring *ring, size_t i)
{
    place_at(ring, i)->slot = TASK_RING_NONE;
}
