/* Records in LevelDB: the original's are read, and ours are laid out as its are. */
#include "raw_db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "logstore/log_db.h"

/* The records of tests/data/golden's description of the disk, byte by byte: type, then the member.
 */
#define METADATA SLICE("\x08\x03\x22\x04\x08\x01\x10\x01") /* VOTING, promised 1 */
/* position 3 promised 1 performed 1 learned APPEND "snap" */
#define APPEND_3                                                                     \
    SLICE("\x08\x02\x1a\x12\x08\x03\x10\x01\x18\x01\x20\x01\x28\x02\x3a\x06\x0a\x04" \
          "snap")
/* position 4 promised 1 performed 1 learned TRUNCATE to 3 */
#define TRUNCATE_4 SLICE("\x08\x02\x1a\x0e\x08\x04\x10\x01\x18\x01\x20\x01\x28\x03\x42\x02\x08\x03")
/* position 6 promised 2, nothing written */
#define PROMISED_6 SLICE("\x08\x02\x1a\x04\x08\x06\x10\x02")
/* position 8 promised 2 performed 2 learned NOP, tombstone */
#define TOMBSTONE_8 \
    SLICE("\x08\x02\x1a\x0e\x08\x08\x10\x02\x18\x02\x20\x01\x28\x01\x32\x02\x08\x01")
#define PROMISE_RECORD SLICE("\x08\x01\x12\x02\x08\x05") /* as before 0.20: promised 5 */

static char *folder;

static int set_up(void **state)
{
    (void)state;
    folder = raw_new_folder();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    raw_remove_folder(folder);
    return 0;
}

