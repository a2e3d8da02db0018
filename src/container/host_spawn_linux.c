/*
 * A container's first process: started and let go on, or found again after a restart, and its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/host_linux.h"
#include "container/host_start_linux.h"
#include "container/init_protocol.h"

#define SMALL_FILE_SIZE 4096

uint64_t host_start_time(pid_t pid)
{
    char path[64], text[SMALL_FILE_SIZE];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (apply_read(path, text, sizeof(text)) < 0) {
        return 0;
    }
    char *at = strrchr(text, ')'); /* the name may hold anything */
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    return at != NULL ? strtoull(at, NULL, 10) : 0;
}

/* --- the first process --- */

static int make_plan_fd(const struct blob *plan)
{
    int fd = memfd_create("plan", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, plan->data, plan->size) != (ssize_t)plan->size) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_status(const char *runtime_dir)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/status", runtime_dir);
    return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

void host_close_all(int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
            fds[i] = -1;
        }
    }
}

/* For a moment this thread's children are born into another pid namespace. */
static int enter_pid_namespace(struct containerizer_host *host, pid_t pid, struct err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
    if (host->pid_namespace < 0) {
        host->pid_namespace = open("/proc/thread-self/ns/pid", O_RDONLY | O_CLOEXEC);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = 0;
    if (host->pid_namespace < 0 || fd < 0 || setns(fd, CLONE_NEWPID) != 0) {
        r = err_errno(err, "Failed to enter the pid namespace of process %d", (int)pid);
    }
    if (fd >= 0) {
        close(fd);
    }
    return r;
}

/* On v2 the cgroup of a top-level container is made before its first process, which is born in the
 * leaf. -1 = there is none to be born in. */
static int make_cgroup(const struct containerizer_host *host, const struct hosted *hosted,
                       int *ret_cgroup, struct err *err)
{
    *ret_cgroup = -1;
    if (host->facts.cgroups != CGROUPS_V2 || hosted->place.cgroups == NULL ||
        strchr(hosted->path, '.') != NULL) {
        return 0;
    }
    size_t size = strcspn(hosted->place.cgroups, "\n");
    CLEANUP(xfreep) char *dir = xstrndup(hosted->place.cgroups, size);
    CLEANUP(xfreep) char *leaf = xasprintf("%s/leaf", dir);
    if (mkdir(dir, 0755) != 0 || mkdir(leaf, 0755) != 0) {
        return err_errno(err, "Failed to create cgroup '%s'", dir);
    }
    *ret_cgroup = open(leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return *ret_cgroup >= 0 ? 0 : err_errno(err, "Failed to open cgroup '%s'", leaf);
}

static int start_init(struct containerizer_host *host, struct hosted *hosted,
                      struct containerizer_effect *effect, int agent_fd, struct err *err)
{
    char *args[] = {(char[]){INIT_PROGRAM}, (char[]){"launch"}, NULL};
    char *env[] = {(char[]){HOST_CHILD_PATH}, NULL};
    int cgroup = -1;
    int made = make_cgroup(host, hosted, &cgroup, err);
    int fds[] = {make_plan_fd(effect->plan), open_status(hosted->place.runtime_dir),
                 open("/dev/null", O_RDWR | O_CLOEXEC), cgroup};
    struct host_child child = {
        .cgroup = cgroup,
        .program_fd = host->program,
        .args = args,
        .env = env,
        .fds = {-1, -1, -1, fds[0], agent_fd, fds[1]},
        .null = fds[2],
    };
    for (int i = 0; effect->stdio != NULL && i <= STDERR_FILENO; i++) {
        child.fds[i] = effect->stdio->fds[i];
    }
    int r = made, pidfd = -1;
    if (r != 0) {
        /* told by err */
    } else if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0) {
        r = err_errno(err, "Failed to open the files of a container");
    } else if (effect->parent_pid != 0) {
        r = enter_pid_namespace(host, (pid_t)effect->parent_pid, err);
    }
    if (r == 0) {
        pid_t pid = host_start(&child, effect->clone_flags, effect->parent_pid != 0, &pidfd);
        if (effect->parent_pid != 0 && setns(host->pid_namespace, CLONE_NEWPID) != 0) {
            WRONG("one may always come back to one's own pid namespace");
        }
        if (pid < 0) {
            errno = -pid;
            r = err_errno(err, "Failed to start " INIT_PROGRAM);
        } else {
            hosted->pid = pid;
        }
    }
    host_close_all(fds, ELEMENTS(fds));
    if (r == 0) {
        hosted->alive = true;
        r = host_watch(host, &hosted->process, pidfd, EPOLLIN);
        errno = -r;
        r = r == 0 ? 0 : err_errno(err, "Failed to watch a process");
    }
    return r;
}

/* The agent's folder first: a pid that is only in the runtime folder is an orphan's (as in the
 * original). `init` says that the process is ours, and when it started: a pid alone may be
 * another's after a while. */
static int write_pid(struct hosted *hosted, const char *checkpoint_path, struct err *err)
{
    char pid[32], init[64]; /* what host_scan_linux.c reads */
    snprintf(pid, sizeof(pid), "%d", (int)hosted->pid);
    snprintf(init, sizeof(init), "%llu %s", (unsigned long long)host_start_time(hosted->pid),
             hosted->place.is_linux ? "linux" : "posix");
    int r = 0;
    if (checkpoint_path != NULL) {
        CLEANUP(xfreep) char *dir = xstrdup(checkpoint_path);
        *strrchr(dir, '/') = '\0';
        r = apply_mkdir(dir, 0755);
        errno = -r;
        r = r == 0 ? host_replace_file(checkpoint_path, slice_from(pid), err)
                   : err_errno(err, "Failed to create '%s'", dir);
    }
    if (r == 0) {
        CLEANUP(xfreep) char *path = xasprintf("%s/init", hosted->place.runtime_dir);
        r = host_write_file(path, slice_from(init), err);
    }
    if (r == 0) {
        CLEANUP(xfreep) char *path = xasprintf("%s/pid", hosted->place.runtime_dir);
        r = host_replace_file(path, slice_from(pid), err);
    }
    return r;
}

static int make_runtime_dir(const char *dir, struct err *err)
{
    if (mkdir(dir, 0755) == 0) {
        return 0;
    }
    if (errno == ENOENT) { /* nested: "containers" in the parent's folder */
        int r = apply_mkdir(dir, 0755);
        errno = -r;
        return r == 0 ? 0 : err_errno(err, "Failed to create '%s'", dir);
    }
    return err_errno(err, "Failed to make the containerizer runtime directory '%s'", dir);
}

void host_spawn(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct hosted *hosted = host_add(host, effect->path, &effect->place);
    struct err err = {0};
    int sockets[2] = {-1, -1};
    int r = make_runtime_dir(hosted->place.runtime_dir, &err);
    if (r == 0) {
        r = host_write_files(&effect->files, &err);
    }
    if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
        r = err_errno(&err, "Failed to create a socket");
    }
    if (r == 0) {
        r = start_init(host, hosted, effect, sockets[1], &err);
    }
    if (r == 0) {
        r = write_pid(hosted, effect->checkpoint_path, &err);
    }
    if (r == 0) {
        r = host_watch(host, &hosted->agent, sockets[0], EPOLLIN);
        sockets[0] = -1;
        errno = -r;
        r = r == 0 ? 0 : err_errno(&err, "Failed to watch a socket");
    }
    host_close_all(sockets, ELEMENTS(sockets));
    struct containerizer_event *event = host_event(host, CONTAINERIZER_SPAWNED, effect->path);
    event->pid = hosted->pid;
    if (r != 0 && hosted->alive) {
        /* It waits for us, and will be killed: its failure is told as that of its first half. */
        event = host_event(host, CONTAINERIZER_PREPARED, effect->path);
    }
    event->text = r != 0 ? xstrdup(err.text) : NULL;
}

