#include "wire/cursor.h"

bool cursor_find(struct slice message, uint32_t number, struct cursor_field *ret_field)
{
    struct cursor cursor;
    struct cursor_field field;
    struct cursor_field found;
    bool any = false;
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
        if (field.number == number) {
            found = field;
            any = true;
        }
    }
    if (!any || cursor.failed) {
        return false;
    }
    *ret_field = found;
    return true;
}

bool cursor_path(struct slice message, const uint32_t *numbers, size_t count,
                 struct cursor_field *ret_field)
{
    struct cursor_field field = {.bytes = message, .type = WIRE_BYTES};
    for (size_t i = 0; i < count; i++) {
        if (field.type != WIRE_BYTES || !cursor_find(field.bytes, numbers[i], &field)) {
            return false;
        }
    }
    if (count == 0) {
        return false;
    }
    *ret_field = field;
    return true;
}

/* Room for a tag and a varint, or for a tag and eight bytes. */
#define FIELD_SIZE_MAX ((size_t)(2 * VARINT_SIZE_MAX))

static uint8_t *begin_field(struct buf *out, uint32_t number, enum wire_type type)
{
    ASSERT(number != 0 && number <= WIRE_NUMBER_MAX);
    uint8_t *at = (uint8_t *)buf_reserve(out, FIELD_SIZE_MAX);
    return varint_write(at, (uint64_t)number << 3 | type);
}

static void end_field(struct buf *out, const uint8_t *at)
{
    out->size = (size_t)((const char *)at - out->data);
}

void wire_put_tag(struct buf *out, uint32_t number, enum wire_type type)
{
    end_field(out, begin_field(out, number, type));
}

void wire_put_varint(struct buf *out, uint32_t number, uint64_t value)
{
    end_field(out, varint_write(begin_field(out, number, WIRE_VARINT), value));
}

void wire_put_double(struct buf *out, uint32_t number, double value)
{
    uint8_t *at = begin_field(out, number, WIRE_FIXED64);
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = htole64(bits);
    memcpy(at, &bits, sizeof(bits));
    end_field(out, at + sizeof(bits));
}

void wire_put_bytes(struct buf *out, uint32_t number, struct slice bytes)
{
    end_field(out, varint_write(begin_field(out, number, WIRE_BYTES), bytes.size));
    buf_append_slice(out, bytes);
}

/* One byte is set aside for the size; wire_end makes room for more. Most nested messages are below
 * 128 bytes. */
size_t wire_begin(struct buf *out, uint32_t number)
{
    uint8_t *at = begin_field(out, number, WIRE_BYTES);
    *at = 0;
    end_field(out, at + 1);
    return out->size;
}

void wire_end(struct buf *out, size_t begun)
{
    ASSERT(begun != 0 && begun <= out->size);
    size_t size = out->size - begun;
    size_t more = varint_size(size) - 1;
    if (more != 0) {
        (void)buf_reserve(out, more);
        memmove(out->data + begun + more, out->data + begun, size);
        out->size += more;
    }
    (void)varint_write((uint8_t *)out->data + begun - 1, size);
}
