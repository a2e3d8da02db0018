/*
 * One file operation at a time, and what must be synced before a round of them is durable. Internal
 * to src/store; used by one thread.
 */
#ifndef TEPUI_STORE_FILES_OP_H
#define TEPUI_STORE_FILES_OP_H

#include <stddef.h>

#include "common/storeio.h"

/* What a round has written and not yet synced. */
struct files_unsynced {
    int *fds; /* heap; open files */
    size_t fd_count;
    size_t fd_capacity;
    char **folders; /* heap; paths of folders with new names in them; may repeat */
    size_t folder_count;
    size_t folder_capacity;
};

void files_unsynced_init(struct files_unsynced *unsynced);
void files_unsynced_deinit(struct files_unsynced *unsynced);
/* Syncs all, and forgets it: 0 or the first -errno. */
int files_unsynced_sync(struct files_unsynced *unsynced) WARN_UNUSED;

/* Performs it; 0 or -errno. A folder that is removed is moved to `trash` (a path that is free). */
int files_op_perform(const struct store_op *op, const char *trash,
                     struct files_unsynced *unsynced) WARN_UNUSED;

/* Deletes a tree, links not followed. Fine if missing. 0 or the first -errno. */
int files_op_delete(const char *path) WARN_UNUSED;

#endif
