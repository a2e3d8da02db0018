#include "resources/item_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

static int position_compare(const void *a, const void *b, void *context)
{
    const struct slice *items = context;
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    int order = slice_compare(items[left], items[right]);
    /* Of equal items the first one counts. */
    return order != 0 ? order : (left < right ? -1 : left > right);
}

/* Marks in `is_kept` the first of each item; returns how many are kept. */
static size_t mark_distinct(const struct slice *items, size_t count, bool *is_kept)
{
    uint32_t *order = xcalloc(count, sizeof(*order));
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    qsort_r(order, count, sizeof(*order), position_compare, (void *)(uintptr_t)items);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        is_kept[order[i]] = i == 0 || !slice_equal(items[order[i - 1]], items[order[i]]);
        kept += is_kept[order[i]];
    }
    free(order);
    return kept;
}

const struct item_set *item_set_new(const struct slice *items, size_t count)
{
    if (count == 0) {
        return NULL;
    }
    ASSERT(count <= UINT32_MAX);
    bool *is_kept = xcalloc(count, sizeof(*is_kept));
    size_t kept = mark_distinct(items, count, is_kept);
    size_t texts_size = 0;
    for (size_t i = 0; i < count; i++) {
        texts_size += is_kept[i] ? items[i].size + 1 : 0;
    }

    size_t head_size = sizeof(struct item_set) + kept * sizeof(struct slice);
    struct item_set *set = xalloc(head_size + kept * sizeof(uint32_t) + texts_size);
    atomic_init(&set->refs, 1);
    set->sorted = (uint32_t *)(void *)((char *)set + head_size);
    char *text = (char *)(set->sorted + kept);
    for (size_t i = 0; i < count; i++) {
        if (is_kept[i]) {
            if (items[i].size != 0) {
                memcpy(text, items[i].data, items[i].size);
            }
            set->sorted[set->count] = set->count;
            set->items[set->count++] = slice_make(text, items[i].size);
            text += items[i].size + 1;
        }
    }
    qsort_r(set->sorted, kept, sizeof(set->sorted[0]), position_compare, set->items);
    free(is_kept);
    return set;
}

/* Counts are the one thing that changes; the content does not. */
static atomic_uint *item_set_refs(const struct item_set *set)
{
    return &((struct item_set *)(uintptr_t)set)->refs;
}

const struct item_set *item_set_ref(const struct item_set *set)
{
    if (set != NULL) {
        atomic_fetch_add_explicit(item_set_refs(set), 1, memory_order_relaxed);
    }
    return set;
}

void item_set_unref(const struct item_set *set)
{
    if (set != NULL &&
        atomic_fetch_sub_explicit(item_set_refs(set), 1, memory_order_acq_rel) == 1) {
        free((void *)(uintptr_t)set);
    }
}

const struct item_set *item_set_add(const struct item_set *a, const struct item_set *b)
{
    if (b == NULL || a == b) {
        return item_set_ref(a);
    }
    if (a == NULL) {
        return item_set_ref(b);
    }
    size_t count = (size_t)a->count + b->count;
    struct slice *items = xcalloc(count, sizeof(*items));
    memcpy(items, a->items, a->count * sizeof(*items));
    memcpy(items + a->count, b->items, b->count * sizeof(*items));
    const struct item_set *sum = item_set_new(items, count);
    free(items);
    return sum;
}

const struct item_set *item_set_subtract(const struct item_set *a, const struct item_set *b)
{
    if (a == NULL || a == b) {
        return NULL;
    }
    if (b == NULL) {
        return item_set_ref(a);
    }
    struct slice *items = xcalloc(a->count, sizeof(*items));
    size_t count = 0;
    for (size_t i = 0; i < a->count; i++) {
        if (!item_set_contain_item(b, a->items[i])) {
            items[count++] = a->items[i];
        }
    }
    const struct item_set *left = item_set_new(items, count);
    free(items);
    return left;
}

static struct slice sorted_item(const struct item_set *set, size_t i)
{
    return set->items[set->sorted[i]];
}

bool item_set_equal(const struct item_set *a, const struct item_set *b)
{
    if (a == b) {
        return true;
    }
    return item_set_count(a) == item_set_count(b) && item_set_contain(a, b);
}

bool item_set_contain(const struct item_set *a, const struct item_set *b)
{
    if (b == NULL || a == b) {
        return true;
    }
    if (a == NULL || a->count < b->count) {
        return false;
    }
    size_t i = 0;
    for (size_t j = 0; j < b->count; j++) {
        int order = 1;
        while (i < a->count && (order = slice_compare(sorted_item(b, j), sorted_item(a, i))) > 0) {
            i++;
        }
        if (order != 0) {
            return false;
        }
    }
    return true;
}

bool item_set_contain_item(const struct item_set *a, struct slice item)
{
    size_t low = 0;
    size_t high = item_set_count(a);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(sorted_item(a, middle), item);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

void item_set_format(const struct item_set *set, struct buf *out)
{
    buf_append_byte(out, '{');
    for (size_t i = 0; i < item_set_count(set); i++) {
        if (i > 0) {
            buf_append_text(out, ", ");
        }
        buf_append_slice(out, set->items[i]);
    }
    buf_append_byte(out, '}');
}
