/*
 * One input, read whole and read in pieces, must tell the same; and what is told must be sane.
 * The first byte of the input chooses the size of the pieces.
 */
#ifndef TEPUI_TESTS_FUZZ_WIRE_HTTP_FUZZ_H
#define TEPUI_TESTS_FUZZ_WIRE_HTTP_FUZZ_H

#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "wire/http.h"

struct http_fuzz {
    struct http_reader *reader;
    struct buf told;
    bool in_message;
    int64_t body_left; /* of a body whose size was told; -1 = not told */
    bool pauses;       /* after each thing that is told */
};

static inline void http_fuzz_pause(struct http_fuzz *fuzz)
{
    if (fuzz->pauses) {
        http_reader_pause(fuzz->reader);
    }
}

static inline bool http_fuzz_head(void *arg, const struct http_head *head)
{
    struct http_fuzz *fuzz = arg;
    ASSERT(!fuzz->in_message);
    fuzz->in_message = true;
    fuzz->body_left = head->chunked || head->content_size < 0 ? -1 : head->content_size;
    ASSERT(!head->chunked || head->content_size < 0);
    ASSERT(head->header_count <= HTTP_HEADERS_MAX);
    size_t size = head->target.size;
    buf_printf(&fuzz->told, "\n%.*s %.*s %.*s %.*s %d %d", SLICE_ARGS(head->method),
               SLICE_ARGS(head->target), SLICE_ARGS(head->path), SLICE_ARGS(head->query),
               head->status, head->keep_alive);
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        ASSERT(header->name.size != 0 && header->value.data != NULL);
        buf_printf(&fuzz->told, "\n%.*s: %.*s", SLICE_ARGS(header->name),
                   SLICE_ARGS(header->value));
        size += header->name.size + header->value.size;
    }
    ASSERT(size <= HTTP_HEAD_SIZE_MAX);
    buf_append_text(&fuzz->told, "\n\n");
    http_fuzz_pause(fuzz);
    return true;
}

static inline bool http_fuzz_body(void *arg, struct slice piece)
{
    struct http_fuzz *fuzz = arg;
    ASSERT(fuzz->in_message && piece.size != 0);
    if (fuzz->body_left >= 0) {
        ASSERT(piece.size <= (uint64_t)fuzz->body_left);
        fuzz->body_left -= (int64_t)piece.size;
    }
    buf_append_slice(&fuzz->told, piece);
    http_fuzz_pause(fuzz);
    return true;
}

static inline bool http_fuzz_end(void *arg)
{
    struct http_fuzz *fuzz = arg;
    ASSERT(fuzz->in_message);
    fuzz->in_message = false;
    buf_append_text(&fuzz->told, "\nend\n");
    http_fuzz_pause(fuzz);
    return true;
}

static inline void http_fuzz_read(struct http_fuzz *fuzz, enum http_side side, struct slice bytes,
                                  size_t piece, bool pauses)
{
    static const struct http_parser_events events = {http_fuzz_head, http_fuzz_body, http_fuzz_end};
    *fuzz = (struct http_fuzz){.pauses = pauses};
    fuzz->reader = http_reader_new(side, &events, fuzz);
    int r = 0;
    while (bytes.size != 0 && r == 0) {
        struct slice part = slice_make(bytes.data, MIN(piece, bytes.size));
        char *exact = xmemdup(part.data, part.size);
        r = http_reader_feed(fuzz->reader, slice_make(exact, part.size), NULL);
        free(exact);
        bytes = slice_skip(bytes, part.size);
        for (size_t before = SIZE_MAX; r == 0 && pauses && before != fuzz->told.size;) {
            before = fuzz->told.size;
            http_reader_resume(fuzz->reader);
            r = http_reader_feed(fuzz->reader, SLICE(""), NULL);
        }
    }
    if (r == 0) {
        r = http_reader_finish(fuzz->reader, NULL);
    }
    ASSERT(r == 0 || r == -EPROTO);
    buf_append_text(&fuzz->told, r == 0 ? "ok" : "failed");
    http_reader_free(fuzz->reader);
}

static inline int http_fuzz_one(enum http_side side, const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct slice bytes = slice_make(data + 1, size - 1);
    struct http_fuzz whole;
    struct http_fuzz pieces;
    http_fuzz_read(&whole, side, bytes, SIZE_MAX, false);
    http_fuzz_read(&pieces, side, bytes, (size_t)(data[0] & 127) + 1, data[0] >= 128);
    ASSERT(slice_equal(buf_slice(&whole.told), buf_slice(&pieces.told)));
    buf_deinit(&whole.told);
    buf_deinit(&pieces.told);
    return 0;
}

#endif
