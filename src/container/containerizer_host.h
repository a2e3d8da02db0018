/*
 * The containerizer at work on a Linux host: a thread of its own that owns the core
 * (containerizer.h), performs its effects and waits for pidfds, cgroup events and pipes. The
 * agent's daemon hands requests in and takes reports out; all else is inside.
 *
 *     containerizer_host_start(&options, &host, &err);
 *     event_new(base, containerizer_host_fd(host), EV_READ | EV_PERSIST, on_readable, ...);
 *     ...   containerizer_host_submit(host, &requests);      after each step of the agent's core
 *     on_readable: while ((report = containerizer_host_take(host)) != NULL) { agent_step(report) }
 *
 * Nothing here blocks the caller. The first request after the start must be RECOVER (those of known
 * containers, then the one with path ""); others wait inside until it is answered.
 */
#ifndef TEPUI_CONTAINER_CONTAINERIZER_HOST_H
#define TEPUI_CONTAINER_CONTAINERIZER_HOST_H

#include "common/err.h"
#include "container/container.h"
#include "container/containerizer.h"
#include "container/containerizer_options.h"

struct containerizer_host;

/* Looks at the host, prepares cgroup roots and the shared mount of work_dir, and starts the thread:
 * 0; -errno; CONTAINERIZER_E_OPTIONS for flags that cannot be served (unknown isolators, a launcher
 * that does not work here), which must stop the agent. */
int containerizer_host_start(const struct containerizer_options *options,
                             struct containerizer_host **ret_host, struct err *err) WARN_UNUSED;

/* Stops the thread. Containers live on; requests not yet performed are dropped. NULL is fine. */
struct containerizer_host *containerizer_host_free(struct containerizer_host *host);

/* Takes over all requests of the list, which is left empty. */
void containerizer_host_submit(struct containerizer_host *host,
                               struct container_requests *requests);

/* Readable while reports wait. */
int containerizer_host_fd(const struct containerizer_host *host);
/* The next report, now the caller's, or NULL (the descriptor is then not readable any more). */
struct container_report *containerizer_host_take(struct containerizer_host *host) WARN_UNUSED;

/* What has been counted so far, for metrics. */
struct containerizer_counts containerizer_host_counts(struct containerizer_host *host);

#endif
