/*
 * A set of texts, such as names of devices: immutable and counted. Items keep the order in which
 * they came, which only shows in print; comparison does not see it. NULL stands for the empty set
 * in every argument and result.
 */
#ifndef TEPUI_RESOURCES_ITEM_SET_H
#define TEPUI_RESOURCES_ITEM_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/macro.h"
#include "common/slice.h"

/* Items that are accepted in one value from outside. */
#define ITEM_SET_COUNT_MAX 65536

struct item_set {
    atomic_uint refs;
    uint32_t count;       /* > 0 */
    uint32_t *sorted;     /* positions in items, ascending by bytes; inside this allocation */
    struct slice items[]; /* as they came, none twice; each has a terminator behind it */
};

/* Repeated items count once. A new reference. */
const struct item_set *item_set_new(const struct slice *items, size_t count) WARN_UNUSED;
const struct item_set *item_set_ref(const struct item_set *set);
void item_set_unref(const struct item_set *set);

static inline size_t item_set_count(const struct item_set *set)
{
    return set != NULL ? set->count : 0;
}

/* New references. Items of b come behind those of a. */
const struct item_set *item_set_add(const struct item_set *a, const struct item_set *b) WARN_UNUSED;
const struct item_set *item_set_subtract(const struct item_set *a,
                                         const struct item_set *b) WARN_UNUSED;

bool item_set_equal(const struct item_set *a, const struct item_set *b);
/* Is all of b in a? */
bool item_set_contain(const struct item_set *a, const struct item_set *b);
bool item_set_contain_item(const struct item_set *a, struct slice item);

/* "{a, b}"; "{}" for none. */
void item_set_format(const struct item_set *set, struct buf *out);

#endif
