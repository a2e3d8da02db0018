#include <string.h>

#include "common/flags.h"

#define USAGE_COLUMNS 80
#define USAGE_INDENT 6

/* Words behind an indent, in lines of at most USAGE_COLUMNS. */
static void wrap(struct slice text, struct buf *out)
{
    struct slice word;
    size_t column = 0;
    while (slice_split(&text, ' ', &word)) {
        if (word.size == 0) {
            continue;
        }
        if (column == 0 || column + 1 + word.size > USAGE_COLUMNS) {
            if (column != 0) {
                buf_append_byte(out, '\n');
            }
            buf_printf(out, "%*s", USAGE_INDENT, "");
            column = USAGE_INDENT;
        } else {
            buf_append_byte(out, ' ');
            column++;
        }
        buf_append_slice(out, word);
        column += word.size;
    }
    buf_append_byte(out, '\n');
}

static void describe(const struct flag *flag, struct buf *out)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_append_text(&text, flag->help);
    if (flag->default_text != NULL) {
        buf_printf(&text, " Default: %s.",
                   flag->default_text[0] != '\0' ? flag->default_text : "none");
    }
    if (flag->required) {
        buf_append_text(&text, " Required.");
    }
    if (flag->support == FLAG_OFF_ONLY) {
        buf_append_text(&text, " Not supported yet.");
    }
    if (flag->alias != NULL) {
        buf_printf(&text, " Old name: --%s.", flag->alias);
    }
    buf_printf(out, flag->type == FLAG_BOOL ? "  --[no-]%s\n" : "  --%s=VALUE\n", flag->name);
    wrap(buf_slice(&text), out);
}

void flags_usage(const struct flags *flags, const char *program, const char *about, struct buf *out)
{
    buf_printf(out, "Usage: %s [options]\n\n%s\n\n", program, about);
    const char *last = "";
    for (size_t shown = 0; shown < flags->count; shown++) {
        /* The next name in order; the table's own order is by subject. */
        const struct flag *next = NULL;
        for (size_t i = 0; i < flags->count; i++) {
            const struct flag *flag = &flags->table[i];
            if (strcmp(flag->name, last) > 0 &&
                (next == NULL || strcmp(flag->name, next->name) < 0)) {
                next = flag;
            }
        }
        ASSERT(next != NULL); /* else two rows have one name */
        describe(next, out);
        last = next->name;
    }
}
