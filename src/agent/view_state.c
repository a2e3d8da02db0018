/* /state, the older endpoint: a projection of its own. */
#include <string.h>

#include "agent/messages.h"
#include "agent/view.h"
#include "resources/resource_pb.h"
#include "wire/json.h"

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static void put_resources(struct json_writer *w, const char *key, const struct resources *r)
{
    json_key(w, key);
    resources_write_json(r, w);
}

static void put_pb_resources(struct json_writer *w, Pb__Resource *const *items, size_t count)
{
    struct resources all = RESOURCES_INIT;
    resources_add_pb(&all, items, count, NULL);
    put_resources(w, "resources", &all);
    resources_deinit(&all);
}

static const char *role_of(Pb__Resource *const *items, size_t count)
{
    return count > 0 && items[0]->allocation_info != NULL
               ? text_or_empty(items[0]->allocation_info->role)
               : "";
}

/* Labels are shown as their list. */
static void put_labels(struct json_writer *w, const Pb__Labels *labels)
{
    json_key(w, "labels");
    json_begin_array(w);
    for (size_t i = 0; i < labels->n_labels; i++) {
        json_message(w, &labels->labels[i]->base, JSON_V0);
    }
    json_end_array(w);
}

/* --- tasks --- */

static void put_container_status(struct json_writer *w, const Pb__ContainerStatus *status)
{
    json_key(w, "container_status");
    json_begin_object(w);
    if (status->container_id != NULL) {
        json_key(w, "container_id");
        json_message(w, &status->container_id->base, JSON_V0);
    }
    if (status->n_network_infos > 0) {
        json_key(w, "network_infos");
        json_begin_array(w);
        for (size_t i = 0; i < status->n_network_infos; i++) {
            json_message(w, &status->network_infos[i]->base, JSON_V0);
        }
        json_end_array(w);
    }
    json_end_object(w);
}

static void put_status(struct json_writer *w, const Pb__TaskStatus *status)
{
    json_begin_object(w);
    json_key_text(w, "state", task_state_name(status->state));
    json_key_double(w, "timestamp", status->timestamp);
    if (status->labels != NULL) {
        put_labels(w, status->labels);
    }
    if (status->container_status != NULL) {
        put_container_status(w, status->container_status);
    }
    if (status->has_healthy) {
        json_key_bool(w, "healthy", status->healthy);
    }
    json_end_object(w);
}

static void put_optional(struct json_writer *w, const char *key, const ProtobufCMessage *message)
{
    if (message != NULL) {
        json_key(w, key);
        json_message(w, message, JSON_V0);
    }
}

/* limits as {"cpus": 1.0, "mem": "Infinity"} */
static void put_limits(struct json_writer *w, const Pb__Task *task)
{
    json_key(w, "limits");
    json_begin_object(w);
    for (size_t i = 0; i < task->n_limits; i++) {
        json_key_slice(w, slice_from(task->limits[i]->key));
        json_double(w, task->limits[i]->value != NULL ? task->limits[i]->value->value : 0);
    }
    json_end_object(w);
}

#define OPTIONAL(message) ((message) != NULL ? &(message)->base : NULL)

static void put_task(struct json_writer *w, const struct blob *bytes)
{
    struct arena arena;
    arena_init(&arena, 0);
    const Pb__Task *task = MESSAGES_READ(Pb__Task, pb__task, bytes, &arena);
    json_begin_object(w);
    json_key_text(w, "id", task->task_id->value);
    json_key_text(w, "name", task->name);
    json_key_text(w, "framework_id", task->framework_id->value);
    json_key_text(w, "executor_id", task->executor_id != NULL ? task->executor_id->value : "");
    json_key_text(w, "slave_id", task->agent_id->value);
    json_key_text(w, "state", task_state_name(task->state));
    put_pb_resources(w, task->resources, task->n_resources);
    if (task->n_limits > 0) {
        put_limits(w, task);
    }
    json_key_text(w, "role", role_of(task->resources, task->n_resources));
    json_key(w, "statuses");
    json_begin_array(w);
    for (size_t i = 0; i < task->n_statuses; i++) {
        put_status(w, task->statuses[i]);
    }
    json_end_array(w);
    if (task->user != NULL) {
        json_key_text(w, "user", task->user);
    }
    if (task->labels != NULL) {
        put_labels(w, task->labels);
    }
    put_optional(w, "discovery", OPTIONAL(task->discovery));
    put_optional(w, "container", OPTIONAL(task->container));
    put_optional(w, "health_check", OPTIONAL(task->health_check));
    json_end_object(w);
    arena_deinit(&arena);
}

static void put_tasks(struct json_writer *w, const struct view_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        put_task(w, tasks->items[i]);
    }
}

/* --- executors and frameworks --- */

