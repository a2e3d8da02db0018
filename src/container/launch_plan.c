#include "container/launch_plan.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "container/cgroups_plan.h"
#include "container/container_paths.h"
#include "wire/cursor.h"
#include "wire/message.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LAUNCH_INFO_SIZE_MAX ((size_t)32 << 20) /* what is read back of a parent's */

/* Numbers of fields that are written by hand. */
enum {
    CONFIG_DIRECTORY = 3,
    CONFIG_USER = 4,
    CONFIG_EXECUTOR_INFO = 8,
    CONFIG_TASK_INFO = 9,
    CONFIG_COMMAND_INFO = 11,
    CONFIG_CONTAINER_INFO = 12,
    CONFIG_CONTAINER_CLASS = 14,
    INFO_ENVIRONMENT = 2,
    INFO_CLONE_NAMESPACES = 4,
    INFO_COMMAND = 5,
    INFO_WORKING_DIRECTORY = 6,
    INFO_ENTER_NAMESPACES = 9,
    INFO_USER = 10,
    ENVIRONMENT_VARIABLES = 1,
    VARIABLE_NAME = 1,
    VARIABLE_VALUE = 2,
};

/* --- environment --- */

struct variable {
    const char *name;
    const char *value;
    size_t order;
};

struct variables {
    struct variable *items;
    size_t count;
};

