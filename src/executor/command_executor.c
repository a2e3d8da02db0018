#include "executor/command_executor.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/sm.h"
#include "common/xalloc.h"
#include "executor/exec_check.h"
#include "wire/message.h"

/* From SIGTERM to SIGKILL, if nobody says otherwise. */
#define KILL_GRACE_NS (3 * NS_PER_SEC)
/* The agent destroys the container when the shutdown grace is over: be done before. */
#define SHUTDOWN_MARGIN_NS (2 * NS_PER_SEC)
/* How long the last update may stay unacknowledged before the executor ends all the same. */
/* An event from the agent holds one task. */
#define EVENT_BUDGET_SIZE (64u << 20)

enum state { WAITING, RUNNING, KILLING, ENDED };

static const struct sm_state states[] = {
    [WAITING] = {"WAITING", SM_TO(RUNNING) | SM_TO(ENDED)},
    [RUNNING] = {"RUNNING", SM_TO(KILLING) | SM_TO(ENDED)},
    [KILLING] = {"KILLING", SM_TO(ENDED)},
    [ENDED] = {"ENDED", 0},
};
static const struct sm_table table = {"command executor", states, ELEMENTS(states)};

enum { TIMER_ESCALATE = EXEC_TIMER_OWN, TIMER_COMPLETION, TIMER_LAST_ACK };

/* Tokens of what is spawned or probed; probes get a new one each. */
#define TOKEN_TASK 1

struct command_executor {
    struct exec_session session;
    struct timers timers;
    enum state state;
    struct arena task_arena; /* owns the task */
    Pb__TaskInfo *task;      /* NULL while WAITING */
    struct exec_check check;
    struct exec_check health;
    uint64_t check_token; /* of the probe under way */
    uint64_t health_token;
    uint64_t next_token;
    bool knows_health; /* `healthy` was told */
    bool healthy;
    bool is_unhealthy_kill; /* the health check asked for the kill */
    bool is_overdue;        /* max_completion_time is over */
    bool is_leaving;        /* nobody is there to acknowledge the last update */
    bool is_shut_down;
    struct timer escalate;
    struct timer completion;
    struct timer last_ack;
    int64_t kill_started_ns;
};

/* What one step needs. */
struct step {
    struct command_executor *executor;
    const struct now *now;
    struct exec_effects *effects;
    struct arena arena;
};

struct command_executor *command_executor_new(const struct exec_options *options)
{
    struct command_executor *executor = xalloc(sizeof(*executor));
    timers_init(&executor->timers);
    exec_session_init(&executor->session, options, &executor->timers);
    exec_check_init_none(&executor->check);
    exec_check_init_none(&executor->health);
    arena_init(&executor->task_arena, 0);
    executor->next_token = TOKEN_TASK + 1;
    timer_init(&executor->escalate, TIMER_ESCALATE, executor);
    timer_init(&executor->completion, TIMER_COMPLETION, executor);
    timer_init(&executor->last_ack, TIMER_LAST_ACK, executor);
    return executor;
}

struct command_executor *command_executor_free(struct command_executor *executor)
{
    if (executor != NULL) {
        exec_session_deinit(&executor->session);
        timers_deinit(&executor->timers);
        arena_deinit(&executor->task_arena);
        free(executor);
    }
    return NULL;
}

int64_t command_executor_deadline(const struct command_executor *executor)
{
    int64_t checks_ns = MIN(executor->check.deadline_ns, executor->health.deadline_ns);
    return MIN(timers_deadline(&executor->timers), checks_ns);
}

/* --- updates --- */

static Pb__TaskStatus *new_status(struct step *step, Pb__TaskState state, bool with_result)
{
    struct command_executor *executor = step->executor;
    Pb__TaskStatus *status = exec_session_status(
        &executor->session, step->now, executor->task->task_id->value, state, &step->arena);
    if (executor->task->check != NULL) {
        status->check_status = exec_check_status(&executor->check, with_result, &step->arena);
    }
    return status;
}

static void update(struct step *step, Pb__TaskState state)
{
    exec_session_update(&step->executor->session, new_status(step, state, false), step->effects);
}

