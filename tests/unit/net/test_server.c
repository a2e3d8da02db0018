#include "../unit.h"
#include "server_rig.h"

/* --- requests and answers --- */

static void test_a_request_and_its_answer(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "POST /a?b HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
    wait_requests(1);
    assert_string_equal(buf_text(&rig.log), "POST /a [body]\n");
    struct net_effects effects;
    net_effects_init(&effects);
    struct net_effect *effect =
        net_respond(&effects, rig.handles[0], 404, "text/html", blob_from(SLICE("gone away")));
    net_add_header(effect, "X-Y", "z\r\nw");
    server_perform(rig.server, net_effects_pop(&effects));
    raw_expect(rig.loop, &raw, "gone away");
    const char *text = buf_text(&raw.in);
    assert_true(slice_starts_with(buf_slice(&raw.in), SLICE("HTTP/1.1 404 Not Found\r\nDate: ")));
    assert_non_null(strstr(text, " GMT\r\nContent-Type: text/html\r\nX-Y: zw\r\n"
                                 "Content-Length: 9\r\n\r\ngone away"));
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_false(raw_has_ended(&raw));
    raw_close(&raw);
}

static void test_an_answer_without_anything(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    server_respond_empty(rig.server, rig.handles[0], 202);
    raw_expect(rig.loop, &raw, "GMT\r\nContent-Length: 0\r\n\r\n");
    assert_null(strstr(buf_text(&raw.in), "Content-Type"));
    server_respond_empty(rig.server, rig.handles[0], 202); /* there is no such request any more */
    raw_close(&raw);
}

static void test_head_sends_the_body(void **state)
{
    (void)state;
    rig.answers = true;
    struct raw raw = dial();
    raw_send(&raw, "HEAD /abc HTTP/1.1\r\n\r\n");
    raw_expect(rig.loop, &raw, "Content-Length: 4\r\n\r\n/abc");
    raw_close(&raw);
}

static void test_a_connection_goes_on(void **state)
{
    (void)state;
    rig.answers = true;
    struct raw raw = dial();
    for (int i = 0; i < 5; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "GET /n%d HTTP/1.1\r\n\r\n", i);
        raw_send(&raw, text);
        (void)snprintf(text, sizeof(text), "\r\n\r\n/n%d", i);
        raw_expect(rig.loop, &raw, text);
    }
    assert_int_equal(server_connection_count(rig.server), 1);
    raw_send(&raw, "GET /last HTTP/1.1\r\nConnection: close\r\n\r\n");
    raw_expect_end(rig.loop, &raw);
    assert_non_null(
        strstr(buf_text(&raw.in), "Connection: close\r\nContent-Length: 5\r\n\r\n/last"));
    assert_false(raw.reset);
    wait_connections(0);
    raw_close(&raw);
}

static void test_nothing_follows_a_request_that_is_the_last(void **state)
{
    (void)state;
    rig.answers = true;
    struct raw raw = dial();
    raw_send(&raw, "GET /last HTTP/1.0\r\n\r\nGET /more HTTP/1.1\r\n\r\n");
    raw_expect_end(rig.loop, &raw);
    assert_int_equal(rig.count, 1);
    raw_close(&raw);
}

static void test_answers_come_in_the_order_of_requests(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"
                   "GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n");
    wait_requests(4);
    respond(2, 200, "two");
    respond(3, 200, "three");
    respond(1, 200, "one");
    run_for(rig.loop, 5 * NS_PER_MS);
    raw_read(&raw);
    assert_int_equal(raw.in.size, 0);
    respond(0, 200, "zero");
    raw_expect_end(rig.loop, &raw);
    const char *text = buf_text(&raw.in);
    const char *zero = strstr(text, "zero");
    const char *one = strstr(text, "one");
    const char *two = strstr(text, "two");
    const char *three = strstr(text, "three");
    assert_true(zero != NULL && zero < one && one < two && two < three);
    raw_close(&raw);
}

