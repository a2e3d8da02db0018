/* What is encoded in a registry, written as JSON in the tests of its parts. */
#ifndef TEPUI_TESTS_UNIT_REGISTRY_REGISTRY_JSON_H
#define TEPUI_TESTS_UNIT_REGISTRY_REGISTRY_JSON_H

#include "../unit.h"

#include "wire/json.h"
#include "wire/message.h"
#include "wire/pb.h"

/* Appends the message, or fails the test. */
static inline void encode_json(const ProtobufCMessageDescriptor *desc, const char *json,
                               struct buf *out)
{
    struct arena arena;
    ProtobufCMessage *message;
    struct err err = {""};
    arena_init(&arena, 0);
    if (json_parse_message(desc, slice_from(json), JSON_V1, &arena, &message, &err) != 0) {
        fail_msg("%s: %s", json, err.text);
    }
    message_encode(message, out);
    arena_deinit(&arena);
}

#endif
