/*
 * An agent's attributes: names with values that are not used up (rack, kernel, zone).
 */
#ifndef TEPUI_RESOURCES_ATTRIBUTES_H
#define TEPUI_RESOURCES_ATTRIBUTES_H

#include "common/arena.h"
#include "common/err.h"
#include "resources/value.h"
#include "wire/pb.h"

/* Attributes of one agent that are accepted. */
#define ATTRIBUTES_COUNT_MAX 2048

struct attribute {
    char *name;         /* owned */
    struct value value; /* owned; not VALUE_SET */
};

struct attributes {
    struct attribute *items; /* heap, in the order given; a name may occur twice */
    size_t count;
};

enum {
    ATTRIBUTES_E_INVALID = 1, /* err tells why */
};

void attributes_deinit(struct attributes *attributes); /* idempotent */

/* "rack:abc;zone:1;ports:[1-10]". Values may hold ':'. 0 or ATTRIBUTES_E_INVALID. */
int attributes_parse(struct slice text, struct attributes *ret_attributes,
                     struct err *err) WARN_UNUSED;
/* Sets, text without a value and the like are refused. */
int attributes_from_pb(Pb__Attribute *const *items, size_t count, struct attributes *ret_attributes,
                       struct err *err) WARN_UNUSED;
void attributes_to_pb(const struct attributes *attributes, struct arena *arena,
                      Pb__Attribute ***ret_items, size_t *ret_count);

bool attribute_equal(const struct attribute *a, const struct attribute *b);
bool attributes_contain(const struct attributes *attributes, const struct attribute *one);
/* The same, in any order. */
bool attributes_equal(const struct attributes *a, const struct attributes *b);
/* The first of the name; NULL if there is none. */
const struct attribute *attributes_find(const struct attributes *attributes, struct slice name);
/* --reconfiguration_policy=additive: all are still there with the same value; ranges may grow.
 * 0 or ATTRIBUTES_E_INVALID. */
int attributes_check_additive(const struct attributes *previous, const struct attributes *current,
                              struct err *err) WARN_UNUSED;

/* "rack=abc". */
void attribute_format(const struct attribute *attribute, struct buf *out);

struct json_writer;

/* The object of the older endpoints: {"rack":"abc","zone":1.0,"ports":"[1-10]"}. */
void attributes_write_json(const struct attributes *attributes, struct json_writer *w);

#endif
