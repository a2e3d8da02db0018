#include "common/slice.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

int slice_compare(struct slice a, struct slice b)
{
    size_t common = MIN(a.size, b.size);
    int order = common != 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0) {
        return order;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return s.size >= prefix.size && slice_equal(slice_make(s.data, prefix.size), prefix);
}

bool slice_ends_with(struct slice s, struct slice suffix)
{
    return s.size >= suffix.size && slice_equal(slice_skip(s, s.size - suffix.size), suffix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct slice slice_trim(struct slice s)
{
    while (s.size != 0 && is_blank(s.data[0])) {
        s = slice_skip(s, 1);
    }
    while (s.size != 0 && is_blank(s.data[s.size - 1])) {
        s.size--;
    }
    return s;
}

ptrdiff_t slice_find(struct slice s, char c)
{
    const char *at = s.size != 0 ? memchr(s.data, c, s.size) : NULL;
    return at != NULL ? at - s.data : -1;
}

bool slice_split(struct slice *rest, char separator, struct slice *ret_part)
{
    if (rest->data == NULL) {
        return false;
    }
    ptrdiff_t at = slice_find(*rest, separator);
    if (at < 0) {
        *ret_part = *rest;
        *rest = (struct slice){NULL, 0};
        return true;
    }
    *ret_part = slice_make(rest->data, (size_t)at);
    *rest = slice_skip(*rest, (size_t)at + 1);
    return true;
}

/* Copies a short number to a terminated buffer for the C library's parsers. */
static bool number_text(struct slice s, char *text, size_t size)
{
    if (s.size == 0 || s.size >= size) {
        return false;
    }
    memcpy(text, s.data, s.size);
    text[s.size] = '\0';
    return strlen(text) == s.size;
}

bool slice_parse_int64(struct slice s, int64_t *ret_value)
{
    char text[32];
    if (!number_text(s, text, sizeof(text)) || strspn(text, "-0123456789") != s.size) {
        return false;
    }
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || end == text) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool slice_parse_uint64(struct slice s, uint64_t *ret_value)
{
    char text[32];
    if (!number_text(s, text, sizeof(text)) || strspn(text, "0123456789") != s.size) {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *ret_value = value;
    return true;
}

bool slice_parse_double(struct slice s, double *ret_value)
{
    char text[64];
    if (!number_text(s, text, sizeof(text)) || strspn(text, "0123456789+-.eE") != s.size) {
        return false;
    }
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (*end != '\0' || end == text ||
        (errno == ERANGE && value != 0 && (value > 1 || value < -1))) {
        return false;
    }
    *ret_value = value;
    return true;
}
