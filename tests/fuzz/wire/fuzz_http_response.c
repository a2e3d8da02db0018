#include "http_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return http_fuzz_one(HTTP_RESPONSES, data, size);
}