void host_agent_readable(struct containerizer_host *host, struct hosted *hosted)
{
    char message[INIT_MESSAGE_SIZE_MAX];
    ssize_t size = recv(hosted->agent.fd, message, sizeof(message) - 1, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) {
        return;
    }
    if (size > 0 && message[0] == INIT_PREPARED) {
        host_event(host, CONTAINERIZER_PREPARED, hosted->path);
        return;
    }
    host_unwatch(host, &hosted->agent);
    if (size > 0 && message[0] == INIT_FAILED) {
        message[size] = '\0';
        host_event(host, CONTAINERIZER_PREPARED, hosted->path)->text = xstrdup(message + 1);
    }
    /* Else it has died: EXITED follows. */
}

void host_release(struct containerizer_host *host, const char *path)
{
    struct hosted *hosted = host_find(host, path);
    if (hosted == NULL || hosted->agent.fd < 0) {
        return;
    }
    char message = INIT_RELEASE;
    ssize_t size = send(hosted->agent.fd, &message, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)size; /* fails if it has died: EXITED follows */
    hosted->released = true;
    host_unwatch(host, &hosted->agent);
}

void host_adopt(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct hosted *hosted = host_add(host, effect->path, &effect->place);
    hosted->released = true;
    if (effect->pid == 0) {
        return;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)effect->pid, 0);
    hosted->pid = (pid_t)effect->pid;
    if (pidfd < 0 || host_watch(host, &hosted->process, pidfd, EPOLLIN) != 0) {
        host_process_ended(host, hosted); /* it has ended since it was looked at */
        return;
    }
    hosted->alive = true;
}

/* What the first process has written down; false if it was killed before it could. */
static bool read_status(const struct hosted *hosted, int *ret_status)
{
    char text[32], *end;
    CLEANUP(xfreep) char *path = xasprintf("%s/status", hosted->place.runtime_dir);
    if (apply_read(path, text, sizeof(text)) <= 0) {
        return false;
    }
    long status = strtol(text, &end, 10);
    if (end == text) {
        return false;
    }
    *ret_status = (int)status;
    return true;
}

void host_process_ended(struct containerizer_host *host, struct hosted *hosted)
{
    siginfo_t info = {0};
    /* Reaped if it is ours, and even a found one may be: a process that started this host
     * before. */
    if (hosted->process.fd >= 0 &&
        waitid(P_PIDFD, (id_t)hosted->process.fd, &info, WEXITED | __WALL | WNOHANG) == 0 &&
        info.si_pid == 0) {
        return; /* not yet */
    }
    host_unwatch(host, &hosted->process);
    if (hosted->agent.fd >= 0) {
        host_agent_readable(host, hosted); /* its last words, if they are not read yet */
    }
    host_unwatch(host, &hosted->agent);
    hosted->alive = false;
    if (hosted->memory.fd >= 0) {
        host_memory_event(host, hosted); /* whatever it was killed for is told first */
    }
    struct containerizer_event *event = host_event(host, CONTAINERIZER_EXITED, hosted->path);
    if (hosted->place.watch_only) {
        return;
    }
    event->has_status = true;
    bool written = read_status(hosted, &event->status);
    hosted->swept = written && hosted->place.ours;
    if (!written) { /* facts/observed.md, containers 11 */
        event->status = W_EXITCODE(0, SIGKILL);
    }
}
