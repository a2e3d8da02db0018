#include "loghost/log_tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/flags.h"
#include "common/prng.h"
#include "common/xalloc.h"
#include "loghost/log_text.h"
#include "logstore/log_db.h"
#include "tepui/log.h"

/* As the original's. */
#define START_TIMEOUT_MS 15000
#define APPEND_TIMEOUT_MS 10000
#define PEERS_MAX 64
#define READ_SIZE_MAX (4u << 20)

extern char **environ;

struct values {
    bool help;
    const char *path;
    int64_t timeout_ns;
    int64_t from;
    int64_t to;
    int64_t quorum;
    const char *servers;
    const char *znode;
    const char *input;
    const char *output;
    const char *type;
    bool initialize;
    const char *listen;
    const char *peers;
};

#define ROW(member, kind, deflt, text)                                      \
    {                                                                       \
        .name = #member, .type = kind, .default_text = deflt, .help = text, \
        .offset = offsetof(struct values, member)                           \
    }
#define HELP_ROW ROW(help, FLAG_BOOL, "false", "Print these flags and exit.")
#define PATH_ROW ROW(path, FLAG_PATH, NULL, "The folder of the log.")
#define TIMEOUT_ROW                                                                              \
    {                                                                                            \
        .name = "timeout", .type = FLAG_DURATION, .offset = offsetof(struct values, timeout_ns), \
        .help = "How long the command may take, such as 500ms or 10secs. Default: for ever.",    \
    }
#define REPLICA_ROWS                                                                      \
    ROW(quorum, FLAG_INT, NULL, "How many replicas must agree: more than half of them."), \
        ROW(servers, FLAG_STRING, NULL, "Not supported yet: use --peers."),               \
        ROW(znode, FLAG_STRING, NULL, "Not supported yet: use --peers."),                 \
        ROW(listen, FLAG_STRING, "0.0.0.0:0", "ip:port for the other replicas."),         \
        ROW(peers, FLAG_STRING, NULL, "ip:port of all replicas, separated by commas."),   \
        ROW(initialize, FLAG_BOOL, "true", "Whether an empty log is made one that votes.")

static const struct flag initialize_rows[] = {HELP_ROW, PATH_ROW, TIMEOUT_ROW};
static const struct flag read_rows[] = {
    HELP_ROW, PATH_ROW, TIMEOUT_ROW,
    ROW(from, FLAG_INT, NULL, "The first position that is shown. Default: the log's first."),
    ROW(to, FLAG_INT, NULL, "The last position that is shown. Default: the log's last.")};
static const struct flag replica_rows[] = {HELP_ROW, PATH_ROW, REPLICA_ROWS};
static const struct flag benchmark_rows[] = {
    HELP_ROW,
    PATH_ROW,
    REPLICA_ROWS,
    ROW(input, FLAG_PATH, NULL,
        "A file with the size of one write in each line, such as 100B or 2MB."),
    ROW(output, FLAG_PATH, NULL, "A file for the time that each write took."),
    ROW(type, FLAG_STRING, "random", "What is written: zero, one or random bytes.")};

/* --- initialize --- */

static int open_path(const char *path, bool create, struct log_db **ret_db,
                     struct rlog_restored *ret_restored, struct err *err)
{
    int status = log_db_open(path, create, ret_db, err);
    if (status != 0) {
        return err_wrap(err, status, "Failed to recover the log");
    }
    status = log_db_restore(*ret_db, ret_restored, err);
    if (status != 0) {
        *ret_db = log_db_close(*ret_db);
        return err_wrap(err, status, "Failed to recover the log");
    }
    return 0;
}

static int initialize(const struct values *values, struct err *err)
{
    struct log_db *db = NULL;
    struct rlog_restored restored = {0};
    int status = open_path(values->path, true, &db, &restored, err);
    if (status != 0) {
        return status;
    }
    if (restored.status != RLOG_EMPTY) {
        status = err_set(err, -EEXIST, "The log is not empty");
    } else {
        struct rlog_store_op *op = rlog_store_op_new(RLOG_STORE_WRITE, 0);
        op->has_metadata = true;
        op->status = RLOG_VOTING;
        op->promised = restored.promised;
        status = log_db_write(db, op, err);
        rlog_store_op_free(op);
    }
    rlog_restored_deinit(&restored);
    log_db_close(db);
    return status;
}

