#include "agent/recovery.h"

#include <string.h>

#include "agent/agent_container.h"
#include "agent/compatibility.h"
#include "agent/core.h"
#include "agent/executor_messages.h"
#include "agent/framework.h"
#include "agent/kill.h"
#include "agent/messages.h"
#include "agent/operation_recovery.h"
#include "agent/recovered_files.h"
#include "agent/registration.h"
#include "agent/shutdown.h"
#include "agent/updates.h"

/* --- tasks --- */

/* What is in task.updates, in order; acknowledged ones are marked. */
struct recovered_updates {
    Pb__Internal__StatusUpdate **items;
    bool *is_acknowledged;
    size_t count;
};

static void mark_acknowledged(struct recovered_updates *updates, struct slice uuid)
{
    for (size_t i = 0; i < updates->count; i++) {
        if (slice_equal(message_bytes(updates->items[i]->uuid), uuid)) {
            updates->is_acknowledged[i] = true;
        }
    }
}

/* 0, or -1 after an error that ends the recovery. A last record that is not whole was being written
 * when the agent died: it is cut off. */
static int read_updates(struct agent *agent, const struct tree_entry *file,
                        struct recovered_updates *ret)
{
    struct arena *arena = &agent->arena;
    struct slice rest = file->bytes;
    struct recovered_updates updates = {0};
    size_t record_count = file->bytes.size / 4 + 1;
    updates.items = arena_alloc_array(arena, record_count, sizeof(updates.items[0]));
    updates.is_acknowledged = arena_alloc_array(arena, record_count, sizeof(bool));
    size_t good_size = 0;
    struct slice record;
    while (recovered_files_next(&rest, &record)) {
        Pb__Internal__StatusUpdateRecord *message;
        struct err err;
        if (MESSAGE_DECODE(Pb__Internal__StatusUpdateRecord, pb__internal__status_update_record,
                           record, arena, &message, &err) != 0) {
            return recovered_files_damaged(agent, file, err.text);
        }
        if (message->type == PB__INTERNAL__STATUS_UPDATE_RECORD__TYPE__UPDATE &&
            message->update != NULL && message->update->has_uuid) {
            updates.items[updates.count++] = message->update;
        } else if (message->has_uuid) {
            mark_acknowledged(&updates, message_bytes(message->uuid));
        }
        good_size = file->bytes.size - rest.size;
    }
    if (good_size < file->bytes.size) {
        store_truncate(&agent->effects->store, 0, recovered_files_path(agent, file), good_size);
    }
    *ret = updates;
    return 0;
}

static void replay(struct task *task, const struct recovered_updates *updates, bool is_over)
{
    struct executor *executor = task->executor;
    struct agent *agent = executor->agent;
    for (size_t i = 0; i < updates->count; i++) {
        const Pb__TaskStatus *status = updates->items[i]->status;
        bool is_terminal = task_state_is_terminal(status->state);
        if (is_terminal) {
            task_move(task, TASK_TERMINATED);
        }
        task_add_status(task, status);
        if (!is_over) {
            updates_recover(agent, executor, task->id, updates->items[i],
                            updates->is_acknowledged[i]);
        }
        if (is_terminal) {
            if (updates->is_acknowledged[i]) {
                executor_complete_task(executor, task);
            }
            break;
        }
    }
}

static int recover_task(struct executor *executor, const struct tree *tree, size_t at, bool is_over)
{
    struct agent *agent = executor->agent;
    const struct tree_entry *folder = &tree->entries[at];
    const struct tree_entry *info = recovered_files_find(tree, folder, "task.info");
    Pb__Task *message = NULL;
    int status =
        recovered_files_read(agent, info, &pb__task__descriptor, (ProtobufCMessage **)&message);
    if (status != 0 || message == NULL) {
        return status;
    }
    struct recovered_updates updates = {0};
    const struct tree_entry *file = recovered_files_find(tree, folder, "task.updates");
    if (file != NULL) {
        status = read_updates(agent, file, &updates);
        if (status != 0) {
            return status;
        }
    }
    if (framework_find_task(executor->framework, message->task_id->value) != NULL) {
        return 0;
    }
    replay(task_new_stored(executor, message), &updates, is_over);
    return 0;
}

