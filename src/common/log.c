#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"

#define LEVELS (LOG_LEVEL_FATAL + 1)
#define NAME_SIZE 256

static const char *const level_names[LEVELS] = {"DEBUG", "INFO", "WARNING", "ERROR", "FATAL"};

/* The one global of the house: where lines go. The lock guards all of it but level and verbosity,
 * which are read without it for every line that is not written. */
static struct {
    pthread_mutex_t lock;
    FILE *files[LEVELS];     /* of --log_dir, by level; NULL until a line needs it */
    char *dir;               /* heap; NULL = stderr only */
    char *program;           /* heap; NULL while not open */
    time_t flushed_secs;     /* monotonic: when files were last flushed */
    int flush_interval_secs; /* 0 = each line at once */
    bool quiet;              /* stderr gets ERROR and above only */
    int level;               /* enum log_level: least that is written */
    int verbosity;           /* above 0: debug lines too */
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_LEVEL_INFO};

bool log_level_parse(const char *name, enum log_level *ret_level)
{
    for (int level = LOG_LEVEL_INFO; level <= LOG_LEVEL_ERROR; level++) {
        if (strcmp(name, level_names[level]) == 0) {
            *ret_level = (enum log_level)level;
            return true;
        }
    }
    return false;
}

void log_set_verbosity(int level)
{
    __atomic_store_n(&sink.verbosity, level, __ATOMIC_RELAXED);
}

int log_verbosity(void)
{
    return __atomic_load_n(&sink.verbosity, __ATOMIC_RELAXED);
}

bool log_is_on(enum log_level level)
{
    return level == LOG_LEVEL_FATAL || log_verbosity() > 0 ||
           (level != LOG_LEVEL_DEBUG &&
            (int)level >= __atomic_load_n(&sink.level, __ATOMIC_RELAXED));
}

/* Files. */

static int make_dirs(const char *path)
{
    CLEANUP(xfreep) char *copy = xstrdup(path);
    for (char *slash = copy; slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(copy, 0755) != 0 && errno != EEXIST) {
            return -errno;
        }
        if (slash != NULL) {
            *slash = '/';
        }
    }
    return 0;
}

/* The file of a level, made and linked to if there is none yet. */
static int open_level(int level)
{
    if (sink.files[level] != NULL) {
        return 0;
    }
    char host[NAME_SIZE] = "unknown";
    (void)gethostname(host, sizeof(host) - 1);
    struct passwd *user = getpwuid(geteuid());
    struct tm tm;
    time_t now = time(NULL);
    (void)localtime_r(&now, &tm);
    char stamp[32];
    (void)strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);

    CLEANUP(xfreep)
    char *name = xasprintf("%s.%s.%s.log.%s.%s.%ld", sink.program, host,
                           user != NULL ? user->pw_name : "unknown", level_names[level], stamp,
                           (long)getpid());
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", sink.dir, name);
    CLEANUP(xfreep) char *link = xasprintf("%s/%s.%s", sink.dir, sink.program, level_names[level]);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
        return -errno;
    }
    FILE *file = fdopen(fd, "a");
    ASSERT(file != NULL);
    sink.files[level] = file;
    (void)unlink(link);
    if (symlink(name, link) != 0) {
        return -errno;
    }
    (void)strftime(stamp, sizeof(stamp), "%Y/%m/%d %H:%M:%S", &tm);
    fprintf(file,
            "Log file created at: %s\nRunning on machine: %s\n"
            "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n",
            stamp, host);
    return 0;
}

