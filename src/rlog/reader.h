/*
 * Readers: entries of our own replica, its bounds, and catching up without being elected. Requests
 * wait until the replica votes, and reads until what was written before them is durable.
 */
#ifndef TEPUI_RLOG_READER_H
#define TEPUI_RLOG_READER_H

#include "rlog/catchup.h"

/* Requests that were not answered; more are refused with -EAGAIN. */
#define RLOG_READS_MAX 1024
/* Bytes of one piece of a read. */
#define RLOG_READ_SIZE_MAX (4u << 20)

enum rlog_read_type { RLOG_READ_ENTRIES, RLOG_READ_BOUNDS };

struct rlog_read {
    struct list link;
    enum rlog_read_type type;
    uint64_t token;
    uint64_t from; /* ENTRIES: next position */
    uint64_t to;
    bool is_gated; /* waits for `batch` */
    uint64_t batch;
    uint64_t store_token; /* of the read under way; 0 = none */
};

/* Catching up for a reader (the reference's Log::Reader::catchup). */
struct rlog_follow {
    bool running;
    uint64_t token;
    struct rlog_round round; /* for begin and end */
    bool is_catching;        /* they are known */
    uint64_t begin;
    uint64_t end; /* what is caught up to */
    struct rlog_catchup catchup;
};

struct rlog_reader {
    struct list reads; /* oldest first */
    size_t read_count;
    struct rlog_follow follow;
};

void rlog_reader_init(struct rlog_reader *reader);
/* Forgets everything without answering; at the end. */
void rlog_reader_stop(struct rlog_reader *reader, const struct rlog_parts *parts);
void rlog_reader_read(struct rlog_reader *reader, const struct rlog_parts *parts,
                      enum rlog_read_type type, uint64_t token, uint64_t from, uint64_t to);
void rlog_reader_catchup(struct rlog_reader *reader, const struct rlog_parts *parts,
                         uint64_t token);
bool rlog_reader_advance(struct rlog_reader *reader, const struct rlog_parts *parts,
                         bool recovered);
/* A read of the store has ended; false if it is not one of the reader's. */
bool rlog_reader_stored(struct rlog_reader *reader, const struct rlog_parts *parts,
                        const struct rlog_store_done *done);

#endif
