#include "agent/resource_state.h"

#include <stdlib.h>
#include <string.h>

#include "agent/core.h"
#include "agent/executor.h"
#include "agent/messages.h"
#include "agent/operation.h"
#include "agent/recovered_files.h"
#include "agent/registration.h"
#include "common/xalloc.h"
#include "resources/resource_operation.h"
#include "wire/cursor.h"

/* Numbers of the fields of ResourceState. */
enum { FIELD_OPERATIONS = 1, FIELD_RESOURCES = 2 };

#define STATE "resources_and_operations.state"
#define STATE_TARGET "resources_and_operations.target"
#define INFO "resources.info" /* for agents from before operations were told of */
#define INFO_TARGET "resources.target"

void resource_state_init(struct agent *agent)
{
    agent->resources = (struct resource_state){0};
    resources_copy(&agent->setup.resources, &agent->resources.total);
    list_init(&agent->resources.writes);
}

static void write_free(struct resource_write *write)
{
    list_remove(&write->link);
    gate_cancel(&write->wait);
    free(write->volume);
    free(write);
}

void resource_state_deinit(struct agent *agent)
{
    struct resource_state *state = &agent->resources;
    struct resource_write *write;
    LIST_FOR_EACH (write, &state->writes, link) {
        write_free(write);
    }
    blob_unref(state->encoded);
    resources_deinit(&state->total);
    resources_deinit(&state->checkpointed);
    resources_deinit(&state->written);
}

/* --- changes --- */

/* Takes over both. */
static void change(struct agent *agent, struct resources total, struct resources checkpointed)
{
    struct resource_state *state = &agent->resources;
    resources_deinit(&state->total);
    resources_deinit(&state->checkpointed);
    state->total = total;
    state->checkpointed = checkpointed;
    state->encoded = blob_unref(state->encoded);
}

int resource_state_set(struct agent *agent, const struct resources *checkpointed, struct err *err)
{
    struct resources total, copy;
    int r = volumes_check(checkpointed, err);
    if (r == 0) {
        r = resource_operation_restore(&agent->setup.resources, checkpointed, &total, err);
    }
    if (r != 0) {
        return r;
    }
    resources_copy(checkpointed, &copy);
    change(agent, total, copy);
    return 0;
}

int resource_state_apply(struct agent *agent, const Pb__Offer__Operation *op, struct err *err)
{
    struct arena *arena = &agent->arena;
    Pb__Offer__Operation *unallocated = MESSAGE_CLONE(op, arena);
    resource_operation_strip_allocation(unallocated);
    struct resources total, checkpointed;
    resources_copy(&agent->resources.total, &total);
    int r = resource_operation_apply(unallocated, NULL, &total, err);
    if (r == 0) {
        r = volumes_check(&total, err);
    }
    if (r != 0) {
        resources_deinit(&total);
        return r;
    }
    resources_checkpointed(&total, &checkpointed);
    change(agent, total, checkpointed);
    return 0;
}

/* --- writing --- */

static const char *path_of(struct agent *agent, const char *name)
{
    return arena_printf(&agent->arena, "%s/resources/%s", agent->setup.meta_dir, name);
}

static uint64_t begin_write(struct agent *agent, const char *volume, bool removes)
{
    struct resource_write *write = xalloc(sizeof(*write));
    write->volume = volume != NULL ? xstrdup(volume) : NULL;
    write->removes = removes;
    gate_wait_init(&write->wait, GATE_RESOURCES);
    list_push_back(&agent->resources.writes, &write->link);
    uint64_t token = gate_token(&agent->gate);
    gate_wait_for(&agent->gate, &write->wait, token);
    return token;
}

static void chain(struct store_op *op, bool after_sync)
{
    op->durable = true;
    op->chained = true;
    op->after_sync = after_sync;
}

static struct blob *encode_state(struct agent *agent, const struct resources *r)
{
    struct buf out = BUF_INIT;
    const struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        if (operation->is_checkpointed) {
            wire_put_bytes(&out, FIELD_OPERATIONS, blob_slice(operation->bytes));
        }
    }
    resources_encode(r, RESOURCE_FORMAT_POST, FIELD_RESOURCES, &out);
    return blob_take(&out);
}

/* In the older format where there is one, each for itself. */
static struct blob *encode_info(struct agent *agent, const struct resources *r)
{
    struct arena *arena = &agent->arena;
    struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < r->count; i++) {
        CLEANUP(buf_deinit) struct buf one = BUF_INIT;
        Pb__Resource *pb =
            resource_to_pb(&r->items[i],
                           resource_has_refined_reservations(&r->items[i]) ? RESOURCE_FORMAT_POST
                                                                           : RESOURCE_FORMAT_PRE,
                           arena);
        message_encode(&pb->base, &one);
        agent_put_size(&out, one.size);
        buf_append_slice(&out, buf_slice(&one));
    }
    return blob_take(&out);
}

