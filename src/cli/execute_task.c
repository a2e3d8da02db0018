#include "cli/execute_task.h"

#include <errno.h>

#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "wire/json.h"
#include "wire/message.h"

/* A JSON value of a flag as a message. */
static int parse(const char *flag, const char *text, const ProtobufCMessageDescriptor *desc,
                 struct arena *arena, ProtobufCMessage **ret_message, struct err *err)
{
    int status = json_parse_message(desc, slice_from(text), JSON_V1, arena, ret_message, err);
    return status != 0 ? err_wrap(err, -EINVAL, "--%s", flag) : 0;
}

static void add_capability(Pb__FrameworkInfo *framework, Pb__FrameworkInfo__Capability__Type type,
                           struct arena *arena)
{
    Pb__FrameworkInfo__Capability *capability =
        MESSAGE_NEW(Pb__FrameworkInfo__Capability, pb__framework_info__capability, arena);
    capability->has_type = true;
    capability->type = type;
    MESSAGE_APPEND(arena, framework->n_capabilities, framework->capabilities, capability);
}

static int add_flag_capabilities(Pb__FrameworkInfo *framework, const char *list,
                                 struct arena *arena, struct err *err)
{
    struct slice rest = slice_from(list);
    struct slice name;
    while (list != NULL && slice_split(&rest, ',', &name)) {
        if (!slice_is(slice_trim(name), "GPU_RESOURCES")) {
            return err_set(err, -EINVAL, "--framework_capabilities: '%.*s' is not supported",
                           SLICE_ARGS(name));
        }
        add_capability(framework, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__GPU_RESOURCES, arena);
    }
    return 0;
}

static int build_framework(const struct execute_flags *flags, const char *user, struct arena *arena,
                           Pb__FrameworkInfo **ret_framework, struct err *err)
{
    Pb__FrameworkInfo *framework = MESSAGE_NEW(Pb__FrameworkInfo, pb__framework_info, arena);
    framework->user = arena_strdup(arena, user);
    framework->name = arena_strdup(arena, "tepui-execute");
    framework->has_checkpoint = true;
    framework->checkpoint = flags->checkpoint;
    framework->principal = (char *)(uintptr_t)flags->principal;
    char *role = arena_strdup(arena, flags->role);
    MESSAGE_APPEND(arena, framework->n_roles, framework->roles, role);
    add_capability(framework, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE, arena);
    add_capability(framework, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__RESERVATION_REFINEMENT, arena);
    add_capability(framework, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__TASK_KILLING_STATE, arena);
    if (flags->partition_aware) {
        add_capability(framework, PB__FRAMEWORK_INFO__CAPABILITY__TYPE__PARTITION_AWARE, arena);
    }
    *ret_framework = framework;
    return add_flag_capabilities(framework, flags->framework_capabilities, arena, err);
}

/* --- the container --- */

static int add_volumes(const char *json, Pb__ContainerInfo *container, struct arena *arena,
                       struct err *err)
{
    /* The array is read as the field of a ContainerInfo that holds nothing else. */
    char *text = arena_printf(arena, "{\"type\":\"MESOS\",\"volumes\":%s}", json);
    Pb__ContainerInfo *parsed;
    int status = parse("volumes", text, &pb__container_info__descriptor, arena,
                       (ProtobufCMessage **)&parsed, err);
    if (status == 0) {
        container->n_volumes = parsed->n_volumes;
        container->volumes = parsed->volumes;
    }
    return status;
}

static int add_linux_info(const struct execute_flags *flags, Pb__ContainerInfo *container,
                          struct arena *arena, struct err *err)
{
    if (flags->effective_capabilities == NULL && flags->bounding_capabilities == NULL) {
        return 0;
    }
    Pb__LinuxInfo *info = MESSAGE_NEW(Pb__LinuxInfo, pb__linux_info, arena);
    container->linux_info = info;
    int status = 0;
    if (flags->effective_capabilities != NULL) {
        status = parse("effective_capabilities", flags->effective_capabilities,
                       &pb__capability_info__descriptor, arena,
                       (ProtobufCMessage **)&info->effective_capabilities, err);
    }
    if (status == 0 && flags->bounding_capabilities != NULL) {
        status = parse("bounding_capabilities", flags->bounding_capabilities,
                       &pb__capability_info__descriptor, arena,
                       (ProtobufCMessage **)&info->bounding_capabilities, err);
    }
    return status;
}

static void add_networks(const char *list, Pb__ContainerInfo *container, struct arena *arena)
{
    struct slice rest = slice_from(list);
    struct slice name;
    while (list != NULL && slice_split(&rest, ',', &name)) {
        if (name.size != 0) {
            Pb__NetworkInfo *network = MESSAGE_NEW(Pb__NetworkInfo, pb__network_info, arena);
            network->name = arena_strndup(arena, name.data, name.size);
            MESSAGE_APPEND(arena, container->n_network_infos, container->network_infos, network);
        }
    }
}

static void add_image(const struct execute_flags *flags, Pb__ContainerInfo *container,
                      struct arena *arena)
{
    char *name = arena_strdup(arena, flags->docker_image);
    if (container->type == PB__CONTAINER_INFO__TYPE__DOCKER) {
        container->docker =
            MESSAGE_NEW(Pb__ContainerInfo__DockerInfo, pb__container_info__docker_info, arena);
        container->docker->image = name;
        return;
    }
    Pb__Image *image = MESSAGE_NEW(Pb__Image, pb__image, arena);
    image->type = PB__IMAGE__TYPE__DOCKER;
    image->docker = MESSAGE_NEW(Pb__Image__Docker, pb__image__docker, arena);
    image->docker->name = name;
    container->mesos =
        MESSAGE_NEW(Pb__ContainerInfo__MesosInfo, pb__container_info__mesos_info, arena);
    container->mesos->image = image;
}

