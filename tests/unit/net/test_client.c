#include "net_test.h"

#include "net/client.h"

static struct rig {
    struct loop *loop;
    struct client *client;
    int fd;                 /* where the server listens */
    struct address address; /* of it */
    struct raw raw;         /* the server's side */
    struct buf log;         /* what handlers were told, a line each */
    const char *wanted_text;
    bool frees;         /* handlers free the client, telling the others */
    bool frees_quietly; /* ... or not */
} rig;

static int set_up(void **state)
{
    (void)state;
    rig = (struct rig){0};
    rig.loop = loop_new();
    rig.fd = raw_listen(&rig.address, 128);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    client_free(rig.client, true);
    loop_free(rig.loop);
    (void)close(rig.fd);
    if (rig.raw.fd != 0) {
        raw_close(&rig.raw);
    }
    buf_deinit(&rig.log);
    return 0;
}

static void maybe_free(void)
{
    if (rig.frees || rig.frees_quietly) {
        rig.client = client_free(TAKE_PTR(rig.client), rig.frees_quietly);
    }
}

static void on_head(void *arg, const struct http_head *head)
{
    buf_printf(&rig.log, "%s head %d %.*s\n", (const char *)arg, head->status,
               SLICE_ARGS(http_find_header(head, "X")));
}

static void on_piece(void *arg, struct slice piece)
{
    buf_printf(&rig.log, "%s piece %.*s\n", (const char *)arg, SLICE_ARGS(piece));
    maybe_free();
}

static void on_end(void *arg, int status, const struct http_head *head, struct slice body)
{
    assert_int_equal(head != NULL, status > 0);
    const char *name = status < 0 ? strerrorname_np(-status) : "";
    buf_printf(&rig.log, "%s end %s%.0d %.*s\n", (const char *)arg, name, MAX(status, 0),
               SLICE_ARGS(body));
    maybe_free();
}

static void on_closed(void *arg)
{
    assert_ptr_equal(arg, &rig);
    buf_append_text(&rig.log, "closed\n");
}

static const struct client_handler collecting = {.on_end = on_end};
static const struct client_handler watching = {on_head, on_piece, on_end};

static void dial(bool close)
{
    rig.client = client_new(rig.loop, &rig.address, close);
    client_on_closed(rig.client, on_closed, &rig);
    rig.raw = raw_accept(rig.loop, rig.fd);
}

static struct client_request make(const char *name, const struct client_handler *handler)
{
    return (struct client_request){
        .method = "GET",
        .target = SLICE("/x"),
        .handler = handler,
        .arg = (void *)(uintptr_t)name,
    };
}

static void request(const char *name)
{
    struct client_request get = make(name, &collecting);
    client_send(rig.client, &get);
}

static bool has_text(void *arg)
{
    (void)arg;
    return strstr(buf_text(&rig.log), rig.wanted_text) != NULL;
}

static void wait_log(const char *text)
{
    rig.wanted_text = text;
    if (!wait_for(rig.loop, has_text, NULL, WAIT_NS)) {
        fail_msg("no \"%s\" in \"%s\"", text, buf_text(&rig.log));
    }
}

static void check_log(const char *expected)
{
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_string_equal(buf_text(&rig.log), expected);
}

/* --- requests --- */

static void test_programs_do_not_inherit_the_connection(void **state)
{
    (void)state;
    int before = inheritable_sockets();
    dial(false);
    request("1");
    raw_expect(rig.loop, &rig.raw, "\r\n\r\n");
    assert_int_equal(inheritable_sockets(), before);
}

