/* How executors begin: user, folders, container. */
#include <string.h>

#include "agent/agent_container.h"
#include "agent/core.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/framework.h"
#include "agent/messages.h"
#include "common/xalloc.h"

void executor_environment(const struct executor *executor, const Pb__ExecutorInfo *info,
                          struct container_spec *spec)
{
    const struct agent *agent = executor->agent;
    const struct agent_config *config = &agent->setup.config;
    for (size_t i = 0; i < config->executor_environment_count; i++) {
        environment_set(spec, config->executor_environment[i].name,
                        config->executor_environment[i].value);
    }
    char pid[UPID_TEXT_SIZE];
    upid_format(&agent->self, pid);
    char endpoint[ADDRESS_TEXT_SIZE];
    address_format(&agent->self.address, endpoint);
    environment_set(spec, "LIBPROCESS_PORT", "0");
    environment_set(spec, "MESOS_FRAMEWORK_ID", executor->framework->id);
    environment_set(spec, "MESOS_EXECUTOR_ID", executor->id);
    environment_set(spec, "MESOS_DIRECTORY", executor->directory);
    environment_set(spec, "MESOS_SANDBOX", executor->directory);
    environment_set(spec, "MESOS_SLAVE_ID", agent->id);
    environment_set(spec, "MESOS_SLAVE_PID", pid);
    environment_set(spec, "MESOS_AGENT_ENDPOINT", endpoint);
    environment_set(spec, "MESOS_CHECKPOINT", executor->checkpoint ? "1" : "0");
    environment_set(spec, "MESOS_HTTP_COMMAND_EXECUTOR", config->http_command_executor ? "1" : "0");
    environment_set_duration(spec, "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
                             executor->shutdown_grace_ns);
    if (executor->checkpoint) {
        environment_set_duration(spec, "MESOS_RECOVERY_TIMEOUT", config->recovery_timeout_ns);
        environment_set_duration(spec, "MESOS_SUBSCRIPTION_BACKOFF_MAX",
                                 config->executor_reregistration_timeout_ns);
    }
    for (size_t i = 0; i < info->n_resources; i++) {
        const Pb__Resource__AllocationInfo *allocation = info->resources[i]->allocation_info;
        if (allocation != NULL && allocation->role != NULL) {
            environment_set(spec, "MESOS_ALLOCATION_ROLE", allocation->role);
            break;
        }
    }
    /* The executor's own variables win, even over ours. */
    environment_set_all(spec, info->command != NULL ? info->command->environment : NULL);
    environment_finish(spec);
}

/* executor.info and what is beside it. */
static void checkpoint(struct executor *executor)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    struct store_ops *store = &agent->effects->store;
    struct run_ids ids = executor_ids(executor);
    const char *folder = paths_executor(arena, agent->setup.meta_dir, &ids);
    agent_store_message(agent, paths_join(arena, folder, "executor.info"), executor->info, 0);
    store_replace(store, 0, paths_join(arena, folder, "executor_generated_for_command_task"),
                  blob_new(executor->is_command ? "1" : "0", 1))
        ->durable = true;
    const char *run = paths_run(arena, agent->setup.meta_dir, &ids);
    store_mkdir(store, 0, run, 0);
    store_symlink(store, 0, paths_latest_run(arena, agent->setup.meta_dir, &ids), run);
}

/* The sandbox first, without a sync: the container waits for no more than that. */
static void make_folders(struct executor *executor, const struct user_found *user)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    struct store_ops *store = &agent->effects->store;
    struct run_ids ids = executor_ids(executor);
    uint64_t token = gate_token(&agent->gate);
    struct store_op *op = store_mkdir(store, token, executor->directory, 0750);
    op->durable = false;
    if (user != NULL) {
        op->owned = true;
        op->uid = user->uid;
        op->gid = user->gid;
    }
    gate_wait_for(&agent->gate, &executor->folders, token);
    store_symlink(store, 0, paths_latest_run(arena, agent->setup.config.work_dir, &ids),
                  executor->directory);
    if (executor->checkpoint) {
        checkpoint(executor);
    }
    executor->launch = LAUNCH_FOLDERS;
}

