/* How executors end: asked to, by themselves, or with their container. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/executor.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "agent/status.h"
#include "common/xalloc.h"

void executor_set_end(struct executor *executor, Pb__TaskState state, Pb__TaskStatus__Reason reason,
                      const char *fmt, ...)
{
    char text[ERR_TEXT_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    free(executor->end.message);
    executor->end = (struct executor_end){
        .is_set = true, .state = state, .reason = reason, .message = xstrdup(text)};
}

void executor_shut_down(struct executor *executor)
{
    struct agent *agent = executor->agent;
    ASSERT(executor->state == EXECUTOR_REGISTERING || executor->state == EXECUTOR_RUNNING);
    agent_log(agent, LOG_LEVEL_INFO, "shutting down executor '%s' of framework %s", executor->id,
              executor->framework->id);
    executor_move(executor, EXECUTOR_TERMINATING);
    Pb__Internal__ShutdownExecutorMessage message = PB__INTERNAL__SHUTDOWN_EXECUTOR_MESSAGE__INIT;
    Pb__Executor__Event event = PB__EXECUTOR__EVENT__INIT;
    event.has_type = 1;
    event.type = PB__EXECUTOR__EVENT__TYPE__SHUTDOWN;
    executor_send(executor, "mesos.internal.ShutdownExecutorMessage", &message.base, &event);
    if (executor->container == NULL) {
        /* Its launch was not even asked for, and now never will be. */
        executor_set_end(executor, PB__TASK_STATE__TASK_FAILED,
                         PB__TASK_STATUS__REASON__REASON_CONTAINER_LAUNCH_FAILED,
                         "Executor terminating");
        executor_terminated(executor, NULL);
        return;
    }
    timers_set(&agent->timers, &executor->shutdown_timer,
               time_add_ns(agent->now.mono_ns, MAX(executor->shutdown_grace_ns, 0)));
}

void executor_registering_timeout(struct executor *executor)
{
    struct agent *agent = executor->agent;
    ASSERT(executor->state == EXECUTOR_REGISTERING);
    CLEANUP(buf_deinit) struct buf timeout = BUF_INIT;
    duration_format(agent->setup.config.executor_registration_timeout_ns, &timeout);
    agent_log(agent, LOG_LEVEL_WARNING, "executor '%s' of framework %s did not register in time",
              executor->id, executor->framework->id);
    executor_set_end(executor, PB__TASK_STATE__TASK_FAILED,
                     PB__TASK_STATUS__REASON__REASON_EXECUTOR_REGISTRATION_TIMEOUT,
                     "Executor did not register within %s", buf_text(&timeout));
    executor_move(executor, EXECUTOR_TERMINATING);
    if (executor->container != NULL) {
        container_request_add(&agent->effects->containers, CONTAINER_DESTROY,
                              executor->container_id);
    } else {
        executor_terminated(executor, NULL);
    }
}

void executor_shutdown_timeout(struct executor *executor)
{
    ASSERT(executor->state == EXECUTOR_TERMINATING);
    agent_log(executor->agent, LOG_LEVEL_INFO, "killing executor '%s' of framework %s",
              executor->id, executor->framework->id);
    container_request_add(&executor->agent->effects->containers, CONTAINER_DESTROY,
                          executor->container_id);
}

/* How a task of an executor whose container has ended, ends (facts: state machines, 2.2). */
struct task_end {
    Pb__TaskState state;
    Pb__TaskStatus__Reason reason;
    const char *message;
    const struct blob *limitation;
};

static struct task_end task_end_of(struct executor *executor, const struct container_report *report)
{
    struct arena *arena = &executor->agent->arena;
    struct task_end end = {
        .state = PB__TASK_STATE__TASK_FAILED,
        .reason = PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
        .message = "Executor terminated",
    };
    if (executor->end.is_set) {
        end.state = executor->end.state;
        end.reason = executor->end.reason;
        end.message = executor->end.message;
    }
    if (report == NULL) {
        return end;
    }
    switch (report->limit) {
    case CONTAINER_LIMIT_NONE:
        break;
    case CONTAINER_LIMIT_MEMORY:
        end.reason = PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_MEMORY;
        break;
    case CONTAINER_LIMIT_DISK:
        end.reason = PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION_DISK;
        break;
    case CONTAINER_LIMIT_OTHER:
        end.reason = PB__TASK_STATUS__REASON__REASON_CONTAINER_LIMITATION;
        break;
    }
    if (report->limit != CONTAINER_LIMIT_NONE) {
        end.state = PB__TASK_STATE__TASK_FAILED;
        end.limitation = report->limitation;
    }
    if (report->text != NULL) {
        end.message = executor->end.is_set
                          ? arena_printf(arena, "%s; %s", executor->end.message, report->text)
                          : report->text;
    }
    return end;
}

