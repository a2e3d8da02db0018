/*
 * Whether a text is one well-formed JSON value (RFC 8259), told without building anything.
 *
 * For flags, which lie below the codec of wire/: what a value means is asked later, by whoever uses
 * it. Bytes above 0x7f are taken as they come.
 */
#ifndef TEPUI_COMMON_JSON_WELLFORMED_H
#define TEPUI_COMMON_JSON_WELLFORMED_H

#include "common/err.h"
#include "common/slice.h"

/* Objects and arrays within each other; deeper ones are refused. */
#define JSON_WELLFORMED_DEPTH_MAX 64

/* 0, or -EINVAL with the place and what was expected there. */
int json_wellformed(struct slice text, struct err *err) WARN_UNUSED;

#endif