/* A health update keeps the last check result, and the other way round. */
static void update_checked(struct step *step, Pb__TaskStatus__Reason reason)
{
    Pb__TaskStatus *status = new_status(step, PB__TASK_STATE__TASK_RUNNING, true);
    status->has_reason = true;
    status->reason = reason;
    status->has_healthy = step->executor->knows_health;
    status->healthy = step->executor->healthy;
    exec_session_update(&step->executor->session, status, step->effects);
}

/* --- the end of the task --- */

static void stop_checks(struct step *step)
{
    struct command_executor *executor = step->executor;
    if (exec_check_pause(&executor->check)) {
        exec_effect_add(step->effects, EXEC_ABANDON, executor->check_token);
    }
    if (exec_check_pause(&executor->health)) {
        exec_effect_add(step->effects, EXEC_ABANDON, executor->health_token);
    }
    executor->check_token = executor->health_token = 0;
}

static void wait_for_last_ack(struct step *step)
{
    struct command_executor *executor = step->executor;
    timers_set(&executor->timers, &executor->last_ack,
               step->now->mono_ns +
                   (executor->is_shut_down ? EXEC_SHUTDOWN_ACK_NS : EXEC_LAST_ACK_NS));
}

static void move(struct step *step, enum state to)
{
    struct command_executor *executor = step->executor;
    executor->state = (enum state)sm_move(&table, (int)executor->state, (int)to);
    if (to == KILLING || to == ENDED) {
        stop_checks(step);
        timers_cancel(&executor->timers, &executor->completion);
    }
    if (to == ENDED) {
        timers_cancel(&executor->timers, &executor->escalate);
        wait_for_last_ack(step);
    }
}

static void kill_task(struct step *step, int64_t grace_ns)
{
    struct command_executor *executor = step->executor;
    int64_t now_ns = step->now->mono_ns;
    if (executor->state == KILLING) {
        /* A later kill may shorten the grace, never lengthen it. */
        int64_t deadline_ns = MAX(now_ns, time_add_ns(executor->kill_started_ns, grace_ns));
        if (timer_is_set(&executor->escalate) && deadline_ns < executor->escalate.deadline_ns) {
            timers_set(&executor->timers, &executor->escalate, deadline_ns);
        }
        return;
    }
    if (executor->state != RUNNING) {
        return;
    }
    if (executor->session.knows_killing && !executor->is_overdue) {
        update(step, PB__TASK_STATE__TASK_KILLING);
    }
    move(step, KILLING);
    exec_log(step->effects, "Sending SIGTERM to the task's processes");
    exec_effect_add(step->effects, EXEC_SIGNAL, TOKEN_TASK)->signal = SIGTERM;
    executor->kill_started_ns = now_ns;
    timers_set(&executor->timers, &executor->escalate, time_add_ns(now_ns, grace_ns));
}

static void escalate(struct step *step)
{
    exec_log(step->effects, "The task did not end in time: sending SIGKILL");
    exec_effect_add(step->effects, EXEC_SIGNAL, TOKEN_TASK)->signal = SIGKILL;
}

static void task_exited(struct step *step, int wait_status)
{
    struct command_executor *executor = step->executor;
    bool killed = executor->state == KILLING;
    Pb__TaskState state = PB__TASK_STATE__TASK_FAILED;
    if (killed && !executor->is_overdue) {
        state = PB__TASK_STATE__TASK_KILLED;
    } else if (!killed && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
        state = PB__TASK_STATE__TASK_FINISHED;
    }
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_append_text(&text, "Command ");
    exec_describe_status(wait_status, &text);
    exec_log(step->effects, "%s", buf_text(&text));
    move(step, ENDED);
    Pb__TaskStatus *status = new_status(step, state, false);
    status->message = arena_strdup(&step->arena, buf_text(&text));
    if (executor->is_overdue) {
        status->has_reason = true;
        status->reason = PB__TASK_STATUS__REASON__REASON_MAX_COMPLETION_TIME_REACHED;
    }
    if (killed && executor->is_unhealthy_kill) {
        status->has_healthy = true;
        status->healthy = false;
    }
    exec_session_update(&executor->session, status, step->effects);
    if (executor->is_leaving) {
        exec_quit(step->effects, 1);
    }
}

static void shut_down(struct step *step)
{
    struct command_executor *executor = step->executor;
    executor->is_shut_down = true;
    if (executor->state == ENDED) {
        wait_for_last_ack(step);
    } else if (executor->state == RUNNING || executor->state == KILLING) {
        kill_task(step, MAX(0, executor->session.options.shutdown_grace_ns - SHUTDOWN_MARGIN_NS));
    } else if (executor->state == WAITING) {
        exec_quit(step->effects, 0);
    }
}

