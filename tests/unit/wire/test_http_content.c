#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/http.h"

static void test_accept(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool json;
    } cases[] = {
        {NULL, true},
        {"", false},
        {"*/*", true},
        {"application/*", true},
        {"application/json", true},
        {"Application/JSON", true},
        {"text/html, application/json", true},
        {"text/html,application/xhtml+xml;q=0.9 , */*;q=0.8", true},
        {"text/*", false},
        {"application/jso", false},
        {"application/json;q=0", false},
        {"application/json;q=0.0, */*", false},
        {"application/json; q=0.001", true},
        {"application/json;q=x", false},
        {"application/json;q=1;q=0", true},
        {"application/*;q=0, */*;q=1", false},
        {"*/*;q=0", false},
        {",,;", false},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(http_accepts(slice_from(cases[i].accept), "application/json"),
                         cases[i].json);
    }
}

static void test_accept_encoding(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        bool gzip;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"gzip", true},
        {"GZip", true},
        {"deflate, gzip;q=1.0, *;q=0.5", true},
        {"gzip, deflate", true},
        {"gzip;q=0", false},
        {"gzip;q=0.0, *", false},
        {"*", true},
        {"*;q=0", false},
        {"identity", false},
        {"x-gzip", false},
    };
    for (size_t i = 0; i < ELEMENTS(cases); i++) {
        assert_int_equal(http_accepts_gzip(slice_from(cases[i].accept)), cases[i].gzip);
    }
}

static void check_round_trip(struct slice bytes)
{
    struct buf packed = BUF_INIT;
    struct buf again = BUF_INIT;
    buf_append_text(&packed, "before");
    buf_append_text(&again, "here");
    assert_int_equal(http_gzip(bytes, &packed), 0);
    struct slice gz = slice_skip(buf_slice(&packed), 6);
    assert_int_equal(http_gunzip(gz, bytes.size, &again), 0);
    assert_true(slice_starts_with(buf_slice(&again), SLICE("here")));
    assert_true(slice_equal(slice_skip(buf_slice(&again), 4), bytes));
    if (bytes.size != 0) {
        again.size = 4;
        assert_int_equal(http_gunzip(gz, bytes.size - 1, &again), -EMSGSIZE);
        assert_int_equal(again.size, 4);
    }
    buf_deinit(&packed);
    buf_deinit(&again);
}

static void test_gzip(void **state)
{
    (void)state;
    check_round_trip(SLICE(""));
    check_round_trip(SLICE("x"));
    struct buf bytes = BUF_INIT;
    for (uint32_t i = 0; i < 300000; i++) {
        buf_append_byte(&bytes, (char)((i * 2654435761u) >> 13)); /* does not pack well */
    }
    check_round_trip(buf_slice(&bytes));
    memset(bytes.data, 'a', bytes.size);
    check_round_trip(buf_slice(&bytes));
    buf_deinit(&bytes);
}

static void test_what_is_not_gzip(void **state)
{
    (void)state;
    struct buf packed = BUF_INIT;
    struct buf out = BUF_INIT;
    assert_int_equal(http_gzip(SLICE("{\"type\":\"GET_HEALTH\"}"), &packed), 0);
    struct slice gz = buf_slice(&packed);
    for (size_t size = 0; size < gz.size; size++) {
        assert_int_equal(http_gunzip(slice_make(gz.data, size), 1000, &out), -EPROTO);
    }
    assert_int_equal(http_gunzip(SLICE("not packed"), 1000, &out), -EPROTO);
    assert_int_equal(http_gunzip(SLICE("\x1f\x8b\0\0\0\0\0\0\0\0\0\0\0\0"), 1000, &out), -EPROTO);
    assert_int_equal(out.size, 0);
    /* Two members are one text; anything else behind a member is not. */
    assert_int_equal(http_gzip(SLICE("{\"type\":\"GET_HEALTH\"}"), &packed), 0);
    assert_int_equal(http_gunzip(buf_slice(&packed), 1000, &out), 0);
    assert_int_equal(out.size, 2 * strlen("{\"type\":\"GET_HEALTH\"}"));
    buf_append_text(&packed, "x");
    assert_int_equal(http_gunzip(buf_slice(&packed), 1000, &out), -EPROTO);
    buf_deinit(&packed);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_accept_encoding),
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_what_is_not_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
