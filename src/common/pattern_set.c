/* Sets of code points. */
#include <stdlib.h>

#include "common/pattern_tree.h"

static void append(struct pattern_set *set, struct pattern_range range, struct arena *arena)
{
    if (set->count == set->capacity) {
        size_t capacity = set->capacity == 0 ? 4 : set->capacity * 2;
        struct pattern_range *items = arena_alloc_array(arena, capacity, sizeof(items[0]));
        for (size_t i = 0; i < set->count; i++) {
            items[i] = set->items[i];
        }
        set->items = items;
        set->capacity = capacity;
    }
    set->items[set->count++] = range;
}

/* The part of the range that is between the letters, moved by the distance to the other case. */
static void append_case(struct pattern_set *set, struct pattern_range range, uint32_t first,
                        uint32_t last, int distance, struct arena *arena)
{
    uint32_t from = MAX(range.first, first);
    uint32_t to = MIN(range.last, last);
    if (from <= to) {
        append(set,
               (struct pattern_range){(uint32_t)((int)from + distance),
                                      (uint32_t)((int)to + distance)},
               arena);
    }
}

void pattern_set_add(struct pattern_set *set, struct pattern_range range, bool folds,
                     struct arena *arena)
{
    append(set, range, arena);
    if (folds) {
        append_case(set, range, 'a', 'z', 'A' - 'a', arena);
        append_case(set, range, 'A', 'Z', 'a' - 'A', arena);
    }
}

static int compare_ranges(const void *a, const void *b)
{
    const struct pattern_range *one = a;
    const struct pattern_range *other = b;
    return (one->first > other->first) - (one->first < other->first);
}

void pattern_set_finish(struct pattern_set *set)
{
    size_t count = 0;
    if (set->count == 0) {
        return;
    }
    qsort(set->items, set->count, sizeof(set->items[0]), compare_ranges);
    for (size_t i = 1; i < set->count; i++) {
        struct pattern_range *last = &set->items[count];
        const struct pattern_range *range = &set->items[i];
        if (range->first <= last->last + 1) {
            last->last = MAX(last->last, range->last);
        } else {
            set->items[++count] = *range;
        }
    }
    set->count = count + 1;
}

void pattern_set_negate(struct pattern_set *set, struct arena *arena)
{
    struct pattern_set result = {0};
    uint32_t next = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].first > next) {
            append(&result, (struct pattern_range){next, set->items[i].first - 1}, arena);
        }
        next = set->items[i].last + 1;
    }
    if (next <= PATTERN_RUNE_MAX) {
        append(&result, (struct pattern_range){next, PATTERN_RUNE_MAX}, arena);
    }
    *set = result;
}

void pattern_set_add_set(struct pattern_set *set, const struct pattern_set *other,
                         struct arena *arena)
{
    for (size_t i = 0; i < other->count; i++) {
        append(set, other->items[i], arena);
    }
}

/* --- classes with names --- */

#define CLASS_RANGES_MAX 4

struct class
{
    const char *name;
    struct pattern_range ranges[CLASS_RANGES_MAX]; /* up to the first that is {0, 0} but for the
                                                      first of all */
};

static const struct class perl_classes[] = {
    {"d", {{'0', '9'}}},
    {"s", {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}},
    {"w", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
};

static const struct class posix_classes[] = {
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", {{0, 0x7F}}},
    {"blank", {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
    {"digit", {{'0', '9'}}},
    {"graph", {{'!', '~'}}},
    {"lower", {{'a', 'z'}}},
    {"print", {{' ', '~'}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"upper", {{'A', 'Z'}}},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
};

static bool find_class(const struct class *classes, size_t count, struct slice name, bool folds,
                       struct arena *arena, struct pattern_set *ret_set)
{
    for (size_t i = 0; i < count; i++) {
        if (!slice_is(name, classes[i].name)) {
            continue;
        }
        for (size_t j = 0; j < CLASS_RANGES_MAX; j++) {
            if (j == 0 || classes[i].ranges[j].last != 0) {
                pattern_set_add(ret_set, classes[i].ranges[j], folds, arena);
            }
        }
        pattern_set_finish(ret_set);
        return true;
    }
    return false;
}

bool pattern_set_perl(char letter, bool folds, struct arena *arena, struct pattern_set *ret_set)
{
    char small = (char)(letter | 0x20);
    struct pattern_set set = {0};
    if (!find_class(perl_classes, ELEMENTS(perl_classes), slice_make(&small, 1), folds, arena,
                    &set)) {
        return false;
    }
    if (small != letter) {
        pattern_set_negate(&set, arena);
    }
    *ret_set = set;
    return true;
}

bool pattern_set_posix(struct slice name, bool folds, struct arena *arena,
                       struct pattern_set *ret_set)
{
    bool negated = slice_starts_with(name, SLICE("^"));
    struct pattern_set set = {0};
    if (!find_class(posix_classes, ELEMENTS(posix_classes), negated ? slice_skip(name, 1) : name,
                    folds, arena, &set)) {
        return false;
    }
    if (negated) {
        pattern_set_negate(&set, arena);
    }
    *ret_set = set;
    return true;
}
