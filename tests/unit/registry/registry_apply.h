/* Operations on a registry, and whether they change what is stored of it. */
#ifndef TEPUI_TESTS_UNIT_REGISTRY_REGISTRY_APPLY_H
#define TEPUI_TESTS_UNIT_REGISTRY_REGISTRY_APPLY_H

#include "../unit.h"

#include "registry/registry_codec.h"

static inline struct blob *registry_bytes(struct registry *registry)
{
    struct buf bytes = BUF_INIT;
    (void)registry_encoded_size(registry);
    registry_encode(registry, &bytes);
    return blob_take(&bytes);
}

/* Performs the operation; whether it fitted. One that does not fit must change nothing. */
static inline bool apply_op(struct registry *registry, const struct registry_op *op,
                            bool *ret_changed)
{
    struct blob *before = registry_bytes(registry);
    bool fitted = registry_apply(registry, op);
    struct blob *after = registry_bytes(registry);
    *ret_changed = !slice_equal(blob_slice(before), blob_slice(after));
    blob_unref(before);
    blob_unref(after);
    assert_true(fitted || !*ret_changed);
    return fitted;
}

#endif
