/*
 * Disks that --resources names: the folders and mount points that persistent volumes lie on.
 */
#ifndef TEPUI_DAEMON_AGENT_DISKS_H
#define TEPUI_DAEMON_AGENT_DISKS_H

#include "common/err.h"

/* Makes the root of each PATH disk, and refuses a MOUNT disk on whose root nothing is mounted: what
 * is written there would lie on another disk. Relative roots are below work_dir. Text that is no
 * resources passes: the core refuses it. 0 or -errno. */
int agent_disks_prepare(const char *resources, const char *work_dir, struct err *err) WARN_UNUSED;

/* A folder with those above it; fine if it is there. 0 or -errno. */
int agent_disks_make_folder(const char *path, struct err *err) WARN_UNUSED;

#endif
