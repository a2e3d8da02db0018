/*
 * Steps of a plan done to this host: everything but waiting, forking and what comes after it, which
 * is the business of tepui-containerizer alone (init/). The host part uses it for updates.
 *
 * Links only common and store/below.h: the program that applies plans must start fast.
 */
#ifndef TEPUI_CONTAINER_APPLY_LINUX_H
#define TEPUI_CONTAINER_APPLY_LINUX_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "container/plan.h"

/* What steps leave for later ones. Zeroed at the start. */
struct apply {
    bool is_live;  /* the caller's: tasks run in the sandbox, and may put links into it meanwhile */
    bool has_user; /* of USER, and it is not who we are */
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* heap: supplementary ones */
    size_t group_count;
    char **shared; /* heap: mount points that SHARED named */
    size_t shared_count;
    bool has_terminal;  /* of PTY; both ends are the caller's to close */
    bool is_controlled; /* by the terminal */
    int terminal;       /* what the command shows is read here */
    int terminal_end;   /* the command's stdio */
    bool has_target; /* of TARGET, if live: what MOUNT is to mount on, whatever is there by then */
    int target;      /* O_PATH */
    char *target_root; /* heap */
    char *target_path; /* heap: the whole of it */
};

void apply_deinit(struct apply *apply); /* idempotent */

/* 0, or -errno with what failed. The types from WAIT on but ENTER, SLAVE, MOUNT, BORROW, TTY are
 * not for here (asserts). */
int apply_step(struct apply *apply, const struct plan_step *step, struct err *err) WARN_UNUSED;

/* --- parts, in files of their own --- */

int apply_user(struct apply *apply, const char *name, struct err *err) WARN_UNUSED;
int apply_stdio(const struct apply *apply, const char *dir, const char *top_dir,
                struct err *err) WARN_UNUSED;
int apply_terminal(struct apply *apply, const struct plan_step *step, struct err *err) WARN_UNUSED;
int apply_shared(struct apply *apply, const char *path, struct err *err) WARN_UNUSED;
int apply_slave(const struct apply *apply, struct err *err) WARN_UNUSED;
int apply_mount(const struct apply *apply, const struct plan_step *step,
                struct err *err) WARN_UNUSED;
int apply_enter(const struct plan_step *step, struct err *err) WARN_UNUSED;
int apply_borrow(const char *ns, const char *path, struct err *err) WARN_UNUSED;
int apply_unmount(const char *path, struct err *err) WARN_UNUSED;

/* --- small ones that the host part uses, too --- */

/* The whole of a small file, cut at the buffer's size, always terminated: its size or -errno. */
ssize_t apply_read(const char *path, char *buf, size_t size) WARN_UNUSED;
/* The same for a list of pids: one that is cut at the buffer's end would be another's, and is left
 * out. */
ssize_t apply_read_pids(const char *path, char *buf, size_t size) WARN_UNUSED;
int apply_write(const char *path, const char *value); /* 0 or -errno */
/* With parents; 0 (also if it is there) or -errno. */
int apply_mkdir(const char *path, mode_t mode) WARN_UNUSED;

#endif
