/* The public library, with real sockets and disks: one replica, and three in one process. */
#include "../logstore/raw_db.h"

#include <errno.h>
#include <pthread.h>

#include "tepui/log.h"

#define WAIT_MS 60000
#define REPLICAS 3

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

static struct tepui_log *open_one(int number, size_t quorum, const char *listen,
                                  bool auto_initialize)
{
    char path[256];
    char error[256] = "";
    struct tepui_log *log = NULL;
    (void)snprintf(path, sizeof(path), "%s/%d", folder, number);
    struct tepui_log_options options = {
        .quorum = quorum, .path = path, .listen = listen, .auto_initialize = auto_initialize};
    if (tepui_log_open(&options, &log, error, sizeof(error)) != 0) {
        fail_msg("%s", error);
    }
    return log;
}

static void append(struct tepui_log *log, const char *text, uint64_t expected)
{
    uint64_t position = 0;
    if (tepui_log_append(log, text, strlen(text), WAIT_MS, &position) != 0) {
        fail_msg("%s", tepui_log_error());
    }
    assert_int_equal(position, expected);
}

static int collect(void *arg, uint64_t position, const void *bytes, size_t size)
{
    buf_printf(arg, "%llu:%.*s ", (unsigned long long)position, (int)size, (const char *)bytes);
    return 0;
}

static void assert_reads(struct tepui_log *log, uint64_t from, uint64_t to, const char *expected)
{
    CLEANUP(buf_deinit) struct buf got = BUF_INIT;
    if (tepui_log_read(log, from, to, WAIT_MS, collect, &got) != 0) {
        fail_msg("%s", tepui_log_error());
    }
    assert_string_equal(buf_text(&got), expected);
}

/* --- one --- */

/* What the original's registrar does at its first start and first write leaves the same records,
 * byte for byte, as the description of its disk (golden/on_disk.md) shows. */
static void the_layout_is_the_originals(void **state)
{
    (void)state;
    struct tepui_log *log = open_one(1, 1, "127.0.0.1:0", true);
    uint64_t position = 99;
    uint64_t begin;
    uint64_t end;
    assert_int_equal(tepui_log_start(log, WAIT_MS, &position), 0);
    assert_int_equal(position, 0);
    append(log, "first", 1);
    assert_int_equal(tepui_log_truncate(log, 1, WAIT_MS, &position), 0);
    assert_int_equal(position, 2);
    append(log, "snap", 3);
    assert_int_equal(tepui_log_truncate(log, 3, WAIT_MS, &position), 0);
    assert_int_equal(position, 4);
    assert_int_equal(tepui_log_bounds(log, WAIT_MS, &begin, &end), 0);
    assert_true(begin == 3 && end == 4);
    assert_reads(log, 3, 4, "3:snap ");
    tepui_log_close(log);

    CLEANUP(buf_deinit) struct buf got = BUF_INIT;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/1", folder);
    raw_dump(path, &got);
    assert_string_equal(buf_text(&got), "0000000000=0803220408011001"
                                        " 0000000004=08021a12080310011801200128023a060a04736e6170"
                                        " 0000000005=08021a0e0804100118012001280342020803");
}

static void what_the_original_wrote_is_read(void **state)
{
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/1", folder);
    leveldb_t *raw = raw_open(path);
    raw_put(raw, "0000000000", SLICE("\x08\x03\x22\x04\x08\x01\x10\x01"));
    raw_put(raw, "0000000004",
            SLICE("\x08\x02\x1a\x12\x08\x03\x10\x01\x18\x01\x20\x01\x28\x02\x3a\x06\x0a\x04"
                  "snap"));
    raw_put(raw, "0000000005",
            SLICE("\x08\x02\x1a\x0e\x08\x04\x10\x01\x18\x01\x20\x01\x28\x03\x42\x02\x08\x03"));
    leveldb_close(raw);
    struct tepui_log *log = open_one(1, 1, "127.0.0.1:0", false);
    uint64_t position;
    assert_int_equal(tepui_log_start(log, WAIT_MS, &position), 0);
    assert_int_equal(position, 4);
    assert_reads(log, 3, 4, "3:snap ");
    append(log, "more", 5);
    tepui_log_close(log);
}

