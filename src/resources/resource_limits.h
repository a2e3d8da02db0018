/*
 * Upper bounds by kind of resource, as quota sets them: no bound is the rule, zero is a bound.
 */
#ifndef TEPUI_RESOURCES_RESOURCE_LIMITS_H
#define TEPUI_RESOURCES_RESOURCE_LIMITS_H

#include "resources/quantities.h"

#define RESOURCE_LIMIT_NONE INT64_MAX

struct resource_limits {
    int64_t common[RESOURCE_NAMES_COMMON]; /* thousandths, or RESOURCE_LIMIT_NONE */
    struct quantity_list extra;            /* other names that have a bound */
};

void resource_limits_init(struct resource_limits *limits); /* no bounds */
void resource_limits_deinit(struct resource_limits *limits);
void resource_limits_copy(const struct resource_limits *limits, struct resource_limits *ret_copy);

/* RESOURCE_LIMIT_NONE where there is no bound. */
int64_t resource_limits_get(const struct resource_limits *limits, uint32_t name);
/* RESOURCE_LIMIT_NONE takes the bound away; otherwise >= 0 (asserts). */
void resource_limits_set(struct resource_limits *limits, uint32_t name, int64_t amount);

/* Does every amount keep to its bound? */
bool resource_limits_contain(const struct resource_limits *limits, const struct quantities *q);
/* Is every bound of b the same or a stricter one than that of a? */
bool resource_limits_contain_limits(const struct resource_limits *a,
                                    const struct resource_limits *b);
bool resource_limits_equal(const struct resource_limits *a, const struct resource_limits *b);
bool resource_limits_is_empty(const struct resource_limits *limits); /* no bounds at all */
/* What is left after q; a bound does not fall below zero. */
void resource_limits_subtract(struct resource_limits *limits, const struct quantities *q);

/* Walks the bounds, ascending by name number: set *place to 0, loop while true. */
bool resource_limits_next(const struct resource_limits *limits, uint32_t *place,
                          struct quantity *ret_bound);

/* 0 or QUANTITIES_E_INVALID. "cpus:10;mem:0": zeros are kept, repeated names refused. */
int resource_limits_parse(struct slice text, struct resource_names *names,
                          struct resource_limits *ret_limits, struct err *err) WARN_UNUSED;
void resource_limits_format(const struct resource_limits *limits,
                            const struct resource_names *names, struct buf *out);

#endif
