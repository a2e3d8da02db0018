/*
 * A process that is born into a cgroup of v2. One that enters a cgroup by itself waits, with the
 * kernel, for a grace period of RCU (some 12 ms); one that is born there does not. Internal to
 * src/container.
 */
#ifndef TEPUI_CONTAINER_HOST_CLONE_LINUX_H
#define TEPUI_CONTAINER_HOST_CLONE_LINUX_H

#include <stddef.h>
#include <stdint.h>

struct host_clone {
    int cgroup;        /* a descriptor of the cgroup's folder; the caller's */
    uint64_t flags;    /* CLONE_*; CLONE_VM is among them, and CLONE_PIDFD */
    void *stack;       /* lowest address; of the child alone */
    size_t stack_size; /* a multiple of 16 */
    int (*fn)(void *); /* what the child runs; it does not return */
    void *arg;
};

/* clone(2) with CLONE_INTO_CGROUP: the pid, or -errno. Fails with -ENOSYS before Linux 5.3 and on
 * processors for which it is not written down, with -E2BIG before 5.7. */
long host_clone_into(const struct host_clone *clone, int *ret_pidfd);

#endif
