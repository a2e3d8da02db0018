/*
 * For tests with a real ZooKeeper (Debian's package zookeeper): servers in folders of their own, a
 * client that looks at what is stored, and processes that take part in elections (zk_member).
 */
#ifndef TEPUI_TESTS_INTEGRATION_ZOOKEEPER_KIT_H
#define TEPUI_TESTS_INTEGRATION_ZOOKEEPER_KIT_H

#include <stdbool.h>
#include <sys/types.h>

#define ZKIT_WAIT_MS 60000
#define ZKIT_SERVERS_MAX 3
#define ZKIT_TIMEOUT_MS 4000 /* of sessions; who stands still for so long has lost his */
#define ZKIT_LONG_MS 60000   /* the longest that servers allow */

struct zkit_server {
    char dir[64];
    char ip[16];
    int port;
    pid_t pid; /* 0 = not running */
};

struct zkit {
    char dir[32];
    struct zkit_server servers[ZKIT_SERVERS_MAX];
    int count;
};

/* An ensemble of so many servers, up and serving. */
void zkit_init(struct zkit *kit, int count);
void zkit_deinit(struct zkit *kit);
/* One more server by itself on another address and the first one's port. */
void zkit_add(struct zkit *kit, const char *ip);
void zkit_start(struct zkit_server *server);
void zkit_stop(struct zkit_server *server); /* SIGKILL */
void zkit_freeze(struct zkit_server *server, bool frozen);

/* "zk://host:port,...<path>", with "user:password" if not NULL; static text. */
const char *zkit_url(const struct zkit *kit, const char *auth, const char *path);

/* What is stored, asked in a session of its own: number of children, data (static; NULL = no node),
 * first child whose name begins so (static; NULL = none), "perms:scheme:id,..." (static). */
int zkit_children(struct zkit *kit, const char *path);
const char *zkit_data(struct zkit *kit, const char *path);
const char *zkit_child(struct zkit *kit, const char *path, const char *prefix);
const char *zkit_acl(struct zkit *kit, const char *path);
bool zkit_is_ephemeral(struct zkit *kit, const char *path);
void zkit_create(struct zkit *kit, const char *auth, const char *path, const char *data);
/* 0, or libzookeeper's error. */
int zkit_delete(struct zkit *kit, const char *auth, const char *path);

struct member_process {
    pid_t pid;
    int fd;
    int port;
    char text[65536]; /* lines not awaited yet */
    size_t size;
};

/* Its session is for timeout_ms. */
void member_start(struct member_process *member, const char *url, int timeout_ms, int port,
                  const char *kind);
/* Waits for a line that begins so and was not awaited before; fails the test after ZKIT_WAIT_MS.
 * The line (static), without what it begins with. */
const char *member_await(struct member_process *member, const char *prefix);
/* Whether such a line comes within so many ms. */
bool member_tells(struct member_process *member, const char *prefix, int timeout_ms);
void member_signal(struct member_process *member, int signo);
/* Its exit status, or 128 + signal. */
int member_end(struct member_process *member);

long zkit_now_ms(void);
void zkit_sleep_ms(long ms);

#endif
