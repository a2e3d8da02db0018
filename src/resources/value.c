#include "resources/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/scalar.h"

const char *value_type_name(enum value_type type)
{
    switch (type) {
    case VALUE_SCALAR:
        return "SCALAR";
    case VALUE_RANGES:
        return "RANGES";
    case VALUE_SET:
        return "SET";
    case VALUE_TEXT:
        return "TEXT";
    }
    return "UNKNOWN";
}

/* Are brackets of one sort closed after they were opened, each? */
static bool is_balanced(struct slice text, char open, char close)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == open) {
            depth++;
        } else if (text.data[i] == close) {
            if (depth == 0) {
                return false;
            }
            depth--;
        }
    }
    return depth == 0;
}

/* The next part that is not empty between any of the separators; false at the end. */
static bool next_token(struct slice *rest, const char *separators, struct slice *ret_token)
{
    while (rest->size != 0 && strchr(separators, rest->data[0]) != NULL) {
        *rest = slice_skip(*rest, 1);
    }
    size_t size = 0;
    while (size < rest->size && strchr(separators, rest->data[size]) == NULL) {
        size++;
    }
    *ret_token = slice_make(rest->data, size);
    *rest = slice_skip(*rest, size);
    return size != 0;
}

/* Decimal, or hexadecimal behind 0x. */
static bool parse_number(struct slice token, uint64_t *ret_number)
{
    if (!slice_starts_with(token, SLICE("0x")) && !slice_starts_with(token, SLICE("0X"))) {
        return slice_parse_uint64(token, ret_number);
    }
    if (token.size < 3 || token.size > 18) {
        return false;
    }
    uint64_t number = 0;
    for (size_t i = 2; i < token.size; i++) {
        char c = token.data[i];
        int digit;
        if (c >= '0' && c <= '9') {
            digit = c - '0';
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (c | 0x20) - 'a' + 10;
        } else {
            return false;
        }
        number = number * 16 + (uint64_t)digit;
    }
    *ret_number = number;
    return true;
}

static int parse_ranges(struct slice text, struct value *ret_value, struct err *err)
{
    const char *separators = "[]-,\n";
    struct slice rest = text;
    struct slice token;
    size_t count = 0;
    while (next_token(&rest, separators, &token)) {
        count++;
    }
    if (count % 2 != 0) {
        return err_set(err, VALUE_E_INVALID, "Expecting one or more \"ranges\"");
    }
    if (count / 2 > RANGES_COUNT_MAX) {
        return err_set(err, VALUE_E_INVALID, "More than %d ranges", RANGES_COUNT_MAX);
    }
    struct range *items = xcalloc(count / 2 + 1, sizeof(*items));
    rest = text;
    for (size_t i = 0; i < count / 2; i++) {
        struct slice end;
        bool is_complete =
            next_token(&rest, separators, &token) && next_token(&rest, separators, &end);
        if (!is_complete || !parse_number(token, &items[i].begin) ||
            !parse_number(end, &items[i].end)) {
            free(items);
            return err_set(err, VALUE_E_INVALID, "Expecting non-negative integers in '%.*s'",
                           SLICE_ARGS(token));
        }
        if (items[i].begin > items[i].end) {
            free(items);
            return err_set(err, VALUE_E_INVALID, "Invalid ranges resource: begin > end");
        }
    }
    *ret_value = (struct value){.type = VALUE_RANGES, .ranges = ranges_new(items, count / 2)};
    free(items);
    return 0;
}

static int parse_set(struct slice text, struct value *ret_value, struct err *err)
{
    const char *separators = "{},\n";
    struct slice rest = text;
    struct slice token;
    size_t count = 0;
    while (next_token(&rest, separators, &token)) {
        count++;
    }
    if (count > ITEM_SET_COUNT_MAX) {
        return err_set(err, VALUE_E_INVALID, "More than %d items in a set", ITEM_SET_COUNT_MAX);
    }
    struct slice *items = xcalloc(count + 1, sizeof(*items));
    rest = text;
    for (size_t i = 0; next_token(&rest, separators, &token); i++) {
        items[i] = token;
    }
    const struct item_set *set = item_set_new(items, count);
    free(items);
    if (item_set_count(set) != count) {
        item_set_unref(set);
        return err_set(err, VALUE_E_INVALID, "Invalid set resource: duplicated elements");
    }
    *ret_value = (struct value){.type = VALUE_SET, .items = set};
    return 0;
}

static int parse_scalar_or_text(struct slice text, struct value *ret_value, struct err *err)
{
    double real;
    if (slice_parse_double(text, &real)) {
        if (fpclassify(real) == FP_SUBNORMAL) {
            return err_set(err, VALUE_E_INVALID, "Subnormal values not supported");
        }
        if (real >= 0) {
            int64_t scalar;
            if (!scalar_from_double(real, &scalar)) {
                return err_set(err, VALUE_E_INVALID, "Value '%.*s' is too large", SLICE_ARGS(text));
            }
            *ret_value = (struct value){.type = VALUE_SCALAR, .real = real, .scalar = scalar};
            return 0;
        }
    }
    *ret_value = (struct value){.type = VALUE_TEXT, .text = xstrndup(text.data, text.size)};
    return 0;
}

/* `text` without spaces and with something in it. */
static int parse_compact(struct slice text, struct value *ret_value, struct err *err)
{
    if (!is_balanced(text, '{', '}') || !is_balanced(text, '[', ']') ||
        !is_balanced(text, '(', ')')) {
        return err_set(err, VALUE_E_INVALID, "Mismatched brackets");
    }
    ptrdiff_t square = slice_find(text, '[');
    if (square == 0) {
        return parse_ranges(text, ret_value, err);
    }
    if (square > 0) {
        return err_set(err, VALUE_E_INVALID, "Unexpected '[' found");
    }
    ptrdiff_t curly = slice_find(text, '{');
    if (curly == 0) {
        return parse_set(text, ret_value, err);
    }
    if (curly > 0) {
        return err_set(err, VALUE_E_INVALID, "Unexpected '{' found");
    }
    return parse_scalar_or_text(text, ret_value, err);
}

int value_parse(struct slice text, struct value *ret_value, struct err *err)
{
    char *compact = xalloc(text.size + 1);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != ' ') {
            compact[size++] = text.data[i];
        }
    }
    int r = size != 0 ? parse_compact(slice_make(compact, size), ret_value, err)
                      : err_set(err, VALUE_E_INVALID, "Expecting non-empty string");
    free(compact);
    return r;
}

void value_deinit(struct value *value)
{
    ranges_unref(value->ranges);
    item_set_unref(value->items);
    free(value->text);
    *value = (struct value){0};
}
