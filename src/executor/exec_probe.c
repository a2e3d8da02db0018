#include "executor/exec_probe.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "wire/upid.h"

struct exec_probe {
    struct list link;
    struct exec_probes *probes;
    uint64_t token;
    int fd;
    int status; /* known already when the connect was refused at once */
    struct event *event;
};

void exec_probes_init(struct exec_probes *probes, struct loop *loop, exec_probe_fn *fn, void *arg)
{
    *probes = (struct exec_probes){.loop = loop, .fn = fn, .arg = arg};
    list_init(&probes->list);
}

static void probe_free(struct exec_probe *probe)
{
    list_remove(&probe->link);
    event_free(probe->event);
    if (probe->fd >= 0) {
        close(probe->fd);
    }
    free(probe);
}

void exec_probes_deinit(struct exec_probes *probes)
{
    struct exec_probe *probe;
    LIST_FOR_EACH (probe, &probes->list, link) {
        probe_free(probe);
    }
}

static void probe_ready(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct exec_probe *probe = arg;
    struct exec_probes *probes = probe->probes;
    int error = -probe->status;
    socklen_t size = sizeof(error);
    if (fd >= 0 && error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    uint64_t token = probe->token;
    probe_free(probe);
    probes->fn(probes->arg, token, -error);
}

static int open_socket(const char *target, int *ret_fd)
{
    struct address address;
    struct sockaddr_storage storage;
    socklen_t size;
    if (strncmp(target, "tcp://", 6) != 0 || !address_parse(slice_from(target + 6), &address)) {
        return -EINVAL;
    }
    address_to_sockaddr(&address, &storage, &size);
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    *ret_fd = fd;
    return connect(fd, (struct sockaddr *)&storage, size) == 0 || errno == EINPROGRESS ? 0 : -errno;
}

void exec_probe_tcp(struct exec_probes *probes, uint64_t token, const char *target)
{
    struct exec_probe *probe = xalloc(sizeof(*probe));
    probe->probes = probes;
    probe->token = token;
    probe->fd = -1;
    probe->status = open_socket(target, &probe->fd);
    list_push_back(&probes->list, &probe->link);
    struct event_base *base = loop_base(probes->loop);
    if (probe->status == 0) {
        probe->event = event_new(base, probe->fd, EV_WRITE, probe_ready, probe);
        ASSERT(probe->event != NULL && event_add(probe->event, NULL) == 0);
    } else {
        /* Told from the loop all the same. */
        struct timeval now = {0};
        probe->event = event_new(base, -1, 0, probe_ready, probe);
        ASSERT(probe->event != NULL && event_add(probe->event, &now) == 0);
    }
}

void exec_probe_abandon(struct exec_probes *probes, uint64_t token)
{
    struct exec_probe *probe;
    LIST_FOR_EACH (probe, &probes->list, link) {
        if (probe->token == token) {
            probe_free(probe);
        }
    }
}
