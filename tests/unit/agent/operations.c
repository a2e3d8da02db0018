#include "operations.h"

#include "../unit.h"

#include "agent/recovered_files.h"

/* --- resources --- */

Pb__Resource *operations_disk(struct shell *shell, double mb)
{
    struct arena *arena = &shell->arena;
    Pb__Resource *r = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    Pb__Resource__ReservationInfo *reservation =
        MESSAGE_NEW(Pb__Resource__ReservationInfo, pb__resource__reservation_info, arena);
    r->name = arena_strdup(arena, "disk");
    r->type = PB__VALUE__TYPE__SCALAR;
    r->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    r->scalar->value = mb;
    reservation->has_type = 1;
    reservation->type = PB__RESOURCE__RESERVATION_INFO__TYPE__DYNAMIC;
    reservation->role = arena_strdup(arena, "r");
    MESSAGE_APPEND(arena, r->n_reservations, r->reservations, reservation);
    return r;
}

Pb__Resource *operations_volume(struct shell *shell, double mb)
{
    struct arena *arena = &shell->arena;
    Pb__Resource *r = operations_disk(shell, mb);
    r->disk = MESSAGE_NEW(Pb__Resource__DiskInfo, pb__resource__disk_info, arena);
    r->disk->persistence = MESSAGE_NEW(Pb__Resource__DiskInfo__Persistence,
                                       pb__resource__disk_info__persistence, arena);
    r->disk->persistence->id = arena_strdup(arena, "v");
    r->disk->volume = MESSAGE_NEW(Pb__Volume, pb__volume, arena);
    r->disk->volume->container_path = arena_strdup(arena, "data");
    r->disk->volume->mode = PB__VOLUME__MODE__RW;
    return r;
}

/* --- operations --- */

static Pb__Offer__Operation *make(struct shell *shell, Pb__Offer__Operation__Type type)
{
    Pb__Offer__Operation *op =
        MESSAGE_NEW(Pb__Offer__Operation, pb__offer__operation, &shell->arena);
    op->has_type = 1;
    op->type = type;
    return op;
}

Pb__Offer__Operation *operations_reserve(struct shell *shell, Pb__Resource *resource)
{
    Pb__Offer__Operation *op = make(shell, PB__OFFER__OPERATION__TYPE__RESERVE);
    op->reserve =
        MESSAGE_NEW(Pb__Offer__Operation__Reserve, pb__offer__operation__reserve, &shell->arena);
    MESSAGE_APPEND(&shell->arena, op->reserve->n_resources, op->reserve->resources, resource);
    return op;
}

Pb__Offer__Operation *operations_unreserve(struct shell *shell, Pb__Resource *resource)
{
    Pb__Offer__Operation *op = make(shell, PB__OFFER__OPERATION__TYPE__UNRESERVE);
    op->unreserve = MESSAGE_NEW(Pb__Offer__Operation__Unreserve, pb__offer__operation__unreserve,
                                &shell->arena);
    MESSAGE_APPEND(&shell->arena, op->unreserve->n_resources, op->unreserve->resources, resource);
    return op;
}

Pb__Offer__Operation *operations_create(struct shell *shell, Pb__Resource *resource)
{
    Pb__Offer__Operation *op = make(shell, PB__OFFER__OPERATION__TYPE__CREATE);
    op->create =
        MESSAGE_NEW(Pb__Offer__Operation__Create, pb__offer__operation__create, &shell->arena);
    MESSAGE_APPEND(&shell->arena, op->create->n_volumes, op->create->volumes, resource);
    return op;
}

Pb__Offer__Operation *operations_destroy(struct shell *shell, Pb__Resource *resource)
{
    Pb__Offer__Operation *op = make(shell, PB__OFFER__OPERATION__TYPE__DESTROY);
    op->destroy =
        MESSAGE_NEW(Pb__Offer__Operation__Destroy, pb__offer__operation__destroy, &shell->arena);
    MESSAGE_APPEND(&shell->arena, op->destroy->n_volumes, op->destroy->volumes, resource);
    return op;
}

/* --- messages --- */

Pb__UUID *operations_uuid(struct shell *shell, int number)
{
    struct uuid uuid = {.bytes = {(uint8_t)(number >> 8), (uint8_t)number, 1}};
    return messages_uuid(&uuid, &shell->arena);
}