static time_t mono_secs(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void flush_files(void)
{
    for (int level = 0; level < LEVELS; level++) {
        if (sink.files[level] != NULL) {
            (void)fflush(sink.files[level]);
        }
    }
    sink.flushed_secs = mono_secs();
}

void log_flush(void)
{
    pthread_mutex_lock(&sink.lock);
    flush_files();
    pthread_mutex_unlock(&sink.lock);
}

void log_close(void)
{
    pthread_mutex_lock(&sink.lock);
    for (int level = 0; level < LEVELS; level++) {
        if (sink.files[level] != NULL) {
            (void)fclose(sink.files[level]);
            sink.files[level] = NULL;
        }
    }
    free(sink.dir);
    free(sink.program);
    sink.dir = NULL;
    sink.program = NULL;
    sink.quiet = false;
    sink.flush_interval_secs = 0;
    __atomic_store_n(&sink.level, LOG_LEVEL_INFO, __ATOMIC_RELAXED);
    log_set_verbosity(0);
    pthread_mutex_unlock(&sink.lock);
}

int log_open(const struct log_options *options, struct err *err)
{
    ASSERT(options->program != NULL);
    pthread_mutex_lock(&sink.lock);
    ASSERT(sink.program == NULL);
    sink.program = xstrdup(options->program);
    sink.quiet = options->quiet;
    sink.flush_interval_secs = options->flush_interval_secs;
    sink.flushed_secs = mono_secs();
    __atomic_store_n(&sink.level, (int)options->level, __ATOMIC_RELAXED);
    int r = 0;
    if (options->dir != NULL) {
        sink.dir = xstrdup(options->dir);
        r = make_dirs(sink.dir);
        if (r == 0) {
            r = open_level(MAX((int)options->level, LOG_LEVEL_INFO));
        }
    }
    pthread_mutex_unlock(&sink.lock);
    if (r != 0) {
        log_close();
        return err_set(err, r, "log directory '%s': %s", options->dir, strerror(-r));
    }
    return 0;
}

/* Lines. */

/* The prefix up to and with "] "; returns its size. */
static size_t format_prefix(char *line, size_t size, enum log_level level, const char *file,
                            int line_number)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct tm tm;
    (void)localtime_r(&now.tv_sec, &tm);
    const char *slash = strrchr(file, '/');
    int n = snprintf(line, size, "%c%02d%02d %02d:%02d:%02d.%06ld %5d %s:%d] ",
                     level == LOG_LEVEL_DEBUG ? 'I' : level_names[level][0], tm.tm_mon + 1,
                     tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000,
                     (int)gettid(), slash != NULL ? slash + 1 : file, line_number);
    ASSERT(n > 0);
    return MIN((size_t)n, size - 1);
}

/* Appends text so that it stays one line, whatever a peer put into it; returns the line's size. */
static size_t append_escaped(char *line, size_t used, size_t size, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[5] = {(char)c, '\0'};
        if (c == '\n') {
            memcpy(escaped, "\\n", 3);
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            (void)snprintf(escaped, sizeof(escaped), "\\x%02x", c);
        }
        size_t more = strlen(escaped);
        if (used + more > size) {
            break;
        }
        memcpy(line + used, escaped, more);
        used += more;
    }
    return used;
}

static void write_files(enum log_level level, const char *line, size_t size)
{
    /* What only a raised verbosity lets through is below sink.level, and belongs to INFO. */
    bool raised = (int)level < sink.level;
    for (int to = LOG_LEVEL_INFO; to <= MAX((int)level, LOG_LEVEL_INFO); to++) {
        if ((to >= sink.level || raised) && open_level(to) == 0) {
            (void)fwrite(line, 1, size, sink.files[to]);
        }
    }
    if (sink.flush_interval_secs == 0 || level >= LOG_LEVEL_WARNING ||
        mono_secs() - sink.flushed_secs >= sink.flush_interval_secs) {
        flush_files();
    }
}

void log_write(enum log_level level, const char *file, int line_number, const char *fmt, ...)
{
    char text[LOG_LINE_SIZE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    char line[LOG_LINE_SIZE_MAX];
    size_t size = format_prefix(line, sizeof(line), level, file, line_number);
    size = append_escaped(line, size, sizeof(line) - 1, text);
    line[size++] = '\n';

    pthread_mutex_lock(&sink.lock);
    if (sink.dir != NULL) {
        write_files(level, line, size);
    }
    if (!sink.quiet || level >= LOG_LEVEL_ERROR) {
        (void)fwrite(line, 1, size, stderr);
    }
    pthread_mutex_unlock(&sink.lock);
    if (level == LOG_LEVEL_FATAL) {
        log_flush();
        _exit(EXIT_FAILURE);
    }
}
