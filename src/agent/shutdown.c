#include "agent/shutdown.h"

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/updates.h"

void shutdown_executor(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ShutdownExecutorMessage *message =
        AGENT_READ(Pb__Internal__ShutdownExecutorMessage, pb__internal__shutdown_executor_message,
                   agent, event);
    if (message == NULL || message->framework_id == NULL || message->executor_id == NULL ||
        !agent_is_master(agent, &event->from, "ShutdownExecutorMessage") ||
        agent->state == AGENT_RECOVERING || agent->state == AGENT_DISCONNECTED) {
        return;
    }
    struct framework *framework = framework_find(agent, message->framework_id->value);
    if (framework == NULL || framework->state == FRAMEWORK_TERMINATING) {
        return;
    }
    struct executor *executor = framework_find_executor(framework, message->executor_id->value);
    if (executor != NULL &&
        (executor->state == EXECUTOR_REGISTERING || executor->state == EXECUTOR_RUNNING)) {
        executor_shut_down(executor);
    }
}

void shutdown_framework(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ShutdownFrameworkMessage *message =
        AGENT_READ(Pb__Internal__ShutdownFrameworkMessage, pb__internal__shutdown_framework_message,
                   agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "ShutdownFrameworkMessage") ||
        agent->state == AGENT_RECOVERING || agent->state == AGENT_DISCONNECTED) {
        return;
    }
    struct framework *framework = framework_find(agent, message->framework_id->value);
    if (framework != NULL) {
        framework_shut_down(framework);
    } else {
        updates_drop_framework(agent, message->framework_id->value);
    }
}

void shutdown_everything(struct agent *agent)
{
    struct arena *arena = &agent->arena;
    if (agent->state != AGENT_TERMINATING) {
        agent_move(agent, AGENT_TERMINATING);
    }
    timers_cancel(&agent->timers, &agent->register_timer);
    timers_cancel(&agent->timers, &agent->ping_timer);
    size_t count = 0;
    const char **ids = arena_alloc_array(arena, agent->frameworks.count + 1, sizeof(*ids));
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        ids[count++] = arena_strdup(arena, framework->id);
    }
    for (size_t i = 0; i < count; i++) {
        framework = framework_find(agent, ids[i]);
        if (framework != NULL) {
            framework_shut_down(framework);
        }
    }
    agent_check_end(agent);
}

void shutdown_agent(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ShutdownMessage *message =
        AGENT_READ(Pb__Internal__ShutdownMessage, pb__internal__shutdown_message, agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "ShutdownMessage")) {
        return;
    }
    agent_log(agent, LOG_LEVEL_WARNING, "the master asks to shut down: %s",
              message->message != NULL ? message->message : "");
    shutdown_everything(agent);
}

void shutdown_leave(struct agent *agent)
{
    agent_log(agent, LOG_LEVEL_INFO, "unregistering and shutting down");
    if (agent->id[0] != '\0') {
        Pb__Internal__UnregisterSlaveMessage message = PB__INTERNAL__UNREGISTER_SLAVE_MESSAGE__INIT;
        message.slave_id = messages_agent_id(agent->id, &agent->arena);
        agent_send_master(agent, "mesos.internal.UnregisterSlaveMessage", &message.base);
    }
    shutdown_everything(agent);
}
