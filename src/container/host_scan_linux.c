/*
 * What is on this host after a start: folders in runtime_dir and cgroups below our root, whatever
 * the agent's own records say (facts/observed.md, containers 11).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/container_paths.h"
#include "container/host_linux.h"
#include "container/mountinfo_linux.h"

#define RECORD_SIZE_MAX ((size_t)32 << 20)
#define SMALL_FILE_SIZE 4096

static struct blob *read_record(const char *dir, const char *name)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0) {
        return NULL;
    }
    struct buf buf = BUF_INIT;
    if (fstat(fd, &st) == 0 && st.st_size >= 0 && (size_t)st.st_size <= RECORD_SIZE_MAX) {
        ssize_t n;
        while ((n = read(fd, buf_reserve(&buf, 65536), 65536)) > 0) {
            buf.size += (size_t)n;
        }
    }
    close(fd);
    return blob_take(&buf);
}

/* Messages that the original writes stand after their size in four bytes (golden/on_disk.md); ours
 * do so, too (containerizer_record). */
static struct blob *read_message(const char *dir, const char *name)
{
    struct blob *record = read_record(dir, name);
    struct blob *message = NULL;
    if (record != NULL && record->size >= 4) {
        const unsigned char *b = (const unsigned char *)record->data;
        size_t size = b[0] | (size_t)b[1] << 8 | (size_t)b[2] << 16 | (size_t)b[3] << 24;
        if (size <= record->size - 4) {
            message = blob_new(record->data + 4, size);
        }
    }
    blob_unref(record);
    return message;
}

static bool has_file(const char *dir, const char *name)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, name);
    return access(path, F_OK) == 0;
}

static bool read_text(const char *dir, const char *name, char text[SMALL_FILE_SIZE])
{
    CLEANUP(xfreep) char *path = xasprintf("%s/%s", dir, name);
    return apply_read(path, text, SMALL_FILE_SIZE) > 0;
}

/* A first process that the original has started: known by its argument, since its name may be that
 * of a descriptor. */
static bool is_originals(pid_t pid)
{
    char path[64], text[SMALL_FILE_SIZE];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    return apply_read(path, text, sizeof(text)) > 0 && strstr(text, "mesos-containerizer") != NULL;
}

static void find_process(const char *dir, struct containerizer_found *found)
{
    char text[SMALL_FILE_SIZE], launcher[16] = "";
    if (!read_text(dir, "pid", text)) {
        return;
    }
    found->pid = strtol(text, NULL, 10);
    unsigned long long start_time;
    if (read_text(dir, "init", text) && sscanf(text, "%llu %15s", &start_time, launcher) >= 1) {
        found->ours = true;
        found->posix = strcmp(launcher, "posix") == 0;
        found->alive = found->pid > 0 && host_start_time((pid_t)found->pid) == start_time;
    } else {
        found->alive = found->pid > 0 && is_originals((pid_t)found->pid);
    }
}

static void find_container(struct containerizer_host *host, const char *dir, const char *path)
{
    struct containerizer_event *event = host_event(host, CONTAINERIZER_FOUND, path);
    struct containerizer_found *found = &event->found;
    char text[SMALL_FILE_SIZE];
    find_process(dir, found);
    found->standalone = has_file(dir, "standalone.marker");
    found->force_destroy = has_file(dir, "force_destroy_on_recovery");
    found->termination = read_message(dir, "termination");
    found->config = read_message(dir, "config");
    found->launch_info = read_message(dir, "launch_info");
    found->has_status = true;
    char *end = text;
    long status = read_text(dir, "status", text) ? strtol(text, &end, 10) : 0;
    found->status = end != text ? (int)status : W_EXITCODE(0, SIGKILL);
}

/* Folders in `dir` by name, in order, each called with what is above it. */
static void scan_folder(struct containerizer_host *host, const char *dir, const char *above,
                        int depth)
{
    struct dirent **entries = NULL;
    int count = depth < CONTAINER_DEPTH_MAX ? scandir(dir, &entries, NULL, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        CLEANUP(xfreep)
        char *path = above[0] != '\0' ? xasprintf("%s.%s", above, name) : xstrdup(name);
        if (name[0] != '.' && container_paths_valid(path)) {
            CLEANUP(xfreep) char *own = xasprintf("%s/%s", dir, name);
            CLEANUP(xfreep) char *below = xasprintf("%s/containers", own);
            struct stat st;
            if (stat(own, &st) == 0 && S_ISDIR(st.st_mode)) {
                find_container(host, own, path);
                scan_folder(host, below, path, depth + 1);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

/* Those that have left nothing but a cgroup, in any hierarchy. */
static void scan_cgroups(struct containerizer_host *host, const char *root, const char *cgroup,
                         int depth)
{
    CLEANUP(xfreep) char *dir = xasprintf("%s%s%s", root, cgroup[0] != '\0' ? "/" : "", cgroup);
    struct dirent **entries = NULL;
    int count = depth < 2 * CONTAINER_DEPTH_MAX ? scandir(dir, &entries, NULL, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (entries[i]->d_type == DT_DIR && name[0] != '.' && strcmp(name, "leaf") != 0) {
            CLEANUP(xfreep)
            char *below = cgroup[0] != '\0' ? xasprintf("%s/%s", cgroup, name) : xstrdup(name);
            char path[CONTAINER_PATH_SIZE];
            if (container_paths_from_cgroup(slice_from(below), path)) {
                host_event(host, CONTAINERIZER_FOUND, path); /* known ones are not taken twice */
            }
            scan_cgroups(host, root, below, depth + 1);
        }
        free(entries[i]);
    }
    free(entries);
}

/* Mounts in sandboxes, one a line, the latest first. */
static char *scan_mounts(const struct containerizer_host *host)
{
    CLEANUP(buf_deinit) struct buf out = BUF_INIT;
    struct mountinfo info;
    char *work_dir = realpath(host->options.work_dir, NULL);
    if (work_dir != NULL && mountinfo_read(&info, NULL) == 0) {
        size_t size = strlen(work_dir);
        for (size_t i = info.count; i-- > 0;) {
            const char *point = info.entries[i].point;
            if (strncmp(point, work_dir, size) == 0 && point[size] == '/' &&
                (strncmp(point + size, "/slaves/", 8) == 0 ||
                 strncmp(point + size, "/containers/", 12) == 0)) {
                buf_printf(&out, "%s\n", point);
            }
        }
        mountinfo_deinit(&info);
    }
    free(work_dir);
    return out.size != 0 ? xstrdup(buf_text(&out)) : NULL;
}

void host_scan(struct containerizer_host *host)
{
    CLEANUP(xfreep) char *containers = xasprintf("%s/containers", host->options.runtime_dir);
    scan_folder(host, containers, "", 0);
    for (size_t i = 0; host->isolators.is_linux && i < host->facts.hierarchy_count; i++) {
        CLEANUP(xfreep)
        char *root = xasprintf("%s/%s", host->facts.hierarchies[i].path, host->facts.cgroups_root);
        scan_cgroups(host, root, "", 0);
    }
    host_event(host, CONTAINERIZER_SCANNED, "")->text = scan_mounts(host);
}