static void test_a_request(void **state)
{
    (void)state;
    dial(false);
    struct net_header headers[] = {{"Accept", (char *)(uintptr_t) "a/b"}};
    struct client_request post = make("1", &collecting);
    post.method = "POST";
    post.target = SLICE("/api/v1?x");
    post.content_type = "application/json";
    post.headers = headers;
    post.header_count = 1;
    post.body = SLICE("{}");
    client_send(rig.client, &post);
    raw_expect(rig.loop, &rig.raw, "\r\n\r\n{}");
    CLEANUP(xfreep)
    char *expected = xasprintf("POST /api/v1?x HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                               "Content-Type: application/json\r\nAccept: a/b\r\n"
                               "Content-Length: 2\r\n\r\n{}",
                               rig.address.port);
    assert_string_equal(buf_text(&rig.raw.in), expected);
    raw_send(&rig.raw, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    wait_log("1 end 403 no\n");
    assert_false(client_is_closed(rig.client));
}

static void test_requests_are_answered_in_order(void **state)
{
    (void)state;
    dial(false);
    request("1");
    request("2");
    request("3");
    assert_int_equal(rig.log.size, 0);
    run_for(rig.loop, 5 * NS_PER_MS);
    raw_read(&rig.raw);
    assert_int_equal(raw_count(&rig.raw, "GET /x HTTP/1.1\r\n"), 3); /* without waiting */
    raw_send(&rig.raw, "HTTP/1.1 100 Continue\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
                       "HTTP/1.1 202 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n"
                       "HTTP/1.1 200 OK\r\n\r\nto the");
    run_for(rig.loop, 5 * NS_PER_MS);
    raw_send(&rig.raw, " end");
    (void)shutdown(rig.raw.fd, SHUT_WR);
    wait_log("closed\n");
    assert_string_equal(buf_text(&rig.log),
                        "1 end 200 a\n2 end 202 b\n3 end 200 to the end\nclosed\n");
    request("4");
    assert_true(client_is_closed(rig.client));
    wait_log("4 end ENOTCONN \n");
}

static void test_one_request_for_each_connection(void **state)
{
    (void)state;
    dial(true);
    request("1");
    raw_expect(rig.loop, &rig.raw, "Connection: close\r\n");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    wait_log("1 end 200 \nclosed\n"); /* whether the server closes or not */
}

static void test_a_body_piece_by_piece(void **state)
{
    (void)state;
    dial(false);
    struct client_request post = make("1", &watching);
    post.method = "POST";
    post.streaming = true;
    post.body = SLICE("first");
    client_send(rig.client, &post);
    client_write(rig.client, SLICE("second"), false);
    raw_expect(rig.loop, &rig.raw,
               "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    wait_log("1 head 200 y\n1 piece a\n"); /* both directions at a time */
    client_write(rig.client, SLICE("last"), true);
    client_write(rig.client, SLICE("too late"), true);
    raw_expect(rig.loop, &rig.raw, "4\r\nlast\r\n0\r\n\r\n");
    assert_true(slice_ends_with(buf_slice(&rig.raw.in), SLICE("\r\n0\r\n\r\n")));
    raw_send(&rig.raw, "1\r\nb\r\n0\r\n\r\n");
    wait_log("1 piece b\n1 end 200 \n");
}

/* --- records --- */

static void ask_for_records(const char *name)
{
    struct client_request post = make(name, &watching);
    post.method = "POST";
    post.records = true;
    post.timeout_ns = 200 * NS_PER_MS;
    post.size_max = 10;
    client_send(rig.client, &post);
}

static void test_records(void **state)
{
    (void)state;
    dial(false);
    ask_for_records("1");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "4\r\n2\nab\r\n3\r\n3\nc\r\n");
    wait_log("1 head 200 y\n1 piece ab\n");
    raw_send(&rig.raw, "2\r\nde\r\n");
    wait_log("1 piece cde\n");
    run_for(rig.loop, 300 * NS_PER_MS); /* the timeout is for the head alone */
    raw_send(&rig.raw, "0\r\n\r\n");
    wait_log("1 end 200 \n");
}

static void test_no_records_but_an_error(void **state)
{
    (void)state;
    dial(false);
    ask_for_records("1");
    raw_send(&rig.raw, "HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nwhy?");
    wait_log("1 head 503 \n1 end 503 why?\n");
}

static void check_broken_stream(const char *bytes, const char *expected)
{
    dial(false);
    ask_for_records("1");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    raw_send(&rig.raw, bytes);
    (void)shutdown(rig.raw.fd, SHUT_WR);
    wait_log("closed\n");
    assert_non_null(strstr(buf_text(&rig.log), expected));
    raw_close(&rig.raw);
    rig.raw.fd = 0;
    rig.client = client_free(rig.client, true);
    buf_clear(&rig.log);
}

static void test_streams_that_break(void **state)
{
    (void)state;
    check_broken_stream("3\r\n1\na\r\n", "1 piece a\n1 end EPROTO \nclosed\n");
    check_broken_stream("2\r\nx\n\r\n", "1 end EPROTO \nclosed\n");
    check_broken_stream("3\r\n11\n\r\n", "1 end EMSGSIZE \nclosed\n");
    check_broken_stream("3\r\n5\na\r\n0\r\n\r\n", "1 end EPROTO \nclosed\n");
}

/* --- failures --- */

static void test_nobody_there(void **state)
{
    (void)state;
    (void)close(rig.fd);
    rig.fd = raw_bind(&rig.address);
    rig.client = client_new(rig.loop, &rig.address, false);
    client_on_closed(rig.client, on_closed, &rig);
    request("1");
    request("2");
    assert_int_equal(rig.log.size, 0);
    wait_log("1 end ECONNREFUSED \n2 end ECONNREFUSED \nclosed\n");
}

static void test_an_answer_that_does_not_come(void **state)
{
    (void)state;
    dial(false);
    struct client_request get = make("1", &collecting);
    get.timeout_ns = 50 * NS_PER_MS;
    int64_t begun_ns = loop_now(rig.loop).mono_ns;
    client_send(rig.client, &get);
    request("2");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na");
    wait_log("1 end ETIMEDOUT \n2 end ETIMEDOUT \nclosed\n");
    assert_true(loop_now(rig.loop).mono_ns - begun_ns >= get.timeout_ns);
}

static void check_failure(const char *answer, bool reset, const char *expected)
{
    dial(false);
    struct client_request get = make("1", &collecting);
    get.size_max = 3;
    client_send(rig.client, &get);
    if (reset) {
        raw_expect(rig.loop, &rig.raw, "\r\n\r\n");
    }
    raw_send(&rig.raw, answer);
    (void)shutdown(rig.raw.fd, SHUT_WR);
    wait_log("closed\n");
    assert_string_equal(buf_text(&rig.log), expected);
    raw_close(&rig.raw);
    rig.raw.fd = 0;
    rig.client = client_free(rig.client, true);
    buf_clear(&rig.log);
}

static void test_answers_that_are_wrong(void **state)
{
    (void)state;
    check_failure("nonsense\r\n\r\n", false, "1 end EPROTO \nclosed\n");
    check_failure("", false, "1 end ECONNRESET \nclosed\n");
    check_failure("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", false,
                  "1 end EPROTO \nclosed\n");
    check_failure("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false,
                  "1 end 200 abc\nclosed\n");
    check_failure("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", false,
                  "1 end EMSGSIZE \nclosed\n");
    check_failure("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                  true, "1 end 200 \nclosed\n"); /* nobody asked for the second */
}

/* --- freeing --- */

static void test_freeing_tells_those_who_wait(void **state)
{
    (void)state;
    dial(false);
    request("1");
    request("2");
    rig.client = client_free(rig.client, false);
    assert_string_equal(buf_text(&rig.log), "1 end ECANCELED \n2 end ECANCELED \n");
    dial(false);
    request("3");
    rig.client = client_free(rig.client, true);
    check_log("1 end ECANCELED \n2 end ECANCELED \n");
}

static void test_freeing_from_a_handler(void **state)
{
    (void)state;
    rig.frees = true;
    dial(false);
    request("1");
    request("2");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
                       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    wait_log("1 end 200 \n2 end ECANCELED \n");
    raw_close(&rig.raw);

    buf_clear(&rig.log);
    dial(false);
    ask_for_records("1");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n1\na1\nb\r\n");
    wait_log("1 piece a\n1 end ECANCELED \n");
    raw_close(&rig.raw);

    buf_clear(&rig.log);
    rig.frees = false;
    rig.frees_quietly = true;
    dial(false);
    ask_for_records("1");
    raw_send(&rig.raw, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n1\na1\nb\r\n");
    wait_log("1 piece a\n");
    check_log("1 head 200 \n1 piece a\n");
    raw_close(&rig.raw);

    buf_clear(&rig.log);
    dial(false);
    request("1");
    request("2");
    (void)shutdown(rig.raw.fd, SHUT_WR);
    wait_log("1 end ECONNRESET \n");
    check_log("1 end ECONNRESET \n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_programs_do_not_inherit_the_connection),
        TEST(test_a_request),
        TEST(test_requests_are_answered_in_order),
        TEST(test_one_request_for_each_connection),
        TEST(test_a_body_piece_by_piece),
        TEST(test_records),
        TEST(test_no_records_but_an_error),
        TEST(test_streams_that_break),
        TEST(test_nobody_there),
        TEST(test_an_answer_that_does_not_come),
        TEST(test_answers_that_are_wrong),
        TEST(test_freeing_tells_those_who_wait),
        TEST(test_freeing_from_a_handler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
