/* The store's threads: operations go in, completions come out, in order for each thread. */
#include "raw_db.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

#include "common/prng.h"
#include "logstore/log_store.h"

/* A wait longer than this is a failure: disks take their time when others write, too. */
#define WAIT_MS 60000

static char *folder;
static struct log_store *store;
static uint64_t next_token;

static int set_up(void **state)
{
    (void)state;
    struct err err = {""};
    folder = raw_new_folder();
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/deep/down", folder);
    struct log_store_options options = {.path = path, .compacts = true};
    assert_int_equal(log_store_start(&options, &store, &err), 0);
    next_token = 1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store = log_store_free(store);
    raw_remove_folder(folder);
    return 0;
}

static struct rlog_store_op *new_op(enum rlog_store_op_type type)
{
    return rlog_store_op_new(type, next_token++);
}

static void add(struct rlog_store_op *op, uint64_t position, const char *text)
{
    struct rlog_action action = {
        .position = position,
        .promised = 1,
        .performed = 1,
        .type = RLOG_ACTION_APPEND,
        .bytes = blob_from(slice_from(text)),
    };
    (void)rlog_store_op_add(op, &action);
}

static void submit(struct rlog_store_op *op)
{
    struct rlog_store_ops ops;
    rlog_store_ops_init(&ops);
    rlog_store_ops_put(&ops, op);
    log_store_submit(store, &ops);
    assert_true(list_is_empty(&ops.list));
}

static const struct rlog_store_done *await(void)
{
    const struct rlog_store_done *done;
    while ((done = log_store_take(store)) == NULL) {
        struct pollfd waits = {.fd = log_store_fd(store), .events = POLLIN};
        assert_int_equal(poll(&waits, 1, WAIT_MS), 1);
    }
    return done;
}

static void operations_are_performed(void **state)
{
    (void)state;
    submit(new_op(RLOG_STORE_RESTORE));
    const struct rlog_store_done *done = await();
    assert_int_equal(done->status, 0);
    assert_int_equal(done->restored->status, RLOG_EMPTY);
    for (uint64_t i = 0; i < 20; i++) {
        struct rlog_store_op *op = new_op(RLOG_STORE_WRITE);
        add(op, i, "entry");
        submit(op);
    }
    for (uint64_t i = 0; i < 20; i++) {
        done = await();
        assert_int_equal(done->token, i + 2);
        assert_int_equal(done->status, 0);
    }
    struct rlog_store_op *op = new_op(RLOG_STORE_READ);
    op->from = 5;
    op->to = 9;
    op->size_max = SIZE_MAX;
    submit(op);
    done = await();
    assert_int_equal(done->action_count, 5);
    assert_slice(blob_slice(done->actions[4].bytes), "entry");
    /* The descriptor is quiet when there is nothing. */
    assert_null(log_store_take(store));
    struct pollfd waits = {.fd = log_store_fd(store), .events = POLLIN};
    assert_int_equal(poll(&waits, 1, 0), 0);

    submit(new_op(RLOG_STORE_RESTORE));
    done = await();
    assert_int_equal(done->restored->end, 19);
    assert_int_equal(rlog_positions_number(&done->restored->unlearned), 20);
}

static void nothing_works_before_it_is_open(void **state)
{
    (void)state;
    struct rlog_store_op *op = new_op(RLOG_STORE_WRITE);
    add(op, 0, "x");
    submit(op);
    assert_int_equal(await()->status, -EIO);
    op = new_op(RLOG_STORE_READ);
    submit(op);
    assert_int_equal(await()->status, -EIO);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/deep", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    (void)fclose(file);
    submit(new_op(RLOG_STORE_RESTORE));
    const struct rlog_store_done *done = await();
    assert_int_equal(done->status, -ENOTDIR);
    assert_true(strstr(done->text, "deep") != NULL);
    /* And better later. */
    assert_int_equal(unlink(path), 0);
    submit(new_op(RLOG_STORE_RESTORE));
    assert_int_equal(await()->status, 0);
}

/* What was submitted is performed, even if nobody waits for it. */
static void ending_performs_what_waits(void **state)
{
    (void)state;
    submit(new_op(RLOG_STORE_RESTORE));
    for (uint64_t i = 0; i < 50; i++) {
        struct rlog_store_op *op = new_op(RLOG_STORE_WRITE);
        add(op, i, "entry");
        submit(op);
    }
    store = log_store_free(store);
    struct log_db *db;
    struct err err = {""};
    struct rlog_restored restored;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/deep/down", folder);
    assert_int_equal(log_db_open(path, false, &db, &err), 0);
    assert_int_equal(log_db_restore(db, &restored, &err), 0);
    assert_int_equal(restored.end, 49);
    rlog_restored_deinit(&restored);
    log_db_close(db);
}

static long folder_size(void)
{
    char command[512];
    (void)snprintf(command, sizeof(command), "du -sb '%s' | cut -f1", folder);
    FILE *pipe = popen(command, "r");
    long size = 0;
    assert_int_equal(fscanf(pipe, "%ld", &size), 1);
    (void)pclose(pipe);
    return size;
}

/* Deleting much gets the space back, while writing and reading go on. What is written cannot be
 * made smaller, so that it does not matter how much of it was compacted when. */
static void space_is_given_back(void **state)
{
    (void)state;
    enum { COUNT = 200, KEPT = 10, SIZE = 100000 };
    struct prng prng;
    prng_seed(&prng, 1);
    submit(new_op(RLOG_STORE_RESTORE));
    (void)await();
    char *text = calloc(1, SIZE + 1);
    for (uint64_t i = 0; i < COUNT; i++) {
        struct rlog_store_op *op = new_op(RLOG_STORE_WRITE);
        for (size_t at = 0; at < SIZE; at++) {
            text[at] = (char)(1 + prng_below(&prng, 255));
        }
        add(op, i, text);
        op->delete_to = i > KEPT ? i - KEPT : 0;
        submit(op);
        assert_int_equal(await()->status, 0);
    }
    free(text);
    store = log_store_free(store);
    long size = folder_size();
    assert_true(size > KEPT * SIZE && size < COUNT * SIZE * 3 / 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(operations_are_performed),
        TEST(nothing_works_before_it_is_open),
        TEST(a_folder_that_cannot_be_made_is_told),
        TEST(ending_performs_what_waits),
        TEST(space_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
