/*
 * URLs: percent-encoding, queries and forms, and http://host:port/path texts.
 */
#ifndef TEPUI_WIRE_URL_H
#define TEPUI_WIRE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/slice.h"

/* %XX decoded; with `plus_is_space` also '+'. False for a broken escape or an encoded NUL. */
bool url_decode(struct slice s, bool plus_is_space, struct arena *arena,
                struct slice *ret) WARN_UNUSED;
/* Everything but letters, digits and "-_.~" (and what `keep` lists) as %XX. */
void url_encode(struct slice s, const char *keep, struct buf *out);

/* The value of a hexadecimal digit of either case, or -1. */
int url_hex_digit(char c);

struct url_param {
    struct slice name;
    struct slice value;
};

struct url_params {
    struct url_param *items; /* in the arena, decoded, in order */
    size_t count;
};

#define URL_PARAMS_MAX 1000

/* "a=b&c=d" of a query or a form. False if malformed or too many. */
bool url_parse_params(struct slice query, struct arena *arena, struct url_params *ret) WARN_UNUSED;
/* The first of that name, or NULL. */
const struct url_param *url_find(const struct url_params *params, const char *name);

struct url {
    struct slice scheme;
    struct slice host; /* an IPv6 address without its brackets */
    uint16_t port;     /* that of the scheme if none is given; 0 if unknown */
    struct slice path; /* with the leading slash; "/" if absent */
    struct slice query;
};

bool url_parse(struct slice text, struct url *ret) WARN_UNUSED;

#endif