/* --- read --- */

static int check_range(const struct rlog_restored *restored, uint64_t from, uint64_t to,
                       struct err *err)
{
    if (to < from) {
        return err_set(err, -EINVAL, "Bad read range (to < from)");
    }
    if (from < restored->begin) {
        return err_set(err, -EINVAL, "Bad read range (truncated position)");
    }
    if (restored->end < to) {
        return err_set(err, -EINVAL, "Bad read range (past end of log)");
    }
    return 0;
}

static int print_range(struct log_db *db, uint64_t from, uint64_t to, struct err *err)
{
    struct log_db_actions actions = {.more = true};
    while (actions.more) {
        int status = log_db_read(db, from, to, READ_SIZE_MAX, &actions, err);
        if (status != 0) {
            return status;
        }
        CLEANUP(buf_deinit) struct buf text = BUF_INIT;
        for (size_t i = 0; i < actions.count; i++) {
            buf_append_text(&text, "----------------------------------------------\n");
            log_text_action(&actions.actions[i], &text);
            from = actions.actions[i].position + 1;
        }
        if (fwrite(buf_text(&text), 1, text.size, stdout) != text.size) {
            return err_errno(err, "stdout");
        }
        bool more = actions.more;
        log_db_actions_deinit(&actions);
        actions.more = more;
    }
    return 0;
}

static int read_log(const struct values *values, struct err *err)
{
    struct log_db *db = NULL;
    struct rlog_restored restored = {0};
    int status = open_path(values->path, false, &db, &restored, err);
    if (status != 0) {
        return status;
    }
    uint64_t from = values->from != FLAG_UNSET ? (uint64_t)values->from : restored.begin;
    uint64_t to = values->to != FLAG_UNSET ? (uint64_t)values->to : restored.end;
    status = check_range(&restored, from, to, err);
    if (status == 0) {
        status = print_range(db, from, to, err);
    }
    rlog_restored_deinit(&restored);
    log_db_close(db);
    return status;
}

/* --- replica and benchmark --- */

static int open_log(const struct values *values, struct tepui_log **ret_log, struct err *err)
{
    const char *peers[PEERS_MAX + 1] = {NULL};
    CLEANUP(xfreep) char *list = xstrdup(values->peers != NULL ? values->peers : "");
    size_t count = 0;
    for (char *at = list; at != NULL && *at != '\0';) {
        char *comma = strchr(at, ',');
        if (count == PEERS_MAX) {
            return err_set(err, -EINVAL, "--peers: more than %d", PEERS_MAX);
        }
        peers[count++] = at;
        if (comma != NULL) {
            *comma++ = '\0';
        }
        at = comma;
    }
    if (values->initialize) {
        int status = initialize(values, err);
        if (status != 0) {
            return status;
        }
    }
    struct tepui_log_options options = {
        .quorum = (size_t)values->quorum,
        .path = values->path,
        .listen = values->listen,
        .peers = peers,
    };
    char text[ERR_TEXT_SIZE] = "";
    int status = tepui_log_open(&options, ret_log, text, sizeof(text));
    return status != 0 ? err_set(err, status, "%s", text) : 0;
}

/* Serves until it is told to end. */
static int replica(const struct values *values, struct err *err)
{
    struct tepui_log *log = NULL;
    sigset_t signals;
    int signal_number;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    int status = open_log(values, &log, err);
    if (status != 0) {
        return status;
    }
    printf("Listening on port %d\n", tepui_log_port(log));
    (void)fflush(stdout);
    (void)sigwait(&signals, &signal_number);
    tepui_log_close(log);
    return 0;
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec time;
    (void)clock_gettime(id, &time);
    return (int64_t)time.tv_sec * NS_PER_SEC + time.tv_nsec;
}

