/*
 * Short forms for messages: ids in and out, encoded messages of our own read again, the pieces that
 * many messages are made of. Everything is made in the arena given.
 */
#ifndef TEPUI_AGENT_MESSAGES_H
#define TEPUI_AGENT_MESSAGES_H

#include "common/arena.h"
#include "common/blob.h"
#include "common/uuid.h"
#include "wire/message.h"
#include "wire/pb.h"

/* Bytes that were made by us, or have been checked: never fails (asserts). */
ProtobufCMessage *messages_read(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                                struct arena *arena) WARN_UNUSED;
#define MESSAGES_READ(type, name, blob, arena) \
    ((type *)messages_read(&name##__descriptor, blob_slice(blob), (arena)))

Pb__AgentID *messages_agent_id(const char *value, struct arena *arena);
Pb__FrameworkID *messages_framework_id(const char *value, struct arena *arena);
Pb__ExecutorID *messages_executor_id(const char *value, struct arena *arena);
Pb__TaskID *messages_task_id(const char *value, struct arena *arena);
Pb__UUID *messages_uuid(const struct uuid *uuid, struct arena *arena);
ProtobufCBinaryData messages_uuid_bytes(const struct uuid *uuid, struct arena *arena);

#define MESSAGES_SECONDS(wall_ns) ((double)(wall_ns) / 1e9)

#endif
