/* Looking at flags that have been parsed: memory alone, so cores may. */
#include <string.h>

#include "common/duration.h"
#include "common/flags.h"

int flags_find(const struct flags *flags, const char *name)
{
    for (size_t i = 0; i < flags->count; i++) {
        if (strcmp(flags->table[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool flags_given(const struct flags *flags, const char *name)
{
    int index = flags_find(flags, name);
    ASSERT(index >= 0);
    return flags->given[index];
}

bool flags_format(const struct flags *flags, size_t index, struct buf *out)
{
    ASSERT(index < flags->count);
    const void *place = (const char *)flags->values + flags->table[index].offset;
    if (flags->texts[index] == NULL) {
        return false;
    }
    switch (flags->table[index].type) {
    case FLAG_BOOL:
        buf_append_text(out, *(const bool *)place ? "true" : "false");
        return true;
    case FLAG_INT:
        buf_append_int64(out, *(const int64_t *)place);
        return true;
    case FLAG_DOUBLE:
        buf_printf(out, "%g", *(const double *)place);
        return true;
    case FLAG_DURATION:
        duration_format(*(const int64_t *)place, out);
        return true;
    case FLAG_BYTES:
        bytes_format(*(const int64_t *)place, out);
        return true;
    case FLAG_STRING:
    case FLAG_PATH:
    case FLAG_JSON:
        buf_append_text(out, flags->texts[index]);
        return true;
    }
    WRONG("type of a flag");
}
