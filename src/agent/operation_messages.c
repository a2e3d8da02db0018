#include "agent/operation_messages.h"

#include "agent/core.h"
#include "agent/messages.h"
#include "agent/operation.h"
#include "agent/registration.h"
#include "resources/resource_operation.h"

/* False, with a line in the log, unless it comes from the master while this can be done. */
static bool may_change(struct agent *agent, const struct net_event *event, const char *what)
{
    if (!agent_is_master(agent, &event->from, what)) {
        return false;
    }
    if (agent->state == AGENT_RECOVERING || agent->state == AGENT_TERMINATING ||
        agent->id[0] == '\0') {
        agent_log(agent, LOG_LEVEL_WARNING, "ignoring %s: the agent is %s", what,
                  agent_state_name(agent));
        return false;
    }
    return true;
}

/* --- all resources at once --- */

void operation_messages_checkpoint(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__CheckpointResourcesMessage *message =
        AGENT_READ(Pb__Internal__CheckpointResourcesMessage,
                   pb__internal__checkpoint_resources_message, agent, event);
    if (message == NULL || !may_change(agent, event, "CheckpointResourcesMessage")) {
        return;
    }
    struct err err = {""};
    struct resources checkpointed = RESOURCES_INIT;
    int r = resource_validate_all(message->resources, message->n_resources, &err);
    if (r == 0) {
        resource_pb_upgrade_all(&message->base, &agent->arena);
        resources_add_pb(&checkpointed, message->resources, message->n_resources, NULL);
        r = resource_state_set(agent, &checkpointed, &err);
    }
    resources_deinit(&checkpointed);
    if (r != 0) {
        agent_log(agent, LOG_LEVEL_ERROR, "these resources cannot be checkpointed: %s", err.text);
        registration_again(agent); /* the master takes for done what is not */
        return;
    }
    resource_state_commit(agent);
}

/* --- one operation --- */

/* Tells once what became of an operation that is not kept. */
static void answer(struct agent *agent, Pb__FrameworkID *framework_id, Pb__UUID *uuid,
                   Pb__OperationStatus *status)
{
    Pb__Internal__UpdateOperationStatusMessage message =
        PB__INTERNAL__UPDATE_OPERATION_STATUS_MESSAGE__INIT;
    message.framework_id = framework_id;
    message.slave_id = messages_agent_id(agent->id, &agent->arena);
    message.status = status;
    message.operation_uuid = uuid;
    agent_send_master(agent, "mesos.internal.UpdateOperationStatusMessage", &message.base);
}

static int apply(struct agent *agent, const Pb__Internal__ApplyOperationMessage *message,
                 struct err *err)
{
    const Pb__Internal__ResourceVersionUUID *version = message->resource_version_uuid;
    struct slice provider;
    int r = resource_operation_provider(message->operation_info, &provider, err);
    if (r != 0) {
        return r;
    }
    if (provider.data != NULL || version->resource_provider_id != NULL) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "The agent has no such resource provider");
    }
    if (!slice_equal(message_bytes(version->uuid->value),
                     slice_make(agent->resource_version.bytes, UUID_SIZE))) {
        return err_set(err, RESOURCE_OPERATION_E_INVALID,
                       "Operation assumes outdated resource state");
    }
    r = resource_operation_upgrade(message->operation_info, &agent->arena, err);
    return r != 0 ? r : resource_state_apply(agent, message->operation_info, err);
}

static bool is_known_type(const Pb__Offer__Operation *op)
{
    return op->type == PB__OFFER__OPERATION__TYPE__RESERVE ||
           op->type == PB__OFFER__OPERATION__TYPE__UNRESERVE ||
           op->type == PB__OFFER__OPERATION__TYPE__CREATE ||
           op->type == PB__OFFER__OPERATION__TYPE__DESTROY ||
           op->type == PB__OFFER__OPERATION__TYPE__GROW_VOLUME ||
           op->type == PB__OFFER__OPERATION__TYPE__SHRINK_VOLUME;
}

static const char *type_name(const Pb__Offer__Operation *op)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__offer__operation__type__descriptor, op->type);
    return value != NULL ? value->name : "unknown";
}

static void take_on(struct agent *agent, Pb__Internal__ApplyOperationMessage *message)
{
    Pb__Operation whole = PB__OPERATION__INIT;
    whole.framework_id = message->framework_id;
    whole.info = message->operation_info;
    whole.uuid = message->operation_uuid;
    struct err err = {""};
    struct operation_outcome outcome = {.state = PB__OPERATION_STATE__OPERATION_FINISHED};
    uuid_random(&agent->prng, &outcome.status_uuid);
    if (apply(agent, message, &err) != 0) {
        agent_log(agent, LOG_LEVEL_WARNING, "a %s operation is dropped: %s", type_name(whole.info),
                  err.text);
        outcome.state = PB__OPERATION_STATE__OPERATION_DROPPED;
        outcome.message = err.text;
    }
    struct operation *operation = operation_new(agent, &whole, &outcome);
    if (outcome.state == PB__OPERATION_STATE__OPERATION_FINISHED) {
        agent_log(agent, LOG_LEVEL_INFO, "a %s operation is applied", type_name(whole.info));
        resource_state_commit(agent);
        operation_tell(operation);
    } else {
        operation_tell(operation);
        registration_again(agent); /* the master takes for done what is not */
    }
}

