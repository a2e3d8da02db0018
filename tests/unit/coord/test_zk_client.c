/* The ZooKeeper client's threads, against a server of the test's own that has no nodes: sessions
 * come and go, and operations are under way at every end. For the thread sanitizer above all. */
#include "../net/net_test.h"
#include "../unit.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "coord/zk_client.h"

#define CONNECTIONS_MAX 16
#define SESSION_TIMEOUT_MS 60000 /* a machine that stands still for a while ends no session */
#define NO_NODE (-101)

/* libzookeeper forgets some of what is under way when a session is closed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libzookeeper_mt.so";
}

/* --- a server without nodes, on a thread of its own --- */

static struct {
    int listener;
    int ends[2]; /* a pipe: it is to end */
    pthread_t thread;
    atomic_int connections;
} server;

static uint32_t get_uint32(const char *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return ntohl(value);
}

static void put_uint32(struct buf *out, uint32_t value)
{
    value = htonl(value);
    buf_append(out, &value, sizeof(value));
}

/* The first message opens the session; any other is an operation, and there is no such node. */
static void put_answer(const char *message, bool is_first, struct buf *out)
{
    if (is_first) {
        put_uint32(out, 36);
        put_uint32(out, 0);
        put_uint32(out, SESSION_TIMEOUT_MS);
        put_uint32(out, 0);
        put_uint32(out, 7); /* the session's id */
        put_uint32(out, 16);
        buf_append(out, "0123456789abcdef", 16);
    } else {
        put_uint32(out, 16);
        buf_append(out, message + 4, 4); /* its number */
        put_uint32(out, 0);
        put_uint32(out, 1);
        put_uint32(out, (uint32_t)NO_NODE);
    }
}

struct connection {
    int fd; /* 0 = none */
    bool is_open;
    struct buf in;
};

static void close_connection(struct connection *connection)
{
    (void)close(connection->fd);
    buf_deinit(&connection->in);
    memset(connection, 0, sizeof(*connection));
}

static void serve(struct connection *connection)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    ssize_t got = recv(connection->fd, buf_reserve(&connection->in, 4096), 4096, 0);
    if (got <= 0) {
        close_connection(connection);
        return;
    }
    connection->in.size += (size_t)got;
    while (connection->in.size >= 4) {
        size_t size = 4 + get_uint32(connection->in.data);
        if (connection->in.size < size) {
            break;
        }
        put_answer(connection->in.data, !connection->is_open, &out);
        connection->is_open = true;
        buf_consume(&connection->in, size);
    }
    (void)!send(connection->fd, out.data, out.size, MSG_NOSIGNAL);
}

static void *run_server(void *arg UNUSED)
{
    struct connection connections[CONNECTIONS_MAX] = {0};
    for (;;) {
        struct pollfd fds[CONNECTIONS_MAX + 2] = {{.fd = server.ends[0], .events = POLLIN},
                                                  {.fd = server.listener, .events = POLLIN}};
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
            fds[i + 2].fd = connections[i].fd > 0 ? connections[i].fd : -1;
            fds[i + 2].events = POLLIN;
        }
        (void)poll(fds, ELEMENTS(fds), -1);
        if (fds[0].revents != 0) {
            break;
        }
        for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
            if (fds[i + 2].revents != 0) {
                serve(&connections[i]);
            }
        }
        for (size_t i = 0; fds[1].revents != 0 && i < CONNECTIONS_MAX; i++) {
            if (connections[i].fd == 0) {
                connections[i].fd = accept4(server.listener, NULL, NULL, SOCK_CLOEXEC);
                atomic_fetch_add(&server.connections, 1);
                break;
            }
        }
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (connections[i].fd > 0) {
            close_connection(&connections[i]);
        }
    }
    return NULL;
}

/* --- the client --- */

static struct {
    struct loop *loop;
    struct zk_client *client;
    struct address address;
    uint64_t session, op; /* the last */
    uint64_t connected;   /* the last session that was */
    int failed, no_node, unknown;
    int done; /* answers, of any kind */
    int wanted;
} rig;

static void on_event(void *arg, const struct zk_event *event)
{
    assert_ptr_equal(arg, &rig);
    switch (event->type) {
    case ZK_CONNECTED:
        rig.connected = event->session;
        assert_int_equal(event->timeout_ns, SESSION_TIMEOUT_MS * NS_PER_MS);
        break;
    case ZK_OPEN_FAILED:
        assert_non_null(event->text);
        rig.failed++;
        break;
    case ZK_DONE:
        assert_true(event->error == ZK_NO_NODE || event->error == ZK_UNKNOWN);
        rig.no_node += event->error == ZK_NO_NODE;
        rig.unknown += event->error == ZK_UNKNOWN;
        rig.done++;
        break;
    case ZK_CONNECTING:
    case ZK_EXPIRED:
    case ZK_AUTH_FAILED:
    case ZK_WATCH:
    case ZK_TICK:
        break;
    }
}

