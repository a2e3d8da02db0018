#include "logstore/log_store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"

/* A completion, with all that it points to. */
struct result {
    struct list link;
    struct rlog_store_done done;
    struct err err;
    struct rlog_restored restored;
    struct log_db_actions actions;
};

/* A thread, and what it is to do. */
struct lane {
    struct log_store *store;
    pthread_t thread;
    pthread_cond_t work;
    struct rlog_store_ops ops; /* not begun */
};

struct log_store {
    char *path;
    bool compacts;
    int fd;
    bool was_compacted;    /* at the start; only the writer's */
    pthread_rwlock_t open; /* held for writing while LevelDB is opened or closed */
    struct log_db *db;     /* NULL = not open */

    pthread_mutex_t mutex; /* guards what follows, and the lanes' lists */
    struct lane writer;
    struct lane reader;
    bool wants_compaction;
    bool stopping;
    struct list results;  /* not taken */
    struct result *taken; /* the last that was; only the owner's */
};

/* --- performing --- */

static void close_db(struct log_store *store)
{
    (void)pthread_rwlock_wrlock(&store->open);
    store->db = log_db_close(store->db);
    (void)pthread_rwlock_unlock(&store->open);
}

static int make_folders(const char *path, struct err *err)
{
    CLEANUP(xfreep) char *part = xstrdup(path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0') {
            continue;
        }
        char end = *at;
        *at = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST) {
            return err_errno(err, "%s", part);
        }
        if (end == '\0') {
            return 0;
        }
        *at = end;
    }
}

static int restore(struct log_store *store, struct result *result)
{
    close_db(store);
    struct log_db *db = NULL;
    int status = make_folders(store->path, &result->err);
    if (status == 0) {
        status = log_db_open(store->path, true, &db, &result->err);
    }
    if (status == 0 && !store->was_compacted) {
        store->was_compacted = true;
        log_db_compact(db, true);
    }
    if (status == 0) {
        status = log_db_restore(db, &result->restored, &result->err);
    }
    if (status != 0) {
        log_db_close(db);
        return status;
    }
    (void)pthread_rwlock_wrlock(&store->open);
    store->db = db;
    (void)pthread_rwlock_unlock(&store->open);
    return 0;
}

/* Only the writer opens and closes, so it needs no lock to look. */
static int write_op(struct log_store *store, const struct rlog_store_op *op, struct err *err)
{
    if (store->db == NULL) {
        return err_set(err, -EIO, "the log's store is not open");
    }
    int status = log_db_write(store->db, op, err);
    if (status == 0 && store->compacts && log_db_wants_compaction(store->db)) {
        (void)pthread_mutex_lock(&store->mutex);
        store->wants_compaction = true;
        (void)pthread_cond_signal(&store->reader.work);
        (void)pthread_mutex_unlock(&store->mutex);
    }
    return status;
}

static int read_op(struct log_store *store, const struct rlog_store_op *op, struct result *result)
{
    int status;
    (void)pthread_rwlock_rdlock(&store->open);
    if (store->db == NULL) {
        status = err_set(&result->err, -EIO, "the log's store is not open");
    } else {
        status =
            log_db_read(store->db, op->from, op->to, op->size_max, &result->actions, &result->err);
    }
    (void)pthread_rwlock_unlock(&store->open);
    return status;
}

static struct result *perform(struct log_store *store, const struct rlog_store_op *op)
{
    struct result *result = xalloc(sizeof(*result));
    rlog_restored_init(&result->restored);
    struct rlog_store_done *done = &result->done;
    done->type = op->type;
    done->token = op->token;
    switch (op->type) {
    case RLOG_STORE_RESTORE:
        done->status = restore(store, result);
        break;
    case RLOG_STORE_WRITE:
        done->status = write_op(store, op, &result->err);
        break;
    case RLOG_STORE_READ:
        done->status = read_op(store, op, result);
        break;
    }
    done->text = result->err.text;
    done->restored = &result->restored;
    done->actions = result->actions.actions;
    done->action_count = result->actions.count;
    done->more = result->actions.more;
    return result;
}

static struct result *result_free(struct result *result)
{
    if (result != NULL) {
        rlog_restored_deinit(&result->restored);
        log_db_actions_deinit(&result->actions);
        free(result);
    }
    return NULL;
}

