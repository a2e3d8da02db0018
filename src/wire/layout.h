/*
 * What the codec needs to know of a message, made from its descriptor on first use and kept for
 * ever: fields by number and by JSON name, the JSON text of names, of defaults and of enum values,
 * an initialized struct to copy. Internal to wire/.
 *
 * Layouts never change once they can be found, and finding them takes no lock: any thread may.
 */
#ifndef TEPUI_WIRE_LAYOUT_H
#define TEPUI_WIRE_LAYOUT_H

#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/slice.h"
#include "wire/cursor.h"
#include "wire/json.h"

/* Limits on our own .proto files (asserted when a layout is made). */
#define LAYOUT_FIELDS_MAX 128   /* of one message */
#define LAYOUT_REQUIRED_MAX 32  /* required ones among them */
#define LAYOUT_ONEOFS_MAX 32    /* oneofs of one message */
#define LAYOUT_NUMBERS_MAX 1024 /* higher field numbers are searched for, not looked up */

/* Texts of layouts that are not empty have so many bytes behind them that may be read, too: copying
 * a fixed size is quicker. */
#define LAYOUT_TEXT_PAD 32

struct layout_enum {
    const ProtobufCEnumDescriptor *desc; /* what it was made from, and the key in the table */
    int32_t first;                       /* lowest value */
    uint32_t span;                       /* highest - lowest + 1 */
    int32_t fallback;        /* what an unset member holds: 0, or the lowest if there is no 0 */
    const uint16_t *indices; /* by value - first: index into desc->values + 1, 0 = no such value */
    const struct slice *texts[2]; /* by names, then by index: the JSON string, quoted */
};

struct layout_field {
    const ProtobufCFieldDescriptor *desc; /* what it was made from */
    _Atomic(const struct layout *) sub;   /* messages: filled in on first use, see layout_sub */
    const struct layout_enum *values;     /* enums */
    struct slice key[2];                  /* by names: `,"name":` */
    struct slice unset[2];                /* by names: what JSON shows when the field is not set, as
                                             `,"port":5051`; mostly nothing */
    uint32_t offset;                      /* of the member */
    uint32_t quantifier;                  /* offset of has_, n_ or the oneof's case */
    uint16_t index;                       /* its own place among the fields */
    uint16_t rank;                        /* its place among them as they are declared; without
                                             layout.declared: not meant */
    uint16_t item_size;                   /* bytes of one value in the struct or array */
    uint8_t type;                         /* ProtobufCType */
    uint8_t wire;                         /* enum wire_type of one value */
    uint8_t oneof;                        /* which oneof it belongs to, counted from 1; 0 = none */
    uint8_t required_bit;                 /* which of the required fields it is */
    bool required;                        /* by the descriptor's label */
    bool repeated;                        /* the same; maps are, too */
    bool map;                             /* repeated, and shown as an object */
};

struct layout {
    const ProtobufCMessageDescriptor *desc; /* what it was made from, and the key in the table */
    const void *image;                      /* an initialized message */
    const uint16_t *by_number;              /* index + 1, 0 = none */
    const uint16_t *by_name[2];             /* by names: hash table of index + 1 */
    const uint16_t *declared;     /* indices as the .proto file has the fields, which is how
                                     JSON shows them; NULL = as they are numbered */
    uint32_t number_count;        /* elements of by_number */
    uint32_t name_mask;           /* elements of each by_name, - 1 */
    uint32_t required_mask;       /* a bit for each required field */
    bool any_unset;               /* some field has an unset text */
    uint32_t count;               /* of fields */
    struct layout_field fields[]; /* in order of their numbers */
};

/* Of a descriptor of ours; made if need be. */
const struct layout *layout_of(const ProtobufCMessageDescriptor *desc);

const struct layout *layout_make_sub(struct layout_field *field);

/* Of the messages that a field holds. */
static inline const struct layout *layout_sub(const struct layout_field *field)
{
    const struct layout *sub =
        atomic_load_explicit(&((struct layout_field *)(uintptr_t)field)->sub, memory_order_acquire);
    return sub != NULL ? sub : layout_make_sub((struct layout_field *)(uintptr_t)field);
}

const struct layout_field *layout_search(const struct layout *layout, uint32_t number);

/* The field with this number, or NULL. */
static inline const struct layout_field *layout_find(const struct layout *layout, uint32_t number)
{
    if (number < layout->number_count) {
        uint16_t place = layout->by_number[number];
        return place != 0 ? &layout->fields[place - 1] : NULL;
    }
    return layout->number_count == LAYOUT_NUMBERS_MAX ? layout_search(layout, number) : NULL;
}

/* The field that JSON calls so, or NULL. */
const struct layout_field *layout_find_name(const struct layout *layout, enum json_names names,
                                            struct slice name);

/* What JSON calls a field. */
static inline struct slice layout_name(const struct layout_field *field, enum json_names names)
{
    return slice_make(field->key[names].data + 2, field->key[names].size - 4);
}

/* The place of an enum value, or -1 if there is none such. */
static inline int layout_enum_index(const struct layout_enum *values, int32_t value)
{
    uint32_t at = (uint32_t)value - (uint32_t)values->first;
    return at < values->span ? values->indices[at] - 1 : -1;
}

/* The place of the enum value that JSON calls so, or -1. */
int layout_enum_find_name(const struct layout_enum *values, enum json_names names,
                          struct slice name);

/* --- members of messages --- */

static inline void *layout_member(const struct layout_field *field, const void *message)
{
    return (char *)(uintptr_t)message + field->offset;
}

/* has_, of optional numbers and bytes. */
static inline protobuf_c_boolean *layout_has(const struct layout_field *field, const void *message)
{
    return (protobuf_c_boolean *)(void *)((char *)(uintptr_t)message + field->quantifier);
}

static inline size_t *layout_count(const struct layout_field *field, const void *message)
{
    return (size_t *)(void *)((char *)(uintptr_t)message + field->quantifier);
}

static inline uint32_t *layout_case(const struct layout_field *field, const void *message)
{
    return (uint32_t *)(void *)((char *)(uintptr_t)message + field->quantifier);
}

/* Whether a singular field is set. A required one always is. */
bool layout_is_set(const struct layout_field *field, const void *message);

#endif
