#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/xalloc.h"
#include "wire/http.h"

/* What a reader told, as text; pieces of a body that come together are joined. */
struct record {
    struct buf text;
    bool in_body;
    int stop_at;  /* callbacks until one returns false; 0 = never */
    int pause_at; /* callbacks until one pauses the reader; 0 = never */
    int count;    /* callbacks so far */
    struct http_reader *reader;
};

static bool count_call(struct record *record)
{
    record->count++;
    if (record->count == record->pause_at) {
        http_reader_pause(record->reader);
    }
    return record->count != record->stop_at;
}

static bool on_head(void *arg, const struct http_head *head)
{
    struct record *record = arg;
    if (head->method.size != 0) {
        buf_printf(&record->text, "%.*s %.*s ?%.*s", SLICE_ARGS(head->method),
                   SLICE_ARGS(head->path), SLICE_ARGS(head->query));
    } else {
        buf_printf(&record->text, "%d", head->status);
    }
    buf_printf(&record->text, " %s%s%s%s%d", head->keep_alive ? "K" : "-",
               head->chunked ? "C" : "-", head->upgrade ? "U" : "-", head->has_body ? "B" : "-",
               (int)head->content_size);
    for (size_t i = 0; i < head->header_count; i++) {
        buf_printf(&record->text, " %.*s=%.*s", SLICE_ARGS(head->headers[i].name),
                   SLICE_ARGS(head->headers[i].value));
    }
    buf_append_text(&record->text, "\n");
    return count_call(record);
}

static bool on_body(void *arg, struct slice piece)
{
    struct record *record = arg;
    assert_true(piece.size != 0);
    if (!record->in_body) {
        buf_append_text(&record->text, ":");
        record->in_body = true;
    }
    buf_append_slice(&record->text, piece);
    return count_call(record);
}

static bool on_end(void *arg)
{
    struct record *record = arg;
    buf_append_text(&record->text, record->in_body ? "\n.\n" : ".\n");
    record->in_body = false;
    return count_call(record);
}

static const struct http_parser_events events = {on_head, on_body, on_end};

static int feed(struct record *record, struct slice bytes)
{
    /* A copy of the exact size, gone when the call returns: nothing may point into it. */
    char *copy = xmemdup(bytes.data, bytes.size);
    struct err err = {""};
    int r = http_reader_feed(record->reader, slice_make(copy, bytes.size), &err);
    free(copy);
    assert_true(r == 0 || r == -EPROTO);
    assert_true((r == 0) == (err.text[0] == '\0'));
    return r;
}

/* Reads the bytes in pieces of `first` and then of `rest` bytes; "!" is put where it failed. */
static void read_in_pieces(enum http_side side, struct slice bytes, size_t first, size_t rest,
                           bool closes, struct record *record)
{
    *record = (struct record){0};
    record->reader = http_reader_new(side, &events, record);
    assert_true(http_reader_is_idle(record->reader));
    int r = 0;
    size_t size = first;
    while (bytes.size != 0 && r == 0) {
        size = MIN(size, bytes.size);
        r = feed(record, slice_make(bytes.data, size));
        bytes = slice_skip(bytes, size);
        size = rest;
    }
    if (r == 0 && closes) {
        r = http_reader_finish(record->reader, NULL);
    }
    if (r < 0) {
        buf_append_text(&record->text, "!");
        assert_int_equal(feed(record, SLICE("GET / HTTP/1.1\r\n\r\n")), -EPROTO);
    }
    http_reader_free(record->reader);
}

static void check(enum http_side side, struct slice bytes, bool closes, const char *expected)
{
    for (size_t first = 1; first <= bytes.size; first++) {
        struct record record;
        read_in_pieces(side, bytes, first, bytes.size, closes, &record);
        assert_string_equal(buf_text(&record.text), expected);
        buf_deinit(&record.text);
    }
    for (size_t piece = 1; piece <= 3; piece++) {
        struct record record;
        read_in_pieces(side, bytes, piece, piece, closes, &record);
        assert_string_equal(buf_text(&record.text), expected);
        buf_deinit(&record.text);
    }
}

