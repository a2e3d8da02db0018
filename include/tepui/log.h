/*
 * A replicated log for programs of one's own: entries of bytes, appended by one writer at a time,
 * decided by a quorum of replicas, and kept on each of them. It is the log that masters keep their
 * registry in, compatible with Apache Mesos' log (mesos/log/log.hpp) on the wire and on disk.
 *
 * A process opens one replica, and may write and read through it. Writing takes a promise of a
 * quorum (tepui_log_start); whoever gets it takes it from the one before, whose next write then
 * fails with TEPUI_LOG_E_LOST. Positions grow; some hold truncations or nothing, so entries are not
 * numbered without gaps.
 *
 * All functions may be called from any thread, and block until they are done or timeout_ms is over
 * (negative: without end). They return 0, a negative errno (-ETIMEDOUT, -EIO ...), or
 * TEPUI_LOG_E_*; tepui_log_error() has a text about the last failure in the calling thread.
 *
 * examples/replicated_counter.c shows how to use it.
 */
#ifndef TEPUI_LOG_H
#define TEPUI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* The promise to write is not held (any more): start again. A write that was under way may be
     * in the log, or not; read from behind the last one that you know of to find out. */
    TEPUI_LOG_E_LOST = 1,
    /* There are no such positions (any more). */
    TEPUI_LOG_E_RANGE = 2,
    /* This replica does not know all of these positions: tepui_log_catchup, or start. */
    TEPUI_LOG_E_PENDING = 3,
};

struct tepui_log_options {
    size_t quorum;            /* of 2 x quorum - 1 replicas */
    const char *path;         /* folder of this replica; made if missing */
    const char *listen;       /* "ip:port"; port 0 picks one */
    const char *advertise;    /* "ip:port" by which the others reach us; NULL: as listen */
    const char *const *peers; /* "ip:port" of all replicas, NULL-terminated; may have us, too */
    bool auto_initialize;     /* begin a new log once all replicas are there and empty; else each
                                 folder is to be prepared by `tepui-log initialize` */
};

struct tepui_log;

/* 0, or a negative errno with a text in `error`, of error_size bytes (may be NULL). */
int tepui_log_open(const struct tepui_log_options *options, struct tepui_log **ret_log, char *error,
                   size_t error_size);
/* No other call may be under way. NULL is fine. */
void tepui_log_close(struct tepui_log *log);
/* Another set of replicas. */
int tepui_log_set_peers(struct tepui_log *log, const char *const *peers);
/* The port that it listens on. */
uint16_t tepui_log_port(const struct tepui_log *log);
/* What the last failed call in this thread failed of; "" if none has. */
const char *tepui_log_error(void);

/* Becomes the writer, and knows everything that was decided before: *ret_position is the last
 * position. After -ETIMEDOUT of this, or of a write, we are not the writer. */
int tepui_log_start(struct tepui_log *log, int timeout_ms, uint64_t *ret_position);
/* The entry is on the disks of a quorum when this returns 0. */
int tepui_log_append(struct tepui_log *log, const void *bytes, size_t size, int timeout_ms,
                     uint64_t *ret_position);
/* Forgets all positions below `to`. */
int tepui_log_truncate(struct tepui_log *log, uint64_t to, int timeout_ms, uint64_t *ret_position);

/* First and last position of this replica, which may be behind the others, and may hold what is not
 * decided yet. */
int tepui_log_bounds(struct tepui_log *log, int timeout_ms, uint64_t *ret_begin, uint64_t *ret_end);
/* Called in the caller's thread, in order; what is not 0 ends the reading and is returned. */
typedef int tepui_log_entry_fn(void *arg, uint64_t position, const void *bytes, size_t size);
/* Entries from one position to another, both included, as this replica has them. */
int tepui_log_read(struct tepui_log *log, uint64_t from, uint64_t to, int timeout_ms,
                   tepui_log_entry_fn *fn, void *arg);
/* Learns what the others have, up to *ret_position, without becoming the writer. */
int tepui_log_catchup(struct tepui_log *log, int timeout_ms, uint64_t *ret_position);

#ifdef __cplusplus
}
#endif

#endif
