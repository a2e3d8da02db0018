#include "wire/json_scan.h"

#include "wire/json.h"
#include "wire/json_number.h"
#include "wire/json_string.h"

void json_scan_init(struct json_scan *scan, struct slice text)
{
    static const char NOTHING[1];
    const char *start = text.data != NULL ? text.data : NOTHING;
    *scan = (struct json_scan){.at = start, .end = start + text.size, .start = start};
}

void json_scan_skip_space(struct json_scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t')) {
        scan->at++;
    }
}

bool json_scan_open(struct json_scan *scan)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        return false;
    }
    scan->depth++;
    scan->at++;
    return true;
}

bool json_scan_more(struct json_scan *scan, char closing, bool *is_first, bool *ret_more)
{
    char c = json_scan_peek(scan);
    if (c == closing) {
        scan->at++;
        ASSERT(scan->depth != 0);
        scan->depth--;
        *ret_more = false;
        return true;
    }
    if (!*is_first) {
        if (c != ',') {
            return false;
        }
        scan->at++;
        if (json_scan_peek(scan) == closing) {
            return false;
        }
    }
    *is_first = false;
    *ret_more = true;
    return true;
}

/* Behind a backslash: the rest of an escape. Surrogates come in pairs. */
static const char *read_escape(const char *at, const char *end)
{
    if (at == end) {
        return NULL;
    }
    if (*at != 'u') {
        return memchr("\"\\/bfnrt", *at, 8) != NULL ? at + 1 : NULL;
    }
    at++;
    int point = end - at >= 4 ? json_string_hex4(at) : -1;
    if (point < 0 || (point >= 0xdc00 && point <= 0xdfff)) {
        return NULL;
    }
    at += 4;
    if (point < 0xd800 || point > 0xdbff) {
        return at;
    }
    int low = end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? json_string_hex4(at + 2) : -1;
    return low >= 0xdc00 && low <= 0xdfff ? at + 6 : NULL;
}

bool json_scan_string(struct json_scan *scan, struct json_raw *ret)
{
    if (json_scan_peek(scan) != '"') {
        return false;
    }
    const char *at = scan->at + 1;
    const char *end = scan->end;
    const char *start = at;
    bool escaped = false;
    for (;;) {
        uint64_t bytes;
        if (end - at >= (ptrdiff_t)sizeof(bytes)) {
            memcpy(&bytes, at, sizeof(bytes));
            if (json_string_odd(bytes) == 0) {
                at += sizeof(bytes);
                continue;
            }
        }
        if (at == end || (unsigned char)*at < 0x20) {
            return false;
        }
        if (*at == '"') {
            break;
        }
        if (*at++ == '\\') {
            escaped = true;
            at = read_escape(at, end);
            if (at == NULL) {
                return false;
            }
        }
    }
    ret->text = slice_make(start, (size_t)(at - start));
    ret->escaped = escaped;
    scan->at = at + 1;
    return true;
}

bool json_scan_key(struct json_scan *scan, struct json_raw *ret)
{
    return json_scan_string(scan, ret) && json_scan_take(scan, ':');
}

bool json_scan_word(struct json_scan *scan, struct slice word)
{
    if ((size_t)(scan->end - scan->at) < word.size || memcmp(scan->at, word.data, word.size) != 0) {
        return false;
    }
    scan->at += word.size;
    return true;
}

bool json_scan_skip(struct json_scan *scan)
{
    struct json_raw raw;
    struct json_number number;
    bool is_first = true;
    bool more;
    char c = json_scan_peek(scan);
    switch (c) {
    case '"':
        return json_scan_string(scan, &raw);
    case 't':
        return json_scan_word(scan, SLICE("true"));
    case 'f':
        return json_scan_word(scan, SLICE("false"));
    case 'n':
        return json_scan_word(scan, SLICE("null"));
    case '{':
    case '[':
        if (!json_scan_open(scan)) {
            return false;
        }
        for (;;) {
            if (!json_scan_more(scan, c == '{' ? '}' : ']', &is_first, &more)) {
                return false;
            }
            if (!more) {
                return true;
            }
            if ((c == '{' && !json_scan_key(scan, &raw)) || !json_scan_skip(scan)) {
                return false;
            }
        }
    default:
        return json_number_read(&scan->at, scan->end, &number);
    }
}
