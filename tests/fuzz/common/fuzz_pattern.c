/* An expression and a text behind a zero byte: what is taken keeps its limits, and the text matches
 * the same whether or not the expression is in a group of its own. */
#include "common/buf.h"
#include "common/pattern.h"
#include "fuzz.h"

static const struct pattern_limits limits = {65536, 2000};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_make(data, size);
    struct slice text = SLICE("");
    struct slice expression;
    struct pattern *pattern;
    struct pattern *grouped;
    struct err err = {""};
    if (!slice_split(&rest, '\0', &expression)) {
        return 0;
    }
    if (rest.data != NULL) {
        text = rest;
    }
    if (pattern_new(expression, &limits, &pattern, &err) != 0) {
        ASSERT(err.text[0] != '\0');
        return 0;
    }
    ASSERT(pattern_program_size(pattern) <= 2000);
    CLEANUP(buf_deinit) struct buf group = BUF_INIT;
    buf_append_text(&group, "(?:");
    buf_append_slice(&group, expression);
    buf_append_text(&group, ")");
    if (pattern_new(buf_slice(&group), &limits, &grouped, NULL) == 0) {
        ASSERT(pattern_matches(pattern, text) == pattern_matches(grouped, text));
        pattern_free(grouped);
    }
    pattern_free(pattern);
    return 0;
}
