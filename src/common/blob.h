/*
 * A blob is immutable bytes, shared by reference. Counts are atomic, so that a worker may hold one
 * while the loop goes on: the only thing of ours that is counted is what never changes.
 */
#ifndef TEPUI_COMMON_BLOB_H
#define TEPUI_COMMON_BLOB_H

#include <stdatomic.h>

#include "common/buf.h"
#include "common/slice.h"

struct blob {
    atomic_size_t refs;
    size_t size; /* bytes of data */
    char data[]; /* a zero byte follows */
};

/* All give a new reference, owned by the caller. */
struct blob *blob_new(const void *bytes, size_t size) WARN_UNUSED;
struct blob *blob_from(struct slice s) WARN_UNUSED;
/* Takes the content of the buffer, which is left empty. */
struct blob *blob_take(struct buf *buf) WARN_UNUSED;
struct blob *blob_ref(struct blob *blob) WARN_UNUSED; /* NULL gives NULL */
struct blob *blob_unref(struct blob *blob);           /* NULL is fine; returns NULL */
void blob_unrefp(struct blob **blob);                 /* for CLEANUP */

/* NULL gives the empty slice. */
static inline struct slice blob_slice(const struct blob *blob)
{
    return blob != NULL ? slice_make(blob->data, blob->size) : slice_make(NULL, 0);
}

#endif
