#include "wire/recordio.h"

#include <errno.h>

/* Digits of a length line: enough for any size_t; more cannot be a length that we take. */
#define LENGTH_SIZE_MAX 20

void recordio_put(struct buf *out, struct slice record)
{
    buf_append_uint64(out, record.size);
    buf_append_byte(out, '\n');
    buf_append_slice(out, record);
}

void recordio_reader_init(struct recordio_reader *reader, size_t size_max)
{
    *reader = (struct recordio_reader){.size_max = size_max};
}

void recordio_reader_deinit(struct recordio_reader *reader)
{
    buf_deinit(&reader->partial);
}

bool recordio_reader_is_idle(const struct recordio_reader *reader)
{
    return reader->partial.size == 0;
}

/* The record that begins at `bytes`: 1 and where it is, 0 if it is not whole yet (ret_need is then
 * the size of all of it, or 0 while its length is not known), or negative. */
static int find_record(const struct recordio_reader *reader, struct slice bytes,
                       struct slice *ret_record, size_t *ret_need, struct err *err)
{
    struct slice line = slice_make(bytes.data, MIN(bytes.size, (size_t)LENGTH_SIZE_MAX + 1));
    ptrdiff_t end = slice_find(line, '\n');
    *ret_need = 0;
    size_t digits = end >= 0 ? (size_t)end : line.size;
    for (size_t i = 0; i < digits; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            return err_set(err, -EPROTO, "a record's length is not a number");
        }
    }
    if (end < 0) {
        return line.size <= LENGTH_SIZE_MAX
                   ? 0
                   : err_set(err, -EPROTO, "the length line of a record has no end");
    }
    uint64_t size;
    if (end == 0) {
        return err_set(err, -EPROTO, "a record without a length");
    }
    if (!slice_parse_uint64(slice_make(line.data, (size_t)end), &size) || size > reader->size_max) {
        return err_set(err, -EMSGSIZE, "a record of more than %zu bytes", reader->size_max);
    }
    struct slice rest = slice_skip(bytes, (size_t)end + 1);
    if (rest.size < size) {
        *ret_need = (size_t)end + 1 + (size_t)size;
        return 0;
    }
    *ret_record = slice_make(rest.data, (size_t)size);
    return 1;
}

/* Hands out all whole records; *rest is what is left of the bytes. */
static int hand_out(struct recordio_reader *reader, struct slice *rest, recordio_record_fn *fn,
                    void *arg, struct err *err)
{
    while (rest->size != 0) {
        struct slice record;
        size_t need;
        int r = find_record(reader, *rest, &record, &need, err);
        if (r <= 0) {
            return r;
        }
        *rest = slice_skip(*rest, (size_t)(record.data - rest->data) + record.size);
        if (!fn(arg, record)) {
            return err_set(err, -ECANCELED, "stopped by the receiver of the records");
        }
    }
    return 0;
}

/* Completes the record that earlier bytes began, taking no more of *bytes than belongs to it: what
 * was promised is never allocated ahead of what came. */
static int complete_partial(struct recordio_reader *reader, struct slice *bytes,
                            recordio_record_fn *fn, void *arg, struct err *err)
{
    while (reader->partial.size != 0 && bytes->size != 0) {
        struct slice record;
        size_t need;
        int r = find_record(reader, buf_slice(&reader->partial), &record, &need, err);
        ASSERT(r <= 0); /* a whole record is never left in `partial` */
        if (r < 0) {
            return r;
        }
        size_t take = need != 0 ? MIN(need - reader->partial.size, bytes->size) : 1;
        buf_append(&reader->partial, bytes->data, take);
        *bytes = slice_skip(*bytes, take);
        r = find_record(reader, buf_slice(&reader->partial), &record, &need, err);
        if (r < 0) {
            return r;
        }
        if (r > 0) {
            bool go_on = fn(arg, record);
            buf_deinit(&reader->partial);
            if (!go_on) {
                return err_set(err, -ECANCELED, "stopped by the receiver of the records");
            }
        }
    }
    return 0;
}

int recordio_reader_feed(struct recordio_reader *reader, struct slice bytes, recordio_record_fn *fn,
                         void *arg, struct err *err)
{
    if (reader->failed) {
        return err_set(err, -EPROTO, "records after a broken one");
    }
    int r = complete_partial(reader, &bytes, fn, arg, err);
    if (r == 0) {
        r = hand_out(reader, &bytes, fn, arg, err);
    }
    if (r < 0) {
        reader->failed = true;
        return r;
    }
    buf_append_slice(&reader->partial, bytes);
    return 0;
}
