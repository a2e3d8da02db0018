#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/mountinfo_linux.h"
#include "store/below.h"

#define FD_NAME_SIZE 32

/* The mount that holds a path: the last of the longest mount points that begin it. */
int apply_shared(struct apply *apply, const char *path, struct err *err)
{
    char *real = realpath(path, NULL);
    if (real == NULL) {
        return err_errno(err, "Failed to find '%s'", path);
    }
    struct mountinfo info;
    int r = mountinfo_read(&info, err);
    const struct mountinfo_entry *entry = r == 0 ? mountinfo_holding(&info, real) : NULL;
    if (r == 0 && (entry == NULL || !entry->shared)) {
        r = err_set(err, -EINVAL,
                    "Cannot setup bidirectional mount propagation for host path '%s' because it "
                    "is not under a shared mount",
                    path);
    } else if (r == 0) {
        apply->shared = xrealloc(apply->shared, apply->shared_count + 1, sizeof(apply->shared[0]));
        apply->shared[apply->shared_count++] = xstrdup(entry->point);
    }
    mountinfo_deinit(&info);
    free(real);
    return r;
}

static bool is_shared(const struct apply *apply, const char *point)
{
    for (size_t i = 0; i < apply->shared_count; i++) {
        if (strcmp(apply->shared[i], point) == 0) {
            return true;
        }
    }
    return false;
}

int apply_slave(const struct apply *apply, struct err *err)
{
    if (apply->shared_count == 0) {
        return mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) == 0
                   ? 0
                   : err_errno(err, "Failed to mark '/' as rslave");
    }
    struct mountinfo info;
    int r = mountinfo_read(&info, err);
    for (size_t i = r == 0 ? info.count : 0; r == 0 && i-- > 0;) {
        const char *point = info.entries[i].point;
        if (!is_shared(apply, point) && mount(NULL, point, NULL, MS_SLAVE, NULL) != 0 &&
            errno != EINVAL && errno != ENOENT) { /* hidden below another: cannot be reached */
            r = err_errno(err, "Failed to mark '%s' as slave", point);
        }
    }
    mountinfo_deinit(&info);
    return r;
}

/* Also what is mounted below becomes read-only (facts/observed.md, containers 17: the original
 * forgets it). Kernels before 5.12 can only do the topmost. */
static int make_read_only(const char *target, bool recursive, struct err *err)
{
    struct {
        uint64_t set, clear, propagation, userns_fd;
    } attr = {.set = 1 /* MOUNT_ATTR_RDONLY */};
    long r = syscall(SYS_mount_setattr, AT_FDCWD, target, recursive ? AT_RECURSIVE : 0, &attr,
                     sizeof(attr));
    if (r == 0) {
        return 0;
    }
    struct statvfs st;
    if (errno != ENOSYS || statvfs(target, &st) != 0) {
        return err_errno(err, "Failed to make '%s' read-only", target);
    }
    unsigned long keep = MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME;
    unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | (st.f_flag & keep);
    return mount(NULL, target, NULL, flags, NULL) == 0
               ? 0
               : err_errno(err, "Failed to make '%s' read-only", target);
}

/* Below a mount that is kept shared a new one would come out on the host (containers 18). */
static int check_not_shared(const struct apply *apply, const char *target, struct err *err)
{
    struct mountinfo info;
    int r = mountinfo_read(&info, err);
    const struct mountinfo_entry *entry = r == 0 ? mountinfo_holding(&info, target) : NULL;
    if (entry != NULL && is_shared(apply, entry->point)) {
        r = err_set(err, -EINVAL,
                    "Cannot perform mount at '%s' because the target is under a shared mount '%s'",
                    target, entry->point);
    }
    mountinfo_deinit(&info);
    return r;
}

/* "/proc/self/fd/N", which leads to what N is open on and nowhere else. */
static void name_fd(int fd, char ret[FD_NAME_SIZE])
{
    snprintf(ret, FD_NAME_SIZE, "/proc/self/fd/%d", fd);
}

