/*
 * Logging with levels and a prefix like glog's:
 * "I1125 19:02:38.123456 12345 file.c:42] text". The sink is the one global of the house.
 *
 * Cores do not log: they return facts; `struct effects` may carry lines for the shell to log.
 */
#ifndef TEPUI_COMMON_LOG_H
#define TEPUI_COMMON_LOG_H

#include <stdbool.h>

#include "common/err.h"
#include "common/macro.h"

enum log_level {
    LOG_LEVEL_DEBUG, /* shown as I, only while the verbosity is raised */
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_FATAL,
};

#define LOG_LINE_SIZE_MAX 8192

struct log_options {
    const char *program;     /* names the files: <program>.INFO ... */
    const char *dir;         /* --log_dir; NULL = stderr only */
    enum log_level level;    /* --logging_level: least that is written */
    bool quiet;              /* --quiet: nothing below ERROR on stderr */
    int flush_interval_secs; /* --logbufsecs: how long lines below WARNING may wait in memory */
};

/*
 * Opens files if a directory is given, which is made if missing: 0, or -errno. Before it,
 * everything goes to stderr. As with glog, the file
 * <program>.<host>.<user>.log.<LEVEL>.<date>-<time>.<pid> holds the lines of its level and above,
 * <program>.<LEVEL> is a link to the newest, and a level's file is made with its first line. The
 * options are copied.
 */
int log_open(const struct log_options *options, struct err *err) WARN_UNUSED;
void log_close(void); /* writes what waits; back to stderr; idempotent */
void log_flush(void); /* writes what waits: for the loop's timer while flush_interval_secs is set */

/* INFO, WARNING or ERROR, as --logging_level takes them; false for anything else. */
bool log_level_parse(const char *name, enum log_level *ret_level) WARN_UNUSED;

/* Verbosity at run time (/logging/toggle, SET_LOGGING_LEVEL): 0 = as started, above = debug lines.
 */
void log_set_verbosity(int level);
int log_verbosity(void);

bool log_is_on(enum log_level level);
/* One line, cut at LOG_LINE_SIZE_MAX, control characters escaped; may be called by any thread.
 * A FATAL line ends the process with status 1 after it was written. */
void log_write(enum log_level level, const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

#define LOG_AT(level, ...)                                     \
    do {                                                       \
        if (log_is_on(level)) {                                \
            log_write(level, __FILE__, __LINE__, __VA_ARGS__); \
        }                                                      \
    } while (0)
#define LOG_DEBUG(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_WARNING(...) LOG_AT(LOG_LEVEL_WARNING, __VA_ARGS__)
#define LOG_ERROR(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define LOG_FATAL(...) LOG_AT(LOG_LEVEL_FATAL, __VA_ARGS__)

#endif