/* Appends what a line of the trace asks for, and tells how long it took. */
static int append_line(const struct values *values, struct tepui_log *log, struct slice line,
                       struct prng *prng, FILE *output, struct err *err)
{
    int64_t size;
    int status = bytes_parse(slice_trim(line), &size, err);
    if (status != 0) {
        return err_wrap(err, status, "Failed to parse the trace file");
    }
    int byte = strcmp(values->type, "one") == 0 ? 0xff : 0;
    if (strcmp(values->type, "random") == 0) {
        byte = (int)prng_below(prng, 256);
    }
    CLEANUP(xfreep) char *bytes = xalloc((size_t)size + 1);
    memset(bytes, byte, (size_t)size);
    int64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    status = tepui_log_append(log, bytes, (size_t)size, APPEND_TIMEOUT_MS, NULL);
    int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - begun_ns;
    if (status != 0) {
        return err_set(err, status < 0 ? status : -EIO, "Failed to append: %s", tepui_log_error());
    }
    int64_t wall_ns = clock_ns(CLOCK_REALTIME);
    struct tm when;
    time_t secs = (time_t)(wall_ns / NS_PER_SEC);
    char text[64];
    (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime_r(&secs, &when));
    (void)fprintf(output, "%s.%09lld+00:00 Appended %lld bytes in %.6f ms\n", text,
                  (long long)(wall_ns % NS_PER_SEC), (long long)size, (double)took_ns / 1e6);
    return 0;
}

