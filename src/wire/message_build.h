/*
 * What both decoders (of bytes and of JSON) build messages with. Internal to wire/.
 *
 * While a message is being built, base.n_unknown_fields holds the required fields that are still
 * missing, a bit each. Whether any are is only known at the end, since a nested message may come in
 * several pieces, which add up (proto2). Maps keep all entries until then, too: of equal keys the
 * last one counts.
 */
#ifndef TEPUI_WIRE_MESSAGE_BUILD_H
#define TEPUI_WIRE_MESSAGE_BUILD_H

#include "common/arena.h"
#include "common/err.h"
#include "wire/layout.h"

/* Initialized, with all its required fields missing. NULL if the budget is used up. */
ProtobufCMessage *message_build_new(const struct layout *layout, struct arena *arena) WARN_UNUSED;
/* The same in memory that is there. */
static inline void message_build_init(const struct layout *layout, ProtobufCMessage *message)
{
    memcpy(message, layout->image, layout->desc->sizeof_message);
    message->n_unknown_fields = layout->required_mask;
}

/* Elements that there is room for behind an array of `count` (see MESSAGE_APPEND). */
size_t message_build_capacity(size_t count);
/* Makes room for `more` elements of a repeated field; false if the budget is used up. */
bool message_build_reserve(const struct layout_field *field, ProtobufCMessage *message, size_t more,
                           struct arena *arena) WARN_UNUSED;

/* A singular field has been given a value. */
static inline void message_build_mark(const struct layout_field *field, ProtobufCMessage *message)
{
    if (field->oneof != 0) {
        *layout_case(field, message) = field->desc->id;
    } else if (field->required) {
        message->n_unknown_fields &= ~(1u << field->required_bit);
    } else if (field->type != PROTOBUF_C_TYPE_STRING && field->type != PROTOBUF_C_TYPE_MESSAGE) {
        *layout_has(field, message) = 1;
    }
}

/* To be called at the end if anything was missing or a map has several entries: takes out the
 * marks, and entries that do not count. False if something is still missing; err lists it. */
bool message_build_finish(ProtobufCMessage *message, enum json_names names,
                          struct err *err) WARN_UNUSED;

#endif
