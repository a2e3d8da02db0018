#include "logstore/log_db.h"

#include <errno.h>
#include <leveldb/c.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"

#define METADATA_KEY "0000000000"
#define SHORT_KEY_MAX UINT64_C(9999999999)
#define NOTHING UINT64_MAX

struct log_db {
    leveldb_t *db;
    leveldb_options_t *options;
    leveldb_readoptions_t *reading;
    leveldb_writeoptions_t *syncing;
    leveldb_writeoptions_t *not_syncing;
    uint64_t first; /* no action lies below; NOTHING = none is known */

    pthread_mutex_t mutex; /* guards what follows */
    uint64_t deleted_from; /* range that was deleted, and not compacted; NOTHING = none */
    uint64_t deleted_to;
    size_t deleted_size; /* bytes of values there */
    size_t deleted_count;
};

size_t log_db_key(uint64_t position, char ret_key[LOG_DB_KEY_SIZE_MAX])
{
    ASSERT(position <= RLOG_POSITION_MAX);
    uint64_t number = position + 1;
    const char *form = number <= SHORT_KEY_MAX ? "%010llu" : "A%020llu";
    return (size_t)snprintf(ret_key, LOG_DB_KEY_SIZE_MAX, form, (unsigned long long)number);
}

/* Takes over LevelDB's text. */
static int failed(char *text, const char *what, struct err *err)
{
    int code = -EIO;
    if (strncmp(text, "Corruption", strlen("Corruption")) == 0) {
        code = -EBADMSG;
    } else if (strstr(text, strerror(ENOSPC)) != NULL) {
        code = -ENOSPC;
    } else if (strstr(text, "does not exist") != NULL) {
        code = -ENOENT;
    }
    err_set(err, code, "%s: %s", what, text);
    leveldb_free(text);
    return code;
}

int log_db_open(const char *path, bool create, struct log_db **ret_db, struct err *err)
{
    if (!create && access(path, F_OK) != 0) {
        /* LevelDB would make the folder, and then complain. */
        return err_errno(err, "%s does not exist", path);
    }
    struct log_db *db = xalloc(sizeof(*db));
    (void)pthread_mutex_init(&db->mutex, NULL);
    db->first = db->deleted_from = NOTHING;
    db->options = leveldb_options_create();
    leveldb_options_set_create_if_missing(db->options, create);
    leveldb_options_set_compression(db->options, leveldb_no_compression);
    db->reading = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(db->reading, 1);
    db->syncing = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(db->syncing, 1);
    db->not_syncing = leveldb_writeoptions_create();
    char *text = NULL;
    db->db = leveldb_open(db->options, path, &text);
    if (text != NULL) {
        int status = failed(text, path, err);
        log_db_close(db);
        return status;
    }
    *ret_db = db;
    return 0;
}

struct log_db *log_db_close(struct log_db *db)
{
    if (db != NULL) {
        if (db->db != NULL) {
            leveldb_close(db->db);
        }
        leveldb_options_destroy(db->options);
        leveldb_readoptions_destroy(db->reading);
        leveldb_writeoptions_destroy(db->syncing);
        leveldb_writeoptions_destroy(db->not_syncing);
        (void)pthread_mutex_destroy(&db->mutex);
        free(db);
    }
    return NULL;
}

/* --- reading --- */

static struct slice value_of(leveldb_iterator_t *at)
{
    size_t size;
    const char *data = leveldb_iter_value(at, &size);
    return slice_make(data, size);
}

static struct slice key_of(leveldb_iterator_t *at)
{
    size_t size;
    const char *data = leveldb_iter_key(at, &size);
    return slice_make(data, size);
}

static int iterator_status(leveldb_iterator_t *at, struct err *err)
{
    char *text = NULL;
    leveldb_iter_get_error(at, &text);
    return text != NULL ? failed(text, "reading the log", err) : 0;
}