static int recover_tasks(struct executor *executor, const struct tree *tree,
                         const struct tree_entry *run, bool is_over)
{
    const struct tree_entry *tasks = recovered_files_find(tree, run, "tasks");
    if (tasks == NULL) {
        return 0;
    }
    size_t at = (size_t)(tasks - tree->entries);
    size_t end = tree_skip(tree, at);
    for (at++; at < end; at = tree_skip(tree, at)) {
        if (tree->entries[at].type == TREE_FOLDER) {
            int status = recover_task(executor, tree, at, is_over);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

/* --- executors --- */

/* The executor ended before this start: it is only remembered, and its folders wait for gc. */
static void recover_ended(struct executor *executor, int64_t ended_ns)
{
    struct agent *agent = executor->agent;
    struct arena *arena = &agent->arena;
    struct run_ids ids = executor_ids(executor);
    metric_add(agent->gauges.executors_terminated, 1);
    executor_move(executor, EXECUTOR_TERMINATED);
    executor_remember(executor);
    const char *roots[] = {agent->setup.config.work_dir, agent->setup.meta_dir};
    for (size_t i = 0; i < ELEMENTS(roots); i++) {
        gc_schedule(agent, paths_run(arena, roots[i], &ids), ended_ns);
        gc_schedule(agent, paths_executor(arena, roots[i], &ids), ended_ns);
    }
}

static void recover_connection(struct executor *executor, const struct tree *tree,
                               const struct tree_entry *run, int64_t *ret_pid)
{
    const struct tree_entry *forked = recovered_files_find(tree, run, "pids/forked.pid");
    const struct tree_entry *pid = recovered_files_find(tree, run, "pids/libprocess.pid");
    *ret_pid = 0;
    if (forked != NULL && !slice_parse_int64(slice_trim(forked->bytes), ret_pid)) {
        *ret_pid = 0;
    }
    if (pid != NULL && upid_parse(slice_trim(pid->bytes), &executor->pid)) {
        executor->how = EXECUTOR_LINK_MESSAGES;
    } else if (recovered_files_find(tree, run, "http.marker") != NULL) {
        executor->how = EXECUTOR_LINK_STREAM;
    }
}

/* Its container may live: the containerizer is asked to find it. After a reboot nothing lives. */
static void recover_running(struct executor *executor, const struct tree *tree,
                            const struct tree_entry *run, bool rebooted)
{
    struct agent *agent = executor->agent;
    int64_t pid;
    executor->was_recovered = true;
    recover_connection(executor, tree, run, &pid);
    if (rebooted) {
        executor->how = EXECUTOR_LINK_NONE;
        executor_set_end(executor, PB__TASK_STATE__TASK_FAILED,
                         PB__TASK_STATUS__REASON__REASON_EXECUTOR_TERMINATED,
                         "Abnormal executor termination: the machine was restarted");
        return;
    }
    executor->launch = LAUNCH_CONTAINER;
    /* What it was last told is not known: the next change tells everything. */
    executor->contained.cpus_milli = -1;
    executor_sum_volumes(executor, &executor->contained_volumes);
    executor->container = agent_container_new(agent, executor->container_id,
                                              AGENT_CONTAINER_EXECUTOR, NULL, executor->directory);
    executor->container->executor = executor;
    executor->container->state = AGENT_CONTAINER_RUNNING;
    executor->container->pid = pid;
    struct container_request *request = container_request_add(
        &agent->effects->containers, CONTAINER_RECOVER, executor->container_id);
    request->keep = true;
    request->pid = pid;
}

/* The name that runs/latest points at, or NULL. */
static const char *latest_of(struct agent *agent, const struct tree *tree,
                             const struct tree_entry *folder)
{
    const struct tree_entry *link = recovered_files_find(tree, folder, "runs/latest");
    if (link == NULL || link->type != TREE_LINK) {
        return NULL;
    }
    const char *target = arena_strndup(&agent->arena, link->bytes.data, link->bytes.size);
    const char *slash = strrchr(target, '/');
    return slash != NULL ? slash + 1 : target;
}

/* Runs before the last are over; their folders wait for gc. */
static void collect_older_runs(struct framework *framework, const struct tree *tree,
                               const struct tree_entry *folder, const char *latest)
{
    struct agent *agent = framework->agent;
    struct arena *arena = &agent->arena;
    const struct tree_entry *runs = recovered_files_find(tree, folder, "runs");
    size_t at = (size_t)(runs - tree->entries);
    size_t end = tree_skip(tree, at);
    for (at++; at < end; at = tree_skip(tree, at)) {
        const struct tree_entry *run = &tree->entries[at];
        if (run->type != TREE_FOLDER || strcmp(tree_name(run), latest) == 0) {
            continue;
        }
        struct run_ids ids = {.agent = agent->id,
                              .framework = framework->id,
                              .executor = tree_name(folder),
                              .container = tree_name(run)};
        gc_schedule(agent, paths_run(arena, agent->setup.config.work_dir, &ids), run->mtime_ns);
        gc_schedule(agent, paths_run(arena, agent->setup.meta_dir, &ids), run->mtime_ns);
    }
}

static bool is_generated(const struct tree *tree, const struct tree_entry *folder,
                         const Pb__ExecutorInfo *info)
{
    const struct tree_entry *file =
        recovered_files_find(tree, folder, "executor_generated_for_command_task");
    if (file != NULL) {
        return slice_is(slice_trim(file->bytes), "1");
    }
    return info->name != NULL &&
           slice_starts_with(slice_from(info->name), SLICE("Command Executor"));
}

static int recover_executor(struct framework *framework, const struct tree *tree,
                            const struct tree_entry *folder, bool rebooted)
{
    struct agent *agent = framework->agent;
    struct arena *arena = &agent->arena;
    const char *latest = latest_of(agent, tree, folder);
    const struct tree_entry *run =
        latest != NULL ? recovered_files_find(tree, folder, arena_printf(arena, "runs/%s", latest))
                       : NULL;
    Pb__ExecutorInfo *info = NULL;
    int status = recovered_files_read(agent, recovered_files_find(tree, folder, "executor.info"),
                                      &pb__executor_info__descriptor, (ProtobufCMessage **)&info);
    if (status != 0) {
        return status;
    }
    if (run == NULL || info == NULL) {
        struct run_ids ids = {
            .agent = agent->id, .framework = framework->id, .executor = tree_name(folder)};
        gc_schedule(agent, paths_executor(arena, agent->setup.config.work_dir, &ids),
                    folder->mtime_ns);
        gc_schedule(agent, paths_executor(arena, agent->setup.meta_dir, &ids), folder->mtime_ns);
        return 0;
    }
    collect_older_runs(framework, tree, folder, latest);
    struct executor *executor =
        executor_new(framework, info, latest, is_generated(tree, folder, info));
    const struct tree_entry *sentinel = recovered_files_find(tree, run, "executor.sentinel");
    status = recover_tasks(executor, tree, run, sentinel != NULL);
    if (status != 0) {
        return status;
    }
    if (sentinel != NULL) {
        recover_ended(executor, sentinel->mtime_ns);
    } else {
        recover_running(executor, tree, run, rebooted);
    }
    return 0;
}

/* --- frameworks --- */

static int recover_framework(struct agent *agent, const struct tree *tree,
                             const struct tree_entry *folder, bool rebooted)
{
    struct arena *arena = &agent->arena;
    Pb__FrameworkInfo *info = NULL;
    int status = recovered_files_read(agent, recovered_files_find(tree, folder, "framework.info"),
                                      &pb__framework_info__descriptor, (ProtobufCMessage **)&info);
    const struct tree_entry *executors = recovered_files_find(tree, folder, "executors");
    if (status != 0) {
        return status;
    }
    if (info == NULL || executors == NULL) {
        struct run_ids ids = {.agent = agent->id, .framework = tree_name(folder)};
        gc_schedule(agent, paths_framework(arena, agent->setup.config.work_dir, &ids),
                    folder->mtime_ns);
        gc_schedule(agent, paths_framework(arena, agent->setup.meta_dir, &ids), folder->mtime_ns);
        return 0;
    }
    info->id = messages_framework_id(tree_name(folder), arena);
    const struct tree_entry *pid = recovered_files_find(tree, folder, "framework.pid");
    struct framework *framework = framework_new(
        agent, info, pid != NULL ? arena_strndup(arena, pid->bytes.data, pid->bytes.size) : NULL);
    size_t at = (size_t)(executors - tree->entries);
    size_t end = tree_skip(tree, at);
    for (at++; at < end; at = tree_skip(tree, at)) {
        if (tree->entries[at].type == TREE_FOLDER) {
            status = recover_executor(framework, tree, &tree->entries[at], rebooted);
            if (status != 0) {
                return status;
            }
        }
    }
    framework_retire_if_idle(framework);
    return 0;
}

static int recover_frameworks(struct agent *agent, const struct tree *tree, bool rebooted)
{
    const char *path = arena_printf(&agent->arena, "slaves/%s/frameworks", agent->id);
    const struct tree_entry *folder = tree_find(tree, path);
    if (folder == NULL) {
        return 0;
    }
    size_t at = (size_t)(folder - tree->entries);
    size_t end = tree_skip(tree, at);
    for (at++; at < end; at = tree_skip(tree, at)) {
        if (tree->entries[at].type == TREE_FOLDER) {
            int status = recover_framework(agent, tree, &tree->entries[at], rebooted);
            if (status != 0) {
                return status;
            }
        }
    }
    return 0;
}

/* --- the agent --- */

static bool is_rebooted(const struct agent_recovered *recovered)
{
    const struct tree_entry *stored = tree_find(recovered->meta, "boot_id");
    return stored != NULL && recovered->boot_id != NULL &&
           !slice_equal(slice_trim(stored->bytes), slice_from(recovered->boot_id));
}

static void refuse(struct agent *agent, const char *why)
{
    agent_exit(agent, 1,
               "Failed to perform recovery: %s\n"
               "If recovery failed due to a change in configuration and you want to keep the "
               "current agent id, you might want to change the `--reconfiguration_policy` flag to "
               "a more permissive value.\n"
               "To restart this agent with a new agent id instead, do as follows:\n"
               "rm -f %s/slaves/latest\n"
               "This ensures that the agent does not recover old live executors.",
               why, agent->setup.meta_dir);
}

/* The id of before, if the agent may have it. -1 after an end of the process was asked for. */
static int recover_id(struct agent *agent, const struct agent_recovered *recovered, bool rebooted)
{
    struct arena *arena = &agent->arena;
    const struct tree_entry *latest = tree_find(recovered->meta, "slaves/latest");
    if (latest == NULL || latest->type != TREE_LINK) {
        return 0;
    }
    const char *target = arena_strndup(arena, latest->bytes.data, latest->bytes.size);
    const char *slash = strrchr(target, '/');
    const char *id = slash != NULL ? slash + 1 : target;
    const struct tree_entry *folder =
        tree_find(recovered->meta, arena_printf(arena, "slaves/%s", id));
    Pb__AgentInfo *previous = NULL;
    int status = folder == NULL
                     ? 0
                     : recovered_files_read(
                           agent, recovered_files_find(recovered->meta, folder, "slave.info"),
                           &pb__agent_info__descriptor, (ProtobufCMessage **)&previous);
    if (status != 0 || previous == NULL) {
        return status;
    }
    struct err err = {""};
    status = compatibility_check(agent->setup.config.reconfiguration_policy, previous,
                                 agent->setup.info, &err);
    if (status == COMPATIBILITY_E_REFUSED && rebooted) {
        agent_log(agent, LOG_LEVEL_WARNING, "becoming a new agent: %s", err.text);
        store_remove(&agent->effects->store, 0,
                     arena_printf(arena, "%s/slaves/latest", agent->setup.meta_dir));
        return 0;
    }
    if (status == COMPATIBILITY_E_REFUSED) {
        refuse(agent, err.text);
        return -1;
    }
    agent_set_id(agent, id);
    agent->id_stored = true;
    agent->requires_agent_update = status == COMPATIBILITY_E_CHANGED;
    if (agent->requires_agent_update) {
        struct blob *info = message_encode_blob(&setup_info(agent)->base);
        const char *path =
            paths_join(arena, paths_agent(arena, agent->setup.meta_dir, id), "slave.info");
        agent_store_message(agent, path, info, 0);
        blob_unref(info);
    }
    const struct tree_entry *drain = recovered_files_find(recovered->meta, folder, "drain.config");
    Pb__DrainConfig *config = NULL;
    if (recovered_files_read(agent, drain, &pb__drain_config__descriptor,
                             (ProtobufCMessage **)&config) == 0 &&
        config != NULL) {
        agent->drain_config = message_encode_blob(&config->base);
        agent->drain_marks_gone = config->has_mark_gone && config->mark_gone;
    }
    return 0;
}

/* Folders of agents that this one is not, and of frameworks that left nothing to recover. */
static void collect_sandboxes(struct agent *agent, const struct agent_recovered *recovered)
{
    struct arena *arena = &agent->arena;
    const struct tree *tree = recovered->sandboxes;
    const char *own = arena_printf(arena, "%s/frameworks/", agent->id);
    for (size_t i = 0; i < tree->count; i++) {
        const struct tree_entry *entry = &tree->entries[i];
        if (entry->type != TREE_FOLDER) {
            continue;
        }
        if (strchr(entry->path, '/') == NULL && strcmp(entry->path, agent->id) != 0) {
            agent_log(agent, LOG_LEVEL_INFO, "the folders of old agent %s will be removed",
                      entry->path);
            gc_schedule(agent, paths_agent(arena, agent->setup.config.work_dir, entry->path),
                        agent->now.wall_ns);
            gc_schedule(agent, paths_agent(arena, agent->setup.meta_dir, entry->path),
                        agent->now.wall_ns);
        }
        const char *framework_id = entry->path + strlen(own);
        if (agent->id[0] != '\0' && strncmp(entry->path, own, strlen(own)) == 0 &&
            strchr(framework_id, '/') == NULL && framework_find(agent, framework_id) == NULL) {
            struct run_ids ids = {.agent = agent->id, .framework = framework_id};
            const char *path = paths_framework(arena, agent->setup.config.work_dir, &ids);
            if (!gc_is_scheduled(agent, path)) {
                gc_schedule(agent, path, entry->mtime_ns);
            }
        }
    }
}

void recovery_begin(struct agent *agent, const struct agent_recovered *recovered)
{
    ASSERT(agent->state == AGENT_RECOVERING);
    if (recovered->failure != NULL) {
        refuse(agent, recovered->failure);
        return;
    }
    Pb__Operation **operations;
    size_t operation_count;
    if (resource_state_recover(agent, recovered->meta, &operations, &operation_count) != 0) {
        return;
    }
    bool rebooted = is_rebooted(recovered);
    if (recover_id(agent, recovered, rebooted) != 0) {
        return;
    }
    if (agent->id[0] != '\0' && recover_frameworks(agent, recovered->meta, rebooted) != 0) {
        return;
    }
    if (operation_recovery(agent, recovered->meta, operations, operation_count) != 0) {
        return;
    }
    collect_sandboxes(agent, recovered);
    if (recovered->boot_id != NULL) {
        store_replace(&agent->effects->store, 0,
                      paths_join(&agent->arena, agent->setup.meta_dir, "boot_id"),
                      blob_from(slice_from(recovered->boot_id)))
            ->durable = true;
    }
    struct container_request *request =
        container_request_add(&agent->effects->containers, CONTAINER_RECOVER, "");
    request->token = agent_token(agent);
}

/* --- until the executors are back --- */

/* Those without a container cannot be alive. */
static void end_lost(struct agent *agent)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            if (executor->state == EXECUTOR_REGISTERING && executor->container == NULL) {
                bool is_last = framework->executors.count == 1;
                executor_terminated(executor, NULL);
                if (is_last) {
                    break; /* the framework may be gone */
                }
            }
        }
    }
}

