/*
 * The end of a container's processes (design decision 9): one attempt each time the core asks.
 *
 * cgroup v2: cgroup.kill. v1 with a pid namespace: its first process takes the rest along. v1
 * without, or with something left outside of it: freeze, SIGKILL, thaw. The posix launcher: the
 * first process ends what descends from it (PLAN_SWEEP); if it cannot or will not, by session and
 * group.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/host_linux.h"
#include "container/init_protocol.h"

#define PROCS_SIZE ((size_t)1 << 20)
#define SMALL_FILE_SIZE 4096
#define CGROUP_DEPTH_MAX 64 /* of cgroups below a container's that are looked into */
#define ATTEMPTS_ASKED \
    4 /* so often a posix container's first process is asked, then it is made to */

static int send_signal(const struct hosted *hosted, int signal)
{
    if (hosted->process.fd < 0) {
        return -ESRCH;
    }
    return syscall(SYS_pidfd_send_signal, hosted->process.fd, signal, NULL, 0) == 0 ? 0 : -errno;
}

static bool sweeps(const struct hosted *hosted)
{
    return !hosted->place.is_linux && hosted->place.ours && hosted->released;
}

void host_signal(struct containerizer_host *host, const char *path, int signal)
{
    struct hosted *hosted = host_find(host, path);
    if (hosted == NULL) {
        return;
    }
    /* Killed itself, the first process of a posix container could neither sweep nor tell. */
    send_signal(hosted, signal == SIGKILL && sweeps(hosted) ? INIT_SIGNAL_DESTROY : signal);
}

/* --- cgroups --- */

/* The folder to kill by: the first line; NULL if there is none, or it is not there (any more). */
static char *kill_folder(const struct hosted *hosted)
{
    if (!hosted->place.is_linux || hosted->place.cgroups == NULL) {
        return NULL;
    }
    char *dir = xstrndup(hosted->place.cgroups, strcspn(hosted->place.cgroups, "\n"));
    if (access(dir, F_OK) != 0) {
        free(dir);
        return NULL;
    }
    return dir;
}

/* Wakes us when a process that was killed has really ended. */
static void watch_left(struct containerizer_host *host, struct hosted *hosted, pid_t pid)
{
    if (hosted->left.fd < 0) {
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (pidfd >= 0) {
            host_watch(host, &hosted->left, pidfd, EPOLLIN); /* else the timer wakes us */
        }
    }
}

/* Processes of one cgroup, not of those below; NULL if there are none. The caller frees. */
static char *read_procs(const char *dir)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/cgroup.procs", dir);
    char *text = malloc(PROCS_SIZE);
    ASSERT(text != NULL);
    if (apply_read_pids(path, text, PROCS_SIZE) <= 0) {
        free(text);
        return NULL;
    }
    return text;
}

static pid_t kill_procs(char *text)
{
    pid_t first = 0;
    char *end;
    for (char *at = text;; at = end) {
        long pid = strtol(at, &end, 10);
        if (pid <= 0) {
            return first;
        }
        first = first != 0 ? first : (pid_t)pid;
        kill((pid_t)pid, SIGKILL);
    }
}

static void set_freezer(const char *dir, const char *state)
{
    CLEANUP(xfreep) char *path = xasprintf("%s/freezer.state", dir);
    apply_write(path, state); /* if it fails the next attempt does not */
}

/* Frozen they can neither fork nor leave; SIGKILL is waiting for them when they are thawed. Whether
 * all are frozen in time does not matter: with SIGKILL pending nothing forks. */
static bool kill_frozen(struct containerizer_host *host, struct hosted *hosted, const char *dir)
{
    char *procs = read_procs(dir);
    if (procs == NULL) {
        set_freezer(dir, "THAWED"); /* somebody else may have frozen what comes into it */
        return false;
    }
    free(procs);
    set_freezer(dir, "FROZEN");
    procs = read_procs(dir);
    pid_t first = procs != NULL ? kill_procs(procs) : 0;
    free(procs);
    set_freezer(dir, "THAWED");
    if (first != 0) {
        watch_left(host, hosted, first);
    }
    return true;
}

