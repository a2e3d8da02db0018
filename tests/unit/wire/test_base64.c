#include "../unit.h"

#include "wire/base64.h"

/* RFC 4648, section 10, and bytes that need the last two characters of the alphabet. */
static const struct {
    const char *bytes;
    size_t size;
    const char *text;
    const char *url;
} vectors[] = {
    {"", 0, "", ""},
    {"f", 1, "Zg==", "Zg"},
    {"fo", 2, "Zm8=", "Zm8"},
    {"foo", 3, "Zm9v", "Zm9v"},
    {"foob", 4, "Zm9vYg==", "Zm9vYg"},
    {"fooba", 5, "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", 6, "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", 3, "+//+", "-__-"},
    {"\x00\x00", 2, "AAA=", "AAA"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ELEMENTS(vectors); i++) {
        struct slice bytes = slice_make(vectors[i].bytes, vectors[i].size);
        struct buf out = BUF_INIT;
        base64_encode(bytes, &out);
        assert_slice(buf_slice(&out), vectors[i].text);
        buf_clear(&out);
        base64url_encode(bytes, &out);
        assert_slice(buf_slice(&out), vectors[i].url);
        buf_clear(&out);
        assert_true(base64_decode(slice_from(vectors[i].text), &out));
        assert_true(slice_equal(buf_slice(&out), bytes));
        buf_clear(&out);
        assert_true(base64url_decode(slice_from(vectors[i].url), &out));
        assert_true(slice_equal(buf_slice(&out), bytes));
        buf_deinit(&out);
    }
}

static void test_appends(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    buf_append_text(&out, "x");
    base64_encode(SLICE("foo"), &out);
    assert_true(base64_decode(SLICE("Zm9v"), &out));
    assert_slice(buf_slice(&out), "xZm9vfoo");
    buf_deinit(&out);
}

static void test_all_bytes(void **state)
{
    (void)state;
    char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 167 + 13);
    }
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        struct buf text = BUF_INIT;
        struct buf again = BUF_INIT;
        base64_encode(slice_make(bytes, size), &text);
        assert_true(base64_decode(buf_slice(&text), &again));
        assert_true(slice_equal(buf_slice(&again), slice_make(bytes, size)));
        buf_deinit(&text);
        buf_deinit(&again);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z",    "Zg",    "Zg=",    "Zg===", "=",        "====",   "Z===", "Zh==",
        "Zm9=", "Zm 9v", "Zm9v\n", "Zm-_",  "Zg==Zg==", "Zm9vYg", "Z=g=", "\xc3\xa4==",
    };
    struct buf out = BUF_INIT;
    buf_append_text(&out, "kept");
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        assert_false(base64_decode(slice_from(texts[i]), &out));
        assert_slice(buf_slice(&out), "kept");
    }
    static const char *const urls[] = {"Z", "Zg==", "Zm+v", "Zm/v", "Zh", "Zm9vY"};
    for (size_t i = 0; i < ELEMENTS(urls); i++) {
        assert_false(base64url_decode(slice_from(urls[i]), &out));
        assert_slice(buf_slice(&out), "kept");
    }
    buf_deinit(&out);
}

static void check_loose(const char *text, const char *expected)
{
    char *out = malloc(base64_size_max(strlen(text)) + strlen(text));
    size_t size = 12345;
    assert_int_equal(base64_decode_loose(slice_from(text), out, &size), expected != NULL);
    if (expected != NULL) {
        assert_slice(slice_make(out, size), expected);
        /* In place, too. */
        memcpy(out, text, strlen(text));
        assert_true(base64_decode_loose(slice_make(out, strlen(text)), out, &size));
        assert_slice(slice_make(out, size), expected);
    } else {
        assert_int_equal(size, 12345);
    }
    free(out);
}

/* What the reference lets pass in JSON. */
static void test_loose(void **state)
{
    (void)state;
    check_loose("", "");
    check_loose("Zm9vYmFy", "foobar");
    check_loose("Zm9v\nYmFy\n", "foobar");
    check_loose(" Z m 9 v ", "foo");
    check_loose("Zm8", "fo");
    check_loose("Zg", "f");
    check_loose("Zg=", "f");
    check_loose("Zg==\r\n", "f");
    check_loose("Zh==", "f");
    check_loose("Z", NULL);
    check_loose("Zm9vY", NULL);
    check_loose("Zg==Zg==", NULL);
    check_loose("Zm-v", NULL);
    check_loose("Zm9v!", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_appends),
        cmocka_unit_test(test_all_bytes), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_loose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