typedef void executor_fn(struct executor *executor);

static void for_each_absent(struct agent *agent, executor_fn *fn)
{
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            if (executor->state == EXECUTOR_REGISTERING) {
                fn(executor);
            }
        }
    }
}

static void ask_status(struct executor *executor)
{
    if (executor->container != NULL) {
        agent_container_ask_status(executor->agent, executor->container);
    }
}

static void reconnect(struct executor *executor)
{
    if (executor->how == EXECUTOR_LINK_MESSAGES) {
        executor_messages_reconnect(executor);
    }
}

static void set_reconnect_timer(struct agent *agent)
{
    int64_t interval_ns = agent->setup.config.executor_reregistration_retry_interval_ns;
    if (interval_ns > 0) {
        timers_set(&agent->timers, &agent->reconnect_timer,
                   time_add_ns(agent->now.mono_ns, interval_ns));
    }
}

static void destroy_unconnected(struct executor *executor)
{
    if (executor->how != EXECUTOR_LINK_MESSAGES && executor->container != NULL) {
        container_request_add(&executor->agent->effects->containers, CONTAINER_DESTROY,
                              executor->container_id);
    }
}

void recovery_containers_found(struct agent *agent)
{
    if (agent->state != AGENT_RECOVERING || agent->executors_may_subscribe) {
        return;
    }
    agent->executors_may_subscribe = true;
    end_lost(agent);
    for_each_absent(agent, ask_status);
    if (agent->setup.config.recover == AGENT_RECOVER_CLEANUP) {
        for_each_absent(agent, destroy_unconnected);
        shutdown_everything(agent);
        return;
    }
    for_each_absent(agent, reconnect);
    set_reconnect_timer(agent);
    timers_set(
        &agent->timers, &agent->reregister_timer,
        time_add_ns(agent->now.mono_ns, agent->setup.config.executor_reregistration_timeout_ns));
}