static void test_a_request_may_come_in_pieces(void **state)
{
    (void)state;
    struct raw raw = dial();
    struct slice text = SLICE("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    for (size_t i = 0; i < text.size; i++) {
        raw_send_slice(&raw, slice_make(text.data + i, 1));
        run_for(rig.loop, WAIT_STEP_NS);
    }
    wait_requests(1);
    assert_string_equal(buf_text(&rig.log), "POST /x [abcdef]\n");
    raw_close(&raw);
    wait_log("GONE 0\n");
}

static void test_what_is_no_request_ends_the_connection(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "nonsense\r\n\r\n");
    raw_expect_end(rig.loop, &raw);
    assert_int_equal(raw.in.size, 0);
    raw_close(&raw);
    /* What came before it is answered. */
    raw = dial();
    raw_send(&raw, "GET /0 HTTP/1.1\r\n\r\nnonsense\r\n\r\n");
    wait_requests(1);
    run_for(rig.loop, 2 * NS_PER_MS);
    respond(0, 200, "still answered");
    raw_expect_end(rig.loop, &raw);
    assert_non_null(strstr(buf_text(&raw.in), "still answered"));
    raw_close(&raw);
}

static void test_a_client_that_waits_to_send_its_body(void **state)
{
    (void)state;
    rig.answers = true;
    struct raw raw = dial();
    raw_send(&raw, "POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    raw_expect(rig.loop, &raw, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_send(&raw, "ab");
    raw_expect(rig.loop, &raw, "\r\n\r\n/x");
    raw_close(&raw);
}

static void test_a_port_that_is_taken(void **state)
{
    (void)state;
    struct address bound;
    struct err err = {""};
    assert_true(server_listen(rig.server, &rig.address, &bound, &err) == -EADDRINUSE);
    assert_non_null(strstr(err.text, "127.0.0.1:"));
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    return has;
}

/* All addresses of IPv6 are none of IPv4, which may be listened on at the same port. */
static void test_both_families(void **state)
{
    (void)state;
    if (!has_ipv6()) {
        unit_skip("this machine has no IPv6");
    }
    struct address address;
    struct address any4;
    assert_true(address_parse(SLICE("[::]:0"), &address));
    assert_true(address_parse(SLICE("0.0.0.0:0"), &any4));
    rig.answers = true;
    int status = -EADDRINUSE;
    for (int tries = 0; tries < 100 && status == -EADDRINUSE; tries++) {
        listen_on(&address);
        any4.port = rig.address.port; /* may be another program's */
        struct address bound;
        status = server_listen(rig.server, &any4, &bound, NULL);
    }
    assert_int_equal(status, 0);
    const char *const hosts[] = {"[::1]:0", "127.0.0.1:0"};
    for (size_t i = 0; i < ELEMENTS(hosts); i++) {
        assert_true(address_parse(slice_from(hosts[i]), &address));
        address.port = any4.port;
        rig.address.family = address.family;
        struct raw raw = raw_connect(&address);
        raw_send(&raw, GET);
        raw_expect(rig.loop, &raw, "\r\n\r\n/a");
        raw_close(&raw);
    }
}

/* --- gzip --- */

static bool has_whole_answer(void *arg)
{
    struct raw *raw = arg;
    raw_read(raw);
    const char *text = buf_text(&raw->in);
    const char *length = strstr(text, "Content-Length: ");
    const char *end = strstr(text, "\r\n\r\n");
    return length != NULL && end != NULL &&
           raw->in.size == (size_t)(end + 4 - text) + strtoul(length + 16, NULL, 10);
}

static void check_zipped(size_t size, const char *accept, bool expected)
{
    struct raw raw = dial();
    size_t number = rig.count;
    CLEANUP(xfreep) char *request = xasprintf("GET /z HTTP/1.1\r\n%s\r\n", accept);
    raw_send(&raw, request);
    wait_requests(number + 1);
    struct blob *body = text_blob(size);
    respond_blob(rig.handles[number], 200, blob_ref(body));
    assert_true(wait_for(rig.loop, has_whole_answer, &raw, WAIT_NS));
    bool zipped = strstr(buf_text(&raw.in), "Content-Encoding: gzip\r\n") != NULL;
    assert_int_equal(zipped, expected);
    struct buf got = BUF_INIT;
    if (zipped) {
        assert_int_equal(http_gunzip(body_of(&raw), size, &got), 0);
    } else {
        buf_append_slice(&got, body_of(&raw));
    }
    assert_true(slice_equal(buf_slice(&got), blob_slice(body)));
    blob_unref(body);
    buf_deinit(&got);
    raw_close(&raw);
}

static void test_answers_are_zipped(void **state)
{
    (void)state;
    const char *accept = "Accept-Encoding: gzip, deflate\r\n";
    check_zipped(HTTP_GZIP_SIZE_MIN - 1, accept, false);
    check_zipped(HTTP_GZIP_SIZE_MIN, accept, true);
    check_zipped(1000000, accept, true); /* in a worker */
    check_zipped(1000000, "", false);
    check_zipped(2000, "Accept-Encoding: gzip;q=0\r\n", false);
}

static void test_what_is_zipped_is_not_zipped_again(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
    wait_requests(1);
    struct net_effects effects;
    net_effects_init(&effects);
    struct net_effect *effect = net_respond(&effects, rig.handles[0], 200, NULL, text_blob(5000));
    net_add_header(effect, "content-encoding", "br");
    server_perform(rig.server, net_effects_pop(&effects));
    raw_expect(rig.loop, &raw, "Content-Length: 5000\r\n");
    assert_null(strstr(buf_text(&raw.in), "gzip"));
    raw_close(&raw);
}

static void test_zipped_requests(void **state)
{
    (void)state;
    rig.limits.body_size_max = 1000;
    restart();
    rig.answers = rig.echoes = true;
    struct buf packed = BUF_INIT;
    assert_int_equal(http_gzip(SLICE("the body"), &packed), 0);
    struct raw raw = dial();
    CLEANUP(xfreep)
    char *head = xasprintf(
        "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", packed.size);
    raw_send(&raw, head);
    raw_send_slice(&raw, buf_slice(&packed));
    raw_expect(rig.loop, &raw, "\r\n\r\nthe body");
    raw_send(&raw, "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx");
    raw_expect(rig.loop, &raw, "HTTP/1.1 400 ");
    raw_expect_end(rig.loop, &raw);
    raw_close(&raw);

    struct blob *large = text_blob(1001);
    buf_clear(&packed);
    assert_int_equal(http_gzip(blob_slice(large), &packed), 0);
    assert_true(packed.size < 1000);
    raw = dial();
    CLEANUP(xfreep)
    char *large_head = xasprintf(
        "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", packed.size);
    raw_send(&raw, large_head);
    raw_send_slice(&raw, buf_slice(&packed));
    raw_expect(rig.loop, &raw, "HTTP/1.1 413 ");
    assert_int_equal(rig.count, 1);
    blob_unref(large);
    buf_deinit(&packed);
    raw_close(&raw);
}

/* --- bodies --- */

static void test_the_size_of_a_body(void **state)
{
    (void)state;
    rig.limits.body_size_max = 10;
    restart();
    rig.answers = rig.echoes = true;
    struct raw raw = dial();
    raw_send(&raw, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789");
    raw_expect(rig.loop, &raw, "\r\n\r\n0123456789");
    raw_send(&raw, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n");
    raw_expect(rig.loop, &raw, "\r\n\r\nabcdefghij");
    raw_send(&raw, "POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n");
    raw_expect(rig.loop, &raw, "HTTP/1.1 413 Payload Too Large\r\n");
    raw_expect(rig.loop, &raw, "Connection: close\r\n");
    /* It may still send, and read the answer in peace. */
    for (int i = 0; i < 100; i++) {
        raw_send(&raw, "0123456789");
        run_for(rig.loop, WAIT_STEP_NS / 10);
    }
    raw_expect_end(rig.loop, &raw);
    assert_false(raw.reset);
    raw_close(&raw);

    raw = dial();
    raw_send(&raw, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nabcde\r\nfffffff\r\nfghijk");
    raw_expect(rig.loop, &raw, "HTTP/1.1 413 ");
    assert_int_equal(rig.count, 2);
    raw_close(&raw);
}

static void test_a_body_that_is_streamed(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    wait_log("POST /stream ... []\n");
    raw_send(&raw, "3\r\nabc\r\n");
    wait_log("BODY 0 [abc]\n");
    raw_send(&raw, "2\r\nde\r\n0\r\n\r\n");
    wait_log("BODY 0 [de]\nBODY 0 [] end\n");
    respond(0, 200, "well");
    raw_expect(rig.loop, &raw, "\r\n\r\nwell");
    /* The connection goes on; without a body there is nothing to stream. */
    raw_send(&raw, "POST /stream HTTP/1.1\r\n\r\n");
    wait_log("POST /stream []\n");
    raw_close(&raw);
    wait_log("GONE 1\n");
}

static void test_an_answer_before_the_end_of_the_body(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "POST /stream HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    wait_log("BODY 0 [abc]\n");
    respond(0, 400, "no");
    raw_expect(rig.loop, &raw, "\r\n\r\nno");
    raw_send(&raw, "3\r\ndef\r\n");
    raw_expect_end(rig.loop, &raw);
    assert_false(raw.reset);
    assert_null(strstr(buf_text(&rig.log), "def"));
    assert_null(strstr(buf_text(&rig.log), "GONE"));
    raw_close(&raw);
}

static void test_a_streamed_body_is_paused(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "POST /stream HTTP/1.1\r\nContent-Length: 8\r\n\r\nab");
    wait_log("BODY 0 [ab]\n");
    server_pause_body(rig.server, rig.handles[0], true);
    raw_send(&raw, "cd");
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_null(strstr(buf_text(&rig.log), "cd"));
    server_pause_body(rig.server, rig.handles[0], false);
    wait_log("BODY 0 [cd]\n");
    raw_send(&raw, "efgh");
    wait_log("BODY 0 [] end\n");
    raw_close(&raw);
}

static void test_clients_that_leave_in_the_middle(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "GE",
                                        "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
                                        "POST /stream HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"};
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        struct raw raw = dial();
        raw_send(&raw, texts[i]);
        run_for(rig.loop, 3 * NS_PER_MS);
        raw_close(&raw);
    }
    wait_log("GONE 0\n"); /* only of the one that was told of */
    wait_connections(0);
    assert_int_equal(rig.count, 1);
}

/* More than one read of libevent's, and more than one of ours; all of it before we look. */
static void test_much_that_was_sent_at_once(void **state)
{
    (void)state;
    struct raw raw = dial();
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    for (int i = 0; i < 90; i++) {
        buf_printf(&text, "POST /%d HTTP/1.1\r\nContent-Length: 1000\r\n\r\n%01000d", i, i);
    }
    assert_true(text.size > 65536 + 4096);
    rig.answers = rig.echoes = true;
    raw_send_slice(&raw, buf_slice(&text));
    wait_requests(90);
    buf_clear(&text);
    buf_printf(&text, "%01000d", 89);
    raw_expect(rig.loop, &raw, buf_text(&text));
    assert_int_equal(raw_count(&raw, "HTTP/1.1 200 OK"), 90);
    raw_close(&raw);
}

/* What is read behind a pause waits, too. */
static void test_much_that_has_to_wait(void **state)
{
    (void)state;
    rig.limits.pipeline_max = 50;
    restart();
    struct raw raw = dial();
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    for (int i = 0; i < 90; i++) {
        buf_printf(&text, "POST /%d HTTP/1.1\r\nContent-Length: 1000\r\n\r\n%01000d", i, i);
    }
    raw_send_slice(&raw, buf_slice(&text));
    wait_requests(50);
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_int_equal(rig.count, 50);
    for (size_t i = 0; i < 50; i++) {
        respond(i, 200, "");
    }
    wait_requests(90);
    assert_non_null(strstr(buf_text(&rig.log), "POST /89 ["));
    raw_close(&raw);
}

/* --- limits --- */

static void test_requests_wait_behind_those_that_are_unanswered(void **state)
{
    (void)state;
    rig.limits.pipeline_max = 3;
    restart();
    struct raw raw = dial();
    for (int i = 0; i < 10; i++) {
        raw_send(&raw, GET);
    }
    wait_requests(3);
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_int_equal(rig.count, 3);
    respond(1, 200, "one");
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_int_equal(rig.count, 3); /* it has not gone out */
    respond(0, 200, "zero");
    wait_requests(5);
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_int_equal(rig.count, 5);
    rig.answers = true;
    respond(2, 200, "two");
    respond(3, 200, "three");
    respond(4, 200, "four");
    wait_requests(10);
    raw_close(&raw);
}

static void test_no_request_is_read_while_answers_are_not(void **state)
{
    (void)state;
    rig.limits.pipeline_max = SEEN_MAX;
    restart();
    struct raw raw = dial();
    for (int i = 0; i < 200; i++) {
        raw_send(&raw, "GET /large HTTP/1.1\r\n\r\n");
    }
    size_t answered = 0;
    for (int i = 0; i < 100; i++) {
        run_for(rig.loop, WAIT_STEP_NS);
        while (answered < rig.count) {
            respond_blob(rig.handles[answered++], 200, text_blob(200000));
        }
        /* The requests of one read are told together; after that, none. */
    }
    assert_true(server_unsent_size(rig.server) > 0);
    size_t before = rig.count;
    for (int i = 0; i < 10; i++) {
        (void)send(raw.fd, GET, sizeof(GET) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        run_for(rig.loop, WAIT_STEP_NS);
    }
    assert_true(rig.count <= before + 1); /* one finds out that there is no room */
    raw_close(&raw);
}

static void test_answers_that_nobody_takes(void **state)
{
    (void)state;
    rig.limits.answer_stall_ns = 50 * NS_PER_MS;
    restart();
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    respond_blob(rig.handles[0], 200, text_blob(20000000));
    wait_connections(0);
    raw_close(&raw);
}

/* A byte at a time is no help. */
static void check_a_slow_head(void)
{
    struct raw raw = dial();
    int64_t begun_ns = loop_now(rig.loop).mono_ns;
    raw_send(&raw, "GET / HTTP/1.1\r\nX: ");
    while (!raw_has_ended(&raw)) {
        assert_true(loop_now(rig.loop).mono_ns - begun_ns < WAIT_NS);
        (void)send(raw.fd, "y", 1, MSG_NOSIGNAL);
        run_for(rig.loop, rig.limits.head_timeout_ns / 12);
    }
    assert_true(loop_now(rig.loop).mono_ns - begun_ns >= rig.limits.head_timeout_ns);
    raw_close(&raw);
}

/* As long as something comes, it may take its time. */
static bool play_a_slow_body(int64_t timeout_ns)
{
    rig.limits.head_timeout_ns = timeout_ns;
    rig.limits.body_timeout_ns = timeout_ns;
    restart();
    struct raw raw = dial();
    raw_send(&raw, "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n");
    pace_begin(rig.loop);
    for (int i = 0; i < 10; i++) {
        (void)send(raw.fd, "x", 1, MSG_NOSIGNAL);
        run_for(rig.loop, timeout_ns / 4);
    }
    bool was_cut = raw_has_ended(&raw);
    bool is_kept = pace_is_kept(rig.loop, timeout_ns / 4);
    if (is_kept) {
        assert_false(was_cut);
        raw_expect_end(rig.loop, &raw);
    }
    raw_close(&raw);
    return is_kept;
}

static void test_who_is_slow_with_a_request(void **state)
{
    (void)state;
    pace_play(play_a_slow_body, 60 * NS_PER_MS);
    struct raw silent = dial();
    struct raw idle = dial();
    rig.answers = true;
    raw_send(&idle, GET);
    raw_expect(rig.loop, &idle, "\r\n\r\n/a");
    rig.answers = false;
    struct raw streaming = dial();
    raw_send(&streaming, "POST /stream HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
    check_a_slow_head();
    run_for(rig.loop, 2 * rig.limits.body_timeout_ns);
    assert_false(raw_has_ended(&silent));
    assert_false(raw_has_ended(&idle));
    assert_false(raw_has_ended(&streaming));
    raw_close(&silent);
    raw_close(&idle);
    raw_close(&streaming);
}

static void test_the_number_of_connections(void **state)
{
    (void)state;
    rig.limits.connections_max = 4;
    restart();
    struct raw raws[6];
    for (size_t i = 0; i < 4; i++) {
        raws[i] = dial();
        run_for(rig.loop, 2 * NS_PER_MS);
    }
    raw_send(&raws[0], GET); /* is waiting for its answer */
    wait_requests(1);
    raw_send(&raws[1], GET);
    wait_requests(2);
    server_keep(rig.server, rig.handles[1]); /* carries messages */
    server_respond_empty(rig.server, rig.handles[1], 202);
    raw_expect(rig.loop, &raws[1], "202");
    raw_send(&raws[2], GET); /* 3 is idle for longer than 2 */
    wait_requests(3);
    server_respond_empty(rig.server, rig.handles[2], 202);
    raw_expect(rig.loop, &raws[2], "202");

    raws[4] = dial();
    raw_expect_end(rig.loop, &raws[3]);
    assert_false(raw_has_ended(&raws[2]));
    raw_send(&raws[4], GET);
    wait_requests(4);
    raws[5] = dial();
    raw_expect_end(rig.loop, &raws[2]);
    raw_send(&raws[5], GET);
    wait_requests(5);
    struct raw too_many = dial(); /* nobody is idle now */
    raw_expect_end(rig.loop, &too_many);
    assert_false(raw_has_ended(&raws[0]) || raw_has_ended(&raws[1]) || raw_has_ended(&raws[4]) ||
                 raw_has_ended(&raws[5]));
    assert_int_equal(server_connection_count(rig.server), 4);
    for (size_t i = 0; i < 6; i++) {
        raw_close(&raws[i]);
    }
    raw_close(&too_many);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_request_and_its_answer),
        TEST(test_an_answer_without_anything),
        TEST(test_head_sends_the_body),
        TEST(test_a_connection_goes_on),
        TEST(test_nothing_follows_a_request_that_is_the_last),
        TEST(test_answers_come_in_the_order_of_requests),
        TEST(test_a_request_may_come_in_pieces),
        TEST(test_what_is_no_request_ends_the_connection),
        TEST(test_a_client_that_waits_to_send_its_body),
        TEST(test_a_port_that_is_taken),
        TEST(test_both_families),
        TEST(test_answers_are_zipped),
        TEST(test_what_is_zipped_is_not_zipped_again),
        TEST(test_zipped_requests),
        TEST(test_the_size_of_a_body),
        TEST(test_a_body_that_is_streamed),
        TEST(test_an_answer_before_the_end_of_the_body),
        TEST(test_a_streamed_body_is_paused),
        TEST(test_clients_that_leave_in_the_middle),
        TEST(test_much_that_was_sent_at_once),
        TEST(test_much_that_has_to_wait),
        TEST(test_requests_wait_behind_those_that_are_unanswered),
        TEST(test_no_request_is_read_while_answers_are_not),
        TEST(test_answers_that_nobody_takes),
        TEST(test_who_is_slow_with_a_request),
        TEST(test_the_number_of_connections),
    };
    return unit_status(cmocka_run_group_tests(tests, NULL, NULL));
}