static bool kill_v1(struct containerizer_host *host, struct hosted *hosted, const char *dir)
{
    if (hosted->alive && hosted->place.own_pid_namespace) {
        /* All in the namespace die with it, and it is not reaped before they are. A frozen one
         * (somebody else's doing) has to be thawed to die. */
        set_freezer(dir, "THAWED");
        return true;
    }
    return kill_frozen(host, hosted, dir) || hosted->alive;
}

static bool is_populated(const char *dir)
{
    char text[SMALL_FILE_SIZE];
    CLEANUP(xfreep) char *path = xasprintf("%s/cgroup.events", dir);
    return apply_read(path, text, sizeof(text)) > 0 && strstr(text, "populated 1") != NULL;
}

void host_kill_cgroup(const char *dir, int depth)
{
    char *procs = read_procs(dir);
    if (procs != NULL) {
        kill_procs(procs);
    }
    free(procs);
    DIR *folder = depth < CGROUP_DEPTH_MAX ? opendir(dir) : NULL;
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            CLEANUP(xfreep) char *below = xasprintf("%s/%s", dir, entry->d_name);
            host_kill_cgroup(below, depth + 1);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

/* Kernels before 5.14 have no cgroup.kill: freezing them by cgroup.freeze, they die frozen. */
static void kill_v2_by_hand(const char *dir)
{
    CLEANUP(xfreep) char *freeze = xasprintf("%s/cgroup.freeze", dir);
    apply_write(freeze, "1");
    host_kill_cgroup(dir, 0);
    apply_write(freeze, "0");
}

static bool kill_v2(struct containerizer_host *host, struct hosted *hosted, const char *dir)
{
    if (!is_populated(dir)) {
        return hosted->alive;
    }
    CLEANUP(xfreep) char *path = xasprintf("%s/cgroup.kill", dir);
    if (apply_write(path, "1") != 0) {
        kill_v2_by_hand(dir);
    }
    CLEANUP(xfreep) char *events = xasprintf("%s/cgroup.events", dir);
    if (hosted->left.fd < 0) {
        int fd = open(events, O_RDONLY | O_CLOEXEC);
        char byte;
        if (fd >= 0 && read(fd, &byte, 1) >= 0) { /* what is read is not told of */
            host_watch(host, &hosted->left, fd, EPOLLPRI);
        }
    }
    return is_populated(dir) || hosted->alive;
}

/* --- without cgroups --- */

static bool kill_posix(struct containerizer_host *host, struct hosted *hosted, int attempt)
{
    if (hosted->alive && hosted->place.ours && !hosted->released) {
        send_signal(hosted, SIGKILL); /* it waits for us: there is nothing below it */
        return true;
    }
    if (hosted->alive && sweeps(hosted) && attempt < ATTEMPTS_ASKED) {
        send_signal(hosted, INIT_SIGNAL_DESTROY);
        send_signal(hosted, SIGCONT);
        return true;
    }
    if (hosted->pid == 0 || (!hosted->alive && hosted->swept)) {
        return false;
    }
    hosted->to_scan = true;
    host->to_scan_count++;
    return true; /* KILLED comes after the scan */
}

void host_kill(struct containerizer_host *host, const struct containerizer_effect *effect)
{
    struct hosted *hosted = host_find(host, effect->path);
    ASSERT(hosted != NULL);
    if (hosted->fetcher != 0) {
        kill(-hosted->fetcher, SIGKILL); /* a session of its own; FETCHED follows */
    }
    CLEANUP(xfreep) char *dir = kill_folder(hosted);
    bool left;
    if (hosted->place.is_linux && hosted->alive) {
        send_signal(hosted, SIGKILL); /* it may not have come into its cgroup yet */
    }
    if (dir != NULL) {
        left = host->facts.cgroups == CGROUPS_V2 ? kill_v2(host, hosted, dir)
                                                 : kill_v1(host, hosted, dir);
    } else if (hosted->place.is_linux && hosted->place.ours) {
        left = hosted->alive; /* it has not yet, or no more, a cgroup: it is alone */
    } else {
        left = kill_posix(host, hosted, effect->attempt);
        if (hosted->to_scan) {
            return;
        }
    }
    if (left && effect->late) {
        host_warn(host, "Container %s has processes that do not end", effect->path);
    }
    host_event(host, CONTAINERIZER_KILLED, effect->path)->left = left;
}

/* --- all processes of the host --- */

struct process {
    pid_t pid, parent, group, session;
    struct hosted *owner; /* whose container it is of; NULL = none that is looked for */
};

struct processes {
    struct process *items;
    size_t count, capacity;
};

/* "12 (name) S 1 12 12 ...": false for what has ended already. */
static bool parse_process(const char *text, struct process *ret)
{
    const char *at = strrchr(text, ')');
    char state;
    int parent, group, session;
    if (at == NULL || sscanf(at + 1, " %c %d %d %d", &state, &parent, &group, &session) != 4 ||
        state == 'Z' || state == 'X') {
        return false;
    }
    *ret = (struct process){
        .pid = (pid_t)strtol(text, NULL, 10), .parent = parent, .group = group, .session = session};
    return true;
}

static void read_processes(struct processes *processes)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char path[300], text[SMALL_FILE_SIZE];
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        if (processes->count == processes->capacity) {
            processes->capacity = processes->capacity != 0 ? processes->capacity * 2 : 1024;
            processes->items =
                xrealloc(processes->items, processes->capacity, sizeof(processes->items[0]));
        }
        if (apply_read(path, text, sizeof(text)) > 0) {
            processes->count += parse_process(text, &processes->items[processes->count]);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

static int by_pid(const void *a, const void *b)
{
    const struct process *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

static struct process *find_process(struct processes *processes, pid_t pid)
{
    struct process key = {.pid = pid};
    return bsearch(&key, processes->items, processes->count, sizeof(key), by_pid);
}

/* Of a container is what is in its session or group, and what descends from that. */
static void claim(struct containerizer_host *host, struct processes *processes)
{
    for (struct map_link *link = map_first(&host->hosted); link != NULL;
         link = map_next(&host->hosted, link)) {
        struct hosted *hosted = CONTAINER_OF(link, struct hosted, link);
        for (size_t i = 0; hosted->to_scan && i < processes->count; i++) {
            struct process *p = &processes->items[i];
            if ((p->pid == hosted->pid && hosted->alive) || p->session == hosted->pid ||
                p->group == hosted->pid) {
                p->owner = hosted;
            }
        }
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < processes->count; i++) {
            struct process *p = &processes->items[i];
            struct process *parent = p->owner == NULL ? find_process(processes, p->parent) : NULL;
            if (parent != NULL && parent->owner != NULL) {
                p->owner = parent->owner;
                changed = true;
            }
        }
    }
}

void host_kill_scanned(struct containerizer_host *host)
{
    struct processes processes = {0};
    read_processes(&processes);
    if (processes.count != 0) {
        qsort(processes.items, processes.count, sizeof(processes.items[0]), by_pid);
    }
    claim(host, &processes);
    for (struct map_link *link = map_first(&host->hosted); link != NULL;
         link = map_next(&host->hosted, link)) {
        struct hosted *hosted = CONTAINER_OF(link, struct hosted, link);
        if (!hosted->to_scan) {
            continue;
        }
        hosted->to_scan = false;
        bool left = hosted->alive;
        for (size_t i = 0; i < processes.count; i++) {
            if (processes.items[i].owner == hosted) {
                left = true;
                kill(processes.items[i].pid, SIGKILL);
                watch_left(host, hosted, processes.items[i].pid);
            }
        }
        host_event(host, CONTAINERIZER_KILLED, hosted->path)->left = left;
    }
    host->to_scan_count = 0;
    free(processes.items);
}
