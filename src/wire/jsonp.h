/*
 * JSONP: JSON as the argument of a function's call, for web pages of the days before CORS.
 *
 * Source: the original's answers to ?jsonp=name (its libprocess writes name(json) and no more), but
 * for one thing: it takes any text for a name, so that a link could make the browser run a script.
 */
#ifndef TEPUI_WIRE_JSONP_H
#define TEPUI_WIRE_JSONP_H

#include <stdbool.h>

#include "common/buf.h"
#include "common/slice.h"

/* Is it letters, digits and _ . $ [ ], at least one? */
bool jsonp_is_function(struct slice name);

/* Appends name(json). */
/* The same around what is appended in between. */
void jsonp_begin(struct slice name, struct buf *out);
void jsonp_end(struct buf *out);
void jsonp_append(struct slice name, struct slice json, struct buf *out);

#endif
