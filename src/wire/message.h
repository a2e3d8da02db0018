/*
 * Bytes <-> messages: protobuf-c's structs, decoded into arenas from bytes that a peer sent.
 *
 * protobuf-c alone has no limit on nesting, takes a wrong wire type as it comes and names no path
 * in its errors. So message_decode is a decoder of our own, by protobuf-c's descriptors, which
 * refuses what is nested too deep, wrong wire types and sizes, missing required fields and NUL in
 * strings, and builds the structs in an arena whose budget bounds the memory. Strings that are not
 * UTF-8 are let pass, as the reference lets them (JSON shows U+FFFD for such bytes). Unknown fields
 * are skipped. Unknown values of optional enums are treated as unset (proto2; facts/observed.md),
 * of repeated ones as not there, of required ones as missing. Of equal keys of a map the last
 * counts.
 *
 * Messages live as long as their arena; never call protobuf_c_message_free_unpacked on them.
 */
#ifndef TEPUI_WIRE_MESSAGE_H
#define TEPUI_WIRE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "common/arena.h"
#include "common/blob.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

/* Levels of nested messages below the outermost one that are accepted, as protobuf's own limit. */
#define MESSAGE_DEPTH_MAX 100

enum {
    MESSAGE_E_INVALID =
        1,            /* malformed, too deep, a required field is missing: err names the path */
    MESSAGE_E_BUDGET, /* the arena's budget is used up */
};

/* 0 or MESSAGE_E_*. Strings and bytes are copied into the arena: `bytes` need not outlive the call.
 * Missing required fields are all named, as far as there is room: "Missing required fields: a,
 * b[1].c". */
int message_decode(const ProtobufCMessageDescriptor *desc, struct slice bytes, struct arena *arena,
                   ProtobufCMessage **ret_message, struct err *err) WARN_UNUSED;

/* Whether message_decode would accept it, without an arena. */
int message_check(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                  struct err *err) WARN_UNUSED;

/* The same, for bytes that are gone through with a cursor. A nested message may be in pieces, which
 * the decoder merges; a cursor would take one of them for all of it. *ret_bytes are the same bytes,
 * or, if something is in pieces, the message encoded anew into the arena (which must have no
 * budget), without fields that are not known. */
int message_settle(const ProtobufCMessageDescriptor *desc, struct slice bytes, struct arena *arena,
                   struct slice *ret_bytes, struct err *err) WARN_UNUSED;

/* `MESSAGE_DECODE(Pb__TaskInfo, pb__task_info, bytes, arena, &task, err)` */
#define MESSAGE_DECODE(type, name, bytes, arena, ret, err)                                     \
    ({                                                                                         \
        type **ret_typed_ = (ret);                                                             \
        message_decode(&name##__descriptor, (bytes), (arena), (ProtobufCMessage **)ret_typed_, \
                       (err));                                                                 \
    })

/* Fields in order of their numbers; what a message holds always encodes (required string members
 * must not be NULL: asserts). Generated messages are passed as `&task->base`. */
void message_encode(const ProtobufCMessage *message, struct buf *out);
struct blob *message_encode_blob(const ProtobufCMessage *message) WARN_UNUSED;
struct slice message_encode_arena(const ProtobufCMessage *message, struct arena *arena) WARN_UNUSED;

/* A deep copy in the arena (which must have no budget). */
ProtobufCMessage *message_clone(const ProtobufCMessage *message, struct arena *arena) WARN_UNUSED;
#define MESSAGE_CLONE(message, arena) ((void *)message_clone(&(message)->base, (arena)))

/* Equal encodings. */
bool message_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* A zeroed and initialized message in the arena: MESSAGE_NEW(Pb__TaskStatus, pb__task_status,
 * arena) */
ProtobufCMessage *message_new(const ProtobufCMessageDescriptor *desc,
                              struct arena *arena) WARN_UNUSED;
#define MESSAGE_NEW(type, name, arena) ((type *)message_new(&name##__descriptor, (arena)))

/* Appends to a repeated field: MESSAGE_APPEND(arena, task->n_resources, task->resources, resource).
 * The field is empty, or was filled by MESSAGE_APPEND, message_decode, message_clone or
 * json_parse_message, which leave room behind it: the array grows by doubling. */
void *message_grow(struct arena *arena, void *items, size_t count, size_t item_size) WARN_UNUSED;
#define MESSAGE_APPEND(arena, count, items, item)                              \
    do {                                                                       \
        (items) = message_grow((arena), (items), (count), sizeof((items)[0])); \
        (items)[(count)++] = (item);                                           \
    } while (0)

/* Bytes fields. */
static inline struct slice message_bytes(ProtobufCBinaryData data)
{
    return slice_make(data.data, data.len);
}

static inline ProtobufCBinaryData message_data(struct slice s)
{
    return (ProtobufCBinaryData){s.size, (uint8_t *)(uintptr_t)s.data};
}

#endif