/* The agent will not come back: end the task, and then this. */
static void leave(struct step *step)
{
    step->executor->is_leaving = true;
    if (step->executor->state == ENDED) {
        exec_quit(step->effects, 1);
    } else {
        shut_down(step);
    }
}

/* --- checks --- */

static uint64_t probe(struct step *step, const struct exec_check *check)
{
    uint64_t token = step->executor->next_token++;
    if (check->kind == EXEC_CHECK_COMMAND) {
        struct exec_effect *effect = exec_effect_add(step->effects, EXEC_SPAWN, token);
        effect->command = exec_session_command(check->command, NULL, 0);
        effect->to_stderr = true;
    } else {
        enum exec_effect_type type =
            check->kind == EXEC_CHECK_HTTP ? EXEC_PROBE_HTTP : EXEC_PROBE_TCP;
        struct exec_effect *effect = exec_effect_add(step->effects, type, token);
        effect->target = xstrdup(check->url);
        effect->timeout_ns = check->timeout_ns;
    }
    return token;
}

static void take_result(struct step *step, struct exec_check *check,
                        struct exec_check_result result)
{
    struct command_executor *executor = step->executor;
    struct exec_check_verdict verdict = exec_check_take(check, step->now->mono_ns, result);
    if (!verdict.tell) {
        return;
    }
    if (!check->is_health) {
        update_checked(step, PB__TASK_STATUS__REASON__REASON_TASK_CHECK_STATUS_UPDATED);
        return;
    }
    executor->knows_health = true;
    executor->healthy = verdict.healthy;
    update_checked(step, PB__TASK_STATUS__REASON__REASON_TASK_HEALTH_CHECK_STATUS_UPDATED);
    if (verdict.kill) {
        exec_log(step->effects, "Killing the task: it is unhealthy");
        executor->is_unhealthy_kill = true;
        const Pb__KillPolicy *policy = executor->task->kill_policy;
        kill_task(step, policy != NULL && policy->grace_period != NULL
                            ? policy->grace_period->nanoseconds
                            : KILL_GRACE_NS);
    }
}

static void step_check(struct step *step, struct exec_check *check, uint64_t *token)
{
    switch (exec_check_step(check, step->now->mono_ns)) {
    case EXEC_CHECK_NOTHING:
        break;
    case EXEC_CHECK_PROBE:
        *token = probe(step, check);
        break;
    case EXEC_CHECK_TIMED_OUT:
        exec_effect_add(step->effects, EXEC_ABANDON, *token);
        *token = 0;
        take_result(step, check, (struct exec_check_result){.known = false});
        break;
    }
}

/* A probe or a check's command has ended; others than the ones under way were abandoned. */
static void probe_ended(struct step *step, uint64_t token, struct exec_check_result result)
{
    struct command_executor *executor = step->executor;
    if (token == executor->check_token) {
        executor->check_token = 0;
        take_result(step, &executor->check, result);
    } else if (token == executor->health_token) {
        executor->health_token = 0;
        take_result(step, &executor->health, result);
    }
}

/* --- the agent's events --- */

static void launch(struct step *step, const Pb__TaskInfo *task)
{
    struct command_executor *executor = step->executor;
    if (executor->state != WAITING || task->command == NULL || task->command->value == NULL) {
        /* The agent sends one task, and it has a command: validation sees to both. */
        Pb__TaskStatus *status =
            exec_session_status(&executor->session, step->now, task->task_id->value,
                                PB__TASK_STATE__TASK_FAILED, &step->arena);
        status->message = arena_strdup(&step->arena, "a command executor runs one task, a command");
        exec_session_update(&executor->session, status, step->effects);
        return;
    }
    executor->task = MESSAGE_CLONE(task, &executor->task_arena);
    exec_session_add_task(&executor->session, executor->task);
    if (task->check != NULL) {
        exec_check_init(&executor->check, executor->task->check, &executor->task_arena);
    }
    if (task->health_check != NULL) {
        exec_check_init_health(&executor->health, executor->task->health_check,
                               &executor->task_arena);
    }
    update(step, PB__TASK_STATE__TASK_STARTING);
    const char *role = task->n_resources != 0 && task->resources[0]->allocation_info != NULL
                           ? task->resources[0]->allocation_info->role
                           : NULL;
    struct exec_env extra = {(char[]){"MESOS_ALLOCATION_ROLE"},
                             arena_strdup(&step->arena, role != NULL ? role : "*")};
    exec_log(step->effects, "Starting task %s", task->task_id->value);
    struct exec_effect *effect = exec_effect_add(step->effects, EXEC_SPAWN, TOKEN_TASK);
    effect->command = exec_session_command(executor->task->command, &extra, 1);
    move(step, RUNNING);
    update(step, PB__TASK_STATE__TASK_RUNNING);
    exec_check_start(&executor->check, step->now->mono_ns);
    exec_check_start(&executor->health, step->now->mono_ns);
    const Pb__DurationInfo *completion = task->max_completion_time;
    if (completion != NULL && completion->nanoseconds > 0) {
        timers_set(&executor->timers, &executor->completion,
                   time_add_ns(step->now->mono_ns, completion->nanoseconds));
    }
}

