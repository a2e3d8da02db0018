/* Takes a ReregisterSlaveMessage apart and validates it. The message of one agent may hold
 * thousands of tasks, and after a failover they all come at once: tasks are walked, not
 * unpacked. */
#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "master/fields.h"
#include "master/master_state.h"
#include "master/register.h"
#include "master/reregister.h"
#include "master/validate.h"
#include "resources/resource_pb.h"
#include "resources/resource_validate.h"
#include "wire/cursor.h"
#include "wire/message.h"

/* mesos.internal.ReregisterSlaveMessage */
enum {
    FIELD_SLAVE = 2,
    FIELD_TASKS = 3,
    FIELD_EXECUTOR_INFOS = 4,
    FIELD_COMPLETED = 5,
    FIELD_VERSION = 6,
    FIELD_CHECKPOINTED = 7,
    FIELD_FRAMEWORKS = 8,
    FIELD_CAPABILITIES = 9,
    FIELD_RESOURCE_VERSION = 10,
};

/* What is decoded before tasks are looked at. */
struct raw {
    Pb__Resource **checkpointed;
    size_t checkpointed_count;
    Pb__AgentInfo__Capability **capabilities;
    size_t capability_count;
    struct slice *tasks;
    size_t task_count;
};

#define DECODE(master, type, name, bytes, ret) \
    (MESSAGE_DECODE(type, name, (bytes), &(master)->input, (ret), err) == 0)

static bool add_framework(struct master *master, struct reregistration *r, struct slice bytes,
                          struct err *err)
{
    struct reregister_framework framework = {0};
    if (!DECODE(master, Pb__FrameworkInfo, pb__framework_info, bytes, &framework.info)) {
        return false;
    }
    if (framework.info->id == NULL) {
        err_set(err, -EINVAL, "A framework has no id");
        return false;
    }
    framework.id = slice_from(framework.info->id->value);
    MESSAGE_APPEND(&master->arena, r->framework_count, r->frameworks, framework);
    return true;
}

static bool decode_field(struct master *master, const struct cursor_field *field,
                         struct reregistration *r, struct raw *raw, struct err *err)
{
    switch (field->number) {
    case FIELD_SLAVE:
        return DECODE(master, Pb__AgentInfo, pb__agent_info, field->bytes, &r->info);
    case FIELD_TASKS:
        MESSAGE_APPEND(&master->arena, raw->task_count, raw->tasks, field->bytes);
        return true;
    case FIELD_EXECUTOR_INFOS: {
        struct reregister_executor executor = {0};
        if (!DECODE(master, Pb__ExecutorInfo, pb__executor_info, field->bytes, &executor.info)) {
            return false;
        }
        MESSAGE_APPEND(&master->arena, r->executor_count, r->executors, executor);
        return true;
    }
    case FIELD_COMPLETED:
        MESSAGE_APPEND(&master->arena, r->completed_count, r->completed, field->bytes);
        return true;
    case FIELD_VERSION:
        r->version = arena_strndup(&master->arena, field->bytes.data, field->bytes.size);
        return true;
    case FIELD_CHECKPOINTED: {
        Pb__Resource *resource;
        if (!DECODE(master, Pb__Resource, pb__resource, field->bytes, &resource)) {
            return false;
        }
        MESSAGE_APPEND(&master->arena, raw->checkpointed_count, raw->checkpointed, resource);
        return true;
    }
    case FIELD_FRAMEWORKS:
        return add_framework(master, r, field->bytes, err);
    case FIELD_CAPABILITIES: {
        Pb__AgentInfo__Capability *capability;
        if (!DECODE(master, Pb__AgentInfo__Capability, pb__agent_info__capability, field->bytes,
                    &capability)) {
            return false;
        }
        MESSAGE_APPEND(&master->arena, raw->capability_count, raw->capabilities, capability);
        return true;
    }
    case FIELD_RESOURCE_VERSION: {
        struct cursor_field value;
        r->has_resource_version = cursor_find(field->bytes, FIELD_UUID_VALUE, &value) &&
                                  uuid_from_bytes(value.bytes, &r->resource_version);
        return true;
    }
    default:
        return true;
    }
}