static int by_name(const void *a, const void *b)
{
    const struct variable *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int by_order(const void *a, const void *b)
{
    const struct variable *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* Of two with one name the later counts. */
static void drop_overwritten(struct variables *variables)
{
    if (variables->count == 0) {
        return;
    }
    qsort(variables->items, variables->count, sizeof(variables->items[0]), by_name);
    size_t kept = 0;
    for (size_t i = 0; i < variables->count; i++) {
        if (i + 1 == variables->count ||
            strcmp(variables->items[i].name, variables->items[i + 1].name) != 0) {
            variables->items[kept++] = variables->items[i];
        }
    }
    variables->count = kept;
    qsort(variables->items, kept, sizeof(variables->items[0]), by_order);
}

/* A debug container sees its parent's variables, below its own (facts/observed.md, tasks 22). */
static const Pb__Environment *parents_environment(struct launch *launch)
{
    if (!launch->spec->debug || launch->parent->launch_info == NULL ||
        launch->parent->launch_info->size > LAUNCH_INFO_SIZE_MAX) {
        return NULL;
    }
    Pb__Slave__ContainerLaunchInfo *info;
    if (MESSAGE_DECODE(Pb__Slave__ContainerLaunchInfo, pb__slave__container_launch_info,
                       blob_slice(launch->parent->launch_info), launch->arena, &info, NULL) != 0) {
        return NULL;
    }
    return info->environment;
}

static struct variables environment(struct launch *launch)
{
    const struct container_spec *spec = launch->spec;
    const Pb__Environment *parents = parents_environment(launch);
    size_t parents_count = parents != NULL ? parents->n_variables : 0;
    struct variables variables = {0};
    variables.items = arena_alloc_array(launch->arena, parents_count + spec->env_count + 1,
                                        sizeof(struct variable));
    for (size_t i = 0; i < parents_count; i++) {
        const Pb__Environment__Variable *v = parents->variables[i];
        variables.items[variables.count] = (struct variable){
            .name = v->name, .value = v->value != NULL ? v->value : "", .order = variables.count};
        variables.count++;
    }
    for (size_t i = 0; i < spec->env_count; i++) {
        variables.items[variables.count] = (struct variable){
            .name = spec->env[i].name, .value = spec->env[i].value, .order = variables.count};
        variables.count++;
    }
    drop_overwritten(&variables);
    bool has_path = false;
    for (size_t i = 0; i < variables.count; i++) {
        has_path = has_path || strcmp(variables.items[i].name, "PATH") == 0;
    }
    if (!has_path) { /* facts/observed.md, tasks 1 */
        variables.items[variables.count++] =
            (struct variable){.name = "PATH", .value = PATH_DEFAULT};
    }
    return variables;
}

/* --- the command --- */

static int plan_command(struct launch *launch, const struct variables *variables, struct err *err)
{
    struct plan *plan = &launch->last;
    const Pb__CommandInfo *command = launch->command;
    bool shell = !command->has_shell || command->shell;
    if (command->value == NULL) {
        return err_set(err, -EINVAL, "%s is not specified",
                       shell ? "Shell command" : "Executable path");
    }
    if (shell) {
        plan_add(plan, PLAN_ARG, "sh", NULL);
        plan_add(plan, PLAN_ARG, "-c", NULL);
        plan_add(plan, PLAN_ARG, command->value, NULL);
    } else {
        for (size_t i = 0; i < command->n_arguments; i++) {
            plan_add(plan, PLAN_ARG, command->arguments[i], NULL);
        }
        if (command->n_arguments == 0) { /* newer kernels insist on one */
            plan_add(plan, PLAN_ARG, command->value, NULL);
        }
    }
    const char *path = PATH_DEFAULT;
    for (size_t i = 0; i < variables->count; i++) {
        const struct variable *v = &variables->items[i];
        plan_addf(plan, PLAN_ENV, "%s=%s", v->name, v->value);
        if (strcmp(v->name, "PATH") == 0) {
            path = v->value;
        }
    }
    plan_add(plan, PLAN_EXEC, shell ? "/bin/sh" : command->value, path);
    return 0;
}

/* --- the whole --- */

static const char *working_directory(const struct launch *launch)
{
    const char *own = launch->spec->directory;
    return launch->spec->debug && launch->parent->directory != NULL ? launch->parent->directory
                                                                    : own;
}

static int check(const struct launch *launch, struct err *err)
{
    const Pb__ContainerInfo *info = launch->info;
    const struct container_spec *spec = launch->spec;
    if (info != NULL && info->type != PB__CONTAINER_INFO__TYPE__MESOS) {
        return err_set(err, -EINVAL, "Only support MESOS containers");
    }
    if (spec->rootfs != NULL ||
        (info != NULL && info->mesos != NULL && info->mesos->image != NULL)) {
        return err_set(err, -EINVAL, "Container root filesystems not supported");
    }
    for (size_t i = 0; info != NULL && i < info->n_network_infos; i++) {
        if (info->network_infos[i]->name != NULL) {
            return err_set(err, -EINVAL, "Unknown CNI network '%s'", info->network_infos[i]->name);
        }
    }
    if (spec->debug && launch->parent == NULL) {
        return err_set(err, -EINVAL, "DEBUG containers must have a parent");
    }
    if (working_directory(launch) == NULL) {
        return err_set(err, -EINVAL, "No sandbox directory");
    }
    return volumes_plan_check(launch, err);
}

static int decode(struct launch *launch, struct err *err)
{
    Pb__CommandInfo *command;
    Pb__ContainerInfo *info = NULL;
    if (launch->spec->command == NULL) {
        return err_set(err, -EINVAL, "Launch command is not specified");
    }
    int r = MESSAGE_DECODE(Pb__CommandInfo, pb__command_info, blob_slice(launch->spec->command),
                           launch->arena, &command, err);
    if (r == 0 && launch->spec->container_info != NULL) {
        r = MESSAGE_DECODE(Pb__ContainerInfo, pb__container_info,
                           blob_slice(launch->spec->container_info), launch->arena, &info, err);
    }
    if (r != 0) {
        return err_wrap(err, -EINVAL, "Failed to parse launch info");
    }
    launch->command = command;
    launch->info = info;
    return 0;
}

/* A container that asks for a terminal has one of its own, which its first process reads from
 * (facts/features.md, TTY). That of a command task is taken by the task, not by its executor. */
static void add_terminal(struct launch *launch)
{
    const Pb__TTYInfo *terminal = launch->info != NULL ? launch->info->tty_info : NULL;
    if (terminal == NULL) {
        return;
    }
    struct plan_step *step = plan_add(&launch->before, PLAN_PTY, NULL, NULL);
    if (terminal->window_size != NULL) {
        step->number[0] = MIN(terminal->window_size->rows, (uint32_t)UINT16_MAX);
        step->number[1] = MIN(terminal->window_size->columns, (uint32_t)UINT16_MAX);
    }
    step->number[2] = !launch->spec->is_command_task;
}

static int build(struct launch *launch, const struct variables *variables, struct err *err)
{
    const struct container_spec *spec = launch->spec;
    if (spec->user != NULL) {
        plan_add(&launch->before, PLAN_USER, spec->user, NULL);
    }
    int r = isolators_plan(launch, err);
    if (r != 0) {
        return r;
    }
    if (spec->stdio == NULL && !spec->debug) {
        CLEANUP(buf_deinit) struct buf top = BUF_INIT;
        bool is_nested = launch->parent != NULL && spec->directory != NULL &&
                         container_paths_top_sandbox(spec->directory, launch->path, &top);
        plan_add(&launch->before, PLAN_STDIO, spec->directory, is_nested ? buf_text(&top) : NULL);
        add_terminal(launch);
    }
    plan_add(&launch->before, PLAN_WAIT, NULL, NULL);
    if (spec->tty) {
        plan_add(&launch->enter, PLAN_TTY, NULL, NULL);
    }
    if (launch->enter_mounts) {
        struct plan_step *step = plan_addf(&launch->enter, PLAN_ENTER, "/proc/%lld/ns/mnt",
                                           (long long)launch->parent->pid);
        step->text[1] = launch->parent->is_command_task ? "task" : NULL;
        step->number[0] = CLONE_NEWNS;
    }
    if (!launch->isolators->is_linux) {
        plan_add(&launch->enter, PLAN_SWEEP, NULL, NULL);
    }
    plan_add(&launch->enter, PLAN_FORK, NULL, NULL);
    plan_add(&launch->child, PLAN_CHDIR, working_directory(launch), NULL);
    plan_add(&launch->child, PLAN_SETUSER, NULL, NULL);
    return plan_command(launch, variables, err);
}

static int check_secrets(const Pb__CommandInfo *command, struct err *err)
{
    const Pb__Environment *environment = command != NULL ? command->environment : NULL;
    for (size_t i = 0; environment != NULL && i < environment->n_variables; i++) {
        const Pb__Environment__Variable *v = environment->variables[i];
        if (v->has_type && v->type == PB__ENVIRONMENT__VARIABLE__TYPE__SECRET &&
            (v->secret == NULL || v->secret->value == NULL)) {
            return err_set(err, -EINVAL, "Failed to resolve the secret of variable '%s'", v->name);
        }
    }
    return 0;
}

/* Only secrets that are given as values can be resolved; a command task's are in its own
 * command. */
int launch_plan_secrets(struct launch *launch, struct err *err)
{
    int r = check_secrets(launch->command, err);
    if (r == 0 && launch->spec->task_info != NULL) {
        Pb__TaskInfo *task;
        r = MESSAGE_DECODE(Pb__TaskInfo, pb__task_info, blob_slice(launch->spec->task_info),
                           launch->arena, &task, err);
        r = r == 0 ? check_secrets(task->command, err) : err_wrap(err, -EINVAL, "TaskInfo");
    }
    return r;
}

/* A nested container has cgroups of its own only if it says so. */
static bool share_cgroups(const struct launch *launch)
{
    if (launch->parent == NULL) {
        return false;
    }
    const Pb__LinuxInfo *linux_info = launch->info != NULL ? launch->info->linux_info : NULL;
    return launch->spec->debug || launch->spec->share_cgroups || linux_info == NULL ||
           !linux_info->has_share_cgroups || linux_info->share_cgroups;
}

static struct blob *encode_plan(const struct launch *launch)
{
    const struct plan *parts[] = {&launch->before, &launch->enter, &launch->child, &launch->last};
    struct plan whole = {0}; /* borrows the texts of its parts */
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        whole.count += parts[i]->count;
    }
    whole.steps = xcalloc(whole.count, sizeof(whole.steps[0]));
    size_t at = 0;
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        for (size_t j = 0; j < parts[i]->count; j++) {
            whole.steps[at++] = parts[i]->steps[j];
        }
    }
    struct buf out = BUF_INIT;
    plan_encode(&whole, &out);
    free(whole.steps);
    return blob_take(&out);
}

