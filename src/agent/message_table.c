#include "agent/message_table.h"

#include "agent/core.h"
#include "agent/executor_messages.h"
#include "agent/framework_messages.h"
#include "agent/kill.h"
#include "agent/launch.h"
#include "agent/operation_messages.h"
#include "agent/registration.h"
#include "agent/shutdown.h"

typedef void message_handle_fn(struct agent *agent, const struct net_event *event);

struct message_row {
    const char *name; /* behind "mesos.internal." */
    message_handle_fn *handle;
};

static const struct message_row rows[] = {
    /* of the master */
    {"SlaveRegisteredMessage", registration_registered},
    {"SlaveReregisteredMessage", registration_reregistered},
    {"PingSlaveMessage", registration_ping},
    {"RunTaskMessage", launch_run_task},
    {"RunTaskGroupMessage", launch_run_task_group},
    {"KillTaskMessage", kill_task},
    {"DrainSlaveMessage", kill_drain},
    {"ShutdownExecutorMessage", shutdown_executor},
    {"ShutdownFrameworkMessage", shutdown_framework},
    {"ShutdownMessage", shutdown_agent},
    {"UpdateFrameworkMessage", framework_messages_update},
    {"FrameworkToExecutorMessage", framework_messages_to_executor},
    {"StatusUpdateAcknowledgementMessage", framework_messages_acknowledge},
    {"CheckpointResourcesMessage", operation_messages_checkpoint},
    {"ApplyOperationMessage", operation_messages_apply},
    {"ReconcileOperationsMessage", operation_messages_reconcile},
    {"AcknowledgeOperationStatusMessage", operation_messages_acknowledge},
    /* of executors of the v0 API */
    {"RegisterExecutorMessage", executor_messages_register},
    {"ReregisterExecutorMessage", executor_messages_reregister},
    {"StatusUpdateMessage", executor_messages_update},
    {"ExecutorToFrameworkMessage", executor_messages_to_framework},
};

void message_table_dispatch(struct agent *agent, const struct net_event *event)
{
    struct slice prefix = SLICE("mesos.internal.");
    if (!slice_starts_with(event->name, prefix)) {
        return;
    }
    struct slice name = slice_skip(event->name, prefix.size);
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        if (slice_is(name, rows[i].name)) {
            rows[i].handle(agent, event);
            return;
        }
    }
}
