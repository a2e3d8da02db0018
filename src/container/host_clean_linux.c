#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "container/apply_linux.h"
#include "container/host_linux.h"
#include "store/below.h"
#include "store/tree_remove.h"

/* --- cgroups --- */

/* Most are empty folders: looked into only if they are not. */
static int remove_cgroup(const char *path, int depth)
{
    if (rmdir(path) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EBUSY || depth >= 2 * CONTAINER_DEPTH_MAX) {
        return -errno;
    }
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            CLEANUP(xfreep) char *child = xasprintf("%s/%s", path, entry->d_name);
            (void)remove_cgroup(child, depth + 1); /* the one above tells */
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return rmdir(path) == 0 || errno == ENOENT ? 0 : -errno;
}

/* Calls `fn` for each line; the sum of what it returns. */
static size_t each_line(const char *text, size_t (*fn)(const char *line))
{
    size_t sum = 0;
    struct slice rest = slice_from(text);
    struct slice line;
    while (slice_split(&rest, '\n', &line)) {
        if (line.size != 0) {
            CLEANUP(xfreep) char *copy = xstrndup(line.data, line.size);
            sum += fn(copy);
        }
    }
    return sum;
}

static size_t clean_cgroup(const char *path)
{
    return remove_cgroup(path, 0) != 0;
}

/* Lazily: what still uses it is gone in a moment, and nobody finds it any more. The mount point
 * stays, empty, as the original's does. */
static size_t clean_mount(const char *path)
{
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == EINVAL || errno == ENOENT) {
        return 0;
    }
    return 1;
}

void host_clean(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct hosted *hosted = host_find(host, effect->path);
    ASSERT(hosted != NULL);
    host_unwatch_limits(host, hosted); /* a removed cgroup would tell of an end that it is not */
    size_t left = 0;
    if (effect->mounts != NULL) {
        left += each_line(effect->mounts, clean_mount);
    }
    if (hosted->place.is_linux && hosted->place.cgroups != NULL) {
        left += each_line(hosted->place.cgroups, clean_cgroup);
    }
    struct err err = {0};
    if (left == 0 && effect->remove_runtime) {
        left += tree_remove(hosted->place.runtime_dir) != 0;
    } else if (left == 0) {
        if (host_write_files(&effect->files, &err) != 0) { /* only a later agent misses it */
            host_warn(host, "%s", err.text);
        }
    }
    host_event(host, CONTAINERIZER_CLEANED, effect->path)->left = left != 0;
    if (left == 0) {
        host_remove(host, hosted);
    }
}

/* --- new amounts --- */

static size_t remove_mount(const char *path)
{
    return apply_unmount(path, NULL) != 0;
}

void host_update(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct err err = {0};
    int r = 0;
    if (effect->mounts != NULL && each_line(effect->mounts, remove_mount) != 0) {
        r = err_set(&err, -EBUSY, "Failed to unmount unneeded persistent volumes");
    }
    if (effect->plan != NULL) {
        struct plan plan;
        struct apply apply = {.is_live = true};
        int decoded = plan_decode(blob_slice(effect->plan), &plan);
        ASSERT(decoded == 0);
        for (size_t i = 0; r == 0 && i < plan.count; i++) {
            r = apply_step(&apply, &plan.steps[i], &err);
        }
        plan_deinit(&plan);
        apply_deinit(&apply);
    }
    struct containerizer_event *event = host_event(host, CONTAINERIZER_UPDATED, effect->path);
    event->token = effect->token;
    event->status = r;
    event->text = r != 0 ? xstrdup(err.text) : NULL;
}

/* --- folders of any size: on a thread of their own --- */

struct job {
    struct containerizer_host *host;
    struct containerizer_event *event; /* the completion */
    char *runtime_dir;                 /* as in the effect */
    char *sandbox;
    char *top_sandbox;
};

/* From the top-level container's sandbox down through no link: tasks may have put some there. */
static int remove_sandbox(const char *top_sandbox, const char *sandbox)
{
    const char *name;
    if (top_sandbox == NULL) {
        return tree_remove(sandbox);
    }
    int at = below_open_folder_of(top_sandbox, sandbox, false, &name);
    if (at < 0) {
        return at == -ENOENT || at == -ENOTDIR ? 0 : at;
    }
    int r = tree_remove_at(at, name);
    close(at);
    return r;
}

static void note(struct job *job, const char *path, int r)
{
    if (r != 0 && job->event->status == 0) {
        job->event->status = r;
        job->event->text = xasprintf("Failed to remove '%s': %s", path, strerror(-r));
    }
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    struct containerizer_host *host = job->host;
    if (job->runtime_dir != NULL) {
        note(job, job->runtime_dir, tree_remove(job->runtime_dir));
    }
    if (job->sandbox != NULL) {
        note(job, job->sandbox, remove_sandbox(job->top_sandbox, job->sandbox));
    }
    free(job->runtime_dir);
    free(job->sandbox);
    free(job->top_sandbox);
    pthread_mutex_lock(&host->lock);
    list_push_back(&host->completed, &job->event->link);
    uint64_t one = 1;
    ssize_t n = write(host->wake.fd, &one, sizeof(one));
    (void)n;
    host->job_count--;
    pthread_cond_signal(&host->jobs_done);
    pthread_mutex_unlock(&host->lock);
    free(job);
    return NULL;
}

void host_forget(struct containerizer_host *host, struct containerizer_effect *effect)
{
    struct job *job = xalloc(sizeof(*job));
    job->host = host;
    job->event = containerizer_event_new(CONTAINERIZER_UPDATED, effect->path);
    job->event->token = effect->token;
    job->runtime_dir = TAKE_PTR(effect->runtime_dir);
    job->sandbox = TAKE_PTR(effect->sandbox);
    job->top_sandbox = TAKE_PTR(effect->top_sandbox);
    pthread_mutex_lock(&host->lock);
    host->job_count++;
    pthread_mutex_unlock(&host->lock);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_job, job) != 0) {
        run_job(job); /* late rather than never */
        return;
    }
    pthread_detach(thread);
}

/* Agents of one host may have the same --fetcher_cache_dir: each has a folder of its own in it,
 * named after its work_dir, which no two can share. */
void host_open_cache(struct containerizer_host *host)
{
    if (host->options.fetcher_cache_dir == NULL) {
        return;
    }
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *c = host->options.work_dir; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    }
    host->cache_dir =
        xasprintf("%s/%016llx", host->options.fetcher_cache_dir, (unsigned long long)hash);
    host->options.fetcher_cache_dir = host->cache_dir;
    if (tree_remove(host->cache_dir) != 0) {
        host_warn(host, "Failed to empty the fetcher's cache '%s'", host->cache_dir);
    }
}

void host_uncache(const char *path)
{
    unlink(path); /* what cannot be removed now is at the agent's next start */
}
