#include "master/operation_status.h"

#include "master/calls.h"
#include "master/drain.h"
#include "master/events.h"
#include "master/master_state.h"
#include "master/operation_apply.h"
#include "resources/resource_operation.h"
#include "resources/resource_pb.h"
#include "wire/cursor.h"
#include "wire/message.h"

#define FIELD_OPERATION_STATUSES 5 /* mesos.Operation */

static struct slice uuid_slice(const Pb__UUID *uuid)
{
    return uuid != NULL ? message_bytes(uuid->value) : slice_make(NULL, 0);
}

/* --- acknowledgements --- */

static void send_acknowledgement(struct master *master, const struct agent *agent,
                                 struct slice operation_uuid, struct slice status_uuid)
{
    Pb__Internal__AcknowledgeOperationStatusMessage message =
        PB__INTERNAL__ACKNOWLEDGE_OPERATION_STATUS_MESSAGE__INIT;
    Pb__UUID status = PB__UUID__INIT;
    Pb__UUID uuid = PB__UUID__INIT;
    status.value = message_data(status_uuid);
    uuid.value = message_data(operation_uuid);
    message.status_uuid = &status;
    message.operation_uuid = &uuid;
    MASTER_SEND(master, &agent->upid, "AcknowledgeOperationStatusMessage", &message);
}

static void acknowledge(struct master *master, const struct operation *operation,
                        struct slice status_uuid)
{
    send_acknowledgement(master, operation->agent,
                         slice_make(operation->record->uuid.bytes, UUID_SIZE), status_uuid);
}

static void remove_operation(struct master *master, struct operation *operation)
{
    struct agent *agent = operation->agent;
    master_operation_remove(master, operation);
    master_drain_check(master, agent);
}

/* The status of that uuid, or the last one if there is none; NULL if there is no such status. */
static Pb__OperationStatus *find_status(struct master *master,
                                        const struct operation_record *record, struct slice uuid)
{
    Pb__OperationStatus *found = NULL;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, blob_slice(record->statuses));
    while (cursor_next(&cursor, &field)) {
        Pb__OperationStatus *status;
        int failed = MESSAGE_DECODE(Pb__OperationStatus, pb__operation_status, field.bytes,
                                    &master->arena, &status, NULL);
        ASSERT(failed == 0 && field.number == FIELD_OPERATION_STATUSES); /* encoded by us */
        if (uuid.data == NULL || slice_equal(uuid_slice(status->uuid), uuid)) {
            found = status;
        }
    }
    return found;
}

void master_operation_acknowledge_latest(struct master *master, struct operation *operation)
{
    const Pb__OperationStatus *status = find_status(master, operation->record, slice_make(NULL, 0));
    if (status == NULL) {
        return;
    }
    if (status->uuid != NULL) {
        acknowledge(master, operation, uuid_slice(status->uuid));
    }
    if (master_operation_state_is_terminal(status->state)) {
        remove_operation(master, operation);
    }
}

/* What an acknowledgement is about, or why there is no such thing. */
static struct operation *
acknowledged_operation(const struct master *master, const struct framework *framework,
                       const Pb__Scheduler__Call__AcknowledgeOperationStatus *call,
                       const char **ret_why)
{
    const struct agent *agent = master_find_registered(master, slice_from(call->agent_id->value));
    struct operation *operation =
        master_operation_find_named(framework, slice_from(call->operation_id->value));
    if (agent == NULL || !agent->connected) {
        *ret_why = "the agent is not connected";
    } else if (call->resource_provider_id != NULL) {
        *ret_why = "there are no resource providers";
    } else if ((agent->capabilities & AGENT_OPERATION_FEEDBACK) == 0) {
        *ret_why = "the agent does not support operation feedback";
    } else if (operation == NULL || operation->agent != agent) {
        *ret_why = "the operation is unknown";
    } else {
        return operation;
    }
    return NULL;
}

void master_acknowledge_operation_status(
    struct master *master, struct framework *framework,
    const Pb__Scheduler__Call__AcknowledgeOperationStatus *call)
{
    const char *why = "the status is unknown";
    master_count(master, COUNTER_MESSAGES_OPERATION_STATUS_UPDATE_ACK);
    struct operation *operation = acknowledged_operation(master, framework, call, &why);
    const Pb__OperationStatus *status =
        operation != NULL ? find_status(master, operation->record, message_bytes(call->uuid))
                          : NULL;
    if (status == NULL) {
        master_log(master, LOG_LEVEL_WARNING,
                   "Ignoring the acknowledgement of operation '%s' by framework %s: %s",
                   call->operation_id->value, framework->id->data, why);
        master_count(master, COUNTER_INVALID_OPERATION_STATUS_UPDATE_ACKS);
        return;
    }
    acknowledge(master, operation, message_bytes(call->uuid));
    master_count(master, COUNTER_VALID_OPERATION_STATUS_UPDATE_ACKS);
    if (master_operation_state_is_terminal(status->state)) {
        remove_operation(master, operation);
    }
}

