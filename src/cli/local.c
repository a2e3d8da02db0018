#include "cli/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/local_cluster.h"
#include "cli/local_plan.h"
#include "cli/programs.h"
#include "common/log.h"
#include "net/client.h"

#define PROBE_TIMEOUT_NS (5 * NS_PER_SEC)

struct local {
    struct loop *loop;
    const struct local_flags *flags;
    struct local_plan plan;
    const char *work_dir;
    const char *programs[2]; /* the master's path, the agents' */
    struct local_cluster cluster;
    struct loop_timer timer;            /* the cluster's deadline */
    struct loop_signal *signals[3];     /* SIGINT, SIGTERM, SIGCHLD */
    pid_t pids[LOCAL_AGENTS_MAX + 1];   /* by process; 0 = it does not live */
    int statuses[LOCAL_AGENTS_MAX + 1]; /* of those that have ended, as waitpid says */
    struct address master;
    struct client *client; /* for the probe; NULL = not connected */
    bool interrupted;      /* by Ctrl-C */
    int status;
};

static void step(struct local *local, const struct local_event *event);

/* --- processes --- */

/* In the child. Ctrl-C on the terminal is for us alone; and should we be killed, they end. */
static void become(const struct local *local, size_t process, pid_t parent)
{
    const struct local_process *what = &local->plan.processes[process];
    sigset_t none;
    int log = open(what->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    int input = open("/dev/null", O_RDONLY);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, process == 0 ? SIGTERM : SIGUSR1);
    if (log < 0 || input < 0 || getppid() != parent) {
        _exit(127);
    }
    (void)dup2(input, STDIN_FILENO);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    const char *program = local->programs[process == 0 ? 0 : 1];
    execve(program, (char *const *)(uintptr_t)what->argv,
           (char *const *)(uintptr_t)local->plan.envp);
    dprintf(STDERR_FILENO, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

static void spawn(struct local *local, size_t process)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become(local, process, parent);
    }
    if (pid < 0) {
        LOG_FATAL("fork: %s", strerror(errno));
    }
    local->pids[process] = pid;
}

static void send_signal(const struct local *local, size_t process, int signo)
{
    if (local->pids[process] > 0) {
        (void)kill(local->pids[process], signo);
    }
}

static void on_child(void *arg)
{
    struct local *local = arg;
    for (size_t i = 0; i < local->plan.process_count; i++) {
        if (local->pids[i] > 0 && waitpid(local->pids[i], &local->statuses[i], WNOHANG) > 0) {
            local->pids[i] = 0;
            int status = local->statuses[i];
            step(local,
                 &(struct local_event){.type = LOCAL_EXITED,
                                       .process = i,
                                       .in_order = WIFEXITED(status) && WEXITSTATUS(status) == 0});
        }
    }
}

/* --- asking the master --- */

static void on_answer(void *arg, int status, const struct http_head *head UNUSED, struct slice body)
{
    struct local *local = arg;
    int64_t active = status == 200 ? local_cluster_parse_active(body) : -1;
    if (status < 0) {
        local->client = client_free(local->client, true);
    }
    step(local, &(struct local_event){.type = LOCAL_ANSWER, .active = active});
}

static void probe(struct local *local)
{
    static const struct client_handler handler = {.on_end = on_answer};
    if (local->client != NULL && client_is_closed(local->client)) {
        local->client = client_free(local->client, true);
    }
    if (local->client == NULL) {
        local->client = client_new(local->loop, &local->master, false);
    }
    client_send(local->client, &(struct client_request){.method = "GET",
                                                        .target = SLICE("/metrics/snapshot"),
                                                        .timeout_ns = PROBE_TIMEOUT_NS,
                                                        .handler = &handler,
                                                        .arg = local});
}

/* --- what people are told --- */

static void say_ready(const struct local *local)
{
    const char *master = local->plan.master;
    int64_t count = local->flags->num_agents;
    printf("The cluster is up: a master and %d agent%s. Ctrl-C ends it.\n"
           "  web page   http://%s/\n"
           "  state      curl -s http://%s/master/state\n"
           "  a task     tepui execute --master=%s --name=hello --command='echo hello'\n"
           "  files      %s\n"
           "  logs       %s/logs\n",
           (int)count, count == 1 ? "" : "s", master, master, master, local->work_dir,
           local->work_dir);
    fflush(stdout);
}

