#include "common/flags_env.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"

#define READ_SIZE (64 * 1024)

static int read_all(int fd, struct buf *out)
{
    for (;;) {
        ssize_t got = read(fd, buf_reserve(out, READ_SIZE), READ_SIZE);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            return 0;
        }
        out->size += (size_t)got;
        if (out->size > FLAGS_FILE_SIZE_MAX) {
            return -EFBIG;
        }
    }
}

int flags_env_read(const char *path, struct arena *arena, const char **ret_text, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return err_errno(err, "'%s'", path);
    }
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    int r = read_all(fd, &text);
    close(fd);
    if (r != 0) {
        return err_set(err, r, "'%s': %s", path, strerror(-r));
    }
    if (slice_find(buf_slice(&text), '\0') >= 0) {
        return err_set(err, -EINVAL, "'%s' is not text", path);
    }
    while (text.size != 0 && strchr("\r\n", text.data[text.size - 1]) != NULL) {
        text.size--;
    }
    *ret_text = arena_strndup(arena, buf_text(&text), text.size);
    return 0;
}