void recovery_ask_again(struct agent *agent)
{
    if (agent->state == AGENT_RECOVERING) {
        for_each_absent(agent, reconnect);
        set_reconnect_timer(agent);
    }
}

static void give_up(struct executor *executor)
{
    struct agent *agent = executor->agent;
    CLEANUP(buf_deinit) struct buf timeout = BUF_INIT;
    duration_format(agent->setup.config.executor_reregistration_timeout_ns, &timeout);
    agent_log(agent, LOG_LEVEL_WARNING, "executor '%s' of framework %s is not back", executor->id,
              executor->framework->id);
    executor_set_end(executor, framework_gone(executor->framework),
                     PB__TASK_STATUS__REASON__REASON_EXECUTOR_REREGISTRATION_TIMEOUT,
                     "Executor did not reregister within %s", buf_text(&timeout));
    executor_move(executor, EXECUTOR_TERMINATING);
    container_request_add(&agent->effects->containers, CONTAINER_DESTROY, executor->container_id);
}

static void log_finish(struct agent *agent)
{
    size_t executors = 0, tasks = 0;
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            if (executor->state == EXECUTOR_RUNNING) {
                struct task *task;
                executors++;
                LIST_FOR_EACH (task, &executor->launched, link) {
                    tasks++;
                }
            }
        }
    }
    agent_log(agent, LOG_LEVEL_INFO, "finished recovery: %zu executors are back, with %zu tasks",
              executors, tasks);
}

static void finish(struct agent *agent)
{
    timers_cancel(&agent->timers, &agent->reregister_timer);
    timers_cancel(&agent->timers, &agent->reconnect_timer);
    log_finish(agent);
    agent->gauges.recovery_time_secs =
        metrics_add_value(agent->gauges.metrics, "slave/recovery_time_secs");
    metric_set(agent->gauges.recovery_time_secs,
               (double)(agent->now.mono_ns - agent->start_mono_ns) / 1e9);
    agent_move(agent, AGENT_DISCONNECTED);
    kill_drain_again(agent);
    registration_start(agent);
}

void recovery_give_up(struct agent *agent)
{
    if (agent->state == AGENT_RECOVERING) {
        for_each_absent(agent, give_up);
        finish(agent);
    }
}

void recovery_check(struct agent *agent)
{
    if (agent->state != AGENT_RECOVERING || !agent->executors_may_subscribe || agent->exiting) {
        return;
    }
    struct framework *framework;
    LIST_FOR_EACH (framework, &agent->framework_order, link) {
        struct executor *executor;
        LIST_FOR_EACH (executor, &framework->executor_order, link) {
            if (executor->state == EXECUTOR_REGISTERING) {
                return;
            }
        }
    }
    finish(agent);
}
