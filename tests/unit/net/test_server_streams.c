#include "server_rig.h"

/* --- streams --- */

static void open_stream(size_t number, const char *piece)
{
    struct net_effects effects;
    net_effects_init(&effects);
    net_stream_open(&effects, rig.handles[number], "application/json")->body =
        blob_from(slice_from(piece));
    server_perform(rig.server, net_effects_pop(&effects));
}

static void write_stream(size_t number, struct blob *piece)
{
    struct net_effects effects;
    net_effects_init(&effects);
    net_stream_write(&effects, rig.handles[number], piece);
    server_perform(rig.server, net_effects_pop(&effects));
}

static void perform_plain(size_t number, void (*make)(struct net_effects *, uint64_t))
{
    struct net_effects effects;
    net_effects_init(&effects);
    make(&effects, rig.handles[number]);
    server_perform(rig.server, net_effects_pop(&effects));
}

static void test_a_stream(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "POST /s HTTP/1.1\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n");
    wait_requests(1);
    open_stream(0, "first");
    raw_expect(rig.loop, &raw, "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    write_stream(0, blob_from(SLICE("a")));
    write_stream(0, blob_from(SLICE("")));
    write_stream(0, NULL);
    write_stream(0, blob_from(SLICE("bc")));
    raw_expect(rig.loop, &raw, "first\r\n1\r\na\r\n2\r\nbc\r\n");
    struct blob *large = text_blob(100000);
    write_stream(0, blob_ref(large));
    perform_plain(0, net_stream_close);
    raw_expect_end(rig.loop, &raw);
    assert_int_equal(raw_count(&raw, "\r\n186a0\r\n"), 1);
    assert_non_null(memmem(raw.in.data, raw.in.size, large->data, large->size));
    assert_true(slice_ends_with(buf_slice(&raw.in), SLICE("\n\r\n0\r\n\r\n")) ||
                slice_ends_with(buf_slice(&raw.in), SLICE("\r\n0\r\n\r\n")));
    assert_null(strstr(buf_text(&raw.in), "gzip"));
    blob_unref(large);
    raw_close(&raw);
    assert_null(strstr(buf_text(&rig.log), "GONE"));
}

static void test_a_request_behind_a_stream(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    wait_requests(3);
    open_stream(1, "one");
    write_stream(1, blob_from(SLICE("more")));
    respond(2, 200, "two");
    respond(0, 200, "zero");
    raw_expect(rig.loop, &raw, "4\r\nmore\r\n");
    perform_plain(1, net_stream_close);
    raw_expect(rig.loop, &raw, "0\r\n\r\nHTTP/1.1 200 OK\r\n");
    raw_expect(rig.loop, &raw, "\r\n\r\ntwo");
    raw_close(&raw);
}

static void test_the_client_of_a_stream_leaves(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    open_stream(0, "x");
    raw_expect(rig.loop, &raw, "1\r\nx\r\n");
    raw_close(&raw);
    wait_log("GONE 0\n");
    write_stream(0, blob_from(SLICE("dropped")));
    run_for(rig.loop, 2 * NS_PER_MS);
    assert_string_equal(buf_text(&rig.log), "GET /a []\nGONE 0\n");
}

static void test_hanging_up(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, "GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\n");
    wait_requests(2);
    open_stream(0, "last words");
    perform_plain(0, net_hangup);
    raw_expect_end(rig.loop, &raw);
    assert_true(slice_ends_with(buf_slice(&raw.in), SLICE("last words\r\n")));
    wait_log("GONE 1\n"); /* nothing may follow a stream that is broken off */
    assert_null(strstr(buf_text(&rig.log), "GONE 0"));
    raw_close(&raw);
}

/* Fills the sockets' own buffers and then ours, until `size` bytes are unsent. */
static void fill(size_t number, size_t size)
{
    while (server_unsent_size(rig.server) < size) {
        write_stream(number, text_blob(4000));
        run_for(rig.loop, WAIT_STEP_NS / 10);
        assert_null(strstr(buf_text(&rig.log), "GONE"));
    }
}

static void test_a_stream_that_is_not_read_is_cut_off_at_once(void **state)
{
    (void)state;
    rig.limits.stream_size_max = 200000;
    restart();
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    open_stream(0, "x");
    fill(0, 190000);
    while (server_connection_count(rig.server) != 0) {
        write_stream(0, text_blob(4000));
        run_for(rig.loop, WAIT_STEP_NS);
    }
    wait_log("GONE 0\n");
    raw_close(&raw);
}

