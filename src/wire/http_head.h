/*
 * A head, judged: what http_reader has collected of one becomes a struct http_head, or is refused
 * where two readers might take it differently. Each function gives NULL, or why not (static text).
 */
#ifndef TEPUI_WIRE_HTTP_HEAD_H
#define TEPUI_WIRE_HTTP_HEAD_H

#include "wire/http.h"

/* What ends a line, or has no place in one. */
static inline bool http_is_control(char c)
{
    return ((unsigned char)c < ' ' && c != '\t') || c == 127;
}

/* The headers as they came; their values are trimmed in place. The head refers to them. */
const char *http_head_set_headers(struct http_head *head, struct http_header *headers,
                                  size_t count) WARN_UNUSED;
/* "/path?query", "http://host/path?query" or "*"; the fragment is dropped. */
const char *http_head_set_target(struct http_head *head, struct slice target) WARN_UNUSED;
/* How the body ends, by the headers. What leaves a doubt is refused: two readers that take it
 * differently are how requests are smuggled. */
const char *http_head_set_framing(struct http_head *head) WARN_UNUSED;

#endif
