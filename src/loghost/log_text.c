#include "loghost/log_text.h"

/* As C escapes it; three octal digits for what is not printable. */
static void escape(struct slice bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        switch (byte) {
        case '\n':
            buf_append_text(out, "\\n");
            break;
        case '\r':
            buf_append_text(out, "\\r");
            break;
        case '\t':
            buf_append_text(out, "\\t");
            break;
        case '"':
        case '\'':
        case '\\':
            buf_printf(out, "\\%c", byte);
            break;
        default:
            if (byte >= 0x20 && byte < 0x7f) {
                buf_append_byte(out, (char)byte);
            } else {
                buf_printf(out, "\\%03o", byte);
            }
            break;
        }
    }
}

void log_text_action(const struct rlog_action *action, struct buf *out)
{
    buf_printf(out, "position: %llu\npromised: %llu\n", (unsigned long long)action->position,
               (unsigned long long)action->promised);
    if (action->type != RLOG_ACTION_NONE) {
        buf_printf(out, "performed: %llu\n", (unsigned long long)action->performed);
    }
    if (action->learned) {
        buf_append_text(out, "learned: true\n");
    }
    switch (action->type) {
    case RLOG_ACTION_NONE:
        break;
    case RLOG_ACTION_NOP:
        buf_printf(out, "type: NOP\nnop {\n%s}\n", action->tombstone ? "  tombstone: true\n" : "");
        break;
    case RLOG_ACTION_APPEND:
        buf_append_text(out, "type: APPEND\nappend {\n  bytes: \"");
        escape(blob_slice(action->bytes), out);
        buf_append_text(out, "\"\n}\n");
        break;
    case RLOG_ACTION_TRUNCATE:
        buf_printf(out, "type: TRUNCATE\ntruncate {\n  to: %llu\n}\n",
                   (unsigned long long)action->to);
        break;
    }
}