static void check_request(const char *bytes, const char *expected)
{
    check(HTTP_REQUESTS, slice_from(bytes), false, expected);
}

static void check_response(const char *bytes, bool closes, const char *expected)
{
    check(HTTP_RESPONSES, slice_from(bytes), closes, expected);
}

static void test_requests(void **state)
{
    (void)state;
    check_request("GET / HTTP/1.1\r\n\r\n", "GET / ? K----1\n.\n");
    check_request("GET /a%20b?c=d?e#f HTTP/1.1\r\nHost: x\r\nEmpty:\r\nA:\tb \r\n\r\n",
                  "GET /a%20b ?c=d?e K----1 Host=x Empty= A=b\n.\n");
    check_request("GET http://else:80/where?x HTTP/1.1\r\n\r\n", "GET /where ?x K----1\n.\n");
    check_request("GET http://else HTTP/1.1\r\n\r\n", "GET / ? K----1\n.\n");
    check_request("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS * ? K----1\n.\n");
    check_request("GET //a://b HTTP/1.1\r\n\r\n", "GET //a://b ? K----1\n.\n");
    check_request("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
                  "POST /x ? K--B5 Content-Length=5\n:hello\n.\n");
    check_request("POST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
                  "POST /x ? K---0 Content-Length=0\n.\n");
    check_request("POST /x HTTP/1.1\r\n\r\n", "POST /x ? K----1\n.\n");
}

static void test_keep_alive(void **state)
{
    (void)state;
    check_request("GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
                  "GET / ? -----1 Connection=close\n.\n");
    check_request("GET / HTTP/1.0\r\n\r\n", "GET / ? -----1\n.\n");
    check_request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
                  "GET / ? K----1 Connection=Keep-Alive\n.\n");
}

static void test_pipelined_requests(void **state)
{
    (void)state;
    check_request("GET /1 HTTP/1.1\r\n\r\n"
                  "POST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
                  "POST /3 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"
                  "\r\nGET /4 HTTP/1.1\r\n\r\nGET /5",
                  "GET /1 ? K----1\n.\n"
                  "POST /2 ? K--B2 Content-Length=2\n:ab\n.\n"
                  "POST /3 ? KC-B-1 Transfer-Encoding=chunked\n:c\n.\n"
                  "GET /4 ? K----1\n.\n");
}

#define CHUNKED "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_HEAD "POST / ? KC-B-1 Transfer-Encoding=chunked\n"

