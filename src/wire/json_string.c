#include "wire/json_string.h"

#include "wire/json.h"

/* U+FFFD, for bytes that are not UTF-8. */
static const char REPLACEMENT[] = "\xef\xbf\xbd";

/* Longest that one input byte becomes: \u001f. */
#define ESCAPE_SIZE_MAX 6

size_t json_string_utf8_size(struct slice s)
{
    const unsigned char *at = (const unsigned char *)s.data;
    if (s.size == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        return 1;
    }
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || s.size < size) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    /* Overlong ones, surrogates, and what is beyond U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    return size;
}

static char *put_escape(char *to, unsigned char c)
{
    static const char HEX[] = "0123456789ABCDEF";
    *to++ = '\\';
    switch (c) {
    case '"':
    case '\\':
        *to++ = (char)c;
        break;
    case '\b':
        *to++ = 'b';
        break;
    case '\f':
        *to++ = 'f';
        break;
    case '\n':
        *to++ = 'n';
        break;
    case '\r':
        *to++ = 'r';
        break;
    case '\t':
        *to++ = 't';
        break;
    default:
        memcpy(to, "u00", 3);
        to[3] = HEX[c >> 4];
        to[4] = HEX[c & 15];
        to += 5;
        break;
    }
    return to;
}

/* There is always room for the bytes that are left, one escape, and the closing quote. */
void json_quote(struct slice s, struct buf *out)
{
    const size_t slack = ESCAPE_SIZE_MAX + 2;
    const char *at = s.data != NULL ? s.data : "";
    const char *end = at + s.size;
    char *to = buf_reserve(out, s.size + slack);
    *to++ = '"';
    while (at < end) {
        uint64_t bytes;
        if (end - at >= (ptrdiff_t)sizeof(bytes)) {
            memcpy(&bytes, at, sizeof(bytes));
            if (json_string_odd(bytes) == 0) {
                memcpy(to, &bytes, sizeof(bytes));
                at += sizeof(bytes);
                to += sizeof(bytes);
                continue;
            }
        }
        unsigned char c = (unsigned char)*at;
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            *to++ = *at++;
            continue;
        }
        if (c < 0x80) {
            to = put_escape(to, c);
            at++;
        } else {
            size_t size = json_string_utf8_size(slice_make(at, (size_t)(end - at)));
            if (size != 0) {
                memcpy(to, at, size);
                to += size;
                at += size;
                continue;
            }
            memcpy(to, REPLACEMENT, sizeof(REPLACEMENT) - 1);
            to += sizeof(REPLACEMENT) - 1;
            at++;
        }
        out->size = (size_t)(to - out->data);
        to = buf_reserve(out, (size_t)(end - at) + slack);
    }
    *to++ = '"';
    out->size = (size_t)(to - out->data);
}

int json_string_hex4(const char *digits)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = digits[i];
        if (c >= '0' && c <= '9') {
            value = value << 4 | (c - '0');
        } else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) {
            value = value << 4 | ((c | 0x20) - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

static char *put_utf8(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

size_t json_string_unescape(struct slice raw, char *out)
{
    const char *at = raw.data;
    const char *end = at + raw.size;
    char *to = out;
    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash != NULL ? slash : end) - at);
        memmove(to, at, plain);
        to += plain;
        at += plain;
        if (at == end) {
            break;
        }
        char c = at[1];
        at += 2;
        switch (c) {
        case 'b':
            *to++ = '\b';
            break;
        case 'f':
            *to++ = '\f';
            break;
        case 'n':
            *to++ = '\n';
            break;
        case 'r':
            *to++ = '\r';
            break;
        case 't':
            *to++ = '\t';
            break;
        case 'u': {
            uint32_t point = (uint32_t)json_string_hex4(at);
            at += 4;
            if (point >= 0xd800 && point < 0xdc00) {
                uint32_t low = (uint32_t)json_string_hex4(at + 2);
                at += 6;
                point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
            }
            to = put_utf8(to, point);
            break;
        }
        default: /* '"', '\\', '/' */
            *to++ = c;
            break;
        }
    }
    return (size_t)(to - out);
}
