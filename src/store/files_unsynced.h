/*
 * What must be synced before a round of file operations is durable. Internal to src/store; used by
 * one thread, which has others help it while it syncs.
 */
#ifndef TEPUI_STORE_FILES_UNSYNCED_H
#define TEPUI_STORE_FILES_UNSYNCED_H

#include <stddef.h>

#include "common/macro.h"

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
/* Takes over the descriptor. */
void files_unsynced_add_file(struct files_unsynced *unsynced, int fd);
/* The folder that holds the path. */
void files_unsynced_add_folder_of(struct files_unsynced *unsynced, const char *path);
/* Syncs all, and forgets it: 0 or the first -errno. */
int files_unsynced_sync(struct files_unsynced *unsynced) WARN_UNUSED;

#endif
