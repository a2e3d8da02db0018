/*
 * A plan: an ordered list of steps that make a container. Pure functions write it (launch_plan.c
 * and those of the isolators); tepui-containerizer applies it, being the container's first process.
 *
 * The list has three parts, one behind the other:
 *   before WAIT   on the host, as the agent: cgroups, users, volumes. What fails is a failed
 *                 launch.
 *   before FORK   after the release, as the container's init: mounts, terminal. What fails ends the
 *                 container with status 1 and a line in its stderr.
 *   after FORK    in the child that becomes the command: limits, user, capabilities, EXEC.
 */
#ifndef TEPUI_CONTAINER_PLAN_H
#define TEPUI_CONTAINER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/slice.h"

#define PLAN_TEXTS 4
#define PLAN_NUMBERS 3
#define PLAN_STEPS_MAX 100000
#define PLAN_SIZE_MAX (16u << 20) /* encoded; the kernel takes less in arguments and variables */

enum plan_step_type {
    PLAN_USER,   /* text0 is the user: look it up with its groups */
    PLAN_CGROUP, /* make the cgroup text0; number0: it is the user's, number1: it may be there */
    PLAN_WRITE,  /* text1 into the file text0 */
    PLAN_RAISE, /* text1 into the file text0 if it is more than is there; "-1" and "max" are most */
    PLAN_COPY,  /* into the file text1 of the cgroup text0 what its parent's has, if it is empty */
    PLAN_DEVICE, /* allow in the cgroup text0 the device at text1 with access text2 ("rwm") */
    PLAN_JOIN,   /* into the cgroup text0, by its file text1; number0: fine if it is missing,
                    number1: or if we were born in it */
    PLAN_STDIO,  /* stdout and stderr of the folder text0, the user's, as the command's; through no
                  * link below text1, or NULL */
    PLAN_PTY, /* a terminal as the command's stdio; number0, number1: its size; number2: it leads */
    PLAN_LINK,    /* a symbolic link text1 to text0; fine if it is there */
    PLAN_SOURCE,  /* text0 must be there; else made if it is below one of text1 ("/a:/b") */
    PLAN_FOLDER,  /* text1 below text0 must be there; else made with the owner of text0 */
    PLAN_TARGET,  /* a mount point at text1 below text0, a folder or a file as text2 is one */
    PLAN_OWN,     /* text0 gets the owner of text1 */
    PLAN_EXISTS,  /* text0 must be there, text1 says why */
    PLAN_SHARED,  /* the mount that holds text0 must be shared, and stays so in the container */
    PLAN_OOM,     /* number0 is oom_score_adj */
    PLAN_WAIT,    /* tell that all this is done, and wait for the release */
    PLAN_TTY,     /* stdin becomes the controlling terminal */
    PLAN_ENTER,   /* the namespace text0 (a file in /proc) of kind number0 (CLONE_NEW*); text1 =
                     "task": the one that a child of a child of it made, if there is one */
    PLAN_SLAVE,   /* mounts of the container do not come out, but for those below a SHARED one */
    PLAN_MOUNT,   /* text0 (or NULL) at text1, type text2, options text3, flags number0 (MS_*) */
    PLAN_BORROW,  /* mount here at text1 what is there in the mount namespace text0 */
    PLAN_SWEEP,   /* when the command has ended: init kills all that descends from it */
    PLAN_FORK,    /* the rest is the command's */
    PLAN_RLIMIT,  /* number0 = RLIMIT_*, number1 soft, number2 hard; -1 = unlimited */
    PLAN_CHDIR,   /* text0 */
    PLAN_SETUSER, /* become the user of USER, if there was one */
    PLAN_CAPS,    /* number0 effective, number1 bounding (bit masks), number2 = PLAN_CAPS_* */
    PLAN_NNP,     /* no_new_privs */
    PLAN_ARG,     /* text0: one more argument */
    PLAN_ENV,     /* text0: one more NAME=value */
    PLAN_EXEC,    /* text0: the program, found in text1 (PATH) if it has no slash */
    PLAN_STEP_TYPES,
};

enum { PLAN_CAPS_EFFECTIVE = 1, PLAN_CAPS_BOUNDING = 2 };

struct plan_step {
    enum plan_step_type type;
    const char *text[PLAN_TEXTS]; /* NULL = none; in the plan's arena */
    int64_t number[PLAN_NUMBERS];
};

struct plan {
    struct arena arena;
    struct plan_step *steps; /* heap */
    size_t count;
    size_t capacity;
};

void plan_init(struct plan *plan);
void plan_deinit(struct plan *plan); /* idempotent */

/* Texts are copied. Return the step for more to be set (valid until the next is added). */
struct plan_step *plan_add(struct plan *plan, enum plan_step_type type, const char *text0,
                           const char *text1);
struct plan_step *plan_addf(struct plan *plan, enum plan_step_type type, const char *fmt, ...)
    PRINTF_LIKE(3, 4); /* text0 */
/* "dir/name" gets "value". */
void plan_write(struct plan *plan, enum plan_step_type type, const char *dir, const char *name,
                int64_t value);
const char *plan_text(struct plan *plan, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Bytes for the program that applies it, and back: 0, or -EBADMSG. */
void plan_encode(const struct plan *plan, struct buf *out);
int plan_decode(struct slice bytes, struct plan *plan) WARN_UNUSED;

/* "name text0 text1 ... number0 ..." a line, only what is set; for tests and logs. */
void plan_format(const struct plan *plan, struct buf *out);

#endif
