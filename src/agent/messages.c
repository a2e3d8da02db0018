#include "agent/messages.h"

ProtobufCMessage *messages_read(const ProtobufCMessageDescriptor *desc, struct slice bytes,
                                struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct err err;
    if (message_decode(desc, bytes, arena, &message, &err) != 0) {
        WRONG("a message of our own cannot be read");
    }
    return message;
}

Pb__AgentID *messages_agent_id(const char *value, struct arena *arena)
{
    Pb__AgentID *id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, arena);
    id->value = arena_strdup(arena, value);
    return id;
}

Pb__FrameworkID *messages_framework_id(const char *value, struct arena *arena)
{
    Pb__FrameworkID *id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
    id->value = arena_strdup(arena, value);
    return id;
}

Pb__ExecutorID *messages_executor_id(const char *value, struct arena *arena)
{
    Pb__ExecutorID *id = MESSAGE_NEW(Pb__ExecutorID, pb__executor_id, arena);
    id->value = arena_strdup(arena, value);
    return id;
}

Pb__TaskID *messages_task_id(const char *value, struct arena *arena)
{
    Pb__TaskID *id = MESSAGE_NEW(Pb__TaskID, pb__task_id, arena);
    id->value = arena_strdup(arena, value);
    return id;
}

Pb__UUID *messages_uuid(const struct uuid *uuid, struct arena *arena)
{
    Pb__UUID *made = MESSAGE_NEW(Pb__UUID, pb__uuid, arena);
    made->value = messages_uuid_bytes(uuid, arena);
    return made;
}

ProtobufCBinaryData messages_uuid_bytes(const struct uuid *uuid, struct arena *arena)
{
    return message_data(arena_slice(arena, slice_make(uuid->bytes, UUID_SIZE)));
}
