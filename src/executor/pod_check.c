#include <stdlib.h>
#include <sys/wait.h>

#include "common/xalloc.h"
#include "executor/pod.h"
#include "wire/message.h"

#define ANSWER_BUDGET_SIZE (1u << 20)

void pod_check_init(struct pod_task *task)
{
    exec_check_init_none(&task->check.check);
    exec_check_init_none(&task->health.check);
    if (task->info->check != NULL) {
        exec_check_init(&task->check.check, task->info->check, &task->arena);
    }
    if (task->info->health_check != NULL) {
        exec_check_init_health(&task->health.check, task->info->health_check, &task->arena);
    }
}

void pod_check_start(struct pod_step *step, struct pod_task *task)
{
    exec_check_start(&task->check.check, step->now->mono_ns);
    exec_check_start(&task->health.check, step->now->mono_ns);
}

static void abandon(struct pod_step *step, struct pod_probe *probe)
{
    if (probe->token != 0) {
        exec_effect_add(step->effects, EXEC_ABANDON, probe->token);
        probe->token = 0;
    }
    probe->waits = false;
}

void pod_check_stop(struct pod_step *step, struct pod_task *task)
{
    exec_check_pause(&task->check.check);
    exec_check_pause(&task->health.check);
    abandon(step, &task->check);
    abandon(step, &task->health);
}

void pod_check_resume(struct pod_step *step, struct pod_task *task)
{
    if (task->state == POD_TASK_RUNNING) {
        exec_check_resume(&task->check.check, step->now->mono_ns);
        exec_check_resume(&task->health.check, step->now->mono_ns);
    }
}

int64_t pod_check_deadline(const struct pod_task *task)
{
    return MIN(task->check.check.deadline_ns, task->health.check.deadline_ns);
}

/* --- probing: a command runs as a session nested in the task's container --- */

static Pb__ContainerID *session_id(struct pod_step *step, struct pod_task *task,
                                   const struct pod_probe *probe)
{
    Pb__ContainerID *id = MESSAGE_NEW(Pb__ContainerID, pb__container_id, &step->arena);
    id->value = arena_strdup(&step->arena, probe->container);
    id->parent = task->container_id;
    return id;
}

/* What is left of the last session goes when the next one comes (facts/observed.md, tasks 17). */
static void remove_last_session(struct pod_step *step, struct pod_task *task,
                                struct pod_probe *probe)
{
    if (probe->container == NULL) {
        return;
    }
    Pb__Agent__Call *call = pod_new_call(step, PB__AGENT__CALL__TYPE__REMOVE_NESTED_CONTAINER);
    call->remove_nested_container =
        MESSAGE_NEW(Pb__Agent__Call__RemoveNestedContainer,
                    pb__agent__call__remove_nested_container, &step->arena);
    call->remove_nested_container->container_id = session_id(step, task, probe);
    (void)pod_agent_call(step, call, EXEC_AGENT_CALL);
    free(probe->container);
    probe->container = NULL;
}

static void open_session(struct pod_step *step, struct pod_task *task, struct pod_probe *probe)
{
    remove_last_session(step, task, probe);
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    uuid_random(&step->executor->session.prng, &uuid);
    uuid_format(&uuid, text);
    probe->container = xasprintf("check-%s", text);
    Pb__Agent__Call *call =
        pod_new_call(step, PB__AGENT__CALL__TYPE__LAUNCH_NESTED_CONTAINER_SESSION);
    Pb__Agent__Call__LaunchNestedContainerSession *launch =
        MESSAGE_NEW(Pb__Agent__Call__LaunchNestedContainerSession,
                    pb__agent__call__launch_nested_container_session, &step->arena);
    call->launch_nested_container_session = launch;
    launch->container_id = session_id(step, task, probe);
    launch->command = MESSAGE_CLONE(probe->check.command, &step->arena);
    probe->token = pod_agent_call(step, call, EXEC_AGENT_SESSION);
}

static void wait_for_session(struct pod_step *step, struct pod_task *task, struct pod_probe *probe)
{
    Pb__Agent__Call *call = pod_new_call(step, PB__AGENT__CALL__TYPE__WAIT_NESTED_CONTAINER);
    call->wait_nested_container = MESSAGE_NEW(Pb__Agent__Call__WaitNestedContainer,
                                              pb__agent__call__wait_nested_container, &step->arena);
    call->wait_nested_container->container_id = session_id(step, task, probe);
    probe->waits = true;
    probe->token = pod_agent_call(step, call, EXEC_AGENT_CALL);
}