static void add_task_resources(struct resources *sum, const struct view_tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        resources_add_bytes(sum, blob_slice(tasks->items[i]), 7, NULL); /* Task.resources */
    }
}

/* Its own and those of tasks that are not over. */
static void sum_executor(const struct view_executor *executor, struct resources *sum)
{
    resources_add_bytes(sum, blob_slice(executor->info), 5, NULL); /* ExecutorInfo.resources */
    add_task_resources(sum, &executor->tasks[TASK_QUEUED]);
    add_task_resources(sum, &executor->tasks[TASK_LAUNCHED]);
}

static void put_executor(struct json_writer *w, const struct view_executor *executor)
{
    struct arena arena;
    arena_init(&arena, 0);
    const Pb__ExecutorInfo *info =
        MESSAGES_READ(Pb__ExecutorInfo, pb__executor_info, executor->info, &arena);
    json_begin_object(w);
    json_key_text(w, "id", executor->id);
    json_key_text(w, "name", text_or_empty(info->name));
    json_key_text(w, "source", text_or_empty(info->source));
    json_key_text(w, "container", executor->container);
    json_key_text(w, "directory", executor->directory);
    struct resources sum = RESOURCES_INIT;
    sum_executor(executor, &sum);
    put_resources(w, "resources", &sum);
    resources_deinit(&sum);
    if (info->n_resources > 0) {
        json_key_text(w, "role", role_of(info->resources, info->n_resources));
    }
    if (info->labels != NULL) {
        put_labels(w, info->labels);
    }
    if (info->has_type) {
        const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
            &pb__executor_info__type__descriptor, (int)info->type);
        json_key_text(w, "type", type != NULL ? type->name : "UNKNOWN");
    }
    json_key(w, "tasks");
    json_begin_array(w);
    put_tasks(w, &executor->tasks[TASK_LAUNCHED]);
    json_end_array(w);
    json_key(w, "queued_tasks");
    json_begin_array(w);
    put_tasks(w, &executor->tasks[TASK_QUEUED]);
    json_end_array(w);
    json_key(w, "completed_tasks");
    json_begin_array(w);
    put_tasks(w, &executor->tasks[TASK_COMPLETED]);
    put_tasks(w, &executor->tasks[TASK_TERMINATED]);
    json_end_array(w);
    json_end_object(w);
    arena_deinit(&arena);
}

static void put_executors(struct json_writer *w, const char *key,
                          const struct view_executors *executors)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < executors->count; i++) {
        put_executor(w, &executors->items[i]);
    }
    json_end_array(w);
}

static void put_roles(struct json_writer *w, const Pb__FrameworkInfo *info)
{
    for (size_t i = 0; i < info->n_capabilities; i++) {
        if (info->capabilities[i]->type == PB__FRAMEWORK_INFO__CAPABILITY__TYPE__MULTI_ROLE) {
            json_key(w, "roles");
            json_begin_array(w);
            for (size_t j = 0; j < info->n_roles; j++) {
                json_text(w, info->roles[j]);
            }
            json_end_array(w);
            return;
        }
    }
    json_key_text(w, "role", info->role != NULL ? info->role : "*");
}

static void put_framework(struct json_writer *w, const struct view_framework *framework)
{
    struct arena arena;
    arena_init(&arena, 0);
    const Pb__FrameworkInfo *info =
        MESSAGES_READ(Pb__FrameworkInfo, pb__framework_info, framework->info, &arena);
    json_begin_object(w);
    json_key_text(w, "id", framework->id);
    json_key_text(w, "name", info->name);
    json_key_text(w, "user", info->user);
    json_key_double(w, "failover_timeout", info->failover_timeout);
    json_key_bool(w, "checkpoint", info->checkpoint);
    json_key_text(w, "hostname", text_or_empty(info->hostname));
    if (info->principal != NULL) {
        json_key_text(w, "principal", info->principal);
    }
    put_roles(w, info);
    put_executors(w, "executors", &framework->executors);
    put_executors(w, "completed_executors", &framework->completed);
    json_end_object(w);
    arena_deinit(&arena);
}

static void put_frameworks(struct json_writer *w, const char *key,
                           const struct view_frameworks *frameworks)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < frameworks->count; i++) {
        put_framework(w, &frameworks->items[i]);
    }
    json_end_array(w);
}

/* --- the agent --- */

static void put_build(struct json_writer *w, const struct agent_build *build)
{
    json_key_text(w, "version", build->version);
    if (build->git_sha != NULL) {
        json_key_text(w, "git_sha", build->git_sha);
    }
    if (build->git_branch != NULL) {
        json_key_text(w, "git_branch", build->git_branch);
    }
    if (build->git_tag != NULL) {
        json_key_text(w, "git_tag", build->git_tag);
    }
    json_key_text(w, "build_date", text_or_empty(build->build_date));
    json_key_double(w, "build_time", build->build_time);
    json_key_text(w, "build_user", text_or_empty(build->build_user));
}

