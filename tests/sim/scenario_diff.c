#include "sim/scenario_diff.h"

#include <stdlib.h>

#include "common/xalloc.h"

#define CONTEXT_LINES 2

struct text {
    struct slice *lines;
    size_t count;
};

/* One line of both texts, side by side. */
struct pair {
    char sign; /* ' ', '-', '+' */
    struct slice line;
};

static struct text split(struct slice text)
{
    struct text result = {0};
    size_t capacity = 1;
    for (size_t i = 0; i < text.size; i++) {
        capacity += text.data[i] == '\n';
    }
    result.lines = xcalloc(capacity, sizeof(result.lines[0]));
    struct slice line;
    while (slice_split(&text, '\n', &line)) {
        result.lines[result.count++] = line;
    }
    return result;
}

/* length[i][j]: of the longest common subsequence of what follows line i and line j. */
static uint32_t *measure(const struct text *a, const struct text *b)
{
    size_t width = b->count + 1;
    uint32_t *length = xcalloc((a->count + 1) * width, sizeof(length[0]));
    for (size_t i = a->count; i-- > 0;) {
        for (size_t j = b->count; j-- > 0;) {
            length[i * width + j] =
                slice_equal(a->lines[i], b->lines[j])
                    ? length[(i + 1) * width + j + 1] + 1
                    : MAX(length[(i + 1) * width + j], length[i * width + j + 1]);
        }
    }
    return length;
}

static size_t align(const struct text *a, const struct text *b, struct pair *pairs)
{
    size_t width = b->count + 1;
    uint32_t *length = measure(a, b);
    size_t count = 0;
    for (size_t i = 0, j = 0; i < a->count || j < b->count;) {
        if (i < a->count && j < b->count && slice_equal(a->lines[i], b->lines[j])) {
            pairs[count++] = (struct pair){' ', a->lines[i++]};
            j++;
        } else if (j == b->count ||
                   (i < a->count && length[(i + 1) * width + j] >= length[i * width + j + 1])) {
            pairs[count++] = (struct pair){'-', a->lines[i++]};
        } else {
            pairs[count++] = (struct pair){'+', b->lines[j++]};
        }
    }
    free(length);
    return count;
}

static bool is_near_change(const struct pair *pairs, size_t count, size_t at)
{
    size_t from = at > CONTEXT_LINES ? at - CONTEXT_LINES : 0;
    for (size_t i = from; i < count && i <= at + CONTEXT_LINES; i++) {
        if (pairs[i].sign != ' ') {
            return true;
        }
    }
    return false;
}

void scenario_diff(struct slice written, struct slice played, struct buf *out)
{
    struct text a = split(written);
    struct text b = split(played);
    struct pair *pairs = xcalloc(a.count + b.count + 1, sizeof(pairs[0]));
    size_t count = align(&a, &b, pairs);
    const struct pair *command = NULL; /* the last one that was not shown */
    bool shown = true;
    for (size_t i = 0; i < count; i++) {
        bool near = is_near_change(pairs, count, i);
        bool is_command = slice_starts_with(pairs[i].line, SLICE(">"));
        if (near && !shown) {
            buf_append_text(out, "  ...\n");
        }
        if (near && command != NULL && !is_command) {
            buf_printf(out, "   %.*s\n", SLICE_ARGS(command->line));
        }
        if (near) {
            buf_printf(out, " %c %.*s\n", pairs[i].sign, SLICE_ARGS(pairs[i].line));
        }
        command = near ? NULL : is_command ? &pairs[i] : command;
        shown = near;
    }
    free(pairs);
    free(a.lines);
    free(b.lines);
}
