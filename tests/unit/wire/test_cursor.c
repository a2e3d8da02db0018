#include "../unit.h"

#include "wire/cursor.h"

static struct slice bytes_of(const char *literal, size_t size)
{
    return slice_make(literal, size);
}
#define BYTES(literal) bytes_of((literal), sizeof(literal) - 1)

static void test_fields(void **state)
{
    (void)state;
    struct slice message = BYTES("\x08\x96\x01" /* 1: 150 */
                                 "\x12\x03"
                                 "abc"                                  /* 2: "abc" */
                                 "\x19\x01\x02\x03\x04\x05\x06\x07\x08" /* 3: 64 bits */
                                 "\x25\x01\x02\x03\x04"                 /* 4: 32 bits */
                                 "\xfa\xff\xff\xff\x0f\x00");           /* the highest number: "" */
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, message);

    assert_true(cursor_next(&cursor, &field));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.type, WIRE_VARINT);
    assert_int_equal(field.value, 150);
    assert_true(slice_equal(field.whole, BYTES("\x08\x96\x01")));
    assert_true(cursor_next(&cursor, &field));
    assert_int_equal(field.number, 2);
    assert_slice(field.bytes, "abc");
    assert_true(slice_equal(field.whole, BYTES("\x12\x03"
                                               "abc")));
    assert_true(cursor_next(&cursor, &field));
    assert_int_equal(field.type, WIRE_FIXED64);
    assert_true(field.value == UINT64_C(0x0807060504030201));
    assert_true(cursor_next(&cursor, &field));
    assert_int_equal(field.type, WIRE_FIXED32);
    assert_int_equal(field.value, 0x04030201);
    assert_int_equal(field.whole.size, 5);
    assert_true(cursor_next(&cursor, &field));
    assert_int_equal(field.number, WIRE_NUMBER_MAX);
    assert_int_equal(field.bytes.size, 0);
    assert_false(cursor_next(&cursor, &field));
    assert_false(cursor.failed);
}

static void test_empty(void **state)
{
    (void)state;
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, slice_make(NULL, 0));
    assert_false(cursor_next(&cursor, &field));
    assert_false(cursor.failed);
}

static void check_malformed(struct slice message)
{
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, message);
    while (cursor_next(&cursor, &field)) {
    }
    assert_true(cursor.failed);
    assert_false(cursor_next(&cursor, &field));
    assert_true(cursor.failed);
    assert_false(cursor_find(message, 1, &field));
}

static void test_malformed(void **state)
{
    (void)state;
    check_malformed(BYTES("\x08"));             /* no value */
    check_malformed(BYTES("\x88"));             /* half a tag */
    check_malformed(BYTES("\x08\x01\x00\x01")); /* number 0 */
    check_malformed(BYTES("\x08\x01\x0b"));     /* a group */
    check_malformed(BYTES("\x0c"));             /* the end of one */
    check_malformed(BYTES("\x0e\x01"));         /* no such type */
    check_malformed(BYTES("\x0f\x01"));
    check_malformed(BYTES("\x09\x01\x02\x03")); /* 64 bits cut off */
    check_malformed(BYTES("\x0d\x01\x02\x03")); /* 32 bits cut off */
    check_malformed(BYTES("\x0a\x04"
                          "abc")); /* longer than what there is */
    check_malformed(BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));     /* absurdly so */
    check_malformed(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")); /* 11 bytes */
    check_malformed(BYTES("\x88\x80\x80\x80\x10\x01")); /* a tag beyond 32 bits */
}

