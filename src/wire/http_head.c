#include "wire/http_head.h"

/* --- headers --- */

struct slice http_find_header(const struct http_head *head, const char *name)
{
    struct slice wanted = slice_from(name);
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equal_nocase(head->headers[i].name, wanted)) {
            return head->headers[i].value;
        }
    }
    return (struct slice){NULL, 0};
}

static bool is_token(struct slice s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c == '\0' || memchr(marks, c, sizeof(marks) - 1) == NULL)) {
            return false;
        }
    }
    return s.size != 0;
}

static bool is_line_text(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if (http_is_control(s.data[i])) {
            return false;
        }
    }
    return true;
}

const char *http_head_set_headers(struct http_head *head, struct http_header *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct http_header *header = &headers[i];
        header->value = slice_trim(header->value);
        if (header->value.size == 0) {
            header->value = SLICE(""); /* never NULL: that would be a header that is not there */
        }
        if (!is_token(header->name)) {
            return "a header's name is malformed";
        }
        if (!is_line_text(header->value)) {
            return "a header's value is malformed"; /* http-parser lets its first byte pass */
        }
    }
    head->headers = headers;
    head->header_count = count;
    return NULL;
}

/* --- what they say --- */

const char *http_head_set_target(struct http_head *head, struct slice target)
{
    struct slice rest = target;
    head->target = target;
    ptrdiff_t colon = slice_find(rest, ':');
    if (colon > 0 && slice_starts_with(slice_skip(rest, (size_t)colon), SLICE("://")) &&
        rest.data[0] != '/') {
        rest = slice_skip(rest, (size_t)colon + 3);
        ptrdiff_t slash = slice_find(rest, '/');
        rest = slash >= 0 ? slice_skip(rest, (size_t)slash) : SLICE("/");
    }
    if (rest.size == 0 || (rest.data[0] != '/' && !slice_is(rest, "*"))) {
        return "the target is not a path";
    }
    ptrdiff_t fragment = slice_find(rest, '#');
    if (fragment >= 0) {
        rest.size = (size_t)fragment;
    }
    ptrdiff_t query = slice_find(rest, '?');
    head->path = query >= 0 ? slice_make(rest.data, (size_t)query) : rest;
    head->query = query >= 0 ? slice_skip(rest, (size_t)query + 1) : SLICE("");
    return NULL;
}

const char *http_head_set_framing(struct http_head *head)
{
    head->content_size = -1;
    size_t encodings = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (slice_equal_nocase(header->name, SLICE("Content-Length"))) {
            uint64_t size;
            if (head->content_size >= 0) {
                return "Content-Length twice";
            }
            if (!slice_parse_uint64(header->value, &size) || size > INT64_MAX) {
                return "Content-Length is not a number of bytes";
            }
            head->content_size = (int64_t)size;
        } else if (slice_equal_nocase(header->name, SLICE("Transfer-Encoding"))) {
            encodings++;
            head->chunked = slice_equal_nocase(header->value, SLICE("chunked"));
            if (encodings > 1 || !head->chunked) {
                return "a transfer encoding other than chunked";
            }
        } else if (slice_equal_nocase(header->name, SLICE("Upgrade"))) {
            head->upgrade = true;
        }
    }
    if (head->chunked && head->content_size >= 0) {
        return "Content-Length beside chunked";
    }
    return NULL;
}