int log_db_restore(struct log_db *db, struct rlog_restored *ret_restored, struct err *err)
{
    leveldb_iterator_t *at = leveldb_create_iterator(db->db, db->reading);
    struct rlog_restored restored;
    rlog_restored_init(&restored);
    db->first = NOTHING;
    int status = 0;
    for (leveldb_iter_seek_to_first(at); status == 0 && leveldb_iter_valid(at);
         leveldb_iter_next(at)) {
        struct rlog_record record;
        status = rlog_record_decode(value_of(at), &record, err);
        if (status != 0) {
            struct slice key = key_of(at);
            err_wrap(err, status, "key %.*s", SLICE_ARGS(key));
            break;
        }
        if (record.type == RLOG_RECORD_ACTION) {
            db->first = MIN(db->first, record.action.position);
        }
        rlog_restored_add(&restored, &record);
        rlog_action_deinit(&record.action);
    }
    if (status == 0) {
        status = iterator_status(at, err);
    }
    leveldb_iter_destroy(at);
    if (status != 0) {
        rlog_restored_deinit(&restored);
        return status;
    }
    *ret_restored = restored;
    return 0;
}

void log_db_actions_deinit(struct log_db_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        rlog_action_deinit(&actions->actions[i]);
    }
    free(actions->actions);
    *actions = (struct log_db_actions){0};
}

static void add_action(struct log_db_actions *actions, struct rlog_action *action)
{
    if (actions->count == actions->capacity) {
        actions->capacity = MAX(actions->capacity * 2, (size_t)4);
        actions->actions =
            xrealloc(actions->actions, actions->capacity, sizeof(actions->actions[0]));
    }
    actions->actions[actions->count++] = *action;
}

static int read_range(leveldb_iterator_t *at, uint64_t to, size_t size_max,
                      struct log_db_actions *actions, struct err *err)
{
    char key[LOG_DB_KEY_SIZE_MAX];
    struct slice last = slice_make(key, log_db_key(to, key));
    size_t size = 0;
    for (; leveldb_iter_valid(at) && slice_compare(key_of(at), last) <= 0; leveldb_iter_next(at)) {
        struct slice value = value_of(at);
        struct rlog_record record;
        if (actions->count > 0 && size + value.size > size_max) {
            actions->more = true;
            break;
        }
        int status = rlog_record_decode(value, &record, err);
        if (status != 0) {
            return status;
        }
        if (record.type != RLOG_RECORD_ACTION) {
            return err_set(err, -EBADMSG, "a record among the positions that is no action");
        }
        size += value.size;
        add_action(actions, &record.action);
    }
    return iterator_status(at, err);
}

int log_db_read(struct log_db *db, uint64_t from, uint64_t to, size_t size_max,
                struct log_db_actions *ret_actions, struct err *err)
{
    char key[LOG_DB_KEY_SIZE_MAX];
    size_t key_size = log_db_key(from, key);
    struct log_db_actions actions = {0};
    leveldb_iterator_t *at = leveldb_create_iterator(db->db, db->reading);
    leveldb_iter_seek(at, key, key_size);
    int status = read_range(at, to, size_max, &actions, err);
    leveldb_iter_destroy(at);
    if (status != 0) {
        log_db_actions_deinit(&actions);
        return status;
    }
    *ret_actions = actions;
    return 0;
}

/* --- writing --- */

static void note_deleted(struct log_db *db, uint64_t from, uint64_t to, size_t size, size_t count)
{
    (void)pthread_mutex_lock(&db->mutex);
    db->deleted_from = MIN(db->deleted_from, from);
    db->deleted_to = to;
    db->deleted_size += size;
    db->deleted_count += count;
    (void)pthread_mutex_unlock(&db->mutex);
}

/* The position that a key is of; only for keys of actions. */
static uint64_t position_of(struct slice key)
{
    uint64_t number = 0;
    for (size_t i = key.data[0] == 'A'; i < key.size; i++) {
        number = number * 10 + (uint64_t)(key.data[i] - '0');
    }
    return number - 1;
}

/* Puts deletions of actions below `to` into the batch, at most LOG_DB_DELETE_MAX of them, and moves
 * `first` to where it stopped. */