static int run_trace(const struct values *values, struct tepui_log *log, FILE *input, FILE *output,
                     struct err *err)
{
    struct prng prng;
    uint64_t seed = 0;
    (void)getrandom(&seed, sizeof(seed), 0);
    prng_seed(&prng, seed);
    if (tepui_log_start(log, START_TIMEOUT_MS, NULL) != 0) {
        return err_set(err, -EIO, "Failed to start a log writer: %s", tepui_log_error());
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t size;
    int status = 0;
    size_t count = 0;
    int64_t begun_ns = clock_ns(CLOCK_MONOTONIC);
    while (status == 0 && (size = getline(&line, &capacity, input)) > 0) {
        status = append_line(values, log, slice_make(line, (size_t)size), &prng, output, err);
        count += status == 0;
    }
    free(line);
    if (status == 0) {
        printf("Total number of appends: %zu\nTotal time used: %.6fsecs\n", count,
               (double)(clock_ns(CLOCK_MONOTONIC) - begun_ns) / 1e9);
    }
    return status;
}

static int benchmark(const struct values *values, struct err *err)
{
    struct tepui_log *log = NULL;
    FILE *input = fopen(values->input, "re");
    if (input == NULL) {
        return err_errno(err, "Failed to open the trace file %s", values->input);
    }
    FILE *output = fopen(values->output, "we");
    if (output == NULL) {
        int status = err_errno(err, "Failed to open the output file %s", values->output);
        (void)fclose(input);
        return status;
    }
    int status = open_log(values, &log, err);
    if (status == 0) {
        status = run_trace(values, log, input, output, err);
        tepui_log_close(log);
    }
    (void)fclose(input);
    (void)fclose(output);
    return status;
}

/* --- commands --- */

static const struct command {
    const char *name;
    const char *about;
    const struct flag *rows;
    size_t row_count;
    const char *required[6];
    int (*run)(const struct values *values, struct err *err);
} commands[] = {
    {"initialize",
     "Makes an empty log one that votes: for masters with --no-log_auto_initialize.",
     initialize_rows,
     ELEMENTS(initialize_rows),
     {"path"},
     initialize},
    {"read",
     "Shows what is in a log that nobody has open.",
     read_rows,
     ELEMENTS(read_rows),
     {"path"},
     read_log},
    {"benchmark",
     "Measures how long writes take, of the sizes that a file lists.",
     benchmark_rows,
     ELEMENTS(benchmark_rows),
     {"quorum", "path", "input", "output"},
     benchmark},
    {"replica",
     "Serves a replica until it is ended.",
     replica_rows,
     ELEMENTS(replica_rows),
     {"quorum", "path"},
     replica},
};

static void print_commands(const char *name, FILE *file)
{
    (void)fprintf(file, "Usage: %s COMMAND [flags]\n\nAvailable commands:\n", name);
    for (size_t i = 0; i < ELEMENTS(commands); i++) {
        (void)fprintf(file, "  %-12s%s\n", commands[i].name, commands[i].about);
    }
    (void)fprintf(file, "\n%s help COMMAND tells the flags of a command.\n", name);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static void on_timeout(int number UNUSED)
{
    static const char text[] = "Timed out\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(written > 0 ? EXIT_FAILURE : EXIT_FAILURE + 1);
}

static void set_timeout(int64_t timeout_ns)
{
    struct itimerval timer = {
        .it_value = {.tv_sec = timeout_ns / NS_PER_SEC,
                     .tv_usec = timeout_ns % NS_PER_SEC / NS_PER_US},
    };
    (void)signal(SIGALRM, on_timeout);
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

static int check(const struct command *command, const struct flags *flags,
                 const struct values *values, struct err *err)
{
    for (size_t i = 0; i < ELEMENTS(command->required) && command->required[i] != NULL; i++) {
        if (!flags_given(flags, command->required[i])) {
            return err_set(err, -EINVAL, "Missing required option --%s", command->required[i]);
        }
    }
    if (values->servers != NULL || values->znode != NULL) {
        return err_set(err, -EINVAL, "not supported yet: --servers and --znode; use --peers");
    }
    return values->quorum == 0 ? err_set(err, -EINVAL, "--quorum must be at least 1") : 0;
}

static void print_usage(const struct command *command, const struct flags *flags, const char *name,
                        FILE *file)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    CLEANUP(xfreep) char *program = xasprintf("%s %s", name, command->name);
    flags_usage(flags, program, command->about, &text);
    (void)fputs(buf_text(&text), file);
}

static int run(const struct command *command, const char *name, int argc, char **argv)
{
    CLEANUP(arena_deinit) struct arena arena;
    arena_init(&arena, 0);
    struct values values = {.quorum = 1};
    struct flags flags = {
        .table = command->rows, .count = command->row_count, .values = &values, .arena = &arena};
    struct flags_source source = {.argc = argc, .argv = argv, .envp = environ, .prefix = "MESOS_"};
    struct err err = {""};
    int status = flags_parse(&flags, &source, NULL, &err);
    if (status == 0 && values.help) {
        print_usage(command, &flags, name, stdout);
        return EXIT_SUCCESS;
    }
    if (status == 0) {
        status = check(command, &flags, &values, &err);
    }
    if (status != 0) {
        (void)fprintf(stderr, "%s\n\n", err.text);
        print_usage(command, &flags, name, stderr);
        return EXIT_FAILURE;
    }
    if (flags_find(&flags, "timeout") >= 0 && flags_given(&flags, "timeout")) {
        set_timeout(values.timeout_ns);
    }
    status = command->run(&values, &err);
    if (status != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
    }
    return status != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int log_tool_main(const char *name, int argc, char **argv)
{
    char help[] = "--help";
    char *help_argv[2];
    if (argc < 1) {
        print_commands(name, stderr);
        return EXIT_FAILURE;
    }
    if (strcmp(argv[0], "help") == 0 || strcmp(argv[0], help) == 0) {
        if (argc == 1) {
            print_commands(name, stdout);
            return EXIT_SUCCESS;
        }
        /* "help COMMAND" is "COMMAND --help". */
        help_argv[0] = argv[1];
        help_argv[1] = help;
        argc = 2;
        argv = help_argv;
    }
    const struct command *command = find_command(argv[0]);
    if (command == NULL) {
        (void)fprintf(stderr, "Cannot find command '%s'\n\n", argv[0]);
        print_commands(name, stderr);
        return EXIT_FAILURE;
    }
    return run(command, name, argc, argv);
}
