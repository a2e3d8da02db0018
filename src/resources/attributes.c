#include "resources/attributes.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "resources/scalar.h"
#include "wire/json.h"
#include "wire/message.h"

void attributes_deinit(struct attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        free(attributes->items[i].name);
        value_deinit(&attributes->items[i].value);
    }
    free(attributes->items);
    *attributes = (struct attributes){0};
}

/* Takes over the value, also on failure. */
static int add(struct attributes *attributes, struct slice name, struct value value,
               struct err *err)
{
    int r = 0;
    if (name.size == 0) {
        r = err_set(err, ATTRIBUTES_E_INVALID, "An attribute has no name");
    } else if (value.type == VALUE_SET) {
        r = err_set(err, ATTRIBUTES_E_INVALID,
                    "Attribute '%.*s' is a set: sets are not supported for attributes",
                    SLICE_ARGS(name));
    } else if (attributes->count == ATTRIBUTES_COUNT_MAX) {
        r = err_set(err, ATTRIBUTES_E_INVALID, "More than %d attributes", ATTRIBUTES_COUNT_MAX);
    }
    if (r != 0) {
        value_deinit(&value);
        return r;
    }
    attributes->items =
        xrealloc(attributes->items, attributes->count + 1, sizeof(attributes->items[0]));
    attributes->items[attributes->count++] =
        (struct attribute){xstrndup(name.data, name.size), value};
    return 0;
}

static int parse_one(struct slice pair, struct attributes *attributes, struct err *err)
{
    /* Only the first ':' counts: values such as urls hold more. */
    ptrdiff_t colon = slice_find(pair, ':');
    if (colon <= 0 || (size_t)colon + 1 == pair.size) {
        return err_set(err, ATTRIBUTES_E_INVALID, "Invalid attribute key:value pair '%.*s'",
                       SLICE_ARGS(pair));
    }
    struct slice name = slice_make(pair.data, (size_t)colon);
    struct slice text = slice_skip(pair, (size_t)colon + 1);
    struct value value;
    if (value_parse(text, &value, err) != 0) {
        return err_wrap(err, ATTRIBUTES_E_INVALID, "Failed to parse attribute %.*s text %.*s",
                        SLICE_ARGS(name), SLICE_ARGS(text));
    }
    return add(attributes, name, value, err);
}

int attributes_parse(struct slice text, struct attributes *ret_attributes, struct err *err)
{
    struct attributes attributes = {0};
    struct slice line;
    while (slice_split(&text, '\n', &line)) {
        struct slice pair;
        while (slice_split(&line, ';', &pair)) {
            int r = pair.size != 0 ? parse_one(pair, &attributes, err) : 0;
            if (r != 0) {
                attributes_deinit(&attributes);
                return r;
            }
        }
    }
    *ret_attributes = attributes;
    return 0;
}

static int ranges_from_pb(const Pb__Value__Ranges *pb, struct value *ret_value, struct err *err)
{
    if (pb->n_range > RANGES_COUNT_MAX) {
        return err_set(err, ATTRIBUTES_E_INVALID, "More than %d ranges", RANGES_COUNT_MAX);
    }
    struct range *items = xcalloc(pb->n_range + 1, sizeof(*items));
    for (size_t i = 0; i < pb->n_range; i++) {
        items[i] = (struct range){pb->range[i]->begin, pb->range[i]->end};
        if (items[i].begin > items[i].end) {
            free(items);
            return err_set(err, ATTRIBUTES_E_INVALID, "begin > end in a range");
        }
    }
    *ret_value = (struct value){.type = VALUE_RANGES, .ranges = ranges_new(items, pb->n_range)};
    free(items);
    return 0;
}

