/*
 * A slice is bytes that somebody else owns: a pointer and a size, no terminator promised.
 */
#ifndef TEPUI_COMMON_SLICE_H
#define TEPUI_COMMON_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "common/macro.h"

struct slice {
    const char *data; /* not NULL unless size is 0 */
    size_t size;      /* bytes */
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
/* For printf: printf("%.*s", SLICE_ARGS(s)). */
#define SLICE_ARGS(s) (int)(s).size, (s).data

/* NULL gives the empty slice. */
static inline struct slice slice_from(const char *text)
{
    return (struct slice){text, text != NULL ? strlen(text) : 0};
}

static inline struct slice slice_make(const void *data, size_t size)
{
    return (struct slice){data, size};
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool slice_is(struct slice s, const char *text)
{
    return slice_equal(s, slice_from(text));
}

/* By bytes; a prefix comes first. */
int slice_compare(struct slice a, struct slice b);

/* ASCII case is ignored, as for HTTP header names. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_ends_with(struct slice s, struct slice suffix);

/* s without its first `count` bytes (count <= size). */
static inline struct slice slice_skip(struct slice s, size_t count)
{
    ASSERT(count <= s.size);
    return (struct slice){s.data + count, s.size - count};
}

/* Without spaces, tabs and newlines at both ends. */
struct slice slice_trim(struct slice s);

/* The part before the first `separator`, which is cut from *rest together with it. Returns false
 * when *rest is used up (an empty last part is still given once): loop `while (slice_split(...))`
 * after setting *rest; *rest.data becomes NULL at the end. */
bool slice_split(struct slice *rest, char separator, struct slice *ret_part);

/* Index of the first c, or -1. */
ptrdiff_t slice_find(struct slice s, char c);

/* A decimal integer that uses the whole slice; false if it is not one or does not fit. */
bool slice_parse_int64(struct slice s, int64_t *ret_value) WARN_UNUSED;
bool slice_parse_uint64(struct slice s, uint64_t *ret_value) WARN_UNUSED;
/* A decimal number (strtod's, without hex, inf and nan) that uses the whole slice. */
bool slice_parse_double(struct slice s, double *ret_value) WARN_UNUSED;

#endif
