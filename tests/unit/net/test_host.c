#include "net_test.h"

#include "net/host.h"

/* A process: a host whose core notes what it is told, and answers requests with what it noted. */
static struct rig {
    struct loop *loop;
    struct workers *workers;
    struct net_host *host;
    struct address address; /* that it listens on */
    struct buf log;         /* what the core was told, a line each */
    uint64_t handle;        /* of the last request */
    bool stepping;          /* the core is in a step: it must not be entered again */
    int drained;
    const char *wanted_text;
} rig;

static void tell_request(const struct net_event *event)
{
    const struct net_request *request = &event->request;
    assert_true(request->handle == event->handle);
    assert_null(request->principal);
    buf_printf(&rig.log, "REQUEST %.*s %.*s?%.*s%s [%.*s]\n", SLICE_ARGS(request->head->method),
               SLICE_ARGS(request->path), SLICE_ARGS(request->head->query),
               request->streaming ? " ..." : "", SLICE_ARGS(request->body));
    rig.handle = event->handle;
    struct net_effects effects;
    net_effects_init(&effects);
    if (!request->streaming && slice_starts_with(request->path, SLICE("/master/ask"))) {
        net_respond_text(&effects, event->handle, 200, "answer to %.*s", SLICE_ARGS(request->body));
    }
    net_host_perform(rig.host, &effects);
}

static void tell_message(const struct net_event *event)
{
    char from[UPID_TEXT_SIZE] = "nobody";
    if (!upid_is_none(&event->from)) {
        upid_format(&event->from, from);
    }
    buf_printf(&rig.log, "MESSAGE %s>%s %.*s [%.*s]\n", from, event->to, SLICE_ARGS(event->name),
               SLICE_ARGS(event->body));
}

static void on_event(void *arg, const struct net_event *event)
{
    assert_ptr_equal(arg, &rig);
    assert_false(rig.stepping);
    rig.stepping = true;
    switch (event->type) {
    case NET_REQUEST:
        tell_request(event);
        break;
    case NET_BODY:
        buf_printf(&rig.log, "BODY [%.*s]%s\n", SLICE_ARGS(event->body),
                   event->ended ? " end" : "");
        break;
    case NET_GONE:
        buf_append_text(&rig.log, "GONE\n");
        break;
    case NET_MESSAGE:
        tell_message(event);
        break;
    case NET_EXITED:
        buf_append_text(&rig.log, "EXITED\n");
        break;
    case NET_WORKED:
        buf_printf(&rig.log, "WORKED %d [%.*s]\n", (int)event->handle,
                   SLICE_ARGS(buf_slice(event->made)));
        break;
    case NET_TAKEN:
        buf_append_text(&rig.log, "TAKEN\n");
        break;
    case NET_REPLY:
        buf_printf(&rig.log, "REPLY %d %d [%.*s]\n", (int)event->handle, event->status,
                   SLICE_ARGS(event->body));
        break;
    }
    rig.stepping = false;
}

static bool has_actor(void *arg, struct slice id)
{
    assert_ptr_equal(arg, &rig);
    return slice_is(id, "master") || slice_is(id, "files") || slice_is(id, "log(1)");
}

static bool streams(void *arg, const struct http_head *head, struct slice path)
{
    assert_ptr_equal(arg, &rig);
    assert_true(slice_is(head->method, "POST"));
    return slice_is(path, "/master/attach");
}

static void start(bool require_peer_match)
{
    static const struct net_host_callbacks callbacks = {on_event, has_actor, streams};
    net_host_free(rig.host);
    rig.host = net_host_new(&(struct net_host_options){.loop = rig.loop,
                                                       .workers = rig.workers,
                                                       .callbacks = &callbacks,
                                                       .arg = &rig,
                                                       .delegate = "master",
                                                       .require_peer_match = require_peer_match,
                                                       .seed = 3});
    struct address any = local_address();
    assert_int_equal(net_host_listen(rig.host, &any, &rig.address, NULL), 0);
    net_host_set_self(rig.host, &rig.address);
}

