/*
 * http-parser reads heads; bodies are ours. It stops behind each head, so that chunk sizes, chunk
 * extensions, trailers and conflicting lengths are judged here, an Upgrade header stops nothing,
 * and the library's one limit for the whole process is not the one that counts.
 */
#include <errno.h>
#include <http_parser.h>
#include <stdlib.h>

#include "wire/http.h"

#include "common/xalloc.h"
#include "wire/http_head.h"
#include "wire/url.h"

enum reader_state {
    READER_HEAD,            /* in a head, or before one */
    READER_SIZED,           /* in a body of which body_left bytes are to come */
    READER_TO_CLOSE,        /* in a body that the end of the connection ends */
    READER_CHUNK_SIZE,      /* in the digits of a chunk's size */
    READER_CHUNK_EXTENSION, /* behind them, before the line's CR */
    READER_CHUNK_SIZE_LF,
    READER_CHUNK,    /* in a chunk of which body_left bytes are to come */
    READER_CHUNK_CR, /* behind a chunk */
    READER_CHUNK_LF,
    READER_TRAILER_START, /* at the start of a line behind the last chunk */
    READER_TRAILER,       /* in such a line */
    READER_TRAILER_LF,    /* at its end */
    READER_END_LF,        /* at the end of the empty line that ends the message */
    READER_END,           /* the message is whole, which was not told yet */
    READER_FAILED,
};

/* Where a text lies in `text`, which may move while it grows. */
struct span {
    size_t at;
    size_t size;
};

struct header_span {
    struct span name;
    struct span value;
};

struct http_reader {
    http_parser parser; /* of the head being read */
    enum http_side side;
    enum reader_state state;
    struct http_parser_events events;
    void *arg;
    bool paused;        /* by http_reader_pause */
    bool begun;         /* a byte of a message was read that is not ended */
    struct buf pending; /* fed while paused */

    /* the head being read */
    struct buf text; /* target, names and values, one behind the other */
    struct span target;
    struct header_span *spans;
    struct http_header *headers; /* the same as slices, when the head is whole */
    size_t span_count;
    size_t span_capacity;
    bool in_value;          /* the last piece was of a value */
    size_t head_size;       /* bytes of it read before this feed */
    const char *feed_start; /* of the bytes being parsed, to tell where pieces lie */
    size_t value_end;       /* offset in the head behind the last piece of a value */
    bool head_done;
    const char *why; /* what was wrong with it, static text; NULL = nothing */

    /* the message being read */
    struct http_head head;
    uint64_t body_left;    /* bytes of the body, or of the chunk */
    int chunk_digits;      /* of the size being read */
    size_t extension_size; /* of all chunks of this message */
    size_t trailer_size;
};

/* --- collecting a head --- */

static int add_text(struct http_reader *reader, struct span *span, const char *at, size_t size)
{
    if (span->size == 0) {
        span->at = reader->text.size;
    }
    buf_append(&reader->text, at, size);
    span->size += size;
    return 0;
}

static int refuse(struct http_reader *reader, const char *why)
{
    reader->why = why;
    return -1;
}

static int on_begin(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->begun = true;
    return 0;
}

static int on_url(http_parser *parser, const char *at, size_t size)
{
    struct http_reader *reader = parser->data;
    return add_text(reader, &reader->target, at, size);
}

static int on_field(http_parser *parser, const char *at, size_t size)
{
    struct http_reader *reader = parser->data;
    if (reader->span_count == 0 || reader->in_value) {
        if (reader->span_count == HTTP_HEADERS_MAX) {
            return refuse(reader, "too many headers");
        }
        if (reader->span_count == reader->span_capacity) {
            reader->span_capacity = reader->span_capacity != 0 ? reader->span_capacity * 2 : 8;
            reader->spans = xrealloc(reader->spans, reader->span_capacity, sizeof(*reader->spans));
            reader->headers =
                xrealloc(reader->headers, reader->span_capacity, sizeof(*reader->headers));
        }
        reader->spans[reader->span_count++] = (struct header_span){0};
        reader->in_value = false;
    }
    return add_text(reader, &reader->spans[reader->span_count - 1].name, at, size);
}

