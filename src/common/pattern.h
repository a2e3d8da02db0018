/*
 * Regular expressions that frameworks give in offer constraints. The flags that bound them
 * (--offer_constraints_re2_max_mem and --offer_constraints_re2_max_program_size) and the reference
 * name RE2: so it is RE2, and what is taken, refused and matched there is so here. Its time is
 * bounded by the program's size times that of the text, whatever the expression. A pattern is
 * immutable: any thread may use it.
 */
#ifndef TEPUI_COMMON_PATTERN_H
#define TEPUI_COMMON_PATTERN_H

#include <stdint.h>

#include "common/err.h"
#include "common/slice.h"

/* Most bytes of an expression; a longer one is refused before it is looked at. */
#define PATTERN_TEXT_SIZE_MAX ((size_t)65536)

enum { PATTERN_E = 1 }; /* the expression is refused; err tells why */

struct pattern_limits {
    size_t size_max;     /* RE2's max_mem, in bytes: of the program and of what matching caches */
    int64_t program_max; /* instructions; none fits into 0 and less */
};

struct pattern;

/* 0, or PATTERN_E. */
int pattern_new(struct slice text, const struct pattern_limits *limits,
                struct pattern **ret_pattern, struct err *err) WARN_UNUSED;
struct pattern *pattern_free(struct pattern *pattern);

/* Whether the whole text matches. Bytes that are no UTF-8 match nothing. */
bool pattern_matches(const struct pattern *pattern, struct slice text);

#endif
