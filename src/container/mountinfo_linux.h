/*
 * The mounts that this process sees: /proc/self/mountinfo, read once and whole.
 */
#ifndef TEPUI_CONTAINER_MOUNTINFO_LINUX_H
#define TEPUI_CONTAINER_MOUNTINFO_LINUX_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct mountinfo_entry {
    const char *point;   /* where it is mounted, unescaped */
    const char *type;    /* "cgroup", "ext4", ... */
    const char *options; /* of the file system (for cgroup v1: its controllers) */
    const char *flags;   /* of the mount: "rw,nodev,..." */
    unsigned peers;      /* peer group; 0 = none */
    bool shared;
};

struct mountinfo {
    struct mountinfo_entry *entries; /* in the order in which they were mounted */
    size_t count;
    char *text;
};

/* 0 or -errno; deinit is fine in either case. */
int mountinfo_read(struct mountinfo *ret, struct err *err) WARN_UNUSED;
void mountinfo_deinit(struct mountinfo *info);
/* The mount that an absolute real path is on. */
const struct mountinfo_entry *mountinfo_holding(const struct mountinfo *info, const char *path);

#endif
