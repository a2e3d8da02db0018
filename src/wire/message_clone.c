#include "wire/message.h"

#include <string.h>

#include "wire/layout.h"
#include "wire/message_build.h"

static ProtobufCMessage *clone(const struct layout *layout, const ProtobufCMessage *message,
                               struct arena *arena);

/* Replaces what a value points at, if it points at anything. */
static void clone_value(const struct layout_field *field, void *value, struct arena *arena)
{
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char **text = value;
        if (*text != NULL && *text != field->desc->default_value) {
            *text = arena_strdup(arena, *text);
        }
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        ProtobufCBinaryData *data = value;
        data->data = arena_memdup(arena, data->data, data->len);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        ProtobufCMessage **sub = value;
        if (*sub != NULL) {
            *sub = clone(layout_sub(field), *sub, arena);
        }
    }
}

static void clone_repeated(const struct layout_field *field, ProtobufCMessage *copy,
                           struct arena *arena)
{
    size_t count = *layout_count(field, copy);
    char **member = layout_member(field, copy);
    if (count == 0) {
        *member = NULL;
        return;
    }
    char *items = arena_alloc_raw(arena, message_build_capacity(count) * field->item_size);
    ASSERT(items != NULL);
    memcpy(items, *member, count * field->item_size);
    *member = items;
    for (size_t i = 0; i < count; i++) {
        clone_value(field, items + i * field->item_size, arena);
    }
}

static ProtobufCMessage *clone(const struct layout *layout, const ProtobufCMessage *message,
                               struct arena *arena)
{
    ASSERT(message->descriptor == layout->desc);
    ProtobufCMessage *copy = arena_memdup(arena, message, layout->desc->sizeof_message);
    copy->n_unknown_fields = 0;
    copy->unknown_fields = NULL;
    for (unsigned i = 0; i < layout->count; i++) {
        const struct layout_field *field = &layout->fields[i];
        if (field->repeated) {
            clone_repeated(field, copy, arena);
        } else if (field->oneof == 0 || *layout_case(field, copy) == field->desc->id) {
            clone_value(field, layout_member(field, copy), arena);
        }
    }
    return copy;
}

ProtobufCMessage *message_clone(const ProtobufCMessage *message, struct arena *arena)
{
    return clone(layout_of(message->descriptor), message, arena);
}
