#include "store/file_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/xalloc.h"

#define NAME_BUFFER_SIZE 16384
#define FD_LINK_SIZE 32

static const char *fd_link(int fd, char link[FD_LINK_SIZE])
{
    (void)snprintf(link, FD_LINK_SIZE, "/proc/self/fd/%d", fd);
    return link;
}

/* Is the path the root or below it? Both without links. */
static bool is_below(const char *root, const char *path)
{
    size_t size = strlen(root);
    return strncmp(path, root, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/*
 * A descriptor that only names what the path leads to (O_PATH: nothing is opened, so a device or a
 * pipe that a task has put there notices nothing). Whether it is below the root is asked of the
 * descriptor: a task may change a link at any moment, but not where this one leads.
 */
static int find(const struct file_request *request)
{
    char root[PATH_MAX];
    char path[PATH_MAX];
    char link[FD_LINK_SIZE];
    if (realpath(request->root, root) == NULL) {
        return -errno;
    }
    int fd = open(request->path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    ssize_t size = readlink(fd_link(fd, link), path, sizeof(path) - 1);
    int r = size < 0 ? -errno : 0;
    if (r == 0) {
        path[size] = '\0';
        r = is_below(root, path) ? 0 : -EPERM;
    }
    if (r != 0) {
        close(fd);
        return r;
    }
    return fd;
}

/* Opens what `find` has found: a descriptor, or -errno. */
static int open_found(int found, int flags)
{
    char link[FD_LINK_SIZE];
    int fd = open(fd_link(found, link), flags | O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* --- folders --- */

static char *user_name(uid_t uid)
{
    char buffer[NAME_BUFFER_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;
    if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL) {
        return xstrdup(entry.pw_name);
    }
    return xasprintf("%u", uid);
}

static char *group_name(gid_t gid)
{
    char buffer[NAME_BUFFER_SIZE];
    struct group entry;
    struct group *found = NULL;
    if (getgrgid_r(gid, &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL) {
        return xstrdup(entry.gr_name);
    }
    return xasprintf("%u", gid);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct file_entry *)a)->name, ((const struct file_entry *)b)->name);
}

static int list_folder(int found_fd, struct file_result *result)
{
    int fd = open_found(found_fd, O_DIRECTORY);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        return fd == -ENOTDIR ? 0 : fd < 0 ? fd : -errno; /* the listing of a file is empty */
    }
    size_t capacity = 0;
    const struct dirent *found;
    while ((found = readdir(dir)) != NULL && result->entry_count < FILE_ENTRIES_MAX) {
        struct stat stat;
        if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0 ||
            fstatat(dirfd(dir), found->d_name, &stat, 0) != 0) {
            continue; /* a link that leads nowhere is not shown, as in the reference */
        }
        if (result->entry_count == capacity) {
            capacity = MAX(capacity * 2, (size_t)16);
            result->entries = xrealloc(result->entries, capacity, sizeof(result->entries[0]));
        }
        result->entries[result->entry_count++] = (struct file_entry){
            .name = xstrdup(found->d_name),
            .mode = stat.st_mode,
            .link_count = stat.st_nlink,
            .size = stat.st_size,
            .mtime_ns = (int64_t)stat.st_mtim.tv_sec * NS_PER_SEC + stat.st_mtim.tv_nsec,
            .user = user_name(stat.st_uid),
            .group = group_name(stat.st_gid),
        };
    }
    closedir(dir);
    if (result->entry_count > 0) {
        qsort(result->entries, result->entry_count, sizeof(result->entries[0]), compare_entries);
    }
    return 0;
}

/* --- files --- */

/* Up to `size_max` bytes at `offset`. */
static int read_piece(int fd, int64_t offset, int64_t size_max, struct file_result *result)
{
    struct buf bytes = BUF_INIT;
    int r = 0;
    while ((int64_t)bytes.size < size_max) {
        size_t wanted = (size_t)MIN(size_max - (int64_t)bytes.size, (int64_t)(1 << 20));
        ssize_t n = pread(fd, buf_reserve(&bytes, wanted), wanted, offset + (int64_t)bytes.size);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            r = n < 0 ? -errno : 0;
            break;
        }
        bytes.size += (size_t)n;
    }
    result->bytes = blob_take(&bytes);
    return r;
}

static int read_file(const struct file_request *request, int found, struct file_result *result)
{
    struct stat stat;
    if (fstat(found, &stat) != 0) {
        return -errno;
    }
    if (!S_ISREG(stat.st_mode)) {
        return S_ISDIR(stat.st_mode) ? -EISDIR : -EACCES;
    }
    bool is_whole = request->type == FILE_DOWNLOAD;
    result->size = stat.st_size;
    if (is_whole && stat.st_size > FILE_DOWNLOAD_SIZE_MAX) {
        return -EFBIG;
    }
    int64_t size_max = MIN(request->size_max, (int64_t)FILE_READ_SIZE_MAX);
    if (is_whole) {
        size_max = FILE_DOWNLOAD_SIZE_MAX;
    } else if (request->offset < 0 || request->offset >= stat.st_size) {
        size_max = 0;
    }
    int fd = open_found(found, 0);
    if (fd < 0) {
        return fd;
    }
    int r = read_piece(fd, is_whole ? 0 : MAX(request->offset, 0), size_max, result);
    close(fd);
    return r;
}

void file_reader_perform(const struct file_request *request, struct file_result *ret_result)
{
    *ret_result = (struct file_result){.token = request->token};
    int found = find(request);
    if (found < 0) {
        ret_result->status = found;
        return;
    }
    ret_result->status = request->type == FILE_LIST ? list_folder(found, ret_result)
                                                    : read_file(request, found, ret_result);
    close(found);
}
