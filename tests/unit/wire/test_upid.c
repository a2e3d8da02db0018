#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "wire/upid.h"

static void check_address(const char *text, int family, int port, const char *again)
{
    struct address address;
    char shown[ADDRESS_TEXT_SIZE];
    assert_true(address_parse(slice_from(text), &address));
    assert_int_equal(address.family, family);
    assert_int_equal(address.port, port);
    address_format(&address, shown);
    assert_string_equal(shown, again);

    struct sockaddr_storage storage;
    socklen_t size;
    struct address back;
    address_to_sockaddr(&address, &storage, &size);
    assert_true(address_from_sockaddr((struct sockaddr *)&storage, &back));
    assert_true(address_equal(&address, &back));
}

static void test_addresses(void **state)
{
    (void)state;
    check_address("127.0.0.1:5050", 4, 5050, "127.0.0.1:5050");
    check_address("0.0.0.0:0", 4, 0, "0.0.0.0:0");
    check_address("[::1]:65535", 6, 65535, "[::1]:65535");
    check_address("[FE80:0::1]:1", 6, 1, "[fe80::1]:1");
    static const char *const bad[] = {
        "",
        "1.2.3.4",
        ":1",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3:1",
        "300.1.2.3:1",
        "h:1",
        "::1:1",
        "[::1]",
        "[1.2.3.4]:1",
        "1.2.3.4: 1",
        " 1.2.3.4:1",
        "[:1",
        "[]:1",
        "1.2.3.4:1x",
        "1.2.3.4:+1",
        "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1",
    };
    struct address address;
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_false(address_parse(slice_from(bad[i]), &address));
    }
}

static void test_mapped_addresses_are_of_the_older_family(void **state)
{
    (void)state;
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.1.2.3", &in6.sin6_addr), 1);
    struct address address;
    char text[ADDRESS_TEXT_SIZE];
    assert_true(address_from_sockaddr((struct sockaddr *)&in6, &address));
    address_format(&address, text);
    assert_string_equal(text, "10.1.2.3:80");
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(address_from_sockaddr(&other, &address));
}

static struct upid parse(const char *text)
{
    struct upid upid;
    assert_true(upid_parse(slice_from(text), &upid));
    return upid;
}

static void test_upids(void **state)
{
    (void)state;
    struct upid upid = parse("slave(1)@10.0.0.7:5051");
    char text[UPID_TEXT_SIZE];
    assert_string_equal(upid.id, "slave(1)");
    upid_format(&upid, text);
    assert_string_equal(text, "slave(1)@10.0.0.7:5051");
    assert_false(upid_is_none(&upid));
    struct upid other = parse("slave(2)@10.0.0.7:5051");
    assert_true(upid_equal(&upid, &upid));
    assert_false(upid_equal(&upid, &other));
    other = parse("slave(1)@10.0.0.7:5052");
    assert_false(upid_equal(&upid, &other));

    upid = parse("@0.0.0.0:0"); /* a framework over HTTP */
    assert_true(upid_is_none(&upid));
    upid_format(&upid, text);
    assert_string_equal(text, "@0.0.0.0:0");
    struct upid unset = {0};
    assert_true(upid_is_none(&unset));

    static const char *const bad[] = {"",
                                      "x",
                                      "x@",
                                      "@",
                                      "@127.0.0.1:1",
                                      "@0.0.0.0:1",
                                      "x@300.1.2.3:70000",
                                      "a b@1.2.3.4:5",
                                      "a\r\nb@1.2.3.4:5",
                                      "a\x7f@1.2.3.4:5",
                                      "a@b@1.2.3.4:5"};
    for (size_t i = 0; i < ELEMENTS(bad); i++) {
        assert_false(upid_parse(slice_from(bad[i]), &upid));
    }
}

static void test_the_size_of_an_id(void **state)
{
    (void)state;
    char text[UPID_ID_SIZE_MAX + 32];
    for (int beyond = 0; beyond <= 1; beyond++) {
        memset(text, 'x', sizeof(text));
        (void)snprintf(text + UPID_ID_SIZE_MAX + beyond, 20, "@255.255.255.255:1");
        struct upid upid;
        assert_int_equal(upid_parse(slice_from(text), &upid), beyond == 0);
        if (beyond == 0) {
            char shown[UPID_TEXT_SIZE];
            upid_format(&upid, shown);
            assert_string_equal(shown, text);
        }
        char id[UPID_ID_SIZE_MAX + 1];
        struct slice name;
        char path[UPID_ID_SIZE_MAX + 32] = "/";
        (void)snprintf(path + 1, sizeof(path) - 1, "%.*s/n", UPID_ID_SIZE_MAX + beyond, text);
        assert_int_equal(libprocess_parse_path(slice_from(path), id, &name), beyond == 0);
    }
}

