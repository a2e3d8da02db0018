#include "container_kit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/container_paths.h"
#include "container/mountinfo_linux.h"
#include "wire/cursor.h"

#define TEXT_SIZE 65536
#define PAUSE_US 2000 /* between looks */

/* Those of v1; where cgroup2 is at /sys/fs/cgroup itself it is the only one. */
static const char *const hierarchies[] = {"freezer", "cpu", "cpuacct", "memory", "pids", "unified"};

static size_t hierarchy_count(void)
{
    return kit_is_v2() ? 1 : ELEMENTS(hierarchies);
}

/* "sleep 74.." stands for one that no other test of this host runs at the same time. */
static char *marked(const char *text)
{
    struct buf out = BUF_INIT;
    const char *at;
    while ((at = strstr(text, "sleep 74")) != NULL) {
        buf_append(&out, text, (size_t)(at - text));
        buf_printf(&out, "sleep %d74", (int)getpid());
        text = at + strlen("sleep 74");
    }
    buf_append_text(&out, text);
    char *copy = xstrdup(buf_text(&out));
    buf_deinit(&out);
    return copy;
}

void kit_init(struct kit *kit, const char *launcher, const char *isolation)
{
    static int count;
    *kit = (struct kit){0};
    list_init(&kit->reports);
    snprintf(kit->dir, sizeof(kit->dir), "/tmp/tepui-containers-%d-XXXXXX", (int)getpid());
    ASSERT(mkdtemp(kit->dir) != NULL);
    if (geteuid() == 0) { /* as agents have it in /run: files are made and gone in no time */
        ASSERT(mount("none", kit->dir, "tmpfs", 0, "mode=755") == 0);
    }
    snprintf(kit->cgroups_root, sizeof(kit->cgroups_root), "tepui-test-%d-%d", (int)getpid(),
             count++);
    snprintf(kit->work_dir, sizeof(kit->work_dir), "%s/work", kit->dir);
    snprintf(kit->runtime_dir, sizeof(kit->runtime_dir), "%s/run", kit->dir);
    ASSERT(mkdir(kit->work_dir, 0755) == 0 && mkdir(kit->runtime_dir, 0755) == 0);
    kit->options = (struct containerizer_options){
        .launcher = launcher,
        .isolation = isolation,
        .launcher_dir = PROGRAMS_DIR,
        .work_dir = kit->work_dir,
        .runtime_dir = kit->runtime_dir,
        .cgroups_root = kit->cgroups_root,
    };
}

struct container_request *kit_request(struct container_requests *requests,
                                      enum container_request_type type, const char *path)
{
    return container_request_add(requests, type, path);
}

void kit_send(struct kit *kit, struct container_requests *requests)
{
    containerizer_host_submit(kit->host, requests);
}

