#include "fuzz.h"

#include <stdlib.h>

#include "wire/base64.h"

/* What is taken is the only spelling of its bytes; what is read loosely at least has a spelling. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct buf bytes = BUF_INIT;
    struct buf again = BUF_INIT;
    if (base64_decode(text, &bytes)) {
        base64_encode(buf_slice(&bytes), &again);
        ASSERT(slice_equal(buf_slice(&again), text));
    }
    buf_clear(&bytes);
    buf_clear(&again);
    if (base64url_decode(text, &bytes)) {
        base64url_encode(buf_slice(&bytes), &again);
        ASSERT(slice_equal(buf_slice(&again), text));
    }
    char *loose = malloc(base64_size_max(size));
    size_t loose_size;
    if (base64_decode_loose(text, loose, &loose_size)) {
        ASSERT(loose_size <= base64_size_max(size));
        buf_clear(&bytes);
        buf_clear(&again);
        base64_encode(slice_make(loose, loose_size), &again);
        ASSERT(base64_decode(buf_slice(&again), &bytes));
        ASSERT(slice_equal(buf_slice(&bytes), slice_make(loose, loose_size)));
    }
    free(loose);
    buf_deinit(&bytes);
    buf_deinit(&again);
    return 0;
}
