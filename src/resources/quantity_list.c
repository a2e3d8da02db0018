#include "resources/quantity_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/scalar.h"
#include "resources/value.h"

void quantity_list_deinit(struct quantity_list *list)
{
    free(list->items);
    *list = (struct quantity_list){0};
}

void quantity_list_copy(const struct quantity_list *list, struct quantity_list *ret_copy)
{
    *ret_copy = (struct quantity_list){0};
    if (list->count != 0) {
        ret_copy->items = xmemdup(list->items, list->count * sizeof(list->items[0]));
        ret_copy->count = list->count;
        ret_copy->capacity = list->count;
    }
}

uint32_t quantity_list_place(const struct quantity_list *list, uint32_t name)
{
    uint32_t low = 0;
    uint32_t high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list->items[middle].name < name) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct quantity *quantity_list_find(const struct quantity_list *list, uint32_t name)
{
    uint32_t place = quantity_list_place(list, name);
    bool is_there = place < list->count && list->items[place].name == name;
    return is_there ? &list->items[place] : NULL;
}

void quantity_list_insert(struct quantity_list *list, uint32_t place, struct quantity quantity)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity != 0 ? list->capacity * 2 : 4;
        list->items = xrealloc(list->items, list->capacity, sizeof(list->items[0]));
    }
    memmove(list->items + place + 1, list->items + place,
            (list->count - place) * sizeof(list->items[0]));
    list->items[place] = quantity;
    list->count++;
}

void quantity_list_remove(struct quantity_list *list, uint32_t place)
{
    list->count--;
    memmove(list->items + place, list->items + place + 1,
            (list->count - place) * sizeof(list->items[0]));
}

bool quantity_list_equal(const struct quantity_list *a, const struct quantity_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->items[i].name != b->items[i].name || a->items[i].amount != b->items[i].amount) {
            return false;
        }
    }
    return true;
}

/* Cuts "name:value" in two; empty parts do not count ("cpus::1" is fine). */
static bool split_pair(struct slice pair, struct slice *ret_name, struct slice *ret_value)
{
    struct slice pieces[2];
    size_t count = 0;
    struct slice piece;
    while (slice_split(&pair, ':', &piece)) {
        if (piece.size != 0) {
            if (count == ELEMENTS(pieces)) {
                return false;
            }
            pieces[count++] = piece;
        }
    }
    if (count != ELEMENTS(pieces)) {
        return false;
    }
    *ret_name = slice_trim(pieces[0]);
    *ret_value = pieces[1];
    return true;
}

static int parse_amount(struct slice number, const char *what, int64_t *ret_amount, struct err *err)
{
    struct value value;
    if (value_parse(number, &value, err) != 0) {
        return err_wrap(err, QUANTITY_LIST_E_INVALID, "Failed to parse '%.*s' to %s",
                        SLICE_ARGS(number), what);
    }
    bool is_scalar = value.type == VALUE_SCALAR;
    *ret_amount = value.scalar;
    value_deinit(&value);
    if (!is_scalar) {
        return err_set(err, QUANTITY_LIST_E_INVALID,
                       "Failed to parse '%.*s' to %s: only scalar values are allowed",
                       SLICE_ARGS(number), what);
    }
    return 0;
}

int quantity_list_parse(struct slice text, const char *what, bool sums_repeated,
                        struct resource_names *names, struct quantity_list *ret_list,
                        struct err *err)
{
    struct quantity_list list = {0};
    struct slice pair;
    int r = 0;
    while (r == 0 && slice_split(&text, ';', &pair)) {
        struct slice name_text;
        struct slice number;
        int64_t amount = 0;
        if (pair.size == 0) {
            continue;
        }
        if (!split_pair(pair, &name_text, &number)) {
            r = err_set(err, QUANTITY_LIST_E_INVALID,
                        "Failed to parse '%.*s': missing or extra ':'", SLICE_ARGS(pair));
            break;
        }
        r = parse_amount(number, what, &amount, err);
        if (r != 0) {
            break;
        }
        uint32_t name = resource_names_intern(names, name_text);
        struct quantity *there = quantity_list_find(&list, name);
        if (name == RESOURCE_NAME_NONE) {
            r = err_set(err, QUANTITY_LIST_E_INVALID, "More than %d names of resources",
                        RESOURCE_NAMES_MAX);
        } else if (there == NULL) {
            uint32_t place = quantity_list_place(&list, name);
            quantity_list_insert(&list, place, (struct quantity){name, amount});
        } else if (sums_repeated) {
            there->amount = scalar_add(there->amount, amount);
        } else {
            r = err_set(err, QUANTITY_LIST_E_INVALID,
                        "Failed to parse '%.*s' to %s: duplicate names are not allowed",
                        SLICE_ARGS(number), what);
        }
    }
    if (r != 0) {
        quantity_list_deinit(&list);
        return r;
    }
    *ret_list = list;
    return 0;
}

/* One amount with its name, for sorting. */
struct named_amount {
    struct slice name;
    int64_t amount; /* thousandths */
};

static int named_amount_compare(const void *a, const void *b)
{
    const struct named_amount *left = a;
    const struct named_amount *right = b;
    return slice_compare(left->name, right->name);
}

void quantity_list_format(const struct quantity_list *list, const struct resource_names *names,
                          struct buf *out)
{
    if (list->count == 0) {
        buf_append_text(out, "{}");
        return;
    }
    struct named_amount *sorted = xcalloc(list->count, sizeof(*sorted));
    for (uint32_t i = 0; i < list->count; i++) {
        sorted[i].name = resource_names_text(names, list->items[i].name);
        sorted[i].amount = list->items[i].amount;
    }
    qsort(sorted, list->count, sizeof(*sorted), named_amount_compare);
    for (uint32_t i = 0; i < list->count; i++) {
        buf_append_text(out, i > 0 ? "; " : "");
        buf_append_slice(out, sorted[i].name);
        buf_append_byte(out, ':');
        scalar_format(sorted[i].amount, out);
    }
    free(sorted);
}
