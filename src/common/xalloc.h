/*
 * Heap memory that is never refused: out of memory aborts (docs/STYLE.md, errors and memory).
 * Every quantity that a peer drives therefore has a named limit, checked at the edge.
 */
#ifndef TEPUI_COMMON_XALLOC_H
#define TEPUI_COMMON_XALLOC_H

#include <stddef.h>

#include "common/macro.h"

/* All return zeroed memory (xrealloc: only what it copied is defined); release with free(). */
void *xalloc(size_t size) WARN_UNUSED;
void *xcalloc(size_t count, size_t size) WARN_UNUSED;
void *xrealloc(void *old, size_t count, size_t size) WARN_UNUSED;
void *xmemdup(const void *bytes, size_t size) WARN_UNUSED;
char *xstrdup(const char *text) WARN_UNUSED;
char *xstrndup(const char *text, size_t size) WARN_UNUSED;
char *xasprintf(const char *fmt, ...) WARN_UNUSED PRINTF_LIKE(1, 2);

/* For CLEANUP on `char *` and other pointers from the heap. */
void xfreep(void *pointer_to_pointer);

#endif
