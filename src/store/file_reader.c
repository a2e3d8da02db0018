#include "store/file_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/xalloc.h"

#define NAME_BUFFER_SIZE 16384

/* The path without links, if it does not leave the root: 0, -EPERM or another -errno. */
static int resolve(const struct file_request *request, char path[PATH_MAX])
{
    char root[PATH_MAX];
    if (realpath(request->root, root) == NULL || realpath(request->path, path) == NULL) {
        return -errno;
    }
    size_t size = strlen(root);
    bool is_below = strncmp(path, root, size) == 0 && (path[size] == '\0' || path[size] == '/');
    return is_below ? 0 : -EPERM;
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

static int list_folder(const char *path, struct file_result *result)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOTDIR ? 0 : -errno; /* the listing of a file is empty */
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

static int read_file(const struct file_request *request, const char *path,
                     struct file_result *result)
{
    struct stat stat;
    /* Not to hang on a pipe that a task has made. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return -errno;
    }
    int r = 0;
    if (fstat(fd, &stat) != 0) {
        r = -errno;
    } else if (S_ISDIR(stat.st_mode)) {
        r = -EISDIR;
    } else if (!S_ISREG(stat.st_mode)) {
        r = -EACCES;
    } else if (request->type == FILE_DOWNLOAD) {
        result->size = stat.st_size;
        r = stat.st_size > FILE_DOWNLOAD_SIZE_MAX
                ? -EFBIG
                : read_piece(fd, 0, FILE_DOWNLOAD_SIZE_MAX, result);
    } else {
        result->size = stat.st_size;
        int64_t size_max = request->offset < 0 || request->offset >= stat.st_size
                               ? 0
                               : MIN(request->size_max, (int64_t)FILE_READ_SIZE_MAX);
        r = read_piece(fd, MAX(request->offset, 0), size_max, result);
    }
    close(fd);
    return r;
}

void file_reader_perform(const struct file_request *request, struct file_result *ret_result)
{
    char path[PATH_MAX];
    *ret_result = (struct file_result){.token = request->token};
    int status = resolve(request, path);
    if (status == 0) {
        status = request->type == FILE_LIST ? list_folder(path, ret_result)
                                            : read_file(request, path, ret_result);
    }
    ret_result->status = status;
}
