#include "resources/ranges.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

static struct ranges *ranges_alloc(size_t count)
{
    ASSERT(count <= UINT32_MAX);
    struct ranges *ranges = malloc(sizeof(*ranges) + count * sizeof(ranges->items[0]));
    ASSERT(ranges != NULL);
    atomic_init(&ranges->refs, 1);
    ranges->count = 0;
    return ranges;
}

/* Appends a range that begins at or after the last one, merging the two if they touch. */
static void ranges_append(struct ranges *ranges, struct range range)
{
    if (ranges->count != 0) {
        struct range *last = &ranges->items[ranges->count - 1];
        if (range.begin == 0 || range.begin - 1 <= last->end) {
            last->end = MAX(last->end, range.end);
            return;
        }
    }
    ranges->items[ranges->count++] = range;
}

/* Gives back memory that was reserved for the worst case. */
static const struct ranges *ranges_finish(struct ranges *ranges, size_t capacity)
{
    if (ranges->count == 0) {
        free(ranges);
        return NULL;
    }
    if (ranges->count + 4 < capacity) {
        size_t size = sizeof(*ranges) + ranges->count * sizeof(ranges->items[0]);
        return xrealloc(ranges, 1, size);
    }
    return ranges;
}

static int range_compare(const void *a, const void *b)
{
    const struct range *left = a;
    const struct range *right = b;
    if (left->begin != right->begin) {
        return left->begin < right->begin ? -1 : 1;
    }
    return left->end < right->end ? -1 : left->end > right->end;
}

const struct ranges *ranges_new(const struct range *items, size_t count)
{
    bool is_sorted = true;
    for (size_t i = 0; i < count; i++) {
        ASSERT(items[i].begin <= items[i].end);
        is_sorted = is_sorted && (i == 0 || items[i - 1].begin <= items[i].begin);
    }
    struct range *sorted = NULL;
    if (!is_sorted) {
        sorted = xmemdup(items, count * sizeof(items[0]));
        qsort(sorted, count, sizeof(sorted[0]), range_compare);
        items = sorted;
    }
    struct ranges *ranges = ranges_alloc(count);
    for (size_t i = 0; i < count; i++) {
        ranges_append(ranges, items[i]);
    }
    free(sorted);
    return ranges_finish(ranges, count);
}

/* Counts are the one thing that changes; the content does not. */
static atomic_uint *ranges_refs(const struct ranges *ranges)
{
    return &((struct ranges *)(uintptr_t)ranges)->refs;
}

const struct ranges *ranges_ref(const struct ranges *ranges)
{
    if (ranges != NULL) {
        atomic_fetch_add_explicit(ranges_refs(ranges), 1, memory_order_relaxed);
    }
    return ranges;
}

void ranges_unref(const struct ranges *ranges)
{
    if (ranges != NULL &&
        atomic_fetch_sub_explicit(ranges_refs(ranges), 1, memory_order_acq_rel) == 1) {
        free((void *)(uintptr_t)ranges);
    }
}

const struct ranges *ranges_add(const struct ranges *a, const struct ranges *b)
{
    if (b == NULL || a == b) {
        return ranges_ref(a);
    }
    if (a == NULL) {
        return ranges_ref(b);
    }
    size_t capacity = (size_t)a->count + b->count;
    struct ranges *sum = ranges_alloc(capacity);
    size_t i = 0;
    size_t j = 0;
    while (i < a->count || j < b->count) {
        bool takes_a = j == b->count || (i < a->count && a->items[i].begin <= b->items[j].begin);
        ranges_append(sum, takes_a ? a->items[i++] : b->items[j++]);
    }
    return ranges_finish(sum, capacity);
}

