#include "executor/exec_process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/xalloc.h"

/* Captured output is a number. */
#define CAPTURE_SIZE_MAX 64
/* A tree that forks as fast as it is killed is left after so many rounds; the container's end
 * takes what is left. */
#define KILL_ROUNDS_MAX 16

struct process {
    struct list link;
    uint64_t token;
    pid_t pid;
    int output_fd; /* captured stdout, or -1 */
    bool abandoned;
};

struct exec_processes {
    struct list list;
    char *const *environment;
};

struct pids {
    pid_t *items;
    size_t count;
    size_t capacity;
};

struct exec_processes *exec_processes_new(char *const *environment)
{
    struct exec_processes *processes = xalloc(sizeof(*processes));
    list_init(&processes->list);
    processes->environment = environment;
    /* Without it orphans of a task would leave the tree. It cannot fail on Linux >= 3.4. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    return processes;
}

static void process_free(struct process *process)
{
    list_remove(&process->link);
    if (process->output_fd >= 0) {
        close(process->output_fd);
    }
    free(process);
}

struct exec_processes *exec_processes_free(struct exec_processes *processes)
{
    struct process *process;
    LIST_FOR_EACH (process, &processes->list, link) {
        process_free(process);
    }
    free(processes);
    return NULL;
}

/* --- spawning --- */

static size_t name_size(const char *variable)
{
    const char *equals = strchr(variable, '=');
    return equals != NULL ? (size_t)(equals - variable) : strlen(variable);
}

/* The executor's environment with the command's variables over it; later ones win. */
static char **merge_environment(char *const *base, const struct exec_command *command)
{
    size_t count = 0;
    while (base[count] != NULL) {
        count++;
    }
    char **merged = xcalloc(count + command->env_count + 1, sizeof(char *));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        merged[used++] = xstrdup(base[i]);
    }
    for (size_t i = 0; i < command->env_count; i++) {
        char *variable = xasprintf("%s=%s", command->env[i].name, command->env[i].value);
        size_t at = 0;
        while (at < used && (name_size(merged[at]) != strlen(command->env[i].name) ||
                             strncmp(merged[at], variable, name_size(variable)) != 0)) {
            at++;
        }
        if (at == used) {
            used++;
        }
        free(merged[at]);
        merged[at] = variable;
    }
    return merged;
}

static void free_strings(char **strings)
{
    for (char **at = strings; *at != NULL; at++) {
        free(*at);
    }
    free(strings);
}

/* The child has the executor's handlers until it runs its program, and libevent's would write into
 * the pipe that it shares with the executor: a SIGTERM for a task that has just been started would
 * end the executor instead. So it is forked with all signals blocked, and drops them first. */
static void drop_handlers(void)
{
    for (int number = 1; number < NSIG; number++) {
        (void)signal(number, SIG_DFL); /* fails for a few, which have no other */
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static pid_t fork_blocked(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid != 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return pid;
}

NORETURN static void run_child(const struct exec_command *command, char **environment,
                               enum exec_output output, int output_fd)
{
    setsid();
    drop_handlers();
    if (output == EXEC_OUTPUT_INHERIT && isatty(STDIN_FILENO)) {
        /* The terminal is the task's, which is the first to ask for it. */
        (void)ioctl(STDIN_FILENO, TIOCSCTTY, 0);
    }
    if (output == EXEC_OUTPUT_TO_STDERR) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
    } else if (output == EXEC_OUTPUT_CAPTURE) {
        dup2(output_fd, STDOUT_FILENO);
    }
    char *shell[] = {(char[]){"sh"}, (char[]){"-c"}, command->value, NULL};
    if (command->shell) {
        execve("/bin/sh", shell, environment);
    } else {
        execvpe(command->value, command->arguments, environment);
    }
    dprintf(STDERR_FILENO, "Failed to execute '%s': %s\n",
            command->shell ? "/bin/sh" : command->value, strerror(errno));
    _exit(EXIT_FAILURE);
}

int exec_processes_spawn(struct exec_processes *processes, uint64_t token,
                         const struct exec_command *command, enum exec_output output)
{
    int pipe_fds[2] = {-1, -1};
    if (output == EXEC_OUTPUT_CAPTURE && pipe2(pipe_fds, O_CLOEXEC) != 0) {
        return -errno;
    }
    char **environment = merge_environment(processes->environment, command);
    pid_t pid = fork_blocked();
    if (pid == 0) {
        run_child(command, environment, output, pipe_fds[1]);
    }
    int status = pid < 0 ? -errno : 0;
    free_strings(environment);
    if (pipe_fds[1] >= 0) {
        close(pipe_fds[1]);
    }
    if (status != 0) {
        if (pipe_fds[0] >= 0) {
            close(pipe_fds[0]);
        }
        return status;
    }
    struct process *process = xalloc(sizeof(*process));
    process->token = token;
    process->pid = pid;
    process->output_fd = pipe_fds[0];
    list_push_back(&processes->list, &process->link);
    return 0;
}

/* --- the tree below a process --- */

static void pids_add(struct pids *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->count; i++) {
        if (pids->items[i] == pid) {
            return;
        }
    }
    if (pids->count == pids->capacity) {
        pids->capacity = MAX(pids->capacity * 2, (size_t)16);
        pids->items = xrealloc(pids->items, pids->capacity, sizeof(pid_t));
    }
    pids->items[pids->count++] = pid;
}

