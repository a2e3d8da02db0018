/*
 * What is written down of a container: few small files, none of which must outlive the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/host_linux.h"

int host_write_file(const char *path, struct slice bytes, struct err *err)
{
    /* What is written down of a container holds its environment, which may hold secrets. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return err_errno(err, "Failed to create '%s'", path);
    }
    int r = 0;
    while (r == 0 && bytes.size != 0) {
        ssize_t n = write(fd, bytes.data, bytes.size); /* all of it, or what the disk still takes */
        r = n < 0 ? err_errno(err, "Failed to write '%s'", path) : 0;
        bytes = slice_skip(bytes, n > 0 ? (size_t)n : 0);
    }
    close(fd);
    return r;
}

/* Not synced: containers do not outlive the host, so neither must what is known of them. */
int host_replace_file(const char *path, struct slice bytes, struct err *err)
{
    CLEANUP(xfreep) char *other = xasprintf("%s.new", path);
    int r = host_write_file(other, bytes, err);
    if (r == 0 && rename(other, path) != 0) {
        r = err_errno(err, "Failed to rename '%s'", other);
    }
    if (r != 0) {
        unlink(other);
    }
    return r;
}

int host_write_files(struct list *files, struct err *err)
{
    struct containerizer_file *file;
    LIST_FOR_EACH (file, files, link) {
        int r = host_write_file(file->path, blob_slice(file->bytes), err);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}
