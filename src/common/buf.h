/*
 * A growing buffer of bytes with one owner. Written at the end, read as a slice.
 */
#ifndef TEPUI_COMMON_BUF_H
#define TEPUI_COMMON_BUF_H

#include <stdint.h>

#include "common/macro.h"
#include "common/slice.h"

struct buf {
    char *data;      /* heap; NULL while nothing was written */
    size_t size;     /* bytes written */
    size_t capacity; /* bytes allocated */
};

#define BUF_INIT ((struct buf){0})

void buf_deinit(struct buf *buf); /* idempotent */
static inline void buf_clear(struct buf *buf)
{
    buf->size = 0;
}

/* Room for `size` more bytes; returns where they go. The size is not changed. */
char *buf_reserve(struct buf *buf, size_t size);
void buf_append(struct buf *buf, const void *bytes, size_t size);
void buf_append_slice(struct buf *buf, struct slice s);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, char byte);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_append_uint64(struct buf *buf, uint64_t value); /* in decimal */
void buf_append_int64(struct buf *buf, int64_t value);   /* in decimal */
/* Drops the first `size` bytes. */
void buf_consume(struct buf *buf, size_t size);

static inline struct slice buf_slice(const struct buf *buf)
{
    return slice_make(buf->data, buf->size);
}

/* The bytes with a terminator behind them (not counted in size). */
const char *buf_text(struct buf *buf);

#endif
