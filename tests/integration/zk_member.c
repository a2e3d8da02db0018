/*
 * zk_member URL TIMEOUT_MS PORT KIND: a process that takes part in an election, for test_zookeeper.
 * KIND is "master" (contends, and joins the log's group) or "agent" (detects). Each thing that it
 * is told becomes a line on stdout. SIGTERM ends it as it ends a daemon.
 *
 * The host "zk.test" has the address that stands in the file $ZK_MEMBER_HOSTS, or none if there is
 * no such file.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "coord/zk_election.h"
#include "wire/message.h"
#include "wire/pb.h"

struct member {
    struct loop *loop;
    struct zk_election *election;
    int status;
};

/* In front of the C library's. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    const char *path = getenv("ZK_MEMBER_HOSTS");
    if (node == NULL || path == NULL || strcmp(node, "zk.test") != 0) {
        return real(node, service, hints, ret);
    }
    char address[64] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return EAI_NONAME;
    }
    char *got = fgets(address, sizeof(address), file);
    (void)fclose(file);
    address[strcspn(address, "\n")] = '\0';
    return got != NULL ? real(address, service, hints, ret) : EAI_NONAME;
}

static void on_leader(void *arg UNUSED, const struct leader *leader)
{
    char pid[UPID_TEXT_SIZE] = "none";
    if (leader != NULL) {
        upid_format(&leader->pid, pid);
    }
    printf("leader %s\n", pid);
}

static void on_elected(void *arg UNUSED)
{
    printf("elected\n");
}

static void on_members(void *arg UNUSED, const struct upid *members, size_t count)
{
    printf("members");
    for (size_t i = 0; i < count; i++) {
        printf(" %d", members[i].address.port);
    }
    printf("\n");
}

static void on_over(void *arg, bool led, const char *why)
{
    struct member *member = arg;
    printf("over %s: %s\n", led ? "lost" : "failed", why);
    member->status = EXIT_FAILURE;
    loop_stop(member->loop);
}

static const struct zk_election_callbacks callbacks = {
    .on_leader = on_leader, .on_elected = on_elected, .on_members = on_members, .on_over = on_over};

static void on_term(void *arg)
{
    struct member *member = arg;
    loop_stop(member->loop);
}

static struct blob *make_info(int port)
{
    Pb__MasterInfo info = PB__MASTER_INFO__INIT;
    Pb__Address address = PB__ADDRESS__INIT;
    char id[32], pid[64], ip[] = "127.0.0.1", hostname[] = "localhost", version[] = "1.12.0";
    (void)snprintf(id, sizeof(id), "id-%d", port);
    (void)snprintf(pid, sizeof(pid), "master@127.0.0.1:%d", port);
    info.id = id;
    info.pid = pid;
    info.ip = 16777343;
    info.port = (uint32_t)port;
    info.hostname = hostname;
    info.version = version;
    address.ip = ip;
    address.hostname = hostname;
    address.port = port;
    info.address = &address;
    return message_encode_blob(&info.base);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    bool contends = strcmp(argv[4], "master") == 0;
    int port = (int)strtol(argv[3], NULL, 10);
    struct member member = {.loop = loop_new()};
    struct blob *info = make_info(port);
    struct upid replica = {.id = "log-replica(1)"};
    replica.address = (struct address){.family = 4, .port = (uint16_t)port, .ip = {127, 0, 0, 1}};
    struct err err = {""};
    int r = zk_election_new(
        &(struct zk_election_options){
            .loop = member.loop,
            .url = slice_from(argv[1]),
            .session_timeout_ns = strtol(argv[2], NULL, 10) * NS_PER_MS,
            .seed = (uint64_t)getpid(),
            .info = contends ? info : NULL,
            .replica = contends ? &replica : NULL,
            .callbacks = &callbacks,
            .arg = &member,
        },
        &member.election, &err);
    if (r != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    struct loop_signal *term = loop_signal_new(member.loop, SIGTERM, on_term, &member);
    loop_run(member.loop);
    zk_election_free(member.election);
    loop_signal_free(term);
    loop_free(member.loop);
    blob_unref(info);
    log_close();
    return member.status;
}
