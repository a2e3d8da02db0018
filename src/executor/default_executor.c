#include "executor/default_executor.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "executor/pod.h"
#include "wire/message.h"

/* How long the last updates may stay unacknowledged before the executor ends all the same. */
#define EVENT_BUDGET_SIZE (64u << 20)

static const struct sm_state states[] = {
    [POD_TASK_LAUNCHING] = {"LAUNCHING", SM_TO(POD_TASK_RUNNING) | SM_TO(POD_TASK_ENDED)},
    [POD_TASK_RUNNING] = {"RUNNING", SM_TO(POD_TASK_KILLING) | SM_TO(POD_TASK_ENDED)},
    [POD_TASK_KILLING] = {"KILLING", SM_TO(POD_TASK_ENDED)},
    [POD_TASK_ENDED] = {"ENDED", 0},
};
static const struct sm_table table = {"task of a group", states, ELEMENTS(states)};

struct default_executor *default_executor_new(const struct exec_options *options)
{
    struct default_executor *executor = xalloc(sizeof(*executor));
    timers_init(&executor->timers);
    exec_session_init(&executor->session, options, &executor->timers);
    list_init(&executor->tasks);
    arena_init(&executor->arena, 0);
    executor->next_token = 1;
    executor->next_group = 1;
    timer_init(&executor->last_ack, POD_TIMER_LAST_ACK, executor);
    timer_init(&executor->wait_again, POD_TIMER_WAIT, executor);
    return executor;
}

void pod_task_free(struct pod_task *task)
{
    list_remove(&task->link);
    arena_deinit(&task->arena);
    free(task->check.container);
    free(task->health.container);
    free(task);
}

struct default_executor *default_executor_free(struct default_executor *executor)
{
    if (executor != NULL) {
        /* First: it looks at the timers that tasks hold. */
        timers_deinit(&executor->timers);
        struct pod_task *task;
        LIST_FOR_EACH (task, &executor->tasks, link) {
            pod_task_free(task);
        }
        exec_session_deinit(&executor->session);
        arena_deinit(&executor->arena);
        free(executor);
    }
    return NULL;
}

int64_t default_executor_deadline(const struct default_executor *executor)
{
    int64_t deadline_ns = timers_deadline(&executor->timers);
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        deadline_ns = MIN(deadline_ns, pod_check_deadline(task));
    }
    return deadline_ns;
}

/* --- what the parts share --- */

void pod_move(struct pod_step *step, struct pod_task *task, enum pod_task_state to)
{
    task->state = (enum pod_task_state)sm_move(&table, (int)task->state, (int)to);
    if (to == POD_TASK_KILLING || to == POD_TASK_ENDED) {
        pod_check_stop(step, task);
        timers_cancel(&step->executor->timers, &task->completion);
    }
    if (to == POD_TASK_ENDED) {
        timers_cancel(&step->executor->timers, &task->escalate);
    }
}

Pb__TaskStatus *pod_status(struct pod_step *step, struct pod_task *task, Pb__TaskState state,
                           bool with_result)
{
    Pb__TaskStatus *status = exec_session_status(&step->executor->session, step->now,
                                                 task->info->task_id->value, state, &step->arena);
    if (task->info->check != NULL) {
        status->check_status = exec_check_status(&task->check.check, with_result, &step->arena);
    }
    Pb__ContainerStatus *container =
        MESSAGE_NEW(Pb__ContainerStatus, pb__container_status, &step->arena);
    container->container_id = task->container_id;
    status->container_status = container;
    return status;
}

Pb__Agent__Call *pod_new_call(struct pod_step *step, Pb__Agent__Call__Type type)
{
    Pb__Agent__Call *call = MESSAGE_NEW(Pb__Agent__Call, pb__agent__call, &step->arena);
    call->has_type = true;
    call->type = type;
    return call;
}

uint64_t pod_agent_call(struct pod_step *step, Pb__Agent__Call *call, enum exec_effect_type type)
{
    uint64_t token = step->executor->next_token++;
    exec_effect_add_bytes(step->effects, type, token, message_encode_blob(&call->base));
    return token;
}