static void test_chunks(void **state)
{
    (void)state;
    check_request(CHUNKED "0\r\n\r\n", CHUNKED_HEAD ".\n");
    check_request(CHUNKED "5\r\nhello\r\n00A\r\n, my world\r\n1\r\n!\r\n000\r\n\r\n",
                  CHUNKED_HEAD ":hello, my world!\n.\n");
    check_request(CHUNKED "1;a=b;c=\"d\"\r\nx\r\n0 ;e\r\nX-Trailer: y\r\nZ: \r\n\r\n",
                  CHUNKED_HEAD ":x\n.\n");
    check_request(CHUNKED "\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "x\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "-1\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "0x1\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "1\nx\r\n0\r\n\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "1\r\nxy\r\n", CHUNKED_HEAD ":x!");
    check_request(CHUNKED "1\r\nx\ny", CHUNKED_HEAD ":x!");
    check_request(CHUNKED "1;a\nb\r\nx\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "0\r\nT: \x01\r\n\r\n", CHUNKED_HEAD "!");
    check_request(CHUNKED "0\r\n\rX", CHUNKED_HEAD "!");
    /* The largest size that can be written is promised and believed, but nothing is set aside. */
    check_request(CHUNKED "fffffffffffffff\r\nx", CHUNKED_HEAD ":x");
    check_request(CHUNKED "0fffffffffffffff\r\nx", CHUNKED_HEAD "!");
}

static void test_lengths_in_doubt(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "Content-Length: 2\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Content-Length: 0\r\nContent-Length: 2\r\n",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding:\r\n",
        "Content-Length:\r\n",
        "Content-Length: 2, 2\r\n",
        "Content-Length: 2 2\r\n",
        "Content-Length: +2\r\n",
        "Content-Length: -2\r\n",
        "Content-Length: 0x2\r\n",
        "Content-Length: 1e1\r\n",
        "Content-Length: 9223372036854775808\r\n",
        "Content-Length: 18446744073709551618\r\n",
        "Content-Length : 2\r\n",
        " Content-Length: 2\r\n",
        "X: y\r\n Content-Length: 2\r\n",
        "X: y\r\n\tz\r\n",
        "No colon\r\n",
        ": x\r\n",
        "A b: x\r\n",
        "(a): x\r\n",
        "X: \x01\r\n",
        "X: \x7f\r\n",
    };
    for (size_t i = 0; i < ELEMENTS(heads); i++) {
        CLEANUP(xfreep) char *text = xasprintf("POST / HTTP/1.1\r\n%s\r\nab", heads[i]);
        check_request(text, "!");
    }
    check_request("POST / HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\nx",
                  "POST / ? K--B-1 Content-Length=9223372036854775807\n:x");
}

static void test_what_is_no_request(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/0.9\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/3.7\r\n\r\n",
        "GET / XTTP/1.1\r\n\r\n",
        "BREW / HTTP/1.1\r\n\r\n",
        "get / HTTP/1.1\r\n\r\n",
        "GET x HTTP/1.1\r\n\r\n",
        "GET  HTTP/1.1\r\n\r\n",
        "CONNECT x:80 HTTP/1.1\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02",
        "HTTP/1.1 200 OK\r\n\r\n",
    };
    for (size_t i = 0; i < ELEMENTS(texts); i++) {
        check_request(texts[i], "!");
    }
    check(HTTP_REQUESTS, SLICE("\0\0\0"), false, "!");
    check(HTTP_REQUESTS, SLICE("GET / HTTP/1.1\r\nX: \0\r\n\r\n"), false, "!");
}

static void test_an_upgrade_stops_nothing(void **state)
{
    (void)state;
    check_request("GET /a HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
                  "GET /b HTTP/1.1\r\n\r\n",
                  "GET /a ? K-U--1 Upgrade=h2c Connection=Upgrade\n.\nGET /b ? K----1\n.\n");
    check_request("POST /a HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 1"
                  "\r\n\r\nyGET /b HTTP/1.1\r\n\r\n",
                  "POST /a ? K-UB1 Upgrade=x Connection=Upgrade Content-Length=1\n:y\n.\n"
                  "GET /b ? K----1\n.\n");
}

static void test_responses(void **state)
{
    (void)state;
    check_response("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                   true, "202 K---0 Content-Length=0\n.\n200 K--B2 Content-Length=2\n:ab\n.\n");
    check_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", true,
                   "200 KC-B-1 Transfer-Encoding=chunked\n:a\n.\n");
    check_response("HTTP/1.1 200 OK\r\n\r\nto the end", true, "200 ---B-1\n:to the end\n.\n");
    check_response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true,
                   "200 K---0 Content-Length=0\n.\n");
    check_response("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 x\r\nContent-Length: 7\r\n\r\n",
                   true, "204 K----1\n.\n304 K---7 Content-Length=7\n.\n");
    check_response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 x\r\nX: y\r\n\r\n"
                   "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
                   true, "200 K--B1 Content-Length=1\n:x\n.\n");
    check_response("HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n", true, "101 K-U--1 Upgrade=x\n.\n");
}