static void killed_by_framework(struct step *step, const Pb__Executor__Event__Kill *kill)
{
    const Pb__KillPolicy *own =
        step->executor->task != NULL ? step->executor->task->kill_policy : NULL;
    int64_t grace_ns = KILL_GRACE_NS;
    if (kill->kill_policy != NULL && kill->kill_policy->grace_period != NULL) {
        grace_ns = kill->kill_policy->grace_period->nanoseconds;
    } else if (own != NULL && own->grace_period != NULL) {
        grace_ns = own->grace_period->nanoseconds;
    }
    kill_task(step, MAX(grace_ns, 0));
}

static void acknowledged(struct step *step, const Pb__Executor__Event__Acknowledged *event)
{
    struct command_executor *executor = step->executor;
    exec_session_acknowledged(&executor->session, event);
    if (executor->state == ENDED && exec_session_is_settled(&executor->session)) {
        exec_quit(step->effects, 0);
    }
}

static void dispatch(struct step *step, const Pb__Executor__Event *event)
{
    struct command_executor *executor = step->executor;
    switch (event->has_type ? event->type : PB__EXECUTOR__EVENT__TYPE__UNKNOWN) {
    case PB__EXECUTOR__EVENT__TYPE__SUBSCRIBED:
        exec_session_subscribed(&executor->session, event->subscribed, step->effects);
        exec_log(step->effects, "Subscribed with the agent");
        break;
    case PB__EXECUTOR__EVENT__TYPE__LAUNCH:
        launch(step, event->launch->task);
        break;
    case PB__EXECUTOR__EVENT__TYPE__KILL:
        killed_by_framework(step, event->kill);
        break;
    case PB__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED:
        acknowledged(step, event->acknowledged);
        break;
    case PB__EXECUTOR__EVENT__TYPE__SHUTDOWN:
        shut_down(step);
        break;
    case PB__EXECUTOR__EVENT__TYPE__ERROR:
        exec_log(step->effects, "The agent says: %s", event->error->message);
        exec_quit(step->effects, 1);
        break;
    case PB__EXECUTOR__EVENT__TYPE__LAUNCH_GROUP:
        exec_log(step->effects, "A command executor cannot run a group of tasks");
        exec_quit(step->effects, 1);
        break;
    case PB__EXECUTOR__EVENT__TYPE__UNKNOWN:
    case PB__EXECUTOR__EVENT__TYPE__MESSAGE:
    case PB__EXECUTOR__EVENT__TYPE__HEARTBEAT:
    case _PB__EXECUTOR__EVENT__TYPE_IS_INT_SIZE:
        break;
    }
}

/* The member that belongs to the type must be there. */
static bool is_whole(const Pb__Executor__Event *event)
{
    switch (event->has_type ? event->type : PB__EXECUTOR__EVENT__TYPE__UNKNOWN) {
    case PB__EXECUTOR__EVENT__TYPE__SUBSCRIBED:
        return event->subscribed != NULL;
    case PB__EXECUTOR__EVENT__TYPE__LAUNCH:
        return event->launch != NULL;
    case PB__EXECUTOR__EVENT__TYPE__LAUNCH_GROUP:
        return event->launch_group != NULL;
    case PB__EXECUTOR__EVENT__TYPE__KILL:
        return event->kill != NULL;
    case PB__EXECUTOR__EVENT__TYPE__ACKNOWLEDGED:
        return event->acknowledged != NULL;
    case PB__EXECUTOR__EVENT__TYPE__ERROR:
        return event->error != NULL;
    case PB__EXECUTOR__EVENT__TYPE__UNKNOWN:
    case PB__EXECUTOR__EVENT__TYPE__MESSAGE:
    case PB__EXECUTOR__EVENT__TYPE__SHUTDOWN:
    case PB__EXECUTOR__EVENT__TYPE__HEARTBEAT:
    case _PB__EXECUTOR__EVENT__TYPE_IS_INT_SIZE:
        return true;
    }
    return false;
}