static void write_targets(struct agent *agent)
{
    struct store_ops *store = &agent->effects->store;
    const struct resources *checkpointed = &agent->resources.checkpointed;
    /* An original that takes over looks for the second once it has found the first, which is why
     * that is written last and renamed first. */
    store_replace(store, 0, path_of(agent, INFO_TARGET), encode_info(agent, checkpointed))
        ->durable = true;
    struct blob *state = encode_state(agent, checkpointed);
    struct buf framed = BUF_INIT;
    agent_put_size(&framed, state->size);
    buf_append_slice(&framed, blob_slice(state));
    blob_unref(state);
    chain(store_replace(store, 0, path_of(agent, STATE_TARGET), blob_take(&framed)), false);
}

/* Is there another volume at the same place? Growing and shrinking keep it. */
static bool has_place(struct agent *agent, const struct resources *r, const char *path)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (resource_is_persistent_volume(&r->items[i]) &&
            strcmp(volumes_path(&r->items[i], agent->setup.config.work_dir, &agent->arena), path) ==
                0) {
            return true;
        }
    }
    return false;
}

static void make_folders(struct agent *agent, const struct resources *except)
{
    const struct resources *r = &agent->resources.checkpointed;
    for (uint32_t i = 0; i < r->count; i++) {
        if (!resource_is_persistent_volume(&r->items[i])) {
            continue;
        }
        const char *path = volumes_path(&r->items[i], agent->setup.config.work_dir, &agent->arena);
        if (except == NULL || !has_place(agent, except, path)) {
            if (except != NULL) { /* at a start most are there: only what a crash left is made */
                agent_log(agent, LOG_LEVEL_INFO, "the persistent volume '%s' is made", path);
            }
            uint64_t token = begin_write(agent, path, false);
            chain(store_mkdir(&agent->effects->store, token, path, 0), false);
        }
    }
}

static void remove_folders(struct agent *agent)
{
    const struct resources *written = &agent->resources.written;
    bool is_first = true;
    for (uint32_t i = 0; i < written->count; i++) {
        const struct resource *volume = &written->items[i];
        if (!resource_is_persistent_volume(volume)) {
            continue;
        }
        const char *path = volumes_path(volume, agent->setup.config.work_dir, &agent->arena);
        if (has_place(agent, &agent->resources.checkpointed, path)) {
            continue;
        }
        agent_log(agent, LOG_LEVEL_INFO, "the persistent volume '%s' is removed", path);
        uint64_t token = begin_write(agent, path, true);
        struct store_op *op = store_remove(&agent->effects->store, token, path);
        op->keeps_folder = resource_is_disk_of(volume, DISK_SOURCE_MOUNT);
        chain(op, is_first); /* nothing goes before it is sure that it will stay gone */
        is_first = false;
    }
}

void resource_state_commit(struct agent *agent)
{
    struct resource_state *state = &agent->resources;
    struct store_ops *store = &agent->effects->store;
    write_targets(agent);
    make_folders(agent, &state->written);
    remove_folders(agent);
    chain(store_rename(store, 0, path_of(agent, STATE_TARGET), path_of(agent, STATE)), true);
    uint64_t token = begin_write(agent, NULL, false);
    chain(store_rename(store, token, path_of(agent, INFO_TARGET), path_of(agent, INFO)), false);
    resources_deinit(&state->written);
    resources_copy(&state->checkpointed, &state->written);
}

bool resource_state_is_settled(const struct agent *agent)
{
    return list_is_empty(&agent->resources.writes);
}

void resource_state_written(struct agent *agent, struct resource_write *write)
{
    if (write->wait.status != 0) {
        const char *what = write->volume == NULL ? "Failed to checkpoint resources"
                           : write->removes      ? "Failed to remove the persistent volume at"
                                                 : "Failed to create the persistent volume at";
        agent_exit(agent, 1, "%s '%s': %s", what,
                   write->volume != NULL ? write->volume : path_of(agent, STATE),
                   strerror(-write->wait.status));
    }
    write_free(write);
    if (resource_state_is_settled(agent) && !agent->exiting) {
        registration_settled(agent);
        executor_go_on_all(agent);
    }
}

/* --- recovery --- */

/* All messages of a file of resources; false if there is no such file. */
static int read_info(struct agent *agent, const struct tree_entry *file, struct resources *r)
{
    struct slice rest = file->bytes;
    struct slice record;
    while (recovered_files_next(&rest, &record)) {
        Pb__Resource *pb;
        struct err err;
        if (MESSAGE_DECODE(Pb__Resource, pb__resource, record, &agent->arena, &pb, &err) != 0) {
            return recovered_files_damaged(agent, file, err.text);
        }
        resources_add_pb_one(r, pb, NULL);
    }
    return 0;
}

