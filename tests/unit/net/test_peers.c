#include "net_test.h"

#include <netinet/in.h>

#include "net/peers.h"

static struct rig {
    struct loop *loop;
    struct peers *peers;
    struct peers_limits limits;
    int fd;                 /* where the other side listens */
    struct address address; /* of it */
    struct buf log;         /* "EXITED port", a line each */
} rig;

static void on_exited(void *arg, const struct address *address)
{
    assert_ptr_equal(arg, &rig);
    buf_printf(&rig.log, "EXITED %s\n", address_equal(address, &rig.address) ? "it" : "other");
}

static void restart(void)
{
    peers_free(rig.peers);
    rig.peers = peers_new(&(struct peers_options){
        .loop = rig.loop, .on_exited = on_exited, .arg = &rig, .limits = &rig.limits, .seed = 7});
}

/* ... and another side that nobody has spoken to. */
static void start_over(void)
{
    if (rig.fd >= 0) {
        (void)close(rig.fd);
    }
    rig.fd = raw_listen(&rig.address, 128);
    buf_clear(&rig.log);
    restart();
}

static int set_up(void **state)
{
    (void)state;
    rig = (struct rig){.limits = peers_limits_default, .fd = -1};
    rig.loop = loop_new();
    start_over();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    peers_free(rig.peers);
    loop_free(rig.loop);
    (void)close(rig.fd);
    buf_deinit(&rig.log);
    return 0;
}

static const struct upid SENDER = {.id = "master", .address = {.family = 4, .port = 5050}};

static void send_body(const char *id, struct blob *body)
{
    struct upid to = {.address = rig.address};
    memcpy(to.id, id, strlen(id) + 1);
    peers_send(rig.peers, &SENDER, &to, SLICE("pkg.Message"), body);
    blob_unref(body);
}

static void send_text(const char *id, const char *text)
{
    send_body(id, text != NULL ? blob_from(slice_from(text)) : NULL);
}

static bool has_exited(void *arg)
{
    (void)arg;
    return rig.log.size != 0;
}

static void wait_exited(void)
{
    assert_true(wait_for(rig.loop, has_exited, NULL, WAIT_NS));
    run_for(rig.loop, 5 * NS_PER_MS);
    assert_string_equal(buf_text(&rig.log), "EXITED it\n"); /* once */
    buf_clear(&rig.log);
}

static bool has_none(void *arg)
{
    (void)arg;
    return peers_count(rig.peers) == 0;
}

/* --- messages --- */

