/*
 * A cursor over the fields of an encoded message: for indexing and splicing stored messages without
 * unpacking them. It goes through one level; a nested message is a slice for another cursor.
 */
#ifndef TEPUI_WIRE_CURSOR_H
#define TEPUI_WIRE_CURSOR_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"
#include "wire/varint.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* malformed; cursor_next then returns false for ever */
};

struct cursor_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;     /* varint and fixed; WIRE_BYTES: the size */
    struct slice bytes; /* WIRE_BYTES: the payload; else empty */
    struct slice whole; /* tag, length and payload as they stand, for splicing */
};

static inline void cursor_init(struct cursor *cursor, struct slice message)
{
    cursor->at = (const uint8_t *)message.data;
    cursor->end = cursor->at != NULL ? cursor->at + message.size : NULL;
    cursor->failed = false;
}

/* The highest field number there may be. */
#define WIRE_NUMBER_MAX 536870911u

/* A value of a fixed type, little-endian. */
static inline uint64_t wire_load_fixed64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static inline uint32_t wire_load_fixed32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

/* False at the end, and at the first malformed byte (groups count as malformed). */
static inline bool cursor_next(struct cursor *cursor, struct cursor_field *ret_field)
{
    const uint8_t *start = cursor->at;
    const uint8_t *end = cursor->end;
    if (start == end) {
        return false;
    }
    uint64_t tag;
    const uint8_t *at = varint_read(start, end, &tag);
    if (at == NULL || tag < 8 || tag > UINT32_MAX) {
        goto malformed;
    }
    ret_field->number = (uint32_t)(tag >> 3);
    ret_field->bytes = (struct slice){NULL, 0};
    switch (tag & 7) {
    case WIRE_VARINT:
        ret_field->type = WIRE_VARINT;
        at = varint_read(at, end, &ret_field->value);
        break;
    case WIRE_FIXED64:
        ret_field->type = WIRE_FIXED64;
        if (end - at < 8) {
            goto malformed;
        }
        ret_field->value = wire_load_fixed64(at);
        at += 8;
        break;
    case WIRE_BYTES:
        ret_field->type = WIRE_BYTES;
        at = varint_read(at, end, &ret_field->value);
        if (at == NULL || ret_field->value > (uint64_t)(end - at)) {
            goto malformed;
        }
        ret_field->bytes = slice_make(at, ret_field->value);
        at += ret_field->value;
        break;
    case WIRE_FIXED32:
        ret_field->type = WIRE_FIXED32;
        if (end - at < 4) {
            goto malformed;
        }
        ret_field->value = wire_load_fixed32(at);
        at += 4;
        break;
    default: /* groups, and what does not exist */
        goto malformed;
    }
    if (at == NULL) {
        goto malformed;
    }
    ret_field->whole = slice_make(start, (size_t)(at - start));
    cursor->at = at;
    return true;

malformed:
    cursor->failed = true;
    cursor->at = end;
    return false;
}

/* The last field with this number (proto2: last one wins); false if there is none, or if the
 * message is malformed. */
bool cursor_find(struct slice message, uint32_t number, struct cursor_field *ret_field);
/* Goes down: cursor_path(task, (uint32_t[]){2, 1}, 2, &field) is field 1 of field 2. */
bool cursor_path(struct slice message, const uint32_t *numbers, size_t count,
                 struct cursor_field *ret_field);

/* Writing by hand. */
void wire_put_tag(struct buf *out, uint32_t number, enum wire_type type);
void wire_put_varint(struct buf *out, uint32_t number, uint64_t value);
void wire_put_double(struct buf *out, uint32_t number, double value);
void wire_put_bytes(struct buf *out, uint32_t number, struct slice bytes);
/* A nested message whose size is not known yet: begin, write the fields, end. */
size_t wire_begin(struct buf *out, uint32_t number);
void wire_end(struct buf *out, size_t begun);

#endif