static void put_capabilities(struct json_writer *w, const struct agent_setup *setup)
{
    json_key(w, "capabilities");
    json_begin_array(w);
    for (size_t i = 0; i < setup->capability_count; i++) {
        const ProtobufCEnumValue *type = protobuf_c_enum_descriptor_get_value(
            &pb__agent_info__capability__type__descriptor, (int)setup->capabilities[i]->type);
        json_text(w, type->name);
    }
    json_end_array(w);
}

static void put_full(struct json_writer *w, const struct resources *r)
{
    struct arena arena;
    arena_init(&arena, 0);
    Pb__Resource **items;
    size_t count;
    resources_to_pb(r, RESOURCE_FORMAT_ENDPOINT, &arena, &items, &count);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++) {
        json_message(w, &items[i]->base, JSON_V0);
    }
    json_end_array(w);
    arena_deinit(&arena);
}

static void put_reserved(struct json_writer *w, const char *key, const struct resources *r,
                         bool is_full)
{
    struct resources_by_role roles;
    resources_reservations(r, &roles);
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < roles.count; i++) {
        json_key_slice(w, roles.items[i].role);
        if (is_full) {
            put_full(w, &roles.items[i].resources);
        } else {
            resources_write_json(&roles.items[i].resources, w);
        }
    }
    json_end_object(w);
    resources_by_role_deinit(&roles);
}

static void put_all_resources(struct json_writer *w, const struct view *view)
{
    struct resources total = RESOURCES_INIT;
    struct resources unreserved;
    resources_add_bytes(&total, blob_slice(view->resource_state), 2, NULL);
    resources_unreserved(&total, &unreserved);
    put_resources(w, "resources", &total);
    put_reserved(w, "reserved_resources", &total, false);
    put_resources(w, "unreserved_resources", &unreserved);
    put_reserved(w, "reserved_resources_full", &total, true);
    resources_deinit(&total);
    json_key(w, "unreserved_resources_full");
    put_full(w, &unreserved);
    resources_deinit(&unreserved);
    struct resources allocated = RESOURCES_INIT;
    for (size_t i = 0; i < view->running.count; i++) {
        const struct view_executors *executors = &view->running.items[i].executors;
        for (size_t j = 0; j < executors->count; j++) {
            sum_executor(&executors->items[j], &allocated);
        }
    }
    put_reserved(w, "reserved_resources_allocated", &allocated, false);
    resources_unreserved(&allocated, &unreserved);
    put_resources(w, "unreserved_resources_allocated", &unreserved);
    resources_deinit(&unreserved);
    resources_deinit(&allocated);
}

static void put_drain(struct json_writer *w, const struct view *view)
{
    if (view->drain_config != NULL) {
        json_key(w, "drain_config");
        json_message_bytes(w, &pb__drain_config__descriptor, blob_slice(view->drain_config),
                           JSON_V0);
        json_key_int(w, "estimated_drain_start_time_seconds",
                     view->drain_start_wall_ns / NS_PER_SEC);
    }
}

static void put_flags(struct json_writer *w, const struct agent_config *config)
{
    if (config->log_dir != NULL) {
        json_key_text(w, "log_dir", config->log_dir);
    }
    if (config->external_log_file != NULL) {
        json_key_text(w, "external_log_file", config->external_log_file);
    }
    json_key(w, "flags");
    json_begin_object(w);
    for (size_t i = 0; i < config->flag_count; i++) {
        json_key_slice(w, slice_from(config->flags[i].name));
        json_text(w, config->flags[i].value);
    }
    json_end_object(w);
}

void view_write_state(const struct view *view, struct buf *out)
{
    const struct agent_setup *setup = view->setup;
    struct json_writer writer;
    struct json_writer *w = &writer;
    json_writer_init(w, out);
    json_begin_object(w);
    put_build(w, &setup->config.build);
    json_key_double(w, "start_time", MESSAGES_SECONDS(view->start_wall_ns));
    json_key_text(w, "id", view->id);
    json_key_text(w, "pid", view->pid);
    json_key_text(w, "hostname", setup->config.hostname);
    put_capabilities(w, setup);
    put_optional(w, "domain", OPTIONAL(setup->info->domain));
    put_drain(w, view);
    put_all_resources(w, view);
    json_key(w, "resource_providers");
    json_begin_array(w);
    json_end_array(w);
    json_key(w, "attributes");
    attributes_write_json(&setup->attributes, w);
    if (view->master_hostname != NULL) {
        json_key_text(w, "master_hostname", view->master_hostname);
    }
    put_flags(w, &setup->config);
    put_frameworks(w, "frameworks", &view->running);
    put_frameworks(w, "completed_frameworks", &view->completed);
    json_end_object(w);
}
