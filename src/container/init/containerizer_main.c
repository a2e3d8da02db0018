/*
 * tepui-containerizer: the first process of a container. It applies a plan, starts the command, and
 * stays until the command has ended, to pass signals on, to reap what loses its parent, and to
 * leave the exit status on disk for an agent that is away (container/init_protocol.h).
 *
 * It links little and does little: it runs once for every container of the cluster.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "container/init/init.h"
#include "container/init/terminal.h"
#include "container/init_protocol.h"

#define CHILDREN_TEXT_SIZE 65536

static void write_status(int status)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%d", status);
    /* Without it the agent takes the container for killed: nothing more can be done here. */
    ssize_t written = write(INIT_FD_STATUS, text, (size_t)size);
    (void)written;
}

static NORETURN void fail(const struct err *err)
{
    fprintf(stderr, "%s\n", err->text);
    write_status(W_EXITCODE(EXIT_FAILURE, 0));
    _exit(EXIT_FAILURE);
}

/* All signals are blocked from here on: they wait until they can be passed on. What the agent
 * ignores must not be ignored by the command. */
static void take_signals(sigset_t *ret_all)
{
    for (int n = 1; n < NSIG; n++) {
        signal(n, SIG_DFL); /* fails for a few, which have no other */
    }
    sigfillset(ret_all);
    sigprocmask(SIG_SETMASK, ret_all, NULL);
}

static int read_plan(struct plan *plan, struct err *err)
{
    struct stat st;
    if (fstat(INIT_FD_PLAN, &st) != 0 || st.st_size <= 0) {
        return err_set(err, -EBADF, "No plan: this program is started by the agent");
    }
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, INIT_FD_PLAN, 0);
    if (bytes == MAP_FAILED) {
        return err_errno(err, "Failed to read the plan");
    }
    int r = plan_decode(slice_make(bytes, (size_t)st.st_size), plan);
    munmap(bytes, (size_t)st.st_size);
    close(INIT_FD_PLAN);
    return r == 0 ? 0 : err_set(err, r, "Failed to parse the plan");
}

static int say(char kind, const char *text)
{
    char message[INIT_MESSAGE_SIZE_MAX];
    int size = snprintf(message, sizeof(message), "%c%s", kind, text);
    size = MIN(size, (int)sizeof(message) - 1);
    return send(INIT_FD_AGENT, message, (size_t)size, MSG_NOSIGNAL) == size ? 0 : -errno;
}

static int wait_for_release(struct err *err)
{
    char message;
    ssize_t n = -1;
    if (say(INIT_PREPARED, "") == 0) {
        n = recv(INIT_FD_AGENT, &message, 1, 0);
    }
    if (n != 1 || message != INIT_RELEASE) {
        return err_set(err, -EPIPE, "Failed to synchronize with agent (it's probably exited)");
    }
    close(INIT_FD_AGENT);
    return 0;
}

/* Steps up to FORK; what fails before the release is told to the agent. */
static size_t prepare(struct apply *apply, const struct plan *plan, bool *ret_sweep,
                      struct err *err)
{
    bool released = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];
        int r = 0;
        if (step->type == PLAN_FORK) {
            return i + 1;
        }
        if (step->type == PLAN_WAIT) {
            r = wait_for_release(err);
            released = true;
        } else if (step->type == PLAN_SWEEP) {
            *ret_sweep = true;
        } else {
            r = apply_step(apply, step, err);
        }
        if (r != 0) {
            if (!released) {
                say(INIT_FAILED, err->text);
            }
            fail(err);
        }
    }
    err_set(err, -EBADMSG, "The plan has no command");
    fail(err);
}

static pid_t start(struct apply *apply, const struct plan *plan, size_t first, struct err *err)
{
    pid_t pid = fork();
    if (pid < 0) {
        err_errno(err, "Failed to fork() the command");
        fail(err);
    }
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        if (terminal_enter(apply, err) == 0) {
            command_run(apply, plan, first, err);
        }
        fprintf(stderr, "%s\n", err->text);
        _exit(EXIT_FAILURE);
    }
    return pid;
}

static size_t kill_children(void)
{
    static char text[CHILDREN_TEXT_SIZE];
    if (apply_read_pids("/proc/thread-self/children", text, sizeof(text)) <= 0) {
        return 0;
    }
    size_t count = 0;
    char *end;
    for (char *at = text;; at = end, count++) {
        long pid = strtol(at, &end, 10);
        if (pid <= 0) {
            return count;
        }
        kill((pid_t)pid, SIGKILL);
    }
}

/* Everything that descends from the command is a child of ours sooner or later: whose parent dies
 * is given to us (PR_SET_CHILD_SUBREAPER). */
static void sweep(void)
{
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid == 0) {
            kill_children();
            pid = waitpid(-1, NULL, 0);
        }
        if (pid < 0) {
            return;
        }
    }
}

/* Reaps all that has ended; true once the command is among it. */
static bool reap(pid_t command, int *ret_status)
{
    bool ended = false;
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == command) {
            *ret_status = status;
            ended = true;
        }
    }
    return ended;
}

/* Until the command has ended: its wait status. */
static int attend(pid_t command, bool sweeps, struct terminal *terminal, const sigset_t *all)
{
    int status;
    for (;;) {
        int signal_number = terminal_wait(terminal, all);
        if (signal_number == SIGCHLD) {
            if (reap(command, &status)) {
                return status;
            }
        } else if (signal_number == INIT_SIGNAL_DESTROY && sweeps) {
            kill(command, SIGKILL);
        } else if (signal_number > 0) {
            kill(command, signal_number);
        }
    }
}

/* An agent that the kernel is told to spare when memory runs out (packaging/tepui-agent.service)
 * does not want that for containers. Where we may not, we are not root, and it is of no weight. */
static void reset_oom_score(void)
{
    (void)apply_write("/proc/self/oom_score_adj", "0");
}

int main(int argc, char **argv)
{
    struct err err = {0};
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: " INIT_PROGRAM " launch\n\nThe first process of a container. Started by an "
             "agent, which hands it a plan.");
        return EXIT_SUCCESS;
    }
    sigset_t all;
    take_signals(&all);
    reset_oom_score();
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    prctl(PR_SET_NAME, INIT_PROGRAM); /* we were started by a descriptor */
    struct plan plan;
    if (read_plan(&plan, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    /* The status is ours to write: the command does not inherit it, nor our way to the agent. */
    (void)fcntl(INIT_FD_AGENT, F_SETFD, FD_CLOEXEC);
    (void)fcntl(INIT_FD_STATUS, F_SETFD, FD_CLOEXEC);
    struct apply apply = {0};
    bool sweeps = false;
    size_t first = prepare(&apply, &plan, &sweeps, &err);
    pid_t command = start(&apply, &plan, first, &err);
    struct terminal terminal;
    terminal_init(&terminal, &apply, &all);
    apply_deinit(&apply);
    plan_deinit(&plan);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++) {
        dup2(null, fd); /* the command's terminal or pipes must end with the command */
    }
    int status = attend(command, sweeps, &terminal, &all);
    terminal_drain(&terminal);
    write_status(status);
    if (sweeps) {
        sweep();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
