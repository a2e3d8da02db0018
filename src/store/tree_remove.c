#include "store/tree_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NAMES_TRIED_MAX 1000 /* for a folder that is brought up */

struct remover {
    int top;          /* the tree's own folder */
    unsigned brought; /* folders that were brought up to it, for their names */
    bool again;       /* some have come since it was last read */
};

/* Without openat2, which kernels before 5.6 and some filters of system calls do not have: removing
 * a mount point fails as busy, also if it is one of the same file system. -ENOENT: it was empty. */
static int open_if_not_busy(int at, const char *name)
{
    if (unlinkat(at, name, AT_REMOVEDIR) == 0) {
        return -ENOENT;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) {
        return errno == EBUSY ? -EXDEV : -errno;
    }
    int fd = openat(at, name, FLAGS);
    return fd < 0 ? -errno : fd;
}

/* A folder, but not if it is a mount point: -EXDEV. -ENOENT: it is not there any more. */
static int open_unmounted(int at, const char *name)
{
    struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS};
    int fd = (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return fd < 0 ? -errno : fd;
    }
    return open_if_not_busy(at, name);
}

/* All that is mounted there, one over the other. Lazily: who still uses it keeps it. */
static int unmount(int at, const char *name)
{
    char path[NAME_MAX + 64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", at, name);
    bool any = false;
    while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0) {
        any = true;
    }
    return any ? 0 : -EBUSY;
}

/* To the top under a name of its own: a tree of any depth is removed with few open folders. */
static int bring_up(struct remover *remover, int at, const char *name)
{
    for (int i = 0; i < NAMES_TRIED_MAX; i++) {
        char other[32];
        snprintf(other, sizeof(other), ".deep-%u", remover->brought++);
        if (renameat2(at, name, remover->top, other, RENAME_NOREPLACE) == 0) {
            remover->again = true;
            return 0;
        }
        if (errno != EEXIST) {
            break;
        }
    }
    return -errno;
}

static int empty(struct remover *remover, int fd, int depth);

static int remove_folder(struct remover *remover, int at, const char *name, int depth)
{
    int fd = open_unmounted(at, name);
    if (fd == -EXDEV && unmount(at, name) == 0) {
        fd = open_unmounted(at, name);
    }
    if (fd < 0) {
        return fd == -EXDEV ? -EBUSY : fd == -ENOENT ? 0 : fd;
    }
    if (depth >= TREE_REMOVE_DEPTH_MAX) {
        close(fd);
        return bring_up(remover, at, name);
    }
    int r = empty(remover, fd, depth + 1);
    return unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : r != 0 ? r : -errno;
}

static int remove_entry(struct remover *remover, int at, const char *name, int depth)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno == EBUSY && unmount(at, name) == 0 && unlinkat(at, name, 0) == 0) {
        return 0; /* a file on which another was mounted */
    }
    return errno == EISDIR || errno == EPERM ? remove_folder(remover, at, name, depth) : -errno;
}

/* All that a folder holds; the descriptor is taken over. */
static int empty(struct remover *remover, int fd, int depth)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int r = -errno;
        close(fd);
        return r;
    }
    int first = 0;
    do {
        remover->again = depth == 0 ? false : remover->again;
        const struct dirent *entry;
        while ((entry = readdir(dir)) != NULL) {
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
                int r = remove_entry(remover, dirfd(dir), entry->d_name, depth);
                first = first == 0 ? r : first;
            }
        }
        rewinddir(dir);
    } while (depth == 0 && remover->again);
    closedir(dir);
    return first;
}

int tree_remove_at(int at, const char *name)
{
    int fd = openat(at, name, FLAGS);
    if (fd < 0) {
        return errno == ENOENT || unlinkat(at, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
    }
    struct remover remover = {.top = fd};
    int r = empty(&remover, fd, 0);
    return unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : r != 0 ? r : -errno;
}

int tree_remove(const char *path)
{
    return tree_remove_at(AT_FDCWD, path);
}

int tree_empty(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    struct remover remover = {.top = fd};
    return empty(&remover, fd, 0);
}
