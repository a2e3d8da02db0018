/*
 * What both decoders (of bytes and of JSON) build messages with. Internal to wire/.
 *
 * While a message is being built, base.n_unknown_fields holds the required fields that are still
 * missing, a bit each. Whether any are is only known at the end, since a nested message may come in
 * several pieces, which add up (proto2).
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

/* Clears the marks below a message that is whole. If something is missing, err lists it, and this is
 * false. */
bool message_build_finish(ProtobufCMessage *message, enum json_names names,
                          struct err *err) WARN_UNUSED;

#endif
