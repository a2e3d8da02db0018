#include "wire/field_path.h"

#define ELLIPSIS "..."

static void put(const struct field_path *path, struct buf *out)
{
    if (path->up != NULL) {
        put(path->up, out);
        buf_append_byte(out, '.');
    }
    buf_append_slice(out, path->name);
    if (path->index != FIELD_PATH_SINGULAR) {
        buf_append_byte(out, '[');
        buf_append_uint64(out, path->index);
        buf_append_byte(out, ']');
    }
}

void field_path_format(const struct field_path *path, struct buf *out)
{
    if (path == NULL) {
        return;
    }
    size_t start = out->size;
    put(path, out);
    size_t size = out->size - start;
    if (size > FIELD_PATH_TEXT_SIZE) {
        const size_t half = (FIELD_PATH_TEXT_SIZE - (sizeof(ELLIPSIS) - 1)) / 2;
        char *text = out->data + start;
        memcpy(text + half, ELLIPSIS, sizeof(ELLIPSIS) - 1);
        memmove(text + half + sizeof(ELLIPSIS) - 1, text + size - half, half);
        out->size = start + 2 * half + sizeof(ELLIPSIS) - 1;
    }
}
