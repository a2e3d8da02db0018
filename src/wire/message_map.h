/*
 * Map fields: repeated entries of a key and a value. Internal to wire/.
 */
#ifndef TEPUI_WIRE_MESSAGE_MAP_H
#define TEPUI_WIRE_MESSAGE_MAP_H

#include "wire/layout.h"

/* Takes out entries whose key comes again later; the others keep their order. Returns how many are
 * left. */
size_t message_map_dedupe(const struct layout_field *field, ProtobufCMessage **entries,
                          size_t count);

#endif
