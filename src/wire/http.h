/*
 * HTTP/1.1 requests and answers as push parsers over slices: bytes in, parts out, no I/O.
 *
 * A parser is fed what arrived and calls back for heads, body pieces and ends, as often as the
 * bytes allow: pipelined messages come one after another. Every length has a named limit. What
 * http-parser lets pass and we refuse: repeated or conflicting Content-Length, Content-Length
 * beside chunked, bad chunk extensions; all of these fail the connection (facts/observed.md).
 */
#ifndef TEPUI_WIRE_HTTP_H
#define TEPUI_WIRE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

#define HTTP_HEAD_SIZE_MAX (80 * 1024)      /* request line or status line, and headers */
#define HTTP_HEADERS_MAX 200                /* in one head */
#define HTTP_CHUNK_DIGITS_MAX 15            /* of one chunk's size, with leading zeros */
#define HTTP_CHUNK_EXTENSIONS_SIZE_MAX 4096 /* of all chunks of one body */
#define HTTP_TRAILERS_SIZE_MAX (8 * 1024)   /* behind the last chunk; they are dropped */
#define HTTP_BODY_SIZE_MAX (64 << 20)       /* default for bodies that are collected */

struct http_header {
    struct slice name;
    struct slice value; /* trimmed */
};

struct http_head {
    /* requests */
    struct slice method; /* "GET" */
    struct slice target; /* as written, with the query */
    struct slice path;   /* before '?', percent-encoded as it came */
    struct slice query;  /* behind '?'; empty if none */
    /* answers */
    int status;
    /* both */
    bool keep_alive;
    bool chunked;
    bool upgrade;
    bool has_body; /* chunked, or Content-Length > 0 (or an answer that ends with the connection) */
    int64_t content_size; /* of Content-Length; -1 = not given */
    const struct http_header *headers;
    size_t header_count;
};

/* The value of the first header of that name (case ignored), or the empty slice with data NULL. */
struct slice http_find_header(const struct http_head *head, const char *name);

struct http_parser_events {
    /* Slices live until on_end returns. Return false to stop: the parser then fails. */
    bool (*on_head)(void *arg, const struct http_head *head);
    bool (*on_body)(void *arg, struct slice piece); /* a piece of the body, without chunk framing */
    bool (*on_end)(void *arg);
};

struct http_reader;

enum http_side { HTTP_REQUESTS, HTTP_RESPONSES };

struct http_reader *http_reader_new(enum http_side side, const struct http_parser_events *events,
                                    void *arg) WARN_UNUSED;
struct http_reader *http_reader_free(struct http_reader *reader);
/* Bytes are used up wholly, and callbacks run in it (they must not free the reader); 0, or -EPROTO
 * with the reason, after which the connection is to be closed. */
int http_reader_feed(struct http_reader *reader, struct slice bytes, struct err *err) WARN_UNUSED;
/* The peer closed: ends an answer whose body is delimited by that. -EPROTO in mid-message. */
int http_reader_finish(struct http_reader *reader, struct err *err) WARN_UNUSED;
/* Nothing of a message has been read that is not ended. */
bool http_reader_is_idle(const struct http_reader *reader);
/* No more callbacks, and feed only collects, until resumed; feeding resumes with
 * http_reader_feed(empty). */
void http_reader_pause(struct http_reader *reader);
void http_reader_resume(struct http_reader *reader);

/* --- writing --- */

const char *http_reason(int status); /* "Not Found" */

/* "HTTP/1.1 200 OK\r\n" and each "Name: value\r\n" of an answer; the caller ends with http_put_end.
 */
void http_put_status(struct buf *out, int status);
void http_put_request(struct buf *out, const char *method, struct slice target);
void http_put_header(struct buf *out, const char *name, struct slice value);
void http_put_header_uint(struct buf *out, const char *name, uint64_t value);
void http_put_end(struct buf *out);
/* One chunk; http_put_last_chunk ends the body. An empty piece writes nothing. */
void http_put_chunk(struct buf *out, struct slice piece);
void http_put_last_chunk(struct buf *out);
/* RFC 7231 date, as "Wed, 25 Nov 2026 19:02:38 GMT". */
void http_format_date(int64_t wall_ns, struct buf *out);

/* --- content --- */

/* Whether an Accept header (may be absent) allows the type "application/json". */
bool http_accepts(struct slice accept, const char *type);
/* Whether Accept-Encoding allows gzip. */
bool http_accepts_gzip(struct slice accept_encoding);
/* Answers of at least this size are zipped for those who accept it (facts/observed.md). */
#define HTTP_GZIP_SIZE_MIN 1024
int http_gzip(struct slice bytes, struct buf *out) WARN_UNUSED;
/* 0, -EPROTO for what is not gzip, -EMSGSIZE beyond size_max. */
int http_gunzip(struct slice bytes, size_t size_max, struct buf *out) WARN_UNUSED;

#endif
