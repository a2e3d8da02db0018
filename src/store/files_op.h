/*
 * One file operation at a time. Internal to src/store; used by one thread.
 */
#ifndef TEPUI_STORE_FILES_OP_H
#define TEPUI_STORE_FILES_OP_H

#include "common/storeio.h"
#include "store/files_unsynced.h"

/* Performs it; 0 or -errno. A folder that is removed is moved to `trash` (a path that is free). */
int files_op_perform(const struct store_op *op, const char *trash,
                     struct files_unsynced *unsynced) WARN_UNUSED;

#endif
