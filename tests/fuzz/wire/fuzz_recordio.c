#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"
#include "wire/recordio.h"

#define RECORD_SIZE_MAX 1000

struct seen {
    struct buf text; /* the records, written again */
};

static bool on_record(void *arg, struct slice record)
{
    struct seen *seen = arg;
    ASSERT(record.size <= RECORD_SIZE_MAX);
    recordio_put(&seen->text, record);
    return true;
}

static int read_in_pieces(struct slice bytes, size_t piece, struct seen *seen, bool *ret_idle)
{
    struct recordio_reader reader;
    recordio_reader_init(&reader, RECORD_SIZE_MAX);
    int r = 0;
    while (bytes.size != 0 && r == 0) {
        size_t size = MIN(piece, bytes.size);
        char *exact = xmemdup(bytes.data, size);
        r = recordio_reader_feed(&reader, slice_make(exact, size), on_record, seen, NULL);
        free(exact);
        bytes = slice_skip(bytes, size);
        ASSERT(reader.partial.size <= RECORD_SIZE_MAX + 21);
    }
    ASSERT(r == 0 || r == -EPROTO || r == -EMSGSIZE);
    *ret_idle = recordio_reader_is_idle(&reader);
    recordio_reader_deinit(&reader);
    return r;
}

/* In pieces as whole; and what was read is, written again, read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct slice bytes = slice_make(data + 1, size - 1);
    struct seen whole = {0};
    struct seen pieces = {0};
    struct seen again = {0};
    bool whole_idle;
    bool pieces_idle;
    int whole_r = read_in_pieces(bytes, SIZE_MAX, &whole, &whole_idle);
    int pieces_r = read_in_pieces(bytes, (size_t)data[0] + 1, &pieces, &pieces_idle);
    ASSERT(whole_r == pieces_r && (whole_r != 0 || whole_idle == pieces_idle));
    ASSERT(slice_equal(buf_slice(&whole.text), buf_slice(&pieces.text)));
    ASSERT(read_in_pieces(buf_slice(&whole.text), 7, &again, &whole_idle) == 0 && whole_idle);
    ASSERT(slice_equal(buf_slice(&whole.text), buf_slice(&again.text)));
    buf_deinit(&whole.text);
    buf_deinit(&pieces.text);
    buf_deinit(&again.text);
    return 0;
}