static void begin_probe(struct pod_step *step, struct pod_task *task, struct pod_probe *probe)
{
    if (probe->check.kind == EXEC_CHECK_COMMAND) {
        open_session(step, task, probe);
        return;
    }
    probe->token = step->executor->next_token++;
    struct exec_effect *effect = exec_effect_add(
        step->effects, probe->check.kind == EXEC_CHECK_HTTP ? EXEC_PROBE_HTTP : EXEC_PROBE_TCP,
        probe->token);
    effect->target = xstrdup(probe->check.url);
    effect->timeout_ns = probe->check.timeout_ns;
}

/* --- results --- */

static void tell(struct pod_step *step, struct pod_task *task, Pb__TaskStatus__Reason reason)
{
    Pb__TaskStatus *status = pod_status(step, task, PB__TASK_STATE__TASK_RUNNING, true);
    status->has_reason = true;
    status->reason = reason;
    status->has_healthy = task->knows_health;
    status->healthy = task->healthy;
    exec_session_update(&step->executor->session, status, step->effects);
}

static void take(struct pod_step *step, struct pod_task *task, struct pod_probe *probe,
                 struct exec_check_result result)
{
    struct exec_check_verdict verdict = exec_check_take(&probe->check, step->now->mono_ns, result);
    if (!verdict.tell) {
        return;
    }
    if (!probe->check.is_health) {
        tell(step, task, PB__TASK_STATUS__REASON__REASON_TASK_CHECK_STATUS_UPDATED);
        return;
    }
    task->knows_health = true;
    task->healthy = verdict.healthy;
    tell(step, task, PB__TASK_STATUS__REASON__REASON_TASK_HEALTH_CHECK_STATUS_UPDATED);
    if (verdict.kill) {
        exec_log(step->effects, "Killing task %s: it is unhealthy", task->info->task_id->value);
        pod_kill(step, task, pod_own_grace_ns(task));
    }
}

static void step_probe(struct pod_step *step, struct pod_task *task, struct pod_probe *probe)
{
    switch (exec_check_step(&probe->check, step->now->mono_ns)) {
    case EXEC_CHECK_NOTHING:
        break;
    case EXEC_CHECK_PROBE:
        begin_probe(step, task, probe);
        break;
    case EXEC_CHECK_TIMED_OUT:
        abandon(step, probe);
        take(step, task, probe, (struct exec_check_result){.known = false});
        break;
    }
}

void pod_check_step(struct pod_step *step, struct pod_task *task)
{
    step_probe(step, task, &task->check);
    step_probe(step, task, &task->health);
}

/* The exit code out of the answer to WAIT_NESTED_CONTAINER. */
static struct exec_check_result exit_of_session(const struct exec_event *event)
{
    struct exec_check_result result = {.known = false};
    struct arena arena;
    arena_init(&arena, ANSWER_BUDGET_SIZE);
    Pb__Agent__Response *answer;
    struct err err;
    if (event->status == 200 &&
        MESSAGE_DECODE(Pb__Agent__Response, pb__agent__response, event->bytes, &arena, &answer,
                       &err) == 0 &&
        answer->wait_nested_container != NULL && answer->wait_nested_container->has_exit_status) {
        int status = answer->wait_nested_container->exit_status;
        result = (struct exec_check_result){WIFEXITED(status), WEXITSTATUS(status)};
    }
    arena_deinit(&arena);
    return result;
}

static void answered(struct pod_step *step, struct pod_task *task, struct pod_probe *probe,
                     const struct exec_event *event)
{
    bool waited = probe->waits;
    probe->token = 0;
    probe->waits = false;
    switch (probe->check.kind) {
    case EXEC_CHECK_COMMAND:
        if (!waited && event->status == 200) {
            wait_for_session(step, task, probe);
            return;
        }
        take(step, task, probe, waited ? exit_of_session(event) : (struct exec_check_result){0});
        break;
    case EXEC_CHECK_HTTP:
        take(step, task, probe, (struct exec_check_result){event->status >= 0, event->status});
        break;
    case EXEC_CHECK_TCP:
        take(step, task, probe, (struct exec_check_result){true, event->status >= 0});
        break;
    case EXEC_CHECK_NONE:
        WRONG("an answer without a check");
    }
}

bool pod_check_answered(struct pod_step *step, struct pod_task *task,
                        const struct exec_event *event)
{
    if (event->token == task->check.token) {
        answered(step, task, &task->check, event);
        return true;
    }
    if (event->token == task->health.token) {
        answered(step, task, &task->health, event);
        return true;
    }
    return false;
}
