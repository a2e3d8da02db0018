#include <sys/wait.h>

#include "common/xalloc.h"
#include "executor/pod.h"
#include "wire/message.h"

#define ANSWER_BUDGET_SIZE (4u << 20)

/* --- bringing a group up --- */

static void add_variable(struct pod_step *step, Pb__CommandInfo *command, const char *name,
                         const char *value)
{
    struct arena *arena = &step->arena;
    if (command->environment == NULL) {
        command->environment = MESSAGE_NEW(Pb__Environment, pb__environment, arena);
    }
    Pb__Environment__Variable *variable =
        MESSAGE_NEW(Pb__Environment__Variable, pb__environment__variable, arena);
    variable->name = arena_strdup(arena, name);
    variable->value = arena_strdup(arena, value);
    MESSAGE_APPEND(arena, command->environment->n_variables, command->environment->variables,
                   variable);
}

/* A persistent volume of the task is mounted in the executor's sandbox; the task sees it there
 * (facts/observed.md, containers 16). */
static void add_volumes(struct pod_step *step, const Pb__TaskInfo *info,
                        Pb__Agent__Call__LaunchContainer *launch)
{
    struct arena *arena = &step->arena;
    for (size_t i = 0; i < info->n_resources; i++) {
        const Pb__Resource__DiskInfo *disk = info->resources[i]->disk;
        if (disk == NULL || disk->volume == NULL) {
            continue;
        }
        if (launch->container == NULL) {
            launch->container = MESSAGE_NEW(Pb__ContainerInfo, pb__container_info, arena);
            launch->container->type = PB__CONTAINER_INFO__TYPE__MESOS;
        }
        Pb__Volume *volume = MESSAGE_NEW(Pb__Volume, pb__volume, arena);
        volume->mode = disk->volume->mode;
        volume->container_path = disk->volume->container_path;
        volume->source = MESSAGE_NEW(Pb__Volume__Source, pb__volume__source, arena);
        volume->source->has_type = true;
        volume->source->type = PB__VOLUME__SOURCE__TYPE__SANDBOX_PATH;
        Pb__Volume__Source__SandboxPath *path =
            MESSAGE_NEW(Pb__Volume__Source__SandboxPath, pb__volume__source__sandbox_path, arena);
        path->has_type = true;
        path->type = PB__VOLUME__SOURCE__SANDBOX_PATH__TYPE__PARENT;
        path->path = disk->volume->container_path;
        volume->source->sandbox_path = path;
        MESSAGE_APPEND(arena, launch->container->n_volumes, launch->container->volumes, volume);
    }
}

static void launch_container(struct pod_step *step, struct pod_task *task)
{
    struct arena *arena = &step->arena;
    /* A copy: the call adds to the command and to the container. */
    Pb__TaskInfo *info = MESSAGE_CLONE(task->info, arena);
    Pb__Agent__Call *call = pod_new_call(step, PB__AGENT__CALL__TYPE__LAUNCH_CONTAINER);
    Pb__Agent__Call__LaunchContainer *launch =
        MESSAGE_NEW(Pb__Agent__Call__LaunchContainer, pb__agent__call__launch_container, arena);
    call->launch_container = launch;
    launch->container_id = task->container_id;
    launch->command = info->command != NULL ? info->command
                                            : MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    launch->container = info->container;
    launch->resources = info->resources;
    launch->n_resources = info->n_resources;
    for (size_t i = 0; i < info->n_limits; i++) {
        Pb__Agent__Call__LaunchContainer__LimitsEntry *limit =
            MESSAGE_NEW(Pb__Agent__Call__LaunchContainer__LimitsEntry,
                        pb__agent__call__launch_container__limits_entry, arena);
        limit->key = info->limits[i]->key;
        limit->value = info->limits[i]->value;
        MESSAGE_APPEND(arena, launch->n_limits, launch->limits, limit);
    }
    add_volumes(step, info, launch);
    const char *role = info->n_resources != 0 && info->resources[0]->allocation_info != NULL
                           ? info->resources[0]->allocation_info->role
                           : NULL;
    add_variable(step, launch->command, "MESOS_CONTAINER_IP",
                 step->executor->session.options.container_ip);
    add_variable(step, launch->command, "MESOS_ALLOCATION_ROLE", role != NULL ? role : "*");
    task->launch_token = pod_agent_call(step, call, EXEC_AGENT_CALL);
}