static void errors_are_told(void **state)
{
    (void)state;
    struct tepui_log *log = open_one(1, 1, "127.0.0.1:0", true);
    uint64_t position;
    assert_int_equal(tepui_log_append(log, "x", 1, WAIT_MS, &position), TEPUI_LOG_E_LOST);
    assert_string_equal(tepui_log_error(), "append: the promise to write is not held");
    assert_int_equal(tepui_log_start(log, WAIT_MS, NULL), 0);
    assert_int_equal(tepui_log_read(log, 0, 7, WAIT_MS, collect, NULL), TEPUI_LOG_E_RANGE);
    assert_string_equal(tepui_log_error(), "read: Bad read range (past end of log)");
    assert_int_equal(tepui_log_read(log, 1, 0, WAIT_MS, collect, NULL), TEPUI_LOG_E_RANGE);
    assert_int_equal(tepui_log_truncate(log, 100, WAIT_MS, NULL), -EINVAL);
    append(log, "a", 1);
    assert_int_equal(tepui_log_truncate(log, 1, WAIT_MS, NULL), 0);
    assert_int_equal(tepui_log_read(log, 0, 1, WAIT_MS, collect, NULL), TEPUI_LOG_E_RANGE);
    assert_string_equal(tepui_log_error(), "read: Bad read range (truncated position)");
    tepui_log_close(log);

    char error[256] = "";
    struct tepui_log *none = NULL;
    struct tepui_log_options options = {.quorum = 1, .path = folder, .listen = "nowhere"};
    assert_int_equal(tepui_log_open(&options, &none, error, sizeof(error)), -EINVAL);
    assert_string_equal(error, "listen: 'nowhere' is not ip:port");
    options = (struct tepui_log_options){.path = folder, .listen = "127.0.0.1:0"};
    assert_int_equal(tepui_log_open(&options, &none, error, sizeof(error)), -EINVAL);
    tepui_log_close(NULL);
}

static void a_log_that_is_not_prepared_waits(void **state)
{
    (void)state;
    struct tepui_log *log = open_one(1, 1, "127.0.0.1:0", false);
    assert_int_equal(tepui_log_start(log, 300, NULL), -ETIMEDOUT);
    uint64_t begin;
    uint64_t end;
    assert_int_equal(tepui_log_bounds(log, 100, &begin, &end), -ETIMEDOUT);
    tepui_log_close(log);
}

static void a_damaged_log_is_at_its_end(void **state)
{
    (void)state;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/1", folder);
    leveldb_t *raw = raw_open(path);
    raw_put(raw, "0000000000", SLICE("nonsense"));
    leveldb_close(raw);
    struct tepui_log *log = open_one(1, 1, "127.0.0.1:0", true);
    assert_int_equal(tepui_log_start(log, WAIT_MS, NULL), -EIO);
    assert_true(strstr(tepui_log_error(), "cannot be used") != NULL);
    assert_int_equal(tepui_log_start(log, WAIT_MS, NULL), -EIO);
    tepui_log_close(log);
}

static int stop_reading(void *arg, uint64_t position, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    ++*(int *)arg;
    return position == 3 ? 7 : 0;
}

static void much_is_read_in_pieces(void **state)
{
    (void)state;
    struct tepui_log *log = open_one(1, 1, "127.0.0.1:0", true);
    assert_int_equal(tepui_log_start(log, WAIT_MS, NULL), 0);
    char *text = malloc(1 << 20);
    memset(text, 'z', 1 << 20);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(tepui_log_append(log, text, 1 << 20, WAIT_MS, NULL), 0);
    }
    free(text);
    int count = 0;
    assert_int_equal(tepui_log_read(log, 1, 12, WAIT_MS, stop_reading, &count), 7);
    assert_int_equal(count, 3);
    CLEANUP(buf_deinit) struct buf got = BUF_INIT;
    assert_int_equal(tepui_log_read(log, 0, 12, WAIT_MS, collect, &got), 0);
    assert_true(got.size > (12u << 20));
    tepui_log_close(log);
}

/* --- three --- */

struct three {
    struct tepui_log *logs[REPLICAS];
    char addresses[REPLICAS][64];
    const char *peers[REPLICAS + 1];
};

/* An address of this host that is no other process', so that a log that is opened again finds its
 * port free. */
static const char *own_address(void)
{
    static char text[32];
    unsigned pid = (unsigned)getpid();
    (void)snprintf(text, sizeof(text), "127.%u.%u.%u", 64 + (pid >> 16) % 64, pid >> 8 & 255,
                   pid & 255);
    return text;
}

/* All of them vote before it returns: one that is lost while a log begins is needed later. */
static void open_three(struct three *three)
{
    uint64_t begin;
    uint64_t end;
    *three = (struct three){0};
    for (int i = 0; i < REPLICAS; i++) {
        char any[64];
        (void)snprintf(any, sizeof(any), "%s:0", own_address());
        three->logs[i] = open_one(i, 2, any, true);
        (void)snprintf(three->addresses[i], sizeof(three->addresses[i]), "%s:%d", own_address(),
                       tepui_log_port(three->logs[i]));
        three->peers[i] = three->addresses[i];
    }
    for (int i = 0; i < REPLICAS; i++) {
        assert_int_equal(tepui_log_set_peers(three->logs[i], three->peers), 0);
    }
    for (int i = 0; i < REPLICAS; i++) {
        assert_int_equal(tepui_log_bounds(three->logs[i], WAIT_MS, &begin, &end), 0);
    }
}

static void close_three(struct three *three)
{
    for (int i = 0; i < REPLICAS; i++) {
        tepui_log_close(three->logs[i]);
    }
}

