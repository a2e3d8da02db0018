/*
 * Performs a core's file operations (common/storeio.h) on a thread of its own: in order, and many
 * under one sync. All that has come while the last round was being synced makes the next one.
 *
 *     files_start(trash_dir, &files, &err);
 *     event_new(base, files_fd(files), EV_READ | EV_PERSIST, on_readable, ...);
 *     ...   files_submit(files, &ops);                 after each step of the core
 *     on_readable: while (files_take(files, &done)) { step(done) }
 *
 * How it is safe: a file that is there already is replaced by one that was synced before it got the
 * name; a new one is synced under its name, so that after a crash of the machine it may be there
 * empty, but then nobody was told of it. A completion comes when the operation and all before it
 * are on the disk. A folder that is removed is moved to the trash in its turn, and deleted by a
 * second thread: large trees do not hold up what waits behind them.
 */
#ifndef TEPUI_STORE_FILES_H
#define TEPUI_STORE_FILES_H

#include <stdbool.h>

#include "common/err.h"
#include "common/storeio.h"

/* Operations in one round; more wait for the next. */
#define FILES_ROUND_MAX 512

struct files;

/* The trash (absolute) must be on the file system of what is removed; it is made, and what is left
 * in it from before is deleted. 0 or -errno. */
int files_start(const char *trash_dir, struct files **ret_files, struct err *err) WARN_UNUSED;

/* Performs what was submitted, syncs it, and stops. NULL is fine. */
struct files *files_free(struct files *files);

/* Takes over all operations of the list, which is left empty. */
void files_submit(struct files *files, struct store_ops *ops);

/* Readable while completions wait. */
int files_fd(const struct files *files);
/* The next completion, in the order of tokens. Operations without a token are told of, as token 0,
 * only when they were to be durable and failed. */
bool files_take(struct files *files, struct store_done *ret_done) WARN_UNUSED;

#endif