struct pod_task *pod_find_task(struct default_executor *executor, const char *task_id)
{
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->state != POD_TASK_ENDED && strcmp(task->info->task_id->value, task_id) == 0) {
            return task;
        }
    }
    return NULL;
}

void pod_wait_for_last_ack(struct pod_step *step)
{
    struct default_executor *executor = step->executor;
    timers_set(&executor->timers, &executor->last_ack,
               step->now->mono_ns +
                   (executor->is_shut_down ? EXEC_SHUTDOWN_ACK_NS : EXEC_LAST_ACK_NS));
}

void pod_finish_if_empty(struct pod_step *step)
{
    struct default_executor *executor = step->executor;
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->state != POD_TASK_ENDED) {
            return;
        }
    }
    executor->shutting_down = true;
    if (executor->is_leaving || exec_session_is_settled(&executor->session)) {
        exec_quit(step->effects, executor->is_leaving ? 1 : 0);
    } else if (!timer_is_set(&executor->last_ack)) {
        pod_wait_for_last_ack(step);
    }
}

/* --- the agent's events --- */

static void subscribed(struct pod_step *step, const Pb__Executor__Event__Subscribed *event)
{
    struct default_executor *executor = step->executor;
    exec_session_subscribed(&executor->session, event, step->effects);
    exec_log(step->effects, "Subscribed with the agent");
    if (executor->container_id == NULL && event->container_id != NULL) {
        executor->container_id = MESSAGE_CLONE(event->container_id, &executor->arena);
    }
    pod_wait_all(step);
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        pod_check_resume(step, task);
    }
}

static void kill_by_framework(struct pod_step *step, const Pb__Executor__Event__Kill *kill)
{
    struct pod_task *task = pod_find_task(step->executor, kill->task_id->value);
    if (task == NULL) {
        exec_log(step->effects, "Ignoring a kill: there is no task %s", kill->task_id->value);
        return;
    }
    bool overridden = kill->kill_policy != NULL && kill->kill_policy->grace_period != NULL;
    pod_kill(step, task,
             overridden ? MAX(kill->kill_policy->grace_period->nanoseconds, (int64_t)0)
                        : pod_own_grace_ns(task));
}

static void acknowledged(struct pod_step *step, const Pb__Executor__Event__Acknowledged *event)
{
    struct default_executor *executor = step->executor;
    exec_session_acknowledged(&executor->session, event);
    if (executor->shutting_down && timer_is_set(&executor->last_ack)) {
        pod_finish_if_empty(step);
    }
}

static void dispatch(struct pod_step *step, const Pb__Executor__Event *event)
{
    switch (event->has_type ? event->type : PB__EXECUTOR__EVENT__TYPE__UNKNOWN) {
    case PB__EXECUTOR__EVENT__TYPE__SUBSCRIBED:
        if (event->subscribed != NULL) {
            subscribed(step, event->subscribed);
        }
        break;
    case PB__EXECUTOR__EVENT__TYPE__LAUNCH_GROUP:
        if (event->launch_group != NULL) {
            pod_launch_group(step, event->launch_group->task_group);
        }
        break;
    case PB__EXECUTOR__EVENT__TYPE__KILL:
        if (event->kill != NULL) {
            kill_by_framework(step, event->kill);
        }
        break;
    case PB__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED:
        if (event->acknowledged != NULL) {
            acknowledged(step, event->acknowledged);
        }
        break;
    case PB__EXECUTOR__EVENT__TYPE__LAUNCH:
        exec_log(step->effects, "The default executor runs groups of tasks only");
        pod_shut_down(step);
        break;
    case PB__EXECUTOR__EVENT__TYPE__SHUTDOWN:
        pod_shut_down(step);
        break;
    case PB__EXECUTOR__EVENT__TYPE__ERROR:
        exec_log(step->effects, "The agent says: %s",
                 event->error != NULL ? event->error->message : "an error");
        exec_quit(step->effects, 1);
        break;
    case PB__EXECUTOR__EVENT__TYPE__UNKNOWN:
    case PB__EXECUTOR__EVENT__TYPE__MESSAGE:
    case PB__EXECUTOR__EVENT__TYPE__HEARTBEAT:
    case _PB__EXECUTOR__EVENT__TYPE_IS_INT_SIZE:
        break;
    }
}

