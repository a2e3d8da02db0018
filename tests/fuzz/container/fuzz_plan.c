/* Plans of any bytes: read, or refused; what is read comes back the same. */
#include <stdlib.h>
#include <string.h>

#include "container/plan.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan plan, again;
    if (plan_decode(slice_make(data, size), &plan) != 0) {
        return 0;
    }
    struct buf bytes = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
    plan_encode(&plan, &bytes);
    if (plan_decode(buf_slice(&bytes), &again) != 0) {
        abort();
    }
    plan_format(&plan, &first);
    plan_format(&again, &second);
    if (!slice_equal(buf_slice(&first), buf_slice(&second))) {
        abort();
    }
    buf_deinit(&bytes);
    buf_deinit(&first);
    buf_deinit(&second);
    plan_deinit(&plan);
    plan_deinit(&again);
    return 0;
}
