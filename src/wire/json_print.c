/* Messages as JSON, from structs and straight from encoded bytes. */
#include "wire/json.h"

#include <string.h>

#include "wire/base64.h"
#include "wire/cursor.h"
#include "wire/json_number.h"
#include "wire/layout.h"
#include "wire/message.h"

/* Commas: every member and element is written with a comma before it. The first one's is then
 * turned into the opening bracket, so that nothing needs to know whether it is the first. */
static void close_list(struct buf *out, size_t start, char opening, char closing)
{
    if (out->size == start) {
        buf_append_byte(out, opening);
    } else {
        out->data[start] = opening;
    }
    buf_append_byte(out, closing);
}

/* Copies a text of a layout; there is room. */
static inline char *put_layout_text(char *to, struct slice text)
{
    if (text.size <= LAYOUT_TEXT_PAD) {
        memcpy(to, text.data, LAYOUT_TEXT_PAD);
    } else {
        memcpy(to, text.data, text.size);
    }
    return to + text.size;
}

/* A key (or another text of a layout) and room for a number behind it. */
#define TEXT_ROOM(text) ((text).size + LAYOUT_TEXT_PAD + JSON_NUMBER_TEXT_SIZE)

static inline void append_layout_text(struct buf *out, struct slice text)
{
    char *to = buf_reserve(out, TEXT_ROOM(text));
    out->size += (size_t)(put_layout_text(to, text) - to);
}

static char *put_double_bits(char *to, uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return json_number_put_double(to, value);
}

static char *put_float_bits(char *to, uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return json_number_put_double(to, (double)value);
}

/* `value` is a varint as it was read, or the bits of a fixed type. */
static char *put_number(char *to, const struct layout_field *field, uint64_t value,
                        enum json_names names)
{
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return json_number_put_int64(to, (int32_t)value);
    case PROTOBUF_C_TYPE_SINT32:
        return json_number_put_int64(to, (int32_t)zigzag_decode((uint32_t)value));
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return json_number_put_int64(to, (int64_t)value);
    case PROTOBUF_C_TYPE_SINT64:
        return json_number_put_int64(to, zigzag_decode(value));
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return json_number_put_uint64(to, (uint32_t)value);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return json_number_put_uint64(to, value);
    case PROTOBUF_C_TYPE_FLOAT:
        return put_float_bits(to, (uint32_t)value);
    case PROTOBUF_C_TYPE_DOUBLE:
        return put_double_bits(to, value);
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(to, value != 0 ? "true " : "false", 5);
        return to + (value != 0 ? 4 : 5);
    case PROTOBUF_C_TYPE_ENUM:
        return put_layout_text(
            to, field->values->texts[names][layout_enum_index(field->values, (int32_t)value)]);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    WRONG("not a number");
}

/* Room for put_number. */
static size_t number_room(const struct layout_field *field, uint64_t value, enum json_names names)
{
    if (field->type != PROTOBUF_C_TYPE_ENUM) {
        return JSON_NUMBER_TEXT_SIZE;
    }
    return field->values->texts[names][layout_enum_index(field->values, (int32_t)value)].size +
           LAYOUT_TEXT_PAD;
}

static void append_number(struct buf *out, const struct layout_field *field, uint64_t value,
                          enum json_names names)
{
    char *to = buf_reserve(out, number_room(field, value, names));
    out->size += (size_t)(put_number(to, field, value, names) - to);
}

static void append_base64(struct buf *out, struct slice bytes)
{
    buf_append_byte(out, '"');
    base64_encode(bytes, out);
    buf_append_byte(out, '"');
}

/* `"key":` of a member of a map, with the comma before it, from the key's quoted form. */
static void append_map_number_key(struct buf *out, const struct layout_field *key, uint64_t value)
{
    buf_append_text(out, ",\"");
    append_number(out, key, value, JSON_V1);
    buf_append_text(out, "\":");
}

static void append_map_string_key(struct buf *out, struct slice text)
{
    buf_append_byte(out, ',');
    json_quote(text, out);
    buf_append_byte(out, ':');
}

/* --- structs --- */

static void print_message(const struct layout *layout, const ProtobufCMessage *message,
                          enum json_names names, struct buf *out);

/* As a varint or the bits of a fixed type. */
static uint64_t load_number(const struct layout_field *field, const void *from)
{
    if (field->item_size == 8) {
        uint64_t value;
        memcpy(&value, from, sizeof(value));
        return field->type == PROTOBUF_C_TYPE_SINT64 ? zigzag_encode((int64_t)value) : value;
    }
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return field->type == PROTOBUF_C_TYPE_SINT32 ? zigzag_encode((int32_t)value) : value;
}