/* What was mounted on the target is above what is open; a task cannot put anything above it. */
static int make_target_read_only(const struct apply *apply, const struct stat *source,
                                 bool recursive, struct err *err)
{
    struct stat there;
    char name[FD_NAME_SIZE];
    int fd = below_open_folder(apply->target_root, apply->target_path);
    int r = 0;
    if (fd < 0 || fstat(fd, &there) != 0 || there.st_dev != source->st_dev ||
        there.st_ino != source->st_ino) {
        r = err_set(err, -EIO, "'%s' is not what was mounted there", apply->target_path);
    } else {
        name_fd(fd, name);
        r = make_read_only(name, recursive, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    return r;
}

/* A bind mount on what TARGET opened, where tasks run and change what has its name. */
static int mount_on_target(const struct apply *apply, const struct plan_step *step, struct err *err)
{
    const char *source = step->text[0];
    unsigned long flags = (unsigned long)step->number[0];
    struct stat from, to;
    char name[FD_NAME_SIZE];
    if (!apply->has_target || strcmp(step->text[1], apply->target_path) != 0) {
        return err_set(err, -EINVAL, "'%s' was not made ready to be mounted on", step->text[1]);
    }
    if (stat(source, &from) != 0 || fstat(apply->target, &to) != 0) {
        return err_errno(err, "Failed to stat '%s'", source);
    }
    if (from.st_dev == to.st_dev && from.st_ino == to.st_ino) {
        return 0; /* it is there already */
    }
    name_fd(apply->target, name);
    if (mount(source, name, NULL, flags & ~(unsigned long)MS_RDONLY, NULL) != 0) {
        return err_errno(err, "Failed to mount '%s' at '%s'", source, step->text[1]);
    }
    return (flags & MS_RDONLY) == 0
               ? 0
               : make_target_read_only(apply, &from, (flags & MS_REC) != 0, err);
}

int apply_mount(const struct apply *apply, const struct plan_step *step, struct err *err)
{
    if (apply->is_live) {
        return mount_on_target(apply, step, err);
    }
    const char *source = step->text[0];
    const char *target = step->text[1];
    unsigned long flags = (unsigned long)step->number[0];
    int r = apply->shared_count != 0 ? check_not_shared(apply, target, err) : 0;
    if (r != 0) {
        return r;
    }
    bool bind = (flags & MS_BIND) != 0;
    if (bind) {
        struct stat from, to;
        if (stat(source, &from) == 0 && stat(target, &to) == 0 && from.st_dev == to.st_dev &&
            from.st_ino == to.st_ino) {
            return 0; /* it is there already */
        }
    }
    if (mount(source, target, step->text[2], bind ? flags & ~(unsigned long)MS_RDONLY : flags,
              step->text[3]) != 0) {
        return err_errno(err, "Failed to mount '%s' at '%s'", source, target);
    }
    if (bind && (flags & MS_RDONLY) != 0) {
        return make_read_only(target, (flags & MS_REC) != 0, err);
    }
    return 0;
}

/* The first child of a child of `pid` whose mount namespace differs from its, or `pid`: the task of
 * a command executor that gave it an image (facts/observed.md, containers 12). */
static long mount_namespace_of_task(long pid)
{
    char path[64], own[64], other[64], children[4096], below[4096];
    snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", pid);
    ssize_t size = readlink(path, own, sizeof(own));
    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", pid, pid);
    if (size < 0 || apply_read_pids(path, children, sizeof(children)) < 0) {
        return pid;
    }
    char *rest = children, *rest_below, *end;
    for (long child; (child = strtol(rest, &end, 10)) > 0; rest = end) {
        snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", child, child);
        if (apply_read_pids(path, below, sizeof(below)) < 0) {
            continue;
        }
        rest_below = below;
        for (long found; (found = strtol(rest_below, &end, 10)) > 0; rest_below = end) {
            snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", found);
            ssize_t n = readlink(path, other, sizeof(other));
            if (n > 0 && (n != size || memcmp(own, other, (size_t)n) != 0)) {
                return found;
            }
        }
        (void)strtol(rest, &end, 10);
    }
    return pid;
}

int apply_enter(const struct plan_step *step, struct err *err)
{
    char path[64];
    snprintf(path, sizeof(path), "%s", step->text[0]);
    if (step->text[1] != NULL) {
        long pid = strtol(step->text[0] + strlen("/proc/"), NULL, 10);
        snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", mount_namespace_of_task(pid));
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, (int)step->number[0]) != 0) {
        int r = err_errno(err, "Failed to enter namespace '%s'", path);
        if (fd >= 0) {
            close(fd);
        }
        return r;
    }
    close(fd);
    return 0;
}

int apply_borrow(const char *ns, const char *path, struct err *err)
{
    int own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    int other = open(ns, O_RDONLY | O_CLOEXEC);
    int tree = -1;
    int r = 0;
    if (own < 0 || other < 0 || setns(other, CLONE_NEWNS) != 0) {
        r = err_errno(err, "Failed to enter namespace '%s'", ns);
    } else {
        tree = (int)syscall(SYS_open_tree, AT_FDCWD, path, 1 /* OPEN_TREE_CLONE */ | O_CLOEXEC);
        if (tree < 0) {
            r = err_errno(err, "Failed to clone the mount at '%s'", path);
        }
        if (setns(own, CLONE_NEWNS) != 0) {
            r = err_errno(err, "Failed to come back from namespace '%s'", ns);
        }
    }
    if (r == 0 &&
        syscall(SYS_move_mount, tree, "", AT_FDCWD, path, 4 /* MOVE_MOUNT_F_EMPTY_PATH */) != 0) {
        r = err_errno(err, "Failed to mount '%s' of '%s'", path, ns);
    }
    int fds[] = {own, other, tree};
    for (size_t i = 0; i < ELEMENTS(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    return r;
}

int apply_unmount(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return 0;
    }
    if (S_ISLNK(st.st_mode)) {
        return unlink(path) == 0 ? 0 : err_errno(err, "Failed to remove '%s'", path);
    }
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL) {
        return err_errno(err, "Failed to unmount '%s'", path);
    }
    if (rmdir(path) != 0 && errno != ENOTEMPTY && errno != ENOENT) {
        return err_errno(err, "Failed to remove '%s'", path);
    }
    return 0;
}
