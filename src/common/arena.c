#include "common/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

#define ARENA_ALIGN 16
#define ARENA_BLOCK_SIZE_MIN 4096
#define ARENA_BLOCK_SIZE_MAX (1024 * 1024)

struct arena_block {
    struct arena_block *older; /* NULL = first */
    size_t size;               /* bytes of payload behind this header */
};

/* The header is padded so that the payload is aligned. */
#define HEADER_SIZE ((sizeof(struct arena_block) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN)

void arena_init(struct arena *arena, size_t budget_size)
{
    *arena = (struct arena){.budget_size = budget_size};
}

static void free_blocks(struct arena_block *block)
{
    while (block != NULL) {
        struct arena_block *older = block->older;
        free(block);
        block = older;
    }
}

void arena_deinit(struct arena *arena)
{
    free_blocks(arena->blocks);
    *arena = (struct arena){0};
}

void arena_reset(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;
    arena->used_size = 0;
    if (kept == NULL) {
        return;
    }
    free_blocks(kept->older);
    kept->older = NULL;
    arena->next = (char *)kept + HEADER_SIZE;
    arena->left_size = kept->size;
}

static void add_block(struct arena *arena, size_t need)
{
    size_t size =
        arena->blocks != NULL ? arena->blocks->size * 2 : ARENA_BLOCK_SIZE_MIN - HEADER_SIZE;
    size = MIN(size, (size_t)ARENA_BLOCK_SIZE_MAX);
    size = MAX(size, need);
    struct arena_block *block = malloc(HEADER_SIZE + size);
    ASSERT(block != NULL);
    block->older = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->next = (char *)block + HEADER_SIZE;
    arena->left_size = size;
}

void *arena_alloc_raw(struct arena *arena, size_t size)
{
    ASSERT(size <= SIZE_MAX - ARENA_BLOCK_SIZE_MAX - HEADER_SIZE);
    size = (MAX(size, (size_t)1) + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    if (arena->budget_size != 0 &&
        (arena->used_size > arena->budget_size || size > arena->budget_size - arena->used_size)) {
        return NULL;
    }
    if (size > arena->left_size) {
        add_block(arena, size);
    }
    void *p = arena->next;
    arena->next += size;
    arena->left_size -= size;
    arena->used_size += size;
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *p = arena_alloc_raw(arena, size);
    return p != NULL ? memset(p, 0, size) : NULL;
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    ASSERT(!__builtin_mul_overflow(count, size, &total));
    return arena_alloc(arena, total);
}

void *arena_memdup(struct arena *arena, const void *bytes, size_t size)
{
    char *p = arena_alloc_raw(arena, size + 1);
    ASSERT(p != NULL);
    if (size != 0) {
        memcpy(p, bytes, size);
    }
    p[size] = '\0';
    return p;
}

char *arena_strndup(struct arena *arena, const char *text, size_t size)
{
    return arena_memdup(arena, text, size);
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_memdup(arena, text, strlen(text));
}

struct slice arena_slice(struct arena *arena, struct slice s)
{
    return slice_make(arena_memdup(arena, s.data, s.size), s.size);
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(n >= 0);
    char *text = arena_alloc_raw(arena, (size_t)n + 1);
    ASSERT(text != NULL);
    (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}
