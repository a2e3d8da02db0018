#include "rlog/positions.h"

#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "common/xalloc.h"

void rlog_positions_deinit(struct rlog_positions *set)
{
    free(set->ranges);
    *set = (struct rlog_positions){0};
}

/* Index of the first range that ends at the position or behind it. */
static size_t find(const struct rlog_positions *set, uint64_t position)
{
    size_t low = 0;
    size_t high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (set->ranges[middle].high < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Puts `count` ranges in the place of those from `first` to before `last`. */
static void splice(struct rlog_positions *set, size_t first, size_t last,
                   const struct rlog_range *ranges, size_t count)
{
    size_t behind = set->count - last;
    size_t total = first + count + behind;
    if (total > set->capacity) {
        set->capacity = MAX(set->capacity * 2, MAX(total, (size_t)8));
        set->ranges = xrealloc(set->ranges, set->capacity, sizeof(set->ranges[0]));
    }
    if (behind > 0) {
        memmove(set->ranges + first + count, set->ranges + last, behind * sizeof(set->ranges[0]));
    }
    if (count > 0) {
        memcpy(set->ranges + first, ranges, count * sizeof(ranges[0]));
    }
    set->count = total;
}

void rlog_positions_add(struct rlog_positions *set, uint64_t low, uint64_t high)
{
    ASSERT(low <= high && high <= RLOG_POSITION_MAX);
    struct rlog_range joined = {low, high};
    size_t first = find(set, low > 0 ? low - 1 : 0);
    size_t last = first;
    while (last < set->count && set->ranges[last].low <= high + 1) {
        joined.low = MIN(joined.low, set->ranges[last].low);
        joined.high = MAX(joined.high, set->ranges[last].high);
        last++;
    }
    splice(set, first, last, &joined, 1);
}

void rlog_positions_remove(struct rlog_positions *set, uint64_t low, uint64_t high)
{
    ASSERT(low <= high && high <= RLOG_POSITION_MAX);
    struct rlog_range rest[2];
    size_t count = 0;
    size_t first = find(set, low);
    size_t last = first;
    while (last < set->count && set->ranges[last].low <= high) {
        struct rlog_range range = set->ranges[last];
        if (range.low < low) {
            rest[count++] = (struct rlog_range){range.low, low - 1};
        }
        if (range.high > high) {
            rest[count++] = (struct rlog_range){high + 1, range.high};
        }
        last++;
    }
    if (last > first) {
        splice(set, first, last, rest, count);
    }
}

void rlog_positions_add_all(struct rlog_positions *set, const struct rlog_positions *other)
{
    for (size_t i = 0; i < other->count; i++) {
        rlog_positions_add(set, other->ranges[i].low, other->ranges[i].high);
    }
}

bool rlog_positions_has(const struct rlog_positions *set, uint64_t position)
{
    size_t at = find(set, position);
    return at < set->count && set->ranges[at].low <= position;
}

uint64_t rlog_positions_last(const struct rlog_positions *set)
{
    ASSERT(set->count > 0);
    return set->ranges[set->count - 1].high;
}

uint64_t rlog_positions_number(const struct rlog_positions *set)
{
    uint64_t number = 0;
    for (size_t i = 0; i < set->count; i++) {
        uint64_t more = set->ranges[i].high - set->ranges[i].low + 1;
        number = more > UINT64_MAX - number ? UINT64_MAX : number + more;
    }
    return number;
}
