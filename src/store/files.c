#include "store/files.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "store/files_op.h"
#include "store/tree_remove.h"

struct completion {
    struct list link;
    struct store_done done;
};

/* A folder that was moved away and is to be deleted. */
struct rubbish {
    struct list link;
    char *path; /* heap */
};

struct files {
    char *trash_dir;
    int event_fd;
    pthread_t writer;
    pthread_t deleter;

    /* the writer's own */
    struct files_unsynced unsynced;
    uint64_t trash_number; /* names in the trash */
    int broken;            /* -errno: a sync failed, nothing is promised from here on */
    int last_status;       /* of the operation before: what is chained to it depends on it */

    /* shared, under the lock */
    pthread_mutex_t lock;
    pthread_cond_t submitted;
    pthread_cond_t thrown_away;
    struct store_ops ops;
    struct list completions; /* of struct completion */
    struct list rubbish;     /* of struct rubbish */
    bool is_ending;          /* no more is submitted */
    bool is_written;         /* the writer has ended */
};

/* --- completions --- */

static void announce(struct files *files)
{
    uint64_t one = 1;
    ssize_t n = write(files->event_fd, &one, sizeof(one));
    ASSERT(n == (ssize_t)sizeof(one));
}

static struct completion *completion_new(uint64_t token, int status)
{
    struct completion *completion = xalloc(sizeof(*completion));
    completion->done = (struct store_done){token, status};
    list_init(&completion->link);
    return completion;
}

static void deliver(struct files *files, struct list *completions)
{
    if (list_is_empty(completions)) {
        return;
    }
    pthread_mutex_lock(&files->lock);
    struct list *link;
    while ((link = list_pop_front(completions)) != NULL) {
        list_push_back(&files->completions, link);
    }
    pthread_mutex_unlock(&files->lock);
    announce(files);
}

/* --- the writer --- */

static void throw_away(struct files *files, char *path)
{
    struct rubbish *rubbish = xalloc(sizeof(*rubbish));
    rubbish->path = path;
    pthread_mutex_lock(&files->lock);
    list_push_back(&files->rubbish, &rubbish->link);
    pthread_cond_signal(&files->thrown_away);
    pthread_mutex_unlock(&files->lock);
}

static int perform(struct files *files, const struct store_op *op)
{
    if (op->type != STORE_REMOVE) {
        return files_op_perform(op, NULL, &files->unsynced);
    }
    char *trash = xasprintf("%s/%llu", files->trash_dir, (unsigned long long)++files->trash_number);
    int r = files_op_perform(op, trash, &files->unsynced);
    if (r == 0 && access(trash, F_OK) == 0) {
        throw_away(files, trash);
    } else {
        free(trash);
    }
    return r;
}

/* One sync for all that is not synced yet, and then the completions. */
static void settle(struct files *files, struct list *completions)
{
    int status = files_unsynced_sync(&files->unsynced);
    if (status != 0) {
        files->broken = status;
        struct completion *completion;
        LIST_FOR_EACH (completion, completions, link) {
            completion->done.status = status;
        }
        struct completion *failure = completion_new(0, status);
        list_push_back(completions, &failure->link);
    }
    deliver(files, completions);
}

static int perform_in_turn(struct files *files, const struct store_op *op)
{
    if (op->chained && files->last_status != 0) {
        return -ECANCELED;
    }
    if (files->broken != 0 && (op->durable || op->after_sync)) {
        return files->broken;
    }
    return perform(files, op);
}

/* Up to FILES_ROUND_MAX operations under one sync, but for those that come after one. */
static void do_round(struct files *files, struct store_ops *ops)
{
    struct list completions;
    list_init(&completions);
    struct store_op *op;
    for (size_t i = 0; i < FILES_ROUND_MAX && (op = store_op_pop(ops)) != NULL; i++) {
        if (op->after_sync) {
            settle(files, &completions);
        }
        int status = files->last_status = perform_in_turn(files, op);
        if (op->token != 0 || (status != 0 && op->durable)) {
            struct completion *completion = completion_new(op->token, status);
            list_push_back(&completions, &completion->link);
        }
        store_op_free(op);
        /* What needs no sync is told at once, as long as nothing before it needs one. */
        if (files->unsynced.fd_count == 0 && files->unsynced.folder_count == 0) {
            deliver(files, &completions);
        }
    }
    settle(files, &completions);
}

static void take_ops(struct store_ops *from, struct store_ops *to)
{
    struct list *link;
    while ((link = list_pop_front(&from->list)) != NULL) {
        list_push_back(&to->list, link);
    }
}

static void *write_forever(void *arg)
{
    struct files *files = arg;
    struct store_ops ops;
    store_ops_init(&ops);
    for (;;) {
        pthread_mutex_lock(&files->lock);
        while (list_is_empty(&files->ops.list) && list_is_empty(&ops.list) && !files->is_ending) {
            pthread_cond_wait(&files->submitted, &files->lock);
        }
        take_ops(&files->ops, &ops);
        bool is_over = files->is_ending && list_is_empty(&ops.list);
        if (is_over) {
            files->is_written = true;
            pthread_cond_signal(&files->thrown_away);
        }
        pthread_mutex_unlock(&files->lock);
        if (is_over) {
            return NULL;
        }
        do_round(files, &ops);
    }
}