static void compact(struct log_store *store)
{
    (void)pthread_rwlock_rdlock(&store->open);
    if (store->db != NULL) {
        log_db_compact(store->db, false);
    }
    (void)pthread_rwlock_unlock(&store->open);
}

/* --- threads --- */

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    struct log_store *store = lane->store;
    (void)pthread_mutex_lock(&store->mutex);
    for (;;) {
        struct rlog_store_op *op = rlog_store_ops_pop(&lane->ops);
        if (op != NULL) {
            (void)pthread_mutex_unlock(&store->mutex);
            struct result *result = perform(store, op);
            rlog_store_op_free(op);
            (void)pthread_mutex_lock(&store->mutex);
            list_push_back(&store->results, &result->link);
            (void)eventfd_write(store->fd, 1);
        } else if (lane == &store->reader && store->wants_compaction) {
            store->wants_compaction = false;
            (void)pthread_mutex_unlock(&store->mutex);
            compact(store);
            (void)pthread_mutex_lock(&store->mutex);
        } else if (store->stopping) {
            break;
        } else {
            (void)pthread_cond_wait(&lane->work, &store->mutex);
        }
    }
    (void)pthread_mutex_unlock(&store->mutex);
    return NULL;
}

static int start_lane(struct log_store *store, struct lane *lane)
{
    lane->store = store;
    rlog_store_ops_init(&lane->ops);
    (void)pthread_cond_init(&lane->work, NULL);
    return -pthread_create(&lane->thread, NULL, run_lane, lane);
}

int log_store_start(const struct log_store_options *options, struct log_store **ret_store,
                    struct err *err)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        return err_errno(err, "eventfd");
    }
    struct log_store *store = xalloc(sizeof(*store));
    store->path = xstrdup(options->path);
    store->compacts = options->compacts;
    store->fd = fd;
    list_init(&store->results);
    (void)pthread_rwlock_init(&store->open, NULL);
    (void)pthread_mutex_init(&store->mutex, NULL);
    /* That a thread cannot be made at the start is as good as being out of memory. */
    ASSERT(start_lane(store, &store->writer) == 0);
    ASSERT(start_lane(store, &store->reader) == 0);
    *ret_store = store;
    return 0;
}

static void stop_lane(struct lane *lane)
{
    (void)pthread_mutex_lock(&lane->store->mutex);
    lane->store->stopping = true;
    (void)pthread_cond_signal(&lane->work);
    (void)pthread_mutex_unlock(&lane->store->mutex);
    (void)pthread_join(lane->thread, NULL);
    (void)pthread_cond_destroy(&lane->work);
}

struct log_store *log_store_free(struct log_store *store)
{
    if (store != NULL) {
        stop_lane(&store->writer);
        stop_lane(&store->reader);
        log_db_close(store->db);
        struct list *link;
        while ((link = list_pop_front(&store->results)) != NULL) {
            result_free(LIST_ENTRY(link, struct result, link));
        }
        result_free(store->taken);
        (void)pthread_rwlock_destroy(&store->open);
        (void)pthread_mutex_destroy(&store->mutex);
        (void)close(store->fd);
        free(store->path);
        free(store);
    }
    return NULL;
}

/* --- the owner's side --- */

void log_store_submit(struct log_store *store, struct rlog_store_ops *ops)
{
    struct rlog_store_op *op;
    while ((op = rlog_store_ops_pop(ops)) != NULL) {
        struct lane *lane = op->type == RLOG_STORE_READ ? &store->reader : &store->writer;
        (void)pthread_mutex_lock(&store->mutex);
        rlog_store_ops_put(&lane->ops, op);
        (void)pthread_cond_signal(&lane->work);
        (void)pthread_mutex_unlock(&store->mutex);
    }
}

int log_store_fd(const struct log_store *store)
{
    return store->fd;
}

const struct rlog_store_done *log_store_take(struct log_store *store)
{
    store->taken = result_free(store->taken);
    (void)pthread_mutex_lock(&store->mutex);
    struct list *link = list_pop_front(&store->results);
    if (link != NULL && list_is_empty(&store->results)) {
        eventfd_t count;
        (void)eventfd_read(store->fd, &count);
    }
    (void)pthread_mutex_unlock(&store->mutex);
    if (link == NULL) {
        return NULL;
    }
    store->taken = LIST_ENTRY(link, struct result, link);
    return &store->taken->done;
}
