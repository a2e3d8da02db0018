#include "common/macro.h"

#include <stdio.h>
#include <stdlib.h>

void tepui_assert_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
    fflush(stderr);
    abort();
}
