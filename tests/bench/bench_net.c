/*
 * What the HTTP server costs: pipelined small requests a second, and memory for an idle connection.
 * The server has a process of its own, whose processor time is what counts; the client is plain
 * sockets. Prints one line for each figure.
 *
 *   bench_net [requests [connections]]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/host.h"

#define REQUESTS 2000000
#define CONNECTIONS 10000
#define PIPELINE 100 /* requests sent at a time */

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- the server's process: a core that answers everything with 200 --- */

static struct net_host *host;

static void on_event(void *arg, const struct net_event *event)
{
    (void)arg;
    if (event->type == NET_REQUEST) {
        struct net_effects effects;
        net_effects_init(&effects);
        net_respond(&effects, event->handle, 200, NULL, NULL);
        net_host_perform(host, &effects);
    }
}

static bool has_actor(void *arg, struct slice id)
{
    (void)arg;
    return slice_is(id, "master");
}

static void serve(int port_fd)
{
    static const struct net_host_callbacks callbacks = {on_event, has_actor, NULL};
    struct loop *loop = loop_new();
    struct workers *workers = workers_new(loop, 1);
    host = net_host_new(&(struct net_host_options){
        .loop = loop, .workers = workers, .callbacks = &callbacks, .delegate = "master"});
    struct address any = {.family = 4, .ip = {127, 0, 0, 1}};
    struct address bound;
    if (net_host_listen(host, &any, &bound, NULL) != 0 ||
        write(port_fd, &bound, sizeof(bound)) != (ssize_t)sizeof(bound)) {
        die("listen");
    }
    loop_run(loop);
}

/* --- what the server's process has used --- */

static double cpu_secs(pid_t pid)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    size_t size = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    unsigned long user = 0;
    unsigned long system = 0;
    if (at == NULL || sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
                             &system) != 2) {
        die(path);
    }
    fclose(file);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double rss_mib(pid_t pid)
{
    char path[64];
    unsigned long total = 0;
    unsigned long resident = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &resident) != 2) {
        die(path);
    }
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1024.0 * 1024.0);
}

static double now_secs(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* --- the client --- */

static int dial(const struct address *address)
{
    struct sockaddr_storage storage;
    socklen_t size;
    address_to_sockaddr(address, &storage, &size);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&storage, size) != 0) {
        die("connect");
    }
    return fd;
}

static void put_all(int fd, const char *bytes, size_t size)
{
    while (size != 0) {
        ssize_t put = send(fd, bytes, size, MSG_NOSIGNAL);
        if (put <= 0) {
            die("send");
        }
        bytes += put;
        size -= (size_t)put;
    }
}

/* Reads until that many answers without bodies have come; more may have, and count next time. */
static void get_answers(int fd, size_t count)
{
    static char bytes[1 << 20];
    static unsigned tail; /* the last four bytes */
    static size_t ahead;  /* answers that came and were not asked for */
    while (ahead < count) {
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        if (got <= 0) {
            die("recv");
        }
        for (ssize_t i = 0; i < got; i++) {
            tail = tail << 8 | (unsigned char)bytes[i];
            ahead += tail == 0x0d0a0d0a;
        }
    }
    ahead -= count;
}

static void measure_requests(const struct address *address, pid_t pid, size_t requests)
{
    static const char request[] =
        "GET /health HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
    static char batch[PIPELINE * sizeof(request)];
    size_t size = 0;
    for (int i = 0; i < PIPELINE; i++) {
        memcpy(batch + size, request, sizeof(request) - 1);
        size += sizeof(request) - 1;
    }
    int fd = dial(address);
    double begun = now_secs();
    double cpu = cpu_secs(pid);
    size_t batches = requests / PIPELINE;
    put_all(fd, batch, size);
    for (size_t i = 1; i < batches; i++) {
        put_all(fd, batch, size); /* one batch is always on its way */
        get_answers(fd, PIPELINE);
    }
    get_answers(fd, PIPELINE);
    double wall = now_secs() - begun;
    cpu = cpu_secs(pid) - cpu;
    double answered = (double)(batches * PIPELINE);
    printf("requests/s of one core: %.0f (wall: %.0f)\n", answered / cpu, answered / wall);
    close(fd);
}

static void measure_idle(const struct address *address, pid_t pid, size_t connections)
{
    int *fds = calloc(connections, sizeof(*fds));
    double before = rss_mib(pid);
    for (size_t i = 0; i < connections; i++) {
        fds[i] = dial(address);
    }
    (void)sleep(1);
    double silent = rss_mib(pid) - before;
    static const char request[] = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (size_t i = 0; i < connections; i++) {
        put_all(fds[i], request, sizeof(request) - 1);
        get_answers(fds[i], 1);
    }
    double idle = rss_mib(pid) - before;
    printf("MiB for %zu connections: %.1f, after a request each: %.1f\n", connections, silent,
           idle);
    for (size_t i = 0; i < connections; i++) {
        close(fds[i]);
    }
    free(fds);
}

int main(int argc, char **argv)
{
    size_t requests = argc > 1 ? strtoul(argv[1], NULL, 10) : REQUESTS;
    size_t connections = argc > 2 ? strtoul(argv[2], NULL, 10) : CONNECTIONS;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);

    int ports[2];
    if (pipe(ports) != 0) {
        die("pipe");
    }
    pid_t pid = fork();
    if (pid == 0) {
        serve(ports[1]);
        return 0;
    }
    struct address address;
    if (pid < 0 || read(ports[0], &address, sizeof(address)) != (ssize_t)sizeof(address)) {
        die("fork");
    }
    measure_requests(&address, pid, requests);
    measure_idle(&address, pid, connections);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    return 0;
}
