#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
    }
    return code;
}

int err_wrap(struct err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        char cause[ERR_TEXT_SIZE - 3]; /* room for ": " */
        memcpy(cause, err->text, sizeof(cause) - 1);
        cause[sizeof(cause) - 1] = '\0';
        va_list args;
        va_start(args, fmt);
        int n = vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof(err->text)) {
            (void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", cause);
        }
    }
    return code;
}

int err_errno(struct err *err, const char *fmt, ...)
{
    int code = errno;
    if (err != NULL) {
        va_list args;
        va_start(args, fmt);
        int n = vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
        if (n >= 0 && (size_t)n < sizeof(err->text)) {
            char reason[128];
            const char *text = strerror_r(code, reason, sizeof(reason));
            (void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s", text);
        }
    }
    return -code;
}
