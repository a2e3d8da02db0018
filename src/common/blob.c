#include "common/blob.h"

#include <stdlib.h>

struct blob *blob_new(const void *bytes, size_t size)
{
    struct blob *blob = malloc(sizeof(*blob) + size + 1);
    ASSERT(blob != NULL);
    atomic_init(&blob->refs, 1);
    blob->size = size;
    if (size != 0) {
        memcpy(blob->data, bytes, size);
    }
    blob->data[size] = '\0';
    return blob;
}

struct blob *blob_from(struct slice s)
{
    return blob_new(s.data, s.size);
}

struct blob *blob_take(struct buf *buf)
{
    struct blob *blob = blob_from(buf_slice(buf));
    buf_deinit(buf);
    return blob;
}

void blob_begin(struct buf *buf)
{
    ASSERT(buf->size == 0);
    (void)buf_reserve(buf, BLOB_HEAD_SIZE);
    buf->size = BLOB_HEAD_SIZE;
}

struct blob *blob_end(struct buf *buf)
{
    ASSERT(buf->size >= BLOB_HEAD_SIZE);
    size_t size = buf->size - BLOB_HEAD_SIZE;
    buf_append_byte(buf, '\0');
    struct blob *blob = (struct blob *)(void *)buf->data;
    atomic_init(&blob->refs, 1);
    blob->size = size;
    *buf = BUF_INIT;
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    if (blob != NULL) {
        atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
    }
    return blob;
}

struct blob *blob_unref(struct blob *blob)
{
    if (blob != NULL && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1) {
        free(blob);
    }
    return NULL;
}

void blob_unrefp(struct blob **blob)
{
    *blob = blob_unref(*blob);
}
