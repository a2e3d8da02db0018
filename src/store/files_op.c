#include "store/files_op.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "store/below.h"
#include "store/tree_remove.h"

#define MODE_FILE 0644
#define MODE_FOLDER 0755

/* --- folders --- */

/* The folders above a path. 0 or -errno. */
static int make_parents(const char *path, struct files_unsynced *unsynced, bool durable)
{
    char *copy = xstrdup(path);
    char *slash = strrchr(copy, '/');
    int r = 0;
    if (slash != NULL && slash != copy) {
        *slash = '\0';
        if (mkdir(copy, MODE_FOLDER) == 0) {
            if (durable) {
                files_unsynced_add_folder_of(unsynced, copy);
            }
        } else if (errno == ENOENT) {
            r = make_parents(copy, unsynced, durable);
            if (r == 0 && mkdir(copy, MODE_FOLDER) != 0 && errno != EEXIST) {
                r = -errno;
            } else if (r == 0 && durable) {
                files_unsynced_add_folder_of(unsynced, copy);
            }
        } else if (errno != EEXIST) {
            r = -errno;
        }
    }
    free(copy);
    return r;
}

/* Where the operation's path is to be found: in a folder, or (AT_FDCWD) as it stands. The caller
 * closes the former. -errno. */
static int open_folder_of(const struct store_op *op, bool make, struct files_unsynced *unsynced,
                          const char **ret_name)
{
    if (op->root != NULL) {
        return below_open_folder_of(op->root, op->path, make, ret_name);
    }
    int r = make ? make_parents(op->path, unsynced, op->durable) : 0;
    *ret_name = op->path;
    return r != 0 ? r : AT_FDCWD;
}

/* Whose it is to be, and who may come in: by descriptor, since the folder around may be a user's,
 * who could put a link in its place. The umask does not count. */
static int give_folder(int fd, const struct store_op *op, mode_t mode)
{
    return fchmod(fd, mode) != 0 || (op->owned && fchown(fd, op->uid, op->gid) != 0) ? -errno : 0;
}

static int make_folder_at(int at, const char *name, const struct store_op *op)
{
    mode_t mode = op->mode != 0 ? op->mode : MODE_FOLDER;
    int nofollow = op->root != NULL ? O_NOFOLLOW : 0;
    bool is_new = mkdirat(at, name, mode) == 0;
    if (!is_new && errno != EEXIST) {
        return -errno;
    }
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | nofollow);
    if (fd < 0) {
        return is_new ? -errno : -EEXIST;
    }
    int r = is_new ? give_folder(fd, op, mode) : 0;
    close(fd);
    if (r != 0) {
        unlinkat(at, name, AT_REMOVEDIR);
    }
    return r;
}

static int make_folder(const struct store_op *op, struct files_unsynced *unsynced)
{
    const char *name;
    int at = open_folder_of(op, true, unsynced, &name);
    int r = at < 0 && at != AT_FDCWD ? at : make_folder_at(at, name, op);
    if (at >= 0) {
        close(at);
    }
    if (r == 0 && op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
    }
    return r;
}

/* --- files --- */

static int write_all(int fd, const struct blob *bytes)
{
    struct slice rest = blob_slice(bytes);
    while (rest.size > 0) {
        ssize_t n = write(fd, rest.data, rest.size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        rest = slice_skip(rest, (size_t)n);
    }
    return 0;
}

/* Whether the file holds just these bytes already. */
static bool is_same(const char *path, const struct blob *bytes)
{
    struct slice wanted = blob_slice(bytes);
    struct stat stat;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool same = false;
    if (fd >= 0 && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
        (size_t)stat.st_size == wanted.size) {
        char *found = xalloc(wanted.size + 1);
        same = read(fd, found, wanted.size) == (ssize_t)wanted.size &&
               (wanted.size == 0 || memcmp(found, wanted.data, wanted.size) == 0);
        free(found);
    }
    if (fd >= 0) {
        close(fd);
    }
    return same;
}

static int open_file(const char *path, int flags, mode_t mode, struct files_unsynced *unsynced,
                     bool durable)
{
    int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0 && errno == ENOENT) {
        int r = make_parents(path, unsynced, durable);
        if (r != 0) {
            return r;
        }
        fd = open(path, flags | O_CLOEXEC, mode);
    }
    return fd < 0 ? -errno : fd;
}

/* Nothing is written, but who wrote it (before a crash of ours) may not have synced it. */
static int add_existing(const char *path, struct files_unsynced *unsynced)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -errno;
    }
    files_unsynced_add_file(unsynced, fd);
    files_unsynced_add_folder_of(unsynced, path);
    return 0;
}

