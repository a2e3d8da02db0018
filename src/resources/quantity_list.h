/*
 * A sorted list of amounts by name: what quantities and limits keep names in that are not common.
 */
#ifndef TEPUI_RESOURCES_QUANTITY_LIST_H
#define TEPUI_RESOURCES_QUANTITY_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"
#include "resources/names.h"

struct quantity {
    uint32_t name;  /* in the owner's struct resource_names */
    int64_t amount; /* thousandths, >= 0 */
};

struct quantity_list {
    struct quantity *items; /* ascending by name; heap */
    uint32_t count;
    uint32_t capacity;
};

void quantity_list_deinit(struct quantity_list *list); /* idempotent; leaves it empty */
void quantity_list_copy(const struct quantity_list *list, struct quantity_list *ret_copy);

/* The place of the name, or where it belongs. */
uint32_t quantity_list_place(const struct quantity_list *list, uint32_t name);
/* NULL if it is not there. */
struct quantity *quantity_list_find(const struct quantity_list *list, uint32_t name);
void quantity_list_insert(struct quantity_list *list, uint32_t place, struct quantity quantity);
void quantity_list_remove(struct quantity_list *list, uint32_t place);
bool quantity_list_equal(const struct quantity_list *a, const struct quantity_list *b);

enum {
    QUANTITY_LIST_E_INVALID = 1, /* err tells why */
};

/* "cpus:10;mem:512", scalars only, zeros are kept; `what` is for errors. A repeated name is summed
 * up or refused. */
int quantity_list_parse(struct slice text, const char *what, bool sums_repeated,
                        struct resource_names *names, struct quantity_list *ret_list,
                        struct err *err) WARN_UNUSED;
/* "cpus:10; mem:512" in order of the names' texts; "{}" when empty. */
void quantity_list_format(const struct quantity_list *list, const struct resource_names *names,
                          struct buf *out);

#endif
