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
#include "container/host_clone_linux.h"
#include "container/host_linux.h"
#include "container/init_protocol.h"

#define STACK_SIZE 65536 /* of a child until it runs its program */
#define CHILD_FDS 6      /* 0, 1, 2 and those of init_protocol.h */
#define FD_OUT_OF_THE_WAY 64
#define SMALL_FILE_SIZE 4096
#define PATH_DEFAULT "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* --- starting programs --- */

struct child {
    const char *program; /* NULL: the file that is open as program_fd */
    int program_fd;
    char *const *args;
    char *const *env;
    int fds[CHILD_FDS]; /* what 0, 1, ... are to be; -1 = closed (0 to 2: /dev/null) */
    int null;
    int cgroup; /* v2: what it is to be born in; -1 = ours */
    int error;  /* set by the child, whose memory is ours */
};

/* What runs in a child while we wait, in our memory: nothing but system calls. It leaves its stack
 * without returning, which sanitizers take amiss. */
#define RUNS_IN_CHILD __attribute__((no_sanitize("address", "undefined")))

RUNS_IN_CHILD static int child_main(void *arg)
{
    struct child *child = arg;
    int moved[CHILD_FDS];
    for (int i = 0; i < CHILD_FDS; i++) {
        int fd = child->fds[i] >= 0 ? child->fds[i] : (i <= STDERR_FILENO ? child->null : -1);
        moved[i] = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FD_OUT_OF_THE_WAY) : -1;
        if (fd >= 0 && moved[i] < 0) {
            child->error = errno;
            _exit(EXIT_FAILURE);
        }
    }
    int last = -1;
    for (int i = 0; i < CHILD_FDS; i++) {
        if (moved[i] >= 0 && dup2(moved[i], i) < 0) {
            child->error = errno;
            _exit(EXIT_FAILURE);
        }
        last = moved[i] >= 0 ? i : last;
    }
    syscall(SYS_close_range, (unsigned)last + 1, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */);
    setsid(); /* what is sent to the agent's terminal or group does not reach containers */
    umask(022);
    if (chdir("/") == 0 && child->program != NULL) {
        execve(child->program, child->args, child->env);
    } else if (child->program == NULL) {
        execveat(child->program_fd, "", child->args, child->env, AT_EMPTY_PATH);
    }
    child->error = errno;
    _exit(EXIT_FAILURE);
}

#define STACK_TOP(stack) ((char *)(stack) + STACK_SIZE)

/* Our memory is not copied for the child (CLONE_VM), we sleep until it runs its program
 * (CLONE_VFORK), and nobody but us hears of its end (no exit signal): a large agent pays no more
 * than a small one. */
#define START_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_PIDFD)

struct between {
    struct child *child;
    void *stack;
    uint64_t clone_flags;
    int pidfd;
    int error;
};

/* A process that has just been born into another pid namespace, and makes one below it: the kernel
 * does not let who only sends its children there do that. The new process is our child, and its
 * pidfd ours, since this one shares our descriptors. */
RUNS_IN_CHILD static int between_main(void *arg)
{
    struct between *between = arg;
    int flags = (int)(START_FLAGS | CLONE_PARENT | between->clone_flags);
    if (clone(child_main, STACK_TOP(between->stack), flags, between->child, &between->pidfd) < 0) {
        between->error = errno;
    }
    _exit(0);
}

static void reap(int pidfd)
{
    siginfo_t info;
    waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL);
    close(pidfd);
}

static int start_between(struct child *child, void *stacks, uint64_t clone_flags)
{
    struct between between = {.child = child,
                              .stack = (char *)stacks + STACK_SIZE,
                              .clone_flags = clone_flags,
                              .pidfd = -1};
    int pidfd = -1;
    if (clone(between_main, STACK_TOP(stacks), START_FLAGS | CLONE_FILES, &between, &pidfd) < 0) {
        return -errno;
    }
    reap(pidfd);
    return between.error != 0 ? -between.error : between.pidfd;
}

/* The pid of a process as we see it, wherever it was born. */
static pid_t pid_of(int pidfd)
{
    char path[64], text[SMALL_FILE_SIZE];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
    const char *at = apply_read(path, text, sizeof(text)) > 0 ? strstr(text, "Pid:") : NULL;
    return at != NULL ? (pid_t)strtol(at + strlen("Pid:"), NULL, 10) : -1;
}

/* Where the kernel or the processor cannot have it born there, it enters by itself (PLAN_JOIN). */
static pid_t start_here(struct child *child, void *stacks, uint64_t clone_flags, int *ret_pidfd)
{
    struct host_clone into = {
        .cgroup = child->cgroup,
        .flags = START_FLAGS | clone_flags,
        .stack = stacks,
        .stack_size = STACK_SIZE,
        .fn = child_main,
        .arg = child,
    };
    long pid = child->cgroup >= 0 ? host_clone_into(&into, ret_pidfd) : -ENOSYS;
    if (pid < 0) {
        pid = clone(child_main, STACK_TOP(stacks), (int)(START_FLAGS | clone_flags), child,
                    ret_pidfd);
        pid = pid < 0 ? -errno : pid;
    }
    return (pid_t)pid;
}

