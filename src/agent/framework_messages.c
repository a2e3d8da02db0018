#include "agent/framework_messages.h"

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/updates.h"

void framework_messages_update(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__UpdateFrameworkMessage *message = AGENT_READ(
        Pb__Internal__UpdateFrameworkMessage, pb__internal__update_framework_message, agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "UpdateFrameworkMessage") ||
        agent->state != AGENT_RUNNING) {
        return;
    }
    struct framework *framework = framework_find(agent, message->framework_id->value);
    if (framework == NULL || framework->state == FRAMEWORK_TERMINATING) {
        return;
    }
    if (message->framework_info != NULL && message->framework_info->id != NULL) {
        framework_set_info(framework, message->framework_info);
    }
    framework_set_pid(framework, message->pid);
    if (framework->checkpoint) {
        framework_checkpoint(framework);
    }
    /* Its scheduler may be another one, which has not seen them (facts/observed.md, wire 9). */
    updates_send_again(agent, framework->id);
}

static void invalid(struct agent *agent, const char *framework_id, const char *why)
{
    metric_add(agent->gauges.invalid_framework_messages, 1);
    agent_log(agent, LOG_LEVEL_WARNING, "dropping a message of framework %s: %s", framework_id,
              why);
}

void framework_messages_to_executor(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__FrameworkToExecutorMessage *message =
        AGENT_READ(Pb__Internal__FrameworkToExecutorMessage,
                   pb__internal__framework_to_executor_message, agent, event);
    if (message == NULL) {
        return;
    }
    const char *framework_id = message->framework_id->value;
    if (agent->state != AGENT_RUNNING) {
        invalid(agent, framework_id, "the agent is not registered");
        return;
    }
    struct framework *framework = framework_find(agent, framework_id);
    struct executor *executor =
        framework != NULL && framework->state == FRAMEWORK_RUNNING
            ? framework_find_executor(framework, message->executor_id->value)
            : NULL;
    if (executor == NULL || executor->state != EXECUTOR_RUNNING) {
        invalid(agent, framework_id, "its executor is not running");
        return;
    }
    metric_add(agent->gauges.valid_framework_messages, 1);
    Pb__Executor__Event sent = PB__EXECUTOR__EVENT__INIT;
    Pb__Executor__Event__Message body = PB__EXECUTOR__EVENT__MESSAGE__INIT;
    body.data = message->data;
    sent.has_type = 1;
    sent.type = PB__EXECUTOR__EVENT__TYPE__MESSAGE;
    sent.message = &body;
    executor_send(executor, "mesos.internal.FrameworkToExecutorMessage", &message->base, &sent);
}

void framework_messages_from_executor(struct agent *agent, const char *framework_id,
                                      const char *executor_id, struct slice data)
{
    struct arena *arena = &agent->arena;
    struct framework *framework = framework_find(agent, framework_id);
    if (agent->state != AGENT_RUNNING || framework == NULL ||
        framework->state == FRAMEWORK_TERMINATING) {
        invalid(agent, framework_id, "it is not known, or the agent is not registered");
        return;
    }
    Pb__Internal__ExecutorToFrameworkMessage message =
        PB__INTERNAL__EXECUTOR_TO_FRAMEWORK_MESSAGE__INIT;
    message.slave_id = messages_agent_id(agent->id, arena);
    message.framework_id = messages_framework_id(framework_id, arena);
    message.executor_id = messages_executor_id(executor_id, arena);
    message.data = message_data(data);
    metric_add(agent->gauges.valid_framework_messages, 1);
    if (framework->pid.id[0] != '\0') {
        agent_send(agent, &framework->pid, "mesos.internal.ExecutorToFrameworkMessage",
                   &message.base);
    } else {
        agent_send_master(agent, "mesos.internal.ExecutorToFrameworkMessage", &message.base);
    }
}

void framework_messages_acknowledge(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__StatusUpdateAcknowledgementMessage *message =
        AGENT_READ(Pb__Internal__StatusUpdateAcknowledgementMessage,
                   pb__internal__status_update_acknowledgement_message, agent, event);
    if (message == NULL) {
        return;
    }
    /* Drivers before 0.23 acknowledge themselves; masters must be the right one. */
    bool is_master = slice_starts_with(slice_from(event->from.id), SLICE("master"));
    if (is_master &&
        (agent->state != AGENT_RUNNING ||
         !agent_is_master(agent, &event->from, "StatusUpdateAcknowledgementMessage"))) {
        return;
    }
    const char *framework_id = message->framework_id->value;
    const char *task_id = message->task_id->value;
    int status = updates_acknowledge(agent, framework_id, task_id, message_bytes(message->uuid));
    if (status == UPDATES_E_UNKNOWN) {
        agent_log(agent, LOG_LEVEL_WARNING, "an acknowledgement for task %s that nobody waits for",
                  task_id);
        return;
    }
    struct framework *framework = framework_find(agent, framework_id);
    struct task *task = framework != NULL ? framework_find_task(framework, task_id) : NULL;
    if (task == NULL) {
        return;
    }
    struct executor *executor = task->executor;
    if (task->phase == TASK_TERMINATED && status == UPDATES_E_CLOSED) {
        executor_complete_task(executor, task);
    }
    if (executor->state == EXECUTOR_TERMINATED && !executor_has_tasks(executor)) {
        executor_retire(executor);
        framework_retire_if_idle(framework);
    }
}
