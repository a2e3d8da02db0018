#include "sim/rlog_store.h"

#include <stdlib.h>

#include "common/map.h"
#include "common/xalloc.h"
#include "sim/sim_disk.h"

struct frame_head {
    uint64_t size; /* bytes of what follows */
    uint64_t sum;  /* of these */
};

struct rlog_sim_store {
    struct sim_node *node;
    char *path;
    rlog_sim_stored_fn *stored;
    void *arg;
    /* What is durable. */
    enum rlog_status status;
    uint64_t promised;
    uint64_t begin;
    struct rlog_action *actions; /* by position */
    size_t count;
    size_t capacity;
    int torn_count;
    struct blob *frame; /* of the write under way */
    uint64_t token;
};

/* A read or a restore that is under way. */
struct pending {
    struct rlog_sim_store *store;
    struct rlog_store_op *op;
};

struct rlog_sim_store *rlog_sim_store_new(struct sim_node *node, const char *path,
                                          rlog_sim_stored_fn *stored, void *arg)
{
    struct rlog_sim_store *store = xalloc(sizeof(*store));
    store->node = node;
    store->path = xstrdup(path);
    store->stored = stored;
    store->arg = arg;
    store->status = RLOG_EMPTY;
    return store;
}

static void clear(struct rlog_sim_store *store)
{
    for (size_t i = 0; i < store->count; i++) {
        rlog_action_deinit(&store->actions[i]);
    }
    store->count = 0;
    store->status = RLOG_EMPTY;
    store->promised = store->begin = 0;
}

struct rlog_sim_store *rlog_sim_store_free(struct rlog_sim_store *store)
{
    if (store != NULL) {
        clear(store);
        free(store->actions);
        blob_unref(store->frame);
        free(store->path);
        free(store);
    }
    return NULL;
}

static size_t lower_bound(const struct rlog_sim_store *store, uint64_t position)
{
    size_t at = 0;
    while (at < store->count && store->actions[at].position < position) {
        at++;
    }
    return at;
}

static void put(struct rlog_sim_store *store, const struct rlog_action *action)
{
    size_t at = lower_bound(store, action->position);
    struct rlog_action copy = rlog_action_ref(action);
    if (at < store->count && store->actions[at].position == action->position) {
        rlog_action_deinit(&store->actions[at]);
        store->actions[at] = copy;
        return;
    }
    if (store->count == store->capacity) {
        store->capacity = MAX(store->capacity * 2, (size_t)16);
        store->actions = xrealloc(store->actions, store->capacity, sizeof(copy));
    }
    memmove(store->actions + at + 1, store->actions + at, (store->count - at) * sizeof(copy));
    store->actions[at] = copy;
    store->count++;
}

static void delete_to(struct rlog_sim_store *store, uint64_t position)
{
    size_t gone = lower_bound(store, position);
    for (size_t i = 0; i < gone; i++) {
        rlog_action_deinit(&store->actions[i]);
    }
    store->count -= gone;
    if (gone == 0) {
        return;
    }
    memmove(store->actions, store->actions + gone, store->count * sizeof(store->actions[0]));
}

/* --- frames --- */

static uint64_t sum_of(struct slice s)
{
    static const uint64_t seed[2] = {1, 2};
    return map_hash(seed, s);
}

static void append_record(struct buf *out, const struct buf *record)
{
    uint64_t size = record->size;
    buf_append(out, &size, sizeof(size));
    buf_append_slice(out, buf_slice(record));
}

static struct blob *make_frame(const struct rlog_store_op *op)
{
    struct buf body = BUF_INIT;
    CLEANUP(buf_deinit) struct buf record = BUF_INIT;
    buf_append(&body, &op->delete_to, sizeof(op->delete_to));
    if (op->has_metadata) {
        rlog_record_encode_metadata(op->status, op->promised, &record);
        append_record(&body, &record);
    }
    for (size_t i = 0; i < op->action_count; i++) {
        buf_clear(&record);
        rlog_record_encode_action(&op->actions[i], &record);
        append_record(&body, &record);
    }
    struct frame_head head = {body.size, sum_of(buf_slice(&body))};
    struct buf frame = BUF_INIT;
    buf_append(&frame, &head, sizeof(head));
    buf_append_slice(&frame, buf_slice(&body));
    buf_deinit(&body);
    return blob_take(&frame);
}

static void apply_record(struct rlog_sim_store *store, struct slice bytes)
{
    struct rlog_record record;
    struct err err = {""};
    ASSERT(rlog_record_decode(bytes, &record, &err) == 0);
    if (record.type == RLOG_RECORD_METADATA) {
        store->status = record.status;
        store->promised = record.promised;
        return;
    }
    store->begin = MAX(store->begin, rlog_action_begin(&record.action));
    put(store, &record.action);
    rlog_action_deinit(&record.action);
}

static void apply_frame(struct rlog_sim_store *store, struct slice body)
{
    uint64_t to;
    memcpy(&to, body.data, sizeof(to));
    body = slice_skip(body, sizeof(to));
    while (body.size > 0) {
        uint64_t size;
        memcpy(&size, body.data, sizeof(size));
        apply_record(store, slice_make(body.data + sizeof(size), size));
        body = slice_skip(body, sizeof(size) + size);
    }
    delete_to(store, to);
}

