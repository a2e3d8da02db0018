#include "common/timers.h"

#include <stdlib.h>

#include "common/duration.h"
#include "common/xalloc.h"

void timers_init(struct timers *timers)
{
    *timers = (struct timers){0};
}

void timers_deinit(struct timers *timers)
{
    for (size_t i = 0; i < timers->count; i++) {
        timers->heap[i]->slot = 0;
    }
    free(timers->heap);
    timers_init(timers);
}

void timer_init(struct timer *timer, int kind, void *owner)
{
    *timer = (struct timer){.kind = kind, .owner = owner};
}

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->deadline_ns != b->deadline_ns ? a->deadline_ns < b->deadline_ns : a->order < b->order;
}

static void put(struct timers *timers, size_t at, struct timer *timer)
{
    timers->heap[at] = timer;
    timer->slot = at + 1;
}

static void sift_up(struct timers *timers, size_t at)
{
    struct timer *timer = timers->heap[at];
    while (at != 0 && is_before(timer, timers->heap[(at - 1) / 2])) {
        put(timers, at, timers->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(timers, at, timer);
}

static void sift_down(struct timers *timers, size_t at)
{
    struct timer *timer = timers->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= timers->count) {
            break;
        }
        if (child + 1 < timers->count && is_before(timers->heap[child + 1], timers->heap[child])) {
            child++;
        }
        if (!is_before(timers->heap[child], timer)) {
            break;
        }
        put(timers, at, timers->heap[child]);
        at = child;
    }
    put(timers, at, timer);
}

void timers_cancel(struct timers *timers, struct timer *timer)
{
    if (timer->slot == 0) {
        return;
    }
    size_t at = timer->slot - 1;
    ASSERT(at < timers->count && timers->heap[at] == timer);
    timer->slot = 0;
    timers->count--;
    if (at == timers->count) {
        return;
    }
    struct timer *moved = timers->heap[timers->count];
    put(timers, at, moved);
    sift_up(timers, at);
    sift_down(timers, moved->slot - 1);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t deadline_ns)
{
    timers_cancel(timers, timer);
    if (deadline_ns == TIME_NEVER) {
        return;
    }
    if (timers->count == timers->capacity) {
        timers->capacity = timers->capacity != 0 ? timers->capacity * 2 : 16;
        timers->heap = xrealloc(timers->heap, timers->capacity, sizeof(struct timer *));
    }
    timer->deadline_ns = deadline_ns;
    timer->order = timers->next_order++;
    timers->heap[timers->count++] = timer;
    sift_up(timers, timers->count - 1);
}

int64_t timers_deadline(const struct timers *timers)
{
    return timers->count != 0 ? timers->heap[0]->deadline_ns : TIME_NEVER;
}

struct timer *timers_pop(struct timers *timers, int64_t now_ns)
{
    if (timers->count == 0 || timers->heap[0]->deadline_ns > now_ns) {
        return NULL;
    }
    struct timer *timer = timers->heap[0];
    timers_cancel(timers, timer);
    return timer;
}
