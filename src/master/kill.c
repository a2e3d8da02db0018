/* KILL of a task, SHUTDOWN of an executor. */
#include "master/calls.h"
#include "master/master_state.h"
#include "wire/message.h"

/* One that is not known is reconciled (facts/state_machines.md 2.4). */
static void reconcile(struct master *master, struct framework *framework,
                      const Pb__Scheduler__Call__Kill *call)
{
    Pb__Scheduler__Call__Reconcile__Task task = PB__SCHEDULER__CALL__RECONCILE__TASK__INIT;
    Pb__Scheduler__Call__Reconcile__Task *tasks[] = {&task};
    Pb__Scheduler__Call__Reconcile about = PB__SCHEDULER__CALL__RECONCILE__INIT;
    task.task_id = call->task_id;
    task.agent_id = call->agent_id;
    about.n_tasks = 1;
    about.tasks = tasks;
    master_reconcile(master, framework, &about);
}

void master_kill(struct master *master, struct framework *framework,
                 const Pb__Scheduler__Call__Kill *call)
{
    master_count(master, COUNTER_MESSAGES_KILL_TASK);
    struct task *task = master_find_task(framework, slice_from(call->task_id->value));
    if (task == NULL) {
        reconcile(master, framework, call);
        return;
    }
    if (call->agent_id != NULL && !slice_is(blob_slice(task->agent->id), call->agent_id->value)) {
        return;
    }
    /* Also when the agent is away: it is told when it comes back. */
    task->killing = true;
    if (!task->agent->connected) {
        return;
    }
    Pb__Internal__KillTaskMessage message = PB__INTERNAL__KILL_TASK_MESSAGE__INIT;
    Pb__FrameworkID framework_id = PB__FRAMEWORK_ID__INIT;
    framework_id.value = framework->id->data;
    message.framework_id = &framework_id;
    message.task_id = call->task_id;
    message.kill_policy = call->kill_policy;
    master_log(master, LOG_LEVEL_INFO, "Telling agent %s to kill task %s of framework %s",
               task->agent->id->data, call->task_id->value, framework->id->data);
    MASTER_SEND(master, &task->agent->upid, "KillTaskMessage", &message);
}

void master_shutdown(struct master *master, struct framework *framework,
                     const Pb__Scheduler__Call__Shutdown *call)
{
    const struct agent *agent = master_find_registered(master, slice_from(call->agent_id->value));
    if (agent == NULL) {
        return;
    }
    Pb__Internal__ShutdownExecutorMessage message = PB__INTERNAL__SHUTDOWN_EXECUTOR_MESSAGE__INIT;
    Pb__FrameworkID framework_id = PB__FRAMEWORK_ID__INIT;
    framework_id.value = framework->id->data;
    message.framework_id = &framework_id;
    message.executor_id = call->executor_id;
    MASTER_SEND(master, &agent->upid, "ShutdownExecutorMessage", &message);
}
