/* What another parser takes, ours takes too, unless it is nested deeper than ours allows. */
#include <jansson.h>
#include <string.h>

#include "common/json_wellformed.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {""};
    int r = json_wellformed(slice_make(data, size), &err);
    /* The other one takes a zero byte for the end. */
    if (memchr(data, 0, size) != NULL) {
        ASSERT(r != 0);
        return 0;
    }
    json_t *json =
        json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    if (json != NULL) {
        ASSERT(r == 0 || strstr(err.text, "nesting") != NULL);
        json_decref(json);
    }
    ASSERT((r == 0) == (err.text[0] == '\0'));
    return 0;
}