static struct log_db *open_db(void)
{
    struct log_db *db;
    struct err err = {""};
    if (log_db_open(folder, true, &db, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return db;
}

static struct rlog_restored restore(struct log_db *db)
{
    struct rlog_restored restored;
    struct err err = {""};
    if (log_db_restore(db, &restored, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return restored;
}

static void add(struct rlog_store_op *op, uint64_t position, enum rlog_action_type type,
                const char *bytes, uint64_t to)
{
    struct rlog_action action = {
        .position = position,
        .promised = 1,
        .performed = 1,
        .type = type,
        .learned = true,
        .to = to,
        .bytes = bytes != NULL ? blob_from(slice_from(bytes)) : NULL,
    };
    (void)rlog_store_op_add(op, &action);
}

static struct rlog_store_op *new_write(void)
{
    return rlog_store_op_new(RLOG_STORE_WRITE, 1);
}

static int perform(struct log_db *db, struct rlog_store_op *op)
{
    struct err err = {""};
    int status = log_db_write(db, op, &err);
    rlog_store_op_free(op);
    return status;
}

static void the_originals_folder_is_read(void **state)
{
    (void)state;
    leveldb_t *raw = raw_open(folder);
    raw_put(raw, "0000000000", METADATA);
    raw_put(raw, "0000000004", APPEND_3);
    raw_put(raw, "0000000005", TRUNCATE_4);
    raw_put(raw, "0000000007", PROMISED_6);
    leveldb_close(raw);

    struct log_db *db = open_db();
    struct rlog_restored restored = restore(db);
    assert_int_equal(restored.status, RLOG_VOTING);
    assert_int_equal(restored.promised, 1);
    assert_int_equal(restored.begin, 3);
    assert_int_equal(restored.end, 6);
    assert_int_equal(rlog_positions_number(&restored.learned), 2);
    assert_true(rlog_positions_has(&restored.unlearned, 6));
    rlog_restored_deinit(&restored);

    struct log_db_actions actions;
    struct err err = {""};
    assert_int_equal(log_db_read(db, 3, 6, SIZE_MAX, &actions, &err), 0);
    assert_int_equal(actions.count, 3);
    assert_int_equal(actions.actions[0].type, RLOG_ACTION_APPEND);
    assert_slice(blob_slice(actions.actions[0].bytes), "snap");
    assert_int_equal(actions.actions[1].to, 3);
    assert_int_equal(actions.actions[2].type, RLOG_ACTION_NONE);
    assert_int_equal(actions.actions[2].promised, 2);
    assert_false(actions.more);
    log_db_actions_deinit(&actions);
    log_db_close(db);
}

static void old_forms_are_read(void **state)
{
    (void)state;
    leveldb_t *raw = raw_open(folder);
    raw_put(raw, "0000000000", PROMISE_RECORD);
    raw_put(raw, "0000000009", TOMBSTONE_8);
    leveldb_close(raw);
    struct log_db *db = open_db();
    struct rlog_restored restored = restore(db);
    assert_int_equal(restored.status, RLOG_VOTING);
    assert_int_equal(restored.promised, 5);
    assert_int_equal(restored.begin, 9);
    rlog_restored_deinit(&restored);
    log_db_close(db);
}

static void ours_is_laid_out_the_same(void **state)
{
    (void)state;
    struct log_db *db = open_db();
    struct rlog_restored restored = restore(db);
    assert_int_equal(restored.status, RLOG_EMPTY);
    rlog_restored_deinit(&restored);
    struct rlog_store_op *op = new_write();
    op->has_metadata = true;
    op->status = RLOG_VOTING;
    op->promised = 1;
    add(op, 0, RLOG_ACTION_NOP, NULL, 0);
    add(op, 1, RLOG_ACTION_APPEND, "old", 0);
    assert_int_equal(perform(db, op), 0);
    op = new_write();
    add(op, 3, RLOG_ACTION_APPEND, "snap", 0);
    assert_int_equal(perform(db, op), 0);
    op = new_write();
    add(op, 2, RLOG_ACTION_NOP, NULL, 0); /* goes at once */
    add(op, 4, RLOG_ACTION_TRUNCATE, NULL, 3);
    op->delete_to = 3;
    assert_int_equal(perform(db, op), 0);
    log_db_close(db);

    CLEANUP(buf_deinit) struct buf got = BUF_INIT;
    raw_dump(folder, &got);
    assert_string_equal(buf_text(&got), "0000000000=0803220408011001"
                                        " 0000000004=08021a1208031001180120012802"
                                        "3a060a04736e6170"
                                        " 0000000005=08021a0e0804100118012001280342020803");
}

/* Positions of any height, in LevelDB's order. */
static void keys_keep_the_order(void **state)
{
    (void)state;
    const struct {
        uint64_t position;
        const char *key;
    } rows[] = {
        {0, "0000000001"},
        {9, "0000000010"},
        {UINT64_C(9999999998), "9999999999"},
        {UINT64_C(9999999999), "A00000000010000000000"},
        {UINT64_C(10000000000), "A00000000010000000001"},
        {RLOG_POSITION_MAX, "A18446744073709551614"},
    };
    const char *before = "0000000000";
    struct log_db *db = open_db();
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        char key[LOG_DB_KEY_SIZE_MAX];
        assert_int_equal(log_db_key(rows[i].position, key), strlen(rows[i].key));
        assert_string_equal(key, rows[i].key);
        assert_true(strcmp(before, rows[i].key) < 0);
        before = rows[i].key;
        struct rlog_store_op *op = new_write();
        add(op, rows[i].position, RLOG_ACTION_APPEND, "x", 0);
        assert_int_equal(perform(db, op), 0);
    }
    struct log_db_actions actions;
    struct err err = {""};
    assert_int_equal(log_db_read(db, 9, RLOG_POSITION_MAX, SIZE_MAX, &actions, &err), 0);
    assert_int_equal(actions.count, 5);
    assert_true(actions.actions[4].position == RLOG_POSITION_MAX);
    log_db_actions_deinit(&actions);
    /* Truncating across the change of form. */
    struct rlog_store_op *op = new_write();
    op->delete_to = UINT64_C(10000000000);
    assert_int_equal(perform(db, op), 0);
    assert_int_equal(log_db_read(db, 0, RLOG_POSITION_MAX, SIZE_MAX, &actions, &err), 0);
    assert_int_equal(actions.count, 2);
    log_db_actions_deinit(&actions);
    log_db_close(db);
}

static void reads_come_in_pieces(void **state)
{
    (void)state;
    struct log_db *db = open_db();
    struct rlog_store_op *op = new_write();
    for (uint64_t i = 0; i < 10; i++) {
        add(op, i, RLOG_ACTION_APPEND, "0123456789", 0);
    }
    assert_int_equal(perform(db, op), 0);
    struct err err = {""};
    uint64_t next = 0;
    int pieces = 0;
    bool more = true;
    while (more) {
        struct log_db_actions actions;
        assert_int_equal(log_db_read(db, next, 9, 100, &actions, &err), 0);
        assert_true(actions.count > 0 && actions.actions[0].position == next);
        next += actions.count;
        more = actions.more;
        pieces++;
        log_db_actions_deinit(&actions);
    }
    assert_int_equal(next, 10);
    assert_true(pieces >= 3);
    /* One that is larger than the limit still comes. */
    struct log_db_actions actions;
    assert_int_equal(log_db_read(db, 4, 9, 1, &actions, &err), 0);
    assert_int_equal(actions.count, 1);
    log_db_actions_deinit(&actions);
    log_db_close(db);
}

/* --- truncation --- */

static size_t folder_size(void)
{
    size_t size = 0;
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[512];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        int fd = open(path, O_RDONLY);
        off_t end = lseek(fd, 0, SEEK_END);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            size += (size_t)end;
        }
        (void)close(fd);
    }
    (void)closedir(dir);
    return size;
}

static void much_is_truncated(void **state)
{
    (void)state;
    char *text = calloc(1, 4001);
    memset(text, 'x', 4000);
    struct log_db *db = open_db();
    uint64_t count = LOG_DB_DELETE_MAX * 2 + 500;
    for (uint64_t i = 0; i < count;) {
        struct rlog_store_op *op = new_write();
        for (int n = 0; n < 500; n++) {
            add(op, i++, RLOG_ACTION_APPEND, text, 0);
        }
        assert_int_equal(perform(db, op), 0);
    }
    free(text);
    size_t before = folder_size();
    assert_false(log_db_wants_compaction(db));
    struct rlog_store_op *op = new_write();
    add(op, count, RLOG_ACTION_TRUNCATE, NULL, count - 1);
    op->delete_to = count - 1;
    assert_int_equal(perform(db, op), 0);
    assert_true(log_db_wants_compaction(db));
    struct log_db_actions actions;
    struct err err = {""};
    assert_int_equal(log_db_read(db, 0, count, SIZE_MAX, &actions, &err), 0);
    assert_int_equal(actions.count, 2);
    log_db_actions_deinit(&actions);
    log_db_compact(db, false);
    assert_false(log_db_wants_compaction(db));
    log_db_close(db);
    assert_true(folder_size() < before / 10);
}

/* --- failures --- */

static void who_is_not_there_is_not_made(void **state)
{
    (void)state;
    struct log_db *db;
    struct err err = {""};
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/none", folder);
    assert_int_equal(log_db_open(path, false, &db, &err), -ENOENT);
    assert_true(strstr(err.text, "does not exist") != NULL);
}

static void two_cannot_have_it(void **state)
{
    (void)state;
    struct log_db *db = open_db();
    struct log_db *second;
    struct err err = {""};
    assert_int_equal(log_db_open(folder, true, &second, &err), -EIO);
    assert_true(strstr(err.text, "lock") != NULL);
    log_db_close(db);
}

static void damaged_records_are_told(void **state)
{
    (void)state;
    const struct slice bad[] = {
        SLICE("nonsense"),
        SLICE("\x08\x02"),                                         /* an ACTION without one */
        SLICE("\x08\x09"),                                         /* no such type */
        SLICE("\x08\x02\x1a\x06\x08\x03\x10\x01\x20\x01"),         /* learned, but nothing there */
        SLICE("\x08\x02\x1a\x08\x08\x03\x10\x01\x18\x01\x28\x02"), /* an APPEND without bytes */
    };
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        leveldb_t *raw = raw_open(folder);
        raw_put(raw, "0000000004", bad[i]);
        leveldb_close(raw);
        struct log_db *db = open_db();
        struct rlog_restored restored;
        struct err err = {""};
        assert_int_equal(log_db_restore(db, &restored, &err), -EBADMSG);
        assert_true(strstr(err.text, "0000000004") != NULL);
        struct log_db_actions actions;
        assert_int_equal(log_db_read(db, 3, 3, 1, &actions, &err), -EBADMSG);
        log_db_close(db);
    }
}