static void record(struct pod_step *step, struct slice bytes)
{
    struct arena arena;
    arena_init(&arena, EVENT_BUDGET_SIZE);
    Pb__Executor__Event *event;
    struct err err;
    if (MESSAGE_DECODE(Pb__Executor__Event, pb__executor__event, bytes, &arena, &event, &err) !=
        0) {
        exec_log(step->effects, "An event of the agent is not understood: %s", err.text);
    } else {
        dispatch(step, event);
    }
    arena_deinit(&arena);
}

static void leave(struct pod_step *step)
{
    step->executor->is_leaving = true;
    /* Without the agent nobody kills the containers; they end with the executor's own. */
    exec_quit(step->effects, 1);
}

static void disconnected(struct pod_step *step)
{
    struct default_executor *executor = step->executor;
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        pod_check_stop(step, task);
    }
    if (!exec_session_disconnected(&executor->session, step->now->mono_ns)) {
        exec_log(step->effects, "The agent has gone, and there is no checkpointing: ending");
        leave(step);
    }
}

static void replied(struct pod_step *step, const struct exec_event *event)
{
    struct pod_task *task;
    LIST_FOR_EACH (task, &step->executor->tasks, link) {
        if (task->state == POD_TASK_ENDED || event->token == 0) {
            continue;
        }
        if (event->token == task->launch_token) {
            pod_launch_answered(step, task, event);
            return;
        }
        if (event->token == task->wait_token) {
            pod_wait_answered(step, task, event);
            return;
        }
        if (event->token == task->kill_token) {
            pod_kill_answered(step, task, event);
            return;
        }
        if (pod_check_answered(step, task, event)) {
            return;
        }
    }
}

static void timer_fired(struct pod_step *step, struct timer *timer)
{
    struct default_executor *executor = step->executor;
    struct pod_task *task = timer->owner;
    switch (timer->kind) {
    case EXEC_TIMER_RETRY:
        exec_session_subscribe(&executor->session, step->effects);
        break;
    case EXEC_TIMER_GIVE_UP:
        exec_log(step->effects, "The agent has been away for too long");
        leave(step);
        break;
    case POD_TIMER_ESCALATE:
        pod_escalate(step, task);
        break;
    case POD_TIMER_COMPLETION:
        exec_log(step->effects, "Killing task %s: its max_completion_time is over",
                 task->info->task_id->value);
        task->is_overdue = true;
        pod_kill(step, task, 0);
        break;
    case POD_TIMER_LAST_ACK:
        exec_quit(step->effects, 0);
        break;
    case POD_TIMER_WAIT:
        if (executor->session.state == EXEC_SESSION_SUBSCRIBED) {
            pod_wait_all(step);
        }
        break;
    default:
        WRONG("a timer of nobody");
    }
}

static void tick(struct pod_step *step)
{
    struct default_executor *executor = step->executor;
    struct timer *timer;
    while ((timer = timers_pop(&executor->timers, step->now->mono_ns)) != NULL) {
        timer_fired(step, timer);
    }
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->state == POD_TASK_RUNNING) {
            pod_check_step(step, task);
        }
    }
}

static void drop_ended(struct default_executor *executor)
{
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->state == POD_TASK_ENDED) {
            pod_task_free(task);
        }
    }
}

void default_executor_step(struct default_executor *executor, const struct now *now,
                           const struct exec_event *event, struct exec_effects *effects)
{
    struct pod_step step = {.executor = executor, .now = now, .effects = effects};
    arena_init(&step.arena, 0);
    switch (event->type) {
    case EXEC_START:
        exec_session_subscribe(&executor->session, effects);
        break;
    case EXEC_RECORD:
        record(&step, event->bytes);
        break;
    case EXEC_DISCONNECTED:
        disconnected(&step);
        break;
    case EXEC_REPLY:
    case EXEC_PROBED:
        replied(&step, event);
        break;
    case EXEC_TERMINATE:
        pod_shut_down(&step);
        break;
    case EXEC_EXITED:
        break; /* this executor spawns nothing */
    case EXEC_TICK:
        tick(&step);
        break;
    }
    drop_ended(executor);
    arena_deinit(&step.arena);
}