const struct ranges *ranges_subtract(const struct ranges *a, const struct ranges *b)
{
    if (a == NULL || a == b) {
        return NULL;
    }
    if (b == NULL) {
        return ranges_ref(a);
    }
    /* Each range of b cuts at most one of a in two. */
    size_t capacity = (size_t)a->count + b->count;
    struct ranges *left = ranges_alloc(capacity);
    size_t j = 0;
    for (size_t i = 0; i < a->count; i++) {
        struct range rest = a->items[i];
        bool is_used_up = false;
        while (j < b->count && b->items[j].end < rest.begin) {
            j++;
        }
        for (; j < b->count && b->items[j].begin <= rest.end; j++) {
            struct range cut = b->items[j];
            if (cut.begin > rest.begin) {
                left->items[left->count++] = (struct range){rest.begin, cut.begin - 1};
            }
            if (cut.end >= rest.end) {
                is_used_up = true;
                break; /* it may reach into the next range of a */
            }
            rest.begin = cut.end + 1;
        }
        if (!is_used_up) {
            left->items[left->count++] = rest;
        }
    }
    return ranges_finish(left, capacity);
}

const struct ranges *ranges_intersect(const struct ranges *a, const struct ranges *b)
{
    if (a == NULL || b == NULL) {
        return NULL;
    }
    size_t capacity = (size_t)a->count + b->count;
    struct ranges *both = ranges_alloc(capacity);
    size_t i = 0;
    size_t j = 0;
    while (i < a->count && j < b->count) {
        uint64_t begin = MAX(a->items[i].begin, b->items[j].begin);
        uint64_t end = MIN(a->items[i].end, b->items[j].end);
        if (begin <= end) {
            both->items[both->count++] = (struct range){begin, end};
        }
        if (a->items[i].end < b->items[j].end) {
            i++;
        } else {
            j++;
        }
    }
    return ranges_finish(both, capacity);
}

bool ranges_equal(const struct ranges *a, const struct ranges *b)
{
    if (a == b) {
        return true;
    }
    return a != NULL && b != NULL && a->count == b->count &&
           memcmp(a->items, b->items, a->count * sizeof(a->items[0])) == 0;
}

bool ranges_contain(const struct ranges *a, const struct ranges *b)
{
    if (b == NULL || a == b) {
        return true;
    }
    if (a == NULL) {
        return false;
    }
    size_t i = 0;
    for (size_t j = 0; j < b->count; j++) {
        while (i < a->count && a->items[i].end < b->items[j].begin) {
            i++;
        }
        if (i == a->count || a->items[i].begin > b->items[j].begin ||
            a->items[i].end < b->items[j].end) {
            return false;
        }
    }
    return true;
}

bool ranges_contain_number(const struct ranges *a, uint64_t number)
{
    size_t low = 0;
    size_t high = ranges_count(a);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (a->items[middle].end < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ranges_count(a) && a->items[low].begin <= number;
}

bool ranges_overlap(const struct ranges *a, const struct ranges *b)
{
    size_t i = 0;
    size_t j = 0;
    while (i < ranges_count(a) && j < ranges_count(b)) {
        if (a->items[i].end < b->items[j].begin) {
            i++;
        } else if (b->items[j].end < a->items[i].begin) {
            j++;
        } else {
            return true;
        }
    }
    return false;
}

uint64_t ranges_size(const struct ranges *ranges)
{
    uint64_t size = 0;
    for (size_t i = 0; i < ranges_count(ranges); i++) {
        uint64_t more = ranges->items[i].end - ranges->items[i].begin;
        if (more == UINT64_MAX || __builtin_add_overflow(size, more + 1, &size)) {
            return UINT64_MAX;
        }
    }
    return size;
}

void ranges_format(const struct ranges *ranges, struct buf *out)
{
    buf_append_byte(out, '[');
    for (size_t i = 0; i < ranges_count(ranges); i++) {
        if (i > 0) {
            buf_append_text(out, ", ");
        }
        buf_append_uint64(out, ranges->items[i].begin);
        buf_append_byte(out, '-');
        buf_append_uint64(out, ranges->items[i].end);
    }
    buf_append_byte(out, ']');
}
