#include "registry/state_operation.h"

#include <errno.h>

#include "wire/cursor.h"
#include "wire/message.h"
#include "wire/pb.h"

/* Numbers of the wire. */
enum { OPERATION_TYPE = 1, OPERATION_SNAPSHOT = 2, OPERATION_EXPUNGE = 3, OPERATION_DIFF = 4 };
enum { SNAPSHOT_ENTRY = 1, EXPUNGE_NAME = 1 };
enum { ENTRY_NAME = 1, ENTRY_UUID = 2, ENTRY_VALUE = 3 };

static bool find(struct slice bytes, uint32_t part, uint32_t member, struct slice *ret)
{
    struct cursor_field field;
    if (!cursor_path(bytes, (const uint32_t[]){part, SNAPSHOT_ENTRY, member}, 3, &field)) {
        return false;
    }
    *ret = field.bytes;
    return true;
}

int state_operation_decode(struct slice bytes, struct state_operation *ret_operation,
                           struct err *err)
{
    if (message_check(&pb__internal__state__operation__descriptor, bytes, err) != 0) {
        return err_wrap(err, -EBADMSG, "Not an operation");
    }
    struct cursor_field type;
    bool found = cursor_find(bytes, OPERATION_TYPE, &type);
    ASSERT(found); /* it is required */
    struct state_operation operation;
    switch ((int)type.value) {
    case PB__INTERNAL__STATE__OPERATION__TYPE__SNAPSHOT:
        operation.type = STATE_SNAPSHOT;
        found = find(bytes, OPERATION_SNAPSHOT, ENTRY_NAME, &operation.name) &&
                find(bytes, OPERATION_SNAPSHOT, ENTRY_VALUE, &operation.value);
        break;
    case PB__INTERNAL__STATE__OPERATION__TYPE__DIFF:
        operation.type = STATE_DIFF;
        found = find(bytes, OPERATION_DIFF, ENTRY_NAME, &operation.name) &&
                find(bytes, OPERATION_DIFF, ENTRY_VALUE, &operation.value);
        break;
    default: /* EXPUNGE: there is no other */
        operation.type = STATE_EXPUNGE;
        operation.value = (struct slice){0};
        found = cursor_path(bytes, (const uint32_t[]){OPERATION_EXPUNGE, EXPUNGE_NAME}, 2, &type);
        operation.name = type.bytes;
        break;
    }
    if (!found) {
        return err_set(err, -EBADMSG, "Not an operation: it lacks what its type names");
    }
    *ret_operation = operation;
    return 0;
}

static size_t field_size(size_t size)
{
    return 1 + varint_size(size) + size;
}

static void begin(struct buf *out, uint32_t number, size_t size)
{
    wire_put_tag(out, number, WIRE_BYTES);
    uint8_t *at = (uint8_t *)buf_reserve(out, VARINT_SIZE_MAX);
    out->size += (size_t)(varint_write(at, size) - at);
}

void state_operation_begin_snapshot(struct slice name, const struct uuid *uuid, size_t value_size,
                                    struct buf *out)
{
    size_t entry_size =
        field_size(name.size) + field_size(sizeof(uuid->bytes)) + field_size(value_size);
    wire_put_varint(out, OPERATION_TYPE, PB__INTERNAL__STATE__OPERATION__TYPE__SNAPSHOT);
    begin(out, OPERATION_SNAPSHOT, field_size(entry_size));
    begin(out, SNAPSHOT_ENTRY, entry_size);
    wire_put_bytes(out, ENTRY_NAME, name);
    wire_put_bytes(out, ENTRY_UUID, slice_make(uuid->bytes, sizeof(uuid->bytes)));
    begin(out, ENTRY_VALUE, value_size);
}
