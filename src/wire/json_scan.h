/*
 * Tokens of JSON text, pulled one by one (RFC 8259; bytes that are not UTF-8 are let pass, as the
 * reference does). Internal to wire/.
 */
#ifndef TEPUI_WIRE_JSON_SCAN_H
#define TEPUI_WIRE_JSON_SCAN_H

#include <stdbool.h>

#include "common/slice.h"

struct json_scan {
    const char *at;    /* next byte */
    const char *end;   /* behind the last one */
    const char *start; /* of the whole text */
    unsigned depth;    /* arrays and objects that are open */
};

/* What stands between the quotes of a string. */
struct json_raw {
    struct slice text; /* still escaped; well-formed */
    bool escaped;      /* holds a backslash */
};

void json_scan_init(struct json_scan *scan, struct slice text);

void json_scan_skip_space(struct json_scan *scan);

/* The next byte that is not white space, without taking it; 0 at the end. */
static inline char json_scan_peek(struct json_scan *scan)
{
    if (scan->at < scan->end && (unsigned char)*scan->at > ' ') {
        return *scan->at;
    }
    json_scan_skip_space(scan);
    return scan->at < scan->end ? *scan->at : '\0';
}

/* Takes this byte, perhaps after white space. */
static inline bool json_scan_take(struct json_scan *scan, char c)
{
    if (json_scan_peek(scan) != c) {
        return false;
    }
    scan->at++;
    return true;
}

/* Takes '{' or '[' (which is there); false if that is one level too many. */
bool json_scan_open(struct json_scan *scan) WARN_UNUSED;
/* Between the elements of an array or the members of an object: *ret_more tells whether there is
 * one more, else the closing bracket has been taken. *is_first is to be true at first. */
bool json_scan_more(struct json_scan *scan, char closing, bool *is_first,
                    bool *ret_more) WARN_UNUSED;

/* A string at the next token. */
bool json_scan_string(struct json_scan *scan, struct json_raw *ret) WARN_UNUSED;
/* A member's name and the colon behind it. */
bool json_scan_key(struct json_scan *scan, struct json_raw *ret) WARN_UNUSED;
/* Exactly this word: true, false, null. */
bool json_scan_word(struct json_scan *scan, struct slice word) WARN_UNUSED;
/* Any value, which is checked and forgotten. */
bool json_scan_skip(struct json_scan *scan) WARN_UNUSED;

#endif
