/* RECONCILE_OPERATIONS: frameworks ask for the state of operations (facts/state_machines.md 9). */
#include "master/calls.h"
#include "master/events.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* The state that it was told last. It is no update: nobody is to acknowledge it. */
static void tell_known(struct master *master, struct framework *framework,
                       const struct operation *operation)
{
    const struct operation_record *record = operation->record;
    struct slice status = blob_slice(record->latest);
    struct cursor cursor;
    struct cursor_field field;
    Pb__OperationStatus *told;
    cursor_init(&cursor, blob_slice(record->statuses));
    while (cursor_next(&cursor, &field)) {
        status = field.bytes;
    }
    int failed = MESSAGE_DECODE(Pb__OperationStatus, pb__operation_status, status, &master->arena,
                                &told, NULL);
    ASSERT(failed == 0); /* it was encoded by us */
    told->uuid = NULL;
    master_event_operation(master, framework, told);
}

/* What is known of it by its agent alone. */
static Pb__OperationState judge(const struct agent *agent, const struct departed *departed,
                                bool names_agent, const char **ret_message)
{
    if (agent != NULL && agent->state == AGENT_RECOVERED) {
        *ret_message = "Reconciliation: Agent is recovered but has not re-registered";
        return PB__OPERATION_STATE__OPERATION_RECOVERING;
    }
    if (agent != NULL && agent->state == AGENT_REGISTERED) {
        *ret_message = "Reconciliation: Operation is unknown";
        return PB__OPERATION_STATE__OPERATION_UNKNOWN;
    }
    if (departed != NULL && departed->kind == DEPARTED_UNREACHABLE) {
        *ret_message = "Reconciliation: Agent is unreachable";
        return PB__OPERATION_STATE__OPERATION_UNREACHABLE;
    }
    if (departed != NULL) {
        *ret_message = "Reconciliation: Agent marked gone by operator";
        return PB__OPERATION_STATE__OPERATION_GONE_BY_OPERATOR;
    }
    *ret_message = names_agent ? "Reconciliation: Both operation and agent are unknown"
                               : "Reconciliation: Operation is unknown and no 'agent_id' was "
                                 "provided";
    return PB__OPERATION_STATE__OPERATION_UNKNOWN;
}

/* Questions about resource providers, by the agents that may know them. */
struct forwards {
    struct forward {
        struct agent *agent;
        Pb__Internal__ReconcileOperationsMessage *message;
    } * items; /* in the arena */
    size_t count;
};

static void forward(struct master *master, struct forwards *forwards, struct agent *agent,
                    const struct framework *framework,
                    const Pb__Scheduler__Call__ReconcileOperations__Operation *about)
{
    struct arena *arena = &master->arena;
    Pb__Internal__ReconcileOperationsMessage__Operation *asked =
        MESSAGE_NEW(Pb__Internal__ReconcileOperationsMessage__Operation,
                    pb__internal__reconcile_operations_message__operation, arena);
    asked->operation_id = about->operation_id;
    asked->resource_provider_id = about->resource_provider_id;
    struct forward *found = NULL;
    /* Mostly they are about the same agent as the one before. */
    if (forwards->count > 0 && forwards->items[forwards->count - 1].agent == agent) {
        found = &forwards->items[forwards->count - 1];
    } else {
        found = &forwards->items[forwards->count++];
        found->agent = agent;
        found->message = MESSAGE_NEW(Pb__Internal__ReconcileOperationsMessage,
                                     pb__internal__reconcile_operations_message, arena);
        found->message->framework_id = MESSAGE_NEW(Pb__FrameworkID, pb__framework_id, arena);
        found->message->framework_id->value = framework->id->data;
    }
    MESSAGE_APPEND(arena, found->message->n_operations, found->message->operations, asked);
}

static void reconcile_one(struct master *master, struct framework *framework,
                          const Pb__Scheduler__Call__ReconcileOperations__Operation *about,
                          struct forwards *forwards)
{
    const char *id = about->operation_id->value;
    const char *agent_id = about->agent_id != NULL ? about->agent_id->value : NULL;
    struct operation *known = master_operation_find_named(framework, slice_from(id));
    if (known != NULL) {
        tell_known(master, framework, known);
        return;
    }
    struct agent *agent = agent_id != NULL ? master_find_agent(master, slice_from(agent_id)) : NULL;
    const struct departed *departed =
        agent_id != NULL ? master_find_departed(master, slice_from(agent_id)) : NULL;
    if (agent != NULL && agent->state == AGENT_REGISTERED && about->resource_provider_id != NULL &&
        (agent->capabilities & AGENT_OPERATION_FEEDBACK) != 0) {
        forward(master, forwards, agent, framework, about);
        return;
    }
    const char *message;
    Pb__OperationState state = judge(agent, departed, agent_id != NULL, &message);
    Pb__OperationStatus *status = master_operation_status(master, state, id, message, agent_id);
    status->resource_provider_id = about->resource_provider_id;
    master_event_operation(master, framework, status);
}

void master_reconcile_operations(struct master *master, struct framework *framework,
                                 const Pb__Scheduler__Call__ReconcileOperations *call)
{
    master_count(master, COUNTER_MESSAGES_RECONCILE_OPERATIONS);
    struct forwards forwards = {
        .items =
            arena_alloc_array(&master->arena, call->n_operations + 1, sizeof(forwards.items[0])),
    };
    for (size_t i = 0; i < call->n_operations; i++) {
        reconcile_one(master, framework, call->operations[i], &forwards);
    }
    for (size_t i = 0; i < forwards.count; i++) {
        MASTER_SEND(master, &forwards.items[i].agent->upid, "ReconcileOperationsMessage",
                    forwards.items[i].message);
    }
    const struct operation *operation;
    if (call->n_operations == 0) {
        LIST_FOR_EACH (operation, &framework->operation_order, of_framework) {
            tell_known(master, framework, operation);
        }
    }
}