static void test_what_is_no_response(void **state)
{
    (void)state;
    check_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", true,
                   "200 K--B2 Content-Length=2\n:a!");
    check_response("HTTP/1.1 200 OK\r\nContent-Le", true, "!");
    check_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na", true,
                   "200 KC-B-1 Transfer-Encoding=chunked\n:a!");
    check_response("HTTP/1.1 20x OK\r\n\r\n", true, "!");
    check_response("HTTP/2.0 200 OK\r\n\r\n", true, "!");
    check_response("GET / HTTP/1.1\r\n\r\n", true, "!");
    check_response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", true, "!");
    check_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", true, "!");
}

/* --- limits --- */

static int read_whole(struct slice bytes, struct record *record)
{
    *record = (struct record){0};
    record->reader = http_reader_new(HTTP_REQUESTS, &events, record);
    int r = feed(record, bytes);
    http_reader_free(record->reader);
    return r;
}

static void check_limit(struct slice bytes, int expected)
{
    struct record record;
    assert_int_equal(read_whole(bytes, &record), expected);
    buf_deinit(&record.text);
}

static void fill(struct buf *out, char c, size_t count)
{
    memset(buf_reserve(out, count), c, count);
    out->size += count;
}

static void test_the_size_of_a_head(void **state)
{
    (void)state;
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct buf text = BUF_INIT;
        buf_append_text(&text, "GET / HTTP/1.1\r\nX: ");
        fill(&text, 'x', HTTP_HEAD_SIZE_MAX + beyond - text.size - 4);
        buf_append_text(&text, "\r\n\r\n");
        assert_int_equal(text.size, HTTP_HEAD_SIZE_MAX + beyond);
        buf_append_text(&text, "GET / HTTP/1.1\r\n\r\n");
        check_limit(buf_slice(&text), beyond == 0 ? 0 : -EPROTO);
        buf_deinit(&text);
    }
    struct buf text = BUF_INIT;
    buf_append_text(&text, "GET /");
    fill(&text, 'x', HTTP_HEAD_SIZE_MAX);
    check_limit(buf_slice(&text), -EPROTO);
    buf_clear(&text);
    fill(&text, '\n', HTTP_HEAD_SIZE_MAX + 1);
    check_limit(buf_slice(&text), -EPROTO);
    buf_deinit(&text);
}

static void test_the_number_of_headers(void **state)
{
    (void)state;
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct buf text = BUF_INIT;
        buf_append_text(&text, "GET / HTTP/1.1\r\n");
        for (size_t i = 0; i < HTTP_HEADERS_MAX + beyond; i++) {
            buf_append_text(&text, "X: y\r\n");
        }
        buf_append_text(&text, "\r\n");
        check_limit(buf_slice(&text), beyond == 0 ? 0 : -EPROTO);
        buf_deinit(&text);
    }
}

static void test_the_size_of_extensions_and_trailers(void **state)
{
    (void)state;
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        struct buf text = BUF_INIT;
        buf_append_text(&text, CHUNKED);
        for (size_t i = 0; i < HTTP_CHUNK_EXTENSIONS_SIZE_MAX / 2; i++) {
            buf_append_text(&text, "1;ab\r\nx\r\n"); /* the ';' itself is not counted */
        }
        buf_append_text(&text, beyond == 0 ? "0\r\n\r\n" : "1;a\r\nx\r\n");
        check_limit(buf_slice(&text), beyond == 0 ? 0 : -EPROTO);
        buf_deinit(&text);

        buf_append_text(&text, CHUNKED "0\r\n");
        for (size_t i = 0; i < HTTP_TRAILERS_SIZE_MAX / 4; i++) {
            buf_append_text(&text, "A: b\r\n");
        }
        buf_append_text(&text, beyond == 0 ? "\r\n" : "A: b\r\n\r\n");
        check_limit(buf_slice(&text), beyond == 0 ? 0 : -EPROTO);
        buf_deinit(&text);
    }
}

/* --- control --- */

