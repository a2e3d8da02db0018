#include "master/v0_scheduler.h"

#include "master/calls.h"
#include "master/events.h"
#include "master/master_state.h"
#include "master/scheduler_call.h"
#include "master/validate.h"
#include "wire/message.h"

/* The framework if the sender speaks for it; messages of others are ignored. */
static struct framework *framework_of(struct master *master, const struct upid *from,
                                      const Pb__FrameworkID *id)
{
    struct framework *framework = master_find_framework(master, slice_from(id->value));
    if (framework == NULL || framework->connection != CONNECTION_UPID ||
        !upid_equal(&framework->upid, from)) {
        master_count(master, COUNTER_DROPPED_MESSAGES);
        return NULL;
    }
    return framework;
}

/* --- calls --- */

static Pb__Scheduler__Call devolve(const Pb__SchedulerV0__Call *call)
{
    Pb__Scheduler__Call v1 = PB__SCHEDULER__CALL__INIT;
    v1.framework_id = call->framework_id;
    v1.has_type = call->has_type;
    v1.type = call->type;
    v1.accept = call->accept;
    v1.decline = call->decline;
    v1.accept_inverse_offers = call->accept_inverse_offers;
    v1.decline_inverse_offers = call->decline_inverse_offers;
    v1.revive = call->revive;
    v1.kill = call->kill;
    v1.shutdown = call->shutdown;
    v1.acknowledge = call->acknowledge;
    v1.acknowledge_operation_status = call->acknowledge_operation_status;
    v1.reconcile = call->reconcile;
    v1.reconcile_operations = call->reconcile_operations;
    v1.message = call->message;
    v1.request = call->request;
    v1.suppress = call->suppress;
    v1.update_framework = call->update_framework;
    return v1;
}

static void subscribe(struct master *master, const struct upid *from,
                      const Pb__SchedulerV0__Call__Subscribe *s)
{
    master_subscribe_upid(master, from,
                          &(struct subscription){
                              .info = s->framework_info,
                              .wants = {.suppressed = s->suppressed_roles,
                                        .suppressed_count = s->n_suppressed_roles,
                                        .constraints = s->offer_constraints},
                              .force = s->has_force && s->force,
                          });
}

/* Feedback on operations is for HTTP frameworks only. */
static bool is_supported(const Pb__Scheduler__Call *call)
{
    return call->type != PB__SCHEDULER__CALL__TYPE__ACKNOWLEDGE_OPERATION_STATUS &&
           call->type != PB__SCHEDULER__CALL__TYPE__RECONCILE_OPERATIONS;
}

void master_v0_call(struct master *master, const struct upid *from,
                    const Pb__SchedulerV0__Call *call)
{
    struct err err;
    Pb__Scheduler__Call v1 = devolve(call);
    Pb__Scheduler__Call__Subscribe subscription = PB__SCHEDULER__CALL__SUBSCRIBE__INIT;
    if (call->subscribe != NULL) {
        subscription.framework_info = call->subscribe->framework_info;
        v1.subscribe = &subscription;
    }
    if (master_validate_call(&v1, NULL, &err) != 0) {
        master_count(master, COUNTER_DROPPED_MESSAGES);
        master_log(master, LOG_LEVEL_WARNING, "Dropping a call: %s", err.text);
        return;
    }
    if (v1.type == PB__SCHEDULER__CALL__TYPE__SUBSCRIBE) {
        subscribe(master, from, call->subscribe);
        return;
    }
    struct framework *framework = framework_of(master, from, v1.framework_id);
    if (framework == NULL) {
        return;
    }
    framework->counts->calls[v1.type]++;
    /* Only our side of its connection may have broken: it has to learn that it is cut off. */
    if (!framework_is_connected(framework->state)) {
        master_event_refuse_upid(master, from, "Framework disconnected");
        return;
    }
    if (is_supported(&v1) && master_scheduler_perform(master, framework, &v1, &err) != 0) {
        master_event_refuse_upid(master, from, err.text);
    }
}

/* --- one message a kind --- */

static bool has_id(const Pb__FrameworkInfo *info)
{
    return info->id != NULL && info->id->value[0] != '\0';
}

void master_v0_register(struct master *master, const struct upid *from,
                        const Pb__Internal__RegisterFrameworkMessage *message)
{
    if (has_id(message->framework)) {
        master_event_refuse_upid(master, from, "Registering with 'id' already set");
        return;
    }
    master_subscribe_upid(master, from, &(struct subscription){.info = message->framework});
}

void master_v0_reregister(struct master *master, const struct upid *from,
                          const Pb__Internal__ReregisterFrameworkMessage *message)
{
    if (!has_id(message->framework)) {
        master_event_refuse_upid(master, from, "Re-registering without an 'id'");
        return;
    }
    master_subscribe_upid(
        master, from,
        &(struct subscription){.info = message->framework, .force = message->failover});
}