void executor_launch(struct executor *executor, const Pb__ExecutorInfo *info,
                     const Pb__TaskInfo *task)
{
    struct agent *agent = executor->agent;
    executor->launch_info = message_encode_blob(&info->base);
    executor->launch_task = task != NULL ? message_encode_blob(&task->base) : NULL;
    timers_set(
        &agent->timers, &executor->registering_timer,
        time_add_ns(agent->now.mono_ns, agent->setup.config.executor_registration_timeout_ns));
    if (executor->user != NULL) {
        executor->launch = LAUNCH_USER;
        users_ask(agent, &executor->user_wait, executor->user);
    } else {
        make_folders(executor, NULL);
    }
}

/* It never comes to a container: its tasks were not started (facts/observed.md, tasks 4). */
static void fail(struct executor *executor, const char *why)
{
    executor_set_end(executor, framework_dropped(executor->framework),
                     PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED, "%s", why);
    executor_terminated(executor, NULL);
}

void executor_user_found(struct executor *executor, const struct user_found *user)
{
    struct agent *agent = executor->agent;
    if (executor->state != EXECUTOR_REGISTERING) {
        return;
    }
    if (!user->found) {
        fail(executor, arena_printf(&agent->arena,
                                    "Failed to create executor directory '%s': no such user '%s'",
                                    executor->directory, executor->user));
        return;
    }
    make_folders(executor, user);
}

static struct container_spec *make_spec(struct executor *executor)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    Pb__ExecutorInfo *info =
        MESSAGES_READ(Pb__ExecutorInfo, pb__executor_info, executor->launch_info, arena);
    struct container_spec *spec = xalloc(sizeof(*spec));
    Pb__CommandInfo none = PB__COMMAND_INFO__INIT;
    spec->command = message_encode_blob(info->command != NULL ? &info->command->base : &none.base);
    spec->container_info =
        info->container != NULL ? message_encode_blob(&info->container->base) : NULL;
    executor_environment(executor, info, spec);
    spec->directory = xstrdup(executor->directory);
    spec->user = executor->user != NULL ? xstrdup(executor->user) : NULL;
    spec->cpus_milli = executor->contained.cpus_milli;
    spec->mem_bytes = executor->contained.mem_bytes;
    spec->cpus_limit_milli = executor->contained_limits.cpus_milli;
    spec->mem_limit_bytes = executor->contained_limits.mem_bytes;
    spec->cpus_revocable = executor->contained.cpus_revocable;
    executor_put_volumes(executor, spec);
    spec->share_cgroups = true;
    spec->is_command_task = executor->is_command;
    spec->checkpoint = executor->checkpoint;
    if (executor->checkpoint) {
        struct run_ids ids = executor_ids(executor);
        spec->checkpoint_dir =
            xstrdup(paths_join(arena, paths_run(arena, agent->setup.meta_dir, &ids), "pids"));
    }
    spec->executor_info = blob_ref(executor->launch_info);
    spec->task_info = blob_ref(executor->launch_task);
    spec->fetch_owner = spec->user != NULL ? xstrdup(spec->user) : NULL;
    spec->fetch_command = blob_ref(spec->command);
    return spec;
}

void executor_folders_made(struct executor *executor, int status)
{
    struct agent *agent = executor->agent;
    if (executor->state != EXECUTOR_REGISTERING) {
        return;
    }
    if (status != 0) {
        fail(executor, arena_printf(&agent->arena, "Failed to create executor directory '%s': %s",
                                    executor->directory, strerror(-status)));
        return;
    }
    volumes_deinit(&executor->contained_volumes);
    executor_sum_volumes(executor, &executor->contained_volumes);
    if (executor->contained_volumes.count > 0 && !resource_state_is_settled(agent)) {
        executor->awaits_volumes = true;
        return;
    }
    executor->launch = LAUNCH_CONTAINER;
    executor_sum(executor, &executor->contained, &executor->contained_limits);
    executor->container = agent_container_new(agent, executor->container_id,
                                              AGENT_CONTAINER_EXECUTOR, NULL, executor->directory);
    executor->container->executor = executor;
    struct container_request *request = container_request_add(
        &agent->effects->containers, CONTAINER_LAUNCH, executor->container_id);
    request->spec = make_spec(executor);
    executor->launch_info = blob_unref(executor->launch_info);
    executor->launch_task = blob_unref(executor->launch_task);
}
