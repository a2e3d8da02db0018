/*
 * What the tests of net share: a loop that runs until something is so, and a raw client.
 *
 * Everything runs on one thread. A raw socket is read and written without blocking while the loop
 * runs, and keeps what came as text.
 */
#ifndef TEPUI_TESTS_UNIT_NET_NET_TEST_H
#define TEPUI_TESTS_UNIT_NET_NET_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/xalloc.h"
#include "net/loop.h"
#include "net/workers.h"
#include "wire/upid.h"

/* A wait longer than this is a failure. Nothing waits so long but what will never come. */
#define WAIT_NS (60 * NS_PER_SEC)
#define WAIT_STEP_NS (NS_PER_MS / 2)

/* --- pace --- */

/*
 * Some tests see that a timeout does not strike while something goes on, and a machine that stands
 * still for longer than the timeout shows nothing. Such a test begins a pace, looks at it before it
 * relies on it, and is played again with a longer timeout if it was lost (pace_play).
 */
static struct pace {
    int64_t seen_ns;  /* when it was known last that this process runs */
    int64_t pause_ns; /* the longest time that nothing was known */
} pace;

static inline void pace_look(const struct loop *loop)
{
    int64_t now_ns = loop_now(loop).mono_ns;
    pace.pause_ns = MAX(pace.pause_ns, now_ns - pace.seen_ns);
    pace.seen_ns = now_ns;
}

static inline void pace_begin(const struct loop *loop)
{
    pace = (struct pace){.seen_ns = loop_now(loop).mono_ns};
}

/* Since its beginning nothing took longer than this. */
static inline bool pace_is_kept(const struct loop *loop, int64_t pause_max_ns)
{
    pace_look(loop);
    return pace.pause_ns <= pause_max_ns;
}

/* Plays a test that gives up, false, if it lost its pace with this timeout. */
static inline void pace_play(bool (*play)(int64_t timeout_ns), int64_t timeout_ns)
{
    while (!play(timeout_ns)) {
        timeout_ns *= 2;
        assert_true(timeout_ns < WAIT_NS / 4);
    }
}

/* --- waiting --- */

struct waiter {
    struct loop *loop;
    struct loop_timer timer;
    bool (*is_so)(void *arg);
    void *arg;
    int64_t until_ns; /* the end of patience */
    bool so;
};

static inline void waiter_look(void *arg)
{
    struct waiter *waiter = arg;
    pace_look(waiter->loop);
    int64_t now_ns = loop_now(waiter->loop).mono_ns;
    waiter->so = waiter->is_so != NULL && waiter->is_so(waiter->arg);
    if (waiter->so || now_ns >= waiter->until_ns) {
        loop_stop(waiter->loop);
    } else {
        loop_timer_set(&waiter->timer, now_ns + WAIT_STEP_NS);
    }
}

/* Runs the loop until it is so; false after timeout_ns. */
static inline bool wait_for(struct loop *loop, bool (*is_so)(void *arg), void *arg,
                            int64_t timeout_ns)
{
    struct waiter waiter = {.loop = loop, .is_so = is_so, .arg = arg};
    waiter.until_ns = loop_now(loop).mono_ns + timeout_ns;
    loop_timer_init(&waiter.timer, loop, waiter_look, &waiter);
    loop_timer_set(&waiter.timer, 0);
    loop_run(loop);
    loop_timer_cancel(&waiter.timer);
    return waiter.so;
}

static inline void run_for(struct loop *loop, int64_t time_ns)
{
    (void)wait_for(loop, NULL, NULL, time_ns);
}

/* --- a raw socket --- */

struct raw {
    int fd;
    struct buf in;      /* what came */
    bool ended;         /* by the other side */
    bool reset;         /* not in peace */
    const char *wanted; /* what raw_expect waits for */
};

static inline struct raw raw_connect(const struct address *address)
{
    struct raw raw = {.in = BUF_INIT};
    struct sockaddr_storage storage;
    socklen_t size;
    address_to_sockaddr(address, &storage, &size);
    raw.fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(raw.fd >= 0);
    assert_int_equal(connect(raw.fd, (struct sockaddr *)&storage, size), 0);
    return raw;
}

static inline void raw_send_slice(const struct raw *raw, struct slice s)
{
    assert_int_equal(send(raw->fd, s.data, s.size, MSG_NOSIGNAL), (ssize_t)s.size);
}

static inline void raw_send(const struct raw *raw, const char *text)
{
    raw_send_slice(raw, slice_from(text));
}

/* Reads what is there. */
static inline void raw_read(struct raw *raw)
{
    for (;;) {
        ssize_t got = recv(raw->fd, buf_reserve(&raw->in, 65536), 65536, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            raw->ended = true;
            raw->reset = got < 0;
            return;
        }
        raw->in.size += (size_t)got;
    }
}

static inline bool raw_has(void *arg)
{
    struct raw *raw = arg;
    raw_read(raw);
    return memmem(raw->in.data, raw->in.size, raw->wanted, strlen(raw->wanted)) != NULL;
}

static inline bool raw_has_ended(void *arg)
{
    struct raw *raw = arg;
    raw_read(raw);
    return raw->ended;
}

static inline void raw_expect(struct loop *loop, struct raw *raw, const char *text)
{
    raw->wanted = text;
    if (!wait_for(loop, raw_has, raw, WAIT_NS)) {
        fail_msg("no \"%s\" in \"%s\"", text, buf_text(&raw->in));
    }
}

static inline void raw_expect_end(struct loop *loop, struct raw *raw)
{
    assert_true(wait_for(loop, raw_has_ended, raw, WAIT_NS));
}

static inline size_t raw_count(struct raw *raw, const char *text)
{
    size_t count = 0;
    const char *at = buf_text(&raw->in);
    while ((at = strstr(at, text)) != NULL) {
        at += strlen(text);
        count++;
    }
    return count;
}

static inline void raw_close(struct raw *raw)
{
    (void)close(raw->fd);
    buf_deinit(&raw->in);
}

/* What programs that we start would inherit, of all sockets that are open. */
static inline int inheritable_sockets(void)
{
    int count = 0;
    for (int fd = STDERR_FILENO + 1; fd < 1024; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) {
            count += (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0;
        }
    }
    return count;
}

/* A socket with a port of this host that nobody else can have, and where nobody answers. */
static inline int raw_bind(struct address *ret_address)
{
    struct address any = {.family = 4, .ip = {127, 0, 0, 1}};
    struct sockaddr_storage storage;
    socklen_t size;
    address_to_sockaddr(&any, &storage, &size);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&storage, size), 0);
    size = sizeof(storage);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &size), 0);
    assert_true(address_from_sockaddr((struct sockaddr *)&storage, ret_address));
    return fd;
}

/* A socket that listens on a free port of this host. */
static inline int raw_listen(struct address *ret_address, int backlog)
{
    int fd = raw_bind(ret_address);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

struct acceptor {
    int fd;
    struct raw *raw;
};

static inline bool raw_try_accept(void *arg)
{
    struct acceptor *acceptor = arg;
    int fd = accept4(acceptor->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    *acceptor->raw = (struct raw){.fd = fd};
    return true;
}

static inline struct raw raw_accept(struct loop *loop, int fd)
{
    struct raw raw = {0};
    struct acceptor acceptor = {fd, &raw};
    assert_true(wait_for(loop, raw_try_accept, &acceptor, WAIT_NS));
    return raw;
}

static inline struct address local_address(void)
{
    return (struct address){.family = 4, .ip = {127, 0, 0, 1}};
}

#endif
