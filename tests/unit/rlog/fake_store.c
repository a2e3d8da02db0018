#include "fake_store.h"

#include <errno.h>
#include <stdlib.h>

#include "common/xalloc.h"

void fake_store_deinit(struct fake_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        blob_unref(store->records[i].bytes);
    }
    free(store->records);
    *store = (struct fake_store){0};
}

static size_t find(const struct fake_store *store, uint64_t key)
{
    size_t at = 0;
    while (at < store->count && store->records[at].key < key) {
        at++;
    }
    return at;
}

struct blob *fake_store_find(const struct fake_store *store, uint64_t key)
{
    size_t at = find(store, key);
    return at < store->count && store->records[at].key == key ? store->records[at].bytes : NULL;
}

void fake_store_put(struct fake_store *store, uint64_t key, struct slice bytes)
{
    size_t at = find(store, key);
    if (at < store->count && store->records[at].key == key) {
        blob_unref(store->records[at].bytes);
        store->records[at].bytes = blob_from(bytes);
        return;
    }
    if (store->count == store->capacity) {
        store->capacity = MAX(store->capacity * 2, (size_t)16);
        store->records = xrealloc(store->records, store->capacity, sizeof(store->records[0]));
    }
    memmove(store->records + at + 1, store->records + at,
            (store->count - at) * sizeof(store->records[0]));
    store->records[at] = (struct fake_record){key, blob_from(bytes)};
    store->count++;
}

static void delete_to(struct fake_store *store, uint64_t position)
{
    size_t kept = 0;
    for (size_t i = 0; i < store->count; i++) {
        if (store->records[i].key == 0 || store->records[i].key > position) {
            store->records[kept++] = store->records[i];
        } else {
            blob_unref(store->records[i].bytes);
        }
    }
    store->count = kept;
}

static void write_all(struct fake_store *store, const struct rlog_store_op *op)
{
    CLEANUP(buf_deinit) struct buf bytes = BUF_INIT;
    if (op->has_metadata) {
        rlog_record_encode_metadata(op->status, op->promised, &bytes);
        fake_store_put(store, 0, buf_slice(&bytes));
    }
    for (size_t i = 0; i < op->action_count; i++) {
        buf_clear(&bytes);
        rlog_record_encode_action(&op->actions[i], &bytes);
        fake_store_put(store, op->actions[i].position + 1, buf_slice(&bytes));
    }
    delete_to(store, op->delete_to);
}

static void restore(const struct fake_store *store, struct fake_done *done)
{
    for (size_t i = 0; i < store->count; i++) {
        struct rlog_record record;
        struct err err;
        done->done.status = rlog_record_decode(blob_slice(store->records[i].bytes), &record, &err);
        if (done->done.status != 0) {
            return;
        }
        rlog_restored_add(&done->restored, &record);
        rlog_action_deinit(&record.action);
    }
}

static void read_range(const struct fake_store *store, const struct rlog_store_op *op,
                       struct fake_done *done)
{
    size_t size = 0;
    done->actions = xcalloc(store->count + 1, sizeof(done->actions[0]));
    for (size_t i = find(store, op->from + 1); i < store->count; i++) {
        if (store->records[i].key > op->to + 1) {
            break;
        }
        if (done->done.action_count > 0 && size >= op->size_max) {
            done->done.more = true;
            break;
        }
        struct rlog_record record;
        struct err err;
        if (rlog_record_decode(blob_slice(store->records[i].bytes), &record, &err) != 0) {
            done->done.status = -EBADMSG;
            return;
        }
        size += store->records[i].bytes->size;
        done->actions[done->done.action_count++] = record.action;
    }
}

void fake_store_perform(struct fake_store *store, struct rlog_store_op *op,
                        struct fake_done *ret_done)
{
    *ret_done = (struct fake_done){.done = {.type = op->type, .token = op->token}};
    rlog_restored_init(&ret_done->restored);
    bool fails = store->fail_in > 0 && --store->fail_in == 0;
    if (fails) {
        ret_done->done.status = -ENOSPC;
        ret_done->done.text = "no space";
    }
    switch (op->type) {
    case RLOG_STORE_RESTORE:
        if (!fails) {
            restore(store, ret_done);
        }
        break;
    case RLOG_STORE_WRITE:
        store->write_count++;
        store->action_count += (int64_t)op->action_count;
        if (!fails || store->fails_half) {
            write_all(store, op);
        }
        break;
    case RLOG_STORE_READ:
        if (!fails) {
            read_range(store, op, ret_done);
        }
        break;
    }
    ret_done->done.restored = &ret_done->restored;
    ret_done->done.actions = ret_done->actions;
    rlog_store_op_free(op);
}

void fake_done_deinit(struct fake_done *done)
{
    for (size_t i = 0; i < done->done.action_count; i++) {
        rlog_action_deinit(&done->actions[i]);
    }
    free(done->actions);
    rlog_restored_deinit(&done->restored);
}
