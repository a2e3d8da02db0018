#include "container/host_clone_linux.h"

#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>

#include "common/macro.h"

#if defined(__x86_64__)

/* The C library has no function for clone3(2). The child begins with the registers of its parent on
 * a stack of its own, so all that it needs is in registers. */
static long clone3_call(struct clone_args *args, int (*fn)(void *), void *arg)
{
    register long number __asm__("rax") = SYS_clone3;
    register struct clone_args *at __asm__("rdi") = args;
    register size_t size __asm__("rsi") = sizeof(*args);
    register int (*function)(void *) __asm__("r12") = fn;
    register void *argument __asm__("r13") = arg;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t" /* the outermost frame */
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "ud2\n"
                     "1:"
                     : "+r"(number)
                     : "r"(at), "r"(size), "r"(function), "r"(argument)
                     : "rcx", "r11", "cc", "memory");
    return number;
}

#else

static long clone3_call(struct clone_args *args UNUSED, int (*fn)(void *) UNUSED, void *arg UNUSED)
{
    return -ENOSYS;
}

#endif

long host_clone_into(const struct host_clone *clone, int *ret_pidfd)
{
    struct clone_args args = {
        .flags = clone->flags | CLONE_INTO_CGROUP,
        .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
        .stack = (uint64_t)(uintptr_t)clone->stack,
        .stack_size = clone->stack_size,
        .cgroup = (uint64_t)clone->cgroup,
    };
    return clone3_call(&args, clone->fn, clone->arg);
}