/* A target that is cut off was being written when the agent died: nothing was done with it. */
static bool is_whole(const struct tree_entry *file)
{
    struct slice rest, record;
    if (file == NULL || file->status != 0) {
        return file != NULL;
    }
    rest = file->bytes;
    while (recovered_files_next(&rest, &record)) {
    }
    return rest.size == 0 && file->bytes.size > 0;
}

/* What one of the two pairs of files says: the state, and in ret_target what it was to become. */
static int read_files(struct agent *agent, const struct tree *meta,
                      Pb__Internal__Slave__ResourceState **ret_state,
                      Pb__Internal__Slave__ResourceState **ret_target, struct resources *r)
{
    const ProtobufCMessageDescriptor *desc = &pb__internal__slave__resource_state__descriptor;
    const struct tree_entry *file = tree_find(meta, "resources/" STATE);
    const struct tree_entry *target = tree_find(meta, "resources/" STATE_TARGET);
    int status = recovered_files_read(agent, file, desc, (ProtobufCMessage **)ret_state);
    if (status == 0 && is_whole(target)) {
        status = recovered_files_read(agent, target, desc, (ProtobufCMessage **)ret_target);
    }
    if (status != 0 || *ret_state != NULL) {
        if (status == 0) {
            resources_add_pb(r, (*ret_state)->resources, (*ret_state)->n_resources, NULL);
        }
        return status;
    }
    /* Of an agent from before operations were told of, or of none. */
    file = tree_find(meta, "resources/" INFO);
    return file != NULL ? read_info(agent, file, r) : 0;
}

int resource_state_recover(struct agent *agent, const struct tree *meta,
                           Pb__Operation ***ret_operations, size_t *ret_count)
{
    Pb__Internal__Slave__ResourceState *state = NULL, *target = NULL;
    struct resources found = RESOURCES_INIT;
    if (read_files(agent, meta, &state, &target, &found) != 0) {
        resources_deinit(&found);
        return -1;
    }
    struct resource_state *own = &agent->resources;
    resources_copy(&found, &own->written);
    const struct tree_entry *older = tree_find(meta, "resources/" INFO_TARGET);
    own->is_interrupted = target != NULL || older != NULL;
    int status = 0;
    if (target != NULL) {
        resources_clear(&found);
        resources_add_pb(&found, target->resources, target->n_resources, NULL);
        state = target;
    } else if (state == NULL && is_whole(older)) {
        resources_clear(&found);
        status = read_info(agent, older, &found);
    }
    *ret_operations = state != NULL ? state->operations : NULL;
    *ret_count = state != NULL ? state->n_operations : 0;
    struct err err = {""};
    if (status == 0 && resource_state_set(agent, &found, &err) != 0) {
        struct arena *arena = &agent->arena;
        agent_exit(agent, 1,
                   "Failed to perform recovery: Checkpointed resources %s are incompatible with "
                   "agent resources %s: %s\n"
                   "Give --resources in which the checkpointed ones fit, or, to give up all "
                   "reservations and persistent volumes of this agent, remove '%s/resources'.",
                   resources_text(&found, arena), resources_text(&agent->setup.resources, arena),
                   err.text, agent->setup.meta_dir);
        status = -1;
    }
    resources_deinit(&found);
    return status;
}

void resource_state_finish_recovery(struct agent *agent)
{
    if (agent->resources.is_interrupted) {
        resource_state_commit(agent);
    }
    /* Of those that were there before: somebody may have removed the folder. */
    make_folders(agent, NULL);
}

/* --- for views and checks --- */

void resource_state_check(const struct agent *agent)
{
    const struct resource_state *state = &agent->resources;
    struct resources checkpointed, total;
    struct err err;
    resources_checkpointed(&state->total, &checkpointed);
    ASSERT(resources_equal(&checkpointed, &state->checkpointed));
    int r = resource_operation_restore(&agent->setup.resources, &checkpointed, &total, &err);
    ASSERT(r == 0 && resources_equal(&total, &state->total));
    resources_deinit(&checkpointed);
    resources_deinit(&total);
    size_t count = 0;
    const struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        count++;
    }
    ASSERT(count == agent->operations.count && count <= OPERATIONS_MAX);
}

struct blob *resource_state_encoded(struct agent *agent)
{
    if (agent->resources.encoded == NULL) {
        struct buf out = BUF_INIT;
        resources_encode(&agent->resources.total, RESOURCE_FORMAT_POST, FIELD_RESOURCES, &out);
        agent->resources.encoded = blob_take(&out);
    }
    return agent->resources.encoded;
}