static void damaged_files_are_told(void **state)
{
    (void)state;
    struct log_db *db = open_db();
    for (uint64_t i = 0; i < 50; i++) {
        struct rlog_store_op *op = new_write();
        add(op, i, RLOG_ACTION_APPEND, "some bytes to be damaged later", 0);
        assert_int_equal(perform(db, op), 0);
    }
    log_db_compact(db, true);
    log_db_close(db);
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool any = false;
    while ((entry = readdir(dir)) != NULL) {
        if (strstr(entry->d_name, ".ldb") != NULL) {
            char path[512];
            (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            int fd = open(path, O_WRONLY);
            assert_int_equal(pwrite(fd, "damage", 6, 100), 6);
            (void)close(fd);
            any = true;
        }
    }
    (void)closedir(dir);
    assert_true(any);
    db = open_db();
    struct rlog_restored restored;
    struct err err = {""};
    assert_int_equal(log_db_restore(db, &restored, &err), -EBADMSG);
    log_db_close(db);
}

/* A write that does not fit: it is told, and after opening anew all is there that was said to be.
 */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct log_db *db = open_db();
    struct rlimit tight = {.rlim_cur = 64 << 10, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    char *text = calloc(1, 10001);
    memset(text, 'x', 10000);
    uint64_t written = 0;
    int status = 0;
    for (uint64_t i = 0; i < 20 && status == 0; i++) {
        struct rlog_store_op *op = new_write();
        add(op, i, RLOG_ACTION_APPEND, text, 0);
        status = perform(db, op);
        written += status == 0;
    }
    free(text);
    assert_int_equal(status, -EIO);
    assert_true(written >= 4 && written < 7);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    log_db_close(db);
    db = open_db();
    struct rlog_restored restored = restore(db);
    assert_true(rlog_positions_number(&restored.learned) >= written);
    assert_true(restored.end + 1 >= written);
    rlog_restored_deinit(&restored);
    log_db_close(db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_originals_folder_is_read), TEST(old_forms_are_read),
        TEST(ours_is_laid_out_the_same),    TEST(keys_keep_the_order),
        TEST(reads_come_in_pieces),         TEST(much_is_truncated),
        TEST(who_is_not_there_is_not_made), TEST(two_cannot_have_it),
        TEST(damaged_records_are_told),     TEST(damaged_files_are_told),
        TEST(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
