#include "agent/executor_messages.h"

#include <string.h>

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/framework_messages.h"
#include "agent/messages.h"
#include "agent/status.h"

static void refuse(struct agent *agent, const struct net_event *event, const char *executor_id,
                   const char *why)
{
    agent_log(agent, LOG_LEVEL_WARNING, "shutting down executor '%s': %s", executor_id, why);
    Pb__Internal__ShutdownExecutorMessage message = PB__INTERNAL__SHUTDOWN_EXECUTOR_MESSAGE__INIT;
    agent_send(agent, &event->from, "mesos.internal.ShutdownExecutorMessage", &message.base);
}

/* The executor if it may (re-)register; else it was told to end. */
static struct executor *find(struct agent *agent, const struct net_event *event,
                             const char *framework_id, const char *executor_id)
{
    if (agent->state == AGENT_TERMINATING) {
        refuse(agent, event, executor_id, "the agent is ending");
        return NULL;
    }
    struct framework *framework = framework_find(agent, framework_id);
    if (framework == NULL || framework->state == FRAMEWORK_TERMINATING) {
        refuse(agent, event, executor_id, "its framework is not here, or is ending");
        return NULL;
    }
    struct executor *executor = framework_find_executor(framework, executor_id);
    if (executor == NULL) {
        refuse(agent, event, executor_id, "it is not known");
        return NULL;
    }
    return executor;
}

static void store_pid(struct executor *executor)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    struct run_ids ids = executor_ids(executor);
    char pid[UPID_TEXT_SIZE];
    upid_format(&executor->pid, pid);
    store_replace(
        &agent->effects->store, 0,
        paths_join(arena, paths_run(arena, agent->setup.meta_dir, &ids), "pids/libprocess.pid"),
        blob_from(slice_from(pid)))
        ->durable = true;
}

static void connect_to(struct executor *executor, const struct upid *pid)
{
    executor_close_stream(executor);
    executor_move(executor, EXECUTOR_RUNNING);
    executor->how = EXECUTOR_LINK_MESSAGES;
    executor->pid = *pid;
    net_link(&executor->agent->effects->net, &pid->address);
    if (executor->checkpoint) {
        store_pid(executor);
    }
}

void executor_messages_begin_delivery(struct executor *executor)
{
    uint64_t token = executor_grow(executor);
    struct task *task;
    LIST_FOR_EACH (task, &executor->queued, link) {
        task->grown_token = token;
    }
    executor_deliver(executor);
}

void executor_messages_register(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__RegisterExecutorMessage *message =
        AGENT_READ(Pb__Internal__RegisterExecutorMessage, pb__internal__register_executor_message,
                   agent, event);
    if (message == NULL) {
        return;
    }
    const char *executor_id = message->executor_id->value;
    if (agent->state == AGENT_RECOVERING) {
        refuse(agent, event, executor_id, "the agent is recovering");
        return;
    }
    struct executor *executor = find(agent, event, message->framework_id->value, executor_id);
    if (executor == NULL) {
        return;
    }
    if (executor->state != EXECUTOR_REGISTERING) {
        refuse(agent, event, executor_id, sm_name(&executor_machine, executor->state));
        return;
    }
    connect_to(executor, &event->from);
    if (!executor->ever_sent_task && list_is_empty(&executor->queued)) {
        executor_shut_down(executor);
        return;
    }
    struct arena *arena = &agent->arena;
    Pb__Internal__ExecutorRegisteredMessage reply = PB__INTERNAL__EXECUTOR_REGISTERED_MESSAGE__INIT;
    reply.executor_info = MESSAGES_READ(Pb__ExecutorInfo, pb__executor_info, executor->info, arena);
    reply.framework_id = message->framework_id;
    reply.framework_info =
        MESSAGES_READ(Pb__FrameworkInfo, pb__framework_info, executor->framework->info, arena);
    reply.slave_id = messages_agent_id(agent->id, arena);
    reply.slave_info = setup_info(agent);
    agent_send(agent, &executor->pid, "mesos.internal.ExecutorRegisteredMessage", &reply.base);
    executor_messages_begin_delivery(executor);
}