/* None if nothing asks for one. */
static int build_container(const struct execute_flags *flags, struct arena *arena,
                           Pb__ContainerInfo **ret_container, struct err *err)
{
    bool is_docker = strcmp(flags->containerizer, "docker") == 0;
    bool wanted = is_docker || flags->docker_image != NULL || flags->volumes != NULL ||
                  flags->networks != NULL || flags->effective_capabilities != NULL ||
                  flags->bounding_capabilities != NULL || flags->rlimits != NULL || flags->tty;
    if (!wanted) {
        return 0;
    }
    Pb__ContainerInfo *container = MESSAGE_NEW(Pb__ContainerInfo, pb__container_info, arena);
    container->type =
        is_docker ? PB__CONTAINER_INFO__TYPE__DOCKER : PB__CONTAINER_INFO__TYPE__MESOS;
    if (flags->docker_image != NULL) {
        add_image(flags, container, arena);
    }
    if (flags->tty) {
        container->tty_info = MESSAGE_NEW(Pb__TTYInfo, pb__ttyinfo, arena);
    }
    add_networks(flags->networks, container, arena);
    int status = add_linux_info(flags, container, arena, err);
    if (status == 0 && flags->rlimits != NULL) {
        status = parse("rlimits", flags->rlimits, &pb__rlimit_info__descriptor, arena,
                       (ProtobufCMessage **)&container->rlimit_info, err);
    }
    if (status == 0 && flags->volumes != NULL) {
        status = add_volumes(flags->volumes, container, arena, err);
    }
    *ret_container = container;
    return status;
}

/* --- the task --- */

/* {"NAME": "value", ...}: read as the one message of the contract that is a plain map of texts. */
static int build_environment(const char *json, struct arena *arena, Pb__Environment **ret_env,
                             struct err *err)
{
    char *text = arena_printf(arena, "{\"manifest\":%s}", json);
    Pb__Csi__V0__GetPluginInfoResponse *map;
    int status = parse("env", text, &pb__csi__v0__get_plugin_info_response__descriptor, arena,
                       (ProtobufCMessage **)&map, err);
    if (status != 0) {
        return status;
    }
    Pb__Environment *env = MESSAGE_NEW(Pb__Environment, pb__environment, arena);
    for (size_t i = 0; i < map->n_manifest; i++) {
        Pb__Environment__Variable *variable =
            MESSAGE_NEW(Pb__Environment__Variable, pb__environment__variable, arena);
        variable->name = map->manifest[i]->key;
        variable->value = map->manifest[i]->value;
        MESSAGE_APPEND(arena, env->n_variables, env->variables, variable);
    }
    *ret_env = env;
    return 0;
}

static int build_task(const struct execute_flags *flags, struct arena *arena,
                      Pb__TaskInfo **ret_task, struct err *err)
{
    Pb__TaskInfo *task = MESSAGE_NEW(Pb__TaskInfo, pb__task_info, arena);
    task->name = arena_strdup(arena, flags->name);
    task->task_id = MESSAGE_NEW(Pb__TaskID, pb__task_id, arena);
    task->task_id->value = arena_strdup(arena, flags->name);
    task->command = MESSAGE_NEW(Pb__CommandInfo, pb__command_info, arena);
    task->command->has_shell = true;
    task->command->shell = flags->shell;
    task->command->value = flags->shell ? arena_strdup(arena, flags->command) : NULL;
    int status = 0;
    if (flags->env != NULL) {
        status = build_environment(flags->env, arena, &task->command->environment, err);
    }
    if (status == 0) {
        status = build_container(flags, arena, &task->container, err);
    }
    if (status != 0) {
        return status;
    }
    struct resources resources;
    if (resources_parse(slice_from(flags->resources), SLICE("*"), &resources, err) != 0) {
        return err_wrap(err, -EINVAL, "--resources");
    }
    resources_to_pb(&resources, RESOURCE_FORMAT_POST, arena, &task->resources, &task->n_resources);
    resources_deinit(&resources);
    *ret_task = task;
    return 0;
}

/* Resources of a task given as JSON may be of the older format. */
static int add_wanted(Pb__TaskInfo *task, struct arena *arena, struct resources *wanted,
                      struct err *err)
{
    if (resource_validate_all(task->resources, task->n_resources, err) != 0) {
        return err_wrap(err, -EINVAL, "task '%s'", task->task_id->value);
    }
    for (size_t i = 0; i < task->n_resources; i++) {
        resource_pb_upgrade(task->resources[i], arena);
    }
    resources_add_pb(wanted, task->resources, task->n_resources, NULL);
    return 0;
}

int execute_task_build(const struct execute_flags *flags, const char *user, struct arena *arena,
                       struct execute_task *ret_task, struct err *err)
{
    struct execute_task built = {0};
    int status = build_framework(flags, user, arena, &built.framework, err);
    if (status != 0) {
        return status;
    }
    if (flags->task_group != NULL) {
        status = parse("task_group", flags->task_group, &pb__task_group_info__descriptor, arena,
                       (ProtobufCMessage **)&built.group, err);
        for (size_t i = 0; status == 0 && i < built.group->n_tasks; i++) {
            status = add_wanted(built.group->tasks[i], arena, &built.wanted, err);
        }
    } else {
        status = flags->task != NULL ? parse("task", flags->task, &pb__task_info__descriptor, arena,
                                             (ProtobufCMessage **)&built.task, err)
                                     : build_task(flags, arena, &built.task, err);
        if (status == 0) {
            status = add_wanted(built.task, arena, &built.wanted, err);
        }
    }
    if (status != 0) {
        resources_deinit(&built.wanted);
        return status;
    }
    *ret_task = built;
    return 0;
}
