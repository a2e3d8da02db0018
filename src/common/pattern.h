/*
 * Regular expressions whose matching takes time in proportion to the text, whatever the expression:
 * those that frameworks give in offer constraints come from outside, and are matched on the loop.
 *
 * The syntax is RE2's, so that what the reference takes is taken here, and what it refuses because
 * no such promise can be given (back-references, looking around) is refused here as well. An
 * expression becomes a program of at most `program_max` instructions, one for each character, class
 * or assertion, and one for each choice; all paths through it are followed at once, so a text of n
 * characters costs at most n times the program's size. A program is immutable: any thread may use
 * it.
 *
 * Where it differs from RE2: classes by Unicode property (\pL, \p{Greek}) and \C are refused, and
 * (?i) knows the letters of ASCII only.
 */
#ifndef TEPUI_COMMON_PATTERN_H
#define TEPUI_COMMON_PATTERN_H

#include <stdint.h>

#include "common/err.h"
#include "common/slice.h"

/* Most bytes of an expression's text; a call with longer ones is refused before they are looked
 * at. */
#define PATTERN_TEXT_SIZE_MAX ((size_t)65536)
/* Most groups inside one another, and the most that {n,m} repeats, also of what repeats itself (as
 * RE2). */
#define PATTERN_DEPTH_MAX 1000
#define PATTERN_REPEAT_MAX 1000
/* Limits of a program beyond which limits make no difference. */
#define PATTERN_PROGRAM_MAX ((size_t)1000000)

enum { PATTERN_E = 1 }; /* the expression is refused; err tells why */

struct pattern_limits {
    size_t size_max;     /* bytes of the program */
    int64_t program_max; /* instructions; none fits into 0 and less */
};

struct pattern;

/* 0, or PATTERN_E. The text is copied where needed. */
int pattern_new(struct slice text, const struct pattern_limits *limits,
                struct pattern **ret_pattern, struct err *err) WARN_UNUSED;
struct pattern *pattern_free(struct pattern *pattern);

/* Instructions. */
size_t pattern_program_size(const struct pattern *pattern);
/* Whether the whole text matches. Bytes that are no UTF-8 match nothing. */
bool pattern_matches(const struct pattern *pattern, struct slice text);

#endif
