#include "daemon/agent_jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "store/file_reader.h"
#include "store/tree_reader.h"

#define NAME_BUFFER_SIZE 16384
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 37 /* a UUID and a newline */
/* slaves/ID/frameworks/ID */
#define SANDBOXES_DEPTH 3
#define PPM 1000000

/* --- users --- */

struct user_job {
    struct worker_job job;
    struct agent_jobs *jobs;
    char *name; /* heap */
    struct agent_user_found found;
};

static void find_user(struct worker_job *job)
{
    struct user_job *user = CONTAINER_OF(job, struct user_job, job);
    char buffer[NAME_BUFFER_SIZE];
    struct passwd entry;
    struct passwd *found = NULL;
    user->found.name = user->name;
    if (getpwnam_r(user->name, &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL) {
        user->found.found = true;
        user->found.uid = entry.pw_uid;
        user->found.gid = entry.pw_gid;
    }
}

static void tell_user(struct worker_job *job)
{
    struct user_job *user = CONTAINER_OF(job, struct user_job, job);
    user->jobs->on_event(user->jobs->arg,
                         &(struct agent_event){.type = AGENT_USER, .user = user->found});
    free(user->name);
    free(user);
}

void agent_jobs_find_user(struct agent_jobs *jobs, const char *name)
{
    struct user_job *user = xalloc(sizeof(*user));
    user->job.run = find_user;
    user->job.done = tell_user;
    user->jobs = jobs;
    user->name = xstrdup(name);
    workers_submit(jobs->workers, &user->job);
}

/* --- the disk --- */

struct disk_job {
    struct worker_job job;
    struct agent_jobs *jobs;
    char *path; /* heap */
    int64_t usage_ppm;
};

static void look_at_disk(struct worker_job *job)
{
    struct disk_job *disk = CONTAINER_OF(job, struct disk_job, job);
    struct statvfs fs;
    disk->usage_ppm = -1;
    if (statvfs(disk->path, &fs) == 0 && fs.f_blocks > 0) {
        unsigned __int128 used = fs.f_blocks - fs.f_bfree;
        disk->usage_ppm = (int64_t)(used * PPM / fs.f_blocks);
    }
}

static void tell_disk(struct worker_job *job)
{
    struct disk_job *disk = CONTAINER_OF(job, struct disk_job, job);
    disk->jobs->on_event(disk->jobs->arg, &(struct agent_event){.type = AGENT_DISK_USAGE,
                                                                .usage_ppm = disk->usage_ppm});
    free(disk->path);
    free(disk);
}

void agent_jobs_disk_usage(struct agent_jobs *jobs, const char *path)
{
    struct disk_job *disk = xalloc(sizeof(*disk));
    disk->job.run = look_at_disk;
    disk->job.done = tell_disk;
    disk->jobs = jobs;
    disk->path = xstrdup(path);
    workers_submit(jobs->workers, &disk->job);
}

/* --- files --- */

struct file_job {
    struct worker_job job;
    struct agent_jobs *jobs;
    struct file_request *request; /* owned */
    struct file_result result;
};

static void read_file(struct worker_job *job)
{
    struct file_job *file = CONTAINER_OF(job, struct file_job, job);
    file_reader_perform(file->request, &file->result);
}

static void tell_file(struct worker_job *job)
{
    struct file_job *file = CONTAINER_OF(job, struct file_job, job);
    file->jobs->on_event(file->jobs->arg,
                         &(struct agent_event){.type = AGENT_FILE, .file = &file->result});
    file_result_deinit(&file->result);
    file_request_free(file->request);
    free(file);
}

void agent_jobs_read_file(struct agent_jobs *jobs, struct file_request *request)
{
    struct file_job *file = xalloc(sizeof(*file));
    file->job.run = read_file;
    file->job.done = tell_file;
    file->jobs = jobs;
    file->request = request;
    workers_submit(jobs->workers, &file->job);
}

/* --- the start --- */

struct recover_job {
    struct worker_job job;
    struct agent_jobs *jobs;
    char *work_dir; /* heap */
    struct tree meta;
    struct tree sandboxes;
    char boot_id[BOOT_ID_SIZE];
    bool has_boot_id;
    bool failed;
    struct err err;
};

static void read_boot_id(struct recover_job *recover)
{
    int fd = open(BOOT_ID_PATH, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, recover->boot_id, sizeof(recover->boot_id) - 1) : -1;
    if (fd >= 0) {
        close(fd);
    }
    if (size > 0) {
        recover->boot_id[size] = '\0';
        recover->boot_id[strcspn(recover->boot_id, "\n")] = '\0';
        recover->has_boot_id = true;
    }
}

static void read_trees(struct worker_job *job)
{
    struct recover_job *recover = CONTAINER_OF(job, struct recover_job, job);
    char *meta = xasprintf("%s/meta", recover->work_dir);
    char *sandboxes = xasprintf("%s/slaves", recover->work_dir);
    tree_init(&recover->meta);
    tree_init(&recover->sandboxes);
    recover->failed =
        tree_reader_read(meta, &(struct tree_reader_options){.skip = "resource_provider_registry"},
                         &recover->meta, &recover->err) != 0 ||
        tree_reader_read(
            sandboxes,
            &(struct tree_reader_options){.depth_max = SANDBOXES_DEPTH, .names_only = true},
            &recover->sandboxes, &recover->err) != 0;
    read_boot_id(recover);
    free(meta);
    free(sandboxes);
}

static void tell_recovered(struct worker_job *job)
{
    struct recover_job *recover = CONTAINER_OF(job, struct recover_job, job);
    recover->jobs->on_event(
        recover->jobs->arg,
        &(struct agent_event){
            .type = AGENT_RECOVERED,
            .recovered = {.meta = &recover->meta,
                          .sandboxes = &recover->sandboxes,
                          .boot_id = recover->has_boot_id ? recover->boot_id : NULL,
                          .failure = recover->failed ? recover->err.text : NULL}});
    tree_deinit(&recover->meta);
    tree_deinit(&recover->sandboxes);
    free(recover->work_dir);
    free(recover);
}

void agent_jobs_recover(struct agent_jobs *jobs, const char *work_dir)
{
    struct recover_job *recover = xalloc(sizeof(*recover));
    recover->job.run = read_trees;
    recover->job.done = tell_recovered;
    recover->jobs = jobs;
    recover->work_dir = xstrdup(work_dir);
    workers_submit(jobs->workers, &recover->job);
}
