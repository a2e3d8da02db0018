/*
 * Lists of texts on the heap, ended by NULL: roles, mostly.
 */
#ifndef TEPUI_MASTER_TEXTS_H
#define TEPUI_MASTER_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"

char **master_texts_copy(char *const *items, size_t count) WARN_UNUSED;
void master_texts_free(char **texts); /* NULL is fine */
bool master_texts_contain(char *const *items, size_t count, const char *text);

#endif
