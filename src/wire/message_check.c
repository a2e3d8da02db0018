/* The walk over bytes that tells whether they decode, without building anything. */
#include "wire/message.h"

#include <string.h>

#include "wire/cursor.h"
#include "wire/layout.h"

enum verdict {
    GOOD,
    UNSURE, /* bad, or in a way that only decoding can tell */
};

static bool is_good_packed(const struct layout_field *field, struct slice bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    const uint8_t *end = at + bytes.size;
    uint64_t value;
    if (field->wire != WIRE_VARINT) {
        return bytes.size % (field->wire == WIRE_FIXED64 ? 8 : 4) == 0;
    }
    while (at < end) {
        at = varint_read(at, end, &value);
        if (at == NULL) {
            return false;
        }
    }
    return true;
}

static enum verdict walk(const struct layout *layout, struct slice bytes, unsigned depth)
{
    struct cursor cursor;
    struct cursor_field from;
    uint32_t missing = layout->required_mask;
    uint64_t seen[LAYOUT_FIELDS_MAX / 64] = {0}; /* nested messages that may come once only */
    cursor_init(&cursor, bytes);
    while (cursor_next(&cursor, &from)) {
        const struct layout_field *field = layout_find(layout, from.number);
        if (field == NULL) {
            continue;
        }
        if (from.type != (enum wire_type)field->wire) {
            if (!field->repeated || from.type != WIRE_BYTES || !is_good_packed(field, from.bytes)) {
                return UNSURE;
            }
            continue;
        }
        if (field->type == PROTOBUF_C_TYPE_STRING) {
            if (from.bytes.size != 0 && memchr(from.bytes.data, '\0', from.bytes.size) != NULL) {
                return UNSURE;
            }
        } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
            uint64_t bit = UINT64_C(1) << (field->index & 63);
            bool again = !field->repeated && (seen[field->index >> 6] & bit) != 0;
            if (again || depth == MESSAGE_DEPTH_MAX ||
                walk(layout_sub(field), from.bytes, depth + 1) != GOOD) {
                return UNSURE;
            }
            seen[field->index >> 6] |= bit;
        } else if (field->type == PROTOBUF_C_TYPE_ENUM &&
                   layout_enum_index(field->values, (int32_t)from.value) < 0) {
            continue;
        }
        if (field->required) {
            missing &= ~(1u << field->required_bit);
        }
    }
    return cursor.failed || missing != 0 ? UNSURE : GOOD;
}

/* Memory for decoding what is probably bad anyway, in order to say why. */
#define CHECK_BUDGET(size) ((size_t)64 * 1024 + (size)*64)

/* Decodes what the walk was not sure of. */
static int decode(const ProtobufCMessageDescriptor *desc, struct slice bytes, struct arena *arena,
                  ProtobufCMessage **ret_message, struct err *err)
{
    arena_init(arena, CHECK_BUDGET(bytes.size));
    return message_decode(desc, bytes, arena, ret_message, err);
}

int message_check(const ProtobufCMessageDescriptor *desc, struct slice bytes, struct err *err)
{
    if (walk(layout_of(desc), bytes, 0) == GOOD) {
        return 0;
    }
    CLEANUP(arena_deinit) struct arena decoding;
    ProtobufCMessage *message;
    return decode(desc, bytes, &decoding, &message, err);
}

int message_settle(const ProtobufCMessageDescriptor *desc, struct slice bytes, struct arena *arena,
                   struct slice *ret_bytes, struct err *err)
{
    if (walk(layout_of(desc), bytes, 0) == GOOD) {
        *ret_bytes = bytes;
        return 0;
    }
    CLEANUP(arena_deinit) struct arena decoding;
    ProtobufCMessage *message;
    int r = decode(desc, bytes, &decoding, &message, err);
    if (r == 0) {
        *ret_bytes = message_encode_arena(message, arena);
    }
    return r;
}