/* The pid, or -errno. `elsewhere`: this thread's children are born into another pid namespace. */
static pid_t start(struct child *child, uint64_t clone_flags, bool elsewhere, int *ret_pidfd)
{
    void *stacks = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stacks == MAP_FAILED) {
        return -errno;
    }
    int pidfd = -1;
    pid_t pid;
    if (elsewhere && (clone_flags & CLONE_NEWPID) != 0) {
        pidfd = start_between(child, stacks, clone_flags);
        pid = pidfd < 0 ? pidfd : pid_of(pidfd);
    } else {
        pid = start_here(child, stacks, clone_flags, &pidfd);
        pid = pid > 0 && elsewhere ? pid_of(pidfd) : pid;
    }
    munmap(stacks, 2 * STACK_SIZE);
    if (pid > 0 && child->error != 0) {
        reap(pidfd);
        return -child->error;
    }
    *ret_pidfd = pidfd;
    return pid;
}

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

static void close_all(int *fds, size_t count)
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
    char *env[] = {(char[]){PATH_DEFAULT}, NULL};
    int cgroup = -1;
    int made = make_cgroup(host, hosted, &cgroup, err);
    int fds[] = {make_plan_fd(effect->plan), open_status(hosted->place.runtime_dir),
                 open("/dev/null", O_RDWR | O_CLOEXEC), cgroup};
    struct child child = {
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
        pid_t pid = start(&child, effect->clone_flags, effect->parent_pid != 0, &pidfd);
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
    close_all(fds, ELEMENTS(fds));
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
    close_all(sockets, ELEMENTS(sockets));
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

/* --- the fetcher --- */

/* Its log goes to the sandbox's files, which are emptied first (facts/observed.md, tasks 18). */
static int open_log(const char *sandbox, const char *name)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", sandbox, name);
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
}

/* Lines of that kind ('R' or 'D') in `files`, one after another: the path, or NULL at the end. */
static char *next_file(struct slice *files, char kind)
{
    struct slice line;
    while (files->data != NULL && slice_split(files, '\n', &line)) {
        if (line.size > 2 && line.data[0] == kind) {
            return xstrndup(line.data + 2, line.size - 2);
        }
    }
    return NULL;
}

static bool has_cached(const char *files)
{
    struct slice rest = slice_from(files);
    char *path;
    bool all = true;
    while ((path = next_file(&rest, 'R')) != NULL) {
        all = all && access(path, F_OK) == 0;
        free(path);
    }
    return all;
}

static struct blob *cached_sizes(const char *files)
{
    struct slice rest = slice_from(files);
    struct buf sizes = BUF_INIT;
    char *path;
    while ((path = next_file(&rest, 'D')) != NULL) {
        struct stat st;
        int64_t size = stat(path, &st) == 0 ? st.st_size : -1;
        buf_append(&sizes, &size, sizeof(size));
        free(path);
    }
    return blob_take(&sizes);
}

void host_fetch(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct hosted *hosted = host_find(host, effect->path);
    ASSERT(hosted != NULL);
    if (!has_cached(effect->cache_files)) {
        host_event(host, CONTAINERIZER_FETCHED, effect->path)->left = true;
        return;
    }
    free(hosted->cache_files);
    hosted->cache_files = TAKE_PTR(effect->cache_files);
    CLEANUP(xfreep) char *info = xasprintf("MESOS_FETCHER_INFO=%s", effect->fetcher_info);
    CLEANUP(xfreep)
    char *hadoop = host->options.hadoop_home != NULL
                       ? xasprintf("HADOOP_HOME=%s", host->options.hadoop_home)
                       : NULL;
    char *args[] = {host->fetcher, NULL};
    char *env[] = {(char[]){PATH_DEFAULT}, info, hadoop, NULL};
    int fds[] = {open_log(effect->sandbox, "stdout"), open_log(effect->sandbox, "stderr"),
                 open("/dev/null", O_RDWR | O_CLOEXEC)};
    struct child child = {
        .program = host->fetcher,
        .cgroup = -1,
        .args = args,
        .env = env,
        .fds = {-1, fds[0], fds[1], -1, -1, -1},
        .null = fds[2],
    };
    int pidfd = -1;
    pid_t pid =
        fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 ? start(&child, 0, false, &pidfd) : -errno;
    int r = pid < 0 ? pid : host_watch(host, &hosted->fetching, pidfd, EPOLLIN);
    close_all(fds, ELEMENTS(fds));
    if (r < 0) {
        host_event(host, CONTAINERIZER_FETCHED, effect->path)->text =
            xasprintf("Failed to run the fetcher: %s", strerror(-r));
        return;
    }
    hosted->fetcher = pid;
}

void host_fetcher_ended(struct containerizer_host *host, struct hosted *hosted)
{
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)hosted->fetching.fd, &info, WEXITED | __WALL | WNOHANG) == 0 &&
        info.si_pid == 0) {
        return; /* not yet */
    }
    host_unwatch(host, &hosted->fetching);
    hosted->fetcher = 0;
    struct containerizer_event *event = host_event(host, CONTAINERIZER_FETCHED, hosted->path);
    if (info.si_code != CLD_EXITED) {
        event->text = xasprintf("Failed to fetch all URIs for container '%s': terminated with "
                                "signal %s",
                                hosted->path, strsignal(info.si_status));
    } else if (info.si_status != 0) {
        event->text =
            xasprintf("Failed to fetch all URIs for container '%s': exited with status %d",
                      hosted->path, info.si_status);
    } else {
        event->blob = cached_sizes(hosted->cache_files);
    }
}