static void say_ended(const struct local *local, size_t process)
{
    const struct local_process *what = &local->plan.processes[process];
    int status = local->statuses[process];
    char how[64];
    if (WIFSIGNALED(status)) {
        (void)snprintf(how, sizeof(how), "signal %d", WTERMSIG(status));
    } else {
        (void)snprintf(how, sizeof(how), "status %d", WEXITSTATUS(status));
    }
    fprintf(stderr, "tepui local: %s has ended by itself, with %s; its log is %s\n", what->name,
            how, what->log);
}

static void say_left(const struct local *local, size_t process)
{
    const struct local_process *what = &local->plan.processes[process];
    fprintf(
        stderr,
        "tepui local: %s has ended, as the master told it to; its log is %s. The others go on\n",
        what->name, what->log);
}

static void say_late(const struct local *local)
{
    fprintf(stderr, "tepui local: the cluster is not up after %d s; the logs are in %s/logs\n",
            (int)(LOCAL_START_NS / NS_PER_SEC), local->work_dir);
}

/* --- the machine --- */

static void perform(struct local *local, const struct local_effect *effect)
{
    switch (effect->type) {
    case LOCAL_SPAWN:
        spawn(local, effect->process);
        break;
    case LOCAL_PROBE:
        probe(local);
        break;
    case LOCAL_READY:
        say_ready(local);
        break;
    case LOCAL_ENDED:
        say_ended(local, effect->process);
        break;
    case LOCAL_LEFT:
        say_left(local, effect->process);
        break;
    case LOCAL_LATE:
        say_late(local);
        break;
    case LOCAL_LEAVE:
        send_signal(local, effect->process, SIGUSR1);
        break;
    case LOCAL_TERM:
        send_signal(local, effect->process, SIGTERM);
        break;
    case LOCAL_KILL:
        send_signal(local, effect->process, SIGKILL);
        break;
    case LOCAL_END:
        local->status = effect->status;
        loop_stop(local->loop);
        break;
    }
}

static void step(struct local *local, const struct local_event *event)
{
    struct local_effects effects;
    local_cluster_step(&local->cluster, loop_now(local->loop).mono_ns, event, &effects);
    loop_timer_set(&local->timer, local_cluster_deadline(&local->cluster));
    for (size_t i = 0; i < effects.count; i++) {
        perform(local, &effects.items[i]);
    }
}

static void on_deadline(void *arg)
{
    step(arg, &(struct local_event){.type = LOCAL_TICK});
}

/* A second Ctrl-C insists; SIGTERM does not, as whoever started us may send it as well. */
static void on_interrupt(void *arg)
{
    struct local *local = arg;
    step(local, &(struct local_event){.type = local->interrupted ? LOCAL_HURRY : LOCAL_STOP});
    local->interrupted = true;
}

static void on_term(void *arg)
{
    step(arg, &(struct local_event){.type = LOCAL_STOP});
}

static void run(struct local *local)
{
    local->loop = loop_new();
    local_cluster_init(&local->cluster, (size_t)local->flags->num_agents);
    loop_timer_init(&local->timer, local->loop, on_deadline, local);
    local->signals[0] = loop_signal_new(local->loop, SIGINT, on_interrupt, local);
    local->signals[1] = loop_signal_new(local->loop, SIGTERM, on_term, local);
    local->signals[2] = loop_signal_new(local->loop, SIGCHLD, on_child, local);
    loop_timer_set(&local->timer, loop_now(local->loop).mono_ns);
    loop_run(local->loop);
    loop_timer_cancel(&local->timer);
    for (size_t i = 0; i < ELEMENTS(local->signals); i++) {
        loop_signal_free(local->signals[i]);
    }
    client_free(local->client, true);
    loop_free(local->loop);
}

/* --- starting --- */

/* Whether the port can be had; port 0 becomes one that is free. */
static int find_port(const struct local_flags *flags, struct address *ret_address, struct err *err)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    struct sockaddr_storage storage;
    socklen_t size;
    int on = 1;
    buf_printf(&text, "%s:%d", flags->ip, (int)flags->port);
    if (!address_parse(buf_slice(&text), ret_address)) {
        return err_set(err, -EINVAL, "--ip: '%s' is not an address", flags->ip);
    }
    address_to_sockaddr(ret_address, &storage, &size);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_errno(err, "socket");
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int r = 0;
    size = sizeof(storage);
    if (bind(fd, (struct sockaddr *)&storage, sizeof(struct sockaddr_in)) != 0 ||
        getsockname(fd, (struct sockaddr *)&storage, &size) != 0) {
        r = err_errno(err, "--port: %s", buf_text(&text));
    } else if (!address_from_sockaddr((struct sockaddr *)&storage, ret_address)) {
        r = err_set(err, -EINVAL, "--port: %s has no address", buf_text(&text));
    }
    (void)close(fd);
    return r;
}