static int set_up(void **state)
{
    (void)state;
    rig = (struct rig){0};
    rig.loop = loop_new();
    rig.workers = workers_new(rig.loop, 2);
    start(false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_host_free(rig.host);
    workers_free(rig.workers);
    loop_free(rig.loop);
    buf_deinit(&rig.log);
    return 0;
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

static void check_request(const char *head, const char *expected, const char *answer)
{
    struct raw raw = raw_connect(&rig.address);
    buf_clear(&rig.log);
    raw_send(&raw, head);
    raw_expect(rig.loop, &raw, answer);
    assert_string_equal(buf_text(&rig.log), expected);
    raw_close(&raw);
    run_for(rig.loop, 2 * NS_PER_MS);
}

static void test_requests_are_routed(void **state)
{
    (void)state;
    check_request("POST /ask/?q=1 HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
                  "REQUEST POST /master/ask?q=1 [x]\n", "\r\n\r\nanswer to x");
    check_request("POST /%6daster//ask HTTP/1.1\r\n\r\n", "REQUEST POST /master/ask? []\n",
                  "Content-Type: text/plain; charset=utf-8\r\n");
    check_request("POST /master/../x HTTP/1.1\r\n\r\n", "", "HTTP/1.1 404 Not Found\r\n");
    check_request("POST /%zz HTTP/1.1\r\n\r\n", "", "HTTP/1.1 404 Not Found\r\n");
}

static void test_a_request_that_is_never_answered(void **state)
{
    (void)state;
    struct raw raw = raw_connect(&rig.address);
    raw_send(&raw, "POST /files/read HTTP/1.1\r\n\r\n");
    wait_log("REQUEST POST /files/read? []\n");
    raw_close(&raw);
    wait_log("GONE\n");
}

static void test_a_streamed_request(void **state)
{
    (void)state;
    struct raw raw = raw_connect(&rig.address);
    raw_send(&raw, "POST /attach HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    wait_log("REQUEST POST /master/attach? ... []\nBODY [a]\n");
    net_host_pause_body(rig.host, rig.handle, true);
    raw_send(&raw, "1\r\nb\r\n0\r\n\r\n");
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_null(strstr(buf_text(&rig.log), "BODY [b]"));
    net_host_pause_body(rig.host, rig.handle, false);
    wait_log("BODY [b]\nBODY [] end\n");
    struct net_effects effects;
    net_effects_init(&effects);
    net_stream_open(&effects, rig.handle, "a/b");
    net_stream_write(&effects, rig.handle, blob_from(SLICE("piece")));
    net_stream_close(&effects, rig.handle);
    net_host_perform(rig.host, &effects);
    raw_expect(rig.loop, &raw, "5\r\npiece\r\n0\r\n\r\n");
    raw_close(&raw);
}

/* --- messages --- */

static void put_message(struct raw *raw, const char *from, const char *to)
{
    CLEANUP(xfreep)
    char *text = xasprintf("POST /%s/pkg.Name HTTP/1.1\r\nLibprocess-From: %s\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
                           to, from);
    raw_send(raw, text);
}

static void test_messages(void **state)
{
    (void)state;
    struct raw raw = raw_connect(&rig.address);
    put_message(&raw, "peer(7)@127.0.0.9:99", "master");
    raw_expect(rig.loop, &raw, "GMT\r\nContent-Length: 0\r\n\r\n");
    assert_true(slice_starts_with(buf_slice(&raw.in), SLICE("HTTP/1.1 202 Accepted\r\nDate: ")));
    assert_string_equal(buf_text(&rig.log),
                        "MESSAGE peer(7)@127.0.0.9:99>master pkg.Name [body]\n");
    put_message(&raw, "x@", "log%281%29");
    wait_log("MESSAGE nobody>log(1) pkg.Name [body]\n");
    buf_clear(&rig.log);
    put_message(&raw, "peer(7)@127.0.0.9:99", "nobody(1)");
    put_message(&raw, "peer(7)@127.0.0.9:99", "%zz");
    put_message(&raw, "peer(7)@127.0.0.9:99", "master");
    wait_log("MESSAGE peer(7)@127.0.0.9:99>master pkg.Name [body]\n");
    raw_expect(rig.loop, &raw, "404");
    assert_int_equal(raw_count(&raw, "HTTP/1.1 404 Not Found"), 2);
    /* Without a sender it is a request. */
    raw_send(&raw, "POST /master/ask HTTP/1.1\r\n\r\n");
    wait_log("REQUEST POST /master/ask? []\n");
    raw_close(&raw);
}

static void test_the_address_of_a_sender_is_checked_when_asked_for(void **state)
{
    (void)state;
    start(true);
    struct raw raw = raw_connect(&rig.address);
    put_message(&raw, "peer(7)@127.0.0.1:99", "master");
    raw_expect(rig.loop, &raw, "202 Accepted");
    put_message(&raw, "peer(7)@127.0.0.2:99", "master");
    raw_expect(rig.loop, &raw, "A message from peer(7)@127.0.0.2:99 came from 127.0.0.1");
    put_message(&raw, "x@", "master");
    raw_expect(rig.loop, &raw, "A message from @0.0.0.0:0 came from");
    assert_int_equal(raw_count(&raw, "HTTP/1.1 400 Bad Request"), 2);
    assert_string_equal(buf_text(&rig.log),
                        "MESSAGE peer(7)@127.0.0.1:99>master pkg.Name [body]\n");
    raw_close(&raw);
}

static void perform_send(const struct address *address, const char *id)
{
    struct net_effects effects;
    struct upid to = {.address = *address};
    memcpy(to.id, id, strlen(id) + 1);
    net_effects_init(&effects);
    net_send(&effects, "master", &to, "pkg.Name", blob_from(SLICE("body")));
    net_host_perform(rig.host, &effects);
}

static void test_messages_to_others(void **state)
{
    (void)state;
    struct address address;
    int fd = raw_listen(&address, 10);
    struct net_effects effects;
    net_effects_init(&effects);
    net_link(&effects, &address);
    net_host_perform(rig.host, &effects);
    perform_send(&address, "slave(1)");
    struct raw raw = raw_accept(rig.loop, fd);
    CLEANUP(xfreep)
    char *from = xasprintf("Libprocess-From: master@127.0.0.1:%d\r\n", rig.address.port);
    raw_expect(rig.loop, &raw, from);
    raw_close(&raw);
    wait_log("EXITED\n");
    net_link(&effects, &address);
    net_unlink(&effects, &address);
    net_host_perform(rig.host, &effects);
    (void)close(fd);
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_string_equal(buf_text(&rig.log), "EXITED\n");
}

static void test_messages_within_the_process(void **state)
{
    (void)state;
    struct net_effects effects;
    net_effects_init(&effects);
    net_link(&effects, &rig.address);
    net_host_perform(rig.host, &effects);
    perform_send(&rig.address, "log(1)");
    perform_send(&rig.address, "nobody");
    perform_send(&rig.address, "files");
    assert_int_equal(rig.log.size, 0);
    wait_log(">files");
    CLEANUP(xfreep)
    char *expected = xasprintf("MESSAGE master@127.0.0.1:%d>log(1) pkg.Name [body]\n"
                               "MESSAGE master@127.0.0.1:%d>files pkg.Name [body]\n",
                               rig.address.port, rig.address.port);
    assert_string_equal(buf_text(&rig.log), expected);
    assert_int_equal(peers_count(net_host_peers(rig.host)), 0);
    perform_send(&rig.address, "log(1)"); /* is still on its way at the end */
}

/* --- requests of ours --- */

static void call(uint64_t handle, const struct address *address, const char *text)
{
    struct net_effects effects;
    net_effects_init(&effects);
    struct net_effect *effect =
        net_call(&effects, handle, address, "POST", "/ask", "a/b", blob_from(slice_from(text)));
    net_add_header(effect, "X", "y");
    net_host_perform(rig.host, &effects);
}

static void test_requests_to_others(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < NET_HOST_CALLS_MAX + 10; i++) {
        call(i, &rig.address, "me");
    }
    for (size_t i = 0; i < NET_HOST_CALLS_MAX + 10; i++) {
        char text[64];
        (void)snprintf(text, sizeof(text), "REPLY %zu 200 [answer to me]\n", i);
        wait_log(text);
    }
    struct address nobody;
    int held = raw_bind(&nobody);
    call(999, &nobody, "you");
    CLEANUP(xfreep) char *refused = xasprintf("REPLY 999 %d []\n", -ECONNREFUSED);
    wait_log(refused);
    (void)close(held);
    call(1, &rig.address, "me"); /* is under way at the end */
    run_for(rig.loop, WAIT_STEP_NS);
}

/* --- the end --- */

static void on_drained(void *arg)
{
    assert_ptr_equal(arg, &rig);
    rig.drained++;
}

static bool is_drained(void *arg)
{
    (void)arg;
    return rig.drained != 0;
}

/* --- work for workers --- */

struct small_job {
    struct net_job job;
    int *freed;
};

static void run_small_job(struct net_job *job, struct net_answer *answer)
{
    (void)job;
    buf_append_text(&answer->body, "made");
}

static void free_small_job(struct net_job *job)
{
    struct small_job *mine = CONTAINER_OF(job, struct small_job, job);
    __atomic_add_fetch(mine->freed, 1, __ATOMIC_SEQ_CST);
    free(mine);
}

static void work(uint64_t token, int *freed)
{
    struct small_job *mine = xalloc(sizeof(*mine));
    *mine = (struct small_job){{run_small_job, free_small_job}, freed};
    struct net_effects effects;
    net_effects_init(&effects);
    net_work(&effects, token, &mine->job);
    net_host_perform(rig.host, &effects);
}

static void test_work_is_done_and_told_of(void **state)
{
    (void)state;
    int freed = 0;
    work(7, &freed);
    wait_log("WORKED 7 [made]\n");
    assert_int_equal(freed, 1);
    for (int i = 0; i < 20; i++) {
        work(8, &freed); /* for nobody */
    }
    rig.host = net_host_free(rig.host);
    rig.workers = workers_free(rig.workers);
    assert_null(strstr(buf_text(&rig.log), "WORKED 8"));
    assert_int_equal(freed, 21);
}

static void test_the_end_waits_for_what_is_unsent(void **state)
{
    (void)state;
    struct address address;
    int fd = raw_listen(&address, 10);
    perform_send(&address, "a");
    net_host_drain(rig.host, WAIT_NS, on_drained, &rig);
    assert_true(wait_for(rig.loop, is_drained, NULL, WAIT_NS));
    struct raw raw = raw_accept(rig.loop, fd);
    raw_expect(rig.loop, &raw, "body\r\n0\r\n\r\n");
    raw_close(&raw);
    run_for(rig.loop, 5 * NS_PER_MS);

    struct sockaddr_storage storage; /* nobody listens any more */
    socklen_t size;
    address_to_sockaddr(&rig.address, &storage, &size);
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(probe, (struct sockaddr *)&storage, size), -1);
    (void)close(probe);

    /* Not for ever. */
    rig.drained = 0;
    struct buf large = BUF_INIT;
    memset(buf_reserve(&large, 50000000), 0, 50000000);
    large.size = 50000000;
    struct net_effects effects;
    struct upid to = {.id = "a", .address = address};
    net_effects_init(&effects);
    net_send(&effects, "master", &to, "pkg.Name", blob_take(&large));
    net_host_perform(rig.host, &effects);
    int64_t begun_ns = loop_now(rig.loop).mono_ns;
    net_host_drain(rig.host, 50 * NS_PER_MS, on_drained, &rig);
    assert_true(wait_for(rig.loop, is_drained, NULL, WAIT_NS));
    assert_true(loop_now(rig.loop).mono_ns - begun_ns >= 50 * NS_PER_MS);
    assert_int_equal(rig.drained, 1);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_requests_are_routed),
        TEST(test_a_request_that_is_never_answered),
        TEST(test_a_streamed_request),
        TEST(test_messages),
        TEST(test_the_address_of_a_sender_is_checked_when_asked_for),
        TEST(test_messages_to_others),
        TEST(test_messages_within_the_process),
        TEST(test_requests_to_others),
        TEST(test_work_is_done_and_told_of),
        TEST(test_the_end_waits_for_what_is_unsent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
