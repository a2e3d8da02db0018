#include "common/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/xalloc.h"

#define BUF_CAPACITY_MIN 64

void buf_deinit(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT;
}

char *buf_reserve(struct buf *buf, size_t size)
{
    ASSERT(size <= SIZE_MAX / 4 && buf->size <= SIZE_MAX / 4);
    size_t need = buf->size + size;
    if (need > buf->capacity) {
        size_t capacity = MAX(buf->capacity, (size_t)BUF_CAPACITY_MIN);
        while (capacity < need) {
            capacity *= 2;
        }
        buf->data = xrealloc(buf->data, capacity, 1);
        buf->capacity = capacity;
    }
    return buf->data + buf->size;
}

void buf_append(struct buf *buf, const void *bytes, size_t size)
{
    if (size != 0) {
        memcpy(buf_reserve(buf, size), bytes, size);
        buf->size += size;
    }
}

void buf_append_slice(struct buf *buf, struct slice s)
{
    buf_append(buf, s.data, s.size);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_byte(struct buf *buf, char byte)
{
    *buf_reserve(buf, 1) = byte;
    buf->size++;
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    ASSERT(n >= 0);
    (void)vsnprintf(buf_reserve(buf, (size_t)n + 1), (size_t)n + 1, fmt, again);
    va_end(again);
    buf->size += (size_t)n;
}

void buf_append_uint64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_append_int64(struct buf *buf, int64_t value)
{
    if (value < 0) {
        buf_append_byte(buf, '-');
        buf_append_uint64(buf, (uint64_t)0 - (uint64_t)value);
    } else {
        buf_append_uint64(buf, (uint64_t)value);
    }
}

void buf_consume(struct buf *buf, size_t size)
{
    ASSERT(size <= buf->size);
    if (size != 0 && size < buf->size) {
        memmove(buf->data, buf->data + size, buf->size - size);
    }
    buf->size -= size;
}

const char *buf_text(struct buf *buf)
{
    *buf_reserve(buf, 1) = '\0';
    return buf->data;
}
