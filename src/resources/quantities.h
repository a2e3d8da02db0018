/*
 * How much of each kind of resource, without roles, disks or any other trait: what sorters, quota
 * and totals calculate with. Amounts are thousandths and never negative; none is the same as zero.
 *
 * The four common kinds lie in place, so that the usual vector costs no memory and four additions;
 * others follow in a sorted array on the heap. A zeroed struct is an empty one.
 */
#ifndef TEPUI_RESOURCES_QUANTITIES_H
#define TEPUI_RESOURCES_QUANTITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "resources/names.h"
#include "resources/quantity_list.h"
#include "resources/scalar.h"

struct quantities {
    int64_t common[RESOURCE_NAMES_COMMON]; /* by RESOURCE_NAME_*; >= 0 */
    struct quantity_list extra;            /* other names; amounts > 0 */
};

#define QUANTITIES_INIT ((struct quantities){0})

void quantities_deinit(struct quantities *q); /* idempotent; leaves it empty */
void quantities_clear(struct quantities *q);
/* ret_copy need not be initialized. */
void quantities_copy(const struct quantities *q, struct quantities *ret_copy);

int64_t quantities_get(const struct quantities *q, uint32_t name);
/* amount >= 0 (asserts). RESOURCE_NAME_NONE is ignored. */
void quantities_set(struct quantities *q, uint32_t name, int64_t amount);
void quantities_add_amount(struct quantities *q, uint32_t name, int64_t amount);

void quantities_add(struct quantities *a, const struct quantities *b);
/* What would fall below zero becomes zero. */
void quantities_subtract(struct quantities *a, const struct quantities *b);
/* Is each amount of b covered by a? */
bool quantities_contain(const struct quantities *a, const struct quantities *b);
bool quantities_equal(const struct quantities *a, const struct quantities *b);
bool quantities_is_empty(const struct quantities *q);

/* Walks the amounts above zero, ascending by name number: set *place to 0, loop while true. */
bool quantities_next(const struct quantities *q, uint32_t *place, struct quantity *ret_quantity);

enum {
    QUANTITIES_E_INVALID = 1, /* err tells why */
};

/* "cpus:10;mem:512": scalars only; zeros are dropped, repeated names are summed. */
int quantities_parse(struct slice text, struct resource_names *names, struct quantities *ret_q,
                     struct err *err) WARN_UNUSED;
/* "cpus:10; mem:512" in order of names; "{}" when empty. */
void quantities_format(const struct quantities *q, const struct resource_names *names,
                       struct buf *out);

struct resources;
struct resource;

/* Adds amounts: of ranges and sets how many there are. A name that the table has no room for is
 * left out. */
void quantities_add_resource(struct quantities *q, const struct resource *r,
                             struct resource_names *names);
void quantities_add_resources(struct quantities *q, const struct resources *r,
                              struct resource_names *names);
/* As above, scalars only. */
void quantities_add_scalars(struct quantities *q, const struct resources *r,
                            struct resource_names *names);

#endif