static struct pod_task *add_task(struct pod_step *step, const Pb__TaskInfo *info, uint64_t group)
{
    struct default_executor *executor = step->executor;
    struct pod_task *task = xalloc(sizeof(*task));
    arena_init(&task->arena, 0);
    task->state = POD_TASK_LAUNCHING;
    task->group = group;
    task->info = MESSAGE_CLONE(info, &task->arena);
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    uuid_random(&executor->session.prng, &uuid);
    uuid_format(&uuid, text);
    task->container_id = MESSAGE_NEW(Pb__ContainerID, pb__container_id, &task->arena);
    task->container_id->value = arena_strdup(&task->arena, text);
    task->container_id->parent = executor->container_id;
    timer_init(&task->escalate, POD_TIMER_ESCALATE, task);
    timer_init(&task->completion, POD_TIMER_COMPLETION, task);
    pod_check_init(task);
    list_push_back(&executor->tasks, &task->link);
    return task;
}

void pod_launch_group(struct pod_step *step, const Pb__TaskGroupInfo *group)
{
    struct default_executor *executor = step->executor;
    if (executor->shutting_down || executor->container_id == NULL) {
        exec_log(step->effects, "Ignoring a group: the executor is shutting down");
        return;
    }
    uint64_t number = executor->next_group++;
    for (size_t i = 0; i < group->n_tasks; i++) {
        struct pod_task *task = add_task(step, group->tasks[i], number);
        exec_session_add_task(&executor->session, task->info);
        exec_session_update(&executor->session,
                            pod_status(step, task, PB__TASK_STATE__TASK_STARTING, false),
                            step->effects);
        launch_container(step, task);
    }
}

/* --- answers to LAUNCH_CONTAINER --- */

static void end_task(struct pod_step *step, struct pod_task *task, Pb__TaskStatus *status)
{
    struct default_executor *executor = step->executor;
    if (task->knows_health && !task->healthy) {
        status->has_healthy = true;
    }
    pod_move(step, task, POD_TASK_ENDED);
    exec_session_update(&executor->session, status, step->effects);
    bool spoils = status->state == PB__TASK_STATE__TASK_FAILED ||
                  status->state == PB__TASK_STATE__TASK_KILLED;
    if (spoils && !executor->shutting_down && !task->group_kill_done) {
        pod_kill_group(step, task);
    }
}

static void run_task(struct pod_step *step, struct pod_task *task)
{
    struct default_executor *executor = step->executor;
    pod_move(step, task, POD_TASK_RUNNING);
    struct exec_effect *link = exec_effect_add(step->effects, EXEC_LINK_TASK, 0);
    link->name = xstrdup(task->info->task_id->value);
    link->target = xasprintf("containers/%s", task->container_id->value);
    exec_session_update(&executor->session,
                        pod_status(step, task, PB__TASK_STATE__TASK_RUNNING, false), step->effects);
    pod_check_start(step, task);
    const Pb__DurationInfo *completion = task->info->max_completion_time;
    if (completion != NULL && completion->nanoseconds > 0) {
        timers_set(&executor->timers, &task->completion,
                   time_add_ns(step->now->mono_ns, completion->nanoseconds));
    }
}

static void fail_launch(struct pod_step *step, struct pod_task *task)
{
    bool killed = task->kill_wanted;
    Pb__TaskStatus *status = pod_status(
        step, task, killed ? PB__TASK_STATE__TASK_KILLED : PB__TASK_STATE__TASK_FAILED, false);
    status->message = arena_strdup(&step->arena, task->launch_error);
    end_task(step, task, status);
}

/* No task of a group runs before every container of it is there (facts/observed.md, tasks 9). */
static void group_answered(struct pod_step *step, uint64_t group)
{
    struct default_executor *executor = step->executor;
    struct pod_task *task;
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->group == group && task->launch_token != 0) {
            return;
        }
    }
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->group == group && task->state == POD_TASK_LAUNCHING && task->launched) {
            run_task(step, task);
        }
    }
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->group == group && task->state == POD_TASK_LAUNCHING) {
            fail_launch(step, task);
        }
    }
    pod_wait_all(step);
    LIST_FOR_EACH (task, &executor->tasks, link) {
        if (task->group == group && task->state == POD_TASK_RUNNING && task->kill_wanted) {
            pod_kill(step, task, task->kill_wanted_grace_ns);
        }
    }
    pod_finish_if_empty(step);
}

void pod_launch_answered(struct pod_step *step, struct pod_task *task,
                         const struct exec_event *event)
{
    task->launch_token = 0;
    if (event->status == 200) {
        task->launched = true;
    } else {
        exec_log(step->effects, "The container of task %s was not launched: %d %.*s",
                 task->info->task_id->value, event->status,
                 (int)MIN(event->bytes.size, (size_t)300),
                 event->bytes.data != NULL ? event->bytes.data : "");
        task->launch_error =
            event->status > 0 && event->bytes.size != 0
                ? arena_strndup(&task->arena, event->bytes.data,
                                MIN(event->bytes.size, (size_t)4096))
                : arena_strdup(&task->arena, "The agent did not launch the container");
    }
    group_answered(step, task->group);
}

