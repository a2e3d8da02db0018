/*
 * The fetcher of one container at a time: started with what it is to fetch, and its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/container_paths.h"
#include "container/host_linux.h"
#include "container/host_start_linux.h"
#include "store/below.h"

/* Its log goes to the sandbox's files, which are emptied first (facts/observed.md, tasks 18). */
static int open_log(int sandbox, const char *name)
{
    return openat(sandbox, name, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                  0644);
}

/* A nested container's lies among folders of a user's (store/below.h). */
static int open_sandbox(const struct containerizer_effect *effect)
{
    CLEANUP(buf_deinit) struct buf top = BUF_INIT;
    bool is_nested = strchr(effect->path, '.') != NULL &&
                     container_paths_top_sandbox(effect->sandbox, effect->path, &top);
    return below_open_folder(is_nested ? buf_text(&top) : NULL, effect->sandbox);
}

/* Lines of that kind ('R' or 'D') in `files`, one after another: the path, or NULL at the end. */
static char *next_file(struct slice *files, char kind)
{
    struct slice line;
    while (files->data != NULL && slice_split(files, '\n', &line)) {
        if (line.size > 2 && line.data[0] == kind) {
            return xstrndup(line.data + 2, line.size - 2);
        }
    }
    return NULL;
}

static bool has_cached(const char *files)
{
    struct slice rest = slice_from(files);
    char *path;
    bool all = true;
    while ((path = next_file(&rest, 'R')) != NULL) {
        all = all && access(path, F_OK) == 0;
        free(path);
    }
    return all;
}

static struct blob *cached_sizes(const char *files)
{
    struct slice rest = slice_from(files);
    struct buf sizes = BUF_INIT;
    char *path;
    while ((path = next_file(&rest, 'D')) != NULL) {
        struct stat st;
        int64_t size = stat(path, &st) == 0 ? st.st_size : -1;
        buf_append(&sizes, &size, sizeof(size));
        free(path);
    }
    return blob_take(&sizes);
}

void host_fetch(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct hosted *hosted = host_find(host, effect->path);
    ASSERT(hosted != NULL);
    if (!has_cached(effect->cache_files)) {
        host_event(host, CONTAINERIZER_FETCHED, effect->path)->left = true;
        return;
    }
    free(hosted->cache_files);
    hosted->cache_files = TAKE_PTR(effect->cache_files);
    CLEANUP(xfreep) char *info = xasprintf("MESOS_FETCHER_INFO=%s", effect->fetcher_info);
    CLEANUP(xfreep)
    char *hadoop = host->options.hadoop_home != NULL
                       ? xasprintf("HADOOP_HOME=%s", host->options.hadoop_home)
                       : NULL;
    char *args[] = {host->fetcher, NULL};
    char *env[] = {(char[]){HOST_CHILD_PATH}, info, hadoop, NULL};
    int sandbox = open_sandbox(effect);
    int fds[] = {open_log(sandbox, "stdout"), open_log(sandbox, "stderr"),
                 open("/dev/null", O_RDWR | O_CLOEXEC), sandbox};
    struct host_child child = {
        .program = host->fetcher,
        .cgroup = -1,
        .args = args,
        .env = env,
        .fds = {-1, fds[0], fds[1], -1, -1, -1},
        .null = fds[2],
    };
    int pidfd = -1;
    errno = sandbox < 0 ? -sandbox : errno;
    pid_t pid =
        fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 ? host_start(&child, 0, false, &pidfd) : -errno;
    int r = pid < 0 ? pid : host_watch(host, &hosted->fetching, pidfd, EPOLLIN);
    host_close_all(fds, ELEMENTS(fds));
    if (r < 0) {
        host_event(host, CONTAINERIZER_FETCHED, effect->path)->text =
            xasprintf("Failed to run the fetcher: %s", strerror(-r));
        return;
    }
    hosted->fetcher = pid;
}

void host_fetcher_ended(struct containerizer_host *host, struct hosted *hosted)
{
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)hosted->fetching.fd, &info, WEXITED | __WALL | WNOHANG) == 0 &&
        info.si_pid == 0) {
        return; /* not yet */
    }
    host_unwatch(host, &hosted->fetching);
    hosted->fetcher = 0;
    struct containerizer_event *event = host_event(host, CONTAINERIZER_FETCHED, hosted->path);
    if (info.si_code != CLD_EXITED) {
        event->text = xasprintf("Failed to fetch all URIs for container '%s': terminated with "
                                "signal %s",
                                hosted->path, strsignal(info.si_status));
    } else if (info.si_status != 0) {
        event->text =
            xasprintf("Failed to fetch all URIs for container '%s': exited with status %d",
                      hosted->path, info.si_status);
    } else {
        event->blob = cached_sizes(hosted->cache_files);
    }
}