/* --- statuses --- */

/* For a framework that does not know the newer format. What has no other form stays as it is. */
static void tell(struct master *master, struct framework *framework, Pb__OperationStatus *status)
{
    if ((framework->capabilities & FRAMEWORK_REFINEMENT) == 0 &&
        resource_pb_downgrade_all(&status->base, &master->arena) != 0) {
        master_log(master, LOG_LEVEL_WARNING,
                   "Framework %s is told of refined reservations, which it does not know",
                   framework->id->data);
    }
    master_event_operation(master, framework, status);
}

/* An answer to a framework's question, or about something that was forgotten meanwhile: passed on,
 * and not kept. */
static void pass_on(struct master *master,
                    const Pb__Internal__UpdateOperationStatusMessage *message)
{
    struct framework *framework =
        message->framework_id != NULL
            ? master_find_framework(master, slice_from(message->framework_id->value))
            : NULL;
    if (framework != NULL && framework_is_connected(framework->state) &&
        message->status->operation_id != NULL) {
        tell(master, framework, message->status);
    }
}

/* Of an operation that is not known here. Once its agent has listed what it has, that is one whose
 * end has been acknowledged, and the acknowledgement was lost. Before, the framework may want to
 * hear of it; it comes again. */
static void hear_unknown(struct master *master, const struct agent *agent,
                         const Pb__Internal__UpdateOperationStatusMessage *message)
{
    if (agent->operations_listed && message->status->uuid != NULL) {
        send_acknowledgement(master, agent, uuid_slice(message->operation_uuid),
                             uuid_slice(message->status->uuid));
    } else if (message->framework_id != NULL) {
        pass_on(master, message);
    }
    master_count(master, COUNTER_INVALID_OPERATION_STATUS_UPDATES);
}

/* The framework may still come back to hear of it. */
static bool awaits_framework(const struct master *master, const struct operation *operation)
{
    const struct operation_record *record = operation->record;
    return record->id != NULL && operation->framework == NULL &&
           !master_is_completed_framework(master, blob_slice(record->framework_id)) &&
           operation->learnt_ns != 0 &&
           master->now.mono_ns - operation->learnt_ns < OPERATION_ADOPTION_NS;
}

/* Agents leave out what they do not know of an operation that they drop. */
static void complete_status(struct master *master, const struct operation *operation,
                            Pb__OperationStatus *status)
{
    const struct operation_record *record = operation->record;
    if (record->id != NULL) {
        status->operation_id = MESSAGE_NEW(Pb__OperationID, pb__operation_id, &master->arena);
        status->operation_id->value = record->id->data;
    }
    if (status->agent_id == NULL) {
        status->agent_id = MESSAGE_NEW(Pb__AgentID, pb__agent_id, &master->arena);
        status->agent_id->value = record->agent_id->data;
    }
    resource_pb_upgrade_all(&status->base, &master->arena);
}

static bool has_failed(Pb__OperationState state)
{
    return master_operation_state_is_terminal(state) &&
           state != PB__OPERATION_STATE__OPERATION_FINISHED;
}

static void keep(struct master *master, struct operation *operation, Pb__OperationStatus *status,
                 Pb__OperationStatus *latest)
{
    bool was_over = master_operation_state_is_terminal(operation->record->state);
    complete_status(master, operation, status);
    complete_status(master, operation, latest);
    master_operation_update(master, operation, status, latest);
    if (!was_over && has_failed(operation->record->state)) {
        master_log(master, LOG_LEVEL_WARNING, "Agent %s has not performed an operation: %s",
                   operation->agent->id->data,
                   latest->message != NULL ? latest->message : "it says no more");
        master_operation_undo(master, operation);
    }
}

static void hear(struct master *master, struct operation *operation, Pb__OperationStatus *status)
{
    if (operation->record->id != NULL && operation->framework != NULL) {
        if (framework_is_connected(operation->framework->state)) {
            tell(master, operation->framework, MESSAGE_CLONE(status, &master->arena));
        }
        if (status->uuid == NULL && master_operation_state_is_terminal(status->state)) {
            remove_operation(master, operation); /* nobody can acknowledge it */
        }
    } else if (!awaits_framework(master, operation)) {
        master_operation_acknowledge_latest(master, operation);
    }
}

