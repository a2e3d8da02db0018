#include "../unit.h"

#include <errno.h>

#include "election/zk_url.h"

static void check(const char *text, const char *hosts, const char *credentials, const char *path)
{
    struct arena arena;
    struct zk_url url;
    struct err err = {""};
    arena_init(&arena, 0);
    if (zk_url_parse(slice_from(text), &arena, &url, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
    assert_string_equal(url.hosts, hosts);
    assert_string_equal(url.path, path);
    if (credentials == NULL) {
        assert_null(url.credentials);
    } else {
        assert_string_equal(url.credentials, credentials);
    }
    arena_deinit(&arena);
}

static void refuse(const char *text, const char *why)
{
    struct arena arena;
    struct zk_url url = {.path = "untouched"};
    struct err err = {""};
    arena_init(&arena, 0);
    assert_int_equal(zk_url_parse(slice_from(text), &arena, &url, &err), -EINVAL);
    if (strstr(err.text, why) == NULL) {
        fail_msg("%s: '%s' does not say '%s'", text, err.text, why);
    }
    assert_string_equal(url.path, "untouched");
    arena_deinit(&arena);
}

static void parts_are_found(void **state)
{
    (void)state;
    check("zk://host1:2181/path/to/znode", "host1:2181", NULL, "/path/to/znode");
    check("zk://host1:1,host2:2,host3:3/mesos", "host1:1,host2:2,host3:3", NULL, "/mesos");
    check("zk://jake:1@host1:1/mesos", "host1:1", "jake:1", "/mesos");
    check("zk://jake:a b/c@d:e@host1:1,h:2/m", "host1:1,h:2", "jake:a b/c@d:e", "/m");
}

static void what_surrounds_it_is_cut_off(void **state)
{
    (void)state;
    check(" zk://h:1/mesos/\n", "h:1", NULL, "/mesos");
    check("zk://h:1 , g:2/mesos", "h:1,g:2", NULL, "/mesos");
}

static void ports_and_ip6_addresses(void **state)
{
    (void)state;
    check("zk://[::1]:65535,[fe80::1]:1/m", "[::1]:65535,[fe80::1]:1", NULL, "/m");
    refuse("zk://host/m", "'host' is not a host and a port");
    refuse("zk://[::1]/m", "not a host");
    refuse("zk://host:0/m", "'host:0' is not a host and a port");
    refuse("zk://host:65536/m", "not a host");
    refuse("zk://host:x/m", "not a host");
    refuse("zk://host:/m", "not a host");
    refuse("zk://:2181/m", "not a host");
    refuse("zk://::1/m", "not a host");
    refuse("zk://[]:1/m", "not a host");
    refuse("zk://[/m", "not a host");
    refuse("zk://[::1/m", "not a host");
    refuse("zk://[::1]x/m", "not a host");
    refuse("zk://a:1,,b:2/m", "'' is not a host");
    refuse("zk:///m", "'' is not a host");
    refuse("zk://a b:1/m", "not a host");
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    refuse("", "begins with zk://");
    refuse("host:5050", "begins with zk://");
    refuse("ZK://h:1/m", "begins with zk://");
    refuse("zk://h:1", "a path other than /");
    refuse("zk://h:1/", "a path other than /");
    refuse("zk://h:1//", "a path other than /");
    refuse("zk://h:1/a//b", "a part that is empty");
    refuse("zk://h:1/a/../b", "a part that is empty");
    refuse("zk://h:1/./b", "a part that is empty");
    refuse("zk://h:1/a b", "a space or a control character");
    refuse("zk://h:1/a\x01", "a space or a control character");
    refuse("zk://user@h:1/m", "not user:password");
    refuse("zk://:secret@h:1/m", "not user:password");
    assert_true(zk_url_is(SLICE(" zk://x")));
    assert_false(zk_url_is(SLICE("zk:/x")));
}

static void limits_hold(void **state)
{
    (void)state;
    char text[ZK_URL_SIZE_MAX + 2];
    memset(text, 'a', sizeof(text));
    memcpy(text, "zk://h:1/", 9);
    text[ZK_URL_SIZE_MAX] = '\0';
    check(text, "h:1", NULL, text + 8);
    text[ZK_URL_SIZE_MAX] = 'a';
    text[ZK_URL_SIZE_MAX + 1] = '\0';
    refuse(text, "longer than");

    CLEANUP(buf_deinit) struct buf many = BUF_INIT;
    buf_append_text(&many, "zk://");
    for (int i = 0; i < ZK_URL_HOSTS_MAX; i++) {
        buf_append_text(&many, i == 0 ? "h:1" : ",h:1");
    }
    size_t size = many.size;
    buf_append_text(&many, "/m");
    struct arena arena;
    struct zk_url url;
    arena_init(&arena, 0);
    assert_int_equal(zk_url_parse(buf_slice(&many), &arena, &url, NULL), 0);
    arena_deinit(&arena);
    many.size = size;
    buf_append_text(&many, ",h:1/m");
    refuse(buf_text(&many), "more than 64 hosts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found),
        cmocka_unit_test(what_surrounds_it_is_cut_off),
        cmocka_unit_test(ports_and_ip6_addresses),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
