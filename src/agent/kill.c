#include "agent/kill.h"

#include <string.h>

#include "agent/core.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/status.h"

/* One that is not delivered ends at once, and its whole group with it. */
static void kill_queued(struct task *task)
{
    struct executor *executor = task->executor;
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    const struct task_group *group = task->group;
    const char *message = group != NULL ? "A task within the task group was killed before delivery "
                                          "to the executor"
                                        : "Killed before delivery to the executor";
    size_t count = 0;
    const char **ids = arena_alloc_array(arena, executor->framework->tasks.count, sizeof(*ids));
    struct task *other;
    LIST_FOR_EACH (other, &executor->queued, link) {
        if (other == task || (group != NULL && other->group == group)) {
            ids[count++] = arena_strdup(arena, other->id);
        }
    }
    for (size_t i = 0; i < count; i++) {
        status_from_agent(agent,
                          &(struct status_options){
                              .framework_id = executor->framework->id,
                              .task_id = ids[i],
                              .executor_id = executor->id,
                              .state = PB__TASK_STATE__TASK_KILLED,
                              .reason = PB__TASK_STATUS__REASON__REASON_TASK_KILLED_DURING_LAUNCH,
                              .message = message,
                          });
    }
}

void kill_known(struct task *task, Pb__KillPolicy *policy)
{
    struct executor *executor = task->executor;
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    switch (executor->state) {
    case EXECUTOR_TERMINATING:
    case EXECUTOR_TERMINATED:
        agent_log(agent, LOG_LEVEL_WARNING, "not killing task %s: its executor is %s", task->id,
                  sm_name(&executor_machine, executor->state));
        return;
    case EXECUTOR_REGISTERING:
        if (task->phase == TASK_QUEUED) {
            kill_queued(task);
        }
        /* Of a recovered executor that is not back: it is killed or given up later. */
        return;
    case EXECUTOR_RUNNING:
        break;
    }
    if (task->phase == TASK_QUEUED) {
        kill_queued(task);
        if (!executor->ever_sent_task && list_is_empty(&executor->queued) &&
            executor->state == EXECUTOR_RUNNING) {
            executor_shut_down(executor);
        }
        return;
    }
    Pb__Internal__KillTaskMessage message = PB__INTERNAL__KILL_TASK_MESSAGE__INIT;
    message.framework_id = messages_framework_id(executor->framework->id, arena);
    message.task_id = messages_task_id(task->id, arena);
    message.kill_policy = policy;
    Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
    Pb__Executor__Event__Kill kill = PB__EXECUTOR__EVENT__KILL__INIT;
    kill.task_id = message.task_id;
    kill.kill_policy = policy;
    event.has_type = 1;
    event.type = PB__EXECUTOR__EVENT__TYPE__KILL;
    event.kill = &kill;
    executor_send(executor, "mesos.internal.KillTaskMessage", &message.base, &event);
}

void kill_task(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__KillTaskMessage *message =
        AGENT_READ(Pb__Internal__KillTaskMessage, pb__internal__kill_task_message, agent, event);
    if (message == NULL || !agent_is_master(agent, &event->from, "KillTaskMessage") ||
        agent->state == AGENT_RECOVERING || agent->state == AGENT_TERMINATING) {
        return;
    }
    struct framework *framework = framework_find(agent, message->framework_id->value);
    if (framework == NULL || framework->state == FRAMEWORK_TERMINATING) {
        agent_log(agent, LOG_LEVEL_WARNING, "not killing task %s: framework %s is not here",
                  message->task_id->value, message->framework_id->value);
        return;
    }
    agent_log(agent, LOG_LEVEL_INFO, "asked to kill task %s of framework %s",
              message->task_id->value, framework->id);
    struct task *task = framework_find_task(framework, message->task_id->value);
    if (task != NULL) {
        kill_known(task, message->kill_policy);
        return;
    }
    status_from_agent(agent, &(struct status_options){
                                 .framework_id = framework->id,
                                 .task_id = message->task_id->value,
                                 .state = framework_dropped(framework),
                                 .reason = PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
                                 .message = "Cannot find executor",
                             });
}

/* --- draining --- */

/* The drain's grace, where it is shorter than the task's own; else NULL. */
static Pb__KillPolicy *drain_policy(struct agent *agent, struct task *task,
                                    const Pb__DrainConfig *config)
{
    struct arena *arena = &agent->arena;
    if (config->max_grace_period == NULL) {
        return NULL;
    }
    const Pb__Task *described = agent_describe_task(agent, task);
    const Pb__KillPolicy *own = described->kill_policy;
    if (own != NULL && own->grace_period != NULL &&
        own->grace_period->nanoseconds <= config->max_grace_period->nanoseconds) {
        return NULL;
    }
    Pb__KillPolicy *policy = MESSAGE_NEW(Pb__KillPolicy, pb__kill_policy, arena);
    policy->grace_period = MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, arena);
    policy->grace_period->nanoseconds = config->max_grace_period->nanoseconds;
    return policy;
}

/* All tasks by name first: kills change the lists. */
static void kill_all(struct agent *agent, const Pb__DrainConfig *config)
{
    struct arena *arena = &agent->arena;
    size_t count = 0;
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        count += framework->tasks.count;
    }
    const char **frameworks = arena_alloc_array(arena, count + 1, sizeof(*frameworks));
    const char **tasks = arena_alloc_array(arena, count + 1, sizeof(*tasks));
    count = 0;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            const struct list *lists[] = {&executor->launched, &executor->queued};
            for (size_t i = 0; i < ELEMENTS(lists); i++) {
                struct task *task;
                LIST_FOR_EACH (task, lists[i], link) {
                    frameworks[count] = arena_strdup(arena, framework->id);
                    tasks[count++] = arena_strdup(arena, task->id);
                }
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        framework = framework_find(agent, frameworks[i]);
        struct task *task = framework != NULL ? framework_find_task(framework, tasks[i]) : NULL;
        if (task != NULL && (task->phase == TASK_QUEUED || task->phase == TASK_LAUNCHED)) {
            kill_known(task, drain_policy(agent, task, config));
        }
    }
}

static void drain(struct agent *agent, const Pb__DrainConfig *config)
{
    struct arena *arena = &agent->arena;
    if (agent->frameworks.count == 0 && agent->operations.count == 0) {
        return; /* drained already */
    }
    agent_log(agent, LOG_LEVEL_INFO, "draining%s: killing all tasks",
              config->has_mark_gone && config->mark_gone ? ", to be gone then" : "");
    blob_unref(agent->drain_config);
    agent->drain_config = message_encode_blob(&config->base);
    agent->drain_marks_gone = config->has_mark_gone && config->mark_gone;
    agent->drain_start_wall_ns = agent->now.wall_ns;
    const char *folder = paths_agent(arena, agent->setup.meta_dir, agent->id);
    agent_store_message(agent, paths_join(arena, folder, "drain.config"), agent->drain_config, 0);
    kill_all(agent, config);
}

void kill_drain(struct agent *agent, const struct net_event *event)
{
    Pb__Internal__DrainSlaveMessage *message = AGENT_READ(
        Pb__Internal__DrainSlaveMessage, pb__internal__drain_slave_message, agent, event);
    if (message != NULL && agent_is_master(agent, &event->from, "DrainSlaveMessage")) {
        drain(agent, message->config);
    }
}

void kill_drain_again(struct agent *agent)
{
    if (agent->drain_config != NULL) {
        Pb__DrainConfig *config =
            MESSAGES_READ(Pb__DrainConfig, pb__drain_config, agent->drain_config, &agent->arena);
        drain(agent, config);
    }
}
