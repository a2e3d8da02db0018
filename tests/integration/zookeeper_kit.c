#include "../unit/unit.h"

#include "zookeeper_kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#define THREADED
#include <zookeeper/zookeeper.h>

#define JAVA "/usr/bin/java"
#define JAR "/usr/share/java/zookeeper.jar"
#define CLASSES JAR ":/usr/share/java/slf4j-simple.jar"

long zkit_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void zkit_sleep_ms(long ms)
{
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
}

/* --- servers --- */

/* Below those that the kernel gives to clients: else a client may be connected to itself while the
 * server is away. */
static int free_port(void)
{
    static unsigned int next;
    for (next += next == 0 ? (unsigned int)getpid() : 0;; next++) {
        struct sockaddr_in address = {.sin_family = AF_INET};
        int port = 20000 + (int)(next % 12000);
        address.sin_addr.s_addr = htonl(INADDR_ANY);
        address.sin_port = htons((uint16_t)port);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
        (void)close(fd);
        if (is_free) {
            next++;
            return port;
        }
    }
}

static int connect_to(const struct zkit_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    (void)inet_pton(AF_INET, server->ip, &address.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {.tv_sec = 5};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool serves(const struct zkit_server *server)
{
    char text[4096] = "";
    size_t size = 0;
    ssize_t got;
    int fd = connect_to(server);
    if (fd < 0) {
        return false;
    }
    assert_int_equal(write(fd, "srvr", 4), 4);
    while (size + 1 < sizeof(text) && (got = read(fd, text + size, sizeof(text) - 1 - size)) > 0) {
        size += (size_t)got;
    }
    text[size] = '\0';
    (void)close(fd);
    return strstr(text, "Mode:") != NULL;
}

static void await_service(const struct zkit_server *server)
{
    long end_ms = zkit_now_ms() + ZKIT_WAIT_MS;
    while (!serves(server)) {
        if (zkit_now_ms() > end_ms) {
            fail_msg("the ZooKeeper in %s does not serve", server->dir);
        }
        zkit_sleep_ms(50);
    }
}

static void launch(struct zkit_server *server)
{
    char config[96];
    (void)snprintf(config, sizeof(config), "%s/zoo.cfg", server->dir);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        char log[96];
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)snprintf(log, sizeof(log), "%s/log", server->dir);
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        (void)execl(JAVA, JAVA, "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                    "-XX:-UsePerfData", "-cp", CLASSES,
                    "org.apache.zookeeper.server.quorum.QuorumPeerMain", config, (char *)NULL);
        _exit(127);
    }
}

void zkit_start(struct zkit_server *server)
{
    launch(server);
    await_service(server);
}

