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

#endif
