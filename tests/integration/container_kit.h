/*
 * For tests and benchmarks with real containers: a containerizer in a folder and below a cgroup
 * root of its own, requests, and waiting for reports.
 */
#ifndef TEPUI_TESTS_INTEGRATION_CONTAINER_KIT_H
#define TEPUI_TESTS_INTEGRATION_CONTAINER_KIT_H

#include <stdbool.h>

#include "container/container.h"
#include "container/containerizer_host.h"

#define KIT_TIMEOUT_MS 20000

struct kit {
    char dir[64]; /* of all its files */
    char cgroups_root[64];
    char work_dir[96];
    char runtime_dir[96];
    struct containerizer_options options;
    struct containerizer_host *host;
    struct list reports; /* of struct container_report, not yet awaited, in order */
};

/* Folders and options; the launcher and isolation are the caller's. */
void kit_init(struct kit *kit, const char *launcher, const char *isolation);
/* Starts it and recovers with those containers known (NULL behind the last). */
void kit_start(struct kit *kit, const char *const *known);
void kit_stop(struct kit *kit);   /* containers live on */
void kit_deinit(struct kit *kit); /* stops, and removes the folder and the cgroup roots */

/* A spec with a shell command, a sandbox of its own, 0.1 CPUs and 64 MB; more may be set. */
struct container_spec *kit_spec(struct kit *kit, const char *path, const char *command);
/* <sandbox>/<name> of such a spec, static text. */
const char *kit_file(struct kit *kit, const char *path, const char *name);
struct container_request *kit_request(struct container_requests *requests,
                                      enum container_request_type type, const char *path);
void kit_send(struct kit *kit, struct container_requests *requests);
void kit_launch(struct kit *kit, const char *path, struct container_spec *spec);
void kit_destroy(struct kit *kit, const char *path);

/* The next report of that type (and path, if given); the caller frees. NULL after the timeout. */
struct container_report *kit_try(struct kit *kit, enum container_report_type type, const char *path,
                                 int timeout_ms);
/* Fails the test after the timeout. */
struct container_report *kit_await(struct kit *kit, enum container_report_type type,
                                   const char *path);
/* Awaits and frees; the pid, or the status. */
int64_t kit_launched(struct kit *kit, const char *path);
int kit_terminated(struct kit *kit, const char *path);

/* Waits until the file is there and holds something. Its text (static), or fails the test. */
const char *kit_read(const char *path);
bool kit_exists(const char *path);
/* Folders below the kit's cgroup root in a hierarchy ("freezer" ..., ignored on v2); path of one
 * container if given. */
const char *kit_cgroup(struct kit *kit, const char *controller, const char *id);
int kit_cgroups_left(struct kit *kit);
int kit_mounts_left(struct kit *kit);
/* Processes whose command line holds that text. In commands and here, "sleep 74.." is this
 * program's own. */
int kit_processes(const char *what);

bool kit_is_v2(void);         /* cgroup2 is at /sys/fs/cgroup itself, with all controllers */
bool kit_has_cgroup_v1(void); /* and root */
bool kit_has_cgroups(void);   /* of either version, and root: else tests are skipped */

#endif