static void open_to(const char *hosts)
{
    struct zk_effects effects;
    zk_effects_init(&effects);
    zk_effects_add(&effects, ZK_OPEN, ++rig.session, 0, xstrdup(hosts))->timeout_ns =
        SESSION_TIMEOUT_MS * NS_PER_MS;
    zk_client_perform(rig.client, &effects);
}

static void open_session(void)
{
    char hosts[ADDRESS_TEXT_SIZE];
    address_format(&rig.address, hosts);
    open_to(hosts);
}

static void ask(int count)
{
    struct zk_effects effects;
    zk_effects_init(&effects);
    for (int i = 0; i < count; i++) {
        static const enum zk_effect_type types[] = {ZK_EXISTS, ZK_CREATE, ZK_GET_CHILDREN,
                                                    ZK_GET_DATA};
        enum zk_effect_type type = types[i % (int)ELEMENTS(types)];
        struct zk_effect *effect =
            zk_effects_add(&effects, type, rig.session, ++rig.op, xstrdup("/a/b"));
        effect->ephemeral = type == ZK_CREATE;
        effect->data = type == ZK_CREATE ? blob_from(SLICE("data")) : NULL;
    }
    zk_client_perform(rig.client, &effects);
}

static void close_session(void)
{
    struct zk_effects effects;
    zk_effects_init(&effects);
    zk_effects_add(&effects, ZK_CLOSE, rig.session, 0, NULL);
    zk_client_perform(rig.client, &effects);
}

static bool is_connected(void *arg UNUSED)
{
    return rig.connected == rig.session;
}

static bool has_failed(void *arg UNUSED)
{
    return rig.failed > 0;
}

static bool are_done(void *arg UNUSED)
{
    return rig.done >= rig.wanted;
}

static int set_up(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    atomic_store(&server.connections, 0);
    server.listener = raw_listen(&rig.address, 8);
    assert_int_equal(pipe2(server.ends, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&server.thread, NULL, run_server, NULL), 0);
    rig.loop = loop_new();
    rig.client = zk_client_new(rig.loop, on_event, &rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (rig.client != NULL) {
        zk_client_free(rig.client);
    }
    loop_free(rig.loop);
    assert_int_equal(write(server.ends[1], "e", 1), 1);
    assert_int_equal(pthread_join(server.thread, NULL), 0);
    (void)close(server.listener);
    (void)close(server.ends[0]);
    (void)close(server.ends[1]);
    return 0;
}

/* --- tests --- */

static void operations_are_answered(void **state)
{
    (void)state;
    open_session();
    assert_true(wait_for(rig.loop, is_connected, NULL, WAIT_NS));
    rig.wanted = 400;
    ask(200);
    ask(200);
    assert_true(wait_for(rig.loop, are_done, NULL, WAIT_NS));
    assert_int_equal(rig.no_node, 400);
}

/* What is under way ends unknown, or is not told any more; nothing of it comes twice. */
static void sessions_end_with_operations_under_way(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        open_session();
        if (i % 3 != 0) {
            assert_true(wait_for(rig.loop, is_connected, NULL, WAIT_NS));
        }
        ask(20);
        if (i % 2 == 0) {
            close_session();
        }
    }
    open_session();
    assert_true(wait_for(rig.loop, is_connected, NULL, WAIT_NS));
    assert_true(rig.done <= 200);
    assert_true(atomic_load(&server.connections) > 0);
}

static void a_session_without_a_host_fails(void **state)
{
    (void)state;
    /* No name server is asked for a name that is none: its label is too long. */
    open_to("a-label-of-a-name-has-sixty-three-characters-at-most-but-this-has-more.invalid:1");
    ask(4); /* of a session that does not exist: nothing is told of them */
    assert_true(wait_for(rig.loop, has_failed, NULL, WAIT_NS));
    assert_int_equal(rig.done, 0);
}

static void the_client_ends_at_any_moment(void **state)
{
    (void)state;
    open_session();
    ask(50);
    rig.client = zk_client_free(rig.client);
    rig.client = zk_client_new(rig.loop, on_event, &rig);
    open_session();
    assert_true(wait_for(rig.loop, is_connected, NULL, WAIT_NS));
    ask(50);
    rig.client = zk_client_free(rig.client);
    int done = rig.done;
    run_for(rig.loop, 20 * NS_PER_MS);
    assert_int_equal(rig.done, done);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(operations_are_answered),
        TEST(sessions_end_with_operations_under_way),
        TEST(a_session_without_a_host_fails),
        TEST(the_client_ends_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