void master_v0_unregister(struct master *master, const struct upid *from,
                          const Pb__Internal__UnregisterFrameworkMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework != NULL) {
        master_teardown(master, framework);
    }
}

void master_v0_deactivate(struct master *master, const struct upid *from,
                          const Pb__Internal__DeactivateFrameworkMessage *message)
{
    master_count(master, COUNTER_MESSAGES_DEACTIVATE_FRAMEWORK);
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework != NULL && framework->state == FRAMEWORK_ACTIVE) {
        master_framework_deactivate(master, framework, true);
    }
}

void master_v0_request(struct master *master, const struct upid *from,
                       const Pb__Internal__ResourceRequestMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework != NULL) {
        master_request(master, framework);
    }
}

void master_v0_launch(struct master *master, const struct upid *from,
                      const Pb__Internal__LaunchTasksMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework == NULL) {
        return;
    }
    Pb__Offer__Operation__Launch launch = PB__OFFER__OPERATION__LAUNCH__INIT;
    Pb__Offer__Operation operation = PB__OFFER__OPERATION__INIT;
    Pb__Offer__Operation *operations[] = {&operation};
    Pb__Scheduler__Call__Accept accept = PB__SCHEDULER__CALL__ACCEPT__INIT;
    launch.n_task_infos = message->n_tasks;
    launch.task_infos = message->tasks;
    operation.has_type = true;
    operation.type = PB__OFFER__OPERATION__TYPE__LAUNCH;
    operation.launch = &launch;
    accept.n_offer_ids = message->n_offer_ids;
    accept.offer_ids = message->offer_ids;
    accept.n_operations = 1;
    accept.operations = operations;
    accept.filters = message->filters;
    master_accept(master, framework, &accept);
}

void master_v0_revive(struct master *master, const struct upid *from,
                      const Pb__Internal__ReviveOffersMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework != NULL) {
        Pb__Scheduler__Call__Revive revive = PB__SCHEDULER__CALL__REVIVE__INIT;
        revive.n_roles = message->n_roles;
        revive.roles = message->roles;
        master_revive(master, framework, &revive);
    }
}

void master_v0_kill(struct master *master, const struct upid *from,
                    const Pb__Internal__KillTaskMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework != NULL) {
        Pb__Scheduler__Call__Kill kill = PB__SCHEDULER__CALL__KILL__INIT;
        kill.task_id = message->task_id;
        master_kill(master, framework, &kill);
    }
}

void master_v0_acknowledge(struct master *master, const struct upid *from,
                           const Pb__Internal__StatusUpdateAcknowledgementMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework == NULL) {
        master_count(master, COUNTER_INVALID_STATUS_UPDATE_ACKS);
        return;
    }
    Pb__Scheduler__Call__Acknowledge acknowledge = PB__SCHEDULER__CALL__ACKNOWLEDGE__INIT;
    acknowledge.agent_id = message->slave_id;
    acknowledge.task_id = message->task_id;
    acknowledge.uuid = message->uuid;
    master_acknowledge(master, framework, &acknowledge);
}

void master_v0_message(struct master *master, const struct upid *from,
                       const Pb__Internal__FrameworkToExecutorMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework == NULL) {
        master_count(master, COUNTER_INVALID_FRAMEWORK_TO_EXECUTOR);
        return;
    }
    Pb__Scheduler__Call__Message relayed = PB__SCHEDULER__CALL__MESSAGE__INIT;
    relayed.agent_id = message->slave_id;
    relayed.executor_id = message->executor_id;
    relayed.data = message->data;
    master_relay(master, framework, &relayed);
}

void master_v0_reconcile(struct master *master, const struct upid *from,
                         const Pb__Internal__ReconcileTasksMessage *message)
{
    struct framework *framework = framework_of(master, from, message->framework_id);
    if (framework == NULL) {
        return;
    }
    Pb__Scheduler__Call__Reconcile reconcile = PB__SCHEDULER__CALL__RECONCILE__INIT;
    for (size_t i = 0; i < message->n_statuses; i++) {
        Pb__Scheduler__Call__Reconcile__Task *task =
            MESSAGE_NEW(Pb__Scheduler__Call__Reconcile__Task, pb__scheduler__call__reconcile__task,
                        &master->arena);
        task->task_id = message->statuses[i]->task_id;
        task->agent_id = message->statuses[i]->agent_id;
        MESSAGE_APPEND(&master->arena, reconcile.n_tasks, reconcile.tasks, task);
    }
    master_reconcile(master, framework, &reconcile);
}
