#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/url.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static void check_decoded(const char *text, bool plus, const char *expected)
{
    struct slice got = SLICE("untouched");
    bool ok = url_decode(slice_from(text), plus, &arena, &got);
    assert_int_equal(ok, expected != NULL);
    assert_true(slice_is(got, ok ? expected : "untouched"));
}

static void test_decode(void **state)
{
    (void)state;
    check_decoded("", false, "");
    check_decoded("slave%281%29", false, "slave(1)");
    check_decoded("a%2Fb%2fc%25", false, "a/b/c%");
    check_decoded("a+b", false, "a+b");
    check_decoded("a+b%2B", true, "a b+");
    check_decoded("%ff%fe", false, "\xff\xfe");
    check_decoded("%", false, NULL);
    check_decoded("a%2", false, NULL);
    check_decoded("%zz", false, NULL);
    check_decoded("%2g", false, NULL);
    check_decoded("%+1", false, NULL);
    check_decoded("a%00b", false, NULL);
    struct slice got;
    assert_false(url_decode(SLICE("a\0b"), false, &arena, &got));
}

static void test_decode_within_a_budget(void **state)
{
    (void)state;
    struct arena small;
    struct slice got;
    arena_init(&small, 16);
    assert_false(url_decode(SLICE("%2f12345678901234567890"), false, &small, &got));
    arena_deinit(&small);
}

static void test_encode(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    url_encode(SLICE("a/b c(~)\xff\0."), "/(", &out);
    assert_string_equal(buf_text(&out), "a/b%20c(~%29%FF%00.");
    buf_clear(&out);
    url_encode(SLICE("a/b"), NULL, &out);
    assert_string_equal(buf_text(&out), "a%2Fb");
    buf_deinit(&out);
}

static void test_all_bytes_come_back(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char byte = (char)c;
        struct buf out = BUF_INIT;
        struct slice got;
        url_encode(slice_make(&byte, 1), NULL, &out);
        assert_true(url_decode(buf_slice(&out), true, &arena, &got));
        assert_true(slice_equal(got, slice_make(&byte, 1)));
        buf_deinit(&out);
    }
}

static void test_params(void **state)
{
    (void)state;
    struct url_params params;
    assert_true(url_parse_params(SLICE("path=%2Fa+b&offset=0;x&&=y&path=2&e="), &arena, &params));
    assert_int_equal(params.count, 6);
    assert_true(slice_is(url_find(&params, "path")->value, "/a b"));
    assert_true(slice_is(url_find(&params, "offset")->value, "0"));
    assert_true(slice_is(url_find(&params, "x")->value, ""));
    assert_true(slice_is(url_find(&params, "")->value, "y"));
    assert_true(slice_is(url_find(&params, "e")->value, ""));
    assert_null(url_find(&params, "pat"));
    assert_true(url_parse_params(SLICE(""), &arena, &params));
    assert_int_equal(params.count, 0);
    assert_true(url_parse_params(SLICE("&;&"), &arena, &params));
    assert_int_equal(params.count, 0);
    assert_false(url_parse_params(SLICE("a=%zz"), &arena, &params));
    assert_false(url_parse_params(SLICE("%=a"), &arena, &params));
}

static void test_the_number_of_params(void **state)
{
    (void)state;
    struct buf query = BUF_INIT;
    struct url_params params;
    for (int i = 0; i < URL_PARAMS_MAX; i++) {
        buf_append_text(&query, "a=b&");
    }
    assert_true(url_parse_params(buf_slice(&query), &arena, &params));
    assert_int_equal(params.count, URL_PARAMS_MAX);
    buf_append_text(&query, "c");
    assert_false(url_parse_params(buf_slice(&query), &arena, &params));
    buf_deinit(&query);
}

static void check_url(const char *text, const char *scheme, const char *host, int port,
                      const char *path, const char *query)
{
    struct url url;
    assert_true(url_parse(slice_from(text), &url));
    assert_true(slice_is(url.scheme, scheme));
    assert_true(slice_is(url.host, host));
    assert_int_equal(url.port, port);
    assert_true(slice_is(url.path, path));
    assert_true(slice_is(url.query, query));
}

static void test_urls(void **state)
{
    (void)state;
    check_url("http://h", "http", "h", 80, "/", "");
    check_url("HTTPS://h/a/b?c=d#e", "HTTPS", "h", 443, "/a/b", "c=d");
    check_url("http://1.2.3.4:5050?x", "http", "1.2.3.4", 5050, "/", "x");
    check_url("http://[::1]:65535/", "http", "::1", 65535, "/", "");
    check_url("http://[::1]", "http", "::1", 80, "/", "");
    check_url("docker+x://h/p", "docker+x", "h", 0, "/p", "");
    static const char *const bad[] = {
        "",
        "h",
        "/p",
        "http:/h",
        "http://",
        "http:///p",
        "://h",
        "http://h:x",
        "http://h:-1",
        "http://:80",
        "http://[::1",
        "http://[::1]x",
        "http://[]",
        "http://h: 1",
        "http://h i/",
        "http://h:65536",
        "http://h:1:2",
        "http://h/\n",
    };
    struct url url;
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_false(url_parse(slice_from(bad[i]), &url));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode), cmocka_unit_test(test_decode_within_a_budget),
        cmocka_unit_test(test_encode), cmocka_unit_test(test_all_bytes_come_back),
        cmocka_unit_test(test_params), cmocka_unit_test(test_the_number_of_params),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