/* The next whole frame's body; false at the end, or if what is there is torn. */
static bool next_frame(struct slice *rest, struct slice *ret_body)
{
    struct frame_head head;
    if (rest->size < sizeof(head)) {
        return false;
    }
    memcpy(&head, rest->data, sizeof(head));
    if (head.size > rest->size - sizeof(head)) {
        return false;
    }
    struct slice body = slice_make(rest->data + sizeof(head), head.size);
    if (sum_of(body) != head.sum) {
        return false;
    }
    *rest = slice_skip(*rest, sizeof(head) + head.size);
    *ret_body = body;
    return true;
}

static void load(struct rlog_sim_store *store)
{
    clear(store);
    CLEANUP(blob_unrefp) struct blob *file = sim_disk_read(store->node->disk, store->path);
    struct slice rest = blob_slice(file);
    struct slice body;
    while (next_frame(&rest, &body)) {
        apply_frame(store, body);
    }
    if (rest.size > 0) {
        store->torn_count++;
        struct store_ops ops;
        store_ops_init(&ops);
        struct store_op *op = store_append(&ops, 0, store->path, NULL);
        op->type = STORE_TRUNCATE;
        op->size = file->size - rest.size;
        sim_perform_store(store->node, &ops);
    }
}

/* --- operations --- */

static void tell_restored(struct rlog_sim_store *store, const struct rlog_store_op *op)
{
    struct rlog_restored restored;
    rlog_restored_init(&restored);
    load(store);
    struct rlog_record record = {
        .type = RLOG_RECORD_METADATA, .status = store->status, .promised = store->promised};
    rlog_restored_add(&restored, &record);
    record.type = RLOG_RECORD_ACTION;
    for (size_t i = 0; i < store->count; i++) {
        record.action = store->actions[i];
        rlog_restored_add(&restored, &record);
    }
    struct rlog_store_done done = {.type = op->type, .token = op->token, .restored = &restored};
    store->stored(store->arg, &done);
    rlog_restored_deinit(&restored);
}

static void tell_read(struct rlog_sim_store *store, const struct rlog_store_op *op)
{
    size_t first = lower_bound(store, op->from);
    size_t last = first;
    size_t size = 0;
    struct rlog_store_done done = {.type = op->type, .token = op->token};
    struct rlog_action *actions = xcalloc(store->count + 1, sizeof(actions[0]));
    while (last < store->count && store->actions[last].position <= op->to) {
        if (last > first && size >= op->size_max) {
            done.more = true;
            break;
        }
        size += 16 + blob_slice(store->actions[last].bytes).size;
        actions[last - first] = rlog_action_ref(&store->actions[last]);
        last++;
    }
    done.actions = actions;
    done.action_count = last - first;
    store->stored(store->arg, &done);
    for (size_t i = 0; i < last - first; i++) {
        rlog_action_deinit(&actions[i]);
    }
    free(actions);
}

static void pending_free(void *arg)
{
    struct pending *pending = arg;
    rlog_store_op_free(pending->op);
    free(pending);
}

static void pending_done(struct sim *sim UNUSED, void *arg)
{
    struct pending *pending = arg;
    if (pending->op->type == RLOG_STORE_RESTORE) {
        tell_restored(pending->store, pending->op);
    } else {
        tell_read(pending->store, pending->op);
    }
    pending_free(pending);
}

void rlog_sim_store_perform(struct rlog_sim_store *store, struct rlog_store_ops *ops)
{
    struct sim *sim = store->node->sim;
    struct rlog_store_op *op;
    while ((op = rlog_store_ops_pop(ops)) != NULL) {
        if (op->type == RLOG_STORE_WRITE) {
            ASSERT(store->frame == NULL);
            store->frame = make_frame(op);
            store->token = op->token;
            struct store_ops file_ops;
            store_ops_init(&file_ops);
            store_append(&file_ops, op->token, store->path, blob_ref(store->frame))->durable = true;
            sim_perform_store(store->node, &file_ops);
            rlog_store_op_free(op);
            continue;
        }
        struct pending *pending = xalloc(sizeof(*pending));
        pending->store = store;
        pending->op = op;
        int64_t at_ns =
            sim->now_ns + sim_draw_ns(sim, sim->options.disk_min_ns, sim->options.disk_max_ns);
        sim_schedule(sim, at_ns, store->node, pending_done, pending, pending_free);
    }
}

void rlog_sim_store_done(struct rlog_sim_store *store, const struct store_done *disk_done)
{
    ASSERT(disk_done->token == store->token);
    struct rlog_store_done done = {
        .type = RLOG_STORE_WRITE,
        .token = store->token,
        .status = disk_done->status,
        .text = disk_done->status != 0 ? "the disk is full" : NULL,
    };
    if (disk_done->status == 0) {
        struct slice frame = blob_slice(store->frame);
        apply_frame(store, slice_skip(frame, sizeof(struct frame_head)));
    }
    store->frame = blob_unref(store->frame);
    store->stored(store->arg, &done);
}

const struct rlog_action *rlog_sim_store_find(const struct rlog_sim_store *store, uint64_t position)
{
    size_t at = lower_bound(store, position);
    return at < store->count && store->actions[at].position == position ? &store->actions[at]
                                                                        : NULL;
}

uint64_t rlog_sim_store_promised(const struct rlog_sim_store *store)
{
    return store->promised;
}

uint64_t rlog_sim_store_begin(const struct rlog_sim_store *store)
{
    return store->begin;
}

uint64_t rlog_sim_store_end(const struct rlog_sim_store *store)
{
    return store->count > 0 ? store->actions[store->count - 1].position : 0;
}

int rlog_sim_store_torn_count(const struct rlog_sim_store *store)
{
    return store->torn_count;
}