/* --- what is written down, with the original's messages --- */

static struct blob *encode_config(const struct launch *launch)
{
    const struct container_spec *spec = launch->spec;
    struct buf out = BUF_INIT;
    wire_put_bytes(&out, CONFIG_DIRECTORY, slice_from(working_directory(launch)));
    if (spec->user != NULL) {
        wire_put_bytes(&out, CONFIG_USER, slice_from(spec->user));
    }
    if (spec->executor_info != NULL) {
        wire_put_bytes(&out, CONFIG_EXECUTOR_INFO, blob_slice(spec->executor_info));
    }
    if (spec->task_info != NULL) {
        wire_put_bytes(&out, CONFIG_TASK_INFO, blob_slice(spec->task_info));
    }
    wire_put_bytes(&out, CONFIG_COMMAND_INFO, blob_slice(spec->command));
    if (spec->container_info != NULL) {
        wire_put_bytes(&out, CONFIG_CONTAINER_INFO, blob_slice(spec->container_info));
    }
    wire_put_varint(&out, CONFIG_CONTAINER_CLASS,
                    spec->debug ? PB__SLAVE__CONTAINER_CLASS__DEBUG
                                : PB__SLAVE__CONTAINER_CLASS__DEFAULT);
    return blob_take(&out);
}

static void put_namespaces(struct buf *out, uint32_t field, uint64_t flags)
{
    static const uint64_t kinds[] = {CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID};
    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        if ((flags & kinds[i]) != 0) {
            wire_put_varint(out, field, kinds[i]);
        }
    }
}