static bool play_a_stream_that_stalls(int64_t stall_ns)
{
    rig.limits.stream_size_soft = 100000;
    rig.limits.stream_stall_ns = stall_ns;
    rig.limits.answer_stall_ns = stall_ns;
    restart();
    rig.count = 0;
    buf_clear(&rig.log);
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    open_stream(0, "x");
    fill(0, 50000);
    run_for(rig.loop, 3 * stall_ns / 2);
    assert_string_equal(buf_text(&rig.log),
                        "GET /a []\n"); /* little is kept for as long as it takes */
    pace_begin(rig.loop);
    write_stream(0, text_blob(110000));
    run_for(rig.loop, stall_ns / 2); /* when it becomes more, there is time to take it */
    for (int i = 0; i < 60; i++) {   /* and less may be taken than is sent, if some is */
        static char bytes[100000];
        if (!pace_is_kept(rig.loop, stall_ns / 4)) {
            raw_close(&raw);
            return false;
        }
        assert_true(recv(raw.fd, bytes, sizeof(bytes), 0) > 0);
        write_stream(0, text_blob(110000));
        run_for(rig.loop, stall_ns / 40);
    }
    if (!pace_is_kept(rig.loop, stall_ns / 4)) {
        raw_close(&raw);
        return false;
    }
    assert_null(strstr(buf_text(&rig.log), "GONE"));
    int64_t begun_ns = loop_now(rig.loop).mono_ns;
    while (server_connection_count(rig.server) != 0) {
        assert_true(loop_now(rig.loop).mono_ns - begun_ns < WAIT_NS);
        if (server_unsent_size(rig.server) < 2 * rig.limits.stream_size_soft) {
            write_stream(0, text_blob(110000)); /* the sockets' own buffers have room */
        }
        run_for(rig.loop, WAIT_STEP_NS);
    }
    wait_log("GONE 0\n"); /* and then no more */
    raw_close(&raw);
    return true;
}

static void test_a_stream_that_stalls_is_cut_off_in_time(void **state)
{
    (void)state;
    pace_play(play_a_stream_that_stalls, NS_PER_SEC);
}

