#include "../unit.h"

#include "common/buf.h"

static void test_what_is_appended_is_there(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    assert_int_equal(buf_slice(&buf).size, 0);
    buf_append_text(&buf, "one");
    buf_append_byte(&buf, '\0');
    buf_append_slice(&buf, SLICE("two"));
    buf_append(&buf, NULL, 0);
    buf_printf(&buf, "%d%s", 3, "four");
    assert_int_equal(buf.size, 12);
    assert_memory_equal(buf.data, "one\0two3four", 12);
    assert_string_equal(buf_text(&buf), "one");
    assert_int_equal(buf.size, 12);
    buf_clear(&buf);
    assert_string_equal(buf_text(&buf), "");
    buf_deinit(&buf);
    buf_deinit(&buf);
    assert_null(buf.data);
}

static void test_text_of_an_empty_buffer(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    assert_string_equal(buf_text(&buf), "");
    buf_deinit(&buf);
}

static void test_it_grows(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    for (int i = 0; i < 100000; i++) {
        buf_append_byte(&buf, (char)(i % 251));
    }
    assert_int_equal(buf.size, 100000);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal((unsigned char)buf.data[i], i % 251);
    }
    char *place = buf_reserve(&buf, 50000);
    assert_int_equal(buf.size, 100000);
    assert_true(buf.capacity >= 150000);
    memset(place, 1, 50000);
    buf.size += 50000;
    buf_deinit(&buf);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {-1, "-1"},
                 {1234567890, "1234567890"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    struct buf buf = BUF_INIT;
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        buf_clear(&buf);
        buf_append_int64(&buf, cases[i].value);
        assert_string_equal(buf_text(&buf), cases[i].text);
    }
    buf_clear(&buf);
    buf_append_uint64(&buf, UINT64_MAX);
    assert_string_equal(buf_text(&buf), "18446744073709551615");
    buf_deinit(&buf);
}

static void test_consuming(void **state)
{
    (void)state;
    struct buf buf = BUF_INIT;
    buf_consume(&buf, 0);
    buf_append_text(&buf, "abcdef");
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    assert_slice(buf_slice(&buf), "cdef");
    buf_consume(&buf, 3);
    assert_slice(buf_slice(&buf), "f");
    buf_consume(&buf, 1);
    assert_int_equal(buf.size, 0);
    buf_append_text(&buf, "again");
    assert_slice(buf_slice(&buf), "again");
    buf_deinit(&buf);
}

static void consume_too_much(void)
{
    struct buf buf = BUF_INIT;
    buf_append_text(&buf, "abc");
    buf_consume(&buf, 4);
}

static void test_consuming_too_much_is_our_mistake(void **state)
{
    (void)state;
    unit_assert_aborts(consume_too_much, "size <= buf->size");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_appended_is_there),
        cmocka_unit_test(test_text_of_an_empty_buffer),
        cmocka_unit_test(test_it_grows),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_consuming),
        cmocka_unit_test(test_consuming_too_much_is_our_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