/* A folder with those above it. */
static int make_folder(const char *path, struct arena *arena, struct err *err)
{
    char *copy = arena_strdup(arena, path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755);
        *slash = '/';
    }
    if (mkdir(copy, 0755) != 0 && errno != EEXIST) {
        return err_errno(err, "--work_dir: %s", path);
    }
    return 0;
}

static int find_work_dir(const struct local_flags *flags, struct arena *arena,
                         const char **ret_path, struct err *err)
{
    char real[PATH_MAX];
    if (flags->work_dir == NULL) {
        const char *temporary = getenv("TMPDIR");
        char *path = arena_printf(arena, "%s/tepui-local.XXXXXX",
                                  temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
        if (mkdtemp(path) == NULL) {
            return err_errno(err, "%s", path);
        }
        /* Tasks of other users have their sandboxes below. */
        if (chmod(path, 0755) != 0) {
            return err_errno(err, "%s", path);
        }
        *ret_path = path;
        return 0;
    }
    int r = make_folder(flags->work_dir, arena, err);
    if (r != 0) {
        return r;
    }
    if (realpath(flags->work_dir, real) == NULL) {
        return err_errno(err, "--work_dir: %s", flags->work_dir);
    }
    *ret_path = arena_strdup(arena, real);
    return 0;
}

static int prepare(struct local *local, char **envp, struct arena *arena, struct err *err)
{
    static const char *const programs[] = {"tepui-master", "tepui-agent"};
    for (size_t i = 0; i < ELEMENTS(programs); i++) {
        local->programs[i] = programs_find(programs[i], arena);
        if (local->programs[i] == NULL) {
            return err_set(err, -ENOENT, "%s is neither beside this program nor in PATH",
                           programs[i]);
        }
    }
    int r = find_port(local->flags, &local->master, err);
    if (r == 0) {
        r = find_work_dir(local->flags, arena, &local->work_dir, err);
    }
    if (r != 0) {
        return r;
    }
    local_plan_make(&(struct local_plan_options){.flags = local->flags,
                                                 .work_dir = local->work_dir,
                                                 .port = local->master.port,
                                                 .envp = (const char *const *)envp},
                    arena, &local->plan);
    for (size_t i = 0; r == 0 && i < local->plan.folder_count; i++) {
        r = make_folder(local->plan.folders[i], arena, err);
    }
    for (int64_t i = 0; r == 0 && i < local->flags->num_agents; i++) {
        if (unlink(local->plan.removed[i]) != 0 && errno != ENOENT) {
            r = err_errno(err, "%s", local->plan.removed[i]);
        }
    }
    return r;
}

int local_main(int argc, char **argv, char **envp)
{
    struct arena arena;
    struct local_flags values;
    struct err err = {""};
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    arena_init(&arena, 0);
    struct flags flags = {
        .table = local_flags_table, .count = local_flags_count, .values = &values, .arena = &arena};
    struct flags_source source = {.argc = argc, .argv = argv, .envp = envp, .prefix = "MESOS_"};
    struct local local = {.flags = &values};
    int r = flags_parse(&flags, &source, &text, &err);
    if (r == 0 && values.help) {
        buf_clear(&text);
        flags_usage(&flags, "tepui local", "A cluster on this machine: a master and agents.",
                    &text);
        fputs(buf_text(&text), stdout);
        arena_deinit(&arena);
        return EXIT_SUCCESS;
    }
    if (r == 0) {
        fputs(buf_text(&text), stderr);
        r = local_flags_check(&values, &err);
    }
    if (r == 0) {
        r = prepare(&local, envp, &arena, &err);
    }
    if (r == 0) {
        run(&local);
    } else {
        fprintf(stderr, "tepui local: %s\n", err.text);
        local.status = EXIT_FAILURE;
    }
    arena_deinit(&arena);
    return local.status;
}
