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
/* A large blob without a copy: begin an empty buffer, append the bytes, and end it, which takes its
 * memory over. In between the bytes begin at BLOB_HEAD_SIZE. */
#define BLOB_HEAD_SIZE sizeof(struct blob)
void blob_begin(struct buf *buf);
struct blob *blob_end(struct buf *buf) WARN_UNUSED;
struct blob *blob_ref(struct blob *blob) WARN_UNUSED; /* NULL gives NULL */
/* Whether nobody else holds it. */
static inline bool blob_is_single(struct blob *blob)
{
    return atomic_load_explicit(&blob->refs, memory_order_acquire) == 1;
}
struct blob *blob_unref(struct blob *blob); /* NULL is fine; returns NULL */
void blob_unrefp(struct blob **blob);       /* for CLEANUP */

/* NULL gives the empty slice. */
static inline struct slice blob_slice(const struct blob *blob)
{
    return blob != NULL ? slice_make(blob->data, blob->size) : slice_make(NULL, 0);
}

#endif
