/*
 * Ranges of whole numbers, such as ports: immutable, counted, always sorted and merged (adjacent
 * ranges are one). NULL stands for no ranges in every argument and result.
 */
#ifndef TEPUI_RESOURCES_RANGES_H
#define TEPUI_RESOURCES_RANGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/macro.h"

/* Ranges that are accepted in one value from outside. */
#define RANGES_COUNT_MAX 65536

struct range {
    uint64_t begin; /* both ends are in; begin <= end */
    uint64_t end;
};

struct ranges {
    atomic_uint refs;
    uint32_t count;       /* > 0 */
    struct range items[]; /* ascending, with a gap of at least one between neighbours */
};

/* In any order, overlapping or not, none inverted (asserts). A new reference. */
const struct ranges *ranges_new(const struct range *items, size_t count) WARN_UNUSED;
const struct ranges *ranges_ref(const struct ranges *ranges);
void ranges_unref(const struct ranges *ranges);

static inline size_t ranges_count(const struct ranges *ranges)
{
    return ranges != NULL ? ranges->count : 0;
}

/* New references. */
const struct ranges *ranges_add(const struct ranges *a, const struct ranges *b) WARN_UNUSED;
const struct ranges *ranges_subtract(const struct ranges *a, const struct ranges *b) WARN_UNUSED;
const struct ranges *ranges_intersect(const struct ranges *a, const struct ranges *b) WARN_UNUSED;

bool ranges_equal(const struct ranges *a, const struct ranges *b);
/* Is all of b in a? */
bool ranges_contain(const struct ranges *a, const struct ranges *b);
bool ranges_contain_number(const struct ranges *a, uint64_t number);
bool ranges_overlap(const struct ranges *a, const struct ranges *b);
/* How many numbers; UINT64_MAX if they are all there are. */
uint64_t ranges_size(const struct ranges *ranges);

/* "[1-5, 7-7]"; "[]" for none. */
void ranges_format(const struct ranges *ranges, struct buf *out);

#endif
