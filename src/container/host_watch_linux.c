/*
 * Limits that the kernel tells of: out of memory, on v1 by an eventfd, on v2 by a file that
 * changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/host_linux.h"
#include "wire/message.h"

#define STAT_SIZE 16384
#define NUMBER_SIZE 64

static const char *const levels[HOST_PRESSURE_LEVELS] = {"low", "medium", "critical"};

/* An eventfd that counts what the control file of a v1 memory cgroup tells, or -1. */
static int register_event(const char *dir, const char *file, const char *args)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, file);
    CLEANUP(xfreep) char *control_path = xasprintf("%s/cgroup.event_control", dir);
    int control = open(path, O_RDONLY | O_CLOEXEC);
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int r = -1;
    if (control >= 0 && event >= 0) {
        CLEANUP(xfreep) char *line = xasprintf("%d %d %s", event, control, args);
        r = apply_write(control_path, line);
    }
    if (control >= 0) {
        close(control);
    }
    if (r != 0 && event >= 0) {
        close(event);
    }
    return r == 0 ? event : -1;
}

void host_watch_limits(struct containerizer_host *host, struct hosted *hosted)
{
    const char *dir = hosted->place.memory_cgroup;
    if (dir == NULL || hosted->memory.fd >= 0) {
        return;
    }
    if (host->facts.cgroups == CGROUPS_V1) {
        int fd = register_event(dir, "memory.oom_control", "");
        if (fd >= 0) {
            host_watch(host, &hosted->memory, fd, EPOLLIN);
        }
        for (int i = 0; i < HOST_PRESSURE_LEVELS; i++) {
            hosted->pressure[i] = register_event(dir, "memory.pressure_level", levels[i]);
        }
        return;
    }
    CLEANUP(xfreep) char *path = xasprintf("%s/memory.events.local", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && host_watch(host, &hosted->memory, fd, EPOLLPRI) == 0) {
        host_memory_event(host, hosted); /* also arms it: only changes after a read are told */
    }
}

void host_unwatch_limits(struct containerizer_host *host, struct hosted *hosted)
{
    host_unwatch(host, &hosted->memory);
    for (int i = 0; i < HOST_PRESSURE_LEVELS; i++) {
        if (hosted->pressure[i] >= 0) {
            close(hosted->pressure[i]);
            hosted->pressure[i] = -1;
        }
    }
}

static bool read_number(const char *dir, const char *file, int64_t *ret)
{
    char text[NUMBER_SIZE], *end;
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, file);
    if (apply_read(path, text, sizeof(text)) <= 0) {
        return false;
    }
    *ret = strtoll(text, &end, 10);
    return end != text;
}

/* The most memory ever used, not the limit (facts/observed.md, containers 6). */
static struct blob *encode_limitation(int64_t used_bytes)
{
    Pb__Value__Scalar scalar = PB__VALUE__SCALAR__INIT;
    scalar.value = (double)used_bytes / (1 << 20);
    Pb__Resource resource = PB__RESOURCE__INIT;
    resource.name = (char[]){"mem"};
    resource.type = PB__VALUE__TYPE__SCALAR;
    resource.scalar = &scalar;
    Pb__Resource *resources[] = {&resource};
    Pb__TaskResourceLimitation message = PB__TASK_RESOURCE_LIMITATION__INIT;
    message.n_resources = 1;
    message.resources = resources;
    return message_encode_blob(&message.base);
}

static void out_of_memory(struct containerizer_host *host, struct hosted *hosted)
{
    const char *dir = hosted->place.memory_cgroup;
    bool v1 = host->facts.cgroups == CGROUPS_V1;
    int64_t limit = 0, used = 0;
    CLEANUP(buf_deinit) struct buf text = BUF_INIT;
    buf_append_text(&text, "Memory limit exceeded: ");
    if (read_number(dir, v1 ? "memory.limit_in_bytes" : "memory.max", &limit)) {
        buf_append_text(&text, "Requested: ");
        bytes_format(limit, &text);
    }
    if (read_number(dir, v1 ? "memory.max_usage_in_bytes" : "memory.peak", &used) ||
        read_number(dir, "memory.current", &used)) {
        buf_append_text(&text, " Maximum Used: ");
        bytes_format(used, &text);
    }
    char stat[STAT_SIZE];
    CLEANUP(xfreep) char *path = xasprintf("%s/memory.stat", dir);
    if (apply_read(path, stat, sizeof(stat)) > 0) {
        buf_printf(&text, "\n\nMEMORY STATISTICS: \n%s\n", stat);
    }
    struct containerizer_event *event = host_event(host, CONTAINERIZER_LIMIT, hosted->path);
    event->limit = CONTAINER_LIMIT_MEMORY;
    event->text = xstrdup(buf_text(&text));
    event->blob = encode_limitation(used);
}

/* "oom" counts when this very cgroup's limit was hit: not that of one in it, and not when the whole
 * node was out of memory. */
static bool v2_is_out_of_memory(int fd)
{
    char text[STAT_SIZE];
    ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
    if (size <= 0) {
        return false;
    }
    text[size] = '\0';
    const char *at = strstr(text, "\noom ");
    return at != NULL && strtoll(at + strlen("\noom "), NULL, 10) > 0;
}

void host_memory_event(struct containerizer_host *host, struct hosted *hosted)
{
    if (host->facts.cgroups == CGROUPS_V1) {
        uint64_t count;
        if (read(hosted->memory.fd, &count, sizeof(count)) != sizeof(count)) {
            return;
        }
        if (access(hosted->place.memory_cgroup, F_OK) != 0) { /* its removal is told, too */
            host_unwatch(host, &hosted->memory);
            return;
        }
    } else if (!v2_is_out_of_memory(hosted->memory.fd)) {
        return;
    }
    host_unwatch(host, &hosted->memory); /* once is enough: all of it is ended */
    out_of_memory(host, hosted);
}