static void test_messages_are_written_as_the_reference_does(void **state)
{
    (void)state;
    FILE *file = fopen(TEST_DATA_DIR "/wire/libprocess_heads.txt", "r");
    assert_non_null(file);
    char line[1024];
    size_t count = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        struct slice parts[4];
        struct slice rest = slice_trim(slice_from(line));
        for (size_t i = 0; i < 4; i++) {
            assert_true(slice_split(&rest, '\t', &parts[i]));
        }
        struct upid from;
        struct upid to;
        assert_true(upid_parse(parts[0], &from) && upid_parse(parts[1], &to));
        bool empty = slice_is(parts[3], "empty");
        struct buf out = BUF_INIT;
        libprocess_put_message(&from, &to, parts[2], empty ? SLICE("") : SLICE("seventeen bytes.."),
                               &out);
        struct buf expected = BUF_INIT;
        char head[1024];
        do {
            assert_non_null(fgets(head, sizeof(head), file));
            buf_append(&expected, head, strlen(head) - 1);
            buf_append_text(&expected, "\r\n");
        } while (head[0] != '\n');
        if (!empty) {
            buf_append_text(&expected, "11\r\nseventeen bytes..\r\n0\r\n\r\n");
        }
        assert_string_equal(buf_text(&out), buf_text(&expected));
        buf_deinit(&out);
        buf_deinit(&expected);
        count++;
    }
    fclose(file);
    assert_true(count > 20);
}

static bool is_message(const char *method, const char *agent, const char *from, struct upid *ret)
{
    struct http_header headers[2];
    struct http_head head = {.method = slice_from(method), .headers = headers};
    if (agent != NULL) {
        headers[head.header_count++] = (struct http_header){SLICE("User-Agent"), slice_from(agent)};
    }
    if (from != NULL) {
        headers[head.header_count++] =
            (struct http_header){SLICE("libprocess-from"), slice_from(from)};
    }
    return libprocess_is_message(&head, ret);
}

static void test_what_is_a_message(void **state)
{
    (void)state;
    struct upid from;
    struct upid a = parse("a@1.2.3.4:5");
    struct upid b = parse("b@1.2.3.4:5");
    assert_true(is_message("POST", "libprocess/a@1.2.3.4:5", "b@1.2.3.4:5", &from));
    assert_true(upid_equal(&from, &b));
    assert_true(is_message("POST", "libprocess/a@1.2.3.4:5", NULL, &from));
    assert_true(upid_equal(&from, &a));
    assert_true(is_message("POST", "curl/8", "b@1.2.3.4:5", &from));
    assert_true(upid_equal(&from, &b));
    /* Whoever cannot be answered is still a sender. */
    assert_true(is_message("POST", "libprocess/x", NULL, &from));
    assert_true(upid_is_none(&from));
    assert_true(is_message("POST", NULL, "x@", &from));
    assert_true(upid_is_none(&from));

    assert_false(is_message("POST", "curl/8", NULL, &from));
    assert_false(is_message("POST", NULL, NULL, &from));
    assert_false(is_message("POST", "my libprocess/a@1.2.3.4:5", NULL, &from));
    assert_false(is_message("GET", "libprocess/a@1.2.3.4:5", "b@1.2.3.4:5", &from));
}

static void check_path(const char *path, const char *id, const char *name)
{
    char got_id[UPID_ID_SIZE_MAX + 1];
    struct slice got_name;
    bool ok = libprocess_parse_path(slice_from(path), got_id, &got_name);
    assert_int_equal(ok, id != NULL);
    if (ok) {
        assert_string_equal(got_id, id);
        assert_true(slice_is(got_name, name));
    }
}

static void test_paths_of_messages(void **state)
{
    (void)state;
    check_path("/master/mesos.internal.X", "master", "mesos.internal.X");
    check_path("/slave(1)/a/b", "slave(1)", "a/b");
    check_path("/slave%281%29/x", "slave(1)", "x");
    check_path("/%73lave/x%20", "slave", "x%20");
    check_path("/master", "master", "");
    check_path("/master/", "master", "");
    check_path("", NULL, NULL);
    check_path("/", NULL, NULL);
    check_path("//x", NULL, NULL);
    check_path("*", NULL, NULL);
    check_path("/a%/x", NULL, NULL);
    check_path("/a%2/x", NULL, NULL);
    check_path("/a%00/x", NULL, NULL);
    check_path("/%+1/x", NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_mapped_addresses_are_of_the_older_family),
        cmocka_unit_test(test_upids),
        cmocka_unit_test(test_the_size_of_an_id),
        cmocka_unit_test(test_messages_are_written_as_the_reference_does),
        cmocka_unit_test(test_what_is_a_message),
        cmocka_unit_test(test_paths_of_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