static int on_value(http_parser *parser, const char *at, size_t size)
{
    struct http_reader *reader = parser->data;
    ASSERT(reader->span_count > 0);
    struct span *value = &reader->spans[reader->span_count - 1].value;
    size_t offset = reader->head_size + (size_t)(at - reader->feed_start);
    if (reader->in_value && value->size != 0 && size != 0 && offset != reader->value_end) {
        /* Between two pieces lies an end of line: the value is folded over lines, which RFC 7230
         * 3.2.4 lets a server refuse, and which others may read in another way. */
        return refuse(reader, "a header over several lines");
    }
    reader->in_value = true;
    reader->value_end = offset + size;
    return add_text(reader, value, at, size);
}

static int on_headers_end(http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->head_done = true;
    reader->head.keep_alive = http_should_keep_alive(parser) != 0;
    return -1; /* stops the parser at the head's last byte */
}

/* --- the end of a head --- */

static struct slice span_slice(const struct http_reader *reader, struct span span)
{
    return slice_make(reader->text.data + span.at, span.size);
}

static const char *judge_head(struct http_reader *reader)
{
    struct http_head *head = &reader->head;
    if (reader->parser.http_major != 1) {
        return "not HTTP/1";
    }
    for (size_t i = 0; i < reader->span_count; i++) {
        reader->headers[i] = (struct http_header){
            .name = span_slice(reader, reader->spans[i].name),
            .value = span_slice(reader, reader->spans[i].value),
        };
    }
    const char *why = http_head_set_headers(head, reader->headers, reader->span_count);
    if (why == NULL && reader->side == HTTP_REQUESTS) {
        head->method = slice_from(http_method_str((enum http_method)reader->parser.method));
        why = http_head_set_target(head, span_slice(reader, reader->target));
    } else {
        head->status = (int)reader->parser.status_code;
    }
    return why != NULL ? why : http_head_set_framing(head);
}

/* The state behind the head. */
static enum reader_state body_state(struct http_reader *reader)
{
    struct http_head *head = &reader->head;
    bool response = reader->side == HTTP_RESPONSES;
    if (response && (head->status < 200 || head->status == 204 || head->status == 304)) {
        return READER_END; /* whatever its headers say, RFC 7230 3.3.3 */
    }
    if (head->chunked) {
        return READER_CHUNK_SIZE;
    }
    if (head->content_size > 0) {
        return READER_SIZED;
    }
    return response && head->content_size < 0 ? READER_TO_CLOSE : READER_END;
}

static void begin_head(struct http_reader *reader)
{
    http_parser_init(&reader->parser, reader->side == HTTP_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE);
    reader->parser.data = reader;
    reader->state = READER_HEAD;
    reader->begun = false;
    reader->head = (struct http_head){0};
    buf_clear(&reader->text);
    reader->target = (struct span){0};
    reader->span_count = 0;
    reader->in_value = false;
    reader->head_size = 0;
    reader->head_done = false;
    reader->body_left = 0;
    reader->chunk_digits = 0;
    reader->extension_size = 0;
    reader->trailer_size = 0;
}

static int fail(struct http_reader *reader, struct err *err, const char *why)
{
    reader->state = READER_FAILED;
    return err_set(err, -EPROTO, "%s", why);
}

static int end_head(struct http_reader *reader, struct err *err)
{
    struct http_head *head = &reader->head;
    const char *why = judge_head(reader);
    if (why != NULL) {
        return fail(reader, err, why);
    }
    if (reader->side == HTTP_RESPONSES && head->status >= 100 && head->status < 200 &&
        head->status != 101) {
        begin_head(reader); /* an interim answer: the one that counts follows */
        return 0;
    }
    reader->state = body_state(reader);
    reader->body_left = reader->state == READER_SIZED ? (uint64_t)head->content_size : 0;
    head->has_body = reader->state != READER_END;
    if (!reader->events.on_head(reader->arg, head)) {
        return fail(reader, err, "stopped by the receiver of the head");
    }
    return 0;
}

