/*
 * A table of immutable, atomically counted values whose snapshot costs O(1).
 *
 * Slots are numbered; values begin with `struct cow_value`. The table is a radix tree of chunks
 * with 64 slots. A snapshot shares all chunks; a later write copies the few chunks on its way that
 * a snapshot still holds (design decision 2: nothing on the loop costs time in proportion to the
 * whole cluster). The loop owns the table; snapshots may be read and dropped by any thread.
 */
#ifndef TEPUI_COMMON_COW_H
#define TEPUI_COMMON_COW_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

/* First member of each value. */
struct cow_value {
    atomic_size_t refs;
    void (*free)(struct cow_value *value); /* called by the last unref, on any thread */
};

void cow_value_init(struct cow_value *value, void (*free_fn)(struct cow_value *));
struct cow_value *cow_value_ref(struct cow_value *value);
void cow_value_unref(struct cow_value *value); /* NULL is fine */

struct cow_chunk;

struct cow_table {
    struct cow_chunk *root; /* NULL = empty */
    int height;             /* levels below the root */
    size_t slots;           /* slots ever used: 0 .. slots-1 */
    size_t count;           /* slots that hold a value */
    uint64_t version;       /* grows with every change */
    uint32_t *unused;       /* stack of freed slots, used again last in first out */
    size_t unused_count;
    size_t unused_capacity;
};

void cow_table_init(struct cow_table *table);
void cow_table_deinit(struct cow_table *table);

/* Stores the value (its reference is taken over) in a free slot, and returns the slot. */
uint32_t cow_table_add(struct cow_table *table, struct cow_value *value) WARN_UNUSED;
/* Replaces a slot's value; the old one's reference is dropped, the new one's taken over. */
void cow_table_put(struct cow_table *table, uint32_t slot, struct cow_value *value);
/* Empties the slot; it may be given out again. */
void cow_table_remove(struct cow_table *table, uint32_t slot);
/* The value, not referenced; NULL for an empty slot. */
struct cow_value *cow_table_get(const struct cow_table *table, uint32_t slot);

/* Two of one table with the same version hold the same. */
struct cow_snapshot {
    struct cow_chunk *root;
    int height;
    size_t slots;
    size_t count;
    uint64_t version;
};

struct cow_snapshot cow_table_snapshot(const struct cow_table *table);
void cow_snapshot_release(struct cow_snapshot *snapshot); /* idempotent */
/* The value at or after *slot in order of slots, with *slot set to its place; NULL at the end. */
struct cow_value *cow_snapshot_next(const struct cow_snapshot *snapshot, size_t *slot);

#endif