static int value_from_pb(const Pb__Attribute *pb, struct value *ret_value, struct err *err)
{
    struct value value = {0};
    switch ((int)pb->type) {
    case VALUE_SCALAR:
        if (pb->scalar == NULL || !scalar_from_double(pb->scalar->value, &value.scalar)) {
            return err_set(err, ATTRIBUTES_E_INVALID, "no scalar, or one that is too large");
        }
        value.type = VALUE_SCALAR;
        value.real = pb->scalar->value;
        break;
    case VALUE_RANGES:
        if (pb->ranges == NULL) {
            return err_set(err, ATTRIBUTES_E_INVALID, "no ranges");
        }
        return ranges_from_pb(pb->ranges, ret_value, err);
    case VALUE_TEXT:
        if (pb->text == NULL || pb->text->value == NULL) {
            return err_set(err, ATTRIBUTES_E_INVALID, "no text");
        }
        value.type = VALUE_TEXT;
        value.text = xstrdup(pb->text->value);
        break;
    case VALUE_SET:
        return err_set(err, ATTRIBUTES_E_INVALID, "sets are not supported for attributes");
    default:
        return err_set(err, ATTRIBUTES_E_INVALID, "unknown type");
    }
    *ret_value = value;
    return 0;
}

int attributes_from_pb(Pb__Attribute *const *items, size_t count, struct attributes *ret_attributes,
                       struct err *err)
{
    struct attributes attributes = {0};
    for (size_t i = 0; i < count; i++) {
        struct value value;
        struct slice name = slice_from(items[i]->name);
        int r = value_from_pb(items[i], &value, err);
        if (r != 0) {
            err_wrap(err, r, "Invalid attribute '%.*s'", SLICE_ARGS(name));
        } else {
            r = add(&attributes, name, value, err);
        }
        if (r != 0) {
            attributes_deinit(&attributes);
            return r;
        }
    }
    *ret_attributes = attributes;
    return 0;
}

static Pb__Value__Ranges *ranges_to_pb(const struct ranges *ranges, struct arena *arena)
{
    Pb__Value__Ranges *pb = MESSAGE_NEW(Pb__Value__Ranges, pb__value__ranges, arena);
    pb->n_range = ranges_count(ranges);
    pb->range = arena_alloc_array(arena, pb->n_range, sizeof(pb->range[0]));
    for (size_t i = 0; i < pb->n_range; i++) {
        pb->range[i] = MESSAGE_NEW(Pb__Value__Range, pb__value__range, arena);
        pb->range[i]->begin = ranges->items[i].begin;
        pb->range[i]->end = ranges->items[i].end;
    }
    return pb;
}

static Pb__Attribute *attribute_to_pb(const struct attribute *attribute, struct arena *arena)
{
    Pb__Attribute *pb = MESSAGE_NEW(Pb__Attribute, pb__attribute, arena);
    const struct value *value = &attribute->value;
    pb->name = arena_strdup(arena, attribute->name);
    pb->type = (Pb__Value__Type)value->type;
    switch (value->type) {
    case VALUE_SCALAR:
        pb->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
        pb->scalar->value = value->real;
        break;
    case VALUE_RANGES:
        pb->ranges = ranges_to_pb(value->ranges, arena);
        break;
    case VALUE_TEXT:
        pb->text = MESSAGE_NEW(Pb__Value__Text, pb__value__text, arena);
        pb->text->value = arena_strdup(arena, value->text);
        break;
    case VALUE_SET:
        WRONG("an attribute with a set");
    }
    return pb;
}

void attributes_to_pb(const struct attributes *attributes, struct arena *arena,
                      Pb__Attribute ***ret_items, size_t *ret_count)
{
    Pb__Attribute **items = arena_alloc_array(arena, attributes->count, sizeof(*items));
    for (size_t i = 0; i < attributes->count; i++) {
        items[i] = attribute_to_pb(&attributes->items[i], arena);
    }
    *ret_items = items;
    *ret_count = attributes->count;
}

static bool value_equal(const struct value *a, const struct value *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case VALUE_SCALAR:
        return a->scalar == b->scalar;
    case VALUE_RANGES:
        return ranges_equal(a->ranges, b->ranges);
    case VALUE_TEXT:
        return strcmp(a->text, b->text) == 0;
    case VALUE_SET:
        break;
    }
    WRONG("an attribute with a set");
}

bool attribute_equal(const struct attribute *a, const struct attribute *b)
{
    return strcmp(a->name, b->name) == 0 && value_equal(&a->value, &b->value);
}

