#include "wire/message.h"

#include <string.h>

#include "wire/cursor.h"
#include "wire/field_path.h"
#include "wire/layout.h"
#include "wire/message_build.h"

/* What goes down with the decoder. */
struct decoder {
    struct arena *arena; /* where the message is built */
    struct err *err;     /* may be NULL */
    bool unfinished;     /* fields are missing, or a map has several entries */
};

/* The message that is being filled. */
struct level {
    ProtobufCMessage *message;     /* so far */
    const struct field_path *path; /* of the message; NULL = the outermost */
    unsigned depth;                /* 0 = the outermost */
};

static int refuse(struct err *err, const struct field_path *path, const char *why)
{
    struct buf text = BUF_INIT;
    field_path_format(path, &text);
    if (text.size != 0) {
        (void)err_set(err, 0, "%.*s: %s", SLICE_ARGS(buf_slice(&text)), why);
    } else {
        (void)err_set(err, 0, "%s", why);
    }
    buf_deinit(&text);
    return MESSAGE_E_INVALID;
}

static int too_large(const struct decoder *d)
{
    return err_set(d->err, MESSAGE_E_BUDGET, "message needs more than %zu bytes of memory",
                   d->arena->budget_size);
}

/* False for a value that the enum does not have. */
static bool store_number(const struct layout_field *field, uint64_t value, void *to)
{
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_ENUM:
        if (layout_enum_index(field->values, (int32_t)value) < 0) {
            return false;
        }
        *(int32_t *)to = (int32_t)value;
        return true;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        *(uint32_t *)to = (uint32_t)value;
        return true;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        *(uint64_t *)to = value;
        return true;
    case PROTOBUF_C_TYPE_SINT32:
        *(int32_t *)to = (int32_t)zigzag_decode((uint32_t)value);
        return true;
    case PROTOBUF_C_TYPE_SINT64:
        *(int64_t *)to = zigzag_decode(value);
        return true;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)to = value != 0;
        return true;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    WRONG("not a number");
}

static int store_string(struct decoder *d, const struct field_path *path, struct slice bytes,
                        void *to)
{
    if (bytes.size != 0 && memchr(bytes.data, '\0', bytes.size) != NULL) {
        return refuse(d->err, path, "NUL in a string");
    }
    char *text = arena_alloc_raw(d->arena, bytes.size + 1);
    if (text == NULL) {
        return too_large(d);
    }
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = '\0';
    *(char **)to = text;
    return 0;
}

static int store_bytes(struct decoder *d, struct slice bytes, void *to)
{
    uint8_t *data = arena_alloc_raw(d->arena, bytes.size);
    if (data == NULL) {
        return too_large(d);
    }
    memcpy(data, bytes.data, bytes.size);
    *(ProtobufCBinaryData *)to = (ProtobufCBinaryData){.len = bytes.size, .data = data};
    return 0;
}

static int decode_message(struct decoder *d, const struct layout *layout, struct slice bytes,
                          const struct level *level);

/* Adds the bytes to a message that is there: a nested message that comes again is merged. */
static int decode_sub(struct decoder *d, const struct layout_field *field,
                      const struct field_path *path, struct slice bytes, unsigned depth,
                      ProtobufCMessage *sub)
{
    if (depth > MESSAGE_DEPTH_MAX) {
        return refuse(d->err, path, "nested too deep");
    }
    struct level level = {.message = sub, .path = path, .depth = depth};
    return decode_message(d, layout_sub(field), bytes, &level);
}

static int decode_singular(struct decoder *d, const struct level *level,
                           const struct layout_field *field, const struct cursor_field *from)
{
    struct field_path path = {level->path, layout_name(field, JSON_V1), FIELD_PATH_SINGULAR};
    ProtobufCMessage *message = level->message;
    void *to = layout_member(field, message);
    int status = 0;
    if (from->type != (enum wire_type)field->wire) {
        return refuse(d->err, &path, "wrong wire type");
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage **sub = to;
        bool is_first =
            field->oneof != 0 ? *layout_case(field, message) != field->desc->id : *sub == NULL;
        if (is_first) {
            *sub = message_build_new(layout_sub(field), d->arena);
            if (*sub == NULL) {
                return too_large(d);
            }
        }
        status = decode_sub(d, field, &path, from->bytes, level->depth + 1, *sub);
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        status = store_string(d, &path, from->bytes, to);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        status = store_bytes(d, from->bytes, to);
    } else if (!store_number(field, from->value, to)) {
        return 0;
    }
    message_build_mark(field, message);
    return status;
}

/* Numbers without tags between them, in one piece. */
static int decode_packed(struct decoder *d, const struct level *level,
                         const struct layout_field *field, struct slice bytes)
{
    struct field_path path = {level->path, layout_name(field, JSON_V1), FIELD_PATH_SINGULAR};
    const uint8_t *at = (const uint8_t *)bytes.data;
    const uint8_t *end = at + bytes.size;
    size_t width = field->wire == WIRE_FIXED64 ? 8 : 4;
    size_t more = bytes.size / width;
    if (field->wire == WIRE_VARINT) {
        more = 0;
        for (const uint8_t *byte = at; byte < end; byte++) {
            more += *byte < 0x80;
        }
    } else if (bytes.size % width != 0) {
        return refuse(d->err, &path, "malformed");
    }
    if (!message_build_reserve(field, level->message, more, d->arena)) {
        return too_large(d);
    }
    size_t *count = layout_count(field, level->message);
    char *items = *(char **)layout_member(field, level->message);
    while (at < end) {
        uint64_t value;
        if (field->wire == WIRE_VARINT) {
            at = varint_read(at, end, &value);
            if (at == NULL) {
                return refuse(d->err, &path, "malformed");
            }
        } else {
            value = width == 8 ? wire_load_fixed64(at) : wire_load_fixed32(at);
            at += width;
        }
        *count += store_number(field, value, items + *count * field->item_size);
    }
    return 0;
}