/* --- WAIT_CONTAINER --- */

static void wait_for(struct pod_step *step, struct pod_task *task)
{
    Pb__Agent__Call *call = pod_new_call(step, PB__AGENT__CALL__TYPE__WAIT_CONTAINER);
    call->wait_container =
        MESSAGE_NEW(Pb__Agent__Call__WaitContainer, pb__agent__call__wait_container, &step->arena);
    call->wait_container->container_id = task->container_id;
    task->wait_token = pod_agent_call(step, call, EXEC_AGENT_CALL);
}

void pod_wait_all(struct pod_step *step)
{
    struct pod_task *task;
    LIST_FOR_EACH (task, &step->executor->tasks, link) {
        bool runs = task->state == POD_TASK_RUNNING || task->state == POD_TASK_KILLING;
        if (runs && task->wait_token == 0) {
            wait_for(step, task);
        }
    }
}

static void append_message(struct pod_step *step, Pb__TaskStatus *status, const char *text)
{
    status->message = status->message != NULL
                          ? arena_printf(&step->arena, "%s: %s", status->message, text)
                          : arena_strdup(&step->arena, text);
}

static Pb__TaskState state_of_exit(const struct pod_task *task, int wait_status)
{
    if (task->is_overdue) {
        return PB__TASK_STATE__TASK_FAILED;
    }
    if (task->state == POD_TASK_KILLING) {
        return PB__TASK_STATE__TASK_KILLED;
    }
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0 ? PB__TASK_STATE__TASK_FINISHED
                                                                   : PB__TASK_STATE__TASK_FAILED;
}

static void fill_from_answer(struct pod_step *step, struct pod_task *task, Pb__TaskStatus *status,
                             const Pb__Agent__Response__WaitContainer *answer)
{
    if (answer->has_exit_status) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT;
        buf_append_text(&text, "Command ");
        exec_describe_status(answer->exit_status, &text);
        status->message = arena_strdup(&step->arena, buf_text(&text));
        status->state = state_of_exit(task, answer->exit_status);
    } else {
        status->message = arena_strdup(&step->arena, "Command terminated with unknown status");
    }
    if (task->is_overdue) {
        status->has_reason = true;
        status->reason = PB__TASK_STATUS__REASON__REASON_MAX_COMPLETION_TIME_REACHED;
    }
    if (answer->has_state) {
        status->state = answer->state;
    }
    if (answer->has_reason) {
        status->has_reason = true;
        status->reason = answer->reason;
    }
    if (answer->message != NULL) {
        append_message(step, status, answer->message);
    }
    if (answer->limitation != NULL) {
        status->limitation = MESSAGE_CLONE(answer->limitation, &step->arena);
    }
}

void pod_wait_answered(struct pod_step *step, struct pod_task *task, const struct exec_event *event)
{
    task->wait_token = 0;
    if (event->status != 200 && event->status != 404) {
        /* The agent is away: asked again when it is back. Or it recovers, as it may still do when
         * it has taken our subscription: asked again after a while. */
        timers_set(&step->executor->timers, &step->executor->wait_again,
                   step->now->mono_ns + POD_RETRY_NS);
        return;
    }
    Pb__TaskStatus *status = pod_status(step, task, PB__TASK_STATE__TASK_FAILED, false);
    if (event->status == 404) {
        if (task->state == POD_TASK_KILLING) {
            status->state = PB__TASK_STATE__TASK_KILLED;
        } else {
            append_message(step, status, "Unable to retrieve command's termination information");
        }
    } else {
        struct arena arena;
        arena_init(&arena, ANSWER_BUDGET_SIZE);
        Pb__Agent__Response *answer;
        struct err err;
        if (MESSAGE_DECODE(Pb__Agent__Response, pb__agent__response, event->bytes, &arena, &answer,
                           &err) == 0 &&
            answer->wait_container != NULL) {
            fill_from_answer(step, task, status, answer->wait_container);
        } else {
            append_message(step, status, "the agent's answer is not understood");
        }
        arena_deinit(&arena);
    }
    exec_log(step->effects, "Task %s has ended: %s", task->info->task_id->value,
             status->message != NULL ? status->message : "");
    end_task(step, task, status);
    pod_finish_if_empty(step);
}
