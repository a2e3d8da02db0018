/* Heads, judged: what is taken, what is refused, and where the body ends. */
#include "../unit.h"

#include "wire/http_head.h"

static void test_targets(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path, *query; /* path NULL: refused */
    } rows[] = {
        {"/", "/", ""},
        {"/a/b?c=d?e", "/a/b", "c=d?e"},
        {"/a#b?c", "/a", ""},
        {"/a?b#c", "/a", "b"},
        {"http://host:1/a?b", "/a", "b"},
        {"http://host", "/", ""},
        {"*", "*", ""},
        {"", NULL, NULL},
        {"a/b", NULL, NULL},
        {"host:80", NULL, NULL},
        {"/x://y", "/x://y", ""},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct http_head head = {0};
        const char *why = http_head_set_target(&head, slice_from(rows[i].target));
        if (rows[i].path == NULL) {
            assert_string_equal(why, "the target is not a path");
            continue;
        }
        assert_null(why);
        assert_true(slice_is(head.target, rows[i].target));
        assert_true(slice_is(head.path, rows[i].path));
        assert_true(slice_is(head.query, rows[i].query));
    }
}

static struct http_header header(const char *name, const char *value)
{
    return (struct http_header){slice_from(name), slice_from(value)};
}

static void test_headers(void **state)
{
    (void)state;
    struct http_header fine[] = {header("A", " x\t"), header("B-1", ""), header("a", "second")};
    struct http_head head = {0};
    assert_null(http_head_set_headers(&head, fine, ELEMENTS(fine)));
    assert_int_equal(head.header_count, 3);
    assert_true(slice_is(http_find_header(&head, "a"), "x")); /* the first one */
    assert_non_null(http_find_header(&head, "b-1").data);     /* empty, and there */
    assert_null(http_find_header(&head, "c").data);
    static const char *const names[] = {"", "a b", "a:", "\x80"};
    for (size_t i = 0; i < ELEMENTS(names); i++) {
        struct http_header bad = header(names[i], "x");
        assert_string_equal(http_head_set_headers(&head, &bad, 1), "a header's name is malformed");
    }
    struct http_header bad = header("a", "x\x01y");
    assert_string_equal(http_head_set_headers(&head, &bad, 1), "a header's value is malformed");
}

static void test_framing(void **state)
{
    (void)state;
    static const struct {
        const char *names[2], *values[2];
        const char *why; /* NULL: fine */
        int64_t size;
        bool chunked;
    } rows[] = {
        {{"A"}, {"b"}, NULL, -1, false},
        {{"content-length"}, {"12"}, NULL, 12, false},
        {{"Transfer-Encoding"}, {"Chunked"}, NULL, -1, true},
        {{"Content-Length", "Content-Length"}, {"1", "1"}, "Content-Length twice", 0, false},
        {{"Content-Length"}, {"-1"}, "Content-Length is not a number of bytes", 0, false},
        {{"Content-Length"},
         {"9223372036854775808"},
         "Content-Length is not a number of bytes",
         0,
         false},
        {{"Transfer-Encoding"}, {"gzip"}, "a transfer encoding other than chunked", 0, false},
        {{"Transfer-Encoding", "Transfer-Encoding"},
         {"chunked", "chunked"},
         "a transfer encoding other than chunked",
         0,
         false},
        {{"Content-Length", "Transfer-Encoding"},
         {"1", "chunked"},
         "Content-Length beside chunked",
         0,
         false},
    };
    for (size_t i = 0; i < ELEMENTS(rows); i++) {
        struct http_head head = {0};
        struct http_header headers[2];
        size_t count = 0;
        for (; count < 2 && rows[i].names[count] != NULL; count++) {
            headers[count] = header(rows[i].names[count], rows[i].values[count]);
        }
        assert_null(http_head_set_headers(&head, headers, count));
        const char *why = http_head_set_framing(&head);
        if (rows[i].why != NULL) {
            assert_string_equal(why, rows[i].why);
        } else {
            assert_null(why);
            assert_int_equal(head.content_size, rows[i].size);
            assert_int_equal(head.chunked, rows[i].chunked);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_framing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
