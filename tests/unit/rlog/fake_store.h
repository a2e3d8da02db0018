/*
 * A store in memory for tests: holds encoded records, as LevelDB does, performs operations at once
 * or when told to, and fails the n-th of them.
 */
#ifndef TEPUI_TESTS_UNIT_RLOG_FAKE_STORE_H
#define TEPUI_TESTS_UNIT_RLOG_FAKE_STORE_H

#include "rlog/storage.h"

struct fake_record {
    uint64_t key; /* position + 1; 0 = metadata */
    struct blob *bytes;
};

struct fake_store {
    struct fake_record *records; /* by key */
    size_t count;
    size_t capacity;
    int fail_in;          /* the n-th operation from now on fails; 0 = none */
    bool fails_half;      /* what fails is written all the same */
    int64_t write_count;  /* WRITEs performed or failed */
    int64_t action_count; /* actions written by them */
};

void fake_store_deinit(struct fake_store *store);
/* What the completion points to is valid until fake_done_deinit. */
struct fake_done {
    struct rlog_store_done done;
    struct rlog_restored restored;
    struct rlog_action *actions;
};
/* Performs the operation, which is freed. */
void fake_store_perform(struct fake_store *store, struct rlog_store_op *op,
                        struct fake_done *ret_done);
void fake_done_deinit(struct fake_done *done);
struct blob *fake_store_find(const struct fake_store *store, uint64_t key);
void fake_store_put(struct fake_store *store, uint64_t key, struct slice bytes);

#endif