static int read_head(struct http_reader *reader, struct slice bytes, size_t *ret_used,
                     struct err *err)
{
    static const http_parser_settings settings = {
        .on_message_begin = on_begin,
        .on_url = on_url,
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_headers_complete = on_headers_end,
    };
    bytes.size = MIN(bytes.size, HTTP_HEAD_SIZE_MAX - reader->head_size);
    if (bytes.size == 0) {
        return fail(reader, err, "the head is too large");
    }
    reader->feed_start = bytes.data;
    size_t used = http_parser_execute(&reader->parser, &settings, bytes.data, bytes.size);
    if (reader->head_done) {
        *ret_used = used + 1; /* it stopped at the last LF without taking it */
        return end_head(reader, err);
    }
    if (HTTP_PARSER_ERRNO(&reader->parser) != HPE_OK) {
        return fail(reader, err,
                    reader->why != NULL
                        ? reader->why
                        : http_errno_description(HTTP_PARSER_ERRNO(&reader->parser)));
    }
    reader->head_size += used;
    *ret_used = used;
    return 0;
}

/* --- bodies --- */

static int read_body(struct http_reader *reader, struct slice bytes, size_t *ret_used,
                     struct err *err)
{
    size_t size = bytes.size;
    if (reader->state != READER_TO_CLOSE) {
        size = (size_t)MIN((uint64_t)size, reader->body_left);
        reader->body_left -= size;
        if (reader->body_left == 0) {
            reader->state = reader->state == READER_SIZED ? READER_END : READER_CHUNK_CR;
        }
    }
    *ret_used = size;
    if (!reader->events.on_body(reader->arg, slice_make(bytes.data, size))) {
        return fail(reader, err, "stopped by the receiver of the body");
    }
    return 0;
}

static int read_chunk_size(struct http_reader *reader, char c, struct err *err)
{
    int digit = url_hex_digit(c);
    if (digit >= 0) {
        if (++reader->chunk_digits > HTTP_CHUNK_DIGITS_MAX) {
            return fail(reader, err, "a chunk's size is too large");
        }
        reader->body_left = reader->body_left * 16 + (uint64_t)digit;
        return 0;
    }
    if (reader->chunk_digits == 0 || (c != '\r' && c != ';' && c != ' ' && c != '\t')) {
        return fail(reader, err, "a chunk's size is not a number");
    }
    reader->state = c == '\r' ? READER_CHUNK_SIZE_LF : READER_CHUNK_EXTENSION;
    return 0;
}

static int read_extension(struct http_reader *reader, char c, struct err *err)
{
    if (c == '\r') {
        reader->state = READER_CHUNK_SIZE_LF;
        return 0;
    }
    if (http_is_control(c)) {
        return fail(reader, err, "a chunk's extension is malformed");
    }
    if (++reader->extension_size > HTTP_CHUNK_EXTENSIONS_SIZE_MAX) {
        return fail(reader, err, "the chunks' extensions are too large");
    }
    return 0;
}

static int read_trailer(struct http_reader *reader, char c, struct err *err)
{
    if (c == '\r') {
        reader->state = reader->state == READER_TRAILER_START ? READER_END_LF : READER_TRAILER_LF;
        return 0;
    }
    if (http_is_control(c)) {
        return fail(reader, err, "a trailer is malformed");
    }
    if (++reader->trailer_size > HTTP_TRAILERS_SIZE_MAX) {
        return fail(reader, err, "the trailers are too large");
    }
    reader->state = READER_TRAILER;
    return 0;
}

/* The byte that must come here, and the state behind it. */
static int expect(struct http_reader *reader, char c, char wanted, enum reader_state next,
                  struct err *err)
{
    if (c != wanted) {
        return fail(reader, err, "a chunk does not end where it should");
    }
    reader->state = next;
    return 0;
}

/* One byte of what stands around the chunks. */
static int read_framing(struct http_reader *reader, char c, struct err *err)
{
    switch (reader->state) {
    case READER_CHUNK_SIZE:
        return read_chunk_size(reader, c, err);
    case READER_CHUNK_EXTENSION:
        return read_extension(reader, c, err);
    case READER_CHUNK_SIZE_LF:
        reader->chunk_digits = 0;
        return expect(reader, c, '\n', reader->body_left != 0 ? READER_CHUNK : READER_TRAILER_START,
                      err);
    case READER_CHUNK_CR:
        return expect(reader, c, '\r', READER_CHUNK_LF, err);
    case READER_CHUNK_LF:
        return expect(reader, c, '\n', READER_CHUNK_SIZE, err);
    case READER_TRAILER_START:
    case READER_TRAILER:
        return read_trailer(reader, c, err);
    case READER_TRAILER_LF:
        return expect(reader, c, '\n', READER_TRAILER_START, err);
    case READER_END_LF:
        return expect(reader, c, '\n', READER_END, err);
    case READER_HEAD:
    case READER_SIZED:
    case READER_TO_CLOSE:
    case READER_CHUNK:
    case READER_END:
    case READER_FAILED:
        break;
    }
    WRONG("a state that is not one of framing");
}