static void print_value(const struct layout_field *field, const void *from, enum json_names names,
                        struct buf *out)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        json_quote(slice_from(*(char *const *)from), out);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        append_base64(out, message_bytes(*(const ProtobufCBinaryData *)from));
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *sub = *(ProtobufCMessage *const *)from;
        if (sub != NULL) {
            print_message(layout_sub(field), sub, names, out);
        } else {
            buf_append_text(out, "{}"); /* of a map, an entry without a value */
        }
    } else {
        append_number(out, field, load_number(field, from), names);
    }
}

/* Our own code may have put a number there that has no name: it is as if it were not set. */
static bool has_name(const struct layout_field *field, const void *from)
{
    return field->type != PROTOBUF_C_TYPE_ENUM ||
           layout_enum_index(field->values, *(const int32_t *)from) >= 0;
}

static void print_map(const struct layout_field *field, const ProtobufCMessage *message,
                      enum json_names names, struct buf *out)
{
    const struct layout_field *key = &layout_sub(field)->fields[0];
    const struct layout_field *value = &layout_sub(field)->fields[1];
    ProtobufCMessage *const *entries = *(ProtobufCMessage * *const *)layout_member(field, message);
    size_t start = out->size;
    for (size_t i = 0; i < *layout_count(field, message); i++) {
        const void *of_key = layout_member(key, entries[i]);
        const void *of_value = layout_member(value, entries[i]);
        if (key->type == PROTOBUF_C_TYPE_STRING) {
            append_map_string_key(out, slice_from(*(char *const *)of_key));
        } else {
            append_map_number_key(out, key, load_number(key, of_key));
        }
        print_value(value, of_value, names, out);
    }
    close_list(out, start, '{', '}');
}

static void print_repeated(const struct layout_field *field, const ProtobufCMessage *message,
                           enum json_names names, struct buf *out)
{
    const char *items = *(char *const *)layout_member(field, message);
    size_t start = out->size;
    for (size_t i = 0; i < *layout_count(field, message); i++) {
        const char *item = items + i * field->item_size;
        if (has_name(field, item)) {
            buf_append_byte(out, ',');
            print_value(field, item, names, out);
        }
    }
    close_list(out, start, '[', ']');
}

static void print_message(const struct layout *layout, const ProtobufCMessage *message,
                          enum json_names names, struct buf *out)
{
    ASSERT(message->descriptor == layout->desc);
    size_t start = out->size;
    for (unsigned i = 0; i < layout->count; i++) {
        const struct layout_field *field =
            &layout->fields[layout->declared != NULL ? layout->declared[i] : i];
        if (field->repeated) {
            if (*layout_count(field, message) != 0) {
                append_layout_text(out, field->key[names]);
                if (field->map) {
                    print_map(field, message, names, out);
                } else {
                    print_repeated(field, message, names, out);
                }
                continue;
            }
        } else if (layout_is_set(field, message) &&
                   has_name(field, layout_member(field, message))) {
            append_layout_text(out, field->key[names]);
            print_value(field, layout_member(field, message), names, out);
            continue;
        }
        if (field->unset[names].size != 0) {
            append_layout_text(out, field->unset[names]);
        }
    }
    close_list(out, start, '{', '}');
}

void json_print_message(const ProtobufCMessage *message, enum json_names names, struct buf *out)
{
    print_message(layout_of(message->descriptor), message, names, out);
}

/* --- bytes --- */

/* What goes down with the printer. */
struct printer {
    enum json_names names; /* of fields and enum values */
    struct buf *out;       /* the text so far */
};

static void print_encoded(const struct printer *p, const struct layout *layout, struct slice bytes,
                          unsigned depth);

/* For bytes that are not in the order of their fields, or hold a field twice: only all of it tells
 * what counts. Nobody we know writes such. */
static void print_by_decoding(const struct printer *p, const struct layout *layout,
                              struct slice bytes)
{
    CLEANUP(arena_deinit) struct arena arena;
    ProtobufCMessage *message;
    arena_init(&arena, 0);
    if (message_decode(layout->desc, bytes, &arena, &message, NULL) == 0) {
        print_message(layout, message, p->names, p->out);
    } else {
        buf_append_text(p->out, "{}"); /* never, for bytes that were checked */
    }
}

/* A value whose wire type is that of the field, and which is not an unknown one of an enum. */
static void print_encoded_value(const struct printer *p, const struct layout_field *field,
                                const struct cursor_field *from, unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        print_encoded(p, layout_sub(field), from->bytes, depth + 1);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        json_quote(from->bytes, p->out);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        append_base64(p->out, from->bytes);
    } else {
        append_number(p->out, field, from->value, p->names);
    }
}