static bool find_framework(const struct reregistration *r, struct slice id, size_t hint,
                           size_t *ret_index)
{
    if (hint < r->framework_count && slice_equal(r->frameworks[hint].id, id)) {
        *ret_index = hint;
        return true;
    }
    for (size_t i = 0; i < r->framework_count; i++) {
        if (slice_equal(r->frameworks[i].id, id)) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static int check_frameworks(struct reregistration *r, struct err *err)
{
    bool multi_role = (r->capabilities & AGENT_MULTI_ROLE) != 0;
    for (size_t i = 0; i < r->framework_count; i++) {
        struct reregister_framework *framework = &r->frameworks[i];
        size_t first;
        if (master_validate_framework_info(framework->info, err) != 0) {
            return -EINVAL;
        }
        find_framework(r, framework->id, 0, &first);
        if (first != i) {
            return err_set(err, -EINVAL, "Framework has a duplicate FrameworkID: '%s'",
                           framework->info->id->value);
        }
        /* Agents of old do not say to which role resources are allocated: there is only one. */
        bool single = (master_framework_capabilities(framework->info) & FRAMEWORK_MULTI_ROLE) == 0;
        if (!multi_role && single) {
            framework->role = slice_from(framework->info->role);
        } else if (!multi_role && framework->info->n_roles == 1) {
            framework->role = slice_from(framework->info->roles[0]);
        }
    }
    return 0;
}

static int check_executors(struct master *master, struct reregistration *r, struct err *err)
{
    for (size_t i = 0; i < r->executor_count; i++) {
        struct reregister_executor *executor = &r->executors[i];
        Pb__ExecutorInfo *info = executor->info;
        if (master_validate_executor_info(info, err) != 0 ||
            resource_validate_all(info->resources, info->n_resources, err) != 0) {
            return -EINVAL;
        }
        if (info->framework_id == NULL ||
            !find_framework(r, slice_from(info->framework_id->value), 0, &executor->framework)) {
            return err_set(err, -EINVAL, "Executor has an invalid FrameworkID");
        }
        for (size_t j = 0; j < i; j++) {
            if (r->executors[j].framework == executor->framework &&
                strcmp(r->executors[j].info->executor_id->value, info->executor_id->value) == 0) {
                return err_set(err, -EINVAL, "Framework '%s' has a duplicate ExecutorID '%s'",
                               info->framework_id->value, info->executor_id->value);
            }
        }
        struct reregister_framework *framework = &r->frameworks[executor->framework];
        resource_pb_upgrade_all(&info->base, &master->arena);
        if (framework->role.data != NULL) {
            resource_pb_inject_allocation(info->resources, info->n_resources, framework->role,
                                          &master->arena);
        }
        resources_add_pb(&framework->used, info->resources, info->n_resources, &master->kinds);
    }
    return 0;
}

static bool has_executor(const struct reregistration *r, size_t framework, struct slice id)
{
    for (size_t i = 0; i < r->executor_count; i++) {
        if (r->executors[i].framework == framework &&
            slice_is(id, r->executors[i].info->executor_id->value)) {
            return true;
        }
    }
    return false;
}

/* Ids, which are fields of one level below. */
static struct slice id_of(const struct cursor_field *field)
{
    struct cursor_field value;
    return cursor_find(field->bytes, FIELD_ID_VALUE, &value) ? value.bytes : slice_make("", 0);
}

static int check_task(struct master *master, struct reregistration *r, struct slice bytes,
                      struct task_memo *memo, size_t *hint, struct err *err)
{
    struct reregister_task task = {0};
    struct slice framework_id = {0};
    struct slice agent_id = {0};
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, bytes);
    while (cursor_next(&cursor, &field)) {
        switch (field.number) {
        case FIELD_TASK_ID:
            task.id = id_of(&field);
            break;
        case FIELD_TASK_FRAMEWORK_ID:
            framework_id = id_of(&field);
            break;
        case FIELD_TASK_AGENT_ID:
            agent_id = id_of(&field);
            break;
        case FIELD_TASK_EXECUTOR_ID:
            task.executor_id = id_of(&field);
            break;
        default:
            break;
        }
    }
    if (resource_validate_id(task.id, err) != 0) {
        return err_wrap(err, -EINVAL, "Task has an invalid TaskID");
    }
    if (!slice_equal(agent_id, r->id)) {
        return err_set(err, -EINVAL, "Task has an invalid SlaveID '%.*s'", SLICE_ARGS(agent_id));
    }
    if (!find_framework(r, framework_id, *hint, &task.framework)) {
        return err_set(err, -EINVAL, "Task has an invalid FrameworkID '%.*s'",
                       SLICE_ARGS(framework_id));
    }
    *hint = task.framework;
    struct reregister_framework *framework = &r->frameworks[task.framework];
    if (master_task_parts_of_task(master, bytes, framework->role, memo, &task.parts, err) != 0) {
        return err_wrap(err, -EINVAL, "Task uses invalid resources");
    }
    if (task.executor_id.data != NULL && task.parts.state == TASK_STATE_RUNNING &&
        !has_executor(r, task.framework, task.executor_id)) {
        master_task_parts_deinit(&task.parts);
        return err_set(err, -EINVAL, "Task has an invalid ExecutorID '%.*s'",
                       SLICE_ARGS(task.executor_id));
    }
    resources_copy(&memo->resources, &task.resources);
    if (!master_task_state_is_terminal(task.parts.state)) {
        resources_add(&framework->used, &memo->resources);
    }
    MESSAGE_APPEND(&master->arena, r->task_count, r->tasks, task);
    return 0;
}

static int check_tasks(struct master *master, struct reregistration *r, const struct raw *raw,
                       struct err *err)
{
    CLEANUP(master_task_memo_deinit) struct task_memo memo = {0};
    size_t hint = 0;
    for (size_t i = 0; i < raw->task_count; i++) {
        int e = check_task(master, r, raw->tasks[i], &memo, &hint, err);
        if (e != 0) {
            return e;
        }
    }
    return 0;
}

int master_reregister_parse(struct master *master, struct slice message,
                            struct reregistration *ret_r, struct err *err)
{
    struct reregistration r = {0};
    struct raw raw = {0};
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
        if (!decode_field(master, &field, &r, &raw, err)) {
            return -EINVAL;
        }
    }
    if (r.info == NULL || r.info->id == NULL) {
        return err_set(err, -EINVAL, "The agent has no id");
    }
    if (r.framework_count > REREGISTER_FRAMEWORKS_MAX ||
        r.executor_count > REREGISTER_EXECUTORS_MAX) {
        return err_set(err, -EINVAL, "Too many frameworks or executors");
    }
    r.id = slice_from(r.info->id->value);
    r.capabilities = master_agent_capabilities(raw.capabilities, raw.capability_count);
    int e = master_register_validate(r.info, raw.checkpointed, raw.checkpointed_count, err);
    if (e == 0) {
        e = check_frameworks(&r, err);
    }
    if (e == 0) {
        e = check_executors(master, &r, err);
    }
    if (e == 0) {
        e = check_tasks(master, &r, &raw, err);
    }
    if (e != 0) {
        master_reregister_deinit(&r);
        return -EINVAL;
    }
    resource_pb_upgrade_all(&r.info->base, &master->arena);
    resources_add_pb(&r.checkpointed, raw.checkpointed, raw.checkpointed_count, &master->kinds);
    *ret_r = r;
    return 0;
}

void master_reregister_deinit(struct reregistration *r)
{
    resources_deinit(&r->checkpointed);
    for (size_t i = 0; i < r->framework_count; i++) {
        resources_deinit(&r->frameworks[i].used);
    }
    for (size_t i = 0; i < r->task_count; i++) {
        master_task_parts_deinit(&r->tasks[i].parts);
        resources_deinit(&r->tasks[i].resources);
    }
}
