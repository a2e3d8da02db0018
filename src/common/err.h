/*
 * Text for people about what went wrong: a fixed-size string, wrapped outward as
 * "context: cause". No allocation, so it can be filled anywhere; too long a text is cut.
 *
 * Fallible functions return int: 0 fine; negative = -errno, unexpected, passed up unchanged;
 * positive = MODULE_E_*, an outcome that the caller must handle. `struct err *` may be NULL.
 */
#ifndef TEPUI_COMMON_ERR_H
#define TEPUI_COMMON_ERR_H

#include "common/macro.h"

#define ERR_TEXT_SIZE 512

struct err {
    char text[ERR_TEXT_SIZE]; /* terminated; "" = nothing said */
};

/* Replaces the text. Returns `code`, so that one writes `return err_set(err, -EINVAL, ...)`. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text. Returns `code`. */
int err_wrap(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* "what: strerror(errno)"; returns -errno. */
int err_errno(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