static void record(struct step *step, struct slice bytes)
{
    struct arena arena;
    arena_init(&arena, EVENT_BUDGET_SIZE);
    Pb__Executor__Event *event;
    struct err err;
    if (MESSAGE_DECODE(Pb__Executor__Event, pb__executor__event, bytes, &arena, &event, &err) !=
        0) {
        exec_log(step->effects, "An event of the agent is not understood: %s", err.text);
    } else if (is_whole(event)) {
        dispatch(step, event);
    }
    arena_deinit(&arena);
}

/* --- time --- */

static void timer_fired(struct step *step, const struct timer *timer)
{
    struct command_executor *executor = step->executor;
    switch (timer->kind) {
    case EXEC_TIMER_RETRY:
        exec_session_subscribe(&executor->session, step->effects);
        break;
    case EXEC_TIMER_GIVE_UP:
        exec_log(step->effects, "The agent has been away for too long");
        leave(step);
        break;
    case TIMER_ESCALATE:
        escalate(step);
        break;
    case TIMER_COMPLETION:
        exec_log(step->effects, "Killing the task: its max_completion_time is over");
        executor->is_overdue = true;
        kill_task(step, 0);
        break;
    case TIMER_LAST_ACK:
        exec_quit(step->effects, 0);
        break;
    default:
        WRONG("a timer of nobody");
    }
}

static void tick(struct step *step)
{
    struct command_executor *executor = step->executor;
    struct timer *timer;
    while ((timer = timers_pop(&executor->timers, step->now->mono_ns)) != NULL) {
        timer_fired(step, timer);
    }
    step_check(step, &executor->check, &executor->check_token);
    step_check(step, &executor->health, &executor->health_token);
}

static void exited(struct step *step, const struct exec_event *event)
{
    if (event->token == TOKEN_TASK) {
        if (step->executor->state != ENDED) {
            task_exited(step, event->status);
        }
        return;
    }
    /* A check's command that dies of a signal gives no result. */
    struct exec_check_result result = {WIFEXITED(event->status), WEXITSTATUS(event->status)};
    probe_ended(step, event->token, result);
}

static void probed(struct step *step, const struct exec_event *event)
{
    const struct command_executor *executor = step->executor;
    const struct exec_check *check =
        event->token == executor->check_token ? &executor->check : &executor->health;
    struct exec_check_result result = {.known = event->status >= 0, .value = event->status};
    if (check->kind == EXEC_CHECK_TCP) {
        /* That one cannot connect is a result. */
        result = (struct exec_check_result){.known = true, .value = event->status >= 0};
    }
    probe_ended(step, event->token, result);
}

void command_executor_step(struct command_executor *executor, const struct now *now,
                           const struct exec_event *event, struct exec_effects *effects)
{
    struct step step = {.executor = executor, .now = now, .effects = effects};
    arena_init(&step.arena, 0);
    switch (event->type) {
    case EXEC_START:
        exec_session_subscribe(&executor->session, effects);
        break;
    case EXEC_RECORD:
        record(&step, event->bytes);
        break;
    case EXEC_DISCONNECTED:
        if (!exec_session_disconnected(&executor->session, now->mono_ns)) {
            exec_log(effects, "The agent has gone, and there is no checkpointing: ending");
            leave(&step);
        }
        break;
    case EXEC_EXITED:
        exited(&step, event);
        break;
    case EXEC_PROBED:
        probed(&step, event);
        break;
    case EXEC_TERMINATE:
        shut_down(&step);
        break;
    case EXEC_REPLY:
        break; /* this executor makes no agent calls */
    case EXEC_TICK:
        tick(&step);
        break;
    }
    arena_deinit(&step.arena);
}
