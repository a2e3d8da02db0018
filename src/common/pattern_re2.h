/*
 * What pattern.c needs of RE2, for C: RE2 speaks C++ alone. Only plain types go through here.
 */
#ifndef TEPUI_COMMON_PATTERN_RE2_H
#define TEPUI_COMMON_PATTERN_RE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pattern; /* an RE2 */

/* NULL if RE2 refuses the expression; why is in `ret_error`, cut to its size. */
struct pattern *pattern_re2_new(const char *text, size_t size, int64_t size_max, char *ret_error,
                                size_t error_size);
void pattern_re2_free(struct pattern *pattern);
int pattern_re2_program_size(const struct pattern *pattern);
bool pattern_re2_full_match(const struct pattern *pattern, const char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif
