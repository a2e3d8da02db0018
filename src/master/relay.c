/* MESSAGE: bytes from a scheduler to an executor, at most once. */
#include "master/calls.h"
#include "master/master_state.h"
#include "wire/message.h"

void master_relay(struct master *master, struct framework *framework,
                  const Pb__Scheduler__Call__Message *call)
{
    master_count(master, COUNTER_MESSAGES_FRAMEWORK_TO_EXECUTOR);
    const struct agent *agent = master_find_registered(master, slice_from(call->agent_id->value));
    if (agent == NULL || !agent->connected) {
        master_count(master, COUNTER_INVALID_FRAMEWORK_TO_EXECUTOR);
        return;
    }
    Pb__Internal__FrameworkToExecutorMessage message =
        PB__INTERNAL__FRAMEWORK_TO_EXECUTOR_MESSAGE__INIT;
    Pb__FrameworkID framework_id = PB__FRAMEWORK_ID__INIT;
    framework_id.value = framework->id->data;
    message.slave_id = call->agent_id;
    message.framework_id = &framework_id;
    message.executor_id = call->executor_id;
    message.data = call->data;
    MASTER_SEND(master, &agent->upid, "FrameworkToExecutorMessage", &message);
    master_count(master, COUNTER_VALID_FRAMEWORK_TO_EXECUTOR);
}