void master_operation_on_status(struct master *master,
                                const Pb__Internal__UpdateOperationStatusMessage *message)
{
    master_count(master, COUNTER_MESSAGES_OPERATION_STATUS_UPDATE);
    if (message->operation_uuid == NULL) {
        pass_on(master, message);
        return;
    }
    struct agent *agent = message->slave_id != NULL
                              ? master_find_registered(master, slice_from(message->slave_id->value))
                              : NULL;
    if (agent == NULL) {
        master_count(master, COUNTER_INVALID_OPERATION_STATUS_UPDATES);
        return;
    }
    struct operation *operation =
        master_operation_find(master, agent, uuid_slice(message->operation_uuid));
    if (operation == NULL) {
        hear_unknown(master, agent, message);
        return;
    }
    master_count(master, COUNTER_VALID_OPERATION_STATUS_UPDATES);
    keep(master, operation, message->status,
         message->latest_status != NULL ? message->latest_status : message->status);
    hear(master, operation, message->status);
}

/* --- what an agent lists --- */

/* Whether it can be kept: a type that is known, resources that make sense. */
static bool is_sound(struct master *master, Pb__Operation *reported)
{
    struct uuid uuid;
    struct slice provider;
    return uuid_from_bytes(uuid_slice(reported->uuid), &uuid) &&
           map_find(&master->operations, uuid_slice(reported->uuid)) == NULL &&
           resource_operation_upgrade(reported->info, &master->arena, NULL) == 0 &&
           resource_operation_provider(reported->info, &provider, NULL) == 0 &&
           provider.data == NULL;
}

static void learn(struct master *master, struct agent *agent, Pb__Operation *reported)
{
    if (agent->operation_count >= OPERATIONS_PER_AGENT_MAX || !is_sound(master, reported)) {
        master_log(master, LOG_LEVEL_WARNING, "Ignoring an operation that agent %s tells of",
                   agent->id->data);
        return;
    }
    struct slice framework_id =
        slice_from(reported->framework_id != NULL ? reported->framework_id->value : NULL);
    struct operation_draft draft = {
        .agent = agent,
        .framework = framework_id.data != NULL ? master_find_framework(master, framework_id) : NULL,
        .framework_id = framework_id,
        .info = reported->info,
        .latest = reported->latest_status,
        .statuses = reported->statuses,
        .status_count = reported->n_statuses,
    };
    bool valid = uuid_from_bytes(uuid_slice(reported->uuid), &draft.uuid);
    ASSERT(valid);
    (void)master_operation_add(master, &draft);
}

static Pb__Internal__ReconcileOperationsMessage__Operation *
question_about(struct master *master, const struct operation *operation)
{
    Pb__Internal__ReconcileOperationsMessage__Operation *question =
        MESSAGE_NEW(Pb__Internal__ReconcileOperationsMessage__Operation,
                    pb__internal__reconcile_operations_message__operation, &master->arena);
    question->operation_uuid = MESSAGE_NEW(Pb__UUID, pb__uuid, &master->arena);
    question->operation_uuid->value =
        message_data(slice_make(operation->record->uuid.bytes, UUID_SIZE));
    return question;
}

/* The newest first: if the agent knows none of them, they are undone in this order. What is
 * finished the agent has on disk until it is acknowledged: if it is not listed, it has been. */
static void ask_about_missing(struct master *master, struct agent *agent, uint32_t mark,
                              Pb__Internal__ReconcileOperationsMessage *message)
{
    struct list *before;
    for (struct list *link = agent->operations.prev; link != &agent->operations; link = before) {
        struct operation *operation = LIST_ENTRY(link, struct operation, of_agent);
        before = link->prev;
        if (operation->mark == mark) {
            continue;
        }
        if (operation->record->state == PB__OPERATION_STATE__OPERATION_FINISHED) {
            master_operation_remove(master, operation);
        } else {
            MESSAGE_APPEND(&master->arena, message->n_operations, message->operations,
                           question_about(master, operation));
        }
    }
}

void master_operation_on_list(struct master *master, struct agent *agent,
                              const Pb__Internal__UpdateSlaveMessage__Operations *list)
{
    Pb__Internal__ReconcileOperationsMessage message =
        PB__INTERNAL__RECONCILE_OPERATIONS_MESSAGE__INIT;
    uint32_t mark = ++master->next_mark;
    agent->operations_listed = true;
    for (size_t i = 0; i < list->n_operations; i++) {
        struct operation *known =
            master_operation_find(master, agent, uuid_slice(list->operations[i]->uuid));
        if (known != NULL) {
            known->mark = mark;
        }
    }
    ask_about_missing(master, agent, mark, &message);
    for (size_t i = 0; i < list->n_operations; i++) {
        Pb__Operation *reported = list->operations[i];
        if (master_operation_find(master, agent, uuid_slice(reported->uuid)) == NULL) {
            learn(master, agent, reported);
        }
    }
    if (message.n_operations > 0) {
        MASTER_SEND(master, &agent->upid, "ReconcileOperationsMessage", &message);
    }
}
