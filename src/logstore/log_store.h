/*
 * Performs a replica's storage operations (rlog/storage.h) on LevelDB, on threads of its own:
 * writes on one, reads and compaction on another, so that neither waits for the other.
 *
 *     log_store_start(&options, &store, &err);
 *     event_new(base, log_store_fd(store), EV_READ | EV_PERSIST, on_readable, ...);
 *     ...   log_store_submit(store, &effects.store);         after each step of the core
 *     on_readable: while ((done = log_store_take(store)) != NULL) { step(done) }
 *
 * A failed write closes nothing: the RESTORE that the core asks for then opens LevelDB anew, which
 * is the only way for it to recover.
 */
#ifndef TEPUI_LOGSTORE_LOG_STORE_H
#define TEPUI_LOGSTORE_LOG_STORE_H

#include "logstore/log_db.h"

struct log_store_options {
    const char *path; /* of the folder; made if missing, with its parents. Copied. */
    bool compacts; /* while running; the reference's MESOS_LOG_AUTO_COMPACT_DISABLED turns it off */
};

struct log_store;

/* Starts the threads; LevelDB is opened by the first RESTORE. 0 or -errno. */
int log_store_start(const struct log_store_options *options, struct log_store **ret_store,
                    struct err *err) WARN_UNUSED;
/* Performs what was submitted, closes, and stops. NULL is fine. */
struct log_store *log_store_free(struct log_store *store);

/* Takes over all operations of the list, which is left empty. */
void log_store_submit(struct log_store *store, struct rlog_store_ops *ops);
/* Readable while completions wait. */
int log_store_fd(const struct log_store *store);
/* The next completion, or NULL; valid until the next call. */
const struct rlog_store_done *log_store_take(struct log_store *store);

#endif
