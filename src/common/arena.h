/*
 * An arena holds the memory of one request or one step and is dropped whole.
 *
 * It grows by blocks and never frees single objects. An arena with a budget refuses, by returning
 * NULL, what would exceed it: that is how decoding of what a peer sent is bounded. Without a budget
 * it never returns NULL.
 */
#ifndef TEPUI_COMMON_ARENA_H
#define TEPUI_COMMON_ARENA_H

#include <stddef.h>

#include "common/macro.h"
#include "common/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    char *next;                 /* where the newest block is free */
    size_t left_size;           /* bytes free behind next */
    size_t used_size;           /* bytes handed out so far, with padding */
    size_t budget_size;         /* limit on used_size; 0 = none */
};

void arena_init(struct arena *arena, size_t budget_size);
void arena_deinit(struct arena *arena); /* idempotent; back to an empty arena without budget */
/* Forgets everything but keeps one block for the next round; the budget stays. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. NULL only when there is a budget and it is used up. */
void *arena_alloc(struct arena *arena, size_t size) WARN_UNUSED;
void *arena_alloc_array(struct arena *arena, size_t count, size_t size) WARN_UNUSED;
/* As arena_alloc but not zeroed. */
void *arena_alloc_raw(struct arena *arena, size_t size) WARN_UNUSED;

/* Copies with a terminator behind; for arenas without budget (asserts). */
void *arena_memdup(struct arena *arena, const void *bytes, size_t size) WARN_UNUSED;
char *arena_strdup(struct arena *arena, const char *text) WARN_UNUSED;
char *arena_strndup(struct arena *arena, const char *text, size_t size) WARN_UNUSED;
struct slice arena_slice(struct arena *arena, struct slice s) WARN_UNUSED;
char *arena_printf(struct arena *arena, const char *fmt, ...) WARN_UNUSED PRINTF_LIKE(2, 3);

/* `ARENA_NEW(arena, struct x)`: one zeroed object. */
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

#endif
