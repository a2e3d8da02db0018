/*
 * Small numbers given out and taken back; the one taken back last is given out first.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_IDS_H
#define TEPUI_ALLOCATOR_ALLOC_IDS_H

#include <stdint.h>
#include <stdlib.h>

#include "allocator/alloc_array.h"

struct alloc_ids {
    uint32_t next;  /* the first number that was never given out */
    uint32_t *back; /* taken back; heap */
    uint32_t back_count;
    uint32_t back_capacity;
};

static inline uint32_t alloc_ids_take(struct alloc_ids *ids)
{
    return ids->back_count != 0 ? ids->back[--ids->back_count] : ids->next++;
}

static inline void alloc_ids_give_back(struct alloc_ids *ids, uint32_t id)
{
    ALLOC_ROOM_FOR_ONE(ids->back, ids->back_count, ids->back_capacity);
    ids->back[ids->back_count++] = id;
}

static inline void alloc_ids_deinit(struct alloc_ids *ids)
{
    free(ids->back);
    *ids = (struct alloc_ids){0};
}

#endif
