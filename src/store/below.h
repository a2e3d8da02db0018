/*
 * Paths whose folders belong to users: from a root that is ours down through no symbolic link,
 * since a task may put one in the place of any folder of its sandbox, and whoever follows it is
 * root.
 */
#ifndef TEPUI_STORE_BELOW_H
#define TEPUI_STORE_BELOW_H

#include <stdbool.h>

#include "common/macro.h"

/* Opens (O_PATH) the folder that holds the last name of `path`, which must begin with `root` and a
 * slash; `ret_name` points to that name in it. With `make`, folders that are missing are made
 * (0755). The descriptor, or -errno: -ENOTDIR also for a link, -EXDEV for "..", -EINVAL for a path
 * that is not below the root. */
int below_open_folder_of(const char *root, const char *path, bool make,
                         const char **ret_name) WARN_UNUSED;
/* The same for the folder that `path` itself names. `root` may be NULL: then all of the path is
 * ours, and links are followed. */
int below_open_folder(const char *root, const char *path) WARN_UNUSED;

#endif
