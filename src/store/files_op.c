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

static int make_folder(const struct store_op *op, struct files_unsynced *unsynced)
{
    mode_t mode = op->mode != 0 ? op->mode : MODE_FOLDER;
    int r = make_parents(op->path, unsynced, op->durable);
    if (r != 0) {
        return r;
    }
    if (mkdir(op->path, mode) != 0) {
        struct stat found;
        r = -errno;
        return r == -EEXIST && stat(op->path, &found) == 0 && S_ISDIR(found.st_mode) ? 0 : r;
    }
    /* The umask does not count; and nobody else has had the time to change it. */
    if (chmod(op->path, mode) != 0 || (op->owned && lchown(op->path, op->uid, op->gid) != 0)) {
        r = -errno;
        rmdir(op->path);
        return r;
    }
    if (op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
    }
    return 0;
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

static int remove_path(const struct store_op *op, const char *trash,
                       struct files_unsynced *unsynced)
{
    struct stat stat;
    if (lstat(op->path, &stat) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    }
    int r;
    if (!S_ISDIR(stat.st_mode)) {
        r = unlink(op->path) != 0 ? -errno : 0;
    } else if (rename(op->path, trash) == 0) {
        r = 0;
    } else {
        r = files_op_delete(op->path); /* on another file system, or a mount point */
    }
    if (r == 0 && op->durable) {
        files_unsynced_add_folder_of(unsynced, op->path);
    }
    return r;
}

/* --- whole trees --- */

/* Everything in a folder, by descriptor, so that no link leads astray. */
static int delete_content(int fd)
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
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(dirfd(dir), entry->d_name, 0) == 0) {
            continue;
        }
        int r = -errno;
        if (errno == EISDIR || errno == EPERM) {
            int child =
                openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            r = child < 0 ? -errno : delete_content(child);
            if (r == 0) {
                r = unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) != 0 ? -errno : 0;
            }
        }
        first = first == 0 ? r : first;
    }
    closedir(dir);
    return first;
}

int files_op_delete(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : unlink(path) != 0 && errno != ENOENT ? -errno : 0;
    }
    int r = delete_content(fd);
    return r != 0 ? r : rmdir(path) != 0 && errno != ENOENT ? -errno : 0;
}

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
