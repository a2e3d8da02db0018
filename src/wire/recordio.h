/*
 * RecordIO: "<length in decimal>\n<bytes>" (the framing of event streams). One record is written as
 * one HTTP chunk, since clients rely on it (wire traps in the facts).
 */
#ifndef TEPUI_WIRE_RECORDIO_H
#define TEPUI_WIRE_RECORDIO_H

#include "common/buf.h"
#include "common/err.h"
#include "common/slice.h"

#define RECORDIO_RECORD_SIZE_MAX (64u << 20)

void recordio_put(struct buf *out, struct slice record);

struct recordio_reader {
    struct buf partial; /* of a record or of its length line */
    size_t size_max;
    bool failed;
};

void recordio_reader_init(struct recordio_reader *reader, size_t size_max);
void recordio_reader_deinit(struct recordio_reader *reader);

/* Called for each whole record; false stops and makes feed return -ECANCELED. */
typedef bool recordio_record_fn(void *arg, struct slice record);

/* 0; -EPROTO for a bad length line; -EMSGSIZE for a record above the limit; -ECANCELED. */
int recordio_reader_feed(struct recordio_reader *reader, struct slice bytes, recordio_record_fn *fn,
                         void *arg, struct err *err) WARN_UNUSED;
/* Nothing partial is left. */
bool recordio_reader_is_idle(const struct recordio_reader *reader);

#endif
