/*
 * Which agents are worth a visit. An agent is listed while something is available on it and it may
 * be offered. It is awake, or held (all refused, partly because quota holds something back), or
 * asleep (all refused: nothing but an event can change that).
 *
 * One array in three zones, awake | held | asleep, so that waking many is a matter of moving a
 * boundary.
 */
#ifndef TEPUI_ALLOCATOR_ALLOC_FREE_H
#define TEPUI_ALLOCATOR_ALLOC_FREE_H

#include <stdbool.h>
#include <stdint.h>

struct alloc_agent;

struct alloc_free {
    struct alloc_agent **agents; /* heap */
    uint32_t capacity;
    uint32_t awake_end;  /* the first that is not awake */
    uint32_t held_end;   /* the first that is asleep */
    uint32_t asleep_end; /* how many there are */
};

void alloc_free_deinit(struct alloc_free *list);
/* Lists it if it is not, and awake. */
void alloc_free_wake(struct alloc_free *list, struct alloc_agent *agent);
void alloc_free_hold(struct alloc_free *list, struct alloc_agent *agent);
void alloc_free_sleep(struct alloc_free *list, struct alloc_agent *agent);
/* Fine if it is not listed. */
void alloc_free_remove(struct alloc_free *list, struct alloc_agent *agent);
bool alloc_free_is_awake(const struct alloc_free *list, const struct alloc_agent *agent);

void alloc_free_wake_held(struct alloc_free *list);
void alloc_free_wake_all(struct alloc_free *list);

#endif
