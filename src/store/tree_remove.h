/*
 * Removes whole trees, which may be anybody's work: through no symbolic link, with few descriptors
 * however deep they are, and never what is mounted in them. A volume that is still mounted in an
 * old sandbox is unmounted, not emptied (MESOS-8830).
 */
#ifndef TEPUI_STORE_TREE_REMOVE_H
#define TEPUI_STORE_TREE_REMOVE_H

#include "common/macro.h"

/* Folders that are open at a time; what lies deeper is brought up and removed from there. */
#define TREE_REMOVE_DEPTH_MAX 64

/* A file or a tree at a path, or below a folder that is open as `at` (AT_FDCWD: as for openat).
 * Fine if it is missing. 0, or the first -errno while all that can go goes: -EBUSY where something
 * is mounted that cannot be unmounted. */
int tree_remove(const char *path) WARN_UNUSED;
int tree_remove_at(int at, const char *name) WARN_UNUSED;
/* The same of what is in a folder, which stays: it may be a mount point, or a link to one. */
int tree_empty(const char *path) WARN_UNUSED;

#endif