bool attributes_contain(const struct attributes *attributes, const struct attribute *one)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (attribute_equal(&attributes->items[i], one)) {
            return true;
        }
    }
    return false;
}

bool attributes_equal(const struct attributes *a, const struct attributes *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!attributes_contain(b, &a->items[i]) || !attributes_contain(a, &b->items[i])) {
            return false;
        }
    }
    return true;
}

const struct attribute *attributes_find(const struct attributes *attributes, struct slice name)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (slice_is(name, attributes->items[i].name)) {
            return &attributes->items[i];
        }
    }
    return NULL;
}

static void value_format(const struct value *value, struct buf *out)
{
    switch (value->type) {
    case VALUE_SCALAR:
        scalar_format(value->scalar, out);
        return;
    case VALUE_RANGES:
        ranges_format(value->ranges, out);
        return;
    case VALUE_TEXT:
        buf_append_text(out, value->text);
        return;
    case VALUE_SET:
        break;
    }
    WRONG("an attribute with a set");
}

#define NOT_PERMITTED "Configuration change not permitted under 'additive' policy: "

static int check_kept(const struct attribute *old, const struct attribute *new, struct err *err)
{
    struct buf before = BUF_INIT;
    struct buf after = BUF_INIT;
    int r = 0;
    value_format(&old->value, &before);
    value_format(&new->value, &after);
    if (old->value.type != new->value.type) {
        r = err_set(err, ATTRIBUTES_E_INVALID,
                    NOT_PERMITTED "Type of attribute '%s' changed from %s to %s", old->name,
                    value_type_name(old->value.type), value_type_name(new->value.type));
    } else if (old->value.type == VALUE_RANGES) {
        if (!ranges_contain(new->value.ranges, old->value.ranges)) {
            r = err_set(err, ATTRIBUTES_E_INVALID,
                        NOT_PERMITTED
                        "Previous value of ranges attribute '%s' (%s) not included in current %s",
                        old->name, buf_text(&before), buf_text(&after));
        }
    } else if (!value_equal(&old->value, &new->value)) {
        r = err_set(err, ATTRIBUTES_E_INVALID,
                    NOT_PERMITTED "Value of %s attribute '%s' changed from %s to %s",
                    old->value.type == VALUE_SCALAR ? "scalar" : "text", old->name,
                    buf_text(&before), buf_text(&after));
    }
    buf_deinit(&before);
    buf_deinit(&after);
    return r;
}

int attributes_check_additive(const struct attributes *previous, const struct attributes *current,
                              struct err *err)
{
    for (size_t i = 0; i < previous->count; i++) {
        const struct attribute *old = &previous->items[i];
        const struct attribute *match = attributes_find(current, slice_from(old->name));
        if (match == NULL) {
            return err_set(err, ATTRIBUTES_E_INVALID, NOT_PERMITTED "Couldn't find attribute %s",
                           old->name);
        }
        int r = check_kept(old, match, err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

void attribute_format(const struct attribute *attribute, struct buf *out)
{
    buf_append_text(out, attribute->name);
    buf_append_byte(out, '=');
    value_format(&attribute->value, out);
}

void attributes_write_json(const struct attributes *attributes, struct json_writer *w)
{
    json_begin_object(w);
    for (size_t i = 0; i < attributes->count; i++) {
        const struct attribute *attribute = &attributes->items[i];
        /* Of a name that occurs twice the last one counts. */
        bool is_last = true;
        for (size_t j = i + 1; j < attributes->count; j++) {
            is_last = is_last && strcmp(attributes->items[j].name, attribute->name) != 0;
        }
        if (!is_last) {
            continue;
        }
        json_key_slice(w, slice_from(attribute->name));
        if (attribute->value.type == VALUE_SCALAR) {
            json_double(w, attribute->value.real);
        } else {
            struct buf text = BUF_INIT;
            value_format(&attribute->value, &text);
            json_string(w, buf_slice(&text));
            buf_deinit(&text);
        }
    }
    json_end_object(w);
}