/* How many fields of this number and type follow one another, with the one just read. */
static size_t count_run(const struct cursor *cursor, const struct cursor_field *first)
{
    struct cursor ahead = *cursor;
    struct cursor_field field;
    size_t run = 1;
    while (cursor_next(&ahead, &field) && field.number == first->number &&
           field.type == first->type) {
        run++;
    }
    return run;
}

static int decode_element(struct decoder *d, const struct level *level,
                          const struct layout_field *field, const struct field_path *path,
                          const struct cursor_field *from, void *to)
{
    switch ((ProtobufCType)field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return decode_sub(d, field, path, from->bytes, level->depth + 1, *(ProtobufCMessage **)to);
    case PROTOBUF_C_TYPE_STRING:
        return store_string(d, path, from->bytes, to);
    case PROTOBUF_C_TYPE_BYTES:
        return store_bytes(d, from->bytes, to);
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
        if (!store_number(field, from->value, to)) {
            --*layout_count(field, level->message);
        }
        return 0;
    }
    WRONG("unknown type");
}

/* Goes on while the same field follows, so that room is made once. */
static int decode_repeated(struct decoder *d, const struct level *level,
                           const struct layout_field *field, struct cursor *cursor,
                           struct cursor_field *from)
{
    size_t *count = layout_count(field, level->message);
    struct field_path path = {level->path, layout_name(field, JSON_V1), *count};
    if (from->type == WIRE_BYTES && field->wire != WIRE_BYTES) {
        return decode_packed(d, level, field, from->bytes);
    }
    if (from->type != (enum wire_type)field->wire) {
        return refuse(d->err, &path, "wrong wire type");
    }
    size_t run = count_run(cursor, from);
    if (!message_build_reserve(field, level->message, run, d->arena)) {
        return too_large(d);
    }
    char *items = *(char **)layout_member(field, level->message);
    char *block = NULL; /* of messages: one behind the other */
    size_t block_step = 0;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        block_step = layout_sub(field)->desc->sizeof_message;
        block = arena_alloc_raw(d->arena, run * block_step);
        if (block == NULL) {
            return too_large(d);
        }
    }
    for (size_t i = 0; i < run; i++) {
        void *to = items + *count * field->item_size;
        path.index = *count;
        if (block != NULL) {
            ProtobufCMessage *sub = (ProtobufCMessage *)(void *)(block + i * block_step);
            message_build_init(layout_sub(field), sub);
            *(ProtobufCMessage **)to = sub;
        }
        ++*count;
        int status = decode_element(d, level, field, &path, from, to);
        if (status != 0) {
            return status;
        }
        if (i + 1 < run) {
            ASSERT(cursor_next(cursor, from));
        }
    }
    d->unfinished = d->unfinished || (field->map && *count > 1);
    return 0;
}

static int decode_message(struct decoder *d, const struct layout *layout, struct slice bytes,
                          const struct level *level)
{
    struct cursor cursor;
    struct cursor_field from;
    cursor_init(&cursor, bytes);
    while (cursor_next(&cursor, &from)) {
        const struct layout_field *field = layout_find(layout, from.number);
        if (field == NULL) {
            continue;
        }
        int status = field->repeated ? decode_repeated(d, level, field, &cursor, &from)
                                     : decode_singular(d, level, field, &from);
        if (status != 0) {
            return status;
        }
    }
    if (cursor.failed) {
        return refuse(d->err, level->path, "malformed");
    }
    d->unfinished = d->unfinished || level->message->n_unknown_fields != 0;
    return 0;
}

int message_decode(const ProtobufCMessageDescriptor *desc, struct slice bytes, struct arena *arena,
                   ProtobufCMessage **ret_message, struct err *err)
{
    struct decoder d = {.arena = arena, .err = err};
    const struct layout *layout = layout_of(desc);
    struct level level = {.message = message_build_new(layout, arena)};
    if (level.message == NULL) {
        return too_large(&d);
    }
    int status = decode_message(&d, layout, bytes, &level);
    if (status != 0) {
        return status;
    }
    if (d.unfinished && !message_build_finish(level.message, JSON_V1, err)) {
        return MESSAGE_E_INVALID;
    }
    *ret_message = level.message;
    return 0;
}

ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *desc, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc_raw(arena, desc->sizeof_message);
    ASSERT(message != NULL);
    memcpy(message, layout_of(desc)->image, desc->sizeof_message);
    return message;
}

void *message_grow(struct arena *arena, void *items, size_t count, size_t item_size)
{
    size_t capacity = message_build_capacity(count + 1);
    if (capacity == message_build_capacity(count)) {
        return items;
    }
    void *grown = arena_alloc_raw(arena, capacity * item_size);
    ASSERT(grown != NULL);
    if (count != 0) {
        memcpy(grown, items, count * item_size);
    }
    return grown;
}
