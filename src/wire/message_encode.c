#include "wire/message.h"

#include <string.h>

#include "wire/cursor.h"
#include "wire/layout.h"

static void encode(const struct layout *layout, const ProtobufCMessage *message, struct buf *out);

/* A number as its varint or the bits of its fixed type. */
static uint64_t load_number(const struct layout_field *field, const void *from)
{
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return (uint64_t)(int64_t) * (const int32_t *)from;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return *(const uint32_t *)from;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return *(const uint64_t *)from;
    case PROTOBUF_C_TYPE_SINT32:
        return (uint32_t)zigzag_encode(*(const int32_t *)from);
    case PROTOBUF_C_TYPE_SINT64:
        return zigzag_encode(*(const int64_t *)from);
    case PROTOBUF_C_TYPE_BOOL:
        return *(const protobuf_c_boolean *)from != 0;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    WRONG("not a number");
}

static uint8_t *write_number(const struct layout_field *field, uint8_t *to, uint64_t value)
{
    if (field->wire == WIRE_VARINT) {
        return varint_write(to, value);
    }
    if (field->wire == WIRE_FIXED64) {
        value = htole64(value);
        memcpy(to, &value, 8);
        return to + 8;
    }
    uint32_t half = htole32((uint32_t)value);
    memcpy(to, &half, 4);
    return to + 4;
}

static void put_number(const struct layout_field *field, const void *from, struct buf *out)
{
    uint8_t *to = (uint8_t *)buf_reserve(out, (size_t)(2 * VARINT_SIZE_MAX));
    to = varint_write(to, (uint64_t)field->desc->id << 3 | field->wire);
    to = write_number(field, to, load_number(field, from));
    out->size = (size_t)((char *)to - out->data);
}

static void put_value(const struct layout_field *field, const void *from, struct buf *out)
{
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *text = *(char *const *)from;
        ASSERT(text != NULL);
        wire_put_bytes(out, field->desc->id, slice_from(text));
        break;
    }
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *data = from;
        wire_put_bytes(out, field->desc->id, message_bytes(*data));
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessage *sub = *(ProtobufCMessage *const *)from;
        ASSERT(sub != NULL);
        size_t begun = wire_begin(out, field->desc->id);
        encode(layout_sub(field), sub, out);
        wire_end(out, begun);
        break;
    }
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        put_number(field, from, out);
        break;
    }
}

static void put_repeated(const struct layout_field *field, const ProtobufCMessage *message,
                         struct buf *out)
{
    size_t count = *layout_count(field, message);
    if (count == 0) {
        return;
    }
    const char *items = *(char *const *)layout_member(field, message);
    ASSERT(items != NULL);
    if ((field->desc->flags & PROTOBUF_C_FIELD_FLAG_PACKED) == 0) {
        for (size_t i = 0; i < count; i++) {
            put_value(field, items + i * field->item_size, out);
        }
        return;
    }
    size_t begun = wire_begin(out, field->desc->id);
    for (size_t i = 0; i < count; i++) {
        uint8_t *to = (uint8_t *)buf_reserve(out, VARINT_SIZE_MAX);
        to = write_number(field, to, load_number(field, items + i * field->item_size));
        out->size = (size_t)((char *)to - out->data);
    }
    wire_end(out, begun);
}

static void encode(const struct layout *layout, const ProtobufCMessage *message, struct buf *out)
{
    ASSERT(message->descriptor == layout->desc);
    for (unsigned i = 0; i < layout->count; i++) {
        const struct layout_field *field = &layout->fields[i];
        if (field->repeated) {
            put_repeated(field, message, out);
        } else if (layout_is_set(field, message)) {
            put_value(field, layout_member(field, message), out);
        }
    }
}

void message_encode(const ProtobufCMessage *message, struct buf *out)
{
    encode(layout_of(message->descriptor), message, out);
}

struct blob *message_encode_blob(const ProtobufCMessage *message)
{
    struct buf out = BUF_INIT;
    message_encode(message, &out);
    struct blob *blob = blob_take(&out);
    buf_deinit(&out);
    return blob;
}

struct slice message_encode_arena(const ProtobufCMessage *message, struct arena *arena)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    message_encode(message, &out);
    return arena_slice(arena, buf_slice(&out));
}

bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    CLEANUP(buf_deinit) struct buf of_a = BUF_INIT;
    CLEANUP(buf_deinit) struct buf of_b = BUF_INIT;
    if (a->descriptor != b->descriptor) {
        return false;
    }
    message_encode(a, &of_a);
    message_encode(b, &of_b);
    return slice_equal(buf_slice(&of_a), buf_slice(&of_b));
}
