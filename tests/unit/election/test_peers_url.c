/* Lists of masters, with and without their scheme. */
#include "../unit.h"

#include "election/peers_url.h"

static struct arena arena;

static void check(const char *text, bool is_url, const char *expected)
{
    struct peers_url url;
    struct err err = {""};
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    arena_init(&arena, 0);
    int r = is_url ? peers_url_parse(slice_from(text), &arena, &url, &err)
                   : peers_url_parse_list(slice_from(text), &arena, &url, &err);
    for (size_t i = 0; r == 0 && i < url.count; i++) {
        buf_printf(&out, "%s|%d ", url.hosts[i].name, url.hosts[i].port);
    }
    if (r != 0) {
        assert_true(r < 0);
        buf_append_text(&out, err.text);
    }
    if (strstr(buf_text(&out), expected) == NULL) {
        fail_msg("%s: %s", text, buf_text(&out));
    }
    arena_deinit(&arena);
}

static void lists(void **state)
{
    (void)state;
    check("a:1", false, "a|1 ");
    check(" a:1, b.example:65535 ,[::1]:7\n", false, "a|1 b.example|65535 ::1|7 ");
    check("10.0.0.1:5050", false, "10.0.0.1|5050 ");
    check("", false, "is not host:port");
    check("a", false, "'a' is not host:port");
    check("a:", false, "is not host:port");
    check(":1", false, "is not host:port");
    check("a:0", false, "is not host:port");
    check("a:65536", false, "is not host:port");
    check("a:1,", false, "'' is not host:port");
    check("::1:7", false, "is not host:port");
    check("[]:7", false, "is not host:port");
    check("a b:7", false, "is not host:port");
    check("master@a:7", false, "is not host:port");
    check("zk://a:1/m", false, "has a scheme");
    check("peers://a:1", false, "has a scheme");
    check("a:1,zk://b:1/m", false, "has a scheme");
}

static void urls(void **state)
{
    (void)state;
    assert_true(peers_url_is(SLICE(" peers://")));
    assert_false(peers_url_is(SLICE("zk://a:1/m")));
    assert_false(peers_url_is(SLICE("peers:/a:1")));
    check("peers://a:1,b:2,c:3", true, "a|1 b|2 c|3 ");
    check(" peers://a:1/\n", true, "a|1 ");
    check("a:1", true, "begins with peers://");
    check("peers://", true, "is not host:port");
    check("peers:///", true, "is not host:port");
    check("peers://a:1/mesos", true, "has a path or a password");
    check("peers://u:p@a:1", true, "has a path or a password");
    check("peers://a:1,zk://b:2/mesos", true, "mixes ways to find the leader");
    check("peers://a:1,peers://b:2", true, "mixes ways to find the leader");
}

static void limits(void **state)
{
    (void)state;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    for (int i = 0; i < PEERS_URL_HOSTS_MAX; i++) {
        buf_printf(&text, "%sh:%d", i > 0 ? "," : "", i + 1);
    }
    check(buf_text(&text), false, "h|16 ");
    buf_append_text(&text, ",h:17");
    check(buf_text(&text), false, "more than 16 hosts");
    buf_clear(&text);
    for (int i = 0; i < PEERS_URL_HOST_SIZE_MAX; i++) {
        buf_append_byte(&text, 'a');
    }
    buf_append_text(&text, ":1");
    check(buf_text(&text), false, "a|1 ");
    CLEANUP(buf_deinit) struct buf longer = BUF_INIT;
    buf_printf(&longer, "a%s", buf_text(&text));
    check(buf_text(&longer), false, "is not host:port");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(urls),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
