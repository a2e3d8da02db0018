#include "container/mountinfo_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/xalloc.h"

#define READ_SIZE 65536

static int read_whole(struct buf *out, struct err *err)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, buf_reserve(out, READ_SIZE), READ_SIZE)) > 0) {
        out->size += (size_t)n;
    }
    int r = n < 0 ? err_errno(err, "Failed to get mount table") : 0;
    if (fd >= 0) {
        close(fd);
    }
    return r;
}

/* "\040" and the like, in place. */
static void unescape(char *text)
{
    char *out = text;
    for (char *in = text; *in != '\0'; in++) {
        if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
            in[3] >= '0' && in[3] <= '7') {
            *out++ = (char)((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
            in += 3;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

/* "36 35 98:0 / /mnt rw,noatime shared:1 ... - ext4 /dev/root rw,errors=continue" */
static bool parse_line(char *line, struct mountinfo_entry *ret)
{
    char *save, *field = strtok_r(line, " ", &save);
    *ret = (struct mountinfo_entry){0};
    for (int n = 0; field != NULL && strcmp(field, "-") != 0; n++) {
        if (n == 4) {
            unescape(field);
            ret->point = field;
        } else if (n == 5) {
            ret->flags = field;
        } else if (n > 5 && strncmp(field, "shared:", 7) == 0) {
            ret->shared = true;
            ret->peers = (unsigned)strtoul(field + 7, NULL, 10);
        }
        field = strtok_r(NULL, " ", &save);
    }
    ret->type = field != NULL ? strtok_r(NULL, " ", &save) : NULL;
    char *source = ret->type != NULL ? strtok_r(NULL, " ", &save) : NULL;
    ret->options = source != NULL ? strtok_r(NULL, " ", &save) : NULL;
    return ret->point != NULL && ret->type != NULL;
}

int mountinfo_read(struct mountinfo *ret, struct err *err)
{
    *ret = (struct mountinfo){0};
    struct buf text = BUF_INIT;
    int r = read_whole(&text, err);
    if (r < 0) {
        buf_deinit(&text);
        return r;
    }
    buf_append_byte(&text, '\0');
    ret->text = text.data;
    size_t capacity = 0;
    char *save;
    for (char *line = strtok_r(ret->text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (ret->count == capacity) {
            capacity = capacity != 0 ? capacity * 2 : 64;
            ret->entries = xrealloc(ret->entries, capacity, sizeof(ret->entries[0]));
        }
        ret->count += parse_line(line, &ret->entries[ret->count]);
    }
    return 0;
}

void mountinfo_deinit(struct mountinfo *info)
{
    free(info->entries);
    free(info->text);
    *info = (struct mountinfo){0};
}

const struct mountinfo_entry *mountinfo_holding(const struct mountinfo *info, const char *path)
{
    const struct mountinfo_entry *best = NULL;
    size_t best_size = 0;
    for (size_t i = 0; i < info->count; i++) {
        const struct mountinfo_entry *entry = &info->entries[i];
        size_t size = strlen(entry->point);
        bool is_root = size == 1;
        if (size >= best_size && strncmp(path, entry->point, size) == 0 &&
            (is_root || path[size] == '/' || path[size] == '\0')) {
            best = entry;
            best_size = size;
        }
    }
    return best;
}
