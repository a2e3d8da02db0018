/*
 * Arrays on the heap that grow by one at a time.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_ARRAY_H
#define TEPUI_ALLOCATOR_ALLOC_ARRAY_H

#include "common/xalloc.h"

/* Makes room for one more in an array with a count and a capacity. */
#define ALLOC_ROOM_FOR_ONE(items, count, capacity)                       \
    do {                                                                 \
        if ((count) == (capacity)) {                                     \
            (capacity) = MAX(4u, (capacity)*2);                          \
            (items) = xrealloc((items), (capacity), sizeof((items)[0])); \
        }                                                                \
    } while (0)

#endif
