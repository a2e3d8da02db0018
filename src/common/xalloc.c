#include "common/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count != 0 ? count : 1, size != 0 ? size : 1);
    ASSERT(p != NULL);
    return p;
}

void *xalloc(size_t size)
{
    return xcalloc(1, size);
}

void *xrealloc(void *old, size_t count, size_t size)
{
    size_t total;
    ASSERT(!__builtin_mul_overflow(count, size, &total));
    void *p = realloc(old, total != 0 ? total : 1);
    ASSERT(p != NULL);
    return p;
}

void *xmemdup(const void *bytes, size_t size)
{
    void *p = malloc(size != 0 ? size : 1);
    ASSERT(p != NULL);
    if (size != 0) {
        memcpy(p, bytes, size);
    }
    return p;
}

char *xstrndup(const char *text, size_t size)
{
    char *p = malloc(size + 1);
    ASSERT(p != NULL);
    if (size != 0) {
        memcpy(p, text, size);
    }
    p[size] = '\0';
    return p;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    ASSERT(n >= 0 && text != NULL);
    return text;
}

void xfreep(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    free(*p);
    *p = NULL;
}
