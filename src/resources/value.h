/*
 * A typed value as --resources and --attributes write it: `2.5`, `[1-10, 20-30]`, `{a, b}`, or
 * text.
 */
#ifndef TEPUI_RESOURCES_VALUE_H
#define TEPUI_RESOURCES_VALUE_H

#include "common/err.h"
#include "common/slice.h"
#include "resources/item_set.h"
#include "resources/ranges.h"

/* Numbers as in Value.Type. */
enum value_type { VALUE_SCALAR = 0, VALUE_RANGES = 1, VALUE_SET = 2, VALUE_TEXT = 3 };

const char *value_type_name(enum value_type type); /* "SCALAR" */

struct value {
    enum value_type type;
    double real;                  /* VALUE_SCALAR: as written; finite */
    int64_t scalar;               /* VALUE_SCALAR: in thousandths */
    const struct ranges *ranges;  /* VALUE_RANGES: owned reference */
    const struct item_set *items; /* VALUE_SET: owned reference */
    char *text;                   /* VALUE_TEXT: owned */
};

enum {
    VALUE_E_INVALID = 1, /* not a value: err tells why */
};

/* 0 or VALUE_E_INVALID. Spaces are dropped everywhere. What is neither number, ranges nor set is
 * text, and so are negative, infinite and NaN numbers. */
int value_parse(struct slice text, struct value *ret_value, struct err *err) WARN_UNUSED;
void value_deinit(struct value *value); /* idempotent */

#endif
