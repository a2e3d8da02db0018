/*
 * Gives the memory of bursts back to the system: the C library keeps what is freed in the middle
 * of its heap, which after a failover is far more than a quiet master needs.
 */
#ifndef TEPUI_DAEMON_HEAP_TRIM_H
#define TEPUI_DAEMON_HEAP_TRIM_H

#include <stdbool.h>

#include "net/loop.h"

struct heap_trim {
    struct loop *loop;
    struct loop_timer timer;
    bool is_due; /* the timer runs */
};

void heap_trim_init(struct heap_trim *trim, struct loop *loop);
void heap_trim_cancel(struct heap_trim *trim);
/* Something was done: looks at the heap some seconds from now. A process at rest is not woken. */
void heap_trim_later(struct heap_trim *trim);

#endif