/* The children that one thread of a process has made: "1 2 3 ". */
static void add_children_of(struct pids *pids, pid_t pid, const char *thread)
{
    char path[80];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid, thread);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    int child;
    while (fscanf(file, "%d", &child) == 1) {
        pids_add(pids, child);
    }
    fclose(file);
}

static void add_children(struct pids *pids, pid_t pid)
{
    char path[40];
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL) {
        return; /* it has ended */
    }
    struct dirent *entry;
    while ((entry = readdir(threads)) != NULL) {
        if (entry->d_name[0] != '.') {
            add_children_of(pids, pid, entry->d_name);
        }
    }
    closedir(threads);
}

static bool is_spawned(const struct exec_processes *processes, pid_t pid)
{
    struct process *process;
    LIST_FOR_EACH (process, &processes->list, link) {
        if (process->pid == pid) {
            return true;
        }
    }
    return false;
}

/* The process, what it has orphaned (children of ours that we did not spawn), and all below. */
static void collect(struct exec_processes *processes, pid_t root, struct pids *pids)
{
    struct pids own = {0};
    pids_add(pids, root);
    add_children(&own, getpid());
    for (size_t i = 0; i < own.count; i++) {
        if (!is_spawned(processes, own.items[i])) {
            pids_add(pids, own.items[i]);
        }
    }
    free(own.items);
    for (size_t i = 0; i < pids->count; i++) {
        add_children(pids, pids->items[i]);
    }
}

static struct process *find(struct exec_processes *processes, uint64_t token)
{
    struct process *process;
    LIST_FOR_EACH (process, &processes->list, link) {
        if (process->token == token && !process->abandoned) {
            return process;
        }
    }
    return NULL;
}

static void signal_tree(struct exec_processes *processes, pid_t root, int signal_number)
{
    size_t before = 0;
    struct pids pids = {0};
    for (int round = 0; round < KILL_ROUNDS_MAX; round++) {
        collect(processes, root, &pids);
        for (size_t i = before; i < pids.count; i++) {
            (void)kill(pids.items[i], signal_number);
        }
        if (signal_number != SIGKILL || pids.count == before) {
            break;
        }
        before = pids.count;
    }
    free(pids.items);
}

void exec_processes_signal(struct exec_processes *processes, uint64_t token, int signal_number)
{
    struct process *process = find(processes, token);
    if (process != NULL) {
        signal_tree(processes, process->pid, signal_number);
    }
}

void exec_processes_abandon(struct exec_processes *processes, uint64_t token)
{
    struct process *process = find(processes, token);
    if (process != NULL) {
        process->abandoned = true;
        /* It leads a session of its own: what it started is in its group, unless it hid. */
        (void)kill(-process->pid, SIGKILL);
        (void)kill(process->pid, SIGKILL);
    }
}

void exec_processes_reap(struct exec_processes *processes, exec_process_fn *fn, void *arg)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
        struct process *process;
        LIST_FOR_EACH (process, &processes->list, link) {
            if (process->pid != pid) {
                continue;
            }
            char output[CAPTURE_SIZE_MAX];
            ssize_t size =
                process->output_fd >= 0 ? read(process->output_fd, output, sizeof(output)) : 0;
            uint64_t token = process->token;
            bool abandoned = process->abandoned;
            process_free(process);
            if (!abandoned) {
                fn(arg, token, wait_status, slice_make(output, size > 0 ? (size_t)size : 0));
            }
            break;
        }
    }
}
