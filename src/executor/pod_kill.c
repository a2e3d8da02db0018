#include <errno.h>
#include <signal.h>

#include "executor/pod.h"
#include "wire/message.h"

int64_t pod_own_grace_ns(const struct pod_task *task)
{
    const Pb__KillPolicy *policy = task->info->kill_policy;
    return policy != NULL && policy->grace_period != NULL
               ? MAX(policy->grace_period->nanoseconds, (int64_t)0)
               : POD_KILL_GRACE_NS;
}

static void send_signal(struct pod_step *step, struct pod_task *task, int signal_number)
{
    Pb__Agent__Call *call = pod_new_call(step, PB__AGENT__CALL__TYPE__KILL_CONTAINER);
    call->kill_container =
        MESSAGE_NEW(Pb__Agent__Call__KillContainer, pb__agent__call__kill_container, &step->arena);
    call->kill_container->container_id = task->container_id;
    call->kill_container->has_signal = true;
    call->kill_container->signal = signal_number;
    task->kill_signal = signal_number;
    task->kill_token = pod_agent_call(step, call, EXEC_AGENT_CALL);
}

void pod_kill(struct pod_step *step, struct pod_task *task, int64_t grace_ns)
{
    struct default_executor *executor = step->executor;
    switch (task->state) {
    case POD_TASK_LAUNCHING:
        /* The reference loses it; here it is kept for when the container is there. */
        task->kill_wanted = true;
        task->kill_wanted_grace_ns = grace_ns;
        return;
    case POD_TASK_KILLING: {
        int64_t deadline_ns = MAX(step->now->mono_ns, time_add_ns(task->kill_started_ns, grace_ns));
        if (timer_is_set(&task->escalate) && deadline_ns < task->escalate.deadline_ns) {
            timers_set(&executor->timers, &task->escalate, deadline_ns);
        }
        return;
    }
    case POD_TASK_ENDED:
        return;
    case POD_TASK_RUNNING:
        break;
    }
    if (executor->session.knows_killing && !task->is_overdue) {
        exec_session_update(&executor->session,
                            pod_status(step, task, PB__TASK_STATE__TASK_KILLING, false),
                            step->effects);
    }
    pod_move(step, task, POD_TASK_KILLING);
    task->kill_started_ns = step->now->mono_ns;
    timers_set(&executor->timers, &task->escalate, time_add_ns(step->now->mono_ns, grace_ns));
    exec_log(step->effects, "Killing task %s", task->info->task_id->value);
    send_signal(step, task, SIGTERM);
}

void pod_kill_group(struct pod_step *step, struct pod_task *because_of)
{
    struct pod_task *task;
    because_of->group_kill_done = true;
    LIST_FOR_EACH (task, &step->executor->tasks, link) {
        if (task->group == because_of->group && task != because_of) {
            task->group_kill_done = true;
            pod_kill(step, task, POD_KILL_GRACE_NS);
        }
    }
}

void pod_kill_answered(struct pod_step *step, struct pod_task *task, const struct exec_event *event)
{
    task->kill_token = 0;
    if (event->status == 200 || event->status == 404 || task->state != POD_TASK_KILLING) {
        return;
    }
    /* Not taken: SIGKILL is tried again until it is, an earlier SIGTERM is left to the grace. */
    if (task->kill_signal == SIGKILL) {
        timers_set(&step->executor->timers, &task->escalate, step->now->mono_ns + POD_RETRY_NS);
    }
}

void pod_escalate(struct pod_step *step, struct pod_task *task)
{
    if (task->state == POD_TASK_KILLING) {
        exec_log(step->effects, "Task %s did not end in time: sending SIGKILL",
                 task->info->task_id->value);
        send_signal(step, task, SIGKILL);
    }
}

void pod_shut_down(struct pod_step *step)
{
    struct default_executor *executor = step->executor;
    executor->is_shut_down = true;
    if (timer_is_set(&executor->last_ack)) {
        pod_wait_for_last_ack(step);
    }
    if (executor->shutting_down) {
        return;
    }
    exec_log(step->effects, "Shutting down");
    executor->shutting_down = true;
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        pod_kill(step, task, POD_KILL_GRACE_NS);
    }
    pod_finish_if_empty(step);
}