static int end_message(struct http_reader *reader, struct err *err)
{
    /* Told with the head still in place; the next head begins only behind the call. */
    if (!reader->events.on_end(reader->arg)) {
        return fail(reader, err, "stopped by the receiver of the end");
    }
    begin_head(reader);
    return 0;
}

static int step(struct http_reader *reader, struct slice bytes, size_t *ret_used, struct err *err)
{
    *ret_used = 0;
    switch (reader->state) {
    case READER_HEAD:
        return read_head(reader, bytes, ret_used, err);
    case READER_SIZED:
    case READER_TO_CLOSE:
    case READER_CHUNK:
        return read_body(reader, bytes, ret_used, err);
    case READER_CHUNK_SIZE:
    case READER_CHUNK_EXTENSION:
    case READER_CHUNK_SIZE_LF:
    case READER_CHUNK_CR:
    case READER_CHUNK_LF:
    case READER_TRAILER_START:
    case READER_TRAILER:
    case READER_TRAILER_LF:
    case READER_END_LF:
        *ret_used = 1;
        return read_framing(reader, bytes.data[0], err);
    case READER_END:
        return end_message(reader, err);
    case READER_FAILED:
        break;
    }
    return fail(reader, err, "bytes behind a message that failed");
}

/* Goes on until the bytes are used up or the receiver pauses. */
static int run(struct http_reader *reader, struct slice *bytes, struct err *err)
{
    while (!reader->paused && (bytes->size != 0 || reader->state == READER_END)) {
        size_t used;
        int r = step(reader, *bytes, &used, err);
        if (r < 0) {
            return r;
        }
        *bytes = slice_skip(*bytes, used);
    }
    return 0;
}

/* --- public --- */

struct http_reader *http_reader_new(enum http_side side, const struct http_parser_events *events,
                                    void *arg)
{
    struct http_reader *reader = xalloc(sizeof(*reader));
    reader->side = side;
    reader->events = *events;
    reader->arg = arg;
    begin_head(reader);
    return reader;
}

struct http_reader *http_reader_free(struct http_reader *reader)
{
    if (reader != NULL) {
        buf_deinit(&reader->pending);
        buf_deinit(&reader->text);
        free(reader->spans);
        free(reader->headers);
        free(reader);
    }
    return NULL;
}

int http_reader_feed(struct http_reader *reader, struct slice bytes, struct err *err)
{
    if (reader->state == READER_FAILED) {
        return err_set(err, -EPROTO, "bytes behind a message that failed");
    }
    if (reader->paused) {
        buf_append_slice(&reader->pending, bytes);
        return 0;
    }
    if (reader->pending.size == 0) {
        int r = run(reader, &bytes, err);
        if (r == 0) {
            buf_append_slice(&reader->pending, bytes);
        }
        return r;
    }
    buf_append_slice(&reader->pending, bytes);
    struct buf mine CLEANUP(buf_deinit) = reader->pending;
    reader->pending = BUF_INIT;
    struct slice rest = buf_slice(&mine);
    int r = run(reader, &rest, err);
    if (r == 0) {
        buf_append_slice(&reader->pending, rest);
    }
    return r;
}

int http_reader_finish(struct http_reader *reader, struct err *err)
{
    if (reader->state == READER_TO_CLOSE) {
        return end_message(reader, err);
    }
    if (!http_reader_is_idle(reader)) {
        return fail(reader, err, "the connection ended in the middle of a message");
    }
    return 0;
}

bool http_reader_is_idle(const struct http_reader *reader)
{
    return reader->state == READER_HEAD && !reader->begun && reader->pending.size == 0;
}

void http_reader_pause(struct http_reader *reader)
{
    reader->paused = true;
}

void http_reader_resume(struct http_reader *reader)
{
    reader->paused = false;
}
