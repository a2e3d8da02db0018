#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/xalloc.h"
#include "wire/recordio.h"

struct seen {
    struct buf text; /* each record in brackets */
    int stop_at;     /* records until one stops; 0 = never */
    int count;
};

static bool on_record(void *arg, struct slice record)
{
    struct seen *seen = arg;
    buf_append_byte(&seen->text, '[');
    buf_append_slice(&seen->text, record);
    buf_append_byte(&seen->text, ']');
    return ++seen->count != seen->stop_at;
}

/* What the reader tells when the bytes come in pieces of that size. */
static int read_all(struct slice bytes, size_t piece, size_t size_max, struct seen *seen,
                    bool *ret_idle)
{
    struct recordio_reader reader;
    recordio_reader_init(&reader, size_max);
    int r = 0;
    while (bytes.size != 0 && r == 0) {
        size_t size = MIN(piece, bytes.size);
        char *copy = xmemdup(bytes.data, size);
        r = recordio_reader_feed(&reader, slice_make(copy, size), on_record, seen, NULL);
        free(copy);
        bytes = slice_skip(bytes, size);
    }
    *ret_idle = recordio_reader_is_idle(&reader);
    recordio_reader_deinit(&reader);
    return r;
}

static void check(const char *bytes, size_t size_max, int expected_r, const char *expected,
                  bool expected_idle)
{
    for (size_t piece = 1; piece <= strlen(bytes) + 1; piece++) {
        struct seen seen = {0};
        bool idle;
        int r = read_all(slice_from(bytes), piece, size_max, &seen, &idle);
        assert_int_equal(r, expected_r);
        assert_string_equal(buf_text(&seen.text), expected);
        if (r == 0) {
            assert_int_equal(idle, expected_idle);
        }
        buf_deinit(&seen.text);
    }
}

static void test_records(void **state)
{
    (void)state;
    check("", 100, 0, "", true);
    check("5\nhello0\n12\nhello, world", 100, 0, "[hello][][hello, world]", true);
    check("2\n\n\n003\n123", 100, 0, "[\n\n][123]", true);
    check("5\nhello5\nhel", 100, 0, "[hello]", false);
    check("5\nhello1", 100, 0, "[hello]", false);
}

static void test_bad_lengths(void **state)
{
    (void)state;
    check("\n", 100, -EPROTO, "", false);
    check("-1\nx", 100, -EPROTO, "", false);
    check("1 \nx", 100, -EPROTO, "", false);
    check("1\nx+1\nx", 100, -EPROTO, "[x]", false);
    check("0x1\nx", 100, -EPROTO, "", false);
    check("111111111111111111111", 100, -EPROTO, "", false);
    check("99999999999999999999\n", 100, -EMSGSIZE, "", false);
}

static void test_the_size_of_a_record(void **state)
{
    (void)state;
    check("4\nabcd", 4, 0, "[abcd]", true);
    check("5\n", 4, -EMSGSIZE, "", false);
}

static void test_the_receiver_may_stop(void **state)
{
    (void)state;
    struct slice bytes = SLICE("1\na1\nb1\nc");
    for (size_t piece = 1; piece <= bytes.size; piece++) {
        struct seen seen = {.stop_at = 2};
        bool idle;
        assert_int_equal(read_all(bytes, piece, 10, &seen, &idle), -ECANCELED);
        assert_string_equal(buf_text(&seen.text), "[a][b]");
        buf_deinit(&seen.text);
    }
}

static void test_nothing_follows_a_failure(void **state)
{
    (void)state;
    struct recordio_reader reader;
    struct seen seen = {0};
    struct err err = {""};
    recordio_reader_init(&reader, 10);
    assert_int_equal(recordio_reader_feed(&reader, SLICE("x"), on_record, &seen, &err), -EPROTO);
    assert_string_not_equal(err.text, "");
    assert_int_equal(recordio_reader_feed(&reader, SLICE("1\na"), on_record, &seen, &err), -EPROTO);
    assert_int_equal(seen.count, 0);
    recordio_reader_deinit(&reader);
}

static void test_nothing_is_set_aside_for_what_is_promised(void **state)
{
    (void)state;
    struct recordio_reader reader;
    struct seen seen = {0};
    recordio_reader_init(&reader, RECORDIO_RECORD_SIZE_MAX);
    assert_int_equal(recordio_reader_feed(&reader, SLICE("60000000\nx"), on_record, &seen, NULL),
                     0);
    assert_true(reader.partial.capacity < 1000);
    recordio_reader_deinit(&reader);
}

static void test_what_is_written_is_read(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct seen seen = {0};
    bool idle;
    recordio_put(&out, SLICE("a\nb"));
    recordio_put(&out, SLICE(""));
    assert_string_equal(buf_text(&out), "3\na\nb0\n");
    assert_int_equal(read_all(buf_slice(&out), 2, 3, &seen, &idle), 0);
    assert_string_equal(buf_text(&seen.text), "[a\nb][]");
    buf_deinit(&out);
    buf_deinit(&seen.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_bad_lengths),
        cmocka_unit_test(test_the_size_of_a_record),
        cmocka_unit_test(test_the_receiver_may_stop),
        cmocka_unit_test(test_nothing_follows_a_failure),
        cmocka_unit_test(test_nothing_is_set_aside_for_what_is_promised),
        cmocka_unit_test(test_what_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
