#include "agent/operation_recovery.h"

#include "agent/core.h"
#include "agent/operation.h"
#include "agent/recovered_files.h"
#include "resources/resource_operation.h"

/* What operation.updates says. */
struct record_state {
    bool has_update; /* its status is there, to be told */
    bool is_over;    /* and was acknowledged */
};

/* A last record that is not whole was being written when the agent died: it is cut off. */
static int read_records(struct agent *agent, const struct tree_entry *file,
                        struct record_state *ret)
{
    *ret = (struct record_state){0};
    struct slice rest = file->bytes;
    struct slice record;
    while (recovered_files_next(&rest, &record)) {
        Pb__Internal__UpdateOperationStatusRecord *message;
        struct err err;
        if (MESSAGE_DECODE(Pb__Internal__UpdateOperationStatusRecord,
                           pb__internal__update_operation_status_record, record, &agent->arena,
                           &message, &err) != 0) {
            return recovered_files_damaged(agent, file, err.text);
        }
        ret->has_update |=
            message->type == PB__INTERNAL__UPDATE_OPERATION_STATUS_RECORD__TYPE__UPDATE;
        ret->is_over |= message->type == PB__INTERNAL__UPDATE_OPERATION_STATUS_RECORD__TYPE__ACK;
    }
    if (rest.size > 0) {
        store_truncate(&agent->effects->store, 0, recovered_files_path(agent, file),
                       file->bytes.size - rest.size);
    }
    return 0;
}

static int look_up(struct agent *agent, const struct tree *meta, const struct uuid *uuid,
                   struct record_state *ret)
{
    *ret = (struct record_state){0};
    char text[UUID_TEXT_SIZE];
    uuid_format(uuid, text);
    const struct tree_entry *file =
        tree_find(meta, arena_printf(&agent->arena, "slaves/%s/operations/%s/operation.updates",
                                     agent->id, text));
    return file != NULL ? read_records(agent, file, ret) : 0;
}

/* The agent died between taking it on and applying it: that is done now. Only originals leave such
 * a thing behind. */
static struct operation *finish_pending(struct agent *agent, const Pb__Operation *whole)
{
    struct err err = {""};
    struct operation_outcome outcome = {.state = PB__OPERATION_STATE__OPERATION_FINISHED};
    if (resource_operation_upgrade(whole->info, &agent->arena, &err) != 0 ||
        resource_state_apply(agent, whole->info, &err) != 0) {
        outcome.state = PB__OPERATION_STATE__OPERATION_DROPPED;
        outcome.message = err.text;
        agent_log(agent, LOG_LEVEL_ERROR, "an operation of before cannot be applied: %s", err.text);
    }
    uuid_random(&agent->prng, &outcome.status_uuid);
    agent->resources.is_interrupted = true;
    return operation_new(agent, whole, &outcome);
}

static int recover_one(struct agent *agent, const struct tree *meta, const Pb__Operation *whole)
{
    struct uuid uuid;
    struct record_state records;
    if (whole->uuid == NULL || !uuid_from_bytes(message_bytes(whole->uuid->value), &uuid) ||
        operation_find(agent, slice_make(uuid.bytes, UUID_SIZE)) != NULL) {
        agent->resources.is_interrupted = true;
        return 0;
    }
    if (look_up(agent, meta, &uuid, &records) != 0) {
        return -1;
    }
    if (records.is_over) {
        agent->resources.is_interrupted = true; /* it is to be forgotten there, too */
        return 0;
    }
    if (whole->latest_status->state == PB__OPERATION_STATE__OPERATION_PENDING) {
        finish_pending(agent, whole)->needs_record = true;
        return 0;
    }
    struct operation *operation = operation_new_stored(agent, whole);
    if (operation != NULL) {
        operation->needs_record = !records.has_update;
    }
    return 0;
}

/* Folders of operations that are over. */
static void collect(struct agent *agent, const struct tree *meta)
{
    const struct tree_entry *folder =
        tree_find(meta, arena_printf(&agent->arena, "slaves/%s/operations", agent->id));
    if (folder == NULL) {
        return;
    }
    size_t at = (size_t)(folder - meta->entries);
    size_t end = tree_skip(meta, at);
    for (at++; at < end; at = tree_skip(meta, at)) {
        const struct tree_entry *entry = &meta->entries[at];
        struct uuid uuid;
        if (uuid_parse(slice_from(tree_name(entry)), &uuid) &&
            operation_find(agent, slice_make(uuid.bytes, UUID_SIZE)) == NULL) {
            operation_forget_files(agent, tree_name(entry));
        }
    }
}

int operation_recovery(struct agent *agent, const struct tree *meta, Pb__Operation *const *items,
                       size_t count)
{
    if (agent->id[0] == '\0') {
        agent->resources.is_interrupted |= count > 0; /* they were another agent's */
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (recover_one(agent, meta, items[i]) != 0) {
            return -1;
        }
    }
    resource_state_finish_recovery(agent);
    if (agent->id[0] != '\0') {
        collect(agent, meta);
    }
    struct operation *operation;
    LIST_FOR_EACH (operation, &agent->operation_order, link) {
        if (operation->needs_record) {
            operation->needs_record = false;
            operation_tell(operation);
        }
    }
    return 0;
}
