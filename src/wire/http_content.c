#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "wire/http.h"

/* --- what a client accepts --- */

/* Whether the parameters behind a type or a coding allow it: no q, or one that is a number above
 * zero. A q that appears twice counts as none, as in the reference. */
static bool weight_allows(struct slice params)
{
    struct slice part;
    struct slice weight = {0};
    int count = 0;
    while (slice_split(&params, ';', &part)) {
        ptrdiff_t at = slice_find(part, '=');
        if (at > 0 && slice_is(slice_trim(slice_make(part.data, (size_t)at)), "q")) {
            weight = slice_trim(slice_skip(part, (size_t)at + 1));
            count++;
        }
    }
    if (count != 1) {
        return true;
    }
    bool positive = false;
    for (size_t i = 0; i < weight.size; i++) {
        char c = weight.data[i];
        if ((c < '0' || c > '9') && c != '.') {
            return false;
        }
        positive = positive || (c >= '1' && c <= '9');
    }
    return positive;
}

/* Looks for one candidate in a list: 1 allowed, 0 refused, -1 not mentioned. */
static int look_up(struct slice list, struct slice candidate)
{
    struct slice item;
    while (slice_split(&list, ',', &item)) {
        ptrdiff_t at = slice_find(item, ';');
        struct slice name = at >= 0 ? slice_make(item.data, (size_t)at) : item;
        struct slice params = at >= 0 ? slice_skip(item, (size_t)at + 1) : (struct slice){0};
        if (slice_equal_nocase(slice_trim(name), candidate)) {
            return weight_allows(params);
        }
    }
    return -1;
}

bool http_accepts(struct slice accept, const char *type)
{
    if (accept.data == NULL) {
        return true;
    }
    char any[64]; /* "application/" and '*' */
    const char *slash = strchr(type, '/');
    ASSERT(slash != NULL && (size_t)(slash - type) + 2 < sizeof(any));
    size_t size = (size_t)(slash - type) + 1;
    memcpy(any, type, size);
    any[size++] = '*';

    /* The most exact mention decides. */
    int allowed = look_up(accept, slice_from(type));
    if (allowed < 0) {
        allowed = look_up(accept, slice_make(any, size));
    }
    if (allowed < 0) {
        allowed = look_up(accept, SLICE("*/*"));
    }
    return allowed > 0;
}

bool http_accepts_gzip(struct slice accept_encoding)
{
    int allowed = look_up(accept_encoding, SLICE("gzip"));
    if (allowed < 0) {
        allowed = look_up(accept_encoding, SLICE("*"));
    }
    return allowed > 0;
}

/* --- gzip --- */

#define GZIP_WINDOW_BITS (15 + 16) /* 16 asks for gzip's framing */
#define GZIP_MEMORY_LEVEL 8
/* The fastest level: on a daemon's JSON it is within a third of the best in size, at a quarter of
 * the time. */
#define GZIP_LEVEL 1
/* Room for what is packed or unpacked at a time. */
#define GZIP_ROOM_SIZE 65536u
#define GUNZIP_STEP_SIZE 16384u
/* zlib counts in 32 bits; larger inputs go in steps. */
#define GZIP_STEP_SIZE (1u << 30)

int http_gzip(struct slice bytes, struct buf *out)
{
    z_stream z = {0};
    int r = deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, GZIP_MEMORY_LEVEL,
                         Z_DEFAULT_STRATEGY);
    if (r != Z_OK) {
        return -ENOMEM;
    }
    do {
        uInt step = (uInt)MIN(bytes.size, (size_t)GZIP_STEP_SIZE);
        z.next_in = (Bytef *)(uintptr_t)bytes.data;
        z.avail_in = step;
        bytes = slice_skip(bytes, step);
        int flush = bytes.size == 0 ? Z_FINISH : Z_NO_FLUSH;
        do {
            uInt room = (uInt)MIN(deflateBound(&z, z.avail_in), (uLong)GZIP_ROOM_SIZE);
            z.next_out = (Bytef *)buf_reserve(out, room);
            z.avail_out = room;
            r = deflate(&z, flush);
            ASSERT(r == Z_OK || r == Z_STREAM_END || r == Z_BUF_ERROR);
            out->size += room - z.avail_out;
        } while (flush == Z_FINISH ? r != Z_STREAM_END : z.avail_in != 0);
    } while (bytes.size != 0);
    (void)deflateEnd(&z);
    return 0;
}

/* One gzip member at a time (a file may hold several); 0, -EPROTO or -EMSGSIZE. */
static int gunzip_all(z_stream *z, struct slice bytes, size_t size_max, struct buf *out)
{
    size_t before = out->size;
    int r = Z_OK;
    while (bytes.size != 0 || z->avail_in != 0 || r == Z_OK) {
        if (z->avail_in == 0) {
            uInt step = (uInt)MIN(bytes.size, (size_t)GZIP_STEP_SIZE);
            if (step == 0 && r == Z_STREAM_END) {
                break;
            }
            z->next_in = (Bytef *)(uintptr_t)bytes.data;
            z->avail_in = step;
            bytes = slice_skip(bytes, step);
        }
        if (r == Z_STREAM_END && inflateReset(z) != Z_OK) {
            return -EPROTO;
        }
        z->next_out = (Bytef *)buf_reserve(out, GUNZIP_STEP_SIZE);
        z->avail_out = GUNZIP_STEP_SIZE;
        r = inflate(z, Z_NO_FLUSH);
        out->size += GUNZIP_STEP_SIZE - z->avail_out;
        if (r != Z_OK && r != Z_STREAM_END) {
            return -EPROTO; /* damaged, or it ended too early (Z_BUF_ERROR) */
        }
        if (out->size - before > size_max) {
            return -EMSGSIZE;
        }
    }
    return r == Z_STREAM_END ? 0 : -EPROTO;
}

int http_gunzip(struct slice bytes, size_t size_max, struct buf *out)
{
    z_stream z = {0};
    if (inflateInit2(&z, GZIP_WINDOW_BITS) != Z_OK) {
        return -ENOMEM;
    }
    size_t before = out->size;
    int r = gunzip_all(&z, bytes, size_max, out);
    (void)inflateEnd(&z);
    if (r < 0) {
        out->size = before;
    }
    return r;
}