static void end_tasks(struct executor *executor, struct list *tasks, const struct task_end *end)
{
    struct arena *arena = &executor->agent->arena;
    /* Ids first: the list changes with each update. */
    size_t count = 0;
    struct task *task;
    LIST_FOR_EACH (task, tasks, link) {
        count++;
    }
    const char **ids = arena_alloc_array(arena, count, sizeof(*ids));
    size_t i = 0;
    LIST_FOR_EACH (task, tasks, link) {
        ids[i++] = arena_strdup(arena, task->id);
    }
    for (i = 0; i < count; i++) {
        status_from_agent(executor->agent, &(struct status_options){
                                               .framework_id = executor->framework->id,
                                               .task_id = ids[i],
                                               .executor_id = executor->id,
                                               .state = end->state,
                                               .reason = end->reason,
                                               .message = end->message,
                                               .limitation = end->limitation,
                                           });
    }
}

/* `status` as waitpid tells it; -1 = nobody knows. */
static void log_end(const struct executor *executor, int status)
{
    char how[64];
    if (status < 0) {
        (void)snprintf(how, sizeof(how), "in a way that nobody knows");
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(how, sizeof(how), "by signal %d", WTERMSIG(status));
    } else {
        (void)snprintf(how, sizeof(how), "with status %d", WEXITSTATUS(status));
    }
    agent_log(executor->agent, LOG_LEVEL_INFO, "executor '%s' of framework %s has ended %s",
              executor->id, executor->framework->id, how);
}

void executor_terminated(struct executor *executor, const struct container_report *report)
{
    struct agent *agent = executor->agent;
    struct framework *framework = executor->framework;
    bool has_status = report != NULL && report->has_status;
    int status = has_status ? report->status : -1;
    log_end(executor, status);
    metric_add(agent->gauges.executors_terminated, 1);
    executor->container = NULL;
    executor_move(executor, EXECUTOR_TERMINATED);
    if (framework->state == FRAMEWORK_TERMINATING) {
        struct task *task;
        LIST_FOR_EACH (task, &executor->launched, link) {
            task_move(task, TASK_TERMINATED);
        }
    } else {
        struct task_end end = task_end_of(executor, report);
        end_tasks(executor, &executor->launched, &end);
        end_tasks(executor, &executor->queued, &end);
    }
    if (!executor->is_command) {
        agent_send_exited(agent, framework->id, executor->id, status);
    }
    if (agent->state == AGENT_TERMINATING || framework->state == FRAMEWORK_TERMINATING ||
        !executor_has_tasks(executor)) {
        executor_retire(executor);
    }
    framework_retire_if_idle(framework);
}

/* Its folders, in work_dir and meta, and those of older runs go once the delay is over. */
static void schedule_folders(struct executor *executor)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    struct run_ids ids = executor_ids(executor);
    int64_t now_ns = agent->now.wall_ns;
    gc_schedule(agent, paths_run(arena, agent->setup.config.work_dir, &ids), now_ns);
    gc_schedule(agent, paths_executor(arena, agent->setup.config.work_dir, &ids), now_ns);
    if (executor->checkpoint) {
        gc_schedule(agent, paths_run(arena, agent->setup.meta_dir, &ids), now_ns);
        gc_schedule(agent, paths_executor(arena, agent->setup.meta_dir, &ids), now_ns);
    }
}

/* Whose acknowledgement is not waited for any more. One that was cut off with its framework is
 * shown as killed, as the master records it. */
static void keep_ended(struct task *task)
{
    if (!task_state_is_terminal(task->state)) {
        task->state = PB__TASK_STATE__TASK_KILLED;
        task_touch(task);
    }
    task_move(task, TASK_COMPLETED);
}

void executor_remember(struct executor *executor)
{
    struct framework *framework = executor->framework;
    ASSERT(executor->state == EXECUTOR_TERMINATED);
    map_remove(&framework->executors, &executor->by_id);
    list_remove(&executor->link);
    list_push_back(&framework->completed, &executor->link);
    framework->completed_count++;
    struct list *lists[] = {&executor->queued, &executor->launched, &executor->terminated};
    for (size_t i = 0; i < ELEMENTS(lists); i++) {
        struct task *task;
        LIST_FOR_EACH (task, lists[i], link) {
            keep_ended(task);
        }
    }
    int64_t count_max = executor->agent->setup.config.max_completed_executors_per_framework;
    if (framework->completed_count > (size_t)MAX(count_max, 0)) {
        struct executor *oldest = LIST_ENTRY(framework->completed.next, struct executor, link);
        framework->completed_count--;
        executor_free(oldest);
    }
}

void executor_retire(struct executor *executor)
{
    struct agent *agent = executor->agent;
    if (executor->checkpoint) {
        struct run_ids ids = executor_ids(executor);
        const char *sentinel =
            paths_join(&agent->arena, paths_run(&agent->arena, agent->setup.meta_dir, &ids),
                       "executor.sentinel");
        store_replace(&agent->effects->store, 0, sentinel, NULL)->durable = true;
    }
    schedule_folders(executor);
    executor_remember(executor);
}
