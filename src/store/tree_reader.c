#include "store/tree_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/xalloc.h"

#define DEPTH_MAX 64 /* of folders at all: checkpoints are not deep */

struct reader {
    const char *root;
    const struct tree_reader_options *options;
    struct tree *tree;
    struct err *err;
};

static int read_folder(struct reader *reader, const char *path, int depth);

/* The content of a file into the buffer: 0 or -errno. */
static int read_file(const char *path, int64_t size, struct buf *content)
{
    if (size > TREE_FILE_SIZE_MAX) {
        return -EFBIG;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -errno;
    }
    int r = 0;
    for (;;) {
        char *room = buf_reserve(content, 4096);
        ssize_t n = read(fd, room, 4096);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0 || content->size + (size_t)n > TREE_FILE_SIZE_MAX) {
            r = n < 0 ? -errno : n > 0 ? -EFBIG : 0;
            break;
        }
        content->size += (size_t)n;
    }
    close(fd);
    return r;
}

static int64_t mtime_of(const struct stat *stat)
{
    return (int64_t)stat->st_mtim.tv_sec * NS_PER_SEC + stat->st_mtim.tv_nsec;
}

static int read_entry(struct reader *reader, const char *path, int depth)
{
    struct stat stat;
    char *full = xasprintf("%s/%s", reader->root, path);
    int r = 0;
    if (lstat(full, &stat) != 0) {
        r = errno == ENOENT ? 0 : err_errno(reader->err, "%s", full);
    } else if (S_ISDIR(stat.st_mode)) {
        tree_add(reader->tree, TREE_FOLDER, path, SLICE(""))->mtime_ns = mtime_of(&stat);
        const char *slash = strrchr(path, '/');
        const char *name = slash != NULL ? slash + 1 : path;
        bool skips = reader->options->skip != NULL && strcmp(name, reader->options->skip) == 0;
        r = skips ? 0 : read_folder(reader, path, depth + 1);
    } else if (S_ISLNK(stat.st_mode)) {
        char target[PATH_MAX];
        ssize_t size = readlink(full, target, sizeof(target));
        struct tree_entry *entry = tree_add(reader->tree, TREE_LINK, path,
                                            slice_make(target, size > 0 ? (size_t)size : 0));
        entry->status = size < 0 ? -errno : 0;
        entry->mtime_ns = mtime_of(&stat);
    } else if (S_ISREG(stat.st_mode)) {
        CLEANUP(buf_deinit) struct buf content = BUF_INIT;
        int status = reader->options->names_only ? 0 : read_file(full, stat.st_size, &content);
        struct tree_entry *entry = tree_add(reader->tree, TREE_FILE, path, buf_slice(&content));
        entry->status = status;
        entry->mtime_ns = mtime_of(&stat);
    }
    free(full);
    return r;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, ascending. 0 or -errno. */
static int list_names(const char *path, char ***ret_names, size_t *ret_count)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return -errno;
    }
    char **names = NULL;
    size_t count = 0;
    size_t capacity = 0;
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (count == capacity) {
            capacity = MAX(capacity * 2, (size_t)16);
            names = xrealloc(names, capacity, sizeof(names[0]));
        }
        names[count++] = xstrdup(entry->d_name);
    }
    closedir(dir);
    if (count > 0) {
        qsort(names, count, sizeof(names[0]), compare_names);
    }
    *ret_names = names;
    *ret_count = count;
    return 0;
}

static int read_folder(struct reader *reader, const char *path, int depth)
{
    if (depth > DEPTH_MAX ||
        (reader->options->depth_max > 0 && depth > reader->options->depth_max)) {
        return 0;
    }
    char *full = path[0] != '\0' ? xasprintf("%s/%s", reader->root, path) : xstrdup(reader->root);
    char **names = NULL;
    size_t count = 0;
    int r = list_names(full, &names, &count);
    if (r == -ENOENT) {
        r = 0;
    } else if (r != 0) {
        err_set(reader->err, r, "%s: %s", full, strerror(-r));
    }
    for (size_t i = 0; i < count; i++) {
        char *child = path[0] != '\0' ? xasprintf("%s/%s", path, names[i]) : xstrdup(names[i]);
        r = r == 0 ? read_entry(reader, child, depth) : r;
        free(child);
        free(names[i]);
    }
    free(names);
    free(full);
    return r;
}

int tree_reader_read(const char *root, const struct tree_reader_options *options, struct tree *tree,
                     struct err *err)
{
    struct reader reader = {root, options, tree, err};
    return read_folder(&reader, "", 1);
}