void zkit_stop(struct zkit_server *server)
{
    if (server->pid != 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}

void zkit_freeze(struct zkit_server *server, bool frozen)
{
    assert_int_equal(kill(server->pid, frozen ? SIGSTOP : SIGCONT), 0);
}

/* members: the lines that name the ensemble's servers, "" for a single one. */
static void set_up(struct zkit *kit, int number, const char *ip, int port, const char *members)
{
    struct zkit_server *server = &kit->servers[number];
    char path[96];
    *server = (struct zkit_server){.port = port};
    (void)snprintf(server->ip, sizeof(server->ip), "%s", ip);
    int length = snprintf(path, sizeof(path), "%s/%d", kit->dir, number);
    assert_true(length > 0 && (size_t)length < sizeof(server->dir));
    memcpy(server->dir, path, (size_t)length + 1);
    assert_int_equal(mkdir(server->dir, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/data", server->dir);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof(path), "%s/data/myid", server->dir);
    FILE *file = fopen(path, "w");
    fprintf(file, "%d\n", number + 1);
    (void)fclose(file);
    (void)snprintf(path, sizeof(path), "%s/zoo.cfg", server->dir);
    file = fopen(path, "w");
    fprintf(file,
            "tickTime=250\nminSessionTimeout=250\nmaxSessionTimeout=60000\ndataDir=%s/data\n"
            "clientPort=%d\nclientPortAddress=%s\nmaxClientCnxns=0\nforceSync=no\n"
            "admin.enableServer=false\n4lw.commands.whitelist=*\ninitLimit=40\nsyncLimit=20\n%s",
            server->dir, port, ip, members);
    (void)fclose(file);
}

void zkit_init(struct zkit *kit, int count)
{
    char members[512] = "";
    if (access(JAVA, X_OK) != 0 || access(JAR, R_OK) != 0) {
        fail_msg("there is no ZooKeeper: tools/dev deps zookeeper");
    }
    *kit = (struct zkit){.dir = "/tmp/zkit-XXXXXX", .count = count};
    assert_non_null(mkdtemp(kit->dir));
    for (int i = 0; count > 1 && i < count; i++) {
        size_t size = strlen(members);
        (void)snprintf(members + size, sizeof(members) - size, "server.%d=127.0.0.1:%d:%d\n", i + 1,
                       free_port(), free_port());
    }
    for (int i = 0; i < count; i++) {
        set_up(kit, i, "127.0.0.1", free_port(), members);
        launch(&kit->servers[i]);
    }
    for (int i = 0; i < count; i++) {
        await_service(&kit->servers[i]);
    }
    zoo_set_debug_level((ZooLogLevel)0);
}

void zkit_add(struct zkit *kit, const char *ip)
{
    set_up(kit, kit->count, ip, kit->servers[0].port, "");
    zkit_start(&kit->servers[kit->count++]);
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *ftw)
{
    (void)stat;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void zkit_deinit(struct zkit *kit)
{
    for (int i = 0; i < kit->count; i++) {
        zkit_stop(&kit->servers[i]);
    }
    (void)nftw(kit->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *zkit_url(const struct zkit *kit, const char *auth, const char *path)
{
    static char url[512];
    size_t size = (size_t)snprintf(url, sizeof(url), "zk://%s%s", auth != NULL ? auth : "",
                                   auth != NULL ? "@" : "");
    for (int i = 0; i < kit->count; i++) {
        size += (size_t)snprintf(url + size, sizeof(url) - size, "%s%s:%d", i > 0 ? "," : "",
                                 kit->servers[i].ip, kit->servers[i].port);
    }
    (void)snprintf(url + size, sizeof(url) - size, "%s", path);
    return url;
}

/* --- what is stored --- */

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context)
{
    (void)handle;
    (void)type;
    (void)state;
    (void)path;
    (void)context;
}

static zhandle_t *open_session(const struct zkit *kit, const char *auth)
{
    char hosts[256];
    const char *url = zkit_url(kit, NULL, "");
    (void)snprintf(hosts, sizeof(hosts), "%s", url + strlen("zk://"));
    zhandle_t *handle = zookeeper_init(hosts, on_event, 10000, NULL, NULL, 0);
    assert_non_null(handle);
    long end_ms = zkit_now_ms() + ZKIT_WAIT_MS;
    while (zoo_state(handle) != ZOO_CONNECTED_STATE) {
        assert_true(zkit_now_ms() < end_ms);
        zkit_sleep_ms(5);
    }
    if (auth != NULL) {
        assert_int_equal(zoo_add_auth(handle, "digest", auth, (int)strlen(auth), NULL, NULL), ZOK);
    }
    return handle;
}

int zkit_children(struct zkit *kit, const char *path)
{
    struct String_vector names = {0};
    zhandle_t *handle = open_session(kit, NULL);
    int code = zoo_get_children(handle, path, 0, &names);
    int count = code == ZOK ? names.count : 0;
    if (code == ZOK) {
        deallocate_String_vector(&names);
    }
    (void)zookeeper_close(handle);
    return count;
}

const char *zkit_child(struct zkit *kit, const char *path, const char *prefix)
{
    static char found[256];
    struct String_vector names = {0};
    zhandle_t *handle = open_session(kit, NULL);
    found[0] = '\0';
    if (zoo_get_children(handle, path, 0, &names) == ZOK) {
        for (int i = 0; i < names.count; i++) {
            const char *name = names.data[i];
            if (strncmp(name, prefix, strlen(prefix)) == 0 &&
                (found[0] == '\0' || strcmp(name, found) < 0)) {
                (void)snprintf(found, sizeof(found), "%s", name);
            }
        }
        deallocate_String_vector(&names);
    }
    (void)zookeeper_close(handle);
    return found[0] != '\0' ? found : NULL;
}

const char *zkit_data(struct zkit *kit, const char *path)
{
    static char data[4096];
    int size = sizeof(data) - 1;
    zhandle_t *handle = open_session(kit, NULL);
    int code = zoo_get(handle, path, 0, data, &size, NULL);
    (void)zookeeper_close(handle);
    data[size > 0 ? size : 0] = '\0';
    return code == ZOK ? data : NULL;
}

bool zkit_is_ephemeral(struct zkit *kit, const char *path)
{
    struct Stat stat = {0};
    zhandle_t *handle = open_session(kit, NULL);
    assert_int_equal(zoo_exists(handle, path, 0, &stat), ZOK);
    (void)zookeeper_close(handle);
    return stat.ephemeralOwner != 0;
}

const char *zkit_acl(struct zkit *kit, const char *path)
{
    static char text[512];
    struct ACL_vector acl = {0};
    struct Stat stat;
    size_t size = 0;
    zhandle_t *handle = open_session(kit, NULL);
    assert_int_equal(zoo_get_acl(handle, path, &acl, &stat), ZOK);
    text[0] = '\0';
    for (int i = 0; i < acl.count; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%d:%s:%s", i > 0 ? "," : "",
                                 acl.data[i].perms, acl.data[i].id.scheme, acl.data[i].id.id);
    }
    deallocate_ACL_vector(&acl);
    (void)zookeeper_close(handle);
    return text;
}

void zkit_create(struct zkit *kit, const char *auth, const char *path, const char *data)
{
    zhandle_t *handle = open_session(kit, auth);
    assert_int_equal(zoo_create(handle, path, data, (int)strlen(data),
                                auth != NULL ? &ZOO_CREATOR_ALL_ACL : &ZOO_OPEN_ACL_UNSAFE, 0, NULL,
                                0),
                     ZOK);
    (void)zookeeper_close(handle);
}

int zkit_delete(struct zkit *kit, const char *auth, const char *path)
{
    zhandle_t *handle = open_session(kit, auth);
    int code = zoo_delete(handle, path, -1);
    (void)zookeeper_close(handle);
    return code;
}

/* --- processes --- */

void member_start(struct member_process *member, const char *url, int timeout_ms, int port,
                  const char *kind)
{
    int ends[2];
    char timeout[16], port_text[16];
    *member = (struct member_process){.port = port};
    (void)snprintf(timeout, sizeof(timeout), "%d", timeout_ms);
    (void)snprintf(port_text, sizeof(port_text), "%d", port);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    member->pid = fork();
    assert_true(member->pid >= 0);
    if (member->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl(ZK_MEMBER, ZK_MEMBER, url, timeout, port_text, kind, (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    member->fd = ends[0];
}

/* Takes out the first whole line that begins so. */
static bool find_line(struct member_process *member, const char *prefix, char *ret_rest,
                      size_t size)
{
    char *line = member->text;
    char *end;
    while ((end = strchr(line, '\n')) != NULL) {
        *end = '\0';
        if (strncmp(line, prefix, strlen(prefix)) == 0) {
            (void)snprintf(ret_rest, size, "%s", line + strlen(prefix));
            size_t left = member->size - (size_t)(end + 1 - member->text);
            memmove(line, end + 1, left + 1);
            member->size -= (size_t)(end + 1 - line);
            return true;
        }
        *end = '\n';
        line = end + 1;
    }
    return false;
}

static bool await_line(struct member_process *member, const char *prefix, int timeout_ms,
                       char *ret_rest, size_t size)
{
    long end_ms = zkit_now_ms() + timeout_ms;
    while (!find_line(member, prefix, ret_rest, size)) {
        struct pollfd poll_fd = {.fd = member->fd, .events = POLLIN};
        long left_ms = end_ms - zkit_now_ms();
        if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) <= 0) {
            return false;
        }
        ssize_t got =
            read(member->fd, member->text + member->size, sizeof(member->text) - 1 - member->size);
        if (got <= 0) {
            return find_line(member, prefix, ret_rest, size);
        }
        member->size += (size_t)got;
        member->text[member->size] = '\0';
    }
    return true;
}

const char *member_await(struct member_process *member, const char *prefix)
{
    static char rest[512];
    if (!await_line(member, prefix, ZKIT_WAIT_MS, rest, sizeof(rest))) {
        fail_msg("member %d says no '%s', but '%s'", member->port, prefix, member->text);
    }
    return rest;
}

bool member_tells(struct member_process *member, const char *prefix, int timeout_ms)
{
    char rest[512];
    return await_line(member, prefix, timeout_ms, rest, sizeof(rest));
}

void member_signal(struct member_process *member, int signo)
{
    assert_int_equal(kill(member->pid, signo), 0);
}

int member_end(struct member_process *member)
{
    int status = 0;
    assert_int_equal(waitpid(member->pid, &status, 0), member->pid);
    (void)close(member->fd);
    member->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
