/*
 * A replica's records in LevelDB, in the original's layout: opened, read and written by calls that
 * block. For the thread of log_store.h, for tools, and for tests.
 *
 * Key "0000000000" holds the METADATA record; the action of position p is at p + 1, in ten digits,
 * or from 10^10 on in twenty behind an "A" (MESOS-10186). Nothing is compressed, since the original
 * may not be able to read it.
 */
#ifndef TEPUI_LOGSTORE_LOG_DB_H
#define TEPUI_LOGSTORE_LOG_DB_H

#include "rlog/storage.h"

#define LOG_DB_KEY_SIZE_MAX 24 /* with the terminator */
/* The range of what was deleted is compacted once it was so much: LevelDB does not give back the
 * space of keys that only ever grow by itself (MESOS-184). */
#define LOG_DB_COMPACT_SIZE (4u << 20)
#define LOG_DB_COMPACT_COUNT 4096
/* Keys deleted by one batch of LevelDB. */
#define LOG_DB_DELETE_MAX 10000

struct log_db;

/* 0; -EBADMSG if it is damaged; -ENOENT if it is not there and `create` is false; or another
 * -errno. */
int log_db_open(const char *path, bool create, struct log_db **ret_db, struct err *err) WARN_UNUSED;
struct log_db *log_db_close(struct log_db *db); /* NULL is fine */

/* Reads everything. 0, or as above. */
int log_db_restore(struct log_db *db, struct rlog_restored *ret_restored,
                   struct err *err) WARN_UNUSED;
/* Performs an RLOG_STORE_WRITE: one synced batch, which is there as a whole or not at all. */
int log_db_write(struct log_db *db, const struct rlog_store_op *op, struct err *err) WARN_UNUSED;

/* Actions that were read, ascending. */
struct log_db_actions {
    struct rlog_action *actions; /* heap */
    size_t count;
    size_t capacity;
    bool more; /* size_max was reached before `to` */
};
void log_db_actions_deinit(struct log_db_actions *actions);
/* Those from `from` to `to` that are there, until size_max bytes were read. May be called beside
 * log_db_write, from another thread. */
int log_db_read(struct log_db *db, uint64_t from, uint64_t to, size_t size_max,
                struct log_db_actions *ret_actions, struct err *err) WARN_UNUSED;

/* Whether enough was deleted; compacts what was (or, `all`, everything). It takes its time, and may
 * run beside the others, in another thread. */
bool log_db_wants_compaction(struct log_db *db);
void log_db_compact(struct log_db *db, bool all);

/* The key of a position; returns its size. */
size_t log_db_key(uint64_t position, char ret_key[LOG_DB_KEY_SIZE_MAX]);

#endif
