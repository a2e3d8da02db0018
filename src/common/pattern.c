#include "common/pattern.h"

#include "common/pattern_re2.h"

int pattern_new(struct slice text, const struct pattern_limits *limits,
                struct pattern **ret_pattern, struct err *err)
{
    char why[256];
    if (text.size > PATTERN_TEXT_SIZE_MAX) {
        return err_set(err, PATTERN_E, "it is longer than the %zu bytes allowed",
                       PATTERN_TEXT_SIZE_MAX);
    }
    int64_t size_max = (int64_t)MIN(limits->size_max, (size_t)INT64_MAX);
    struct pattern *pattern = pattern_re2_new(text.data, text.size, size_max, why, sizeof(why));
    if (pattern == NULL) {
        return err_set(err, PATTERN_E, "%s", why);
    }
    int size = pattern_re2_program_size(pattern);
    if (size > limits->program_max) {
        pattern_re2_free(pattern);
        return err_set(
            err, PATTERN_E,
            "it is too complex: program size of %d is larger than maximum of %lld allowed", size,
            (long long)limits->program_max);
    }
    *ret_pattern = pattern;
    return 0;
}

struct pattern *pattern_free(struct pattern *pattern)
{
    pattern_re2_free(pattern);
    return NULL;
}

bool pattern_matches(const struct pattern *pattern, struct slice text)
{
    return pattern_re2_full_match(pattern, text.data, text.size);
}
