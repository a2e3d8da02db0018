#include "container/host_start_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/macro.h"
#include "container/apply_linux.h"
#include "container/host_clone_linux.h"

#define STACK_SIZE 65536 /* of a child until it runs its program */
#define FD_OUT_OF_THE_WAY 64
#define SMALL_FILE_SIZE 4096

/* What runs in a child while we wait, in our memory: nothing but system calls. It leaves its stack
 * without returning, which sanitizers take amiss. */
#define RUNS_IN_CHILD __attribute__((no_sanitize("address", "undefined")))

RUNS_IN_CHILD static int child_main(void *arg)
{
    struct host_child *child = arg;
    int moved[HOST_CHILD_FDS];
    for (int i = 0; i < HOST_CHILD_FDS; i++) {
        int fd = child->fds[i] >= 0 ? child->fds[i] : (i <= STDERR_FILENO ? child->null : -1);
        moved[i] = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FD_OUT_OF_THE_WAY) : -1;
        if (fd >= 0 && moved[i] < 0) {
            child->error = errno;
            _exit(EXIT_FAILURE);
        }
    }
    int last = -1;
    for (int i = 0; i < HOST_CHILD_FDS; i++) {
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
    struct host_child *child;
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

static int start_between(struct host_child *child, void *stacks, uint64_t clone_flags)
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
static pid_t start_here(struct host_child *child, void *stacks, uint64_t clone_flags,
                        int *ret_pidfd)
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

pid_t host_start(struct host_child *child, uint64_t clone_flags, bool elsewhere, int *ret_pidfd)
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
