/*
 * Base64 with padding (RFC 4648, section 4); the URL-safe alphabet without padding for JWT.
 */
#ifndef TEPUI_WIRE_BASE64_H
#define TEPUI_WIRE_BASE64_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

void base64_encode(struct slice bytes, struct buf *out);
/* Appends to out; false (and out unchanged) for foreign characters or a bad length. Line breaks and
 * missing padding are refused. */
bool base64_decode(struct slice text, struct buf *out) WARN_UNUSED;
void base64url_encode(struct slice bytes, struct buf *out);
bool base64url_decode(struct slice text, struct buf *out) WARN_UNUSED;

/* As the reference reads bytes in JSON: white space anywhere and missing padding are let pass.
 * Writes to `out`, which has room for base64_size_max(text.size) bytes and may be where the text
 * is. */
bool base64_decode_loose(struct slice text, char *out, size_t *ret_size) WARN_UNUSED;
static inline size_t base64_size_max(size_t text_size)
{
    return text_size / 4 * 3 + 3;
}

#endif
