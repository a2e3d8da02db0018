/*
 * A cursor over the fields of an encoded message: for indexing and splicing stored messages without
 * unpacking them. It goes through one level; a nested message is a slice for another cursor.
 */
#ifndef TEPUI_WIRE_CURSOR_H
#define TEPUI_WIRE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/slice.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed; /* malformed; cursor_next then returns false for ever */
};

struct cursor_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;      /* varint and fixed */
    struct slice bytes;  /* WIRE_BYTES: the payload */
    struct slice whole;  /* tag, length and payload as they stand, for splicing */
};

void cursor_init(struct cursor *cursor, struct slice message);
/* False at the end, and at the first malformed byte (groups count as malformed). */
bool cursor_next(struct cursor *cursor, struct cursor_field *ret_field);

/* The last field with this number (proto2: last one wins); false if there is none. */
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
