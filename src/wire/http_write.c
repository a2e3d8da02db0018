#include <http_parser.h>
#include <string.h>
#include <time.h>

#include "wire/http.h"

#include "common/duration.h"

const char *http_reason(int status)
{
    return http_status_str((enum http_status)status);
}

void http_put_status(struct buf *out, int status)
{
    ASSERT(status >= 100 && status <= 999);
    buf_append_text(out, "HTTP/1.1 ");
    buf_append_uint64(out, (uint64_t)status);
    buf_append_byte(out, ' ');
    buf_append_text(out, http_reason(status));
    buf_append_text(out, "\r\n");
}

/* What a client may have put into a text of ours must not end the line that it stands on. */
static void put_line_text(struct buf *out, struct slice text)
{
    char *to = buf_reserve(out, text.size);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c >= ' ' && c != 127) || c == '\t') {
            to[size++] = text.data[i];
        }
    }
    out->size += size;
}

void http_put_request(struct buf *out, const char *method, struct slice target)
{
    buf_append_text(out, method);
    buf_append_byte(out, ' ');
    put_line_text(out, target);
    buf_append_text(out, " HTTP/1.1\r\n");
}

void http_put_header(struct buf *out, const char *name, struct slice value)
{
    buf_append_text(out, name);
    buf_append_text(out, ": ");
    put_line_text(out, value);
    buf_append_text(out, "\r\n");
}

void http_put_header_uint(struct buf *out, const char *name, uint64_t value)
{
    buf_append_text(out, name);
    buf_append_text(out, ": ");
    buf_append_uint64(out, value);
    buf_append_text(out, "\r\n");
}

void http_put_end(struct buf *out)
{
    buf_append_text(out, "\r\n");
}

void http_put_chunk(struct buf *out, struct slice piece)
{
    if (piece.size == 0) {
        return; /* an empty chunk would end the body */
    }
    buf_printf(out, "%zx\r\n", piece.size);
    buf_append_slice(out, piece);
    buf_append_text(out, "\r\n");
}

void http_put_last_chunk(struct buf *out)
{
    buf_append_text(out, "0\r\n\r\n");
}

void http_format_date(int64_t wall_ns, struct buf *out)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t secs = (time_t)(wall_ns / NS_PER_SEC);
    struct tm tm;
    ASSERT(gmtime_r(&secs, &tm) != NULL);
    buf_printf(out, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
               months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}
