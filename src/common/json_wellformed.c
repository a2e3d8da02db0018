#include "common/json_wellformed.h"

#include <errno.h>
#include <stdint.h>

struct scanner {
    const char *at;   /* next byte */
    const char *end;  /* behind the last byte */
    const char *want; /* what was expected where it stopped; NULL while all is well */
};

static bool fail(struct scanner *s, const char *want)
{
    s->want = want;
    return false;
}

static char peek(const struct scanner *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scanner *s, char c)
{
    if (peek(s) != c || s->at == s->end) {
        return false;
    }
    s->at++;
    return true;
}

static void skip_space(struct scanner *s)
{
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r')) {
        s->at++;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool scan_digits(struct scanner *s)
{
    if (!is_digit(peek(s))) {
        return fail(s, "a digit");
    }
    while (is_digit(peek(s))) {
        s->at++;
    }
    return true;
}

static bool scan_number(struct scanner *s)
{
    (void)take(s, '-');
    if (take(s, '0')) {
        if (is_digit(peek(s))) {
            return fail(s, "no digit behind a leading zero");
        }
    } else if (!scan_digits(s)) {
        return false;
    }
    if (take(s, '.') && !scan_digits(s)) {
        return false;
    }
    if (take(s, 'e') || take(s, 'E')) {
        (void)(take(s, '+') || take(s, '-'));
        return scan_digits(s);
    }
    return true;
}

/* Behind the backslash. */
static bool scan_escape(struct scanner *s)
{
    if (s->at == s->end || memchr("\"\\/bfnrtu", *s->at, 9) == NULL) {
        return fail(s, "an escape that JSON knows");
    }
    if (*s->at++ != 'u') {
        return true;
    }
    for (int i = 0; i < 4; i++) {
        if (!is_hex(peek(s))) {
            return fail(s, "four hexadecimal digits");
        }
        s->at++;
    }
    return true;
}

/* Behind the opening quote. */
static bool scan_string(struct scanner *s)
{
    while (s->at < s->end) {
        uint8_t c = (uint8_t)*s->at++;
        if (c == '"') {
            return true;
        }
        if (c < 0x20) {
            s->at--;
            return fail(s, "no control character in a string");
        }
        if (c == '\\' && !scan_escape(s)) {
            return false;
        }
    }
    return fail(s, "the end of a string");
}

static bool scan_word(struct scanner *s, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0) {
        return fail(s, "a value");
    }
    s->at += size;
    return true;
}

/* A value that holds no others. */
static bool scan_scalar(struct scanner *s)
{
    switch (peek(s)) {
    case '"':
        s->at++;
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        return peek(s) == '-' || is_digit(peek(s)) ? scan_number(s) : fail(s, "a value");
    }
}

static bool scan_name(struct scanner *s)
{
    skip_space(s);
    if (!take(s, '"')) {
        return fail(s, "a name in quotes");
    }
    if (!scan_string(s)) {
        return false;
    }
    skip_space(s);
    return take(s, ':') || fail(s, "a colon");
}

/* Behind a value inside `depth` containers, closes all that end here. At a comma it stands at the
 * next value. */
static bool scan_behind(struct scanner *s, const char *closers, size_t *depth, bool *ret_more)
{
    for (;;) {
        skip_space(s);
        if (*depth == 0) {
            *ret_more = false;
            return s->at == s->end || fail(s, "nothing more");
        }
        char closer = closers[*depth - 1];
        if (take(s, ',')) {
            *ret_more = true;
            return closer == ']' || scan_name(s);
        }
        if (!take(s, closer)) {
            return fail(s, closer == ']' ? "a comma or the end of an array"
                                         : "a comma or the end of an object");
        }
        (*depth)--;
    }
}

static bool scan(struct scanner *s)
{
    char closers[JSON_WELLFORMED_DEPTH_MAX];
    size_t depth = 0;
    bool more = true;
    while (more) {
        skip_space(s);
        bool object = peek(s) == '{';
        if (!object && peek(s) != '[') {
            if (!scan_scalar(s) || !scan_behind(s, closers, &depth, &more)) {
                return false;
            }
            continue;
        }
        if (depth == JSON_WELLFORMED_DEPTH_MAX) {
            return fail(s, "less nesting");
        }
        s->at++;
        closers[depth++] = object ? '}' : ']';
        skip_space(s);
        if (peek(s) == closers[depth - 1]) {
            if (!scan_behind(s, closers, &depth, &more)) {
                return false;
            }
        } else if (object && !scan_name(s)) {
            return false;
        }
    }
    return true;
}

int json_wellformed(struct slice text, struct err *err)
{
    text = text.size != 0 ? text : SLICE("");
    struct scanner s = {.at = text.data, .end = text.data + text.size};
    if (scan(&s)) {
        return 0;
    }
    return err_set(err, -EINVAL, "not JSON at byte %zu: %s is expected", (size_t)(s.at - text.data),
                   s.want);
}
