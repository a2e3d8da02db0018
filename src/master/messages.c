#include "master/messages.h"

#include "master/authenticate.h"
#include "master/master_state.h"
#include "master/observer.h"
#include "master/operation_status.h"
#include "master/register.h"
#include "master/reregister.h"
#include "master/updates.h"
#include "master/v0_scheduler.h"
#include "wire/message.h"
#include "wire/pb.h"

/* One message, in the forms that its row asks for. */
struct incoming {
    const struct upid *from;
    struct slice body;               /* FORM_BYTES: nothing in it is in pieces (message_settle) */
    const ProtobufCMessage *decoded; /* FORM_DECODED: else NULL */
};

typedef void handle_fn(struct master *master, const struct incoming *in);

/* What a handler's message is, by the row that called it. */
#define AS(type, in) ((type *)(uintptr_t)(in)->decoded)

static void on_register_agent(struct master *master, const struct incoming *in)
{
    master_register_agent(master, in->from, AS(Pb__Internal__RegisterSlaveMessage, in));
}

static void on_reregister_agent(struct master *master, const struct incoming *in)
{
    master_reregister_agent(master, in->from, in->body);
}

static void on_unregister_agent(struct master *master, const struct incoming *in)
{
    master_register_unregister(master, in->from, AS(Pb__Internal__UnregisterSlaveMessage, in));
}

static void on_status_update(struct master *master, const struct incoming *in)
{
    master_update_status(master, AS(Pb__Internal__StatusUpdateMessage, in), in->body);
}

static void on_executor_exited(struct master *master, const struct incoming *in)
{
    master_update_executor_exited(master, AS(Pb__Internal__ExitedExecutorMessage, in));
}

static void on_executor_message(struct master *master, const struct incoming *in)
{
    master_update_executor_message(master, AS(Pb__Internal__ExecutorToFrameworkMessage, in));
}

static void on_update_agent(struct master *master, const struct incoming *in)
{
    master_update_agent(master, AS(Pb__Internal__UpdateSlaveMessage, in));
}

static void on_operation_status(struct master *master, const struct incoming *in)
{
    master_operation_on_status(master, AS(Pb__Internal__UpdateOperationStatusMessage, in));
}

static void on_call(struct master *master, const struct incoming *in)
{
    master_v0_call(master, in->from, AS(Pb__SchedulerV0__Call, in));
}

static void on_register_framework(struct master *master, const struct incoming *in)
{
    master_v0_register(master, in->from, AS(Pb__Internal__RegisterFrameworkMessage, in));
}

static void on_reregister_framework(struct master *master, const struct incoming *in)
{
    master_v0_reregister(master, in->from, AS(Pb__Internal__ReregisterFrameworkMessage, in));
}

static void on_unregister_framework(struct master *master, const struct incoming *in)
{
    master_v0_unregister(master, in->from, AS(Pb__Internal__UnregisterFrameworkMessage, in));
}

static void on_deactivate_framework(struct master *master, const struct incoming *in)
{
    master_v0_deactivate(master, in->from, AS(Pb__Internal__DeactivateFrameworkMessage, in));
}

static void on_request(struct master *master, const struct incoming *in)
{
    master_v0_request(master, in->from, AS(Pb__Internal__ResourceRequestMessage, in));
}

static void on_launch(struct master *master, const struct incoming *in)
{
    master_v0_launch(master, in->from, AS(Pb__Internal__LaunchTasksMessage, in));
}

static void on_revive(struct master *master, const struct incoming *in)
{
    master_v0_revive(master, in->from, AS(Pb__Internal__ReviveOffersMessage, in));
}

static void on_kill(struct master *master, const struct incoming *in)
{
    master_v0_kill(master, in->from, AS(Pb__Internal__KillTaskMessage, in));
}

static void on_acknowledge(struct master *master, const struct incoming *in)
{
    master_v0_acknowledge(master, in->from,
                          AS(Pb__Internal__StatusUpdateAcknowledgementMessage, in));
}

static void on_framework_message(struct master *master, const struct incoming *in)
{
    master_v0_message(master, in->from, AS(Pb__Internal__FrameworkToExecutorMessage, in));
}

static void on_reconcile(struct master *master, const struct incoming *in)
{
    master_v0_reconcile(master, in->from, AS(Pb__Internal__ReconcileTasksMessage, in));
}

static void on_authenticate(struct master *master, const struct incoming *in)
{
    master_authenticate_begin(master, in->from, AS(Pb__Internal__AuthenticateMessage, in)->pid);
}

static void on_submit(struct master *master, const struct incoming *in)
{
    /* Never supported; whoever asks is told so (facts/features.md P1). */
    Pb__Internal__SubmitSchedulerResponse answer = PB__INTERNAL__SUBMIT_SCHEDULER_RESPONSE__INIT;
    answer.okay = false;
    MASTER_SEND(master, in->from, "SubmitSchedulerResponse", &answer);
}

