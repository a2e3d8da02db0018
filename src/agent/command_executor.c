/* The executors that come with the agent: their ExecutorInfo and CommandInfo. */
#include <string.h>

#include "agent/config.h"
#include "agent/launch.h"
#include "agent/messages.h"
#include "common/duration.h"

/* What a command executor is given beside its task (facts/observed.md, operator API 15). */
#define EXECUTOR_CPUS 0.1
#define EXECUTOR_MEM_MB 32
/* Longer than a task's kill grace, so that the executor can end the task itself: the reference's
 * 1 s to notice its end and 1 s more (facts/observed.md, tasks 6). */
#define EXECUTOR_GRACE_EXTRA_NS (2 * NS_PER_SEC)
/* A command in an executor's name is cut to this, with "..." behind. */
#define NAME_COMMAND_MAX 15
#define NAME_COMMAND_CUT 12

static const char *program_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void add_argument(Pb__CommandInfo *command, char *argument, struct arena *arena)
{
    MESSAGE_APPEND(arena, command->n_arguments, command->arguments, argument);
}

/* Runs the program, or says why it cannot. */
static void set_program(Pb__CommandInfo *command, const char *path, const char *launcher_dir,
                        struct arena *arena)
{
    command->has_shell = 1;
    if (path == NULL) {
        command->shell = 1;
        command->value =
            arena_strdup(arena, "echo 'The executor is not in the launcher directory'; exit 1");
        return;
    }
    command->shell = 0;
    command->value = arena_strdup(arena, path);
    add_argument(command, arena_strdup(arena, program_name(path)), arena);
    add_argument(command, arena_printf(arena, "--launcher_dir=%s", launcher_dir), arena);
}

static const char *describe_command(const Pb__CommandInfo *command, struct arena *arena)
{
    bool shell = !command->has_shell || command->shell;
    if (command->value == NULL) {
        return shell ? "(Command: NO COMMAND)" : "(Command: NO EXECUTABLE)";
    }
    const char *text = command->value;
    if (!shell) {
        struct buf joined = BUF_INIT;
        buf_append_text(&joined, command->value);
        buf_append_text(&joined, ", ");
        for (size_t i = 0; i < command->n_arguments; i++) {
            buf_append_text(&joined, i > 0 ? ", " : "");
            buf_append_text(&joined, command->arguments[i]);
        }
        text = arena_strndup(arena, joined.data, joined.size);
        buf_deinit(&joined);
    }
    if (strlen(text) > NAME_COMMAND_MAX) {
        text = arena_printf(arena, "%.*s...", NAME_COMMAND_CUT, text);
    }
    return arena_printf(arena, shell ? "(Command: sh -c '%s')" : "(Command: [%s])", text);
}

static Pb__Resource *scalar_resource(const char *name, double value, const char *role,
                                     struct arena *arena)
{
    Pb__Resource *resource = MESSAGE_NEW(Pb__Resource, pb__resource, arena);
    resource->name = arena_strdup(arena, name);
    resource->type = PB__VALUE__TYPE__SCALAR;
    resource->scalar = MESSAGE_NEW(Pb__Value__Scalar, pb__value__scalar, arena);
    resource->scalar->value = value;
    if (role != NULL) {
        resource->allocation_info =
            MESSAGE_NEW(Pb__Resource__AllocationInfo, pb__resource__allocation_info, arena);
        resource->allocation_info->role = arena_strdup(arena, role);
    }
    return resource;
}

static const char *role_of(const Pb__TaskInfo *task)
{
    for (size_t i = 0; i < task->n_resources; i++) {
        if (task->resources[i]->allocation_info != NULL) {
            return task->resources[i]->allocation_info->role;
        }
    }
    return NULL;
}

static void set_command(const struct agent_setup *setup, const Pb__FrameworkInfo *framework,
                        const Pb__TaskInfo *task, Pb__CommandInfo *command, struct arena *arena)
{
    const Pb__CommandInfo *own = task->command;
    command->n_uris = own->n_uris;
    command->uris = own->uris;
    command->environment = own->environment;
    command->user = own->user;
    set_program(command, setup->config.command_executor, setup->config.launcher_dir, arena);
    bool has_image = task->container != NULL &&
                     task->container->type == PB__CONTAINER_INFO__TYPE__MESOS &&
                     task->container->mesos != NULL && task->container->mesos->image != NULL;
    if (has_image && setup->config.command_executor != NULL) {
        add_argument(command,
                     arena_printf(arena, "--sandbox_directory=%s", setup->config.sandbox_directory),
                     arena);
        if (setup->config.switch_user) {
            const char *user = own->user != NULL ? own->user : framework->user;
            add_argument(command, arena_printf(arena, "--user=%s", user), arena);
        }
    }
}

Pb__ExecutorInfo *launch_command_executor(const struct agent_setup *setup,
                                          const Pb__FrameworkInfo *framework,
                                          const Pb__TaskInfo *task, struct arena *arena)
{
    Pb__ExecutorInfo *executor = MESSAGE_NEW(Pb__ExecutorInfo, pb__executor_info, arena);
    executor->executor_id = messages_executor_id(task->task_id->value, arena);
    executor->framework_id = framework->id;
    executor->container = task->container;
    executor->name = arena_printf(arena, "Command Executor (Task: %s) %s", task->task_id->value,
                                  describe_command(task->command, arena));
    executor->source = task->task_id->value;
    executor->labels = task->labels;
    executor->discovery = task->discovery;
    if (task->kill_policy != NULL && task->kill_policy->grace_period != NULL) {
        executor->shutdown_grace_period = MESSAGE_NEW(Pb__DurationInfo, pb__duration_info, arena);
        executor->shutdown_grace_period->nanoseconds =
            time_add_ns(task->kill_policy->grace_period->nanoseconds, EXECUTOR_GRACE_EXTRA_NS);
    }
    executor->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    set_command(setup, framework, task, executor->command, arena);
    const char *role = role_of(task);
    Pb__Resource *cpus = scalar_resource("cpus", EXECUTOR_CPUS, role, arena);
    Pb__Resource *mem = scalar_resource("mem", EXECUTOR_MEM_MB, role, arena);
    MESSAGE_APPEND(arena, executor->n_resources, executor->resources, cpus);
    MESSAGE_APPEND(arena, executor->n_resources, executor->resources, mem);
    return executor;
}

Pb__CommandInfo *launch_default_command(const struct agent_setup *setup, const char *user,
                                        struct arena *arena)
{
    Pb__CommandInfo *command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    set_program(command, setup->config.default_executor, setup->config.launcher_dir, arena);
    command->user = user != NULL ? arena_strdup(arena, user) : NULL;
    return command;
}