void executor_messages_drop_unknown(struct executor *executor, Pb__TaskInfo *const *known,
                                    size_t count)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    size_t dropped_count = 0;
    const char **dropped =
        arena_alloc_array(arena, executor->framework->tasks.count + 1, sizeof(*dropped));
    struct task *task;
    LIST_FOR_EACH (task, &executor->launched, link) {
        bool is_known = task->state != PB__TASK_STATE__TASK_STAGING;
        for (size_t i = 0; i < count && !is_known; i++) {
            is_known = strcmp(known[i]->task_id->value, task->id) == 0;
        }
        if (!is_known) {
            dropped[dropped_count++] = arena_strdup(arena, task->id);
        }
    }
    for (size_t i = 0; i < dropped_count; i++) {
        status_from_agent(agent, &(struct status_options){
                                     .framework_id = executor->framework->id,
                                     .task_id = dropped[i],
                                     .executor_id = executor->id,
                                     .state = framework_dropped(executor->framework),
                                     .reason = PB__TASK_STATUS__REASON__REASON_AGENT_RESTARTED,
                                     .message = "Task launched during agent restart",
                                 });
    }
}

void executor_messages_reregister(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ReregisterExecutorMessage *message =
        AGENT_READ(Pb__Internal__ReregisterExecutorMessage,
                   pb__internal__reregister_executor_message, agent, event);
    if (message == NULL) {
        return;
    }
    const char *executor_id = message->executor_id->value;
    struct executor *executor = find(agent, event, message->framework_id->value, executor_id);
    if (executor == NULL) {
        return;
    }
    if (executor->state == EXECUTOR_RUNNING &&
        agent->setup.config.executor_reregistration_retry_interval_ns > 0) {
        return; /* it was asked more than once, and answers more than once */
    }
    if (executor->state != EXECUTOR_REGISTERING) {
        refuse(agent, event, executor_id, sm_name(&executor_machine, executor->state));
        return;
    }
    struct arena *arena = &agent->arena;
    connect_to(executor, &event->from);
    Pb__Internal__ExecutorReregisteredMessage reply =
        PB__INTERNAL__EXECUTOR_REREGISTERED_MESSAGE__INIT;
    reply.slave_id = messages_agent_id(agent->id, arena);
    reply.slave_info = setup_info(agent);
    agent_send(agent, &executor->pid, "mesos.internal.ExecutorReregisteredMessage", &reply.base);
    for (size_t i = 0; i < message->n_updates; i++) {
        status_from_executor(agent, message->updates[i], UPDATE_FROM_PID, &event->from);
    }
    if (executor->state != EXECUTOR_RUNNING) {
        return; /* an update of it was such that it is to end */
    }
    executor_messages_drop_unknown(executor, message->tasks, message->n_tasks);
    if (!executor->ever_sent_task && list_is_empty(&executor->queued)) {
        executor_shut_down(executor);
        return;
    }
    executor_messages_begin_delivery(executor);
}

void executor_messages_update(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__StatusUpdateMessage *message = AGENT_READ(
        Pb__Internal__StatusUpdateMessage, pb__internal__status_update_message, agent, event);
    if (message == NULL) {
        return;
    }
    /* It is acknowledged to the address in the message, not to the sender (facts/observed.md,
     * wire 11). */
    struct upid pid = event->from;
    if (message->pid != NULL && !upid_parse(slice_from(message->pid), &pid)) {
        pid = event->from;
    }
    status_from_executor(agent, message->update, UPDATE_FROM_PID, &pid);
}

void executor_messages_to_framework(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__ExecutorToFrameworkMessage *message =
        AGENT_READ(Pb__Internal__ExecutorToFrameworkMessage,
                   pb__internal__executor_to_framework_message, agent, event);
    if (message != NULL) {
        framework_messages_from_executor(agent, message->framework_id->value,
                                         message->executor_id->value, message_bytes(message->data));
    }
}

void executor_messages_reconnect(struct executor *executor)
{
    struct agent *agent = executor->agent;
    Pb__Internal__ReconnectExecutorMessage message = PB__INTERNAL__RECONNECT_EXECUTOR_MESSAGE__INIT;
    message.slave_id = messages_agent_id(agent->id, &agent->arena);
    agent_send(agent, &executor->pid, "mesos.internal.ReconnectExecutorMessage", &message.base);
}