/* --- the deleter --- */

static void *delete_forever(void *arg)
{
    struct files *files = arg;
    for (;;) {
        pthread_mutex_lock(&files->lock);
        while (list_is_empty(&files->rubbish) && !files->is_written) {
            pthread_cond_wait(&files->thrown_away, &files->lock);
        }
        /* At the end what is left waits for the next start. */
        struct list *link = files->is_written ? NULL : list_pop_front(&files->rubbish);
        pthread_mutex_unlock(&files->lock);
        if (link == NULL) {
            return NULL;
        }
        struct rubbish *rubbish = LIST_ENTRY(link, struct rubbish, link);
        (void)!tree_remove(rubbish->path); /* what stays is tried again at the next start */
        free(rubbish->path);
        free(rubbish);
    }
}

/* --- the face --- */

/* The trash of before gets a name of its own in a new trash, and goes like everything else. */
static int prepare_trash(struct files *files, struct err *err)
{
    char *old = xasprintf("%s.old", files->trash_dir);
    char *inside = xasprintf("%s/0", files->trash_dir);
    int r = rename(files->trash_dir, old) != 0 && errno != ENOENT ? -errno : 0;
    if (r == -ENOTEMPTY || r == -EEXIST) {
        r = tree_remove(old);
        if (r == 0 && rename(files->trash_dir, old) != 0) {
            r = -errno;
        }
    }
    if (r == 0 && mkdir(files->trash_dir, 0700) != 0) {
        r = -errno;
    }
    if (r == 0 && rename(old, inside) == 0) {
        throw_away(files, xstrdup(inside));
    }
    free(old);
    free(inside);
    return r != 0 ? err_set(err, r, "%s: %s", files->trash_dir, strerror(-r)) : 0;
}

int files_start(const char *trash_dir, struct files **ret_files, struct err *err)
{
    struct files *files = xalloc(sizeof(*files));
    files->trash_dir = xstrdup(trash_dir);
    files_unsynced_init(&files->unsynced);
    store_ops_init(&files->ops);
    list_init(&files->completions);
    list_init(&files->rubbish);
    pthread_mutex_init(&files->lock, NULL);
    pthread_cond_init(&files->submitted, NULL);
    pthread_cond_init(&files->thrown_away, NULL);
    files->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = files->event_fd < 0 ? err_errno(err, "eventfd") : prepare_trash(files, err);
    if (r != 0) {
        if (files->event_fd >= 0) {
            close(files->event_fd);
        }
        free(files->trash_dir);
        free(files);
        return r;
    }
    int failed = pthread_create(&files->writer, NULL, write_forever, files);
    ASSERT(failed == 0);
    failed = pthread_create(&files->deleter, NULL, delete_forever, files);
    ASSERT(failed == 0);
    *ret_files = files;
    return 0;
}

struct files *files_free(struct files *files)
{
    if (files == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&files->lock);
    files->is_ending = true;
    pthread_cond_signal(&files->submitted);
    pthread_mutex_unlock(&files->lock);
    pthread_join(files->writer, NULL);
    pthread_join(files->deleter, NULL);
    struct list *link;
    while ((link = list_pop_front(&files->completions)) != NULL) {
        free(LIST_ENTRY(link, struct completion, link));
    }
    while ((link = list_pop_front(&files->rubbish)) != NULL) {
        struct rubbish *rubbish = LIST_ENTRY(link, struct rubbish, link);
        free(rubbish->path);
        free(rubbish);
    }
    pthread_mutex_destroy(&files->lock);
    pthread_cond_destroy(&files->submitted);
    pthread_cond_destroy(&files->thrown_away);
    files_unsynced_deinit(&files->unsynced);
    close(files->event_fd);
    free(files->trash_dir);
    free(files);
    return NULL;
}

void files_submit(struct files *files, struct store_ops *ops)
{
    if (list_is_empty(&ops->list)) {
        return;
    }
    pthread_mutex_lock(&files->lock);
    take_ops(ops, &files->ops);
    pthread_cond_signal(&files->submitted);
    pthread_mutex_unlock(&files->lock);
}

int files_fd(const struct files *files)
{
    return files->event_fd;
}

bool files_take(struct files *files, struct store_done *ret_done)
{
    pthread_mutex_lock(&files->lock);
    struct list *link = list_pop_front(&files->completions);
    if (link == NULL) {
        uint64_t count;
        (void)!read(files->event_fd, &count, sizeof(count)); /* not readable any more */
    }
    pthread_mutex_unlock(&files->lock);
    if (link == NULL) {
        return false;
    }
    struct completion *completion = LIST_ENTRY(link, struct completion, link);
    *ret_done = completion->done;
    free(completion);
    return true;
}