/* Whether the field has a value that counts. */
static bool is_known(const struct layout_field *field, const struct cursor_field *from)
{
    return from->type == (enum wire_type)field->wire &&
           (field->type != PROTOBUF_C_TYPE_ENUM ||
            layout_enum_index(field->values, (int32_t)from->value) >= 0);
}

/* What a map's entry shows for a key or value that it lacks. */
static void print_absent(const struct printer *p, const struct layout_field *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        buf_append_text(p->out, "{}");
    } else if (field->wire == WIRE_BYTES) {
        buf_append_text(p->out, "\"\"");
    } else {
        append_number(p->out, field, field->values != NULL ? (uint64_t)field->values->fallback : 0,
                      p->names);
    }
}

static void print_encoded_entry(const struct printer *p, const struct layout *layout,
                                struct slice bytes, unsigned depth)
{
    const struct layout_field *key = &layout->fields[0];
    const struct layout_field *value = &layout->fields[1];
    struct cursor_field of_key = {.type = (enum wire_type)key->wire};
    struct cursor_field of_value = {0};
    struct cursor_field from;
    struct cursor cursor;
    bool has_value = false;
    cursor_init(&cursor, bytes);
    while (cursor_next(&cursor, &from)) {
        if (from.number == 1 && is_known(key, &from)) {
            of_key = from;
        } else if (from.number == 2 && is_known(value, &from)) {
            of_value = from;
            has_value = true;
        }
    }
    if (key->type == PROTOBUF_C_TYPE_STRING) {
        append_map_string_key(p->out, of_key.bytes);
    } else {
        append_map_number_key(p->out, key, of_key.value);
    }
    if (has_value) {
        print_encoded_value(p, value, &of_value, depth);
    } else {
        print_absent(p, value);
    }
}

/* The elements of one packed field. */
static void print_packed(const struct printer *p, const struct layout_field *field,
                         struct slice bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    const uint8_t *end = at + bytes.size;
    struct cursor_field from = {.type = (enum wire_type)field->wire};
    while (at != NULL && at < end) {
        if (field->wire == WIRE_VARINT) {
            at = varint_read(at, end, &from.value);
            if (at == NULL) {
                break;
            }
        } else if (field->wire == WIRE_FIXED64 && end - at >= 8) {
            from.value = wire_load_fixed64(at);
            at += 8;
        } else if (field->wire == WIRE_FIXED32 && end - at >= 4) {
            from.value = wire_load_fixed32(at);
            at += 4;
        } else {
            break;
        }
        if (is_known(field, &from)) {
            buf_append_byte(p->out, ',');
            append_number(p->out, field, from.value, p->names);
        }
    }
}

/* A repeated field with all that follow of the same number. Returns false if none of them counts.
 */
static bool print_encoded_run(const struct printer *p, const struct layout_field *field,
                              struct cursor *cursor, struct cursor_field *from, unsigned depth)
{
    struct buf *out = p->out;
    size_t before = out->size;
    append_layout_text(out, field->key[p->names]);
    size_t start = out->size;
    for (;;) {
        if (field->map) {
            if (is_known(field, from)) {
                print_encoded_entry(p, layout_sub(field), from->bytes, depth + 1);
            }
        } else if (from->type == WIRE_BYTES && field->wire != WIRE_BYTES) {
            print_packed(p, field, from->bytes);
        } else if (is_known(field, from)) {
            buf_append_byte(out, ',');
            print_encoded_value(p, field, from, depth);
        }
        struct cursor ahead = *cursor;
        struct cursor_field next;
        if (!cursor_next(&ahead, &next) || next.number != from->number) {
            break;
        }
        *cursor = ahead;
        *from = next;
    }
    if (out->size == start) {
        out->size = before;
        return false;
    }
    close_list(out, start, field->map ? '{' : '[', field->map ? '}' : ']');
    return true;
}

/* What fields from `from` on, up to `to`, show although they are not set. */
static void append_unset(struct buf *out, const struct layout *layout, unsigned from, unsigned to,
                         enum json_names names)
{
    for (; from < to; from++) {
        struct slice text = layout->fields[from].unset[names];
        if (text.size != 0) {
            append_layout_text(out, text);
        }
    }
}

/* Members, each with a comma before it, as they are numbered. Returns false if the bytes are not in
 * that order. */
