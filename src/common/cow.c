#include "common/cow.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define CHUNK_BITS 6
#define CHUNK_SLOTS (1u << CHUNK_BITS)
#define CHUNK_MASK (CHUNK_SLOTS - 1)

/* A leaf (height 0) holds values, an inner chunk holds chunks. */
struct cow_chunk {
    atomic_size_t refs;
    void *items[CHUNK_SLOTS];
};

void cow_value_init(struct cow_value *value, void (*free_fn)(struct cow_value *))
{
    atomic_init(&value->refs, 1);
    value->free = free_fn;
}

struct cow_value *cow_value_ref(struct cow_value *value)
{
    atomic_fetch_add_explicit(&value->refs, 1, memory_order_relaxed);
    return value;
}

void cow_value_unref(struct cow_value *value)
{
    if (value != NULL && atomic_fetch_sub_explicit(&value->refs, 1, memory_order_acq_rel) == 1) {
        value->free(value);
    }
}

static struct cow_chunk *chunk_new(void)
{
    struct cow_chunk *chunk = xalloc(sizeof(*chunk));
    atomic_init(&chunk->refs, 1);
    return chunk;
}

static void chunk_unref(struct cow_chunk *chunk, int height)
{
    if (chunk == NULL || atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < CHUNK_SLOTS; i++) {
        if (height == 0) {
            cow_value_unref(chunk->items[i]);
        } else {
            chunk_unref(chunk->items[i], height - 1);
        }
    }
    free(chunk);
}

/* The chunk itself if nobody else holds it, else a copy in its place. */
static struct cow_chunk *chunk_own(struct cow_chunk *chunk, int height)
{
    if (atomic_load_explicit(&chunk->refs, memory_order_acquire) == 1) {
        return chunk;
    }
    struct cow_chunk *copy = chunk_new();
    memcpy(copy->items, chunk->items, sizeof(copy->items));
    for (size_t i = 0; i < CHUNK_SLOTS; i++) {
        if (copy->items[i] == NULL) {
            continue;
        }
        if (height == 0) {
            (void)cow_value_ref(copy->items[i]);
        } else {
            struct cow_chunk *child = copy->items[i];
            atomic_fetch_add_explicit(&child->refs, 1, memory_order_relaxed);
        }
    }
    chunk_unref(chunk, height);
    return copy;
}

void cow_table_init(struct cow_table *table)
{
    *table = (struct cow_table){0};
}

void cow_table_deinit(struct cow_table *table)
{
    chunk_unref(table->root, table->height);
    free(table->unused);
    cow_table_init(table);
}

static size_t slots_at_height(int height)
{
    return (size_t)1 << (CHUNK_BITS * (height + 1));
}

/* The place of a slot, with every chunk on the way owned by the table alone. */
static void **own_place(struct cow_table *table, uint32_t slot)
{
    table->version++;
    if (table->root == NULL) {
        table->root = chunk_new();
    }
    while (slot >= slots_at_height(table->height)) {
        struct cow_chunk *root = chunk_new();
        root->items[0] = table->root;
        table->root = root;
        table->height++;
    }
    table->root = chunk_own(table->root, table->height);
    struct cow_chunk *chunk = table->root;
    for (int height = table->height; height > 0; height--) {
        void **place = &chunk->items[(slot >> (CHUNK_BITS * height)) & CHUNK_MASK];
        *place = *place != NULL ? chunk_own(*place, height - 1) : chunk_new();
        chunk = *place;
    }
    return &chunk->items[slot & CHUNK_MASK];
}

uint32_t cow_table_add(struct cow_table *table, struct cow_value *value)
{
    uint32_t slot;
    if (table->unused_count != 0) {
        slot = table->unused[--table->unused_count];
    } else {
        ASSERT(table->slots < UINT32_MAX);
        slot = (uint32_t)table->slots++;
    }
    void **place = own_place(table, slot);
    ASSERT(*place == NULL);
    *place = value;
    table->count++;
    return slot;
}

void cow_table_put(struct cow_table *table, uint32_t slot, struct cow_value *value)
{
    void **place = own_place(table, slot);
    ASSERT(*place != NULL);
    cow_value_unref(*place);
    *place = value;
}

void cow_table_remove(struct cow_table *table, uint32_t slot)
{
    void **place = own_place(table, slot);
    ASSERT(*place != NULL);
    cow_value_unref(*place);
    *place = NULL;
    table->count--;
    if (table->unused_count == table->unused_capacity) {
        table->unused_capacity = MAX(table->unused_capacity * 2, (size_t)64);
        table->unused = xrealloc(table->unused, table->unused_capacity, sizeof(uint32_t));
    }
    table->unused[table->unused_count++] = slot;
}

static struct cow_value *get(const struct cow_chunk *chunk, int height, size_t slot)
{
    for (; chunk != NULL && height > 0; height--) {
        chunk = chunk->items[(slot >> (CHUNK_BITS * height)) & CHUNK_MASK];
    }
    return chunk != NULL ? chunk->items[slot & CHUNK_MASK] : NULL;
}

struct cow_value *cow_table_get(const struct cow_table *table, uint32_t slot)
{
    return slot < table->slots ? get(table->root, table->height, slot) : NULL;
}

struct cow_snapshot cow_table_snapshot(const struct cow_table *table)
{
    if (table->root != NULL) {
        atomic_fetch_add_explicit(&table->root->refs, 1, memory_order_relaxed);
    }
    return (struct cow_snapshot){
        .root = table->root,
        .height = table->height,
        .slots = table->slots,
        .count = table->count,
        .version = table->version,
    };
}

void cow_snapshot_release(struct cow_snapshot *snapshot)
{
    chunk_unref(snapshot->root, snapshot->height);
    *snapshot = (struct cow_snapshot){0};
}

struct cow_value *cow_snapshot_next(const struct cow_snapshot *snapshot, size_t *slot)
{
    for (; *slot < snapshot->slots; (*slot)++) {
        struct cow_value *value = get(snapshot->root, snapshot->height, *slot);
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}
