#include "wire/url.h"

#include <string.h>

int url_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool url_decode(struct slice s, bool plus_is_space, struct arena *arena, struct slice *ret)
{
    bool plain = true;
    for (size_t i = 0; i < s.size && plain; i++) {
        plain = s.data[i] != '%' && s.data[i] != '\0' && !(plus_is_space && s.data[i] == '+');
    }
    if (plain) {
        *ret = s;
        return true;
    }

    char *text = arena_alloc_raw(arena, s.size);
    if (text == NULL) {
        return false;
    }
    size_t size = 0;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = s.size - i > 2 ? url_hex_digit(s.data[i + 1]) : -1;
            int low = high >= 0 ? url_hex_digit(s.data[i + 2]) : -1;
            if (low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0') {
            return false;
        }
        text[size++] = c;
    }
    *ret = slice_make(text, size);
    return true;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void url_encode(struct slice s, const char *keep, struct buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (is_unreserved(c) || (keep != NULL && c != '\0' && strchr(keep, c) != NULL)) {
            buf_append_byte(out, c);
        } else {
            char escape[3] = {'%', digits[((unsigned char)c) >> 4],
                              digits[((unsigned char)c) & 15]};
            buf_append(out, escape, sizeof(escape));
        }
    }
}

/* The part before the next '&' or ';' (the reference takes both), cut from *rest. */
static struct slice next_pair(struct slice *rest)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] != '&' && rest->data[size] != ';') {
        size++;
    }
    struct slice pair = slice_make(rest->data, size);
    *rest = slice_skip(*rest, MIN(size + 1, rest->size));
    return pair;
}

bool url_parse_params(struct slice query, struct arena *arena, struct url_params *ret)
{
    size_t count = 0;
    for (struct slice rest = query; rest.size != 0;) {
        count += next_pair(&rest).size != 0;
    }
    struct url_params params = {0};
    if (count > URL_PARAMS_MAX) {
        return false;
    }
    if (count != 0) {
        params.items = arena_alloc_array(arena, count, sizeof(*params.items));
        if (params.items == NULL) {
            return false;
        }
    }
    for (struct slice rest = query; rest.size != 0;) {
        struct slice pair = next_pair(&rest);
        if (pair.size == 0) {
            continue;
        }
        ptrdiff_t at = slice_find(pair, '=');
        struct slice name = at < 0 ? pair : slice_make(pair.data, (size_t)at);
        struct slice value = at < 0 ? SLICE("") : slice_skip(pair, (size_t)at + 1);
        struct url_param *param = &params.items[params.count];
        if (!url_decode(name, true, arena, &param->name) ||
            !url_decode(value, true, arena, &param->value)) {
            return false;
        }
        params.count++;
    }
    *ret = params;
    return true;
}

const struct url_param *url_find(const struct url_params *params, const char *name)
{
    for (size_t i = 0; i < params->count; i++) {
        if (slice_is(params->items[i].name, name)) {
            return &params->items[i];
        }
    }
    return NULL;
}

static uint16_t default_port(struct slice scheme)
{
    if (slice_equal_nocase(scheme, SLICE("http"))) {
        return 80;
    }
    if (slice_equal_nocase(scheme, SLICE("https"))) {
        return 443;
    }
    return slice_equal_nocase(scheme, SLICE("zk")) ? 2181 : 0;
}

/* "host", "host:port", "[v6]" or "[v6]:port". */
static bool parse_authority(struct slice text, struct url *url)
{
    struct slice port;
    if (text.size != 0 && text.data[0] == '[') {
        ptrdiff_t end = slice_find(text, ']');
        if (end < 0) {
            return false;
        }
        url->host = slice_make(text.data + 1, (size_t)end - 1);
        port = slice_skip(text, (size_t)end + 1);
    } else {
        ptrdiff_t colon = slice_find(text, ':');
        size_t size = colon < 0 ? text.size : (size_t)colon;
        url->host = slice_make(text.data, size);
        port = slice_skip(text, size);
    }
    url->port = default_port(url->scheme);
    if (port.size != 0) {
        uint64_t number;
        if (port.data[0] != ':' || !slice_parse_uint64(slice_skip(port, 1), &number) ||
            number > UINT16_MAX) {
            return false;
        }
        url->port = (uint16_t)number;
    }
    return url->host.size != 0;
}

bool url_parse(struct slice text, struct url *ret)
{
    struct url url = {.path = SLICE("/")};
    ptrdiff_t colon = slice_find(text, ':');
    if (colon <= 0 || !slice_starts_with(slice_skip(text, (size_t)colon), SLICE("://"))) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 127) {
            return false;
        }
    }
    url.scheme = slice_make(text.data, (size_t)colon);
    struct slice rest = slice_skip(text, (size_t)colon + 3);
    size_t size = 0;
    while (size < rest.size && strchr("/?#", rest.data[size]) == NULL) {
        size++;
    }
    if (!parse_authority(slice_make(rest.data, size), &url)) {
        return false;
    }
    rest = slice_skip(rest, size);

    ptrdiff_t fragment = slice_find(rest, '#');
    if (fragment >= 0) {
        rest.size = (size_t)fragment;
    }
    ptrdiff_t query = slice_find(rest, '?');
    if (query >= 0) {
        url.query = slice_skip(rest, (size_t)query + 1);
        rest.size = (size_t)query;
    }
    if (rest.size != 0) {
        url.path = rest;
    }
    *ret = url;
    return true;
}
