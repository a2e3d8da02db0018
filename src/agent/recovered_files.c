#include "agent/recovered_files.h"

#include <string.h>

#include "agent/core.h"
#include "agent/messages.h"

#define SIZE_BYTES 4

const struct tree_entry *recovered_files_find(const struct tree *tree,
                                              const struct tree_entry *folder, const char *name)
{
    /* Only what is in the folder is looked at: there are many folders, and most hold little. */
    size_t prefix = strlen(folder->path) + 1;
    size_t at = (size_t)(folder - tree->entries);
    for (size_t end = tree_skip(tree, at++); at < end; at++) {
        if (strcmp(tree->entries[at].path + prefix, name) == 0) {
            return &tree->entries[at];
        }
    }
    return NULL;
}

const char *recovered_files_path(struct agent *agent, const struct tree_entry *file)
{
    return paths_join(&agent->arena, agent->setup.meta_dir, file->path);
}

bool recovered_files_next(struct slice *rest, struct slice *ret_record)
{
    if (rest->size < SIZE_BYTES) {
        return false;
    }
    const uint8_t *bytes = (const uint8_t *)rest->data;
    size_t size =
        (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
    if (rest->size - SIZE_BYTES < size) {
        return false;
    }
    *ret_record = slice_make(rest->data + SIZE_BYTES, size);
    *rest = slice_skip(*rest, SIZE_BYTES + size);
    return true;
}

int recovered_files_damaged(struct agent *agent, const struct tree_entry *file, const char *why)
{
    if (agent->setup.config.strict) {
        agent_exit(agent, 1,
                   "Failed to perform recovery: '%s/%s' is damaged: %s\n"
                   "Start the agent with --no-strict to go on without it",
                   agent->setup.meta_dir, file->path, why);
        return -1;
    }
    metric_add(agent->gauges.recovery_errors, 1);
    agent_log(agent, LOG_LEVEL_WARNING, "'%s' is damaged: %s", file->path, why);
    return 0;
}

int recovered_files_read(struct agent *agent, const struct tree_entry *file,
                         const ProtobufCMessageDescriptor *desc, ProtobufCMessage **ret_message)
{
    *ret_message = NULL;
    if (file == NULL || file->bytes.size == 0) {
        return 0; /* it was never written, or the machine died before it was */
    }
    struct slice rest = file->bytes;
    struct slice record;
    struct err err;
    if (file->status != 0) {
        return recovered_files_damaged(agent, file, strerror(-file->status));
    }
    if (!recovered_files_next(&rest, &record)) {
        return recovered_files_damaged(agent, file, "it is cut off");
    }
    if (message_decode(desc, record, &agent->arena, ret_message, &err) != 0) {
        *ret_message = NULL;
        return recovered_files_damaged(agent, file, err.text);
    }
    return 0;
}
