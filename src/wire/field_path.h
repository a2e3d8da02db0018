/*
 * Where in a message we are, as errors tell: "accept.operations[2].launch". One link a level, on
 * the stack of the function that goes down. Internal to wire/.
 */
#ifndef TEPUI_WIRE_FIELD_PATH_H
#define TEPUI_WIRE_FIELD_PATH_H

#include "common/buf.h"
#include "common/slice.h"

#define FIELD_PATH_SINGULAR SIZE_MAX

/* Longer ones are cut in the middle. */
#define FIELD_PATH_TEXT_SIZE 320

struct field_path {
    const struct field_path *up; /* NULL = the outermost field */
    struct slice name;           /* of the field */
    size_t index;                /* among repeated ones, or FIELD_PATH_SINGULAR */
};

/* Appends the path as text; nothing for NULL. */
void field_path_format(const struct field_path *path, struct buf *out);

#endif