void kit_start(struct kit *kit, const char *const *known)
{
    struct err err = {0};
    if (containerizer_host_start(&kit->options, &kit->host, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    struct container_requests requests;
    container_requests_init(&requests);
    for (; known != NULL && *known != NULL; known++) {
        kit_request(&requests, CONTAINER_RECOVER, *known)->keep = true;
    }
    kit_request(&requests, CONTAINER_RECOVER, "");
    kit_send(kit, &requests);
    container_report_free(kit_await(kit, CONTAINER_RECOVERED, ""));
}

void kit_stop(struct kit *kit)
{
    kit->host = containerizer_host_free(kit->host);
    struct list *link;
    while ((link = list_pop_front(&kit->reports)) != NULL) {
        container_report_free(LIST_ENTRY(link, struct container_report, link));
    }
}

static void remove_all(const char *path)
{
    CLEANUP(xfreep) char *command = xasprintf("rm -rf --one-file-system %s", path);
    ASSERT(system(command) == 0);
}

/* With cgroup2 the agent, which we are, is in a cgroup of its own. */
static void leave_v2(struct kit *kit)
{
    const char *leaf = kit_cgroup(kit, "unified", "agent");
    int fd = kit_exists(leaf) ? open(kit_is_v2() ? "/sys/fs/cgroup/cgroup.procs"
                                                 : "/sys/fs/cgroup/unified/cgroup.procs",
                                     O_WRONLY | O_CLOEXEC)
                              : -1;
    if (fd >= 0) {
        ssize_t n = write(fd, "0", 1);
        (void)n;
        close(fd);
    }
    rmdir(leaf);
}

void kit_deinit(struct kit *kit)
{
    kit_stop(kit);
    leave_v2(kit);
    while (umount2(kit->work_dir, MNT_DETACH) == 0) {
    }
    umount2(kit->dir, MNT_DETACH);
    for (size_t i = 0; i < hierarchy_count(); i++) {
        rmdir(kit_cgroup(kit, hierarchies[i], ""));
    }
    remove_all(kit->dir);
}

const char *kit_file(struct kit *kit, const char *path, const char *name)
{
    static char text[4][1024];
    static int next;
    char *at = text[next++ % 4];
    struct buf sandbox = BUF_INIT, top = BUF_INIT;
    const char *dot = strchr(path, '.');
    int size = dot != NULL ? (int)(dot - path) : (int)strlen(path);
    buf_printf(&top, "%s/slaves/s/runs/%.*s", kit->work_dir, size, path);
    container_paths_sandbox(buf_text(&top), path, &sandbox);
    snprintf(at, sizeof(text[0]), "%s%s%s", buf_text(&sandbox), name[0] != '\0' ? "/" : "", name);
    buf_deinit(&sandbox);
    buf_deinit(&top);
    return at;
}

struct container_spec *kit_spec(struct kit *kit, const char *path, const char *command)
{
    struct container_spec *spec = xalloc(sizeof(*spec));
    struct buf bytes = BUF_INIT;
    CLEANUP(xfreep) char *value = marked(command);
    wire_put_bytes(&bytes, 3, slice_from(value)); /* CommandInfo.value */
    spec->command = blob_take(&bytes);
    spec->directory = xstrdup(kit_file(kit, path, ""));
    CLEANUP(xfreep) char *make = xasprintf("mkdir -p %s", spec->directory);
    ASSERT(system(make) == 0);
    spec->cpus_milli = 100;
    spec->mem_bytes = 64 << 20;
    spec->share_cgroups = true;
    return spec;
}

void kit_launch(struct kit *kit, const char *path, struct container_spec *spec)
{
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_LAUNCH, path)->spec = spec;
    kit_send(kit, &requests);
}

void kit_destroy(struct kit *kit, const char *path)
{
    struct container_requests requests;
    container_requests_init(&requests);
    kit_request(&requests, CONTAINER_DESTROY, path);
    kit_send(kit, &requests);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct container_report *take(struct kit *kit, enum container_report_type type,
                                     const char *path)
{
    struct container_report *report;
    LIST_FOR_EACH (report, &kit->reports, link) {
        if (report->type == type && (path == NULL || strcmp(report->path, path) == 0)) {
            list_remove(&report->link);
            return report;
        }
    }
    return NULL;
}

struct container_report *kit_try(struct kit *kit, enum container_report_type type, const char *path,
                                 int timeout_ms)
{
    int64_t deadline = now_ms() + timeout_ms;
    for (;;) {
        struct container_report *report = take(kit, type, path);
        if (report != NULL) {
            return report;
        }
        while ((report = containerizer_host_take(kit->host)) != NULL) {
            list_push_back(&kit->reports, &report->link);
        }
        report = take(kit, type, path);
        int64_t left = deadline - now_ms();
        if (report != NULL || left <= 0) {
            return report;
        }
        struct pollfd fd = {.fd = containerizer_host_fd(kit->host), .events = POLLIN};
        poll(&fd, 1, (int)left);
    }
}

struct container_report *kit_await(struct kit *kit, enum container_report_type type,
                                   const char *path)
{
    struct container_report *report = kit_try(kit, type, path, KIT_TIMEOUT_MS);
    if (report != NULL) {
        return report;
    }
    fprintf(stderr, "no report %d of %s; there are:\n", (int)type, path != NULL ? path : "any");
    int shown = 0;
    LIST_FOR_EACH (report, &kit->reports, link) {
        if (shown++ == 20) {
            break;
        }
        fprintf(stderr, "  %d of %s: %s\n", (int)report->type, report->path,
                report->text != NULL ? report->text : "");
    }
    abort();
}

int64_t kit_launched(struct kit *kit, const char *path)
{
    struct container_report *report = kit_await(kit, CONTAINER_LAUNCHED, path);
    int64_t pid = report->pid;
    container_report_free(report);
    return pid;
}

int kit_terminated(struct kit *kit, const char *path)
{
    struct container_report *report = kit_await(kit, CONTAINER_TERMINATED, path);
    int status = report->status;
    container_report_free(report);
    return status;
}

const char *kit_read(const char *path)
{
    static char text[TEXT_SIZE];
    int64_t deadline = now_ms() + KIT_TIMEOUT_MS;
    while (now_ms() < deadline) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
        if (fd >= 0) {
            close(fd);
        }
        if (size > 0) {
            text[size] = '\0';
            return text;
        }
        usleep(PAUSE_US);
    }
    fprintf(stderr, "nothing in %s\n", path);
    abort();
}

bool kit_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

const char *kit_cgroup(struct kit *kit, const char *controller, const char *id)
{
    static char text[4][512];
    static int next;
    char *at = text[next++ % 4];
    bool v2 = kit_is_v2();
    snprintf(at, sizeof(text[0]), "/sys/fs/cgroup/%s%s%s%s%s", v2 ? "" : controller, v2 ? "" : "/",
             kit->cgroups_root, id[0] != '\0' ? "/" : "", id);
    return at;
}

int kit_cgroups_left(struct kit *kit)
{
    int left = 0;
    for (size_t i = 0; i < hierarchy_count(); i++) {
        DIR *dir = opendir(kit_cgroup(kit, hierarchies[i], ""));
        struct dirent *entry;
        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            left += entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
                    strcmp(entry->d_name, "agent") != 0;
        }
        if (dir != NULL) {
            closedir(dir);
        }
    }
    return left;
}