static const char SEVERAL[] = "POST /1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"
                              "GET /2 HTTP/1.1\r\n\r\n" CHUNKED "1\r\nx\r\n0\r\n\r\n";
static const char SEVERAL_TOLD[] = "POST /1 ? K--B2 Content-Length=2\n:ab\n.\n"
                                   "GET /2 ? K----1\n.\n" CHUNKED_HEAD ":x\n.\n";
#define SEVERAL_CALLS 8

static void test_the_receiver_may_pause_anywhere(void **state)
{
    (void)state;
    struct slice bytes = SLICE(SEVERAL);
    for (int at = 1; at <= SEVERAL_CALLS; at++) {
        struct record record = {.pause_at = at};
        record.reader = http_reader_new(HTTP_REQUESTS, &events, &record);
        assert_int_equal(feed(&record, slice_make(bytes.data, 50)), 0);
        assert_int_equal(feed(&record, slice_skip(bytes, 50)), 0);
        assert_int_equal(record.count, at);
        assert_int_equal(http_reader_is_idle(record.reader), at == SEVERAL_CALLS);
        http_reader_resume(record.reader);
        assert_int_equal(feed(&record, SLICE("")), 0);
        assert_true(http_reader_is_idle(record.reader));
        assert_string_equal(buf_text(&record.text), SEVERAL_TOLD);
        http_reader_free(record.reader);
        buf_deinit(&record.text);
    }
}

static void test_the_receiver_may_stop_anywhere(void **state)
{
    (void)state;
    for (int at = 1; at <= SEVERAL_CALLS; at++) {
        struct record record = {.stop_at = at};
        record.reader = http_reader_new(HTTP_REQUESTS, &events, &record);
        assert_int_equal(feed(&record, SLICE(SEVERAL)), -EPROTO);
        assert_int_equal(record.count, at);
        http_reader_free(record.reader);
        buf_deinit(&record.text);
    }
}

static void test_a_reader_is_idle_between_messages(void **state)
{
    (void)state;
    struct slice bytes = SLICE("GET / HTTP/1.1\r\nX: y\r\n\r\n");
    for (size_t size = 0; size <= bytes.size; size++) {
        struct record record = {0};
        record.reader = http_reader_new(HTTP_REQUESTS, &events, &record);
        assert_int_equal(feed(&record, slice_make(bytes.data, size)), 0);
        bool idle = size == 0 || size == bytes.size;
        assert_int_equal(http_reader_is_idle(record.reader), idle);
        assert_int_equal(http_reader_finish(record.reader, NULL), idle ? 0 : -EPROTO);
        http_reader_free(record.reader);
        buf_deinit(&record.text);
    }
}

static void test_headers_are_found_by_name(void **state)
{
    (void)state;
    struct http_header headers[] = {
        {SLICE("Accept"), SLICE("")}, {SLICE("X"), SLICE("1")}, {SLICE("x"), SLICE("2")}};
    struct http_head head = {.headers = headers, .header_count = 3};
    assert_true(slice_is(http_find_header(&head, "x"), "1"));
    assert_non_null(http_find_header(&head, "ACCEPT").data);
    assert_int_equal(http_find_header(&head, "ACCEPT").size, 0);
    assert_null(http_find_header(&head, "Accep").data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_pipelined_requests),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_lengths_in_doubt),
        cmocka_unit_test(test_what_is_no_request),
        cmocka_unit_test(test_an_upgrade_stops_nothing),
        cmocka_unit_test(test_responses),
        cmocka_unit_test(test_what_is_no_response),
        cmocka_unit_test(test_the_size_of_a_head),
        cmocka_unit_test(test_the_number_of_headers),
        cmocka_unit_test(test_the_size_of_extensions_and_trailers),
        cmocka_unit_test(test_the_receiver_may_pause_anywhere),
        cmocka_unit_test(test_the_receiver_may_stop_anywhere),
        cmocka_unit_test(test_a_reader_is_idle_between_messages),
        cmocka_unit_test(test_headers_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