static void test_varint_limits(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    static const uint64_t values[] = {0,     1,          127,       128,       16383,
                                      16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
    for (size_t i = 0; i < ELEMENTS(values); i++) {
        struct cursor_field field;
        buf_clear(&out);
        wire_put_varint(&out, 1, values[i]);
        assert_int_equal(out.size, 1 + varint_size(values[i]));
        assert_true(cursor_find(buf_slice(&out), 1, &field));
        assert_true(field.value == values[i]);
    }
    for (int64_t value = -70000; value <= 70000; value += 17) {
        assert_true(zigzag_decode(zigzag_encode(value)) == value);
    }
    assert_true(zigzag_decode(zigzag_encode(INT64_MIN)) == INT64_MIN);
    assert_true(zigzag_encode(-1) == 1 && zigzag_encode(1) == 2);
    buf_deinit(&out);
}

static void test_find(void **state)
{
    (void)state;
    struct buf inner = BUF_INIT;
    struct buf out = BUF_INIT;
    wire_put_varint(&inner, 1, 5);
    wire_put_bytes(&inner, 2, SLICE("deep"));
    wire_put_varint(&out, 1, 1);
    wire_put_bytes(&out, 3, SLICE("first"));
    wire_put_bytes(&out, 2, buf_slice(&inner));
    wire_put_bytes(&out, 3, SLICE("last"));
    struct slice message = buf_slice(&out);
    struct cursor_field field = {.number = 77};

    assert_true(cursor_find(message, 3, &field));
    assert_slice(field.bytes, "last");
    assert_true(cursor_path(message, (uint32_t[]){2, 2}, 2, &field));
    assert_slice(field.bytes, "deep");
    assert_true(cursor_path(message, (uint32_t[]){2, 1}, 2, &field));
    assert_int_equal(field.value, 5);
    field.number = 77;
    assert_false(cursor_find(message, 4, &field));
    assert_false(cursor_path(message, (uint32_t[]){2, 7}, 2, &field));
    assert_false(cursor_path(message, (uint32_t[]){1, 1}, 2, &field)); /* not a message */
    assert_false(cursor_path(message, NULL, 0, &field));
    assert_int_equal(field.number, 77);
    buf_deinit(&inner);
    buf_deinit(&out);
}

static void test_double(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    wire_put_double(&out, 2, 0.1);
    assert_true(slice_equal(buf_slice(&out), BYTES("\x11\x9a\x99\x99\x99\x99\x99\xb9\x3f")));
    buf_deinit(&out);
}

/* The size of a nested message takes one byte, two, three. */
static void test_nested_sizes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 129, 16383, 16384, 100000};
    static char text[100000];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < ELEMENTS(sizes); i++) {
        struct buf out = BUF_INIT;
        struct cursor_field field;
        wire_put_varint(&out, 1, 9);
        size_t outer = wire_begin(&out, 2);
        size_t inner = wire_begin(&out, 3);
        buf_append(&out, text, sizes[i]);
        wire_end(&out, inner);
        wire_end(&out, outer);
        wire_put_varint(&out, 4, 8);
        assert_true(cursor_path(buf_slice(&out), (uint32_t[]){2, 3}, 2, &field));
        assert_true(slice_equal(field.bytes, slice_make(text, sizes[i])));
        assert_true(cursor_find(buf_slice(&out), 4, &field));
        assert_int_equal(field.value, 8);
        buf_deinit(&out);
    }
}

/* Fields cut out and put together again are the message. */
static void test_splice(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct buf copy = BUF_INIT;
    for (uint32_t i = 1; i < 50; i++) {
        wire_put_varint(&out, i, (uint64_t)i << i);
        wire_put_bytes(&out, i + 100,
                       slice_make("0123456789012345678901234567890123456789012345678", i));
        wire_put_double(&out, i * 1000, i);
    }
    struct cursor cursor;
    struct cursor_field field;
    cursor_init(&cursor, buf_slice(&out));
    while (cursor_next(&cursor, &field)) {
        buf_append_slice(&copy, field.whole);
    }
    assert_false(cursor.failed);
    assert_true(slice_equal(buf_slice(&out), buf_slice(&copy)));
    buf_deinit(&out);
    buf_deinit(&copy);
}

static void put_field_zero(void)
{
    struct buf out = BUF_INIT;
    wire_put_varint(&out, 0, 1);
}

static void test_our_mistakes(void **state)
{
    (void)state;
    unit_assert_aborts(put_field_zero, "number != 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),       cmocka_unit_test(test_empty),
        cmocka_unit_test(test_malformed),    cmocka_unit_test(test_varint_limits),
        cmocka_unit_test(test_find),         cmocka_unit_test(test_double),
        cmocka_unit_test(test_nested_sizes), cmocka_unit_test(test_splice),
        cmocka_unit_test(test_our_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