static bool print_members(const struct printer *p, const struct layout *layout, struct slice bytes,
                          unsigned depth)
{
    struct buf *out = p->out;
    unsigned next = 0;   /* fields below have been written or passed over */
    uint32_t oneofs = 0; /* those that have a member */
    struct cursor cursor;
    struct cursor_field from;
    cursor_init(&cursor, bytes);
    while (cursor_next(&cursor, &from)) {
        const struct layout_field *field = layout_find(layout, from.number);
        if (field == NULL || (!field->repeated && !is_known(field, &from))) {
            continue;
        }
        uint32_t oneof = field->oneof != 0 ? 1u << (field->oneof - 1) : 0;
        if (field->index < next || (oneofs & oneof) != 0) {
            return false;
        }
        oneofs |= oneof;
        if (layout->any_unset) {
            append_unset(out, layout, next, field->index, p->names);
        }
        next = field->index + 1u;
        if (field->repeated) {
            if (!print_encoded_run(p, field, &cursor, &from, depth)) {
                next = field->index;
            }
        } else {
            append_layout_text(out, field->key[p->names]);
            print_encoded_value(p, field, &from, depth);
        }
    }
    if (layout->any_unset) {
        append_unset(out, layout, next, layout->count, p->names);
    }
    return true;
}

/* The fields that a message has, by rank: where each begins. */
struct members {
    uint64_t present[LAYOUT_FIELDS_MAX / 64];
    const uint8_t *at[LAYOUT_FIELDS_MAX];
};

/* Returns false if the bytes are not in the order of their numbers. */
static bool find_members(const struct layout *layout, struct slice bytes, struct members *members)
{
    uint32_t previous = 0; /* number */
    unsigned next = 0;     /* fields below have been passed */
    struct cursor cursor;
    struct cursor_field from;
    memset(members->present, 0, sizeof(members->present));
    cursor_init(&cursor, bytes);
    for (; cursor_next(&cursor, &from); previous = from.number) {
        const struct layout_field *field = layout_find(layout, from.number);
        if (field == NULL ||
            (field->repeated ? from.number == previous : !is_known(field, &from))) {
            continue;
        }
        if (field->index < next) {
            return false;
        }
        members->present[field->rank / 64] |= UINT64_C(1) << field->rank % 64;
        members->at[field->rank] = (const uint8_t *)from.whole.data;
        next = field->index + 1u;
    }
    return true;
}

/* Those of ranks from `from` on, up to `to`, show what they show when they are not set. */
static void append_unset_ranks(struct buf *out, const struct layout *layout, unsigned from,
                               unsigned to, enum json_names names)
{
    for (; layout->any_unset && from < to; from++) {
        append_unset(out, layout, layout->declared[from], layout->declared[from] + 1u, names);
    }
}

/* Members as they are declared, which is not how they are numbered. Apart, so that only messages
 * that need it have room for them on the stack. */
static __attribute__((noinline)) bool print_declared(const struct printer *p,
                                                     const struct layout *layout,
                                                     struct slice bytes, unsigned depth)
{
    struct members members;
    struct cursor cursor;
    struct cursor_field from;
    unsigned next = 0; /* ranks below have been written or passed over */
    if (!find_members(layout, bytes, &members)) {
        return false;
    }
    cursor_init(&cursor, bytes);
    for (unsigned word = 0; word < ELEMENTS(members.present); word++) {
        for (uint64_t left = members.present[word]; left != 0; left &= left - 1) {
            unsigned rank = word * 64 + (unsigned)__builtin_ctzll(left);
            const struct layout_field *field = &layout->fields[layout->declared[rank]];
            cursor.at = members.at[rank];
            (void)cursor_next(&cursor, &from);
            append_unset_ranks(p->out, layout, next, rank, p->names);
            next = rank + 1;
            if (!field->repeated) {
                append_layout_text(p->out, field->key[p->names]);
                print_encoded_value(p, field, &from, depth);
            } else if (!print_encoded_run(p, field, &cursor, &from, depth)) {
                next = rank;
            }
        }
    }
    append_unset_ranks(p->out, layout, next, layout->count, p->names);
    return true;
}

static void print_encoded(const struct printer *p, const struct layout *layout, struct slice bytes,
                          unsigned depth)
{
    size_t start = p->out->size;
    if (depth > MESSAGE_DEPTH_MAX) {
        buf_append_text(p->out, "{}"); /* never, for bytes that were checked */
        return;
    }
    if (layout->declared != NULL ? print_declared(p, layout, bytes, depth)
                                 : print_members(p, layout, bytes, depth)) {
        close_list(p->out, start, '{', '}');
    } else {
        p->out->size = start;
        print_by_decoding(p, layout, bytes);
    }
}

void json_print_bytes(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                      enum json_names names, struct buf *out)
{
    struct printer p = {.names = names, .out = out};
    print_encoded(&p, layout_of(desc), bytes, 0);
}
