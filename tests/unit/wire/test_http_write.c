#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/duration.h"
#include "wire/http.h"

static void check_text(struct buf *out, const char *expected)
{
    assert_string_equal(buf_text(out), expected);
    buf_deinit(out);
}

static void test_an_answer(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    http_put_status(&out, 404);
    http_put_header(&out, "Content-Type", SLICE("text/plain"));
    http_put_header_uint(&out, "Content-Length", UINT64_MAX);
    http_put_end(&out);
    check_text(&out, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
                     "Content-Length: 18446744073709551615\r\n\r\n");
}

static void test_a_request(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    http_put_request(&out, "POST", SLICE("/api/v1?x=y"));
    http_put_end(&out);
    check_text(&out, "POST /api/v1?x=y HTTP/1.1\r\n\r\n");
}

static void test_values_do_not_end_their_line(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    http_put_header(&out, "Location", SLICE("//h:1/\r\nX:y\0\x7f\t z"));
    check_text(&out, "Location: //h:1/X:y\t z\r\n");
    http_put_request(&out, "GET", SLICE("/a\r\nb"));
    check_text(&out, "GET /ab HTTP/1.1\r\n");
}

static void test_chunks(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    http_put_chunk(&out, SLICE("0123456789abcdefg"));
    http_put_chunk(&out, SLICE(""));
    http_put_last_chunk(&out);
    check_text(&out, "11\r\n0123456789abcdefg\r\n0\r\n\r\n");
}

static void test_reasons(void **state)
{
    (void)state;
    assert_string_equal(http_reason(200), "OK");
    assert_string_equal(http_reason(202), "Accepted");
    assert_string_equal(http_reason(307), "Temporary Redirect");
    assert_string_equal(http_reason(503), "Service Unavailable");
}

static void test_dates(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    http_format_date(0, &out);
    check_text(&out, "Thu, 01 Jan 1970 00:00:00 GMT");
    http_format_date(INT64_C(1795633358) * NS_PER_SEC + 999999999, &out);
    check_text(&out, "Wed, 25 Nov 2026 19:02:38 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_answer),
        cmocka_unit_test(test_a_request),
        cmocka_unit_test(test_values_do_not_end_their_line),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