static void reopen(struct three *three, int number)
{
    three->logs[number] = open_one(number, 2, three->addresses[number], true);
    assert_int_equal(tepui_log_set_peers(three->logs[number], three->peers), 0);
}

static void three_agree(void **state)
{
    (void)state;
    struct three three;
    uint64_t position;
    open_three(&three);
    assert_int_equal(tepui_log_start(three.logs[0], WAIT_MS, &position), 0);
    assert_int_equal(position, 0);
    append(three.logs[0], "one", 1);
    append(three.logs[0], "two", 2);
    /* Another takes the promise, and knows all. */
    assert_int_equal(tepui_log_start(three.logs[1], WAIT_MS, &position), 0);
    assert_int_equal(position, 2);
    assert_reads(three.logs[1], 1, 2, "1:one 2:two ");
    append(three.logs[1], "three", 3);
    assert_int_equal(tepui_log_append(three.logs[0], "late", 4, WAIT_MS, NULL), TEPUI_LOG_E_LOST);
    assert_int_equal(tepui_log_start(three.logs[0], WAIT_MS, &position), 0);
    assert_int_equal(position, 3);
    append(three.logs[0], "four", 4);
    /* A reader that has slept. */
    assert_int_equal(tepui_log_catchup(three.logs[2], WAIT_MS, &position), 0);
    assert_int_equal(position, 3);
    assert_reads(three.logs[2], 1, 3, "1:one 2:two 3:three ");
    close_three(&three);
}

static void two_of_three_are_enough(void **state)
{
    (void)state;
    struct three three;
    uint64_t position;
    open_three(&three);
    assert_int_equal(tepui_log_start(three.logs[0], WAIT_MS, NULL), 0);
    append(three.logs[0], "one", 1);
    tepui_log_close(three.logs[2]);
    append(three.logs[0], "two", 2);
    /* With one alone nothing is written, and nobody says that it was. */
    tepui_log_close(three.logs[1]);
    assert_int_equal(tepui_log_append(three.logs[0], "three", 5, 500, NULL), -ETIMEDOUT);
    assert_int_equal(tepui_log_append(three.logs[0], "four", 4, WAIT_MS, NULL), TEPUI_LOG_E_LOST);
    reopen(&three, 1);
    reopen(&three, 2);
    assert_int_equal(tepui_log_start(three.logs[2], WAIT_MS, &position), 0);
    assert_true(position == 2 || position == 3);
    assert_reads(three.logs[2], 1, 2, "1:one 2:two ");
    append(three.logs[2], "five", position + 1);
    close_three(&three);
}

static void a_lost_disk_is_caught_up(void **state)
{
    (void)state;
    struct three three;
    uint64_t position;
    char command[300];
    open_three(&three);
    assert_int_equal(tepui_log_start(three.logs[0], WAIT_MS, NULL), 0);
    for (int i = 1; i <= 20; i++) {
        append(three.logs[0], "entry", (uint64_t)i);
    }
    tepui_log_close(three.logs[2]);
    (void)snprintf(command, sizeof(command), "rm -rf '%s/2'", folder);
    assert_int_equal(system(command), 0);
    reopen(&three, 2);
    uint64_t begin;
    uint64_t end;
    assert_int_equal(tepui_log_bounds(three.logs[2], WAIT_MS, &begin, &end), 0);
    assert_int_equal(end, 20);
    /* It is good for a quorum again. */
    tepui_log_close(three.logs[1]);
    assert_int_equal(tepui_log_start(three.logs[2], WAIT_MS, &position), 0);
    append(three.logs[2], "last", position + 1);
    three.logs[1] = NULL;
    close_three(&three);
}

struct writer {
    struct tepui_log *log;
    int written;
};

static void *write_many(void *arg)
{
    struct writer *writer = arg;
    for (int i = 0; i < 50; i++) {
        writer->written += tepui_log_append(writer->log, "x", 1, WAIT_MS, NULL) == 0;
    }
    return NULL;
}

static void many_threads_write(void **state)
{
    (void)state;
    struct three three;
    pthread_t threads[8];
    struct writer writers[8];
    open_three(&three);
    assert_int_equal(tepui_log_start(three.logs[0], WAIT_MS, NULL), 0);
    for (size_t i = 0; i < ELEMENTS(threads); i++) {
        writers[i] = (struct writer){.log = three.logs[0]};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    for (size_t i = 0; i < ELEMENTS(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(writers[i].written, 50);
    }
    uint64_t begin;
    uint64_t end;
    assert_int_equal(tepui_log_bounds(three.logs[0], WAIT_MS, &begin, &end), 0);
    assert_int_equal(end, 400);
    close_three(&three);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_layout_is_the_originals),
        TEST(what_the_original_wrote_is_read),
        TEST(errors_are_told),
        TEST(a_log_that_is_not_prepared_waits),
        TEST(a_damaged_log_is_at_its_end),
        TEST(much_is_read_in_pieces),
        TEST(three_agree),
        TEST(two_of_three_are_enough),
        TEST(a_lost_disk_is_caught_up),
        TEST(many_threads_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