static void test_messages_go_over_one_connection_in_order(void **state)
{
    (void)state;
    send_text("slave(1)", "hello");
    send_text("other", NULL);
    struct raw raw = raw_accept(rig.loop, rig.fd);
    raw_expect(rig.loop, &raw, "5\r\nhello\r\n0\r\n\r\nPOST /other/pkg.Message HTTP/1.1\r\n");
    assert_true(
        slice_starts_with(buf_slice(&raw.in), SLICE("POST /slave(1)/pkg.Message HTTP/1.1\r\n"
                                                    "User-Agent: libprocess/master@0.0.0.0:5050\r\n"
                                                    "Libprocess-From: master@0.0.0.0:5050\r\n"
                                                    "Connection: Keep-Alive\r\nHost: 127.0.0.1:")));
    for (int i = 0; i < 50; i++) {
        raw_send(&raw, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"); /* is dropped */
        char text[16];
        (void)snprintf(text, sizeof(text), "text %d", i);
        send_text("slave(1)", text);
        (void)snprintf(text, sizeof(text), "text %d\r\n", i);
        raw_expect(rig.loop, &raw, text);
    }
    assert_int_equal(peers_count(rig.peers), 1);
    assert_int_equal(peers_unsent_size(rig.peers), 0);
    raw_close(&raw);
}

static void test_programs_do_not_inherit_connections(void **state)
{
    (void)state;
    int before = inheritable_sockets();
    send_text("slave(1)", "hello");
    struct raw raw = raw_accept(rig.loop, rig.fd);
    raw_expect(rig.loop, &raw, "hello");
    assert_int_equal(inheritable_sockets(), before);
    raw_close(&raw);
}

static void test_a_large_message(void **state)
{
    (void)state;
    struct buf body = BUF_INIT;
    for (uint32_t i = 0; body.size < 3000000; i++) {
        buf_append(&body, &i, sizeof(i));
    }
    struct blob *blob = blob_take(&body);
    send_body("a", blob_ref(blob));
    send_text("b", "behind it");
    struct raw raw = raw_accept(rig.loop, rig.fd);
    raw_expect(rig.loop, &raw, "\r\n9\r\nbehind it\r\n0\r\n\r\n");
    assert_non_null(memmem(raw.in.data, raw.in.size, "\r\n\r\n2dc6c0\r\n", 12));
    assert_non_null(memmem(raw.in.data, raw.in.size, blob->data, blob->size));
    assert_int_equal(atomic_load(&blob->refs), 1);
    blob_unref(blob);
    raw_close(&raw);
}

/* --- links --- */

static void test_the_end_of_a_link_is_told(void **state)
{
    (void)state;
    peers_link(rig.peers, &rig.address, false);
    peers_link(rig.peers, &rig.address, false); /* makes no difference */
    struct raw raw = raw_accept(rig.loop, rig.fd);
    send_text("a", "text");
    raw_expect(rig.loop, &raw, "text");
    assert_int_equal(rig.log.size, 0);
    raw_close(&raw);
    wait_exited();
    assert_int_equal(peers_count(rig.peers), 0);
    /* The next message makes a connection of its own, which is no link. */
    send_text("a", "again");
    raw = raw_accept(rig.loop, rig.fd);
    raw_expect(rig.loop, &raw, "again");
    raw_close(&raw);
    assert_true(wait_for(rig.loop, has_none, NULL, WAIT_NS));
    assert_int_equal(rig.log.size, 0);
}

static void test_a_link_to_nobody(void **state)
{
    (void)state;
    (void)close(rig.fd);
    rig.fd = raw_bind(&rig.address);
    send_text("a", "lost");
    peers_link(rig.peers, &rig.address, false);
    assert_int_equal(rig.log.size, 0); /* not from within */
    wait_exited();
    send_text("a", "lost as well");
    assert_true(wait_for(rig.loop, has_none, NULL, WAIT_NS));
    assert_int_equal(rig.log.size, 0);
}

static void test_a_connection_becomes_a_link(void **state)
{
    (void)state;
    send_text("a", "first");
    struct raw raw = raw_accept(rig.loop, rig.fd);
    raw_expect(rig.loop, &raw, "first");
    peers_link(rig.peers, &rig.address, false);
    send_text("a", "second");
    raw_expect(rig.loop, &raw, "second");
    raw_close(&raw);
    wait_exited();
}

static void test_a_link_is_made_anew(void **state)
{
    (void)state;
    peers_link(rig.peers, &rig.address, false);
    struct raw old = raw_accept(rig.loop, rig.fd);
    peers_link(rig.peers, &rig.address, true);
    send_text("a", "over the new one");
    struct raw new = raw_accept(rig.loop, rig.fd);
    raw_expect_end(rig.loop, &old);
    raw_expect(rig.loop, &new, "over the new one");
    assert_int_equal(old.in.size, 0);
    assert_int_equal(rig.log.size, 0);
    raw_close(&old);
    raw_close(&new);
    wait_exited();
}

static void test_what_was_unlinked_is_closed_behind_the_last_message(void **state)
{
    (void)state;
    peers_unlink(rig.peers, &rig.address); /* there is none */
    peers_link(rig.peers, &rig.address, false);
    struct raw raw = raw_accept(rig.loop, rig.fd);
    send_text("a", "the last");
    peers_unlink(rig.peers, &rig.address);
    raw_expect_end(rig.loop, &raw);
    assert_true(slice_ends_with(buf_slice(&raw.in), SLICE("the last\r\n0\r\n\r\n")));
    raw_close(&raw);
    assert_true(wait_for(rig.loop, has_none, NULL, WAIT_NS));
    assert_int_equal(rig.log.size, 0);

    peers_link(rig.peers, &rig.address, false);
    raw = raw_accept(rig.loop, rig.fd);
    run_for(rig.loop, 2 * NS_PER_MS);
    peers_unlink(rig.peers, &rig.address); /* nothing is unsent */
    raw_expect_end(rig.loop, &raw);
    raw_close(&raw);
}

/* --- limits --- */

static bool play_idle_connections(int64_t idle_ns)
{
    rig.limits.idle_ns = idle_ns;
    start_over();
    send_text("a", "x");
    struct raw raw = raw_accept(rig.loop, rig.fd);
    pace_begin(rig.loop);
    int64_t begun_ns = loop_now(rig.loop).mono_ns;
    for (int i = 0; i < 5; i++) {
        run_for(rig.loop, idle_ns / 2);
        send_text("a", "x");
    }
    run_for(rig.loop, idle_ns / 6);
    if (!pace_is_kept(rig.loop, idle_ns / 3)) {
        raw_close(&raw);
        return false;
    }
    raw_read(&raw);
    assert_int_equal(raw_count(&raw, "POST "), 6); /* it was used, and stayed */
    raw_expect_end(rig.loop, &raw);
    assert_true(loop_now(rig.loop).mono_ns - begun_ns >= 3 * idle_ns);
    raw_close(&raw);
    return true;
}

static void test_idle_connections_are_closed_but_for_links(void **state)
{
    (void)state;
    pace_play(play_idle_connections, 60 * NS_PER_MS);
    peers_link(rig.peers, &rig.address, false);
    struct raw raw = raw_accept(rig.loop, rig.fd);
    run_for(rig.loop, 3 * rig.limits.idle_ns);
    assert_false(raw_has_ended(&raw));
    assert_int_equal(rig.log.size, 0);
    raw_close(&raw);
}

static struct blob *zeros(size_t size)
{
    struct buf buf = BUF_INIT;
    memset(buf_reserve(&buf, size), 0, size);
    buf.size = size;
    return blob_take(&buf);
}

static bool has_it_or_exited(void *arg)
{
    return raw_has(arg) || has_exited(NULL);
}

static bool play_a_peer_that_takes_nothing(int64_t stall_ns)
{
    rig.limits.stall_ns = stall_ns;
    start_over();
    peers_link(rig.peers, &rig.address, false);
    struct raw raw = raw_accept(rig.loop, rig.fd);
    pace_begin(rig.loop);
    run_for(rig.loop, 2 * stall_ns); /* to have been idle for long is no stall */
    send_text("a", "x");
    raw.wanted = "x\r\n0\r\n";
    assert_true(wait_for(rig.loop, has_it_or_exited, &raw, WAIT_NS));
    for (int i = 0; i < 30; i++) { /* nor is to be slow */
        send_body("a", zeros(1000000));
        run_for(rig.loop, stall_ns / 10);
        raw.in.size = 0;
        raw_read(&raw);
    }
    if (!pace_is_kept(rig.loop, stall_ns / 3)) {
        raw_close(&raw);
        return false;
    }
    assert_int_equal(rig.log.size, 0);
    send_body("a", zeros(20000000));
    wait_exited();
    raw_close(&raw);
    return true;
}

static void test_a_peer_that_takes_nothing(void **state)
{
    (void)state;
    pace_play(play_a_peer_that_takes_nothing, 100 * NS_PER_MS);
}

static void test_too_much_for_a_peer(void **state)
{
    (void)state;
    rig.limits.unsent_size_max = 20000000;
    restart();
    peers_link(rig.peers, &rig.address, false);
    struct raw raw = raw_accept(rig.loop, rig.fd);
    send_body("a", zeros(19990000));
    run_for(rig.loop, 50 * NS_PER_MS);
    assert_int_equal(rig.log.size, 0);
    send_body("a", zeros(19990000)); /* what the sockets hold is not counted */
    assert_int_equal(rig.log.size, 0);
    wait_exited();
    raw_close(&raw);
}

static void test_a_connection_that_does_not_come_about(void **state)
{
    (void)state;
    rig.limits.connect_timeout_ns = 80 * NS_PER_MS;
    restart();
    (void)close(rig.fd);
    rig.fd = raw_listen(&rig.address, 0);
    struct raw first = raw_connect(&rig.address); /* fills the queue; further ones get no answer */
    int64_t begun_ns = loop_now(rig.loop).mono_ns;
    peers_link(rig.peers, &rig.address, false);
    wait_exited();
    assert_true(loop_now(rig.loop).mono_ns - begun_ns >= 75 * NS_PER_MS);
    raw_close(&first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_messages_go_over_one_connection_in_order),
        TEST(test_programs_do_not_inherit_connections),
        TEST(test_a_large_message),
        TEST(test_the_end_of_a_link_is_told),
        TEST(test_a_link_to_nobody),
        TEST(test_a_connection_becomes_a_link),
        TEST(test_a_link_is_made_anew),
        TEST(test_what_was_unlinked_is_closed_behind_the_last_message),
        TEST(test_idle_connections_are_closed_but_for_links),
        TEST(test_a_peer_that_takes_nothing),
        TEST(test_too_much_for_a_peer),
        TEST(test_a_connection_that_does_not_come_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