static struct blob *encode_launch_info(const struct launch *launch,
                                       const struct variables *variables)
{
    struct buf out = BUF_INIT;
    size_t environment_begun = wire_begin(&out, INFO_ENVIRONMENT);
    for (size_t i = 0; i < variables->count; i++) {
        size_t begun = wire_begin(&out, ENVIRONMENT_VARIABLES);
        wire_put_bytes(&out, VARIABLE_NAME, slice_from(variables->items[i].name));
        wire_put_bytes(&out, VARIABLE_VALUE, slice_from(variables->items[i].value));
        wire_end(&out, begun);
    }
    wire_end(&out, environment_begun);
    put_namespaces(&out, INFO_CLONE_NAMESPACES, launch->clone_flags);
    wire_put_bytes(&out, INFO_COMMAND, blob_slice(launch->spec->command));
    wire_put_bytes(&out, INFO_WORKING_DIRECTORY, slice_from(working_directory(launch)));
    put_namespaces(&out, INFO_ENTER_NAMESPACES,
                   (launch->enter_pid_of != 0 ? CLONE_NEWPID : 0) |
                       (launch->enter_mounts ? CLONE_NEWNS : 0));
    if (launch->spec->user != NULL) {
        wire_put_bytes(&out, INFO_USER, slice_from(launch->spec->user));
    }
    return blob_take(&out);
}

void launch_result_deinit(struct launch_result *result)
{
    blob_unref(result->plan);
    blob_unref(result->config);
    blob_unref(result->launch_info);
    *result = (struct launch_result){0};
}

static int plan_launch(struct launch *launch, struct launch_result *ret, struct err *err)
{
    int r = decode(launch, err);
    if (r == 0) {
        r = check(launch, err);
    }
    if (r != 0) {
        return r;
    }
    launch->own_cgroups = !share_cgroups(launch);
    struct variables variables = environment(launch);
    r = build(launch, &variables, err);
    if (r != 0) {
        return r;
    }
    struct launch_result result = {
        .plan = encode_plan(launch),
        .config = encode_config(launch),
        .launch_info = encode_launch_info(launch, &variables),
        .clone_flags = launch->clone_flags,
        .enter_pid_of = launch->enter_pid_of,
        .own_cgroups = launch->own_cgroups,
        .own_pid_namespace = launch->own_pid_namespace,
        .shm_is_own = launch->shm_is_own,
    };
    if (result.plan->size > PLAN_SIZE_MAX) {
        launch_result_deinit(&result);
        return err_set(err, -EINVAL, "Command and environment are too large");
    }
    *ret = result;
    return 0;
}

int launch_plan(const struct containerizer_options *options,
                const struct containerizer_facts *facts, const struct isolators *isolators,
                const char *path, const struct container_spec *spec,
                const struct launch_parent *parent, struct launch_result *ret, struct err *err)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    struct launch launch = {
        .options = options,
        .facts = facts,
        .isolators = isolators,
        .path = path,
        .spec = spec,
        .parent = parent,
        .arena = &arena,
    };
    struct plan *parts[] = {&launch.before, &launch.enter, &launch.child, &launch.last};
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        plan_init(parts[i]);
    }
    int r = plan_launch(&launch, ret, err);
    for (size_t i = 0; i < ELEMENTS(parts); i++) {
        plan_deinit(parts[i]);
    }
    return r;
}

struct blob *launch_plan_update(const struct containerizer_options *options,
                                const struct containerizer_facts *facts,
                                const struct isolators *isolators, const char *path,
                                const char *directory, bool own_cgroups,
                                const struct container_spec *spec)
{
    struct plan plan;
    plan_init(&plan);
    if (isolators->is_linux && own_cgroups) {
        struct cgroups_scope scope = {options, facts, isolators};
        cgroups_plan_update(&scope, path, spec, &plan);
    }
    if (directory != NULL) {
        volumes_plan_persistent(&plan, isolators_have(isolators, ISOLATOR_FILESYSTEM_LINUX),
                                directory, spec->volumes, spec->volume_count);
    }
    struct blob *blob = NULL;
    if (plan.count != 0) {
        struct buf out = BUF_INIT;
        plan_encode(&plan, &out);
        blob = blob_take(&out);
    }
    plan_deinit(&plan);
    return blob;
}
