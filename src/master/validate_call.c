#include <string.h>

#include "common/uuid.h"
#include "master/validate.h"
#include "wire/message.h"

static const char *id_text(const Pb__FrameworkID *id)
{
    return id != NULL ? id->value : "";
}

static int check_uuid(ProtobufCBinaryData bytes, struct err *err)
{
    static const struct uuid nil = {{0}};
    struct uuid uuid;
    if (!uuid_from_bytes(message_bytes(bytes), &uuid)) {
        return err_set(err, VALIDATE_E, "Not a valid UUID");
    }
    /* The one of no update (facts/observed.md, scheduler 8). */
    if (memcmp(&uuid, &nil, sizeof(nil)) == 0) {
        return err_set(err, VALIDATE_E, "UUID is nil");
    }
    return 0;
}

static int check_subscribe(const Pb__Scheduler__Call *call, const char *principal, struct err *err)
{
    if (call->subscribe == NULL) {
        return err_set(err, VALIDATE_E, "Expecting 'subscribe' to be present");
    }
    const Pb__FrameworkInfo *info = call->subscribe->framework_info;
    if (strcmp(id_text(info->id), id_text(call->framework_id)) != 0) {
        return err_set(err, VALIDATE_E,
                       "'framework_id' differs from 'subscribe.framework_info.id'");
    }
    if (principal != NULL && info->principal != NULL && strcmp(principal, info->principal) != 0) {
        return err_set(err, VALIDATE_E,
                       "Authenticated principal '%s' does not match principal '%s' set in "
                       "`FrameworkInfo`",
                       principal, info->principal);
    }
    return 0;
}

static int missing(const char *name, struct err *err)
{
    return err_set(err, VALIDATE_E, "Expecting '%s' to be present", name);
}

#define NEED(part) (call->part != NULL ? 0 : missing(#part, err))

int master_validate_call(const Pb__Scheduler__Call *call, const char *principal, struct err *err)
{
    if (!call->has_type) {
        return missing("type", err);
    }
    if (call->type == PB__SCHEDULER__CALL__TYPE__SUBSCRIBE) {
        return check_subscribe(call, principal, err);
    }
    if (call->framework_id == NULL) {
        return missing("framework_id", err);
    }
    switch ((int)call->type) {
    case PB__SCHEDULER__CALL__TYPE__TEARDOWN:
    case PB__SCHEDULER__CALL__TYPE__REVIVE:
    case PB__SCHEDULER__CALL__TYPE__SUPPRESS:
        return 0;
    case PB__SCHEDULER__CALL__TYPE__ACCEPT:
        return NEED(accept);
    case PB__SCHEDULER__CALL__TYPE__DECLINE:
        return NEED(decline);
    case PB__SCHEDULER__CALL__TYPE__ACCEPT_INVERSE_OFFERS:
        return NEED(accept_inverse_offers);
    case PB__SCHEDULER__CALL__TYPE__DECLINE_INVERSE_OFFERS:
        return NEED(decline_inverse_offers);
    case PB__SCHEDULER__CALL__TYPE__KILL:
        return NEED(kill);
    case PB__SCHEDULER__CALL__TYPE__SHUTDOWN:
        return NEED(shutdown);
    case PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE:
        return call->acknowledge != NULL ? check_uuid(call->acknowledge->uuid, err)
                                         : missing("acknowledge", err);
    case PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS:
        if (call->acknowledge_operation_status == NULL) {
            return missing("acknowledge_operation_status", err);
        }
        if (call->acknowledge_operation_status->agent_id == NULL) {
            return missing("agent_id", err);
        }
        return check_uuid(call->acknowledge_operation_status->uuid, err);
    case PB__SCHEDULER__CALL__TYPE__RECONCILE:
        return NEED(reconcile);
    case PB__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS:
        return NEED(reconcile_operations);
    case PB__SCHEDULER__CALL__TYPE__MESSAGE:
        return NEED(message);
    case PB__SCHEDULER__CALL__TYPE__REQUEST:
        return NEED(request);
    case PB__SCHEDULER__CALL__TYPE__UPDATE_FRAMEWORK:
        if (call->update_framework == NULL) {
            return missing("update_framework", err);
        }
        if (strcmp(id_text(call->framework_id),
                   id_text(call->update_framework->framework_info->id)) != 0) {
            return err_set(err, VALIDATE_E,
                           "'framework_id' differs from 'update_framework.framework_info.id'");
        }
        return 0;
    default:
        /* UNKNOWN aborts the reference (facts/observed.md, scheduler 16). */
        return missing("type", err);
    }
}