/* Writers who could go on for long are told when there is room. */
static void test_a_mark_is_told_of_when_what_was_written_is_taken(void **state)
{
    (void)state;
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    open_stream(0, "x");
    raw_expect(rig.loop, &raw, "1\r\nx\r\n");
    perform_plain(0, net_stream_mark);                /* all is sent */
    assert_null(strstr(buf_text(&rig.log), "TAKEN")); /* never from within */
    wait_log("TAKEN 0\n");
    buf_clear(&rig.log);
    fill(0, 2 * rig.limits.output_pause_size);
    perform_plain(0, net_stream_mark);
    run_for(rig.loop, 10 * WAIT_STEP_NS);
    assert_null(strstr(buf_text(&rig.log), "TAKEN"));
    while (strstr(buf_text(&rig.log), "TAKEN 0\n") == NULL) {
        static char bytes[100000];
        (void)recv(raw.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        run_for(rig.loop, WAIT_STEP_NS / 10);
    }
    assert_true(server_unsent_size(rig.server) <= rig.limits.output_pause_size / 4);
    raw_close(&raw);
    wait_log("GONE 0\n");
}

/* --- rendering --- */

struct text_job {
    struct net_job job;
    size_t size;
    int *freed;
};

static void run_text_job(struct net_job *job, struct net_answer *answer)
{
    struct text_job *mine = CONTAINER_OF(job, struct text_job, job);
    answer->status = 203;
    answer->content_type = "text/rendered";
    struct blob *text = text_blob(mine->size);
    buf_append_slice(&answer->body, blob_slice(text));
    blob_unref(text);
}

static void free_text_job(struct net_job *job)
{
    struct text_job *mine = CONTAINER_OF(job, struct text_job, job);
    __atomic_add_fetch(mine->freed, 1, __ATOMIC_SEQ_CST);
    free(mine);
}

static void render(size_t number, size_t size, int *freed)
{
    struct text_job *mine = xalloc(sizeof(*mine));
    *mine = (struct text_job){{run_text_job, free_text_job}, size, freed};
    struct net_effects effects;
    net_effects_init(&effects);
    net_render(&effects, rig.handles[number], &mine->job);
    server_perform(rig.server, net_effects_pop(&effects));
}

static void test_answers_are_rendered_by_workers(void **state)
{
    (void)state;
    int freed = 0;
    struct raw raw = dial();
    raw_send(&raw, "GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\nAccept-Encoding: gzip\r\n"
                   "Connection: close\r\n\r\n");
    wait_requests(2);
    render(1, 50000, &freed);
    render(0, 100, &freed);
    raw_expect_end(rig.loop, &raw);
    assert_int_equal(freed, 2);
    assert_int_equal(raw_count(&raw, "HTTP/1.1 203 "), 2);
    assert_int_equal(raw_count(&raw, "Content-Type: text/rendered\r\n"), 2);
    assert_int_equal(raw_count(&raw, "Content-Encoding: gzip\r\n"), 1);
    assert_int_equal(raw_count(&raw, "Content-Length: 100\r\n"), 1);
    raw_close(&raw);
}

static void open_for_later(size_t number)
{
    struct net_effects effects;
    net_effects_init(&effects);
    net_stream_open(&effects, rig.handles[number], "text/stream")->opens_later = true;
    server_perform(rig.server, net_effects_pop(&effects));
}

static void send_first(size_t number, struct blob *piece)
{
    struct net_effects effects;
    net_effects_init(&effects);
    net_stream_first(&effects, rig.handles[number], piece);
    server_perform(rig.server, net_effects_pop(&effects));
}

static void test_a_stream_whose_first_piece_comes_later(void **state)
{
    (void)state;
    rig.limits.stream_size_max = 200000; /* such a piece may be larger */
    restart();
    struct raw raw = dial();
    raw_send(&raw, "GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    wait_requests(3);
    open_for_later(1);
    write_stream(1, blob_from(SLICE("behind")));
    open_for_later(0);
    raw_expect(rig.loop, &raw, "\r\nTransfer-Encoding: chunked\r\n\r\n"); /* at once */
    write_stream(0, blob_from(SLICE("next")));
    send_first(1, text_blob(1000000));
    send_first(0, text_blob(300));
    raw_expect(rig.loop, &raw, "\r\n4\r\nnext\r\n");
    perform_plain(0, net_stream_close);
    raw_expect(rig.loop, &raw, "\r\n6\r\nbehind\r\n");
    assert_int_equal(raw_count(&raw, "\r\n\r\n12c\r\n"), 1);
    assert_int_equal(raw_count(&raw, "\r\n\r\nf4240\r\n"), 1);
    write_stream(1, blob_from(SLICE("more")));
    perform_plain(1, net_stream_close);
    open_for_later(2);
    perform_plain(2, net_stream_close); /* before it came */
    send_first(2, text_blob(10));
    raw_expect(rig.loop, &raw, "\r\n\r\na\r\n");
    raw_expect(rig.loop, &raw, "\r\n0\r\n\r\n");
    assert_int_equal(raw_count(&raw, "\r\n0\r\n\r\n"), 3);
    raw_close(&raw);
}

/* --- bodies that are lent --- */

static void lend(size_t number, struct blob *body)
{
    struct net_effects effects;
    net_effects_init(&effects);
    net_respond(&effects, rig.handles[number], 200, "text/x", body)->lent = true;
    server_perform(rig.server, net_effects_pop(&effects));
}

static bool is_alone(void *arg)
{
    return server_connection_count(rig.server) <= (size_t)(uintptr_t)arg;
}

/* Only those go who have had one for long; also if it waits for an earlier answer to be taken. */
static void test_who_keeps_what_was_lent_is_cut_off_when_others_wait(void **state)
{
    (void)state;
    rig.limits.lent_ns = 0;
    restart();
    struct raw slow = dial();
    raw_send(&slow, GET);
    wait_requests(1);
    struct raw piped = dial();
    raw_send(&piped, GET);
    raw_send(&piped, GET);
    wait_requests(3);
    struct raw quick = dial();
    raw_send(&quick, GET);
    wait_requests(4);
    struct raw own = dial();
    raw_send(&own, GET);
    wait_requests(5);
    struct blob *body = text_blob(20000000); /* more than sockets take */
    lend(0, blob_ref(body));
    lend(2, blob_ref(body)); /* 1 is not answered */
    lend(3, blob_from(SLICE("small")));
    respond_blob(rig.handles[4], 200, blob_ref(body));
    raw_expect(rig.loop, &quick, "small");
    server_hurry(rig.server);
    assert_true(wait_for(rig.loop, is_alone, (void *)2, WAIT_NS));
    assert_non_null(strstr(buf_text(&rig.log), "GONE 1\n"));
    raw_close(&own);
    assert_true(wait_for(rig.loop, is_alone, (void *)1, WAIT_NS));
    assert_true(blob_is_single(body));
    blob_unref(body);
    raw_close(&slow);
    raw_close(&piped);
    raw_close(&quick);
}

/* Much of it if it goes on, and little if it has stopped. */
static void test_who_was_lent_something_has_some_time(void **state)
{
    (void)state;
    rig.limits.lent_ns = NS_PER_HOUR;
    rig.limits.lent_stall_ns = 0;
    restart();
    struct raw raw = dial();
    raw_send(&raw, GET);
    wait_requests(1);
    lend(0, text_blob(20000000));
    for (int i = 0; i < 5; i++) {
        static char bytes[1000000];
        size_t before = server_unsent_size(rig.server);
        while (server_unsent_size(rig.server) == before) { /* until some more has gone */
            (void)recv(raw.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            run_for(rig.loop, WAIT_STEP_NS);
        }
        server_hurry(rig.server);
        run_for(rig.loop, WAIT_STEP_NS);
        assert_int_equal(server_connection_count(rig.server), 1);
    }
    server_hurry(rig.server); /* it may have taken some since */
    server_hurry(rig.server);
    assert_true(wait_for(rig.loop, is_alone, (void *)0, WAIT_NS));
    raw_close(&raw);
}

static void test_what_is_rendered_for_nobody(void **state)
{
    (void)state;
    int freed = 0;
    struct raw raws[20];
    for (size_t i = 0; i < ELEMENTS(raws); i++) {
        raws[i] = dial();
        raw_send(&raws[i], "GET /0 HTTP/1.1\r\n\r\nGET /1 HTTP/1.1\r\n\r\n");
        wait_requests(2 * i + 2);
    }
    for (size_t i = 0; i < 2 * ELEMENTS(raws); i++) {
        render(i, 1000000, &freed);
    }
    for (size_t i = 0; i < ELEMENTS(raws); i++) {
        raw_close(&raws[i]);
    }
    run_for(rig.loop, 5 * NS_PER_MS);
    rig.server = server_free(rig.server);
    rig.workers = workers_free(rig.workers);
    assert_int_equal(freed, 2 * (int)ELEMENTS(raws));
}

static void test_an_answer_is_not_rendered_before_there_is_room(void **state)
{
    (void)state;
    int freed = 0;
    rig.limits.pipeline_max = 10;
    restart();
    struct raw raw = dial();
    for (int i = 0; i < 10; i++) {
        raw_send(&raw, GET);
    }
    wait_requests(10);
    for (size_t i = 0; i < 10; i++) {
        render(i, 4000000, &freed);
    }
    run_for(rig.loop, 300 * NS_PER_MS);
    assert_true(__atomic_load_n(&freed, __ATOMIC_SEQ_CST) <= 3);
    assert_true(server_unsent_size(rig.server) < 9000000);
    while (raw.in.size < 40000000) {
        raw_read(&raw);
        run_for(rig.loop, WAIT_STEP_NS);
    }
    assert_int_equal(freed, 10);
    raw_close(&raw);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_stream),
        TEST(test_a_request_behind_a_stream),
        TEST(test_the_client_of_a_stream_leaves),
        TEST(test_hanging_up),
        TEST(test_a_stream_that_is_not_read_is_cut_off_at_once),
        TEST(test_a_stream_that_stalls_is_cut_off_in_time),
        TEST(test_a_mark_is_told_of_when_what_was_written_is_taken),
        TEST(test_answers_are_rendered_by_workers),
        TEST(test_a_stream_whose_first_piece_comes_later),
        TEST(test_who_keeps_what_was_lent_is_cut_off_when_others_wait),
        TEST(test_who_was_lent_something_has_some_time),
        TEST(test_what_is_rendered_for_nobody),
        TEST(test_an_answer_is_not_rendered_before_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