static int replace(const struct store_op *op, struct files_unsynced *unsynced)
{
    bool exists = access(op->path, F_OK) == 0;
    if (exists && is_same(op->path, op->bytes)) {
        return op->durable ? add_existing(op->path, unsynced) : 0;
    }
    char *temporary = xasprintf("%s.new", op->path);
    mode_t mode = op->mode != 0 ? op->mode : MODE_FILE;
    int fd = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode, unsynced, op->durable);
    int r = fd < 0 ? fd : write_all(fd, op->bytes);
    if (r == 0 && exists && op->durable && fdatasync(fd) != 0) {
        r = -errno; /* what is there must not be replaced by what is not */
    }
    if (r == 0 && rename(temporary, op->path) != 0) {
        r = -errno;
    }
    if (r != 0) {
        unlink(temporary);
    } else if (op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
    }
    if (fd >= 0 && r == 0 && op->durable && !exists) {
        files_unsynced_add_file(unsynced, fd);
    } else if (fd >= 0) {
        close(fd);
    }
    free(temporary);
    return r;
}

static int append(const struct store_op *op, struct files_unsynced *unsynced)
{
    bool exists = access(op->path, F_OK) == 0;
    mode_t mode = op->mode != 0 ? op->mode : MODE_FILE;
    int fd = open_file(op->path, O_WRONLY | O_CREAT | O_APPEND, mode, unsynced, op->durable);
    if (fd < 0) {
        return fd;
    }
    int r = write_all(fd, op->bytes);
    if (r == 0 && op->durable) {
        files_unsynced_add_file(unsynced, fd);
        if (!exists) {
            files_unsynced_add_folder_of(unsynced, op->path);
        }
    } else {
        close(fd);
    }
    return r;
}

static int cut(const struct store_op *op, struct files_unsynced *unsynced)
{
    int fd = open(op->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int r = ftruncate(fd, (off_t)op->size) != 0 ? -errno : 0;
    if (r == 0 && op->durable) {
        files_unsynced_add_file(unsynced, fd);
    } else {
        close(fd);
    }
    return r;
}

static int make_link(const struct store_op *op, struct files_unsynced *unsynced)
{
    char found[PATH_MAX];
    ssize_t size = readlink(op->path, found, sizeof(found));
    if (size >= 0 && (size_t)size == strlen(op->target) &&
        memcmp(found, op->target, (size_t)size) == 0) {
        return 0;
    }
    int r = make_parents(op->path, unsynced, op->durable);
    char *temporary = xasprintf("%s.new", op->path);
    unlink(temporary);
    if (r == 0 && (symlink(op->target, temporary) != 0 || rename(temporary, op->path) != 0)) {
        r = -errno;
    }
    if (r == 0 && op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
    }
    free(temporary);
    return r;
}

static int move(const struct store_op *op, struct files_unsynced *unsynced)
{
    int r = make_parents(op->target, unsynced, op->durable);
    if (r == 0 && rename(op->path, op->target) != 0) {
        r = -errno;
    }
    if (r == 0 && op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
        files_unsynced_add_folder_of(unsynced, op->target);
    }
    return r;
}

static int remove_at(int at, const char *name, const char *trash)
{
    struct stat stat;
    if (fstatat(at, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        return -errno;
    }
    if (!S_ISDIR(stat.st_mode)) {
        return unlinkat(at, name, 0) != 0 ? -errno : 0;
    }
    if (renameat(at, name, AT_FDCWD, trash) == 0) {
        return 0;
    }
    return tree_remove_at(at, name); /* on another file system, or a mount point */
}

static int remove_path(const struct store_op *op, const char *trash,
                       struct files_unsynced *unsynced)
{
    if (op->keeps_folder) {
        return tree_empty(op->path);
    }
    const char *name;
    int at = open_folder_of(op, false, unsynced, &name);
    int r = at < 0 && at != AT_FDCWD ? at : remove_at(at, name, trash);
    if (at >= 0) {
        close(at);
    }
    if (r == -ENOENT || r == -ENOTDIR) {
        return 0; /* nothing is there */
    }
    if (r == 0 && op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
    }
    return r;
}

/* --- whole trees --- */

static int give_content(int fd, uint32_t uid, uint32_t gid)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int r = -errno;
        close(fd);
        return r;
    }
    int first = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        int r =
            fchownat(dirfd(dir), entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) != 0 ? -errno : 0;
        int child =
            openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (child >= 0) {
            int inner = give_content(child, uid, gid);
            r = r == 0 ? inner : r;
        }
        first = first == 0 ? r : first;
    }
    closedir(dir);
    return first;
}

static int give(const struct store_op *op)
{
    if (lchown(op->path, op->uid, op->gid) != 0) {
        return -errno;
    }
    int fd = open(op->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? 0 : give_content(fd, op->uid, op->gid);
}

int files_op_perform(const struct store_op *op, const char *trash, struct files_unsynced *unsynced)
{
    switch (op->type) {
    case STORE_REPLACE:
        return replace(op, unsynced);
    case STORE_APPEND:
        return append(op, unsynced);
    case STORE_TRUNCATE:
        return cut(op, unsynced);
    case STORE_MKDIR:
        return make_folder(op, unsynced);
    case STORE_SYMLINK:
        return make_link(op, unsynced);
    case STORE_REMOVE:
        return remove_path(op, trash, unsynced);
    case STORE_RENAME:
        return move(op, unsynced);
    case STORE_CHOWN:
        return give(op);
    }
    WRONG("no such operation");
}