static int delete_some(struct log_db *db, leveldb_writebatch_t *batch, uint64_t to, struct err *err)
{
    char key[LOG_DB_KEY_SIZE_MAX];
    char end_key[LOG_DB_KEY_SIZE_MAX];
    size_t count = 0;
    size_t size = 0;
    uint64_t reached = to;
    struct slice end = slice_make(end_key, log_db_key(to, end_key));
    leveldb_iterator_t *at = leveldb_create_iterator(db->db, db->reading);
    leveldb_iter_seek(at, key, log_db_key(db->first, key));
    for (; leveldb_iter_valid(at) && slice_compare(key_of(at), end) < 0; leveldb_iter_next(at)) {
        struct slice found = key_of(at);
        if (count == LOG_DB_DELETE_MAX) {
            reached = position_of(found);
            break;
        }
        leveldb_writebatch_delete(batch, found.data, found.size);
        size += value_of(at).size;
        count++;
    }
    int status = iterator_status(at, err);
    leveldb_iter_destroy(at);
    if (status == 0 && count > 0) {
        note_deleted(db, db->first, reached, size, count);
    }
    db->first = status == 0 ? reached : db->first;
    return status;
}

static int write_batch(struct log_db *db, leveldb_writebatch_t *batch, bool sync, struct err *err)
{
    char *text = NULL;
    leveldb_write(db->db, sync ? db->syncing : db->not_syncing, batch, &text);
    return text != NULL ? failed(text, "writing the log", err) : 0;
}

/* What one synced batch cannot delete follows in others. They need no sync: what comes back after a
 * crash is below the beginning, and goes with the next truncation. */
static int delete_rest(struct log_db *db, uint64_t to, struct err *err)
{
    int status = 0;
    while (status == 0 && db->first < to) {
        leveldb_writebatch_t *batch = leveldb_writebatch_create();
        status = delete_some(db, batch, to, err);
        if (status == 0) {
            status = write_batch(db, batch, false, err);
        }
        leveldb_writebatch_destroy(batch);
    }
    return status;
}

static void put_all(struct log_db *db, const struct rlog_store_op *op, leveldb_writebatch_t *batch)
{
    CLEANUP(buf_deinit) struct buf value = BUF_INIT;
    if (op->has_metadata) {
        rlog_record_encode_metadata(op->status, op->promised, &value);
        leveldb_writebatch_put(batch, METADATA_KEY, strlen(METADATA_KEY), value.data, value.size);
    }
    for (size_t i = 0; i < op->action_count; i++) {
        const struct rlog_action *action = &op->actions[i];
        if (action->position < op->delete_to) {
            continue;
        }
        char key[LOG_DB_KEY_SIZE_MAX];
        size_t key_size = log_db_key(action->position, key);
        buf_clear(&value);
        rlog_record_encode_action(action, &value);
        leveldb_writebatch_put(batch, key, key_size, value.data, value.size);
        db->first = MIN(db->first, action->position);
    }
}

int log_db_write(struct log_db *db, const struct rlog_store_op *op, struct err *err)
{
    leveldb_writebatch_t *batch = leveldb_writebatch_create();
    int status = 0;
    if (db->first < op->delete_to) {
        status = delete_some(db, batch, op->delete_to, err);
    }
    put_all(db, op, batch);
    if (status == 0) {
        status = write_batch(db, batch, true, err);
    }
    leveldb_writebatch_destroy(batch);
    if (status == 0 && db->first < op->delete_to) {
        status = delete_rest(db, op->delete_to, err);
    }
    return status;
}

/* --- compacting --- */

bool log_db_wants_compaction(struct log_db *db)
{
    (void)pthread_mutex_lock(&db->mutex);
    bool wants =
        db->deleted_size >= LOG_DB_COMPACT_SIZE || db->deleted_count >= LOG_DB_COMPACT_COUNT;
    (void)pthread_mutex_unlock(&db->mutex);
    return wants;
}

void log_db_compact(struct log_db *db, bool all)
{
    if (all) {
        leveldb_compact_range(db->db, NULL, 0, NULL, 0);
        return;
    }
    (void)pthread_mutex_lock(&db->mutex);
    uint64_t from = db->deleted_from;
    uint64_t to = db->deleted_to;
    db->deleted_from = NOTHING;
    db->deleted_size = db->deleted_count = 0;
    (void)pthread_mutex_unlock(&db->mutex);
    if (from != NOTHING) {
        char first[LOG_DB_KEY_SIZE_MAX];
        char last[LOG_DB_KEY_SIZE_MAX];
        size_t first_size = log_db_key(from, first);
        leveldb_compact_range(db->db, first, first_size, last, log_db_key(to, last));
    }
}
