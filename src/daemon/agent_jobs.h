/*
 * What the agent's core asks of the machine, done by workers: users, disk usage, files, and what is
 * on disk at the start. Each job tells its answer as an event on the loop, and is then gone.
 */
#ifndef TEPUI_DAEMON_AGENT_JOBS_H
#define TEPUI_DAEMON_AGENT_JOBS_H

#include "agent/agent.h"
#include "net/workers.h"

/* Called on the loop. */
typedef void agent_jobs_event_fn(void *arg, const struct agent_event *event);

struct agent_jobs {
    struct workers *workers;
    agent_jobs_event_fn *on_event;
    void *arg; /* for on_event */
};

void agent_jobs_find_user(struct agent_jobs *jobs, const char *name);
void agent_jobs_disk_usage(struct agent_jobs *jobs, const char *path);
/* Takes the request over. */
void agent_jobs_read_file(struct agent_jobs *jobs, struct file_request *request);
/* work_dir/meta, work_dir/slaves and the boot id. */
void agent_jobs_recover(struct agent_jobs *jobs, const char *work_dir);

#endif