int kit_mounts_left(struct kit *kit)
{
    struct mountinfo info;
    int left = 0;
    ASSERT(mountinfo_read(&info, NULL) == 0);
    for (size_t i = 0; i < info.count; i++) {
        const char *point = info.entries[i].point;
        left += strncmp(point, kit->dir, strlen(kit->dir)) == 0 &&
                strcmp(point, kit->work_dir) != 0 && strcmp(point, kit->dir) != 0;
    }
    mountinfo_deinit(&info);
    return left;
}

int kit_processes(const char *what)
{
    int found = 0;
    CLEANUP(xfreep) char *text = marked(what);
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char path[300], line[4096];
        snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
        int fd = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? open(path, O_RDONLY) : -1;
        ssize_t size = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
        if (fd >= 0) {
            close(fd);
        }
        for (ssize_t i = 0; i < size; i++) {
            line[i] = line[i] == '\0' ? ' ' : line[i];
        }
        if (size > 0) {
            line[size] = '\0';
            found += strstr(line, text) != NULL;
        }
    }
    closedir(dir);
    return found;
}

bool kit_is_v2(void)
{
    return access("/sys/fs/cgroup/cgroup.procs", F_OK) == 0;
}

bool kit_has_cgroups(void)
{
    return geteuid() == 0 && (kit_is_v2() || kit_has_cgroup_v1());
}

bool kit_has_cgroup_v1(void)
{
    return geteuid() == 0 && access("/sys/fs/cgroup/freezer/cgroup.procs", F_OK) == 0 &&
           access("/sys/fs/cgroup/memory/cgroup.procs", F_OK) == 0;
}