void operation_messages_apply(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ApplyOperationMessage *message = AGENT_READ(
        Pb__Internal__ApplyOperationMessage, pb__internal__apply_operation_message, agent, event);
    if (message == NULL || !may_change(agent, event, "ApplyOperationMessage")) {
        return;
    }
    const Pb__Offer__Operation *op = message->operation_info;
    struct slice bytes = message_bytes(message->operation_uuid->value);
    struct uuid uuid;
    if (!uuid_from_bytes(bytes, &uuid) || !is_known_type(op)) {
        agent_log(agent, LOG_LEVEL_ERROR, "ignoring a %s operation that makes no sense",
                  type_name(op));
        return;
    }
    if (operation_find(agent, bytes) != NULL) {
        agent_log(agent, LOG_LEVEL_WARNING, "ignoring a %s operation that came before",
                  type_name(op));
        return;
    }
    if (agent->operations.count >= OPERATIONS_MAX) {
        const char *why = "The agent has too many operations that nobody has acknowledged";
        agent_log(agent, LOG_LEVEL_ERROR, "a %s operation is dropped: %s", type_name(op), why);
        answer(agent, message->framework_id, message->operation_uuid,
               operation_make_status(agent, PB__OPERATION_STATE__OPERATION_DROPPED,
                                     op->id != NULL ? op->id->value : NULL, why, NULL));
        registration_again(agent); /* the master takes for done what is not */
        return;
    }
    take_on(agent, message);
}

/* --- questions --- */

static void
reconcile_for_framework(struct agent *agent, Pb__FrameworkID *framework_id,
                        const Pb__Internal__ReconcileOperationsMessage__Operation *asked)
{
    const struct operation *operation =
        asked->operation_uuid != NULL
            ? operation_find(agent, message_bytes(asked->operation_uuid->value))
        : asked->operation_id != NULL
            ? operation_find_by_id(agent, framework_id->value, asked->operation_id->value)
            : NULL;
    if (operation != NULL) {
        const Pb__Operation *whole = operation_describe(operation);
        whole->latest_status->uuid = NULL; /* it is not told until acknowledged */
        answer(agent, framework_id, whole->uuid, whole->latest_status);
        return;
    }
    const char *id = asked->operation_id != NULL ? asked->operation_id->value : NULL;
    Pb__OperationStatus *status =
        operation_make_status(agent, PB__OPERATION_STATE__OPERATION_UNKNOWN, id, NULL, NULL);
    status->resource_provider_id = asked->resource_provider_id;
    answer(agent, framework_id, asked->operation_uuid, status);
}

void operation_messages_reconcile(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ReconcileOperationsMessage *message =
        AGENT_READ(Pb__Internal__ReconcileOperationsMessage,
                   pb__internal__reconcile_operations_message, agent, event);
    if (message == NULL || !may_change(agent, event, "ReconcileOperationsMessage")) {
        return;
    }
    for (size_t i = 0; i < message->n_operations; i++) {
        const Pb__Internal__ReconcileOperationsMessage__Operation *asked = message->operations[i];
        if (message->framework_id != NULL) {
            reconcile_for_framework(agent, message->framework_id, asked);
        } else if (asked->operation_uuid != NULL &&
                   operation_find(agent, message_bytes(asked->operation_uuid->value)) == NULL) {
            /* The master asks for itself: it never came here. */
            answer(agent, NULL, asked->operation_uuid,
                   operation_make_status(agent, PB__OPERATION_STATE__OPERATION_DROPPED, NULL, NULL,
                                         NULL));
        }
    }
}

/* --- acknowledgements --- */

void operation_messages_acknowledge(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__AcknowledgeOperationStatusMessage *message =
        AGENT_READ(Pb__Internal__AcknowledgeOperationStatusMessage,
                   pb__internal__acknowledge_operation_status_message, agent, event);
    if (message == NULL || !may_change(agent, event, "AcknowledgeOperationStatusMessage")) {
        return;
    }
    struct operation *operation =
        operation_find(agent, message_bytes(message->operation_uuid->value));
    if (operation == NULL ||
        !operation_acknowledge(operation, message_bytes(message->status_uuid->value))) {
        agent_log(agent, LOG_LEVEL_WARNING,
                  "ignoring an acknowledgement of an operation's status that is not waited for");
        return;
    }
    agent_check_drained(agent);
}