void operations_apply(struct shell *shell, int number, Pb__Offer__Operation *op)
{
    struct arena *arena = &shell->arena;
    Pb__Internal__ApplyOperationMessage message = PB__INTERNAL__APPLY_OPERATION_MESSAGE__INIT;
    Pb__Internal__ResourceVersionUUID version = PB__INTERNAL__RESOURCE_VERSION_UUID__INIT;
    version.uuid = messages_uuid(&shell->agent->resource_version, arena);
    op->id = MESSAGE_NEW(Pb__OperationID, pb__operation_id, arena);
    op->id->value = arena_printf(arena, "op-%d", number);
    message.framework_id = messages_framework_id("f1", arena);
    message.operation_info = op;
    message.operation_uuid = operations_uuid(shell, number);
    message.resource_version_uuid = &version;
    shell_tell(shell, "ApplyOperationMessage", &message);
}

Pb__OperationStatus *operations_expect(struct shell *shell, int number, Pb__OperationState state)
{
    Pb__Internal__UpdateOperationStatusMessage *message =
        SHELL_TAKE(shell, UpdateOperationStatusMessage, update_operation_status_message);
    assert_non_null(message);
    assert_true(slice_equal(message_bytes(message->operation_uuid->value),
                            message_bytes(operations_uuid(shell, number)->value)));
    assert_string_equal(message->slave_id->value, AGENT_ID);
    assert_int_equal(message->status->state, state);
    return message->status;
}

void operations_acknowledge(struct shell *shell, int number, const Pb__OperationStatus *status)
{
    Pb__Internal__AcknowledgeOperationStatusMessage message =
        PB__INTERNAL__ACKNOWLEDGE_OPERATION_STATUS_MESSAGE__INIT;
    message.operation_uuid = operations_uuid(shell, number);
    message.status_uuid = status->uuid;
    shell_tell(shell, "AcknowledgeOperationStatusMessage", &message);
}

void operations_checkpoint(struct shell *shell, Pb__Resource *first, Pb__Resource *second)
{
    Pb__Resource *items[] = {first, second};
    Pb__Internal__CheckpointResourcesMessage message =
        PB__INTERNAL__CHECKPOINT_RESOURCES_MESSAGE__INIT;
    message.resources = items;
    message.n_resources = (first != NULL) + (second != NULL);
    shell_tell(shell, "CheckpointResourcesMessage", &message);
}

/* --- the disk --- */

bool operations_has(struct shell *shell, const char *path)
{
    return map_find(&shell->disk_by_path, slice_from(path)) != NULL;
}

static const char *text_of(struct shell *shell, const struct resources *r)
{
    return resources_text(r, &shell->arena);
}

const char *operations_advertised(struct shell *shell)
{
    struct resources all = RESOURCES_INIT;
    const Pb__Internal__ReregisterSlaveMessage *asked = shell_reregister(shell);
    resources_add_pb(&all, asked->checkpointed_resources, asked->n_checkpointed_resources, NULL);
    const char *text = text_of(shell, &all);
    resources_deinit(&all);
    return text;
}

const char *operations_stored(struct shell *shell)
{
    const struct buf *file = shell_file(shell, "meta/resources/resources_and_operations.state");
    struct resources all = RESOURCES_INIT;
    struct slice rest, record;
    if (file != NULL) {
        rest = buf_slice(file);
        assert_true(recovered_files_next(&rest, &record));
        assert_int_equal(rest.size, 0);
        const Pb__Internal__Slave__ResourceState *state =
            (const Pb__Internal__Slave__ResourceState *)messages_read(
                &pb__internal__slave__resource_state__descriptor, record, &shell->arena);
        resources_add_pb(&all, state->resources, state->n_resources, NULL);
    }
    const char *text = text_of(shell, &all);
    resources_deinit(&all);
    return text;
}

const char *operations_stored_for_older(struct shell *shell)
{
    const struct buf *file = shell_file(shell, "meta/resources/resources.info");
    struct resources all = RESOURCES_INIT;
    struct slice rest = file != NULL ? buf_slice(file) : SLICE("");
    struct slice record;
    while (recovered_files_next(&rest, &record)) {
        const Pb__Resource *one =
            (const Pb__Resource *)messages_read(&pb__resource__descriptor, record, &shell->arena);
        assert_int_equal(one->n_reservations, 0); /* the older format */
        resources_add_pb_one(&all, one, NULL);
    }
    const char *text = text_of(shell, &all);
    resources_deinit(&all);
    return text;
}
