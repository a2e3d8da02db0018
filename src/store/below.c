#include "store/below.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/slice.h"
#include "common/xalloc.h"

#define MODE_FOLDER 0755

static int open_folder(int at, const char *name)
{
    int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int step_down(int at, struct slice part, bool make)
{
    CLEANUP(xfreep) char *name = xstrndup(part.data, part.size);
    if (strcmp(name, "..") == 0) {
        return -EXDEV;
    }
    int fd = open_folder(at, name);
    if (fd == -ENOENT && make) {
        fd =
            mkdirat(at, name, MODE_FOLDER) != 0 && errno != EEXIST ? -errno : open_folder(at, name);
    }
    return fd;
}

int below_open_folder_of(const char *root, const char *path, bool make, const char **ret_name)
{
    size_t size = strlen(root);
    const char *last = strrchr(path, '/');
    if (strncmp(path, root, size) != 0 || path[size] != '/' || last[1] == '\0') {
        return -EINVAL;
    }
    int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct slice rest = slice_make(path + size, (size_t)(last - path) - size);
    struct slice part;
    if (at < 0) {
        return -errno;
    }
    while (at >= 0 && slice_split(&rest, '/', &part)) {
        if (part.size == 0) {
            continue;
        }
        int next = step_down(at, part, make);
        close(at);
        at = next;
    }
    *ret_name = at >= 0 ? last + 1 : *ret_name;
    return at;
}

int below_open_folder(const char *root, const char *path)
{
    const char *name;
    if (root == NULL) {
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    int at = below_open_folder_of(root, path, false, &name);
    if (at < 0) {
        return at;
    }
    int fd = open_folder(at, name);
    close(at);
    return fd;
}
