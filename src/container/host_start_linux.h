/*
 * Starts a program as a child of the host's thread, in namespaces and a cgroup of its own if asked,
 * for a price that does not depend on how large the agent is: until the program runs, the child is
 * in our memory and we sleep.
 *
 * Nothing is inherited but the descriptors that are named. Its end is told by a pidfd alone: nobody
 * gets a SIGCHLD, and who reaps it must ask for __WALL.
 */
#ifndef TEPUI_CONTAINER_HOST_START_LINUX_H
#define TEPUI_CONTAINER_HOST_START_LINUX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_CHILD_FDS 6 /* 0, 1, 2 and those of init_protocol.h */
#define HOST_CHILD_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct host_child {
    const char *program; /* NULL: the file that is open as program_fd */
    int program_fd;
    char *const *args;
    char *const *env;
    int fds[HOST_CHILD_FDS]; /* what 0, 1, ... are to be; -1 = closed (0 to 2: /dev/null) */
    int null;                /* /dev/null, open */
    int cgroup;              /* v2: what it is to be born in; -1 = ours */
    int error;               /* set by the child, whose memory is ours */
};

/* The pid as we see it, with a pidfd that is the caller's, once the program runs; or -errno, also
 * of what the child could not do. `clone_flags`: CLONE_NEW*. `elsewhere`: this thread's children
 * are born into another pid namespace just now. */
pid_t host_start(struct host_child *child, uint64_t clone_flags, bool elsewhere, int *ret_pidfd);

#endif
