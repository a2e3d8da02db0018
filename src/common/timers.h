/*
 * A heap of timers: the core's only clockwork. Embedded timers, O(log n) each; equal deadlines fire
 * in the order in which they were set, so that a run is reproducible.
 */
#ifndef TEPUI_COMMON_TIMERS_H
#define TEPUI_COMMON_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    int64_t deadline_ns; /* monotonic; meaningful while set */
    uint64_t order;      /* among equal deadlines */
    size_t slot;         /* place in the heap + 1; 0 = not set */
    int kind;            /* the owner's own; which timer this is */
    void *owner;         /* the owner's own; what it belongs to */
};

struct timers {
    struct timer **heap; /* earliest first */
    size_t count;
    size_t capacity;
    uint64_t next_order;
};

void timers_init(struct timers *timers);
void timers_deinit(struct timers *timers); /* timers still set are just forgotten */

/* A timer that is not set; `kind` and `owner` come back with it from timers_pop. */
void timer_init(struct timer *timer, int kind, void *owner);
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->slot != 0;
}

/* Sets it, or sets it anew. TIME_NEVER cancels. */
void timers_set(struct timers *timers, struct timer *timer, int64_t deadline_ns);
void timers_cancel(struct timers *timers, struct timer *timer); /* fine if not set */

/* The earliest deadline, or TIME_NEVER. */
int64_t timers_deadline(const struct timers *timers);
/* Takes out the earliest timer that is due at now_ns, or returns NULL. */
struct timer *timers_pop(struct timers *timers, int64_t now_ns);

#endif