/* How a handler takes its message. */
enum { FORM_DECODED = 1, FORM_BYTES = 2 };

static const struct row {
    const char *name;
    const ProtobufCMessageDescriptor *desc;
    unsigned forms; /* one at least */
    handle_fn *handle;
} rows[] = {
#define ROW(type, lower, fn) ROW_OF(type, lower, FORM_DECODED, fn)
#define ROW_OF(type, lower, forms, fn)                                           \
    {                                                                            \
        "mesos.internal." #type, &pb__internal__##lower##__descriptor, forms, fn \
    }
    {"mesos.scheduler.Call", &pb__scheduler_v0__call__descriptor, FORM_DECODED, on_call},
    ROW_OF(StatusUpdateMessage, status_update_message, FORM_DECODED | FORM_BYTES, on_status_update),
    ROW(StatusUpdateAcknowledgementMessage, status_update_acknowledgement_message, on_acknowledge),
    ROW(RegisterSlaveMessage, register_slave_message, on_register_agent),
    ROW_OF(ReregisterSlaveMessage, reregister_slave_message, FORM_BYTES, on_reregister_agent),
    ROW(UnregisterSlaveMessage, unregister_slave_message, on_unregister_agent),
    ROW(UpdateSlaveMessage, update_slave_message, on_update_agent),
    ROW(UpdateOperationStatusMessage, update_operation_status_message, on_operation_status),
    ROW(ExitedExecutorMessage, exited_executor_message, on_executor_exited),
    ROW(ExecutorToFrameworkMessage, executor_to_framework_message, on_executor_message),
    ROW(RegisterFrameworkMessage, register_framework_message, on_register_framework),
    ROW(ReregisterFrameworkMessage, reregister_framework_message, on_reregister_framework),
    ROW(UnregisterFrameworkMessage, unregister_framework_message, on_unregister_framework),
    ROW(DeactivateFrameworkMessage, deactivate_framework_message, on_deactivate_framework),
    ROW(ResourceRequestMessage, resource_request_message, on_request),
    ROW(LaunchTasksMessage, launch_tasks_message, on_launch),
    ROW(ReviveOffersMessage, revive_offers_message, on_revive),
    ROW(KillTaskMessage, kill_task_message, on_kill),
    ROW(FrameworkToExecutorMessage, framework_to_executor_message, on_framework_message),
    ROW(ReconcileTasksMessage, reconcile_tasks_message, on_reconcile),
    ROW(AuthenticateMessage, authenticate_message, on_authenticate),
    ROW(SubmitSchedulerRequest, submit_scheduler_request, on_submit),
#undef ROW_OF
#undef ROW
};

static int take_apart(struct master *master, const struct row *row, struct slice body,
                      struct incoming *in, struct err *err)
{
    int r = 0;
    if ((row->forms & FORM_BYTES) != 0) {
        r = message_settle(row->desc, body, &master->arena, &in->body, err);
    }
    if (r == 0 && (row->forms & FORM_DECODED) != 0) {
        ProtobufCMessage *decoded = NULL;
        r = message_decode(row->desc, body, &master->input, &decoded, err);
        in->decoded = decoded;
    }
    return r;
}

static void dispatch(struct master *master, const struct net_event *event, const struct row *row)
{
    struct incoming in = {.from = &event->from};
    struct err err;
    if (take_apart(master, row, event->body, &in, &err) != 0) {
        master_count(master, COUNTER_DROPPED_MESSAGES);
        master_log(master, LOG_LEVEL_WARNING, "Dropping %s: %s", row->name, err.text);
        return;
    }
    row->handle(master, &in);
}

void master_message(struct master *master, const struct net_event *event)
{
    /* Before recovery, and while another master leads, nothing is heard (facts/state_machines.md
     * 7). */
    if (master->role != MASTER_SERVING) {
        master_count(master, COUNTER_DROPPED_MESSAGES);
        return;
    }
    if (master_observer_is(slice_from(event->to))) {
        if (slice_is(event->name, "mesos.internal.PongSlaveMessage")) {
            master_observer_pong(master, &event->from, event->to);
        }
        return;
    }
    if (master_authenticate_is_session(slice_from(event->to))) {
        master_authenticate_message(master, event);
        return;
    }
    if (!slice_is(slice_from(event->to), master->upid.id)) {
        return;
    }
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (slice_is(event->name, rows[i].name)) {
            bool registers =
                rows[i].handle == on_register_agent || rows[i].handle == on_reregister_agent;
            if (!registers || master_authenticate_agent(master, event) == AUTHENTICATE_PASS) {
                dispatch(master, event, &rows[i]);
            }
            return;
        }
    }
}
