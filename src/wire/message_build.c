#include "wire/message_build.h"

#include <string.h>

#include "wire/field_path.h"
#include "wire/message_map.h"

/* Elements of the smallest array. */
#define CAPACITY_MIN 2

ProtobufCMessage *message_build_new(const struct layout *layout, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc_raw(arena, layout->desc->sizeof_message);
    if (message != NULL) {
        message_build_init(layout, message);
    }
    return message;
}

size_t message_build_capacity(size_t count)
{
    if (count == 0) {
        return 0;
    }
    size_t capacity = CAPACITY_MIN;
    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

bool message_build_reserve(const struct layout_field *field, ProtobufCMessage *message, size_t more,
                           struct arena *arena)
{
    size_t count = *layout_count(field, message);
    size_t capacity = message_build_capacity(count + more);
    if (capacity == message_build_capacity(count)) {
        return true;
    }
    void *items = arena_alloc_raw(arena, capacity * field->item_size);
    if (items == NULL) {
        return false;
    }
    void *member = layout_member(field, message);
    if (count != 0) {
        const void *old;
        memcpy(&old, member, sizeof(old));
        memcpy(items, old, count * field->item_size);
    }
    memcpy(member, &items, sizeof(items));
    return true;
}

/* --- the end --- */

struct search {
    enum json_names names; /* what fields are called in err */
    struct buf found;      /* paths, with commas between */
};

static void finish(ProtobufCMessage *message, const struct field_path *up, struct search *search);

/* Text that is cut anyway need not be written. */
static bool is_full(const struct search *search)
{
    return search->found.size > ERR_TEXT_SIZE;
}

static void tell_missing(const struct layout *layout, uint32_t missing, const struct field_path *up,
                         struct search *search)
{
    for (unsigned i = 0; i < layout->count; i++) {
        const struct layout_field *field = &layout->fields[i];
        if (field->required && (missing >> field->required_bit & 1) != 0 && !is_full(search)) {
            struct field_path path = {up, layout_name(field, search->names), FIELD_PATH_SINGULAR};
            if (search->found.size != 0) {
                buf_append_text(&search->found, ", ");
            }
            field_path_format(&path, &search->found);
        }
    }
}

static void finish_field(const struct layout_field *field, ProtobufCMessage *message,
                         const struct field_path *up, struct search *search)
{
    struct field_path path = {up, layout_name(field, search->names), FIELD_PATH_SINGULAR};
    void *member = layout_member(field, message);
    ProtobufCMessage *sub;
    if (!field->repeated) {
        if (field->oneof != 0 && *layout_case(field, message) != field->desc->id) {
            return;
        }
        memcpy(&sub, member, sizeof(sub));
        if (sub != NULL) {
            finish(sub, &path, search);
        }
        return;
    }
    ProtobufCMessage **items;
    size_t *count = layout_count(field, message);
    memcpy(&items, member, sizeof(items));
    if (field->map) {
        *count = message_map_dedupe(field, items, *count);
    }
    for (size_t i = 0; i < *count; i++) {
        path.index = i;
        finish(items[i], &path, search);
    }
}

static void finish(ProtobufCMessage *message, const struct field_path *up, struct search *search)
{
    const struct layout *layout = layout_of(message->descriptor);
    if (message->n_unknown_fields != 0) {
        tell_missing(layout, message->n_unknown_fields, up, search);
        message->n_unknown_fields = 0;
    }
    for (unsigned i = 0; i < layout->count; i++) {
        if (layout->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
            finish_field(&layout->fields[i], message, up, search);
        }
    }
}

bool message_build_finish(ProtobufCMessage *message, enum json_names names, struct err *err)
{
    struct search search = {.names = names};
    finish(message, NULL, &search);
    bool is_whole = search.found.size == 0;
    if (!is_whole) {
        (void)err_set(err, 0, "Missing required fields: %.*s",
                      SLICE_ARGS(buf_slice(&search.found)));
    }
    buf_deinit(&search.found);
    return is_whole;
}
